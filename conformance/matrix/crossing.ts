/**
 * What is common to every combination of implementations: requests that are remembered, checks that are counted, and
 * values that the seed of the run decides.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expand, sha256, utf8, type Bytes } from '../peer/primitives.ts';
import { describe } from '../runner/connection.ts';
import type { Cell, CheckFailure } from '../schema/matrix.ts';
import type { Outcome } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';
import type { Member } from './implementations.ts';

/** Parameters of a request. */
export type Parameters = Record<string, Value>;

/** An answer that is not as it must be, and the request that it answers. */
export class Mismatch extends Error {
  readonly who: string;
  readonly request: { readonly op: string; readonly params: Parameters };

  constructor(who: string, request: Mismatch['request'], message: string) {
    super(message);
    this.who = who;
    this.request = request;
  }
}

/** One request; whatever is no success is a mismatch. */
export async function ask(member: Member, op: string, params: Parameters): Promise<Parameters> {
  const outcome = await member.connection.call(op, params);
  if (outcome.outcome === 'ok') return outcome.result;
  throw new Mismatch(member.name, { op, params }, `${op} ended with ${describe(outcome)}`);
}

/** One request that must be refused with this code. */
export async function refused(
  member: Member,
  op: string,
  params: Parameters,
  code: string,
): Promise<Outcome> {
  const outcome = await member.connection.call(op, params);
  if (outcome.outcome === 'reject' && outcome.error === code) return outcome;
  throw new Mismatch(
    member.name,
    { op, params },
    `${op} ended with ${describe(outcome)}, where ${code} is the answer`,
  );
}

/** What an action came to, to be asked for later and more than once: its result, or its mismatch thrown. */
export async function attempt<T>(action: () => Promise<T>): Promise<() => T> {
  try {
    const result = await action();
    return () => result;
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    return () => {
      throw error;
    };
  }
}

/** Bytes that the seed of a run and a name decide. */
export function drawn(seed: number, name: string, length: number): Bytes {
  const key = sha256(utf8(`strongroom matrix ${seed}`));
  const blocks = Math.ceil(length / 8000);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < blocks; i++)
    bytes.set(expand(key, utf8(`${name} ${i}`), Math.min(8000, length - 8000 * i)), 8000 * i);
  return bytes;
}

/** What a run gives every combination. */
export interface Run {
  readonly seed: number;
  /** Where requests that failed are kept, and what they need. */
  readonly out: string;
  /** Called before each combination. */
  readonly progress: (text: string) => void;
}

/** Name of the folder of the report that holds what failing requests need. */
export const WORK = 'work';
/** Name of the folder of the report that holds failing requests. */
export const REQUESTS = 'requests';

let folders = 0;

/** An empty folder of the run. */
export function newFolder(run: Run, name: string): string {
  const folder = join(run.out, WORK, `${++folders}-${name}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Removes the folders of combinations, if nothing failed that needs them. */
export function removeFolders(run: Run): void {
  rmSync(join(run.out, WORK), { recursive: true, force: true });
}

function keep(run: Run, request: Mismatch['request']): string {
  const folder = join(run.out, REQUESTS);
  mkdirSync(folder, { recursive: true });
  const name = join(REQUESTS, `${++folders}.jsonl`);
  writeFileSync(join(run.out, name), `${JSON.stringify({ id: '1', ...request })}\n`);
  return name;
}

/** Checks, counted; a check is over at its first mismatch. */
export class Checks {
  readonly #run: Run;
  readonly #failures: CheckFailure[] = [];
  readonly #start: number = performance.now();
  #passed = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Runs a check. @returns whether it passed */
  async check(name: string, play: () => Promise<void>): Promise<boolean> {
    try {
      await play();
      this.#passed++;
      return true;
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      const request = keep(this.#run, error.request);
      this.#failures.push({ check: name, who: error.who, detail: error.message, request });
      return false;
    }
  }

  /** The combination that these checks were about. */
  cell(by: readonly string[], reader: string): Cell {
    return {
      by: [...by],
      reader,
      passed: this.#passed,
      failures: this.#failures,
      milliseconds: Math.round(performance.now() - this.#start),
    };
  }
}
