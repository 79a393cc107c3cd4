/**
 * Vectors whose values nobody has seen before this run: made by the generators of the published ones, from the seed.
 * Whoever only knows the published answers fails them.
 *
 * @module
 */
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';
import { moduleUrl } from '../../assets.ts';
import type { Case, CaseContext } from '../../runner/case.ts';
import { shuffled } from '../../runner/plan.ts';
import type { Score } from '../../runner/score.ts';
import { vectorCase } from '../../runner/vector-case.ts';
import type { Role, Vector, VectorFile } from '../../schema/vector.ts';
import type { VectorSet } from '../../vectors.ts';

/** Vectors of each outcome that one case asks. */
const SAMPLE = 3;

/** Families of arithmetic, which have no values to choose. */
const WITHOUT_VALUES: readonly string[] = ['lengths'];

const made = new Map<number, Promise<VectorFile[]>>();

async function make(seed: number): Promise<VectorFile[]> {
  const worker = new Worker(moduleUrl('cases/fresh/worker'), {
    env: { ...process.env, STRONGROOM_VALUES: `values of the run with seed ${seed}` },
  });
  const [files]: VectorFile[][] = await once(worker, 'message');
  if (files === undefined) throw new Error('no vectors were made');
  return files;
}

/** All families with the values of a seed: the same ids, words and edits as the published ones. */
export async function freshVectors(seed: number): Promise<VectorFile[]> {
  const before = made.get(seed);
  if (before !== undefined) return before;
  const files = make(seed);
  made.set(seed, files);
  return files;
}

interface Group {
  readonly feature: string;
  readonly role: Role;
  readonly vectors: readonly Vector[];
}

/** The published vectors that can be made anew, by feature and role. */
function groups(set: VectorSet): Group[] {
  const all = [...set.vectors.values()].filter(
    ({ vector, feature }) => vector.level === 'core' && !WITHOUT_VALUES.includes(feature),
  );
  const byName = Map.groupBy(all, ({ vector, feature }) => `${feature}.${vector.role}`);
  return [...byName.values()].flatMap((group) =>
    group.slice(0, 1).map(({ vector: { role }, feature }) => ({
      feature,
      role,
      vectors: group.map(({ vector }) => vector),
    })),
  );
}

/** Some of the group with other values than the published ones, accepting and rejecting. */
async function sample({ feature, vectors }: Group, seed: number): Promise<Vector[]> {
  const published = new Map(vectors.map((vector) => [vector.id, vector]));
  const fresh = (await freshVectors(seed))
    .filter((file) => file.feature === feature)
    .flatMap((file) => file.vectors)
    .filter(({ id, input }) => {
      const known = published.get(id);
      return known !== undefined && !isDeepStrictEqual(known.input, input);
    });
  const byOutcome = Map.groupBy(shuffled(fresh, seed), (vector) => vector.expect.outcome);
  // What must be accepted comes first, so that an implementation fails in one way, whatever the seed picks.
  return (['ok', 'each', 'reject'] as const).flatMap((outcome) =>
    (byOutcome.get(outcome) ?? []).slice(0, SAMPLE),
  );
}

async function ask(group: Group, context: CaseContext): Promise<Score> {
  const vectors = await sample(group, context.seed);
  if (vectors.length === 0) throw new Error(`no vector of ${group.feature} has other values`);
  for (const vector of vectors) {
    const one = vectorCase(vector, group.feature);
    if (one.blocked?.(context) !== undefined) continue;
    const result = await one.run(context);
    if (result.status !== 'pass')
      return { ...result, detail: `${vector.id} with values of this run: ${result.detail}` };
  }
  return { status: 'pass' };
}

/** One case for each feature and role that has vectors. */
export function freshCases(set: VectorSet): Case[] {
  return groups(set).map((group) => {
    const { feature, role, vectors } = group;
    const cases = vectors.map((vector) => vectorCase(vector, feature));
    return {
      id: `fresh.${feature}.${role}`,
      title: `Vectors of ${feature} with values of this run`,
      why: 'Published answers can be known by heart, or be the only ones that are right.',
      role,
      level: 'core',
      requirements: ['CFM-15'],
      feature,
      blocked: (context) => {
        const reasons = cases.map((one) => one.blocked?.(context));
        return reasons.includes(undefined) ? undefined : reasons[0];
      },
      run: async (context) => ask(group, context),
    };
  });
}
