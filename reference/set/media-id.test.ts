import { createCipheriv, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_LENGTH } from '../crypto/block-tag.ts';
import { nobleEngine } from '../crypto/noble.ts';
import { MediaHasher, mediaIdOf, tagBlocks } from './media-id.ts';

const mediaKey = new Uint8Array(32).fill(0x4d);

/** HKDF-Expand of one block, without the code under test. */
function derived(name: string): Buffer {
  return createHmac('sha256', mediaKey).update(`strongroom/v1/${name}\0\x01`, 'latin1').digest();
}

/** The formula of the specification, word by word. */
function formula(content: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(content.length));
  const hmac = createHmac('sha256', derived('media-id')).update(length);
  for (let j = 0; j * 2 ** 20 < content.length; j++) {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(j, 8);
    const cipher = createCipheriv('aes-256-gcm', derived('media-tag'), nonce);
    cipher.setAAD(content.subarray(j * 2 ** 20, (j + 1) * 2 ** 20));
    cipher.final();
    hmac.update(cipher.getAuthTag());
  }
  return new Uint8Array(hmac.digest());
}

function idOf(content: Uint8Array, pieces: readonly number[], engine?: typeof nobleEngine): Uint8Array {
  const hasher = new MediaHasher(mediaKey, engine);
  let at = 0;
  for (const length of pieces) hasher.update(content.subarray(at, (at += length)));
  hasher.update(content.subarray(at));
  return hasher.digest();
}

const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 20) * 5) & 255);

describe('the media id', () => {
  const block = BLOCK_LENGTH;

  // proves MAN-16
  it.each([0, 1, block - 1, block, block + 1, 2 * block, 3 * block + 5])(
    'of %i bytes is that of the formula, however they come',
    (length) => {
      const content = noise(length);
      const expected = formula(content);
      for (const pieces of [[], [1], [block], [block - 1, 2], [100_000, block, 3], [2 * block, 7]]) {
        expect(idOf(content, pieces)).toEqual(expected);
      }
    },
  );

  it('is the same on both engines', () => {
    const content = noise(100);
    expect(idOf(content, [], nobleEngine)).toEqual(idOf(content, []));
  });

  it('can be made of ranges of blocks', () => {
    const content = noise(4 * block + 9);
    const ranges = [0, 1, 3].map((first, i, all) =>
      tagBlocks(mediaKey, first, content.subarray(first * block, (all[i + 1] ?? 9) * block)),
    );
    expect(mediaIdOf(mediaKey, content.length, Buffer.concat(ranges))).toEqual(formula(content));
    expect(mediaIdOf(mediaKey, 0, new Uint8Array())).toEqual(formula(new Uint8Array()));
  });

  it('does not take one content for another', () => {
    const small = (content: Uint8Array): string => Buffer.from(idOf(content, [])).toString('hex');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
        expect(small(a) === small(b)).toBe(Buffer.from(a).equals(b));
      }),
    );
    // Blocks exchanged, a block cut off, zeros added.
    const content = noise(2 * block);
    const swapped = Buffer.concat([content.subarray(block), content.subarray(0, block)]);
    const ids = [content, swapped, content.subarray(0, block), Buffer.concat([content, new Uint8Array(1)])];
    expect(new Set(ids.map(small)).size).toBe(4);
  });

  it('is another under another key', () => {
    const other = new MediaHasher(new Uint8Array(32));
    expect(other.digest()).not.toEqual(idOf(new Uint8Array(), []));
  });

  it('keeps tags of more than 64 blocks', () => {
    const content = new Uint8Array(70 * block);
    expect(idOf(content, [3])).toEqual(formula(content));
  });
});
