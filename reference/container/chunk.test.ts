import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nobleEngine } from '../crypto/noble.ts';
import { nodeEngine } from '../crypto/node.ts';
import { fromHex, hex } from '../wire/bytes.ts';
import { openChunk, sealChunk, type ChunkKey } from './chunk.ts';
import { content, flip } from './fixture.ts';

// A base nonce whose last four bytes are all ones: adding the counter instead of XORing it would carry.
const key: ChunkKey = { key: content(32), baseNonce: fromHex('0102030405060708ffffffff'), chunkLog2: 14 };

describe.each([nodeEngine, nobleEngine])('chunks with $name', (engine) => {
  it.each([
    [0, '0102030405060708ffffffff'],
    [1, '0102030405060708fffffffe'],
    [256, '0102030405060708fffffeff'],
    [2 ** 16, '0102030405060708fffeffff'],
    [2 ** 24, '0102030405060708feffffff'],
    [2 ** 31, '01020304050607087fffffff'],
    [2 ** 32 - 1, '010203040506070800000000'],
  ])('chunk %i has the nonce %s', (index, nonce) => {
    const cipher = createCipheriv('aes-256-gcm', key.key, Buffer.from(nonce, 'hex'));
    const expected =
      cipher.update('text', 'utf8', 'hex') + cipher.final('hex') + cipher.getAuthTag().toString('hex');
    const sealed = sealChunk(key, index, Buffer.from('text'), engine);
    expect(hex(sealed)).toBe(expected);
    expect(Buffer.from(openChunk(key, index, sealed, engine)).toString()).toBe('text');
  });

  it('end at index 2^32 - 1', () => {
    const limit = expect.objectContaining({ code: 'limit-exceeded' });
    expect(() => sealChunk(key, 2 ** 32, new Uint8Array(1), engine)).toThrow(limit);
    expect(() => openChunk(key, 2 ** 32, new Uint8Array(17), engine)).toThrow(limit);
  });

  it('hold from nothing to a whole chunk', () => {
    expect(openChunk(key, 3, sealChunk(key, 3, new Uint8Array(), engine), engine)).toHaveLength(0);
    expect(openChunk(key, 3, sealChunk(key, 3, content(2 ** 14), engine), engine)).toEqual(content(2 ** 14));
    expect(() => sealChunk(key, 3, content(2 ** 14 + 1), engine)).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });

  it('open nowhere else, not cut, not changed, not under a longer chunk size', () => {
    const damaged = expect.objectContaining({ code: 'chunk-damaged' });
    const sealed = sealChunk(key, 5, content(20), engine);
    for (const index of [0, 4, 6, 5 + 256, 5 * 2 ** 24]) {
      expect(() => openChunk(key, index, sealed, engine)).toThrow(damaged);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => openChunk(key, 5, sealed.subarray(0, length), engine)).toThrow(damaged);
    }
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      expect(() => openChunk(key, 5, flip(sealed, bit), engine)).toThrow(damaged);
    }
    const long = sealChunk({ ...key, chunkLog2: 16 }, 5, content(2 ** 14 + 1), engine);
    expect(() => openChunk(key, 5, long, engine)).toThrow(damaged);
  });
});
