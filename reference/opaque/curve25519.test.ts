import sodium, { ready } from 'libsodium-wrappers-sumo';
import { describe, expect, it } from 'vitest';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { concat, fromHex, hex, type Bytes } from '../wire/bytes.ts';
import { nobleCurve25519 as dh } from './curve25519.ts';
import { nobleRistretto255 } from './noble-group.ts';
import { checkRecord } from './server.ts';
import { suiteOf } from './suite.ts';

// Every u of order 1, 2, 4 or 8 on the curve and its twist, in each of its encodings of 32 bytes.
const LOW_ORDER = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
].flatMap((text) => {
  const top = fromHex(text);
  top[31] = (top[31] ?? 0) | 0x80;
  return [text, hex(top)];
});
const suite = suiteOf(nobleRistretto255, nodeEngine, dh);
const malformed: unknown = expect.objectContaining({ code: 'malformed' });
const seed = (): Bytes => systemRandom('seed', 32);

await ready;

describe('curve25519', () => {
  it('is the X25519 of libsodium', () => {
    for (let i = 0; i < 16; i++) {
      const [ours, theirs] = [dh.deriveKeyPair(seed()), sodium.crypto_box_keypair()];
      expect(hex(ours.publicKey)).toBe(hex(sodium.crypto_scalarmult_base(ours.secretKey)));
      const shared = sodium.crypto_scalarmult(theirs.privateKey, ours.publicKey);
      expect(hex(dh.diffieHellman(ours.secretKey, theirs.publicKey))).toBe(hex(shared));
    }
  });

  it.each(LOW_ORDER)('refuses the point of low order %s', (text) => {
    const bytes = fromHex(text);
    expect(dh.isPublicKey(bytes)).toBe(false);
    expect(() => dh.diffieHellman(seed(), bytes)).toThrow(malformed);
    expect(() => checkRecord(suite, concat(bytes, new Uint8Array(160)))).toThrow(malformed);
  });

  it('takes other points, canonical or not', () => {
    const base = fromHex(`09${'00'.repeat(31)}`);
    for (const text of [hex(base), `f6${'ff'.repeat(30)}7f`, `09${'00'.repeat(30)}80`]) {
      expect(dh.isPublicKey(fromHex(text))).toBe(true);
      const secretKey = seed();
      expect(hex(dh.diffieHellman(secretKey, fromHex(text)))).toBe(hex(dh.diffieHellman(secretKey, base)));
      expect(() => checkRecord(suite, concat(fromHex(text), new Uint8Array(160)))).not.toThrow();
    }
  });

  it('refuses keys and seeds of a wrong length', () => {
    const { secretKey, publicKey } = dh.deriveKeyPair(seed());
    for (const length of [0, 31, 33]) {
      const bad = new Uint8Array(length).fill(9);
      expect(dh.isPublicKey(bad)).toBe(false);
      expect(() => dh.diffieHellman(secretKey, bad)).toThrow(malformed);
      expect(() => dh.diffieHellman(bad, publicKey)).toThrow(malformed);
      expect(() => dh.deriveKeyPair(bad)).toThrow(malformed);
    }
  });
});
