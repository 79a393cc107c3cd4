import { describe, expect, test } from 'vitest';
import type { Outcome } from '../schema/protocol.ts';
import type { Answerable } from '../schema/vector.ts';
import { digest, score } from './score.ts';

const [all, part, other] = ['whole content', 'whole', 'WHOLE'].map((text) => digest(Buffer.from(text)));
if (all === undefined || part === undefined || other === undefined) throw new Error('three digests');

const accept: Answerable = { outcome: 'ok', result: { type: 'blob' }, released: all };
const refuse: Answerable = { outcome: 'reject', errors: ['wrong-key', 'malformed'], released: [part] };

const right: Outcome = { outcome: 'ok', result: { type: 'blob' } };
const wrong: Outcome = { outcome: 'ok', result: { type: 'records' } };
const known: Outcome = { outcome: 'reject', error: 'malformed' };
const unknown: Outcome = { outcome: 'reject', error: 'io' };
const crash: Outcome = { outcome: 'crash', detail: 'exit code 1' };

// The table of "Scoring" in spec/conformance.md, row by row.
describe('the table', () => {
  // proves CFM-11
  test.each<[string, Outcome, string, string]>([
    ['ok, and all agrees', right, 'pass', 'accepted-invalid'],
    ['ok, and something differs', wrong, 'wrong-output', 'accepted-invalid'],
    ['reject with an acceptable code', known, 'rejected-valid', 'pass'],
    ['reject with another code', unknown, 'rejected-valid', 'wrong-error'],
    ['unsupported', { outcome: 'unsupported', feature: 'x' }, ...twice('unsupported-but-claimed')],
    ['error', { outcome: 'error', detail: 'an exception' }, ...twice('crash')],
    ['ended', crash, ...twice('crash')],
    ['no answer in time', { outcome: 'timeout', detail: '5 s' }, ...twice('timeout')],
    ['a line that is no answer', { outcome: 'protocol', detail: 'x' }, ...twice('error')],
  ])('%s', (_row, outcome, accepting, rejecting) => {
    expect(ended(accept, outcome, all)).toBe(accepting);
    expect(ended(refuse, outcome, part)).toBe(rejecting);
  });

  // proves CFM-12
  test.each([known, unknown])('gave out what it must not: %j', (outcome) => {
    expect(ended(refuse, outcome, other)).toBe('over-release');
    expect(ended(refuse, outcome, all)).toBe('over-release');
    expect(score(refuse, outcome, other, true)).toMatchObject({ class: 'over-release' });
  });

  test('gave out something else, less, or nothing', () => {
    for (const released of [other, part, undefined])
      expect(ended(accept, right, released)).toBe('wrong-output');
  });

  test('loose lets other codes pass, and nothing else', () => {
    expect(score(refuse, unknown, part, true).status).toBe('pass');
    expect(score(accept, unknown, all, true)).toMatchObject({ class: 'rejected-valid' });
    expect(score(refuse, right, part, true)).toMatchObject({ class: 'accepted-invalid' });
    expect(score(refuse, crash, part, true)).toMatchObject({ class: 'crash' });
  });
});

test('bytes of the right length and other content are no match', () => {
  const expected: Answerable = { outcome: 'ok', result: { object: { ...all } } };
  const object = Buffer.from('whole content').toString('hex');
  expect(score(expected, { outcome: 'ok', result: { object } }, undefined).status).toBe('pass');
  const forged = Buffer.from('WHOLE content').toString('hex');
  expect(score(expected, { outcome: 'ok', result: { object: forged } }, undefined)).toMatchObject({
    class: 'wrong-output',
  });
});

test('a position that is asked for must be the right one', () => {
  const expected: Answerable = { outcome: 'reject', errors: ['bad-key'], position: 3 };
  const at = (position: number): Outcome => ({ outcome: 'reject', error: 'bad-key', position });
  expect(score(expected, at(3), undefined).status).toBe('pass');
  expect(score(expected, at(4), undefined)).toMatchObject({ class: 'wrong-output' });
  expect(score(expected, { outcome: 'reject', error: 'bad-key' }, undefined)).toMatchObject({
    class: 'wrong-output',
  });
});

function twice(how: string): [string, string] {
  return [how, how];
}

/** The class of a failure, or the status. */
function ended(expected: Answerable, outcome: Outcome, released?: typeof all): string {
  const result = score(expected, outcome, released);
  return result.status === 'fail' ? result.class : result.status;
}
