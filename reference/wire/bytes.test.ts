import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, equal, fromHex, fromUtf8, hex, isZero, utf8, wipe } from './bytes.ts';

describe('bytes', () => {
  it('turns bytes into hexadecimal and back, like Buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(hex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(hex(fromHex(hex(bytes).toUpperCase()))).toBe(hex(bytes));
      }),
    );
  });

  it.each(['0', '0g', ' 00', '0x00', '００'])('refuses %j as hexadecimal', (text) => {
    expect(() => fromHex(text)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  // proves CNV-2
  it('keeps well-formed text, a byte order mark included, and refuses all else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(fromUtf8(utf8(text))).toBe(text);
      }),
    );
    expect(fromUtf8(utf8('\ufeffa'))).toBe('\ufeffa');
    expect(() => utf8('a\udc00')).toThrow(expect.objectContaining({ code: 'malformed' }));
    expect(() => fromUtf8(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('compares by every byte and by length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, at, flip) => {
          const other = bytes.slice();
          expect(equal(bytes, other)).toBe(true);
          other[at % other.length] = (other[at % other.length] ?? 0) ^ flip;
          expect(equal(bytes, other)).toBe(false);
          expect(equal(bytes, bytes.subarray(1))).toBe(false);
        },
      ),
    );
  });

  it('joins, wipes and sees zeros', () => {
    const joined = concat(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3));
    expect(hex(joined)).toBe('010203');
    expect(isZero(joined)).toBe(false);
    wipe(joined, undefined);
    expect(isZero(joined)).toBe(true);
    expect(isZero(Uint8Array.of(0, 0, 128))).toBe(false);
  });

  it('sees every bit of any part', () => {
    const buffer = new Uint8Array(40);
    for (let from = 0; from < 9; from++) {
      for (let to = from; to <= 40; to++) {
        const part = buffer.subarray(from, to);
        expect(isZero(part)).toBe(true);
        for (let i = 0; i < 40; i++) {
          buffer[i] = 128;
          expect(isZero(part)).toBe(i < from || i >= to);
          buffer[i] = 0;
        }
      }
    }
  });
});
