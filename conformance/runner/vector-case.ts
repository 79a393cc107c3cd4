/**
 * A vector as a case: one request, the folders that the runner owns, one score.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answerable, Value, Vector } from '../schema/vector.ts';
import { draw } from '../tape/tape.ts';
import { unpack } from '../vectors.ts';
import type { Case, CaseContext } from './case.ts';
import { discard, fillFolder, readTree } from './folder.ts';
import { digest, score, scoreTree, type Score } from './score.ts';
import { sweep } from './sweep.ts';

/** Input fields that the runner makes folders of. */
const FOLDERS = ['storage', 'target'];

/** Parameters of the request for `vector`, whose folders are made below `folder`; what comes out goes there too. */
function requestOf(vector: Vector, expect: Answerable, folder: string): Record<string, Value> {
  const { released, tree } = expect;
  const params = Object.entries(vector.input).map(([name, value]): [string, Value] => {
    if (!FOLDERS.includes(name)) return [name, unpack(value)];
    fillFolder(join(folder, name), value);
    return [name, join(folder, name)];
  });
  return {
    ...(released && { sink: join(folder, 'sink') }),
    ...(tree && { target: join(folder, 'target') }),
    ...Object.fromEntries(params),
  };
}

async function run(vector: Vector, context: CaseContext): Promise<Score> {
  if (context.adapter === undefined) throw new Error('a vector needs an adapter');
  const { expect } = vector;
  if (expect.outcome === 'each') return sweep(context.adapter, vector, expect.runs, context.loose);
  // A random name: the adapter learns nothing of the case from its path.
  const folder = join(context.folder, Buffer.from(draw(8)).toString('hex'));
  mkdirSync(folder);
  const outcome = await context.adapter.call(vector.op, requestOf(vector, expect, folder));
  const sink = join(folder, 'sink');
  const released = digest(existsSync(sink) ? readFileSync(sink) : new Uint8Array(0));
  const tree = readTree(join(folder, 'target'));
  discard(folder, context);
  const misplaced = scoreTree(expect, outcome, tree);
  return misplaced ?? score(expect, outcome, released, context.loose);
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
