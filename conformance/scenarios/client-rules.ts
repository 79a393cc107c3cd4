/**
 * What a client keeps, and what it refuses before anything is sent.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fresh, toHex, zeros, type Bytes } from '../peer/primitives.ts';
import { signerKey } from '../peer/fleet.ts';
import { COMMANDS } from '../peer/exchange.ts';
import type { HostileVault } from '../hostile/vault.ts';
import type { Value } from '../schema/vector.ts';
import { observe } from '../tape/tape.ts';
import {
  commands,
  flipLast,
  lie,
  problem,
  refused,
  secretsKept,
  succeeded,
  type ClientScenario,
} from './client-stage.ts';
import { demand } from './scenario.ts';

/** Pins of the vault's fleet, with some signers and a threshold. */
function pins(vault: HostileVault, signers: readonly Bytes[], threshold: number): Record<string, Value> {
  return { fleetId: toHex(vault.fleetId), signers: signers.map((one) => toHex(signerKey(one))), threshold };
}

/** Demands that a registration was begun once at most, and sent no further than `register-finish`. */
function begunOnce(vault: HostileVault): void {
  const sent = vault.commands();
  demand(
    sent.filter((command) => command === COMMANDS['register-start']).length === 1,
    'a second registration was begun beside the first',
  );
  demand(!sent.includes(COMMANDS['register-confirm']), 'the client confirmed what was not finished');
}

const DAMAGE = Buffer.from('\u0000 no state of a client');

/** Overwrites every file below a folder; their number. */
function damage(folder: string): number {
  const names = filesBelow(folder);
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), DAMAGE);
  }
  return names.length;
}

function filesBelow(folder: string): string[] {
  return observe('files of the client', () =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort(),
  );
}

/** True if what was damaged lies there as it was left. */
function stillDamaged(folder: string): boolean {
  return filesBelow(folder).every((name) =>
    observe({ damaged: name }, () => readFileSync(join(folder, name)).equals(DAMAGE)),
  );
}

