/**
 * Load on a vault: requests that were made beforehand, sent by many clients at once, and what each cost.
 *
 * @module
 */
import { systemRandom } from '../reference/crypto/random.ts';
import { startLogin, type Suite } from '../reference/opaque/index.ts';
import { utf8, type Bytes } from '../reference/wire/bytes.ts';
import type { Row } from './harness.ts';
import { accountName, Core, recoverStart } from './vault-core.ts';

/** Clients that ask at once. */
export const CLIENTS = 64;
/** Rounds of everything that is compared, in turn. */
export const ROUNDS = 3;

/** What one operation took, in microseconds. */
export interface Cost {
  readonly wall: number;
  /** Processor time of the calling thread. */
  readonly thread: number;
  /** Processor time of all threads of this process: also the store's, those that flush files, and the collector's. */
  readonly cpu: number;
}

/** Runs `count` operations. */
export async function costOf(count: number, run: () => unknown): Promise<Cost> {
  const sum = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / count;
  const [begun, all, own] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()];
  await run();
  return {
    wall: (1000 * (performance.now() - begun)) / count,
    thread: sum(process.threadCpuUsage(own)),
    cpu: sum(process.cpuUsage(all)),
  };
}

/** Takes values in turn, in as many loops as there are clients. */
export async function inTurn<T>(values: readonly T[], use: (value: T) => Promise<void>): Promise<void> {
  const queue = values.values();
  const client = async (): Promise<void> => {
    for (const value of queue) await use(value);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** Fresh `recover-start`s, of accounts in turn, or of any `count` of `accounts` if those are more. */
export function recoverStarts(suite: Suite, fleetId: Bytes, accounts: number, count: number): Bytes[] {
  const random = new Uint32Array(systemRandom('accounts', 4 * count).buffer);
  const { ke1 } = startLogin(suite, utf8('correct horse battery staple'));
  return Array.from({ length: count }, (_, i) => {
    // The nonce alone makes it another one; to the vault it is all the same.
    const fresh = ke1.slice();
    fresh.set(systemRandom('client_nonce', 32), 32);
    const account = accounts <= count ? i % accounts : (random[i] ?? 0) % accounts;
    return recoverStart(fleetId, accountName(account), fresh);
  });
}

/** What a `recover-start` costs at a core. @throws Error if one is not answered by KE2 */
export async function recoverCost(core: Core, requests: readonly Bytes[]): Promise<Cost> {
  const answers: Bytes[] = [];
  const cost = await costOf(requests.length, () =>
    inTurn(requests, async (request) => void answers.push(await core.answer(request))),
  );
  for (const answer of answers) Core.check(answer);
  return cost;
}

/** The median of each measure of a name. */
export class Medians<T extends object> {
  readonly #all = new Map<string, T[]>();

  note(name: string, cost: T): void {
    this.#all.set(name, [...(this.#all.get(name) ?? []), cost]);
  }

  of(name: string, measure: keyof T): number {
    const values = (this.#all.get(name) ?? []).map((cost) => Number(cost[measure]));
    return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  }
}

/** A row, with its ratio to another one. */
export function row(section: string, name: string, value: number, unit: string, to?: Row): Row {
  const line = { section, name, value, unit };
  return to === undefined ? line : { ...line, ratio: { to: to.name.trim(), value: value / to.value } };
}
