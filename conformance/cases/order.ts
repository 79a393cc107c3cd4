/**
 * Two faults at once: the one that the steps of the specification meet first is the one that is reported.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openObject } from '../peer/opening.ts';
import { cat, fresh, toHex, zeros, type Bytes } from '../peer/primitives.ts';
import { writeObject, type Recipe } from '../peer/sealed-object.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { score, type Score } from '../runner/score.ts';
import type { Outcome } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';
import { within } from '../tape/tape.ts';

const C = 2 ** 14;
const HEADER = 88;
const SEALED = C + 16;

/** What is opened. */
interface Attempt {
  readonly recipe: Recipe;
  readonly object: Bytes;
  readonly key: Bytes;
  readonly objectLength?: number;
}

type Fault = (attempt: Attempt) => Attempt;

function flip(at: number): Fault {
  return (attempt) => {
    const object = attempt.object.slice();
    const place = at < 0 ? object.length + at : at;
    if (place < object.length) object[place] = (object[place] ?? 0) ^ 1;
    return { ...attempt, object };
  };
}

/** In the order in which the writer, the storage and the reader make them. */
const FAULTS: readonly (readonly [what: string, fault: Fault])[] = [
  ['a pad scheme 7', (attempt) => resealed(attempt, { trailerScheme: 7 })],
  ['a byte of padding that is not zero', (attempt) => resealed(attempt, { padByteAt: 5 })],
  ['a bit of the suite', flip(9)],
  ['a bit of the type', flip(11)],
  ['a reserved bit', flip(15)],
  ['a bit of the salt', flip(20)],
  ['a bit of the first chunk', flip(HEADER + 3)],
  ['a bit of the second chunk', flip(HEADER + SEALED + 3)],
  ['a bit of the last tag', flip(-1)],
  ['cut behind the second chunk', cut(HEADER + 2 * SEALED + 9)],
  ['cut in the second chunk', cut(HEADER + SEALED + 500)],
  ['known to be a byte shorter', (attempt) => ({ ...attempt, objectLength: attempt.object.length - 1 })],
  ['known to be a byte longer', (attempt) => ({ ...attempt, objectLength: attempt.object.length + 1 })],
  ['known to have 40 bytes', (attempt) => ({ ...attempt, objectLength: 40 })],
  ['another key', (attempt) => ({ ...attempt, key: fresh(32) })],
];

function cut(length: number): Fault {
  return (attempt) => ({ ...attempt, object: attempt.object.slice(0, length) });
}

function resealed(attempt: Attempt, mistake: Partial<Recipe>): Attempt {
  const recipe = { ...attempt.recipe, ...mistake };
  return { ...attempt, recipe, object: writeObject(recipe).object };
}

/** An attempt, and what the steps of the specification come to. */
interface Known {
  readonly what: string;
  readonly attempt: Attempt;
  readonly code: string;
}

function known(what: string, attempt: Attempt): Known {
  const { object, key, objectLength } = attempt;
  return {
    what,
    attempt,
    code: openObject(object, key, objectLength === undefined ? {} : { objectLength }).code,
  };
}

/** Every pair of faults; they are made once in a run, and asked for as streams and as files. */
const made = new WeakMap<CaseContext, Known[]>();

function pairs(): Known[] {
  const sound = attemptAt(fresh(2 * C + 700));
  const all = FAULTS.flatMap(([what, one], i) =>
    FAULTS.slice(i + 1).map(([then, other]) => known(`${what}, then ${then}`, other(one(sound)))),
  );
  // Two chunks and more of padding: the one in front is marked, the one behind is damaged.
  const long = resealed(attemptAt(cat(fresh(1000), zeros(2 ** 20))), { padByteAt: 9 });
  return [...all, known('padding, and a chunk behind it', flip(HEADER + 65 * SEALED)(long))];
}

/** Asks with two faults at a time, in `ask`, and compares with the steps of the specification. */
async function twoFaults(context: CaseContext, ask: (attempt: Attempt) => Promise<Outcome>): Promise<Score> {
  const all = made.get(context) ?? within('two faults', pairs);
  made.set(context, all);
  for (const { what, attempt, code } of all) {
    const one = score({ outcome: 'reject', errors: [code] }, await ask(attempt), undefined);
    if (one.status !== 'pass') return { ...one, detail: `${what}: ${one.detail}` };
  }
  return { status: 'pass' };
}

function attemptAt(content: Bytes): Attempt {
  const key = fresh(32);
  const recipe: Recipe = { key, salt: fresh(32), content, padding: 1 };
  return { recipe, key, object: writeObject(recipe).object };
}

function place({ folder }: CaseContext): string {
  return join(folder, toHex(fresh(8)));
}

async function ask(
  { adapter }: CaseContext,
  op: string,
  { key, objectLength }: Attempt,
  object: Record<string, Value>,
): Promise<Outcome> {
  if (adapter === undefined) throw new Error('a reader needs an adapter');
  return adapter.call(op, {
    key: toHex(key),
    ...object,
    ...(objectLength !== undefined && { objectLength }),
  });
}

const about = {
  title: 'Two faults at once',
  why: 'The result is that of the first step that fails, in whatever order and on however many threads the work is done.',
  role: 'container-reader',
  level: 'core',
  requirements: ['RDR-1', 'RDR-2'],
} as const;

/** Pairs of faults, for readers of streams and of files. */
export const orderCases: readonly Case[] = [
  {
    ...about,
    id: 'order.stream',
    feature: 'container',
    run: async (context) =>
      twoFaults(context, async (attempt) =>
        ask(context, 'container.open', attempt, { object: toHex(attempt.object), sink: place(context) }),
      ),
  },
  {
    ...about,
    id: 'order.file',
    feature: 'files',
    run: async (context) => {
      const folder = place(context);
      mkdirSync(folder);
      const [source, target] = [join(folder, 'source'), join(folder, 'target')];
      return twoFaults(context, async (attempt) => {
        writeFileSync(source, attempt.object);
        writeFileSync(target, zeros(0));
        return ask(context, 'file.open', attempt, { source, target });
      });
    },
  },
];
