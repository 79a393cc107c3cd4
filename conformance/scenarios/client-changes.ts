/**
 * Scenarios in which a client deletes, cancels, changes its password, replaces a registration, and keeps a head.
 *
 * @module
 */
import { HEAD_LENGTH } from '../peer/bodies.ts';
import { signHead } from '../peer/head.ts';
import { deriveKeyPair } from '../peer/opaque.ts';
import { cat, fresh, same, toHex, zeros, type Bytes } from '../peer/primitives.ts';
import type { Outcome } from '../schema/protocol.ts';
import { BACKUP_KEY, type HostileVault } from '../hostile/vault.ts';
import { commands, refused, secretsKept, sends, succeeded, type ClientScenario } from './client-stage.ts';
import { demand } from './scenario.ts';

const NEW_PASSWORD = 'another unmistakable password 815';
const KEY = { proof: 'key' };
const NO_KEY = { proof: 'none' };

function head(generation: number): Bytes {
  const manifestId = fresh(32);
  return signHead(BACKUP_KEY, {
    setId: zeros(16),
    generation,
    manifestId,
    created: 1_700_000_000,
    keyEpoch: 1,
  });
}

/** Bodies of the requests of one command. */
function bodies(vault: HostileVault, command: number): Bytes[] {
  return vault.requests.filter((one) => one.command === command).map(({ body }) => body);
}

/** Demands the kinds of the proofs of the requests of one command. */
function proofs(vault: HostileVault, command: number, ...kinds: readonly number[]): void {
  const given = vault.requests.filter((one) => one.command === command).map(({ proof }) => proof);
  demand(given.join() === kinds.join(), `proofs of the kinds ${given.join()}, not ${kinds.join()}`);
}

/** Demands what the client says of a change that waits. */
function tells(outcome: Outcome, change: 'none' | 'replacement' | 'deletion'): void {
  const { scheduled } = succeeded(outcome);
  const actual = JSON.stringify(scheduled);
  demand(scheduled === change, `the client says that ${actual} waits, not ${change}`, 'wrong-output');
}

