import { describe, expect, it } from 'vitest';
import { checkPath, checkTarget, comparePaths, parentOf, type PathRules } from './paths.ts';

function pathCode(path: string, rules?: PathRules): string {
  try {
    checkPath(path, rules);
    return 'safe';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function targetCode(path: string, target: string, rules?: PathRules): string {
  try {
    checkTarget(path, target, rules);
    return 'safe';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('paths', () => {
  it.each([
    'a',
    'a/b',
    '.hidden',
    'a..b',
    '...',
    'é',
    'e\u0301',
    '😀',
    'cur/123:2,S',
    'a\\b',
    'con',
    'end.',
    'x'.repeat(255),
  ])('takes %j', (path) => expect(pathCode(path)).toBe('safe'));

  it.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    './a',
    'a/.',
    '../a',
    'a/../b',
    'a/..',
    'a\0b',
    '\0',
    'x'.repeat(256),
    'é'.repeat(128),
    '\ud800',
    `${'a/'.repeat(2048)}b`,
  ])('refuses %j', (path) => expect(pathCode(path)).toBe('unsafe-path'));

  it('takes 4096 bytes and no more', () => {
    const path = `${`${'x'.repeat(255)}/`.repeat(15)}${'y'.repeat(250)}`;
    expect(pathCode(`${path}/12345`)).toBe('safe');
    expect(pathCode(`${path}/123456`)).toBe('unsafe-path');
  });

  it.each([
    'a\\b',
    'C:',
    'C:a',
    'a:b',
    'con',
    'CON',
    'nul.txt',
    'a/COM1',
    'lpt9.a.b',
    'com¹',
    'aux .x',
    'CONIN$',
    'a.',
    'a ',
    'a/b./c',
    'a*',
    'a?',
    'a|b',
    '<',
    '>',
    '"',
    'a\u0001',
  ])('refuses %j on Windows only', (path) => {
    expect(pathCode(path, 'windows')).toBe('unsafe-path');
    expect(pathCode(path)).toBe('safe');
  });

  it.each(['console', 'com10', 'auxiliary', 'nula', 'a.con', ' a', '.a'])('takes %j on Windows', (path) =>
    expect(pathCode(path, 'windows')).toBe('safe'),
  );
});

describe('targets of links', () => {
  it.each([
    ['l', 'a'],
    ['l', './a//b/.'],
    ['l', '.'],
    ['a/l', '..'],
    ['a/l', '../b'],
    ['a/b/l', '../../c/d'],
    ['a/b/l', './../../c'],
  ])('%j may point to %j', (path, target) => expect(targetCode(path, target)).toBe('safe'));

  it.each([
    ['l', ''],
    ['l', '/etc/passwd'],
    ['l', '..'],
    ['l', '../x'],
    ['a/l', '../../x'],
    ['a/b/l', '../../../x'],
    ['a/l', 'x/..'],
    ['a/b/l', 'x/../../..'],
    ['l', 'a\0'],
    ['l', 'x'.repeat(4097)],
    ['l', '\ud800'],
  ])('%j must not point to %j', (path, target) => expect(targetCode(path, target)).toBe('unsafe-path'));

  it.each(['C:\\x', '\\\\server\\x', '..\\x', 'nul'])('%j is refused on Windows', (target) =>
    expect(targetCode('a/l', target, 'windows')).toBe('unsafe-path'),
  );
});

describe('order', () => {
  it('is that of the UTF-8 bytes, not of UTF-16', () => {
    // U+FFFF sorts above surrogates in UTF-16 and below U+10000 in UTF-8.
    expect(['\u{10000}', '\uffff', 'a/b', 'a.b', 'a', 'B'].sort(comparePaths)).toEqual([
      'B',
      'a',
      'a.b',
      'a/b',
      '\uffff',
      '\u{10000}',
    ]);
  });

  it('puts every parent before its children', () => {
    expect(parentOf('a/b/c')).toBe('a/b');
    expect(parentOf('a')).toBe('');
    expect(comparePaths('a/b', 'a/b/c')).toBeLessThan(0);
  });
});
