import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CaseResult } from '../schema/report.ts';
import { folderFiles } from '../assets.ts';
import { loadVectors, unpack } from '../vectors.ts';
import { splitCommand } from './connection.ts';
import { shuffled } from './plan.ts';
import { fillFolder, readTree } from './folder.ts';
import { digest, score, scoreTree } from './score.ts';
import { applyExpected, nextExpected } from './expected.ts';
import { verdictLine, verdicts } from './verdict.ts';

const nothing = digest(new Uint8Array(0));
const chunk = digest(new Uint8Array(16));
const more = digest(new Uint8Array(17));

describe('scoring', () => {
  const reject = {
    outcome: 'reject',
    errors: ['wrong-key', 'truncated'],
    released: [nothing, chunk],
  } as const;
  const expectation = { ...reject, errors: [...reject.errors], released: [...reject.released] };

  // proves CFM-12
  test('over-release is seen before the error, whatever the error is', () => {
    expect(score(expectation, { outcome: 'reject', error: 'wrong-key' }, more)).toMatchObject({
      class: 'over-release',
    });
    expect(score(expectation, { outcome: 'reject', error: 'other' }, more)).toMatchObject({
      class: 'over-release',
    });
    expect(score(expectation, { outcome: 'reject', error: 'other' }, more, true)).toMatchObject({
      class: 'over-release',
    });
  });

  test('every acceptable error and prefix passes, any other error does not', () => {
    for (const error of expectation.errors) {
      for (const released of expectation.released) {
        expect(score(expectation, { outcome: 'reject', error }, released).status).toBe('pass');
      }
    }
    expect(score(expectation, { outcome: 'reject', error: 'other' }, nothing)).toMatchObject({
      class: 'wrong-error',
    });
    expect(score(expectation, { outcome: 'reject', error: 'other' }, nothing, true).status).toBe('pass');
  });

  test('an output must be there, and all of it must agree', () => {
    const ok = {
      outcome: 'ok' as const,
      result: { a: { length: 1, sha256: digest(Uint8Array.of(7)).sha256 }, b: 2 },
    };
    expect(score(ok, { outcome: 'ok', result: { a: '07', b: 2 } }, undefined).status).toBe('pass');
    expect(score(ok, { outcome: 'ok', result: { a: '08', b: 2 } }, undefined)).toMatchObject({
      class: 'wrong-output',
    });
    expect(score(ok, { outcome: 'ok', result: { a: '07' } }, undefined)).toMatchObject({
      class: 'wrong-output',
    });
    const nested = { outcome: 'ok' as const, result: { list: [ok.result] } };
    expect(score(nested, { outcome: 'ok', result: { list: [{ a: '07', b: 2 }] } }, undefined).status).toBe(
      'pass',
    );
    for (const list of [[], [{ a: '08', b: 2 }], [{ a: '07' }], [{ a: '07', b: 2, c: 3 }], '07', null]) {
      expect(score(nested, { outcome: 'ok', result: { list } }, undefined)).toMatchObject({
        class: 'wrong-output',
      });
    }
    const released = { outcome: 'ok' as const, result: {}, released: chunk };
    expect(score(released, { outcome: 'ok', result: {} }, nothing)).toMatchObject({ class: 'wrong-output' });
    expect(score(released, { outcome: 'ok', result: {} }, undefined)).toMatchObject({
      class: 'wrong-output',
    });
  });
});