/** Deletion, and what waits. */
const waiting: readonly ClientScenario[] = [
  {
    id: 'client.delete',
    title: 'A deletion with the key',
    why: 'The signature of the owner is over this request, at the version that the vault stated last.',
    requirements: ['CLI-50', 'XCH-4'],
    run: async ({ vault, run }) => {
      tells(await run('delete', KEY), 'none');
      proofs(vault, 7, 2);
      secretsKept(vault);
    },
  },
  {
    id: 'client.delete-by-password',
    title: 'A deletion with the password',
    why: 'An owner without the key has nothing else.',
    requirements: ['CLI-50'],
    run: async ({ vault, run }) => {
      succeeded(await run('delete', { proof: 'password' }));
      proofs(vault, 7, 1);
      sends(vault, [4, 7]);
      secretsKept(vault);
    },
  },
  {
    id: 'client.delete-unproved',
    title: 'A deletion without proof, and what every answer then tells',
    why: 'An owner who is not told of what waits cannot cancel it.',
    requirements: ['CLI-47'],
    run: async ({ vault, run }) => {
      tells(await run('delete', NO_KEY), 'deletion');
      proofs(vault, 7, 0);
      for (const command of ['status', 'recover'] as const) {
        tells(await run(command), 'deletion');
      }
      tells(await run('cancel', KEY), 'none');
      proofs(vault, 8, 2);
    },
  },
  {
    id: 'client.delete-not-done',
    title: 'A vault says ok to a deletion, and that the key is in use',
    why: 'The owner would believe that the key is gone.',
    requirements: ['CLI-50'],
    lies: () => ({
      statement: (honest, command) => (command === 7 ? { ...honest, phase: 'active' } : honest),
    }),
    run: async ({ run }) => refused(await run('delete', KEY), 'bad-answer'),
  },
  {
    id: 'client.delete-with-body',
    title: 'An ok to a deletion with something in it',
    why: 'What is no answer to this request must not be taken for one because its outcome is right.',
    requirements: ['CLI-21', 'CNV-6'],
    lies: () => ({
      statement: (honest, command) => (command === 7 ? { ...honest, body: zeros(1) } : honest),
    }),
    run: async ({ run }) => refused(await run('delete', KEY), 'bad-answer'),
  },
  {
    id: 'client.delete-other-registration',
    title: 'The account is registered anew while its owner deletes',
    why: 'What was meant for one key must not be said again about another.',
    requirements: ['CLI-51'],
    lies: () => ({
      statement: (honest, command) =>
        command === 7
          ? { ...honest, outcome: 'conflict', phase: 'active', generation: 2, body: zeros(0) }
          : honest,
    }),
    run: async ({ vault, run }) => {
      refused(await run('delete', KEY), 'conflict');
      demand(bodies(vault, 7).length === 1, 'the client deletes again, at another version');
    },
  },
  {
    id: 'client.register-unproved',
    title: 'A replacement without proof waits, and is confirmed again with the same bytes',
    why: 'A client that lets go of its journal has nothing left to confirm when the time comes.',
    requirements: ['CLI-48', 'CLI-49'],
    run: async ({ vault, run }) => {
      tells(await run('register', NO_KEY), 'replacement');
      proofs(vault, 3, 0);
      succeeded(await run('resume'));
      const [first, second] = bodies(vault, 3);
      demand(
        first !== undefined && second !== undefined && same(first, second),
        'the registration is confirmed with other bytes',
      );
      demand(bodies(vault, 1).length === 1, 'the client registers anew');
      secretsKept(vault);
    },
  },
  {
    id: 'client.register-beside',
    title: 'A replacement without proof, where another one waits',
    why: 'The owner would wait for a key that never comes, and not cancel the one that does.',
    requirements: ['CLI-49'],
    lies: () => ({
      statement: (honest, command) =>
        command === 6 && honest.scheduledChange === 'replacement'
          ? { ...honest, body: cat(zeros(96), fresh(32), zeros(9)) }
          : honest,
    }),
    run: async ({ run }) => refused(await run('register', NO_KEY), 'scheduled'),
  },
  {
    id: 'client.register-unprepared',
    title: 'The older backups cannot be made readable with the new key',
    why: 'Once it is confirmed the old key is gone, and the backups with it.',
    requirements: ['CLI-54', 'REG-10'],
    run: async ({ vault, run }) => {
      const failing = { proof: 'key', prepare: 'fails' };
      demand((await run('register', failing)).outcome === 'reject', 'the client went on', 'accepted-invalid');
      commands(vault, 1, 2);
      refused(await run('resume'), 'registration-unfinished');
      commands(vault, 1, 2);
      succeeded(await run('resume', { prepare: 'works' }));
      commands(vault, 1, 2, 3);
    },
  },
];

