/**
 * Scenarios in which a client meets a vault of the runner's. What counts is the result, the error, the number of
 * requests, and that no byte that was sent holds the password or the key.
 *
 * @module
 */
import { createServer } from 'node:http';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACCOUNT, BACKUP_KEY, CHEAP, HostileVault, PASSWORD, type Lies } from '../hostile/vault.ts';
import { signerKey } from '../peer/fleet.ts';
import { deriveKeyPair } from '../peer/opaque.ts';
import { cat, fresh, same, toHex, utf8, zeros, type Bytes } from '../peer/primitives.ts';
import { describe } from '../runner/connection.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { failed, type Score } from '../runner/score.ts';
import type { Outcome } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';
import { demand, Failure } from './scenario.ts';

/** What a scenario works with. */
interface Stage {
  readonly vault: HostileVault;
  /** Runs the client once; its state is kept between two runs of one scenario. */
  readonly run: (
    command?: 'recover' | 'register' | 'status',
    more?: Record<string, Value>,
  ) => Promise<Outcome>;
}

interface ClientScenario {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly requirements: readonly string[];
  readonly lies?: (vault: HostileVault) => Lies;
  readonly run: (stage: Stage) => Promise<void>;
}

/** Demands that the client refused, with one of these codes. */
function refused(outcome: Outcome, ...codes: readonly string[]): void {
  if (outcome.outcome === 'reject' && codes.includes(outcome.error)) return;
  const compared = { expected: codes.join(' or '), actual: describe(outcome) };
  if (outcome.outcome === 'crash' || outcome.outcome === 'timeout')
    throw new Failure(outcome.outcome, outcome.detail);
  if (outcome.outcome === 'ok') throw new Failure('accepted-invalid', 'the client believed it', compared);
  throw new Failure(
    outcome.outcome === 'reject' ? 'wrong-error' : 'crash',
    'the client refused for another reason',
    compared,
  );
}

/** Demands that the client succeeded. */
function succeeded(outcome: Outcome): Record<string, Value> {
  if (outcome.outcome === 'ok') return outcome.result;
  throw new Failure(
    outcome.outcome === 'timeout' ? 'timeout' : 'rejected-valid',
    `the client did not succeed: ${describe(outcome)}`,
  );
}

/** Demands these commands, and no other. */
function commands(vault: HostileVault, ...expected: readonly number[]): void {
  const actual = vault.commands();
  if (actual.join() === expected.join()) return;
  throw new Failure('state', 'the client sent other requests', {
    expected: expected.join(),
    actual: actual.join(),
  });
}

function holds(bytes: Bytes, part: Uint8Array): boolean {
  return Buffer.from(bytes).includes(Buffer.from(part));
}

/** Demands that neither password nor key was sent, in the clear or inside a request. */
function secretsKept(vault: HostileVault): void {
  for (const [what, secret] of [
    ['password', utf8(PASSWORD)],
    ['backup key', BACKUP_KEY],
    ['backup key in text', utf8(toHex(BACKUP_KEY))],
  ] as const) {
    demand(!holds(vault.sent(), secret), `the client sent the ${what}`, 'over-release');
  }
}

/** A scenario in which one lie must be refused with one of some codes, after these commands. */
function lie(
  id: string,
  title: string,
  why: string,
  requirements: readonly string[],
  lies: ClientScenario['lies'],
  codes: readonly string[],
  sent: readonly number[],
): ClientScenario {
  return {
    id,
    title,
    why,
    requirements,
    ...(lies && { lies }),
    run: async ({ vault, run }) => {
      refused(await run(), ...codes);
      commands(vault, ...sent);
      secretsKept(vault);
    },
  };
}

const problem = (response: ServerResponse, status: number, code: string): boolean => {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ type: `urn:strongroom:error:${code}`, title: code, status, code }));
  return true;
};

const START = 4;
const FINISH = 5;

