/**
 * Running of cases: each on a tape of its own, by workers that take one after the other from one queue.
 *
 * @module
 */
import type { CaseResult } from '../schema/report.ts';
import { onTape, type Tape } from '../tape/tape.ts';
import type { Witness } from './adapter.ts';
import type { Case, CaseContext } from './case.ts';
import type { Score } from './score.ts';

/** Cases in a row that may end without an answer until it is clear that there will be none. */
const SILENT = 10;

/** What a worker works with. */
export interface Worker {
  readonly context: CaseContext & { readonly adapter?: Witness };
  /** The tape of a case. */
  tape(one: Case): Tape;
  /** Told of every case that was on a tape. */
  done?(tape: Tape): void;
}

/** The result of a case. */
export function resultOf(
  { id, title, why, role, level, requirements }: Case,
  milliseconds: number,
  score: Score | { status: 'not-run' | 'not-applicable'; detail: string },
): CaseResult {
  const about = { id, title, why, role, level, requirements: [...requirements] };
  return { ...about, milliseconds: Math.round(milliseconds), ...score };
}

/** Why a case is not run, if it is not. */
function excuse(
  one: Case,
  context: CaseContext,
): Score | { status: 'not-applicable'; detail: string } | undefined {
  const { hello } = context;
  if (hello?.roles.includes(one.role) === false)
    return { status: 'not-applicable', detail: `hello does not claim ${one.role}` };
  if (hello?.features.includes(one.feature) === false)
    return { status: 'not-applicable', detail: `hello does not claim ${one.feature}` };
  const blocked = one.blocked?.(context);
  return blocked === undefined ? undefined : { status: 'not-run', detail: blocked };
}

/** A case that failed at a request without an answer failed because of that, whatever it made of it. */
function reclassed(score: Score, { adapter }: Worker['context']): Score {
  const last = adapter?.last;
  if (score.status !== 'fail' || last === undefined || score.class === 'over-release') return score;
  switch (last.outcome) {
    case 'crash':
    case 'timeout':
      return { ...score, class: last.outcome };
    case 'unsupported':
      return { ...score, class: 'unsupported-but-claimed' };
    case 'protocol':
      return { status: 'error', detail: last.detail };
    case 'ok':
    case 'reject':
    case 'error':
      return score;
    default:
      return last satisfies never;
  }
}

/** Runs one case. */
export async function runCase(one: Case, worker: Worker): Promise<CaseResult> {
  const { context } = worker;
  const excused = excuse(one, context);
  if (excused !== undefined) return resultOf(one, 0, excused);
  const start = performance.now();
  const tape = worker.tape(one);
  if (context.adapter !== undefined) context.adapter.last = undefined;
  let score: Score;
  try {
    score = reclassed(await onTape(tape, async () => one.run(context)), context);
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    score = { status: 'error', detail };
  }
  worker.done?.(tape);
  return resultOf(one, performance.now() - start, score);
}

/** How a run goes on. */
export interface Pace {
  readonly failFast: boolean;
  /** Called before each case. */
  readonly progress?: (done: number, total: number, next: Case) => void;
}

/**
 * Runs cases in their order, as many at a time as there are workers.
 *
 * @returns results in the order of the cases, and for each worker the case that it had last
 */
export async function runAll(
  cases: readonly Case[],
  workers: readonly Worker[],
  { failFast, progress }: Pace,
): Promise<{ results: CaseResult[]; last: (string | undefined)[] }> {
  const results: CaseResult[] = [];
  const last: (string | undefined)[] = workers.map(() => undefined);
  const queue = cases.entries();
  let stopped: string | undefined;
  let silent = 0;
  const work = async (worker: Worker, number: number): Promise<void> => {
    for (const [place, one] of queue) {
      if (stopped !== undefined) {
        results[place] = resultOf(one, 0, { status: 'not-run', detail: stopped });
        continue;
      }
      progress?.(place, cases.length, one);
      const result = await runCase(one, worker);
      results[place] = result;
      if (result.status === 'not-run' || result.status === 'not-applicable') continue;
      last[number] = one.id;
      silent = result.class === 'timeout' || result.status === 'error' ? silent + 1 : 0;
      if (silent === SILENT) stopped = `stopped after ${SILENT} cases in a row without an answer`;
      if (failFast && (result.status === 'fail' || result.status === 'error'))
        stopped = 'stopped at the first failure';
    }
  };
  await Promise.all(workers.map(work));
  return { results, last };
}
