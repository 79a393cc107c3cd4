/**
 * A vector as a case: one request, the sink that the runner owns, one score.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Value, Vector } from '../schema/vector.ts';
import { unpack } from '../vectors.ts';
import type { Case, CaseContext } from './case.ts';
import { digest, score, type Score } from './score.ts';

/** Parameters of the request for `vector`; `sink` is added where released plaintext is measured. */
export function requestOf(vector: Vector, sink: string): Record<string, Value> {
  const params = Object.fromEntries(Object.entries(vector.input).map(([key, value]) => [key, unpack(value)]));
  return vector.expect.released === undefined ? params : { ...params, sink };
}

async function run(vector: Vector, context: CaseContext): Promise<Score> {
  if (context.adapter === undefined) throw new Error('a vector needs an adapter');
  // A random name: the adapter learns nothing of the case from its path.
  const sink = join(context.folder, randomBytes(8).toString('hex'));
  const outcome = await context.adapter.call(vector.op, requestOf(vector, sink));
  const released = digest(existsSync(sink) ? readFileSync(sink) : new Uint8Array(0));
  rmSync(sink, { force: true });
  return score(vector.expect, outcome, released, context.loose);
}

/** The case that runs `vector`. */
export function vectorCase(vector: Vector, feature: string): Case {
  return {
    id: vector.id,
    title: vector.title,
    why: vector.why,
    role: vector.role,
    level: vector.level,
    requirements: vector.requirements,
    feature,
    blocked: (context) => {
      if (context.adapter === undefined) return 'needs an adapter';
      if ('inject' in vector.input && context.hello?.testing === false) return 'needs a build with injection';
      return undefined;
    },
    run: async (context) => run(vector, context),
  };
}
