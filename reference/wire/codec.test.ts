import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStrongroomError } from '../errors.ts';
import { hex, type Bytes } from './bytes.ts';
import * as c from './codec.ts';

const byteString = (length: object = {}): fc.Arbitrary<Bytes> =>
  fc.uint8Array(length).map((bytes) => new Uint8Array(bytes));

type Shape = { kind: 'number'; value: number } | { kind: 'list'; items: string[] };

/** Every combinator once, with a generator of its values. */
const cases: { [name: string]: [c.Codec<unknown>, fc.Arbitrary<unknown>] } = {
  u8: [c.u8, fc.integer({ min: 0, max: 255 })],
  u16: [c.u16, fc.integer({ min: 0, max: 65_535 })],
  u24: [c.u24, fc.integer({ min: 0, max: 2 ** 24 - 1 })],
  u32: [c.u32, fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  u64: [c.u64, fc.maxSafeNat()],
  opaque: [c.opaque(3), byteString({ minLength: 3, maxLength: 3 })],
  bytes: [c.bytes(1, 300), byteString({ minLength: 1, maxLength: 300 })],
  text: [c.text(0, 40), fc.string({ unit: 'binary', maxLength: 10 })],
  vector: [c.vector(c.u16, 0, 40), fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 20 })],
  array: [c.array(c.u8, 2), fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 2, maxLength: 2 })],
  enumeration: [c.enumeration('E', 2, { a: 1, b: 513 }), fc.constantFrom('a', 'b')],
  constant: [c.constant(Uint8Array.of(1, 2), 'k'), fc.constant(undefined)],
  optional: [c.optional(c.u16), fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined })],
  padded: [c.padded(c.bytes(0, 5), 8), byteString({ maxLength: 5 })],
  struct: [
    c.struct('S', { a: c.u8, b: c.bytes(0, 9) }),
    fc.record({ a: fc.nat(255), b: byteString({ maxLength: 9 }) }),
  ],
  select: [
    c.select<Shape>('Shape', 1, {
      number: [1, c.struct('N', { value: c.u32 })],
      list: [7, c.struct('L', { items: c.vector(c.text(0, 8), 0, 100) })],
    }),
    fc.oneof(
      fc.record({ kind: fc.constant('number'), value: fc.nat() }),
      fc.record({
        kind: fc.constant('list'),
        items: fc.array(fc.string({ maxLength: 8 }), { maxLength: 9 }),
      }),
    ),
  ],
};

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (isStrongroomError(error, 'malformed')) return undefined;
    throw error;
  }
}

describe.each(Object.entries(cases))('%s', (_name, [codec, values]) => {
  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(c.decode(codec, c.encode(codec, value))).toEqual(value);
      }),
    );
  });

  // proves CNV-11
  it('has no second encoding', () => {
    // Short strings of small numbers hit lengths, tags and presence bytes often.
    const likely = byteString({ maxLength: 12 }).map((bytes) =>
      bytes.map((byte) => (byte < 200 ? byte % 4 : byte)),
    );
    fc.assert(
      fc.property(fc.oneof(byteString({ maxLength: 12 }), likely), (bytes) => {
        const value = attempt(() => ({ decoded: c.decode(codec, bytes) }));
        if (value !== undefined) expect(hex(c.encode(codec, value.decoded))).toBe(hex(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses every truncation and every tail', () => {
    fc.assert(
      fc.property(values, fc.nat(255), (value, tail) => {
        const whole = c.encode(codec, value);
        for (let length = 0; length < whole.length; length++) {
          expect(() => c.decode(codec, whole.subarray(0, length))).toThrow();
          expect(attempt(() => c.decode(codec, whole.subarray(0, length)))).toBeUndefined();
        }
        expect(() => c.decode(codec, Uint8Array.of(...whole, tail))).toThrow(/after its end/u);
      }),
      { numRuns: 30 },
    );
  });
});

describe('known encodings', () => {
  it.each([
    ['u24', c.u24, 0x010203, '010203'],
    ['u64', c.u64, 2 ** 53 - 1, '001fffffffffffff'],
    ['prefix of one byte', c.bytes(0, 255), Uint8Array.of(9), '0109'],
    ['prefix of two bytes', c.bytes(0, 256), Uint8Array.of(9), '000109'],
    ['prefix of three bytes', c.bytes(0, 65_536), Uint8Array.of(9), '00000109'],
    ['vector bounds count bytes', c.vector(c.u16, 0, 300), [1, 2], '000400010002'],
    ['absent', c.optional(c.u8), undefined, '00'],
    ['present', c.optional(c.u8), 5, '0105'],
  ] as const)('%s', (_name, codec, value, expected) => {
    expect(hex(c.encode(codec as c.Codec<unknown>, value))).toBe(expected);
  });

  // proves CNV-11
  it.each([
    ['u64 of 2^53', c.u64, '0020000000000000'],
    ['u64 of 2^64 - 1', c.u64, 'ffffffffffffffff'],
    ['enumeration outside', c.enumeration('E', 1, { a: 1 }), '02'],
    ['presence 2', c.optional(c.u8), '0205'],
    ['non-zero padding', c.padded(c.u8, 3), '010001'],
    ['length under the minimum', c.bytes(2, 9), '0101'],
    ['length over the maximum', c.bytes(0, 2), '03010203'],
    ['half an item in a vector', c.vector(c.u16, 0, 9), '03000100'],
    ['overlong UTF-8', c.text(0, 9), '02c080'],
    ['UTF-8 of a surrogate', c.text(0, 9), '03eda080'],
  ] as const)('refuses %s', (_name, codec, input) => {
    const bytes = Uint8Array.from(Buffer.from(input, 'hex'));
    expect(() => c.decode(codec as c.Codec<unknown>, bytes)).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  // proves CNV-13
  it.each([
    ['a fraction', c.u8, 1.5],
    ['a negative number', c.u8, -1],
    ['256 in a byte', c.u8, 256],
    ['2^53', c.u64, 2 ** 53],
    ['wrong size', c.opaque(2), new Uint8Array(3)],
    ['a lone surrogate', c.text(0, 9), '\ud800'],
    ['an unlisted value', c.enumeration<string>('E', 1, { a: 1 }), 'toString'],
  ] as const)('does not encode %s', (_name, codec, value) => {
    expect(() => c.encode(codec as c.Codec<unknown>, value)).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('decodes into copies', () => {
    const input = Uint8Array.of(1, 2);
    const value = c.decode(c.opaque(2), input);
    input.fill(0);
    expect(hex(value)).toBe('0102');
  });
});
