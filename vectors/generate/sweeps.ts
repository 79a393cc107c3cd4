/**
 * Sweeps: every bit, every length and every value of a byte of one object, as a rule in place of a file of vectors. What
 * is expected follows from the place of the edit, in the order of the steps of "Reading".
 *
 * @module
 */
import { readHeader, Refusal } from '../../conformance/peer/opening.ts';
import { toHex, type Bytes } from '../../conformance/peer/primitives.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import type { Level, Run, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack } from './family.ts';
import { C, HEADER, KEY, SEALED, zeroObject } from './objects.ts';

type Outcome = Omit<Run, 'count'>;
/** `flip`: bit `n mod 8` of byte `n / 8`; `cut`: all after `n` bytes; `byte`: byte `n / 256` becomes `n mod 256`. */
type Rule = 'flip' | 'cut' | 'byte';

interface Range {
  readonly first: number;
  readonly end: number;
  readonly step?: number;
}

/** Three chunks. */
const recipe = zeroObject('three', 2, 100);
const { object } = writeObject(recipe);

/** What a refusal after `chunks` whole chunks may have released. */
function refused(code: string, chunks = 0): Outcome {
  return { code, released: Array.from({ length: chunks + 1 }, (_, i) => i * C) };
}

/** The outcome for an object that differs in one byte of its header, and not at all in its chunks. */
function ofHeader(edited: Bytes): Outcome {
  try {
    readHeader(edited);
  } catch (error) {
    if (error instanceof Refusal) return refused(error.code);
    throw error;
  }
  return { code: 'none', released: [recipe.content.length] };
}

function ofByte(at: number, value: number): Outcome {
  if (at >= HEADER) return refused('chunk-damaged', Math.floor((at - HEADER) / SEALED));
  const edited = object.slice();
  edited[at] = value;
  return ofHeader(edited);
}

function ofCut(kept: number, known: boolean): Outcome {
  const chunks = Math.max(0, Math.floor((kept - HEADER) / SEALED));
  const final = kept - HEADER - chunks * SEALED;
  return refused(known || final < 32 ? 'truncated' : 'chunk-damaged', chunks);
}

function* outcomes(rule: Rule, numbers: readonly number[], known: boolean): Generator<Outcome> {
  for (const n of numbers) {
    const at = Math.floor(n / 8);
    if (rule === 'flip') yield ofByte(at, (object[at] ?? 0) ^ (1 << (n % 8)));
    else if (rule === 'byte') yield ofByte(Math.floor(n / 256), n % 256);
    else yield ofCut(n, known);
  }
}

/** The family. */
export function sweeps(): VectorFile {
  const family = new Family('sweeps', {
    feature: 'sweep',
    role: 'container-reader',
    op: 'container.sweep',
    description: 'Every bit, every length and every value of a field of an object of three chunks.',
  });
  const add = (
    id: string,
    rule: Rule,
    { first, end, step = 1 }: Range,
    words: { readonly title: string; readonly why: string; readonly requirements: string[] },
    how: { readonly level?: Level; readonly objectLength?: number } = {},
  ): void => {
    const count = Math.ceil((end - first) / step);
    const numbers = Array.from({ length: count }, (_, i) => first + i * step);
    const known = how.objectLength !== undefined;
    family.sweep(
      id,
      words,
      {
        key: toHex(KEY),
        object: pack(object),
        ...(known && { objectLength: how.objectLength }),
        edit: rule,
        first,
        step,
        count,
      },
      outcomes(rule, numbers, known),
      how.level,
    );
  };
  const flips = {
    why: 'There is no bit that nobody looks at, and each has one error.',
    requirements: ['RDR-1', 'RDR-2', 'CHK-4'],
  };
  const cuts = {
    why: 'What is left of an object is never taken for the whole, whatever its length is.',
    requirements: ['RDR-1', 'RDR-2'],
  };
  const bits = object.length * 8;
  const final = HEADER + 2 * SEALED;
  add('flip-header', 'flip', { first: 0, end: HEADER * 8 }, { ...flips, title: 'Every bit of the header' });
  for (const [id, from, to, title] of [
    ['first-tag', HEADER + C, HEADER + SEALED, 'Every bit of the tag of the first chunk'],
    ['second-tag', HEADER + SEALED + C, final, 'Every bit of the tag of the second chunk'],
    ['final', final, object.length, 'Every bit of the final chunk'],
  ] as const)
    add(`flip-${id}`, 'flip', { first: from * 8, end: to * 8 }, { ...flips, title });
  add(
    'flip-sample',
    'flip',
    { first: HEADER * 8, end: bits, step: 101 },
    { ...flips, title: 'Every 101st bit of the chunks' },
  );
  add(
    'flip-all',
    'flip',
    { first: 0, end: bits },
    { ...flips, title: 'Every bit of the object' },
    { level: 'full' },
  );
  add(
    'fields',
    'byte',
    { first: 8 * 256, end: 16 * 256 },
    {
      title: 'Every value of each byte from the version to the reserved ones',
      why: 'Fields have few legal values, all others have an error, and the errors have an order.',
      requirements: ['RDR-1', 'RDR-2', 'RDR-6'],
    },
  );
  add('cut-header', 'cut', { first: 0, end: HEADER }, { ...cuts, title: 'Every cut inside the header' });
  for (const [id, around, title] of [
    ['first-end', HEADER + SEALED, 'Every cut near the end of the first chunk'],
    ['second-end', final, 'Every cut near the end of the second chunk'],
  ] as const)
    add(`cut-${id}`, 'cut', { first: around - 40, end: around + 40 }, { ...cuts, title });
  add(
    'cut-final',
    'cut',
    { first: final, end: object.length },
    { ...cuts, title: 'Every cut of the final chunk' },
  );
  add(
    'cut-sample',
    'cut',
    { first: HEADER, end: object.length, step: 61 },
    { ...cuts, title: 'Every 61st length' },
  );
  add(
    'cut-all',
    'cut',
    { first: 0, end: object.length },
    { ...cuts, title: 'Every length' },
    { level: 'full' },
  );
  const objectLength = object.length;
  add(
    'cut-known-sample',
    'cut',
    { first: 0, end: objectLength, step: 61 },
    { ...cuts, title: 'Every 61st length, with the whole length known' },
    { objectLength },
  );
  add(
    'cut-known-all',
    'cut',
    { first: 0, end: objectLength },
    { ...cuts, title: 'Every length, with the whole length known' },
    { objectLength, level: 'full' },
  );
  return family.file();
}
