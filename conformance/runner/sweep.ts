/**
 * Sweeps: one rule that stands for many edits of one object, asked for in batches (spec/conformance.md, "Sweeps").
 *
 * @module
 */
import * as z from 'zod';
import type { Run, Vector } from '../schema/vector.ts';
import { unpack } from '../vectors.ts';
import type { Connection } from './connection.ts';
import { failed, score, type Score } from './score.ts';

/** Edits in one request. */
const BATCH = 2048;

/** What an adapter says of edits, one after the other: how many, their code, and the bytes that were given out. */
const runsSchema = z.array(z.tuple([z.int().positive(), z.string(), z.int().nonnegative()]));

const ruleSchema = z.looseObject({ first: z.int(), step: z.int(), count: z.int().positive() });

/** One element for each edit. */
function* each<T extends { readonly count: number }>(runs: readonly T[]): Generator<T, undefined, undefined> {
  for (const run of runs) for (let i = 0; i < run.count; i++) yield run;
  return undefined;
}

function judge(
  wanted: Run | undefined,
  code: string,
  released: number,
  edit: number,
  loose: boolean,
): Score | undefined {
  if (wanted === undefined) throw new Error('a sweep expects fewer results than it has edits');
  const compared = {
    expected: `${wanted.code}, ${wanted.released.join(' or ')} bytes released`,
    actual: `${code}, ${released} bytes released`,
  };
  if (!wanted.released.includes(released))
    return failed(
      wanted.code === 'none' ? 'wrong-output' : 'over-release',
      `edit ${edit} released something else`,
      compared,
    );
  if (code === wanted.code) return undefined;
  const how =
    code === 'none' ? 'accepted-invalid' : wanted.code === 'none' ? 'rejected-valid' : 'wrong-error';
  if (loose && how === 'wrong-error') return undefined;
  return failed(how, `edit ${edit} ended otherwise`, compared);
}

/** Runs a sweep, in requests of a bounded size; the first edit that ends otherwise than expected decides. */
export async function sweep(
  adapter: Pick<Connection, 'call'>,
  vector: Vector,
  runs: readonly Run[],
  loose: boolean,
): Promise<Score> {
  const input = Object.fromEntries(
    Object.entries(vector.input).map(([name, value]) => [name, unpack(value)]),
  );
  const { first, step, count } = ruleSchema.parse(input);
  const wanted = each(runs);
  for (let done = 0; done < count; done += BATCH) {
    const size = Math.min(BATCH, count - done);
    const start = first + done * step;
    const outcome = await adapter.call(vector.op, { ...input, first: start, count: size });
    if (outcome.outcome !== 'ok') return score({ outcome: 'ok', result: {} }, outcome, undefined);
    const answered = runsSchema.safeParse(outcome.result['runs']).data ?? [];
    const found = answered.map(([times, code, released]) => ({ count: times, code, released }));
    if (found.reduce((sum, run) => sum + run.count, 0) !== size)
      return failed('wrong-output', `the answer is not about ${size} edits`);
    let edit = start;
    for (const { code, released } of each(found)) {
      const fault = judge(wanted.next().value, code, released, edit, loose);
      if (fault !== undefined) return fault;
      edit += step;
    }
  }
  return { status: 'pass' };
}
