import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, hex, utf8 } from '../wire/bytes.ts';
import type { HashName } from './engine.ts';
import { expand, extract } from './hkdf.ts';
import { nobleEngine } from './noble.ts';
import { nodeEngine } from './node.ts';
import { systemRandom } from './random.ts';

const exactly = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const hashName = fc.constantFrom<HashName>('sha256', 'sha512');

describe.each([nodeEngine, nobleEngine])('engine $name', (engine) => {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16.
  const key = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308';
  const nonce = 'cafebabefacedbaddecaf888';
  const text =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
  const sealed =
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';
  it.each([
    ['nothing', '00'.repeat(32), '00'.repeat(12), '', undefined, '530f8afbc74536b9a963b4f1c4cb738b'],
    [
      'a block',
      '00'.repeat(32),
      '00'.repeat(12),
      '00'.repeat(16),
      undefined,
      'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
    ],
    ['four blocks', key, nonce, text, undefined, `${sealed}b094dac5d93471bdec1a502270e3cc6c`],
    [
      'associated data',
      key,
      nonce,
      text.slice(0, 120),
      'feedfacedeadbeeffeedfacedeadbeefabaddad2',
      `${sealed.slice(0, 120)}76fc6ece0f4e1768cddf8853bb2d551b`,
    ],
  ] as const)('seals %s as published', (_name, k, n, plaintext, aad, expected) => {
    const aead = engine.aead(fromHex(k));
    const data = aad === undefined ? undefined : fromHex(aad);
    expect(hex(aead.seal(fromHex(n), fromHex(plaintext), data))).toBe(expected);
    expect(hex(concat(...aead.sealParts(fromHex(n), fromHex(plaintext), data)))).toBe(expected);
    expect(hex(aead.open(fromHex(n), fromHex(expected), data) ?? utf8('refused'))).toBe(plaintext);
  });

  it('opens nothing that was changed, and nothing shorter than a tag', () => {
    const aead = engine.aead(new Uint8Array(32));
    const whole = aead.seal(new Uint8Array(12), utf8('text'), utf8('aad'));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const changed = whole.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(aead.open(new Uint8Array(12), changed, utf8('aad'))).toBeUndefined();
    }
    for (let length = 0; length < whole.length; length++) {
      expect(aead.open(new Uint8Array(12), whole.subarray(0, length), utf8('aad'))).toBeUndefined();
    }
    expect(aead.open(new Uint8Array(12), whole)).toBeUndefined();
    expect(aead.open(new Uint8Array(12).fill(1), whole, utf8('aad'))).toBeUndefined();
  });

  it('keeps its key when the caller wipes it', () => {
    const raw = new Uint8Array(32).fill(7);
    const aead = engine.aead(raw);
    const before = aead.seal(new Uint8Array(12), utf8('text'));
    raw.fill(0);
    expect(hex(aead.seal(new Uint8Array(12), utf8('text')))).toBe(hex(before));
  });

  // RFC 5869, appendix A.1 to A.3.
  it.each([
    [
      22,
      '000102030405060708090a0b0c',
      'f0f1f2f3f4f5f6f7f8f9',
      42,
      '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    ],
    [
      22,
      '',
      '',
      42,
      '19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04',
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    ],
  ])('derives with HKDF-SHA-256 as published', (size, salt, info, length, prk, okm) => {
    const extracted = extract(engine, 'sha256', fromHex(salt), new Uint8Array(size).fill(0x0b));
    expect(hex(extracted)).toBe(prk);
    expect(hex(expand(engine, 'sha256', extracted, fromHex(info), length))).toBe(okm);
  });

  it('derives long output as published', () => {
    const range = (from: number, length: number): Uint8Array =>
      Uint8Array.from({ length }, (_, i) => from + i);
    const prk = extract(engine, 'sha256', range(0x60, 80), range(0, 80));
    expect(hex(expand(engine, 'sha256', prk, range(0xb0, 80), 82))).toBe(
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    );
  });

  it('derives at most 255 blocks', () => {
    expect(expand(engine, 'sha256', new Uint8Array(32), utf8(''), 8160)).toHaveLength(8160);
    for (const length of [0, 8161, Number.NaN]) {
      expect(() => expand(engine, 'sha256', new Uint8Array(32), utf8(''), length)).toThrow(RangeError);
    }
  });
});

describe('the two engines', () => {
  it('agree on AES-256-GCM', () => {
    fc.assert(
      fc.property(
        exactly(32),
        exactly(12),
        fc.uint8Array({ maxLength: 100 }),
        fc.uint8Array(),
        (key, nonce, text, aad) => {
          const [a, b] = [nodeEngine.aead(key), nobleEngine.aead(key)];
          expect(hex(a.seal(nonce, text, aad))).toBe(hex(b.seal(nonce, text, aad)));
          expect(hex(b.open(nonce, a.seal(nonce, text, aad), aad) ?? utf8('refused'))).toBe(hex(text));
        },
      ),
    );
  });

  it('agree on texts that take more than one piece', () => {
    const text = Uint8Array.from({ length: 600_001 }, (_, i) => i ^ (i >> 8));
    const [a, b] = [nodeEngine, nobleEngine].map((engine) => engine.aead(new Uint8Array(32).fill(3)));
    const sealed = a?.seal(new Uint8Array(12), text) ?? utf8('nothing');
    expect(hex(sealed)).toBe(hex(b?.seal(new Uint8Array(12), text) ?? utf8('')));
    expect(hex(a?.open(new Uint8Array(12), sealed) ?? utf8('refused'))).toBe(hex(text));
  });

  it('agree on hashes and HMAC', () => {
    fc.assert(
      fc.property(
        hashName,
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 300 }),
        (name, key, data) => {
          expect(hex(nodeEngine.hash(name, data))).toBe(hex(nobleEngine.hash(name, data)));
          expect(hex(nodeEngine.hmac(name, key, data))).toBe(hex(nobleEngine.hmac(name, key, data)));
        },
      ),
    );
  });
});

it('draws fresh randomness of the length asked for', () => {
  const [a, b] = [systemRandom('salt', 32), systemRandom('salt', 32)];
  expect(a).toHaveLength(32);
  expect(hex(a)).not.toBe(hex(b));
});
