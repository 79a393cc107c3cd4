/**
 * Vectors of the chunks of a sealed object: damage, order, splices, and lengths.
 *
 * @module
 */
import { ecb } from '@noble/ciphers/aes.js';
import { be, cat, named, toHex, xor, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { writeObject, type Recipe, type Written } from '../../conformance/peer/sealed-object.ts';
import type { Digest, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack } from './family.ts';
import {
  chunkNonce,
  KEY,
  objectKeys,
  ObjectVectors,
  OTHER_KEY,
  releasedBefore,
  salt,
  zeroCiphertext,
} from './objects.ts';

const C = 2 ** 14;
const SEALED = C + 16;
const HEADER = 88;
const whole = { field: 'object' } as const;

/** An object of `chunks` full chunks of zeros and a final one with `tail` bytes of content. */
function zeroObject(name: string, chunks: number, tail: number, more: Partial<Recipe> = {}): Recipe {
  const recipe = { key: KEY, salt: salt(name), ...more };
  return { ...recipe, content: zeroCiphertext(recipe, chunks, named(`tail of ${name}`, tail)) };
}

/** Block multiplication of GCM (NIST SP 800-38D, section 6.3). */
function times(x: bigint, y: bigint): bigint {
  let z = 0n;
  let v = y;
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit) & 1n) z ^= v;
    v = v & 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n;
  }
  return z;
}

function power(x: bigint, exponent: bigint): bigint {
  let out = 1n << 127n;
  for (let base = x, e = exponent; e > 0n; e >>= 1n, base = times(base, base))
    if (e & 1n) out = times(out, base);
  return out;
}

function block(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

/** First block of a chunk of zeros that makes its tag right under two keys at once, and that tag. */
function collide(a: Written, b: { chunkKey: Bytes; baseNonce: Bytes }): { first: Bytes; tag: Bytes } {
  const aes = (key: Bytes, input: Uint8Array): bigint =>
    block(ecb(key, { disablePadding: true }).encrypt(input));
  const blocks = BigInt(C / 16);
  const lengths = block(cat(zeros(8), be(8, C * 8)));
  const side = ({
    chunkKey,
    baseNonce,
  }: {
    chunkKey: Bytes;
    baseNonce: Bytes;
  }): { h: bigint; constant: bigint } => {
    const h = aes(chunkKey, zeros(16));
    return { h, constant: times(lengths, h) ^ aes(chunkKey, cat(baseNonce, be(4, 1))) };
  };
  const [left, right] = [side(a), side(b)];
  const slope = power(left.h, blocks + 1n) ^ power(right.h, blocks + 1n);
  const first = times(left.constant ^ right.constant, power(slope, (1n << 128n) - 2n));
  const tag = times(first, power(left.h, blocks + 1n)) ^ left.constant;
  return { first: be(16, first), tag: be(16, tag) };
}

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
  objects.accept('base-nonce-carry', zeroObject('carry 57', 3, 5), {
    title: 'Four chunks whose base nonce ends in a set low bit',
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
  ] as const) {
    const recipe: Recipe = { key: KEY, salt: salt(id), content: zeros(0) };
    const first = Math.min(length, C);
    const content = cat(zeroCiphertext(recipe, 1, zeros(0)).slice(0, first), zeros(length - first));
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

  const { object } = objects.written('three');
  const part = (index: number): Bytes => object.slice(HEADER + index * SEALED, HEADER + (index + 1) * SEALED);
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

  const cut = (id: string, kept: number, index: number, title: string, errors = ['truncated']): void => {
    family.cut(id, 'three', 'object', kept, {
      title,
      why: 'Truncation is told from damage, and what is left is not taken for the whole.',
      requirements: ['RDR-2'],
      errors,
      released: before(index),
    });
  };
  cut('header-only', HEADER, 0, 'Nothing follows the header');
  cut('cut-at-first-chunk', HEADER + SEALED, 1, 'The input ends after the first chunk');
  cut(
    'cut-at-second-chunk',
    HEADER + 2 * SEALED,
    2,
    'The input ends after the second chunk: all that is left is whole chunks',
  );
  cut('cut-tag', HEADER + 2 * SEALED + 15, 2, 'One byte less than a tag is left of the final chunk');
  cut(
    'cut-one-byte',
    HEADER + 2 * SEALED + 31,
    2,
    'One byte less than a trailer and a tag is left of the final chunk',
  );
  cut('cut-inside-first', HEADER + 100, 0, 'The input ends inside the first chunk', [
    'chunk-damaged',
    'truncated',
  ]);
  cut('cut-last-byte', object.length - 1, 2, 'The last byte is missing', ['chunk-damaged', 'truncated']);
  const trailing = (id: string, tail: Uint8Array, title: string, errors: string[]): void => {
    family.bytes(
      id,
      'three',
      { ...whole, offset: object.length, inserted: tail },
      {
        title,
        why: 'A reader that stops at the final chunk accepts what somebody appended.',
        requirements: ['CHK-5'],
        errors,
        released: before(2),
      },
    );
  };
  trailing('trailing-byte', zeros(1), 'One byte follows the object', ['chunk-damaged']);
  trailing('trailing-block', zeros(512), 'A block of zeros follows the object', ['chunk-damaged']);
  trailing('trailing-object', object.slice(0, 2000), 'The beginning of another object follows the object', [
    'chunk-damaged',
  ]);

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
  objects.accept(
    'known-length',
    objects.recipe('three'),
    {
      title: 'An object whose length is known',
      why: 'A manifest tells the length.',
      requirements: ['RDR-1'],
    },
    { objectLength: object.length },
  );
  const known = (
    id: string,
    kept: number,
    index: number,
    tail: Uint8Array,
    error: string,
    title: string,
  ): void => {
    family.bytes(
      id,
      'known-length',
      { ...whole, offset: kept, removed: object.length - kept, inserted: tail },
      {
        title,
        why: 'With the length known, cuts and tails have names of their own.',
        requirements: ['RDR-2'],
        errors: [error],
        released: before(index),
      },
    );
  };
  known(
    'known-length-cut',
    HEADER + SEALED + 5,
    1,
    zeros(0),
    'truncated',
    'An object of known length, cut inside a chunk',
  );
  known(
    'known-length-tail',
    object.length,
    2,
    zeros(3),
    'trailing-data',
    'An object of known length, with three bytes after it',
  );

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

  // One chunk that both keys open: only the commitment tells them apart.
  const name = 'collision';
  const empty = writeObject({ key: KEY, salt: salt(name), content: zeros(0) });
  const theirs = objectKeys(OTHER_KEY, empty.header.slice(0, 48), zeros(0));
  const { first, tag } = collide(empty, theirs);
  const recipe = zeroObject(name, 1, 20);
  const twin = { ...recipe, content: cat(xor(recipe.content.slice(0, 16), first), recipe.content.slice(16)) };
  const made = objects.accept('two-keys', twin, {
    title: 'An object whose first chunk two backup keys open, with the right one',
    why: 'The other half of this pair needs it.',
    requirements: ['HDR-7'],
  });
  if (toHex(made.object.slice(HEADER + C, HEADER + SEALED)) !== toHex(tag))
    throw new Error('the collision failed');
  family.value('two-keys-wrong', 'two-keys', 'key', toHex(OTHER_KEY), {
    title: 'An object whose first chunk two backup keys open, with the wrong one',
    why: 'AES-GCM does not commit to its key: a reader that relies on the tag alone releases a chunk that its writer never wrote.',
    requirements: ['HDR-7', 'RDR-3'],
    errors: ['wrong-key'],
  });
  return family.file();
}
