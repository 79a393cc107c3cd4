import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, hex } from '../wire/bytes.ts';
import { preparePassword } from './password.ts';

const text = (password: string): string => fromUtf8(preparePassword(password));

describe('a password', () => {
  // RFC 8265, section 4.3, table 4.
  it.each([
    ['correct horse battery staple', 'correct horse battery staple'],
    ['Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
    ['πßå', 'πßå'],
    ['Jack of ♦s', 'Jack of ♦s'],
    ['foo\u1680bar', 'foo bar'],
  ])('RFC 8265: %j becomes %j', (input, output) => expect(text(input)).toBe(output));

  it.each([
    ['', 'empty'],
    ['my cat is a \u0009by', 'a tab'],
  ])('RFC 8265 refuses %j: %s', (input) => {
    expect(() => preparePassword(input)).toThrow(expect.objectContaining({ code: 'invalid-password' }));
  });

  it('keeps the zeros of a PIN, its spaces and its case', () => {
    for (const password of ['000123', ' 12 34 ', 'aA']) expect(text(password)).toBe(password);
  });

  it('is the same whether its accents are composed or not', () => {
    expect(hex(preparePassword('Ame\u0301lie'))).toBe(hex(preparePassword('Am\u00e9lie')));
    expect(hex(preparePassword('\u1112\u1161\u11ab'))).toBe(hex(preparePassword('\ud55c')));
    expect(hex(preparePassword('\u212b'))).toBe(hex(preparePassword('\u00c5')));
  });

  it('is not folded: compatibility forms and full-width forms stay', () => {
    expect(text('\uff21\u00b2\ufb01')).toBe('\uff21\u00b2\ufb01');
  });

  it('may be an emoji without joiners', () => expect(text('🐎🔋')).toBe('🐎🔋'));

  it('is never truncated', () => {
    expect(preparePassword('a'.repeat(65535))).toHaveLength(65535);
    expect(() => preparePassword('a'.repeat(65536))).toThrow(
      expect.objectContaining({ code: 'invalid-password' }),
    );
  });

  it.each([
    ['control', 'a\u0000b'],
    ['delete', 'a\u007f'],
    ['C1 control', 'a\u0085'],
    ['line separator', 'a\u2028b'],
    ['unassigned', 'a\u0378'],
    ['noncharacter', 'a\ufffe'],
    ['private use', 'a\ue000'],
    ['lone surrogate', 'a\ud800'],
    ['zero-width space', 'a\u200bb'],
    ['zero-width joiner', 'a\u200db'],
    ['soft hyphen', 'a\u00adb'],
    ['variation selector', 'a\ufe0f'],
    ['byte order mark', '\ufeffa'],
    ['right-to-left override', 'a\u202eb'],
    ['Arabic number sign', '\u0600'],
    ['Old Hangul jamo', '\u1140\u1161'],
    ['tatweel', '\u0640'],
    ['middle dot out of place', 'a\u00b7b'],
    ['middle dot at the end', 'l\u00b7'],
    ['keraia before Latin', '\u0375a'],
    ['geresh after Latin', 'a\u05f3'],
    ['katakana dot alone', '\u30fb'],
    ['two kinds of Arabic digits', '\u0661\u06f1'],
  ])('must not hold: %s', (_what, input) => {
    expect(() => preparePassword(input)).toThrow(expect.objectContaining({ code: 'invalid-password' }));
  });

  it.each([
    ['middle dot between l', 'col\u00b7lecci\u00f3'],
    ['keraia before Greek', '\u0375\u03b1'],
    ['geresh after Hebrew', '\u05d0\u05f3'],
    ['katakana dot among kana', '\u30a2\u30fb\u30a4'],
    ['one kind of Arabic digits', '\u0661\u0662'],
  ])('may hold: %s', (_what, input) => expect(text(input)).toBe(input));

  it('is prepared once and for all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), (password) => {
        let once: string;
        try {
          once = text(password);
        } catch {
          return;
        }
        expect(text(once)).toBe(once);
        expect(text(password.normalize('NFD'))).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });
});