/** Rules of clients. */
export const clientRules: readonly ClientScenario[] = [
  {
    id: 'client.pins',
    title: 'Pins that cannot be meant',
    why: 'A threshold of none trusts anybody, and a signer that counts twice is one signer.',
    requirements: ['CLI-3'],
    run: async ({ vault, run }) => {
      const [one = zeros(32), two = zeros(32)] = vault.signers;
      for (const bad of [
        pins(vault, [one, two], 0),
        pins(vault, [one, two], 3),
        pins(vault, [one, one], 2),
        pins(vault, [], 0),
      ]) {
        refused(await run('recover', { pins: bad }), 'invalid-config');
      }
      commands(vault);
    },
  },
  {
    id: 'client.password-unprepared',
    title: 'Passwords that cannot be prepared',
    why: 'A guess is charged: it must not be spent on what could not be right.',
    requirements: ['CLI-34'],
    run: async ({ vault, run }) => {
      for (const password of ['', 'with a bell \u0007', 'not assigned \u0378']) {
        refused(await run('recover', { password }), 'invalid-password');
        refused(await run('register', { password }), 'invalid-password');
      }
      commands(vault);
    },
  },
  {
    id: 'client.register-stretch',
    title: 'A fleet whose policy stretches less than the client allows',
    why: 'What is registered cheaply can be guessed cheaply for as long as it is there.',
    requirements: ['CLI-32'],
    run: async ({ vault, run }) => {
      const floor = { iterations: 3, memoryKib: 256, parallelism: 1 };
      refused(await run('register', { stretchFloor: floor }), 'stretch-out-of-bounds');
      demand(!vault.commands().includes(COMMANDS['register-finish']), 'the client registered all the same');
      secretsKept(vault);
    },
  },
  ...(
    [
      ['recover-start', 'recover', 'short', (body: Uint8Array): Bytes => new Uint8Array(body.slice(0, -1))],
      ['recover-finish', 'recover', 'long', (body: Uint8Array): Bytes => new Uint8Array([...body, 0])],
      ['register-start', 'register', 'short', (body: Uint8Array): Bytes => new Uint8Array(body.slice(0, -1))],
      ['register-finish', 'register', 'empty', (): Bytes => zeros(0)],
    ] as const
  ).map(([command, asked, how, change]): ClientScenario => ({
    id: `client.${command}-${how}`,
    title: `An answer to ${command} whose body is ${how === 'empty' ? 'empty' : `too ${how}`}`,
    why: 'What a parser makes of a body that is none must not be taken for an answer.',
    requirements: ['CLI-21'],
    lies: () => ({
      statement: (honest, number) =>
        number === COMMANDS[command] ? { ...honest, body: change(honest.body ?? zeros(1)) } : honest,
    }),
    run: async ({ vault, run }) => {
      refused(await run(asked), 'bad-answer');
      demand(vault.commands().at(-1) === COMMANDS[command], 'the client went on');
    },
  })),
  {
    id: 'client.attempts-left',
    title: 'The attempts that are left, as the vault signs them',
    why: 'Owners decide by this number whether to try again.',
    requirements: ['CLI-24'],
    run: async ({ vault, run }) => {
      for (const remaining of [7, 2]) {
        vault.lies = { statement: (honest) => ({ ...honest, remaining }) };
        const told = succeeded(await run('status'))['remaining'];
        demand(told === remaining, `the client does not tell that ${remaining} are left`, 'wrong-output');
      }
    },
  },
  {
    id: 'client.bad-answer-forgotten',
    title: 'A forged answer of a high version',
    why: 'A client that remembers it refuses every true answer from then on.',
    requirements: ['CLI-20'],
    lies: () => ({
      statement: (honest) => ({ ...honest, stateVersion: 1_000_000 }),
      signature: (honest) => flipLast(honest),
    }),
    run: async ({ vault, run }) => {
      refused(await run('status'), 'bad-answer');
      vault.lies = {};
      succeeded(await run('status'));
    },
  },
  {
    id: 'client.http-statuses',
    title: 'Every other status, and problem documents',
    why: 'None of them is signed: each means that there was no answer, and nothing else.',
    requirements: ['HTP-4'],
    run: async ({ vault, run }) => {
      for (const status of [201, 204, 400, 403, 404, 410, 429, 500, 503]) {
        vault.lies = { reply: (_n, response) => problem(response, status, 'not-registered') };
        refused(await run(), 'unavailable');
      }
      vault.lies = { reply: (_n, response) => problem(response, 200, 'destroyed') };
      refused(await run(), 'unavailable', 'bad-answer');
      vault.lies = {};
      succeeded(await run());
    },
  },
  {
    id: 'client.finish-lost',
    title: 'The answer to register-finish is lost, and another registration is asked for',
    why: 'The first one may be live: who begins another forgets the secret that confirms it.',
    requirements: ['CLI-28'],
    lies: () => ({ lost: COMMANDS['register-finish'] }),
    run: async ({ vault, run, restart }) => {
      refused(await run('register'), 'unavailable');
      vault.lies = {};
      await restart();
      refused(await run('register', { backupKey: toHex(fresh(32)) }), 'registration-unfinished');
      refused(await run('register'), 'registration-unfinished');
      begunOnce(vault);
      succeeded(await run('resume'));
      demand(vault.commands().at(-1) === COMMANDS['register-confirm'], 'what was resumed was not confirmed');
    },
  },
  {
    id: 'client.finish-conflict',
    title: 'The vault answers register-finish with conflict',
    why: 'Somebody else registers there too: the owner has to hear of it, and decide.',
    requirements: ['CLI-31', 'CLI-27'],
    lies: () => ({
      statement: (honest, command) =>
        command === COMMANDS['register-finish'] ? { ...honest, outcome: 'conflict', body: zeros(0) } : honest,
    }),
    run: async ({ vault, run, restart }) => {
      refused(await run('register'), 'conflict');
      await restart();
      refused(await run('register'), 'registration-unfinished');
      begunOnce(vault);
    },
  },
  {
    id: 'client.state-damaged',
    title: 'What the client remembers is overwritten with other bytes',
    why: 'A client that begins anew believes old descriptors and old answers again.',
    requirements: ['CLI-7'],
    run: async ({ vault, run, restart, state }) => {
      succeeded(await run('status'));
      demand(damage(state) > 0, 'the client remembers nothing in its state');
      await restart();
      const before = vault.bodies.length;
      refused(await run('status'), 'state-damaged');
      demand(vault.bodies.length === before, 'the client sent a request without knowing what it had seen');
      demand(stillDamaged(state), 'the client wrote over what it could not read');
    },
  },
  {
    id: 'client.fleet-restart',
    title: 'An older descriptor, after the client was started anew',
    why: 'What is remembered in memory alone is forgotten at the next start, and old keys are back.',
    requirements: ['CLI-6', 'FLT-7'],
    run: async ({ vault, run, restart }) => {
      succeeded(await run('status'));
      vault.lies = { descriptor: (honest) => ({ ...honest, serial: 4 }) };
      await restart();
      refused(await run('status'), 'descriptor-rollback');
      vault.lies = { descriptor: (honest) => ({ ...honest, notAfter: honest.notAfter + 1 }) };
      refused(await run('status'), 'descriptor-rollback');
    },
  },
  {
    id: 'client.fleet-level',
    title: 'A newer descriptor of a lower protection level',
    why: 'Who has the keys of the signers could move a fleet from devices to files without a word.',
    requirements: ['FLT-15'],
    run: async ({ vault, run, restart }) => {
      const relayKeys = [signerKey(fresh(32))];
      vault.lies = { descriptor: (honest) => ({ ...honest, level: 2, assertionMode: 1, relayKeys }) };
      succeeded(await run('status'));
      vault.lies = { descriptor: (honest) => ({ ...honest, serial: honest.serial + 1, level: 1 }) };
      await restart();
      refused(await run('status'), 'descriptor-rollback');
    },
  },
  {
    id: 'client.fleet-kept',
    title: 'A descriptor that is refused, and then the one before it again',
    why: 'A client that remembers the serial of a forgery is shut out of its own fleet.',
    requirements: ['FLT-8'],
    run: async ({ vault, run }) => {
      succeeded(await run('status'));
      const forged = { ...vault.lies, signers: [fresh(32), fresh(32)] };
      vault.lies = { ...forged, descriptor: (honest) => ({ ...honest, serial: 1000 }) };
      refused(await run('status'), 'descriptor-not-trusted');
      vault.lies = { descriptor: (honest) => ({ ...honest, serial: 1000, notAfter: honest.notBefore + 1 }) };
      refused(await run('status'), 'descriptor-expired');
      vault.lies = {};
      succeeded(await run('status'));
    },
  },
  lie(
    'client.keys-of-the-past',
    'A registration under keys that are for old registrations alone',
    'Such keys are on their way out: what is registered under them is lost with them.',
    ['FLT-14'],
    () => ({
      descriptor: (honest) => ({
        ...honest,
        opaqueKeys: honest.opaqueKeys.map((each) => ({ ...each, notAfterNew: honest.notBefore })),
      }),
    }),
    ['server-authentication-failed'],
    [COMMANDS['register-start']],
    'register',
  ),
];
