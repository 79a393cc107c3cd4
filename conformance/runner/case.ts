/**
 * What the runner runs: a vector, a probe or a scenario, all behind one interface.
 *
 * @module
 */
import type { Hello } from '../schema/protocol.ts';
import type { Level, Role } from '../schema/vector.ts';
import type { Adapter } from './adapter.ts';
import type { Score } from './score.ts';

/** What a case may use. */
export interface CaseContext {
  /** The adapter; absent when only a vault's address was given. */
  readonly adapter?: Adapter;
  readonly hello?: Hello;
  /** Address of a running vault; absent if the adapter starts vaults itself. */
  readonly vaultUrl?: string;
  /** A folder of the worker; cases make their own names in it. */
  readonly folder: string;
  /** Number of the worker: each has a process of the adapter, and runs one case at a time. */
  readonly worker: number;
  /** Seed of the run: the order, and values that are made for this run alone. */
  readonly seed: number;
  readonly loose: boolean;
}

/** One case. */
export interface Case {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly role: Role;
  readonly level: Level;
  readonly requirements: readonly string[];
  /** Feature of `hello` that the case needs; it is not applicable without. */
  readonly feature: string;
  /** Milliseconds after which the runner gives up. */
  readonly timeout?: number;
  /** Why the case cannot run in this context, if it cannot. */
  blocked?(context: CaseContext): string | undefined;
  /** Runs it once. */
  run(context: CaseContext): Promise<Score>;
}
