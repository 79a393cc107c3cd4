/**
 * Vectors of ranges of damaged objects: what damage does to a range, and what it does not.
 *
 * @module
 */
import { cat, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import type { Digest } from '../../conformance/schema/vector.ts';
import { digest, NOTHING, type Words } from './family.ts';
import { C, HEADER, KEY, salt, SEALED, zeroCiphertext } from './objects.ts';
import { end, flipped, object, three, type RangeVectors } from './range-objects.ts';

/** Digests of what may have come out of a range when chunk `index` fails. */
function before(offset: number, index: number): Digest[] {
  const all = three.content.slice(offset, index * C);
  return [...NOTHING, ...(all.length > 0 ? [digest(all)] : [])];
}

/** What damage does to ranges, and what it does not. */
export function damage(vectors: RangeVectors): void {
  const { family } = vectors;
  const words = (title: string): Words => ({
    title,
    why: 'A range is right or wrong by its own chunks: a damaged gigabyte must not cost the one message that is asked for.',
    requirements: ['RNG-5', 'RNG-1'],
  });
  const first = flipped(object, HEADER + 5);
  const middle = flipped(object, HEADER + SEALED + 5);
  vectors.read('damage-before', three, [C, 50], words('A range behind a damaged chunk'), {}, first);
  vectors.read('damage-after', three, [0, C], words('A range before a damaged chunk'), {}, middle);
  vectors.read(
    'damage-between',
    three,
    [2 * C, 50],
    words('A range in the final chunk, behind damage'),
    {},
    middle,
  );
  const known = { objectLength: object.length, contentLength: end };
  vectors.read(
    'damage-final-known',
    three,
    [10, 50],
    words('A range of an object whose lengths are known and whose final chunk is damaged'),
    known,
    flipped(object, object.length - 1),
  );
  vectors.read(
    'cut-known',
    three,
    [10, 50],
    words('A range of an object whose lengths are known and whose end is missing'),
    known,
    object.slice(0, HEADER + SEALED),
  );
  // Authentic, and not zero: the strict reader refuses the object.
  const marks = { key: KEY, salt: salt('ranges marked'), padding: 1 } as const;
  const marked = { ...marks, content: zeroCiphertext(marks, 32, zeros(0)).slice(0, 32 * C - 100) };
  vectors.read(
    'padding-marked',
    marked,
    [32 * C - 140, 40],
    words('A range of an object whose padding is not zero, in a chunk of padding and content'),
    {},
    writeObject({ ...marked, padByteAt: 3 }).object,
  );
  // Two mistakes, one of them in the object already: the range is judged before its chunks are.
  family.value('damage-past-end', 'damage-after', 'length', end + 1, {
    title: 'A range that is not within the content, over a damaged chunk',
    why: 'A reader that reads first and counts later releases bytes of a range that it must refuse.',
    requirements: ['RNG-4', 'RNG-6'],
    errors: ['bad-range'],
  });

  const flip = (
    id: string,
    from: string,
    [offset, at, index]: readonly [number, number, number],
    title: string,
  ): void =>
    family.flip(
      id,
      from,
      { field: 'object', offset: at },
      {
        title,
        why: 'What does not authenticate is never released, in whatever order chunks are read.',
        requirements: ['CHK-4', 'RNG-6', 'RNG-7'],
        errors: ['chunk-damaged'],
        released: before(offset, index),
      },
    );
  flip('damage-in-first', 'over-boundary', [C - 5, HEADER + 9, 0], 'Damage in the first chunk of the range');
  flip(
    'damage-in-last',
    'over-boundary',
    [C - 5, HEADER + SEALED + 9, 1],
    'Damage in the last chunk of the range',
  );
  flip(
    'damage-beside',
    'first-byte',
    [0, HEADER + C - 1, 0],
    'Damage in the chunk of the range, beside the range',
  );
  flip(
    'damage-tag',
    'whole-chunk',
    [C, HEADER + 2 * SEALED - 1, 1],
    'Damage in the tag of the chunk of the range',
  );
  flip(
    'damage-final',
    'first-byte',
    [0, object.length - 1, 0],
    'Damage in the final chunk, which no length is known without',
  );
  const part = (i: number): Bytes => object.slice(HEADER + i * SEALED, HEADER + (i + 1) * SEALED);
  family.bytes(
    'swapped',
    'whole-chunk',
    { field: 'object', offset: HEADER, removed: 2 * SEALED, inserted: cat(part(1), part(0)) },
    {
      title: 'The chunk of the range has changed places with another',
      why: 'A range reader that does not bind the index to the chunk returns other content.',
      requirements: ['CHK-5', 'RNG-6'],
      errors: ['chunk-damaged'],
    },
  );
}
