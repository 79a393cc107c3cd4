/**
 * Vectors of chunks that are not in their place: moved, repeated, missing, of another object, or not there at all.
 *
 * @module
 */
import { cat, named, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import type { Digest } from '../../conformance/schema/vector.ts';
import type { Family } from './family.ts';
import {
  HEADER,
  KEY,
  releasedBefore,
  salt,
  SEALED,
  zeroCiphertext,
  zeroObject,
  type ObjectVectors,
} from './objects.ts';

const whole = { field: 'object' } as const;

/** Adds them, made of the accepting vector `three`. */
export function order(family: Family, objects: ObjectVectors): void {
  const { object } = objects.written('three');
  const { content } = objects.recipe('three');
  const before = (index: number): Digest[] => releasedBefore(content, 14, index);
  const part = (index: number): Bytes => object.slice(HEADER + index * SEALED, HEADER + (index + 1) * SEALED);
  const final = part(2);
  const solid = { key: KEY, salt: salt('hole'), chunkLog2: 16 };
  const holed = { ...solid, content: zeroCiphertext(solid, 2, named('tail of hole', 30), 0xa5) };
  family.bytes(
    'swapped',
    'three',
    { ...whole, offset: HEADER, removed: 2 * SEALED, inserted: cat(part(1), part(0)) },
    {
      title: 'The first two chunks have changed places',
      why: 'A reader that does not bind the index to the chunk returns the content in another order.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
  family.bytes(
    'duplicated',
    'three',
    { ...whole, offset: HEADER + SEALED, removed: SEALED, inserted: part(0) },
    {
      title: 'The first chunk stands in place of the second',
      why: 'A reader whose nonce does not count returns the first chunk twice.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: before(1),
    },
  );
  family.bytes(
    'first-deleted',
    'three',
    { ...whole, offset: HEADER, removed: SEALED },
    {
      title: 'The first chunk is missing',
      why: 'A reader that takes any chunk for the first returns the rest as the whole.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
  family.bytes(
    'middle-deleted',
    'three',
    { ...whole, offset: HEADER + SEALED, removed: SEALED },
    {
      title: 'The second chunk is missing',
      why: 'A reader that does not bind the index to the chunk returns content with a hole.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: before(1),
    },
  );
  family.bytes(
    'inserted',
    'three',
    { ...whole, offset: HEADER + SEALED, inserted: part(0) },
    {
      title: 'The first chunk stands twice',
      why: 'A reader that does not bind the index to the chunk returns more than there was.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: before(1),
    },
  );
  const other = writeObject(zeroObject('splice', 2, 100)).object;
  const older = writeObject({ ...objects.recipe('three'), salt: salt('three, older') }).object;
  family.bytes(
    'splice-other',
    'three',
    {
      ...whole,
      offset: HEADER + SEALED,
      removed: SEALED,
      inserted: other.slice(HEADER + SEALED, HEADER + 2 * SEALED),
    },
    {
      title: 'The second chunk comes from another object under the same backup key',
      why: 'Every object has keys of its own: a reader that ignores the salt mixes two backups.',
      requirements: ['RDR-1', 'CHK-5'],
      errors: ['chunk-damaged'],
      released: before(1),
    },
  );
  family.bytes(
    'splice-older',
    'three',
    {
      ...whole,
      offset: HEADER + SEALED,
      removed: SEALED,
      inserted: older.slice(HEADER + SEALED, HEADER + 2 * SEALED),
    },
    {
      title: 'The second chunk comes from an older version of the same content',
      why: 'The same file, the same place, the same key: only the salt tells the versions apart.',
      requirements: ['RDR-1', 'CHK-5'],
      errors: ['chunk-damaged'],
      released: before(1),
    },
  );
  family.bytes(
    'splice-chunks',
    'three',
    { ...whole, offset: HEADER, removed: object.length - HEADER, inserted: other.slice(HEADER) },
    {
      title: 'All chunks come from another object under the same backup key',
      why: 'Header and chunks are one: a whole body under another header is another file under this name.',
      requirements: ['RDR-1', 'CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
  family.bytes(
    'final-moved',
    'three',
    {
      ...whole,
      offset: HEADER + SEALED,
      removed: object.length - HEADER - SEALED,
      inserted: cat(final, part(1)),
    },
    {
      title: 'The final chunk stands before the second',
      why: 'A reader that finds the final chunk by what is in it stops there.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: before(1),
    },
  );
  family.bytes(
    'final-twice',
    'three',
    { ...whole, offset: object.length, inserted: final },
    {
      title: 'The final chunk stands twice',
      why: 'There is one end: what looks like a longer final chunk is none.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: before(2),
    },
  );
  const hole = objects.accept('hole', holed, {
    title: 'Two chunks of 64 KiB and no zero in them',
    why: 'The other half of this pair needs it.',
    requirements: ['RDR-1'],
  });
  family.bytes(
    'hole-zeros',
    'hole',
    { ...whole, offset: HEADER + 2 ** 15, removed: 2 ** 16, inserted: zeros(2 ** 16) },
    {
      title: 'A hole of 64 KiB of zeros',
      why: 'What a file system leaves after a crash, and a download that was put together from parts.',
      requirements: ['CHK-5', 'CHK-4'],
      errors: ['chunk-damaged'],
    },
  );
  family.bytes(
    'hole-second',
    'hole',
    { ...whole, offset: HEADER + 2 ** 16 + 16, removed: 2 ** 16, inserted: zeros(2 ** 16) },
    {
      title: 'A hole of 64 KiB of zeros in place of the second chunk, with its tag left',
      why: 'Chunks that were not written yet read as zeros.',
      requirements: ['CHK-5', 'CHK-4'],
      errors: ['chunk-damaged'],
      released: releasedBefore(holed.content, 16, 1),
    },
  );
  if (hole.object.length < 2 ** 17) throw new Error('the hole is as long as the object');
  family.bytes(
    'splice-header',
    'three',
    { ...whole, offset: 0, removed: HEADER, inserted: older.slice(0, HEADER) },
    {
      title: 'The header comes from another object under the same backup key',
      why: 'The header fixes the keys: a reader that ignores the salt reads chunks under a header that is not theirs.',
      requirements: ['RDR-1', 'CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
}