/** Clients against hostile vaults. */
const SCENARIOS: readonly ClientScenario[] = [
  {
    id: 'client.recover',
    title: 'A recovery at an honest vault',
    why: 'The whole way, with two requests, and neither password nor key in any byte of them.',
    requirements: ['CLI-18', 'XCH-4', 'OPQ-27'],
    run: async ({ vault, run }) => {
      const { backupKey } = succeeded(await run());
      demand(backupKey === toHex(BACKUP_KEY), 'another key came back', 'wrong-output');
      commands(vault, START, FINISH);
      const sizes = new Set(vault.bodies.map(({ length }) => length));
      demand(sizes.size === 1, `requests of ${sizes.size} sizes`, 'wrong-output');
      secretsKept(vault);
    },
  },
  {
    id: 'client.register',
    title: 'A registration at an honest vault',
    why: 'Start, finish, confirm, in this order; and neither password nor key in any byte of them.',
    requirements: ['CLI-27', 'XCH-4'],
    run: async ({ vault, run }) => {
      succeeded(await run('register'));
      commands(vault, 1, 2, 3);
      secretsKept(vault);
    },
  },
  {
    id: 'client.wrong-password',
    title: 'A wrong password at an honest vault',
    why: 'It is known from the envelope, and from nothing that anyone could make up.',
    requirements: ['CLI-23', 'OPQ-19'],
    run: async ({ vault, run }) => {
      refused(await run('recover', { password: 'another password' }), 'wrong-password');
      demand(vault.commands()[0] === START && vault.commands().length <= 2, 'the client sent other requests');
    },
  },
  {
    id: 'client.fresh',
    title: 'Two recoveries blind afresh',
    why: 'A blind that repeats lets the vault see that two passwords are the same, and more.',
    requirements: ['OPQ-22', 'CHN-4'],
    run: async ({ vault, run }) => {
      for (let i = 0; i < 2; i++) succeeded(await run());
      const [first, , second] = vault.requests;
      const [a, b] = [first?.body ?? zeros(97), second?.body ?? zeros(97)];
      for (const [from, to] of [
        [1, 33],
        [33, 65],
        [65, 97],
      ] as const) {
        demand(!same(a.slice(from, to), b.slice(from, to)), 'two KE1 share a part', 'not-fresh');
      }
      const encs = new Set(vault.bodies.map((body) => toHex(body.slice(196 + 12, 196 + 44))));
      demand(encs.size === vault.bodies.length, 'two requests share an encapsulated key', 'not-fresh');
    },
  },
  {
    id: 'client.fresh-registration',
    title: 'Two registrations blind afresh, and seal under fresh envelopes',
    why: 'A registration that repeats its randomness repeats its keys.',
    requirements: ['OPQ-29', 'CHN-4'],
    run: async ({ vault, run }) => {
      for (let i = 0; i < 2; i++) succeeded(await run('register'));
      const bodies = (command: number): Bytes[] =>
        vault.requests.filter((one) => one.command === command).map(({ body }) => body);
      const [first = zeros(33), second = zeros(33)] = bodies(1);
      demand(!same(first, second), 'two registrations share a blinded element', 'not-fresh');
      // Envelope nonce: behind registration id, a length, public key and masking key.
      const nonce = (body: Bytes): Bytes => body.slice(32 + 2 + 32 + 64, 32 + 2 + 32 + 64 + 32);
      const [one = zeros(162), two = zeros(162)] = bodies(2);
      demand(!same(nonce(one), nonce(two)), 'two registrations share an envelope nonce', 'not-fresh');
    },
  },
  lie(
    'client.stretch-lowered',
    'The vault lowers the stretching',
    'A cheap hash of the password makes every later theft of the record worth while.',
    ['CLI-33', 'OPQ-11'],
    (vault) => ({
      statement: (honest, command) =>
        command === START
          ? { ...honest, body: vault.recoverStarted(lastKe1(vault), { stretch: { ...CHEAP, memoryKib: 8 } }) }
          : honest,
    }),
    ['stretch-out-of-bounds'],
    [START],
  ),
  lie(
    'client.stretch-raised',
    'The vault asks for four TiB of memory',
    'A vault must not be able to bring the device down.',
    ['CLI-33', 'OPQ-11'],
    (vault) => ({
      statement: (honest, command) =>
        command === START
          ? {
              ...honest,
              body: vault.recoverStarted(lastKe1(vault), {
                stretch: { ...CHEAP, memoryKib: 2 ** 32 - 1 },
                ke2: zeros(320),
              }),
            }
          : honest,
    }),
    ['stretch-out-of-bounds'],
    [START],
  ),
  lie(
    'client.server-mac',
    'The vault cannot prove that it holds the registration',
    'A client that sends KE3 all the same hands a guess to whoever asks.',
    ['OPQ-20'],
    () => ({
      statement: (honest, command) =>
        command === START ? { ...honest, body: flipLast(honest.body ?? zeros(1)) } : honest,
    }),
    ['server-authentication-failed'],
    [START],
  ),
  lie(
    'client.unknown-keys',
    'KE2 names an OPRF key that the fleet does not have',
    'Only the keys of the descriptor are those of the fleet.',
    ['FLT-11'],
    (vault) => ({
      statement: (honest, command) =>
        command === START
          ? { ...honest, body: vault.recoverStarted(lastKe1(vault), { oprfKeyId: fresh(8) }) }
          : honest,
    }),
    ['server-authentication-failed'],
    [START],
  ),
  lie(
    'client.reflected',
    'KE2 carries the blinded element back',
    'The key of the OPRF is then 1: whoever has the answer can guess at the password alone.',
    ['OPQ-17'],
    (vault) => ({
      statement: (honest, command) =>
        command === START ? { ...honest, body: reflect(honest.body ?? zeros(1), lastKe1(vault)) } : honest,
    }),
    ['malformed', 'bad-answer'],
    [START],
  ),
  lie(
    'client.sealed-key',
    'The vault gives back a key that is not of this registration',
    'The password was right: a client that says otherwise makes its owner try again.',
    ['OPQ-27', 'OPQ-28'],
    () => ({
      statement: (honest, command) => (command === FINISH ? { ...honest, body: fresh(48) } : honest),
    }),
    ['bad-sealed-key'],
    [START, FINISH],
  ),
  lie(
    'client.bad-signature',
    'A statement whose signature does not verify',
    'A relay could make up every outcome.',
    ['XCH-16', 'CLI-18'],
    () => ({ statement: destroyed, signature: (honest) => flipLast(honest) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.unknown-signer',
    'A statement signed by a key that is not in the descriptor',
    'A good signature of anybody is no signature.',
    ['FLT-12', 'XCH-16'],
    () => ({ statement: destroyed, receiptSecret: fresh(32) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.other-account',
    'A signed outcome of another account',
    'The loss of one account must not be shown to another.',
    ['XCH-16'],
    () => ({ statement: (honest) => ({ ...destroyed(honest), account: utf8('mallory') }) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.other-fleet',
    'A signed outcome of another fleet',
    'Keys may be shared by mistake; statements name their fleet.',
    ['XCH-16'],
    () => ({ statement: (honest) => ({ ...destroyed(honest), fleetId: fresh(16) }) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.other-request',
    'A signed answer to another request',
    'Answers that are kept and played back later are true, and lies.',
    ['XCH-16'],
    () => ({ statement: destroyed, requestHash: () => fresh(32) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.answer-damaged',
    'An answer that does not open',
    'Nothing of it is used, and nothing follows from it.',
    ['CHN-11', 'CHN-12'],
    () => ({ answer: (honest) => flipLast(honest) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.more-than-budget',
    'More attempts are left than the budget has',
    'One of the two numbers is a lie.',
    ['CLI-18'],
    () => ({ statement: (honest) => ({ ...honest, remaining: 200 }) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.destroyed',
    'The vault says, signed, that the key is destroyed',
    'This is the one way to learn it.',
    ['CLI-22'],
    () => ({ statement: destroyed }),
    ['destroyed'],
    [START],
  ),
  lie(
    'client.unknown-fleet-signers',
    'A descriptor that nobody signed who is pinned',
    'Whoever answers at the address would be the vault.',
    ['CLI-16', 'FLT-4'],
    () => ({ signers: [fresh(32), fresh(32)] }),
    ['descriptor-not-trusted'],
    [],
  ),
  lie(
    'client.one-fleet-signer',
    'A descriptor with one signature where two are asked for',
    'One signer alone is not the fleet.',
    ['CLI-16', 'FLT-4'],
    (vault) => ({ signers: vault.signers.slice(0, 1) }),
    ['descriptor-not-trusted'],
    [],
  ),
  lie(
    'client.expired-fleet',
    'A descriptor that has expired',
    'Whoever shows nothing newer must not win for ever.',
    ['CLI-16', 'FLT-4'],
    () => ({ descriptor: (honest) => ({ ...honest, notAfter: honest.notBefore + 1 }) }),
    ['descriptor-expired'],
    [],
  ),
  lie(
    'client.wrong-fleet',
    'The true descriptor of another fleet of these signers',
    'Signers may serve two fleets; the pins name one.',
    ['CLI-16', 'FLT-4'],
    () => ({ descriptor: (honest) => ({ ...honest, fleetId: fresh(16) }) }),
    ['wrong-fleet'],
    [],
  ),
  {
    id: 'client.fleet-rollback',
    title: 'An older descriptor than one that was accepted before',
    why: 'Old keys must not come back, also not after a restart of the client.',
    requirements: ['FLT-7', 'CLI-4'],
    run: async ({ vault, run }) => {
      succeeded(await run('status'));
      vault.lies = { descriptor: (honest) => ({ ...honest, serial: 4 }) };
      const before = vault.bodies.length;
      refused(await run(), 'descriptor-rollback');
      demand(vault.bodies.length === before, 'the client sent a request under a descriptor that it refuses');
    },
  },
  {
    id: 'client.stale',
    title: 'A signed outcome that is older than one that was seen',
    why: 'A relay that keeps an old "destroyed" or "not registered" could show it at any time.',
    requirements: ['XCH-17', 'CLI-5'],
    run: async ({ vault, run }) => {
      succeeded(await run('status'));
      vault.lies = { statement: (honest) => ({ ...destroyed(honest), stateVersion: 3 }) };
      refused(await run(), 'stale-answer');
      vault.lies = {};
      succeeded(await run());
    },
  },
  {
    id: 'client.unsigned-destroyed',
    title: 'A relay says, unsigned, that the key is destroyed',
    why: 'Whoever can answer HTTP could make owners give up.',
    requirements: ['XCH-18', 'CLI-12'],
    lies: () => ({ reply: (_n, response) => problem(response, 410, 'destroyed') }),
    run: async ({ vault, run }) => {
      refused(await run(), 'unavailable');
      vault.lies = {};
      succeeded(await run());
    },
  },
  {
    id: 'client.lost-answer',
    title: 'The first answer is lost',
    why: 'The same bytes must be sent again: other bytes would be charged again.',
    requirements: ['CLI-14'],
    lies: () => ({
      reply: (n, response) => {
        if (n === 0) response.destroy();
        return n === 0;
      },
    }),
    run: async ({ vault, run }) => {
      succeeded(await run());
      const [first, second] = vault.bodies;
      demand(
        first !== undefined && second !== undefined && same(first, second),
        'the repetition has other bytes',
      );
      commands(vault, START, FINISH);
    },
  },
  {
    id: 'client.redirect',
    title: 'The vault redirects to another address',
    why: 'A client that follows tells another host who recovers, and when.',
    requirements: ['CLI-9'],
    run: async ({ vault, run }) => {
      let contacted = 0;
      const elsewhere = createServer((_request, response) => {
        contacted++;
        response.end();
      });
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
      const to = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/v1/exchange`;
      vault.lies = {
        reply: (_n, response) => {
          response.writeHead(307, { location: to }).end();
          return true;
        },
      };
      const outcome = await run();
      elsewhere.closeAllConnections();
      elsewhere.close();
      demand(contacted === 0, 'the client followed the redirect', 'accepted-invalid');
      refused(outcome, 'unavailable');
    },
  },
  {
    id: 'client.flood',
    title: 'An answer without end',
    why: 'A client that reads on fills its memory.',
    requirements: ['CLI-11'],
    lies: (vault) => ({
      reply: (_n, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        const part = zeros(65_536);
        const more = (): void => {
          if (response.destroyed || vault.taken > 64 << 20) {
            response.end();
            return;
          }
          vault.taken += part.length;
          if (response.write(part)) setImmediate(more);
          else response.once('drain', more);
        };
        more();
        return true;
      },
    }),
    run: async ({ vault, run }) => {
      refused(await run(), 'unavailable', 'bad-answer');
      demand(vault.taken < 32 << 20, `the client took ${vault.taken} bytes`, 'accepted-invalid');
    },
  },
  {
    id: 'client.stall',
    title: 'An answer that never comes',
    why: 'A client without a limit of time waits for ever.',
    requirements: ['CLI-10'],
    lies: () => ({ reply: () => true }),
    run: async ({ run }) => {
      refused(await run('recover', { timeout: 150 }), 'unavailable');
    },
  },
  {
    id: 'client.registration-server-key',
    title: 'A registration that is answered with the key of another server',
    why: 'A client that takes the key from the message registers with whoever answers.',
    requirements: ['OPQ-18'],
    lies: () => ({
      statement: (honest, command) =>
        command === 1
          ? {
              ...honest,
              body: cat((honest.body ?? zeros(32)).slice(0, -32), deriveKeyPair(fresh(32)).publicKey),
            }
          : honest,
    }),
    run: async ({ vault, run }) => {
      refused(await run('register'), 'server-authentication-failed');
      commands(vault, 1);
      secretsKept(vault);
    },
  },
];

function lastKe1(vault: HostileVault): Bytes {
  return (vault.requests.at(-1)?.body ?? zeros(97)).slice(1);
}

function flipLast(bytes: Uint8Array): Bytes {
  return Uint8Array.from(bytes, (byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
}

/** KE2 lies behind attempt id, two key ids, stretching and a length. */
function reflect(body: Uint8Array, ke1: Uint8Array): Bytes {
  const at = 32 + 8 + 8 + 11 + 2;
  return cat(body.slice(0, at), ke1.slice(0, 32), body.slice(at + 32));
}

function destroyed<T extends object>(
  honest: T,
): T & { outcome: 'destroyed'; phase: 'destroyed'; remaining: 0; body: Bytes } {
  return { ...honest, outcome: 'destroyed', phase: 'destroyed', remaining: 0, body: zeros(0) };
}

async function runScenario(scenario: ClientScenario, context: CaseContext): Promise<Score> {
  const { adapter } = context;
  if (adapter === undefined) throw new Error('a client needs an adapter');
  const vault = await new HostileVault().open();
  vault.lies = scenario.lies?.(vault) ?? {};
  const state = mkdtempSync(join(context.folder, 'client-'));
  const { memoryKib, iterations, parallelism } = CHEAP;
  const run: Stage['run'] = async (command = 'recover', more = {}) =>
    adapter.call('client.run', {
      url: vault.url,
      pins: {
        fleetId: toHex(vault.fleetId),
        signers: vault.signers.map((one) => toHex(signerKey(one))),
        threshold: 2,
      },
      account: ACCOUNT,
      password: PASSWORD,
      backupKey: toHex(BACKUP_KEY),
      stretchFloor: { memoryKib, iterations, parallelism },
      timeout: 5000,
      state,
      command,
      ...more,
    });
  try {
    await scenario.run({ vault, run });
    return { status: 'pass' };
  } catch (error) {
    if (error instanceof Failure) return failed(error.class, error.message, error.compared);
    throw error;
  } finally {
    await vault.close();
  }
}

/** The cases. */
export const clientCases: readonly Case[] = SCENARIOS.map((scenario) => ({
  id: scenario.id,
  title: scenario.title,
  why: scenario.why,
  requirements: scenario.requirements,
  role: 'vault-client',
  level: 'core',
  feature: 'client',
  blocked: (context: CaseContext) => (context.adapter === undefined ? 'needs an adapter' : undefined),
  run: async (context: CaseContext) => runScenario(scenario, context),
}));
