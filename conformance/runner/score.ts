/**
 * Scoring of one answer (spec/conformance.md, "Scoring"). Pure: the same facts always give the same status.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { Outcome } from '../schema/protocol.ts';
import type { FailureClass } from '../schema/report.ts';
import type { Answerable, Digest, Place, Tree, Value } from '../schema/vector.ts';
import { unpack } from '../vectors.ts';
import { describe } from './connection.ts';

/** What became of a case. */
export type Score =
  | { readonly status: 'pass'; readonly detail?: string }
  | {
      readonly status: 'fail';
      readonly class: FailureClass;
      readonly detail: string;
      readonly expected?: string;
      readonly actual?: string;
    }
  | { readonly status: 'error' | 'not-run'; readonly detail: string };

/** A failed score. */
export function failed(
  failure: FailureClass,
  detail: string,
  compared: { expected?: string; actual?: string } = {},
): Score {
  return { status: 'fail', class: failure, detail, ...compared };
}

/** Length and SHA-256 of bytes. */
export function digest(bytes: Uint8Array): Digest {
  return { length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function isDigest(value: Value): value is { length: number; sha256: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'sha256' in value &&
    'length' in value
  );
}

function canonical(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`;
}

function text(value: Value | undefined): string {
  if (value === undefined) return '(absent)';
  return typeof value === 'string' ? value : canonical(value);
}

/** True if `actual` is what is expected; expected {length, sha256} stands for hexadecimal text of those bytes. */
function agrees(expected: Value, actual: Value | undefined): boolean {
  if (actual === undefined) return false;
  if (isDigest(expected) && typeof actual === 'string') {
    return canonical({ ...digest(Buffer.from(actual, 'hex')) }) === canonical({ ...expected });
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return false;
    return expected.every((each, i) => agrees(each, actual[i]));
  }
  if (typeof expected !== 'object' || expected === null) return expected === actual;
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return false;
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...keys].every((key) => {
    const wanted = expected[key];
    return wanted !== undefined && agrees(wanted, actual[key]);
  });
}

function describeDigest({ length, sha256 }: Digest): string {
  return `${length} bytes, SHA-256 ${sha256}`;
}

function scoreOk(
  expect: Extract<Answerable, { outcome: 'ok' }>,
  result: Record<string, Value>,
  released: Digest | undefined,
): Score {
  for (const [key, packed] of Object.entries(expect.result)) {
    const expected = unpack(packed);
    const actual = result[key];
    if (!agrees(expected, actual)) {
      return failed('wrong-output', `${key} differs`, { expected: text(expected), actual: text(actual) });
    }
  }
  if (expect.released !== undefined && released?.sha256 !== expect.released.sha256) {
    return failed('wrong-output', 'the released plaintext differs', {
      expected: describeDigest(expect.released),
      actual: released === undefined ? '(nothing)' : describeDigest(released),
    });
  }
  return { status: 'pass' };
}

function describePlace(place: Place | undefined): string {
  return place === undefined ? '(nothing)' : canonical({ ...place });
}

/** True if the place has all that is expected of it; modes only where the system has them. */
function fits(expected: Place, actual: Place): boolean {
  const found = new Map<string, unknown>(Object.entries(actual));
  return Object.entries(expected).every(
    ([name, value]) => found.get(name) === value || (name === 'mode' && process.platform === 'win32'),
  );
}

/**
 * What is wrong with the target of a restore: after a success anything that is not as expected, after a refusal what
 * must not be there.
 */
export function scoreTree(expect: Answerable, outcome: Outcome, actual: Tree): Score | undefined {
  const { tree } = expect;
  if (tree === undefined || outcome.outcome !== expect.outcome) return undefined;
  for (const path of new Set([...Object.keys(tree), ...Object.keys(actual)])) {
    const [wanted, found] = [tree[path], actual[path]];
    if (expect.outcome === 'reject' && found === undefined) continue;
    if (wanted !== undefined && found !== undefined && fits(wanted, found)) continue;
    return failed(
      expect.outcome === 'ok' ? 'wrong-output' : 'over-release',
      `${JSON.stringify(path)} in the target is not as it must be`,
      { expected: describePlace(wanted), actual: describePlace(found) },
    );
  }
  return undefined;
}

/**
 * Scores one answer.
 *
 * @param released what came out of the sink, if the operation has one
 * @param loose count a refusal with another code as a pass; the verdict is then provisional
 */
export function score(
  expect: Answerable,
  outcome: Outcome,
  released: Digest | undefined,
  loose = false,
): Score {
  switch (outcome.outcome) {
    case 'crash':
    case 'timeout':
      return failed(outcome.outcome, outcome.detail);
    case 'error':
      return failed('crash', `the implementation failed without an error code: ${outcome.detail}`);
    case 'protocol':
      return { status: 'error', detail: outcome.detail };
    case 'unsupported':
      return failed('unsupported-but-claimed', `${describe(outcome)}, although hello claims it`);
    case 'ok':
      return expect.outcome === 'ok'
        ? scoreOk(expect, outcome.result, released)
        : failed('accepted-invalid', 'accepted what must be refused', {
            expected: expect.errors.join(' or '),
            actual: 'ok',
          });
    case 'reject':
      break;
  }
  if (expect.outcome === 'ok') {
    return failed('rejected-valid', 'refused what must be accepted', {
      expected: 'ok',
      actual: describe(outcome),
    });
  }
  const allowed = expect.released;
  if (
    allowed !== undefined &&
    released !== undefined &&
    !allowed.some((one) => one.sha256 === released.sha256)
  ) {
    return failed('over-release', 'released plaintext that was not authenticated', {
      expected: allowed.map(describeDigest).join(' or '),
      actual: describeDigest(released),
    });
  }
  if (expect.errors.includes(outcome.error)) {
    const { position } = expect;
    return position === undefined || position === outcome.position
      ? { status: 'pass' }
      : failed('wrong-output', 'the position differs', {
          expected: String(position),
          actual: String(outcome.position ?? '(absent)'),
        });
  }
  if (loose) return { status: 'pass', detail: `refused, but as ${outcome.error}` };
  return failed('wrong-error', 'refused for another reason', {
    expected: expect.errors.join(' or '),
    actual: outcome.error,
  });
}
