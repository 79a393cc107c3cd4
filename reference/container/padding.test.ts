import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CONTENT_LENGTH, MAX_PLAINTEXT_LENGTH, padme, plaintextLength, type Padding } from './padding.ts';

/** Padmé with shifts on big integers, as the specification writes it. */
function exactPadme(length: number): number {
  const big = BigInt(length);
  const exponent = big.toString(2).length - 1;
  const last = BigInt(exponent - exponent.toString(2).length);
  const mask = (1n << last) - 1n;
  return Number((big + mask) & ~mask);
}

describe('Padmé', () => {
  const powers = Array.from({ length: 49 }, (_, i) => 2 ** (i + 4)).flatMap((n) => [n - 1, n, n + 1]);
  // proves PAD-3
  it('is exact around every power of two up to 2^52', () => {
    for (const n of powers) expect([n, padme(n)]).toEqual([n, exactPadme(n)]);
  });

  it('is exact everywhere', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 2 ** 52 }), (n) => {
        expect(padme(n)).toBe(exactPadme(n));
      }),
    );
  });

  it('never shrinks, is stable, grows with its input and costs at most an eighth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 2 ** 41 }), fc.nat(2 ** 20), (n, more) => {
        expect(padme(padme(n))).toBe(padme(n));
        expect(padme(n + more)).toBeGreaterThanOrEqual(padme(n));
        expect(padme(n)).toBeGreaterThanOrEqual(n);
        expect(padme(n) - n).toBeLessThan(n / 8);
      }),
    );
  });

  it.each([
    [16, 16],
    [17, 18],
    [1000, 1024],
    [65_537, 67_584],
    [2 ** 40 + 16, 2 ** 40 + 2 ** 34],
  ])('of %i is %i', (length, padded) => {
    expect(padme(length)).toBe(padded);
  });
});

describe('plaintext length', () => {
  const chunkLog2 = fc.constantFrom(14, 16, 18, 20);
  const padding = fc.constantFrom<Padding>('none', 'padme');

  it('leaves the trailer whole in a final chunk that is shorter than a chunk', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), padding, chunkLog2, (length, scheme, log2) => {
        const whole = plaintextLength(length, scheme, log2);
        expect(whole).toBeGreaterThanOrEqual(length + 16);
        expect(whole % 2 ** log2).toBeGreaterThanOrEqual(16);
        expect(whole).toBeLessThanOrEqual(MAX_PLAINTEXT_LENGTH);
      }),
    );
  });

  it.each([
    [0, 'none', 16],
    [2 ** 14 - 17, 'none', 2 ** 14 - 1],
    [2 ** 14 - 16, 'none', 2 ** 14 + 16],
    [2 ** 14 - 1, 'none', 2 ** 14 + 16],
    [2 ** 14, 'none', 2 ** 14 + 16],
    [2 ** 14 + 1, 'none', 2 ** 14 + 17],
    [2 ** 14 - 17, 'padme', 2 ** 14 + 16],
    [MAX_CONTENT_LENGTH, 'padme', MAX_PLAINTEXT_LENGTH],
  ] as const)('of %i bytes, %s, is %i', (length, scheme, whole) => {
    expect(plaintextLength(length, scheme, 14)).toBe(whole);
  });

  it('ends at 2^40 bytes of content', () => {
    expect(() => plaintextLength(MAX_CONTENT_LENGTH + 1, 'none', 20)).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });
});
