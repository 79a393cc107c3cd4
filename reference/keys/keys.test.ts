import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nobleEngine } from '../crypto/noble.ts';
import { fromHex, hex } from '../wire/bytes.ts';
import { BackupKey, generateWith } from './backup-key.ts';
import { label, LABELS } from './labels.ts';
import { ObjectKey } from './object-key.ts';
import { formatRecoveryKey, parseRecoveryKey } from './recovery-key.ts';

const raw = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 3);
const exactly32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('labels', () => {
  // proves CNV-14
  it('are ASCII, end in a zero byte, and none begins another', () => {
    const all = LABELS.map((name) => hex(label(name)));
    for (const name of LABELS) expect(name).toMatch(/^[a-z]+(?:-[a-z]+)*$/u);
    for (const each of all) expect(all.filter((other) => other.startsWith(each))).toEqual([each]);
    expect(hex(label('object'))).toBe(`${Buffer.from('strongroom/v1/object').toString('hex')}00`);
  });
});

describe('backup key', () => {
  it('derives as RFC 5869 says', () => {
    const info = Buffer.from('strongroom/v1/media-id\0\x01', 'latin1');
    const expected = createHmac('sha256', raw).update(info).digest('hex');
    const key = BackupKey.fromBytes(raw);
    expect(hex(key.derive('media-id'))).toBe(expected);
    expect(hex(key.derive('media-id', 16, nobleEngine))).toBe(expected.slice(0, 32));
  });

  it('gives every name a key of its own', () => {
    const key = BackupKey.generate();
    expect(new Set(LABELS.map((name) => hex(key.derive(name)))).size).toBe(LABELS.length);
  });

  it('keeps its own copy and hands out copies', () => {
    const given = raw.slice();
    const key = BackupKey.fromBytes(given);
    given.fill(0);
    key.bytes().fill(0);
    expect(hex(key.bytes())).toBe(hex(raw));
  });

  // proves KEY-4, CNV-20
  it('shows nothing of itself', () => {
    const key = BackupKey.fromBytes(raw);
    expect(JSON.stringify({ key })).toBe('{"key":{}}');
    expect(inspect(key, { depth: 9, showHidden: true })).not.toMatch(/[0-9a-f]{4}|\d+, \d+/u);
  });

  it('is of no use once wiped', () => {
    const key = BackupKey.fromBytes(raw);
    key.wipe();
    for (const use of [() => key.bytes(), () => key.recoveryKey(), () => key.derive('object')]) {
      expect(use).toThrow(expect.objectContaining({ code: 'invalid-key' }));
    }
  });

  it('is fresh, drawn by name', () => {
    expect(hex(BackupKey.generate().bytes())).not.toBe(hex(BackupKey.generate().bytes()));
    expect(hex(generateWith((name, n) => new Uint8Array(n).fill(name.length)).bytes())).toBe('0a'.repeat(32));
  });

  it.each([0, 31, 33, 64])('refuses %i bytes', (length) => {
    expect(() => BackupKey.fromBytes(new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: 'invalid-key' }),
    );
  });

  // proves KEY-11, KEY-4
  it('gives out its object key, which is as careful', () => {
    const derived = BackupKey.fromBytes(raw).derive('object');
    const objectKey = BackupKey.fromBytes(raw).objectKey();
    expect(hex(objectKey.bytes())).toBe(hex(derived));
    expect(hex(BackupKey.fromBytes(raw).objectKey(nobleEngine).bytes())).toBe(hex(derived));
    expect(JSON.stringify({ objectKey })).toBe('{"objectKey":{}}');
    expect(inspect(objectKey, { depth: 9, showHidden: true })).not.toMatch(/[0-9a-f]{4}|\d+, \d+/u);
    const given = ObjectKey.fromBytes(derived);
    derived.fill(0);
    given.bytes().fill(0);
    expect(hex(given.bytes())).toBe(hex(objectKey.bytes()));
    objectKey.wipe();
    expect(() => objectKey.bytes()).toThrow(expect.objectContaining({ code: 'invalid-key' }));
    for (const wrong of [new Uint8Array(31), new Uint8Array(33), 'x'.repeat(32) as unknown as Uint8Array]) {
      expect(() => ObjectKey.fromBytes(wrong)).toThrow(expect.objectContaining({ code: 'invalid-key' }));
    }
  });

  // proves KEY-3
  it('refuses text in the place of bytes', () => {
    expect(() => BackupKey.fromBytes('x'.repeat(32) as unknown as Uint8Array)).toThrow(
      expect.objectContaining({ code: 'invalid-key' }),
    );
  });
});