describe('folders', () => {
  const link = { link: 'a' };
  const top = join(mkdtempSync(join(tmpdir(), 'strongroom-folders-')), 'top');
  fillFolder(top, {
    a: { pieces: ['68', { repeat: '69', count: 1 }] },
    'deep/b': '',
    'deep/c': link,
    empty: {},
    out: { link: '..' },
  });
  const tree = readTree(top);
  const file = tree['a'];
  if (file === undefined) throw new Error('the file is not there');
  const ok = { outcome: 'ok' as const, result: {} };
  const reject = { outcome: 'reject' as const, error: 'io' };

  test('hold what they are filled with, and links are not followed', () => {
    expect(Object.keys(tree)).toEqual(['a', 'deep', 'deep/b', 'deep/c', 'empty', 'out']);
    expect(tree['deep/c']).toEqual({ kind: 'symlink', target: 'a' });
    expect(file).toMatchObject({ kind: 'file', ...digest(new Uint8Array([0x68, 0x69])) });
    expect(readTree(join(top, 'nothing'))).toEqual({});
  });

  test('must hold all of a tree after a success, and at most the tree after a refusal', () => {
    const all = { outcome: 'ok' as const, result: {}, tree };
    expect(scoreTree(all, ok, tree)).toBeUndefined();
    const { a: _a, ...less } = tree;
    expect(scoreTree(all, ok, less)).toMatchObject({ class: 'wrong-output' });
    expect(scoreTree({ ...all, tree: less }, ok, tree)).toMatchObject({ class: 'wrong-output' });
    const other = { ...tree, a: { ...file, sha256: '00' } };
    expect(scoreTree(all, ok, other)).toMatchObject({ class: 'wrong-output' });
    const most = { outcome: 'reject' as const, errors: ['io'], tree: less };
    expect(scoreTree(most, reject, {})).toBeUndefined();
    expect(scoreTree(most, reject, less)).toBeUndefined();
    expect(scoreTree(most, reject, tree)).toMatchObject({ class: 'over-release' });
    expect(scoreTree({ ...most, tree }, reject, other)).toMatchObject({ class: 'over-release' });
  });
});

describe('verdicts', () => {
  const result = (id: string, status: CaseResult['status'], failure?: CaseResult['class']): CaseResult => ({
    id,
    title: '',
    why: '',
    role: 'container-reader',
    level: 'core',
    requirements: [],
    status,
    milliseconds: 0,
    ...(failure && { class: failure }),
  });

  // proves CFM-13
  test('a case that did not run makes the role incomplete, and a failure weighs more', () => {
    expect(verdicts([result('a', 'pass')], false)[0]?.verdict).toBe('conformant');
    expect(verdicts([result('a', 'pass')], true)[0]?.verdict).toBe('provisional');
    expect(verdicts([result('a', 'pass'), result('b', 'not-applicable')], false)[0]?.verdict).toBe(
      'incomplete',
    );
    expect(verdicts([result('a', 'pass'), result('b', 'not-run')], false)[0]?.verdict).toBe('incomplete');
    expect(verdicts([result('a', 'fail'), result('b', 'not-run')], false)[0]?.verdict).toBe('non-conformant');
    expect(verdicts([result('a', 'error')], false)[0]?.verdict).toBe('non-conformant');
    expect(verdicts([result('a', 'xfail')], false)[0]?.verdict).toBe('conformant-with-exceptions');
    expect(verdicts([], false)).toEqual([]);
    const [verdict] = verdicts([result('a', 'pass')], false, 'full', () => ['ranges', 'files']);
    expect(verdict && verdictLine(verdict)).toBe(
      'VERDICT container-reader full conformant pass=1 fail=0 not-run=0 without=ranges,files',
    );
  });

  test('a list of expected failures goes stale in every direction', () => {
    const line = { case: 'a', class: 'crash' as const, issue: 'https://example.org', expires: '2030-01-01' };
    const apply = (one: CaseResult, day = '2029-01-01'): string[] => applyExpected([one], [line], day).stale;
    expect(apply(result('a', 'fail', 'crash'))).toEqual([]);
    expect(applyExpected([result('a', 'fail', 'crash')], [line], '2029-01-01').results[0]?.status).toBe(
      'xfail',
    );
    expect(apply(result('a', 'fail', 'timeout'))).toHaveLength(1);
    expect(apply(result('a', 'pass'))).toHaveLength(1);
    expect(apply(result('a', 'not-run'))).toHaveLength(1);
    expect(apply(result('b', 'pass'))).toHaveLength(1);
    expect(apply(result('a', 'fail', 'crash'), '2030-01-02')).toHaveLength(1);
  });

  const line = {
    case: 'a.*',
    class: 'crash' as const,
    issue: 'https://example.org/1',
    expires: '2030-01-01',
  };
  const day = '2029-01-01';

  // proves CFM-20
  test('a line stands for at most twenty cases, each of which must fail as it says', () => {
    const some = ['a.x', 'a.y', 'b.x'].map((id) => result(id, 'fail', 'crash'));
    expect(applyExpected(some, [line], day)).toMatchObject({
      results: [{ status: 'xfail' }, { status: 'xfail' }, { status: 'fail' }],
      stale: [],
    });
    const one = applyExpected([result('a.x', 'fail', 'crash'), result('a.y', 'pass')], [line], day);
    expect(one).toMatchObject({
      results: [{ status: 'xfail' }, { status: 'xpass' }],
      stale: ['a.y: passes now'],
    });
    const many = Array.from({ length: 21 }, (_, i) => result(`a.${i}`, 'fail', 'crash'));
    const all = applyExpected(many, [line], day);
    expect(all.stale).toEqual(['a.*: 21 cases, and a line may stand for 20']);
    expect(new Set(all.results.map(({ status }) => status))).toEqual(new Set(['fail']));
    expect(applyExpected(many.slice(1), [line], day).stale).toEqual([]);
    expect(applyExpected(some, [line, { ...line, case: 'a.y' }], day).stale).toEqual(['a.y: in two lines']);
  });

  test('a new list keeps what still holds, and has a line for everything else that failed', () => {
    const raw = [result('a.x', 'fail', 'crash'), result('b.x', 'fail', 'state'), result('c.x', 'pass')];
    const known = [line, { ...line, case: 'c.x' }];
    const { results } = applyExpected(raw, known, day);
    const fresh = { issue: 'https://example.org/2', expires: '2031-01-01' };
    expect(nextExpected(results, known, fresh)).toEqual([line, { case: 'b.x', class: 'state', ...fresh }]);
    const changed = applyExpected([result('a.x', 'fail', 'crash'), result('a.y', 'pass')], [line], day);
    expect(nextExpected(changed.results, [line], fresh)).toEqual([{ case: 'a.x', class: 'crash', ...fresh }]);
  });
});