/** A new password. */
const passwords: readonly ClientScenario[] = [
  {
    id: 'client.change-password',
    title: 'A new password, with the key at hand and without',
    why: 'Both passwords stay on the device, and the key behind the new one is the one that was behind the old.',
    requirements: ['CLI-52', 'CLI-53'],
    run: async ({ vault, run }) => {
      succeeded(await run('change-password', { ...NO_KEY, newPassword: NEW_PASSWORD }));
      sends(vault, [9, 10]);
      const { backupKey } = succeeded(await run('recover', { password: NEW_PASSWORD }));
      demand(backupKey === toHex(BACKUP_KEY), 'another key came back', 'wrong-output');
      succeeded(
        await run('change-password', { ...KEY, password: NEW_PASSWORD, newPassword: `${NEW_PASSWORD}!` }),
      );
      succeeded(await run('recover', { password: `${NEW_PASSWORD}!` }));
      secretsKept(vault);
      demand(
        !Buffer.from(vault.sent()).includes(NEW_PASSWORD),
        'the client sent the new password',
        'over-release',
      );
    },
  },
  {
    id: 'client.change-lost',
    title: 'The answer to a change is lost, and the client starts again',
    why: 'Only the same bytes tell it which of the two passwords holds.',
    requirements: ['CLI-53', 'CLI-13'],
    run: async ({ vault, run }) => {
      vault.lies = { lost: 10 };
      refused(await run('change-password', { ...KEY, newPassword: NEW_PASSWORD }), 'unavailable');
      vault.lies = {};
      succeeded(await run('resume'));
      demand(new Set(bodies(vault, 10).map(toHex)).size === 1, 'the change is sent with other bytes');
      demand(bodies(vault, 9).length === 1, 'the client begins another change');
      succeeded(await run('recover', { password: NEW_PASSWORD }));
    },
  },
  {
    id: 'client.change-other-key',
    title: 'A new password with a key that is not the registered one',
    why: 'The change would put it in the place of the one that opens the backups.',
    requirements: ['CLI-52'],
    run: async ({ vault, run }) => {
      const backupKey = toHex(fresh(32));
      refused(
        await run('change-password', { ...KEY, backupKey, newPassword: NEW_PASSWORD }),
        'not-authorised',
      );
      demand(bodies(vault, 10).length === 0, 'the client changes the key', 'accepted-invalid');
    },
  },
  {
    id: 'client.change-wrong-password',
    title: 'A new password, with a wrong old one',
    why: 'It is known from the envelope; nothing that could change the account follows.',
    requirements: ['CLI-23'],
    run: async ({ vault, run }) => {
      const wrong = { ...KEY, password: 'wrong', newPassword: NEW_PASSWORD };
      refused(await run('change-password', wrong), 'wrong-password');
      demand(bodies(vault, 10).length === 0, 'the client finishes the change', 'accepted-invalid');
    },
  },
  {
    id: 'client.change-server-key',
    title: 'A change that is answered with the key of another server',
    why: 'A client that takes the key from the message puts its key behind whoever answers.',
    requirements: ['OPQ-18'],
    lies: () => ({
      statement: (honest, command) =>
        command === 9
          ? {
              ...honest,
              body: cat((honest.body ?? zeros(32)).slice(0, -32), deriveKeyPair(fresh(32)).publicKey),
            }
          : honest,
    }),
    run: async ({ vault, run }) => {
      refused(
        await run('change-password', { ...KEY, newPassword: NEW_PASSWORD }),
        'server-authentication-failed',
      );
      demand(bodies(vault, 10).length === 0, 'the client finishes the change', 'accepted-invalid');
      secretsKept(vault);
    },
  },
];

/** Heads at a vault. */
const heads: readonly ClientScenario[] = [
  {
    id: 'client.head',
    title: 'A head is put, got, and followed by the next',
    why: 'The hash of the previous head keeps two devices from undoing what the other has done.',
    requirements: ['CLI-55', 'FRS-4'],
    run: async ({ vault, run }) => {
      demand(succeeded(await run('get-head'))['head'] === null, 'there is a head already', 'wrong-output');
      const [first, second, third] = [head(1), head(2), head(3)].map(toHex);
      succeeded(await run('put-head', { head: first ?? '' }));
      demand(succeeded(await run('get-head'))['head'] === first, 'another head came back', 'wrong-output');
      succeeded(await run('put-head', { head: second ?? '', previous: first ?? '' }));
      refused(await run('put-head', { head: third ?? '', previous: first ?? '' }), 'conflict');
      proofs(vault, 12, 2, 2, 2);
      proofs(vault, 11, 2, 2);
      secretsKept(vault);
    },
  },
  {
    id: 'client.head-not-kept',
    title: 'A vault answers a put with another head',
    why: 'The owner would believe that the newest backup is known there.',
    requirements: ['CLI-55'],
    lies: () => ({
      statement: (honest, command) => (command === 12 ? { ...honest, body: zeros(HEAD_LENGTH) } : honest),
    }),
    run: async ({ run }) => refused(await run('put-head', { head: toHex(head(1)) }), 'bad-answer'),
  },
  {
    id: 'client.head-refused',
    title: 'A vault refuses to give the head out',
    why: 'No answer is not the answer that there is none: a rollback would pass.',
    requirements: ['CLI-55'],
    lies: () => ({
      statement: (honest, command) =>
        command === 11 ? { ...honest, outcome: 'not-authorised', body: zeros(0) } : honest,
    }),
    run: async ({ run }) => refused(await run('get-head'), 'not-authorised'),
  },
];

/** Everything that changes an account. */
export const clientChanges: readonly ClientScenario[] = [...waiting, ...passwords, ...heads];