// proves KEY-4, CNV-20
it('no error repeats anything of a key', () => {
  const messages = (...uses: (() => unknown)[]): string =>
    uses
      .map((use) => {
        try {
          use();
        } catch (error) {
          return inspect(error, { depth: 9, showHidden: true }).replaceAll(/^ +at .*$/gmu, '');
        }
        throw new Error('no error');
      })
      .join('\n');
  const [text, wiped] = [formatRecoveryKey(raw), BackupKey.fromBytes(raw)];
  wiped.wipe();
  const shown = messages(
    () => BackupKey.parse(`${text}x`),
    () => BackupKey.parse(text.slice(0, -1)),
    () => BackupKey.fromBytes(raw.subarray(1)),
    () => BackupKey.fromBytes(text as unknown as Uint8Array),
    () => wiped.bytes(),
  );
  for (let at = 0; at + 4 <= 32; at++) expect(shown).not.toContain(hex(raw.subarray(at, at + 4)));
  for (const group of text.split(' ')) expect(shown).not.toContain(group);
});

describe('recovery key', () => {
  const text = '0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567 89ab cdef';

  it('is sixteen groups of four', () => {
    expect(formatRecoveryKey(fromHex('0123456789abcdef'.repeat(4)))).toBe(text);
    expect(BackupKey.parse(text).recoveryKey()).toBe(text);
  });

  it('is read back however it is spaced, hyphenated and capitalised', () => {
    const separators = fc.array(fc.constantFrom('', '', ' ', '-', '  ', ' - '), {
      minLength: 65,
      maxLength: 65,
    });
    const capitals = fc.array(fc.boolean(), { minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(exactly32, separators, capitals, (key, gaps, upper) => {
        const typed = Array.from(
          hex(key),
          (digit, i) => (gaps[i] ?? '') + (upper[i] ? digit.toUpperCase() : digit),
        );
        expect(hex(parseRecoveryKey(typed.join('') + (gaps[64] ?? '')))).toBe(hex(key));
      }),
    );
  });

  const digits = '0123456789abcdef'.repeat(4);
  it.each([
    ['nothing', '', 1],
    ['one digit too few', digits.slice(1), 64],
    ['one digit too few, with a gap at the end', `${digits.slice(1)} `, 65],
    ['one digit too many', `${digits}0`, 65],
    ['too many after a gap', `${digits} -0`, 67],
    ['a letter that is no digit', `0123 456g ${digits}`, 9],
    ['the letter O', `O${digits.slice(1)}`, 1],
    ['a full-width digit', `0１${digits.slice(2)}`, 2],
    ['an Arabic-Indic digit', `0١${digits.slice(2)}`, 2],
    ['a character beyond the BMP, and one after it', `0 😀x${digits}`, 3],
    ['a wrong character after one beyond the BMP', `😀`, 1],
    ['a tab', `\t${digits}`, 1],
    ['a line end', `${digits}\n`, 65],
    ['a no-break space', `\u00a0${digits}`, 1],
    ['an en dash', `0123–${digits}`, 5],
    ['0x', `0x${digits}`, 2],
    ['a lone surrogate behind digits', '01\ud83d0', 3],
  ])('refuses %s and says where', (_name, typed, position) => {
    expect(() => parseRecoveryKey(typed)).toThrow(
      expect.objectContaining({ code: 'invalid-recovery-key', details: { position } }),
    );
  });
});
