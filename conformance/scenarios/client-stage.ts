/**
 * What scenarios of clients share: the vault of the runner's, the run of a client, and what is demanded of it.
 *
 * @module
 */
import { mkdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { ACCOUNT, BACKUP_KEY, CHEAP, HostileVault, PASSWORD, type Lies } from '../hostile/vault.ts';
import { signerKey } from '../peer/fleet.ts';
import type { ChannelSuite } from '../peer/kem.ts';
import { fresh, toHex, utf8, zeros, type Bytes } from '../peer/primitives.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { describe } from '../runner/connection.ts';
import { failed, type Score } from '../runner/score.ts';
import type { Outcome } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';
import { demand, Failure } from './scenario.ts';

/** What a client can be asked to do. */
export type ClientCommand =
  | 'recover'
  | 'register'
  | 'status'
  | 'delete'
  | 'cancel'
  | 'change-password'
  | 'resume'
  | 'get-head'
  | 'put-head';

/** What a scenario works with. */
export interface Stage {
  readonly vault: HostileVault;
  /** Runs the client once; its state is kept between two runs of one scenario. */
  readonly run: (command?: ClientCommand, more?: Record<string, Value>) => Promise<Outcome>;
  /** Ends the process of the client; the next run starts another. */
  readonly restart: () => Promise<void>;
  /** Folder of the client's state. */
  readonly state: string;
}

/** One scenario. */
export interface ClientScenario {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly requirements: readonly string[];
  /** Channel suite of the vault; 1 unless told. */
  readonly suite?: ChannelSuite;
  readonly lies?: (vault: HostileVault) => Lies;
  readonly run: (stage: Stage) => Promise<void>;
}

/** Demands that the client refused, with one of these codes. */
export function refused(outcome: Outcome, ...codes: readonly string[]): void {
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
export function succeeded(outcome: Outcome): Record<string, Value> {
  if (outcome.outcome === 'ok') return outcome.result;
  throw new Failure(
    outcome.outcome === 'timeout' ? 'timeout' : 'rejected-valid',
    `the client did not succeed: ${describe(outcome)}`,
  );
}

/** Demands these commands, and no other. */
export function commands(vault: HostileVault, ...expected: readonly number[]): void {
  const actual = vault.commands();
  if (actual.join() === expected.join()) return;
  throw new Failure('state', 'the client sent other requests', {
    expected: expected.join(),
    actual: actual.join(),
  });
}

/** Demands that of these commands each was sent, in this order, whatever was sent beside them. */
export function sends(vault: HostileVault, expected: readonly number[]): void {
  const actual = vault.commands().filter((command) => expected.includes(command));
  demand(actual.join() === expected.join(), `of ${expected.join()} the client sent ${actual.join()}`);
}

function holds(bytes: Bytes, part: Uint8Array): boolean {
  return Buffer.from(bytes).includes(Buffer.from(part));
}

/** Demands that neither password nor key was sent, in the clear or inside a request. */
export function secretsKept(vault: HostileVault): void {
  for (const [what, secret] of [
    ['password', utf8(PASSWORD)],
    ['backup key', BACKUP_KEY],
    ['backup key in text', utf8(toHex(BACKUP_KEY))],
  ] as const) {
    demand(!holds(vault.sent(), secret), `the client sent the ${what}`, 'over-release');
  }
}

/** A scenario in which one lie must be refused with one of some codes, after these commands. */
export function lie(
  id: string,
  title: string,
  why: string,
  requirements: readonly string[],
  lies: ClientScenario['lies'],
  codes: readonly string[],
  sent: readonly number[],
  command: ClientCommand = 'recover',
): ClientScenario {
  return {
    id,
    title,
    why,
    requirements,
    ...(lies && { lies }),
    run: async ({ vault, run }) => {
      refused(await run(command), ...codes);
      commands(vault, ...sent);
      secretsKept(vault);
    },
  };
}

/** Answers with a problem document, as anyone on the way could. */
export const problem = (response: ServerResponse, status: number, code: string): boolean => {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ type: `urn:strongroom:error:${code}`, title: code, status, code }));
  return true;
};

/** Bytes with the last bit flipped. */
export function flipLast(bytes: Uint8Array): Bytes {
  return Uint8Array.from(bytes, (byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
}

/** A statement that says that the key is destroyed. */
export function destroyed<T extends object>(
  honest: T,
): T & { outcome: 'destroyed'; phase: 'destroyed'; remaining: 0; body: Bytes } {
  return { ...honest, outcome: 'destroyed', phase: 'destroyed', remaining: 0, body: zeros(0) };
}

async function runScenario(scenario: ClientScenario, context: CaseContext): Promise<Score> {
  const { adapter } = context;
  if (adapter === undefined) throw new Error('a client needs an adapter');
  const vault = await new HostileVault(scenario.suite).open();
  vault.lies = scenario.lies?.(vault) ?? {};
  const state = join(context.folder, `client-${toHex(fresh(8))}`);
  mkdirSync(state);
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
  const unread = (): Score | undefined =>
    vault.fault === undefined
      ? undefined
      : failed('wrong-output', `the client sent what no vault can read: ${vault.fault}`);
  try {
    await scenario.run({ vault, run, restart: async () => adapter.close(), state });
    return unread() ?? { status: 'pass' };
  } catch (error) {
    if (error instanceof Failure) return unread() ?? failed(error.class, error.message, error.compared);
    throw error;
  } finally {
    await vault.close();
  }
}

/** The case of a scenario. */
export function clientCase(scenario: ClientScenario): Case {
  const { id, title, why, requirements } = scenario;
  return {
    id,
    title,
    why,
    requirements,
    role: 'vault-client',
    level: 'core',
    feature: 'client',
    blocked: (context) => (context.adapter === undefined ? 'needs an adapter' : undefined),
    run: async (context) => runScenario(scenario, context),
  };
}
