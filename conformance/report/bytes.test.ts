import { expect, test } from 'vitest';
import { firstDifference, markedRows } from './bytes.ts';

const text = Buffer.from(Array.from({ length: 100 }, (_, i) => i)).toString('hex');

test('a range stands in brackets, with a row before it and one after it', () => {
  expect(markedRows(text, 20, 22)).toEqual([
    '000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f',
    '000010  10 11 12 13[14 15]16 17 18 19 1a 1b 1c 1d 1e 1f',
    '000020  20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f',
  ]);
});

test('a range that fills a row is closed in it', () => {
  expect(markedRows(text, 16, 32)[1]).toBe('000010 [10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f]');
  expect(markedRows(text, 16, 32)[2]).toBe('000020  20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f');
});

test('a place without bytes has a bar: inside, at the start of a row, at the end', () => {
  expect(markedRows('0a0b', 1, 1)).toEqual(['000000  0a|0b']);
  expect(markedRows('0a0b', 2, 2)).toEqual(['000000  0a 0b|']);
  expect(markedRows(text, 16, 16).slice(0, 2)).toEqual([
    '000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f',
    '000010 |10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f',
  ]);
  expect(markedRows('', 0, 0)).toEqual(['000000 |']);
});

test('of a long range its beginning and its end are shown', () => {
  const rows = markedRows('00'.repeat(4096), 100, 4000);
  expect(rows).toHaveLength(7);
  expect(rows[3]).toBe('… 240 rows');
  expect(rows[1]).toBe('000060  00 00 00 00[00 00 00 00 00 00 00 00 00 00 00 00');
  expect(rows[5]).toBe('000f90  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00]');
});

test('the first difference is found, also where one text is the beginning of the other', () => {
  expect(firstDifference('0a0b0c0d', '0a0e0f0d')).toEqual({ start: 1, end: 3 });
  expect(firstDifference('0a', '0a0b')).toEqual({ start: 1, end: 2 });
  expect(firstDifference('0a0b', '0a')).toEqual({ start: 1, end: 1 });
  expect(firstDifference('0a', '0a')).toBeUndefined();
});
