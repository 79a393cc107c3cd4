/**
 * Chunks that two keys open. AES-GCM does not commit to its key: one block of the ciphertext is enough to make its tag
 * right under two keys at once, by linear algebra in GF(2^128).
 *
 * @module
 */
import { ecb } from '@noble/ciphers/aes.js';
import { be, cat, seal, toHex, unseal, xor, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import type { Family } from './family.ts';
import { C, chunkNonce, KEY, objectKeys, OTHER_KEY, salt, type ObjectVectors } from './objects.ts';

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

interface ChunkKeys {
  readonly chunkKey: Bytes;
  readonly baseNonce: Bytes;
}

/** The slope and the constant of the tag as a function of the first block: tag = first · slope + constant. */
function line(keys: ChunkKeys, index: number, rest: Uint8Array): { slope: bigint; constant: bigint } {
  const aes = (input: Uint8Array): bigint =>
    block(ecb(keys.chunkKey, { disablePadding: true }).encrypt(input));
  const h = aes(zeros(16));
  let hash = 0n;
  for (let at = 0; at < rest.length; at += 16) {
    const next = hash ^ block(rest.slice(at, at + 16));
    hash = next === 0n ? 0n : times(next, h);
  }
  const lengths = block(cat(zeros(8), be(8, (rest.length + 16) * 8)));
  const mask = aes(cat(chunkNonce(keys.baseNonce, index), be(4, 1)));
  return {
    slope: power(h, BigInt(rest.length / 16 + 2)),
    constant: times(hash ^ lengths, h) ^ mask,
  };
}

/** First block of the ciphertext of chunk `index` that goes before `rest` and makes one tag right under both keys. */
function collide(left: ChunkKeys, right: ChunkKeys, index: number, rest: Uint8Array): Bytes {
  const [a, b] = [line(left, index, rest), line(right, index, rest)];
  const inverse = power(a.slope ^ b.slope, (1n << 128n) - 2n);
  return be(16, times(a.constant ^ b.constant, inverse));
}

/** Adds objects of which two backup keys open every chunk: only the commitment tells them apart. */
export function collisions(family: Family, objects: ObjectVectors): void {
  for (const [id, chunks, title] of [
    ['two-keys', 1, 'whose full chunks'],
    ['two-keys-whole', 2, 'of which every chunk'],
  ] as const) {
    const recipe = { key: KEY, salt: salt(id) };
    const empty = writeObject({ ...recipe, content: zeros(0) });
    const theirs = objectKeys(OTHER_KEY, empty.header.slice(0, 48));
    const stream = (index: number, length: number): Bytes =>
      seal(empty.chunkKey, chunkNonce(empty.baseNonce, index), zeros(length)).slice(0, length);
    // The chunks are zeros behind their first block; the last block of the final one is the trailer.
    const full = cat(collide(empty, theirs, 0, zeros(C - 16)), zeros(C - 16));
    const trailer = xor(cat(be(8, C + 16), zeros(8)), stream(1, 32).slice(16));
    const final = chunks === 2 ? collide(empty, theirs, 1, trailer) : zeros(16);
    const content = cat(xor(full, stream(0, C)), xor(final, stream(1, 16)));
    const { object } = objects.accept(
      id,
      { ...recipe, content },
      {
        title: `An object ${title} two backup keys open, with the right one`,
        why: 'The other half of this pair needs it.',
        requirements: ['HDR-7'],
      },
    );
    const sealed = [object.slice(88, 88 + C + 16), object.slice(88 + C + 16)].slice(0, chunks);
    for (const [i, chunk] of sealed.entries()) {
      if (unseal(theirs.chunkKey, chunkNonce(theirs.baseNonce, i), chunk) === undefined)
        throw new Error(`${id}: chunk ${i} has one key`);
    }
    family.value(`${id}-wrong`, id, 'key', toHex(OTHER_KEY), {
      title: `An object ${title} two backup keys open, with the wrong one`,
      why: 'AES-GCM does not commit to its key: a reader that relies on the tag alone releases a chunk that its writer never wrote.',
      requirements: ['HDR-7', 'RDR-3'],
      errors: ['wrong-key'],
    });
  }
}