// proves CFM-6
test('the order is a permutation that the seed decides', () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  expect(shuffled(items, 1)).toEqual(shuffled(items, 1));
  expect(shuffled(items, 1)).not.toEqual(shuffled(items, 2));
  expect(shuffled(items, 3).toSorted((a, b) => a - b)).toEqual(items);
});

test('a command line is split without a shell', () => {
  expect(splitCommand(`node "a b.ts" 'c d' --x=1`)).toEqual(['node', 'a b.ts', 'c d', '--x=1']);
});

test('pieces stand for their bytes, in any depth', () => {
  expect(unpack({ a: [{ pieces: ['01', { repeat: '00ff', count: 2 }, '02'] }] })).toEqual({
    a: ['0100ff00ff02'],
  });
});

// proves CFM-4
test('a set of vectors with an id twice, or a reject without its accepting twin, is refused', () => {
  const vector = {
    id: 'x.y',
    title: 'a title of it',
    why: 'a reason for it',
    role: 'container-reader',
    level: 'core',
    op: 'o',
    requirements: ['ABC-1'],
    input: {},
    expect: { outcome: 'reject', errors: ['e'] },
  };
  const load = (...vectors: object[]): (() => unknown) => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-vectors-'));
    mkdirSync(join(folder, 'f'));
    writeFileSync(
      join(folder, 'f', 'v.json'),
      JSON.stringify({
        format: 'strongroom-vectors/1',
        family: 'f',
        feature: 'f',
        licence: 'CC0-1.0',
        description: 'something here',
        vectors,
      }),
    );
    return () => loadVectors(folderFiles(folder));
  };
  expect(load(vector)).not.toThrow();
  expect(load(vector, vector)).toThrow(/twice/u);
  expect(
    load({ ...vector, from: { vector: 'x.z', edit: { kind: 'value', field: 'a', was: 1, now: 2 } } }),
  ).toThrow(/not an accepting vector/u);
  expect(load({ ...vector, requirements: [] })).toThrow(/requirements/u);
  expect(load({ ...vector, expect: { outcome: 'reject', errors: [] } })).toThrow(/errors/u);
});
