/**
 * What becomes of a writer that is stopped, or called again after its end.
 *
 * @module
 */
import { openObject } from '../peer/opening.ts';
import { fresh, same, toHex, unhex, zeros, type Bytes } from '../peer/primitives.ts';
import { describe } from '../runner/connection.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { failed, type Score } from '../runner/score.ts';
import type { Value } from '../schema/vector.ts';
import { hexOf } from '../vectors.ts';

/** Lengths of content at which a stop is asked for: nothing, a part of a chunk, whole chunks, and in between. */
const STOPS = [0, 1, 16_368, 16_384, 40_000, 65_536];

async function ask(
  { adapter }: CaseContext,
  op: string,
  key: Bytes,
  content: Bytes,
): Promise<Record<string, Value> | Score> {
  if (adapter === undefined) throw new Error('a writer needs an adapter');
  const outcome = await adapter.call(op, {
    key: toHex(key),
    type: 'blob',
    chunkLog2: 14,
    padding: 'none',
    content: toHex(content),
  });
  if (outcome.outcome === 'ok') return { ...outcome.result };
  const how =
    outcome.outcome === 'crash' || outcome.outcome === 'timeout' ? outcome.outcome : 'rejected-valid';
  return failed(how, `${op}: ${describe(outcome)}`);
}

function isScore(value: Record<string, Value> | Score): value is Score {
  return 'status' in value;
}

/** The codes of an answer that are others than they must be. */
function codes(result: Record<string, Value>, first: string, later: string): Score | undefined {
  const expected = JSON.stringify([first, [later, later]]);
  const actual = JSON.stringify([result['first'] ?? null, result['later'] ?? null]);
  return actual === expected ? undefined : failed('state', 'other codes', { expected, actual });
}

/** Stops at every place: the code, and that what came out is the beginning of an object and no object. */
async function stops(context: CaseContext): Promise<Score> {
  for (const length of STOPS) {
    const [key, content] = [fresh(32), fresh(length)];
    const result = await ask(context, 'container.abort', key, content);
    if (isScore(result)) return result;
    const fault = codes(result, 'cancelled', 'cancelled');
    if (fault !== undefined) return fault;
    const { code, released } = openObject(unhex(hexOf(result['output'])), key);
    if (code === 'none')
      return failed('state', `an object of ${length} bytes has an end although it was stopped`);
    if (!same(released, content.slice(0, released.length)))
      return failed('wrong-output', 'what came out before the stop is not the content');
  }
  return { status: 'pass' };
}

/** After a stop, the same content with one byte changed: another salt, and no chunk as it was. */
async function restarts(context: CaseContext): Promise<Score> {
  const [key, content] = [fresh(32), fresh(40_000)];
  const salts = new Set<string>();
  for (const op of ['container.abort', 'container.create', 'container.abort', 'container.create']) {
    const result = await ask(context, op, key, content);
    if (isScore(result)) return result;
    const object = unhex(hexOf(result[op === 'container.abort' ? 'output' : 'object']));
    salts.add(toHex(object.slice(16, 48)));
    content[100] = (content[100] ?? 0) ^ 1;
  }
  return salts.size === 4
    ? { status: 'pass' }
    : failed('not-fresh', 'changed content was sealed under the salt of an object that was stopped');
}

async function closes(context: CaseContext): Promise<Score> {
  for (const length of [0, 20_000]) {
    const result = await ask(context, 'container.after-final', fresh(32), zeros(length));
    if (isScore(result)) return result;
    const fault = codes(result, 'none', 'closed');
    if (fault !== undefined) return fault;
  }
  return { status: 'pass' };
}

const about = { role: 'container-writer', level: 'core', feature: 'streaming' } as const;

/** Behaviour of writers that work piece by piece. */
export const streamingCases: readonly Case[] = [
  {
    ...about,
    id: 'writer.stopped',
    title: 'A writer that is stopped leaves no whole object',
    why: 'A final chunk after a stop makes a part of a file look like all of it.',
    requirements: ['WRT-2', 'CNV-23'],
    run: stops,
  },
  {
    ...about,
    id: 'writer.restarted',
    title: 'Changed content after a stop gets another salt',
    why: 'Two plaintexts under one key and one nonce give both of them away.',
    requirements: ['HDR-2', 'HDR-3'],
    run: restarts,
  },
  {
    ...about,
    id: 'writer.closed',
    title: 'A writer takes nothing after its end, and does not end twice',
    why: 'A second end is a second final chunk.',
    requirements: ['CNV-22'],
    run: closes,
  },
];
