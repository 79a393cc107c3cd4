/**
 * Vectors of the chunks of a sealed object: damage, order, splices, and lengths.
 *
 * @module
 */
import { be, cat, toHex, xor, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { writeObject, type Recipe } from '../../conformance/peer/sealed-object.ts';
import type { Digest, VectorFile } from '../../conformance/schema/vector.ts';
import { collisions } from './collision.ts';
import { ends } from './ends.ts';
import { Family, pack } from './family.ts';
import {
  C,
  chunkNonce,
  HEADER,
  KEY,
  ObjectVectors,
  releasedBefore,
  salt,
  SEALED,
  searched,
  zeroCiphertext,
  zeroObject,
} from './objects.ts';
import { order } from './order.ts';

const whole = { field: 'object' } as const;

/** The family. */
export function chunks(): VectorFile {
  const family = new Family('chunks', {
    feature: 'container',
    role: 'container-reader',
    op: 'container.open',
    description:
      'Chunks of sealed objects: damage, order, splices between objects, truncation, and the ends of chunks.',
  });
  const objects = new ObjectVectors(family);
  objects.accept('three', zeroObject('three', 2, 100), {
    title: 'Three chunks',
    why: 'Nonces must count, and the final chunk must be found by its length.',
    requirements: ['RDR-1'],
  });
  objects.accept('two', zeroObject('two', 1, 40), {
    title: 'Two chunks',
    why: 'The shortest object with a chunk that is not final.',
    requirements: ['RDR-1'],
  });
  objects.accept('many', zeroObject('many', 257, 5), {
    title: '258 chunks',
    why: 'A counter of eight bits wraps, a little-endian one goes astray.',
    requirements: ['RDR-1'],
  });
  const endsInFf = (recipe: Recipe): boolean =>
    writeObject({ ...recipe, content: zeros(0) }).baseNonce.at(-1) === 0xff;
  const carry = searched('carry', (name) => zeroObject(name, 3, 5), endsInFf);
  objects.accept('base-nonce-carry', carry, {
    title: 'Four chunks whose base nonce ends in ff',
    why: 'The index is XORed into the base nonce; a writer or reader that adds it carries, and differs here.',
    requirements: ['RDR-1'],
  });
  for (const [id, length] of [
    ['content-0', 0],
    ['content-1', 1],
    ['content-c-33', C - 33],
    ['content-c-32', C - 32],
    ['content-c-31', C - 31],
    ['content-c-17', C - 17],
    ['content-c-16', C - 16],
    ['content-c-15', C - 15],
    ['content-c-1', C - 1],
    ['content-c', C],
    ['content-c-plus-1', C + 1],
    ['content-2c', 2 * C],
  ] as const) {
    const recipe: Recipe = { key: KEY, salt: salt(id), content: zeros(0) };
    const full = zeroCiphertext(recipe, Math.max(1, Math.floor(length / C)), zeros(0)).slice(0, length);
    const content = cat(full, zeros(length - full.length));
    objects.accept(
      id,
      { ...recipe, content },
      {
        title: `Content of ${length} bytes in chunks of 16384`,
        why: 'Around the end of a chunk the trailer must still lie whole in the final one; off-by-one errors live here.',
        requirements: ['RDR-1'],
      },
    );
  }

  const { content } = objects.recipe('three');
  const before = (index: number): Digest[] => releasedBefore(content, 14, index);
  const damaged = (id: string, offset: number, index: number, title: string): void => {
    family.flip(
      id,
      'three',
      { ...whole, offset },
      {
        title,
        why: 'Damage is found in the chunk where it is, and nothing of that chunk is released.',
        requirements: ['CHK-5', 'CHK-4'],
        errors: ['chunk-damaged'],
        released: before(index),
      },
    );
  };
  damaged('first-flipped', HEADER, 0, 'One bit of the first chunk is flipped');
  damaged('middle-flipped', HEADER + SEALED + 99, 1, 'One bit of the second chunk is flipped');
  damaged('final-flipped', HEADER + 2 * SEALED + 3, 2, 'One bit of the final chunk is flipped');
  damaged(
    'first-tag-flipped',
    HEADER + C,
    0,
    'One bit of the first byte of the tag of the first chunk is flipped',
  );
  damaged(
    'first-tag-last-byte',
    HEADER + SEALED - 1,
    0,
    'One bit of the last byte of the tag of the first chunk is flipped',
  );
  damaged('final-tag-flipped', -1, 2, 'One bit of the last byte of the object is flipped');
  family.bytes(
    'zero-tag',
    'three',
    { ...whole, offset: HEADER + C, removed: 16, inserted: zeros(16) },
    {
      title: 'The tag of the first chunk is zero',
      why: 'A reader that skips a tag of zeros has a way in.',
      requirements: ['CHK-5', 'CHK-4'],
      errors: ['chunk-damaged'],
    },
  );

  order(family, objects);
  ends(family, objects);

  objects.sealed(
    'tag-12',
    'two',
    'tagLength',
    { value: 12, was: 16, now: 12 },
    {
      title: 'Sealed with tags of twelve bytes',
      why: 'GCM knows shorter tags, and libraries take them: a forgery is then 2^32 times easier.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
  objects.sealed(
    'cut-16',
    'two',
    'cutLog2',
    { value: 16, was: 14, now: 16 },
    {
      title: 'Chunks of 64 KiB under a header that says 16 KiB',
      why: 'A reader that takes the chunk size from anywhere but the header opens it.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
  objects.sealed(
    'slices-swapped',
    'two',
    'slices',
    {
      value: ['commitment', 'baseNonce', 'chunkKey'],
      was: 'commitment, key, base nonce',
      now: 'commitment, base nonce, key',
    },
    {
      title: 'Key and base nonce have changed places in the key schedule',
      why: 'Both sides of an implementation may cut so; the commitment does not see it.',
      requirements: ['CHK-5', 'RDR-1'],
      errors: ['chunk-damaged'],
    },
  );
  objects.sealed(
    'counter-added',
    'base-nonce-carry',
    'nonceOf',
    {
      value: (base, i) => be(12, (BigInt(`0x${toHex(base)}`) + BigInt(i)) % 2n ** 96n),
      was: 'base nonce XOR index',
      now: 'base nonce + index',
    },
    {
      title: 'The index is added to the base nonce',
      why: 'Both sides of an implementation may add; only a vector finds it.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: releasedBefore(objects.recipe('base-nonce-carry').content, 14, 1),
    },
  );
  objects.sealed(
    'aad',
    'two',
    'aad',
    { value: zeros(1), was: '', now: '00' },
    {
      title: 'Sealed with associated data',
      why: 'Chunks have no associated data: a reader that does not check the tag accepts it.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
  objects.sealed(
    'counter-from-1',
    'two',
    'nonceOf',
    { value: (base, i) => chunkNonce(base, i + 1), was: 'index', now: 'index + 1' },
    {
      title: 'The index of the first chunk is 1',
      why: 'Both sides of an implementation may count from 1; only a vector finds it.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
  objects.sealed(
    'counter-little-endian',
    'two',
    'nonceOf',
    {
      value: (base, i) => xor(base, be(12, i).toReversed()),
      was: 'u96 big-endian',
      now: 'u96 little-endian',
    },
    {
      title: 'The index is little-endian',
      why: 'Both sides of an implementation may count so; only a vector finds it.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: releasedBefore(objects.recipe('two').content, 14, 1),
    },
  );
  objects.sealed(
    'counter-constant',
    'two',
    'nonceOf',
    { value: (base) => chunkNonce(base, 0), was: 'index', now: 0 },
    {
      title: 'Every chunk has the nonce of the first',
      why: 'The worst mistake of a writer; a reader that shares it would never notice.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: releasedBefore(objects.recipe('two').content, 14, 1),
    },
  );

  // The input may be cut anywhere, and what is known of its length helps.
  for (const length of [1, 16, SEALED, SEALED + 1]) {
    const how = { pieceLength: length };
    objects.accept(
      `pieces-${length}`,
      objects.recipe('three'),
      {
        title: `An object that arrives in pieces of ${length} ${length === 1 ? 'byte' : 'bytes'}`,
        why: 'Readers that take a piece for a chunk, or lose bytes between two pieces, are right for one way of reading alone.',
        requirements: ['RDR-7'],
      },
      how,
    );
    family.flip(
      `pieces-${length}-flipped`,
      `pieces-${length}`,
      { ...whole, offset: -20 },
      {
        title: `A damaged final chunk that arrives in pieces of ${length} ${length === 1 ? 'byte' : 'bytes'}`,
        why: 'The error does not depend on how the input is cut.',
        requirements: ['RDR-7'],
        errors: ['chunk-damaged'],
        released: releasedBefore(objects.recipe('three').content, 14, 2),
      },
    );
  }
  // After an error, and after the end.
  const again = (
    id: string,
    bytes: Bytes,
    first: string,
    later: string,
    title: string,
    requirements: string[],
  ): void => {
    family.accept(
      id,
      {
        title,
        why: 'A reader that goes on after an error releases what follows damage as if nothing had happened.',
        requirements,
        input: { key: toHex(KEY), object: pack(bytes) },
        result: { first, later: [later, later] },
      },
      { op: 'container.after-end' },
    );
  };
  const two = objects.written('two').object;
  const damagedTwo = two.slice();
  damagedTwo[HEADER + 3] = 1;
  again('after-damage', damagedTwo, 'chunk-damaged', 'chunk-damaged', 'Calls after a damaged chunk', [
    'RDR-4',
    'CNV-21',
  ]);
  again(
    'after-truncation',
    two.slice(0, HEADER + SEALED),
    'truncated',
    'truncated',
    'Calls after a truncation',
    ['RDR-4', 'CNV-21'],
  );
  again('after-end', two, 'none', 'closed', 'Calls after the end of an object', ['CNV-22']);

  collisions(family, objects);
  return family.file();
}
