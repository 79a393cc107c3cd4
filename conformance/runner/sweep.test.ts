import { describe, expect, test } from 'vitest';
import type { Outcome } from '../schema/protocol.ts';
import type { Value, Vector } from '../schema/vector.ts';
import { sweep } from './sweep.ts';

const RUNS = [
  { count: 3000, code: 'chunk-damaged', released: [0, 16] },
  { count: 1000, code: 'none', released: [40] },
];

const vector: Vector = {
  id: 'sweeps.test',
  title: 'A sweep',
  why: 'For this test.',
  role: 'container-reader',
  level: 'core',
  op: 'container.sweep',
  requirements: ['RDR-1'],
  input: { edit: 'flip', first: 10, step: 3, count: 4000 },
  expect: { outcome: 'each', runs: RUNS },
};

type Run = [count: number, code: string, released: number];

/** An adapter that opens by the rule, but for what `change` says of an edit. */
function adapter(change: (edit: number) => Run | undefined): {
  readonly requests: Record<string, Value>[];
  readonly call: (op: string, params: Record<string, Value>) => Promise<Outcome>;
} {
  const requests: Record<string, Value>[] = [];
  const call = async (_op: string, params: Record<string, Value>): Promise<Outcome> => {
    requests.push(params);
    const runs = Array.from({ length: Number(params['count']) }, (_, i): Run => {
      const edit = Number(params['first']) + i * 3;
      return change(edit) ?? ((edit - 10) / 3 < 3000 ? [1, 'chunk-damaged', 16] : [1, 'none', 40]);
    });
    return Promise.resolve({ outcome: 'ok', result: { runs } });
  };
  return { requests, call };
}

describe('a sweep', () => {
  test('is asked for in batches that follow each other', async () => {
    const { requests, call } = adapter(() => undefined);
    expect(await sweep({ call }, vector, RUNS, false)).toEqual({ status: 'pass' });
    expect(requests.map(({ first, count }) => [first, count])).toEqual([
      [10, 2048],
      [10 + 3 * 2048, 1952],
    ]);
  });

  test.each<[string, number, Run, string]>([
    ['an edit that opens', 1510, [1, 'none', 16], 'accepted-invalid'],
    ['another code', 1510, [1, 'truncated', 0], 'wrong-error'],
    ['more than was authentic', 1510, [1, 'chunk-damaged', 32], 'over-release'],
    ['more than was authentic, under another code', 1510, [1, 'truncated', 32], 'over-release'],
    ['an edit of the last batch that is refused', 12_007, [1, 'chunk-damaged', 40], 'rejected-valid'],
    ['an edit of the last batch that lacks content', 12_007, [1, 'none', 39], 'wrong-output'],
    ['two results for one edit', 1510, [2, 'chunk-damaged', 16], 'wrong-output'],
  ])('finds %s', async (_what, edit, run, failure) => {
    const { call } = adapter((n) => (n === edit ? run : undefined));
    expect(await sweep({ call }, vector, RUNS, false)).toMatchObject({ status: 'fail', class: failure });
  });

  test('does not take an answer about fewer edits', async () => {
    const fewer = async (_op: string, params: Record<string, Value>): Promise<Outcome> =>
      Promise.resolve({
        outcome: 'ok',
        result: { runs: [[Number(params['count']) - 1, 'chunk-damaged', 16]] },
      });
    expect(
      await sweep({ call: fewer }, { ...vector, input: { ...vector.input, count: 1000 } }, RUNS, false),
    ).toMatchObject({
      class: 'wrong-output',
    });
  });

  test('lets another code pass where errors are loose, and nothing else', async () => {
    const loose = async (run: Run): Promise<string> =>
      (
        await sweep(
          adapter((n) => (n === 1510 ? run : undefined)),
          vector,
          RUNS,
          true,
        )
      ).status;
    expect(await loose([1, 'truncated', 0])).toBe('pass');
    expect(await loose([1, 'none', 16])).toBe('fail');
    expect(await loose([1, 'truncated', 32])).toBe('fail');
  });

  test('takes no crash and no missing feature for refusals', async () => {
    const answer = async (outcome: Outcome): Promise<unknown> =>
      sweep({ call: async () => Promise.resolve(outcome) }, vector, RUNS, false);
    expect(await answer({ outcome: 'crash', detail: '' })).toMatchObject({ class: 'crash' });
    expect(await answer({ outcome: 'unsupported', feature: 'sweep' })).toMatchObject({
      class: 'unsupported-but-claimed',
    });
    expect(await answer({ outcome: 'reject', error: 'chunk-damaged' })).toMatchObject({
      class: 'rejected-valid',
    });
  });
});
