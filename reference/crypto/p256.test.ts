import { p256 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, utf8, type Bytes } from '../wire/bytes.ts';
import { isP256SecretKey, p256Key } from './p256-key.ts';
import { isP256PublicKey, p256Verify } from './p256.ts';

const N = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const secret = new Uint8Array(32).fill(7);
const key = p256Key(secret);
const { publicKey } = key;
const message = utf8('m');

/** r || s with other numbers in the place of s or r. */
function changed(signature: Bytes, at: number, part: Uint8Array): Bytes {
  const out = new Uint8Array(signature);
  out.set(part, at);
  return out;
}

describe('P-256', () => {
  // RFC 5903, section 8.1
  it('agrees as in the RFC', () => {
    const ours = p256Key(fromHex('c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433'));
    const theirs = fromHex(
      '04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63' +
        '56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab',
    );
    const shared = fromHex('d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de');
    expect(ours.agree(theirs)).toEqual(shared);
  });

  it('makes signatures that two implementations accept, as numbers from 1 to n - 1', () => {
    const signature = key.sign(message);
    expect(signature).toHaveLength(64);
    expect(p256Verify(publicKey, message, signature)).toBe(true);
    expect(p256Verify(publicKey, utf8('other'), signature)).toBe(false);
    // Both s and n - s are signatures: a device makes either.
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
    const other = fromHex((p256.Point.Fn.ORDER - s).toString(16).padStart(64, '0'));
    expect(p256Verify(publicKey, message, changed(signature, 32, other))).toBe(true);
    for (const at of [0, 32]) {
      expect(p256Verify(publicKey, message, changed(signature, at, new Uint8Array(32)))).toBe(false);
      expect(p256Verify(publicKey, message, changed(signature, at, N))).toBe(false);
    }
    for (const length of [0, 63, 65]) {
      expect(p256Verify(publicKey, message, concat(signature, message).subarray(0, length))).toBe(false);
    }
  });

  it('takes points of the curve in one encoding, and no other', () => {
    const compressed = p256.getPublicKey(secret, true);
    const hybrid = concat(Uint8Array.of(6), publicKey.subarray(1));
    const off = concat(publicKey.subarray(0, 64), Uint8Array.of((publicKey[64] ?? 0) ^ 1));
    expect(isP256PublicKey(publicKey)).toBe(true);
    for (const bytes of [compressed, hybrid, off, Uint8Array.of(0), new Uint8Array(65)]) {
      expect(isP256PublicKey(bytes)).toBe(false);
      expect(() => key.agree(bytes)).toThrow(expect.objectContaining({ code: 'malformed' }));
      expect(p256Verify(bytes, message, key.sign(message))).toBe(false);
    }
  });

  it('takes secrets from 1 to n - 1', () => {
    const last = concat(N.subarray(0, 31), Uint8Array.of(0x50));
    expect([secret, last].map(isP256SecretKey)).toEqual([true, true]);
    for (const bytes of [new Uint8Array(32), N, new Uint8Array(31).fill(1), new Uint8Array(33).fill(1)]) {
      expect(isP256SecretKey(bytes)).toBe(false);
      expect(() => p256Key(bytes)).toThrow(expect.objectContaining({ code: 'invalid-key' }));
    }
  });
});
