/**
 * A vector in words and bytes: what is asked, how it was made, what is expected.
 *
 * @module
 */
import type { Digest, Edit, Expectation, Value, Vector } from '../schema/vector.ts';
import { fieldOf, hexOf, unpack } from '../vectors.ts';
import { firstDifference, markedRows } from './bytes.ts';

const HEX = /^(?:[0-9a-f]{2})*$/u;
const MAX_TEXT = 96;

/** A value in one line. */
function brief(value: Value | undefined): string {
  const plain = unpack(value ?? null);
  if (typeof plain === 'string' && HEX.test(plain) && plain.length > MAX_TEXT)
    return `${plain.slice(0, MAX_TEXT / 2)}… (${plain.length / 2} bytes)`;
  if (typeof plain === 'object' && plain !== null && !Array.isArray(plain)) {
    const names = Object.keys(plain);
    const text = JSON.stringify(plain);
    if (text.length > MAX_TEXT)
      return `${names.length} entries: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`;
  }
  const text = JSON.stringify(plain);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
}

function hexText(value: Value | undefined): string | undefined {
  const plain = unpack(value ?? null);
  return typeof plain === 'string' && HEX.test(plain) ? plain : undefined;
}

/** Lines under a heading in the first column. */
function section(name: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `${(i === 0 ? name : '').padEnd(10)}${line}`);
}

function amount({ length, sha256 }: Digest): string {
  return length === 0 ? 'nothing' : `${length} bytes (SHA-256 ${sha256.slice(0, 16)}…)`;
}

function expected(expect: Expectation): string[] {
  if (expect.outcome === 'each')
    return expect.runs.map(
      ({ count, code, released }) => `${count} × ${code}, having given out ${released.join(' or ')} bytes`,
    );
  const tree = expect.tree === undefined ? [] : Object.keys(expect.tree);
  const target =
    expect.tree &&
    `in the target: ${tree.slice(0, 6).join(', ') || 'nothing'}${tree.length > 6 ? ', …' : ''}`;
  const lines =
    expect.outcome === 'ok'
      ? [
          'ok',
          ...Object.entries(expect.result).map(([name, value]) => `${name} = ${brief(value)}`),
          ...(expect.released ? [`released: ${amount(expect.released)}`] : []),
        ]
      : [
          `reject with ${expect.errors.join(' or ')}${expect.position === undefined ? '' : `, position ${expect.position}`}`,
          ...(expect.released ? [`released by then: ${expect.released.map(amount).join(', or ')}`] : []),
        ];
  return [...lines, ...(target === undefined ? [] : [target])];
}

/** The two texts around the bytes in which they differ. */
function sides(
  before: string,
  after: string,
  was: { start: number; end: number },
  now: typeof was,
): string[] {
  return [
    'before:',
    ...markedRows(before, was.start, was.end).map((row) => `  ${row}`),
    'after:',
    ...markedRows(after, now.start, now.end).map((row) => `  ${row}`),
  ];
}

function bytesEdit(edit: Extract<Edit, { kind: 'bytes' }>, vector: Vector, twin: Vector): string[] {
  const { field, offset } = edit;
  const [removed, inserted] = [hexOf(edit.removed as Value), hexOf(edit.inserted as Value)];
  const what = `${field}, at byte ${offset}: ${removed.length / 2} bytes became ${inserted.length / 2}`;
  const [before, after] = [hexText(fieldOf(twin.input, field)), hexText(fieldOf(vector.input, field))];
  if (before === undefined || after === undefined) return [what];
  return [
    what,
    ...sides(
      before,
      after,
      { start: offset, end: offset + removed.length / 2 },
      { start: offset, end: offset + inserted.length / 2 },
    ),
  ];
}

/** The first place at which an input differs from that of the vector that it was made from. */
function firstChange(vector: Vector, twin: Vector): string[] {
  for (const [name, value] of Object.entries(vector.input)) {
    const [before, after] = [hexText(twin.input[name]), hexText(value)];
    const there = before === undefined || after === undefined ? undefined : firstDifference(before, after);
    if (before === undefined || after === undefined || there === undefined) continue;
    return [`${name}, where the bytes begin to differ:`, ...sides(before, after, there, there)];
  }
  return [];
}

function madeFrom(edit: Edit, vector: Vector, twin: Vector): string[] {
  if (edit.kind === 'bytes') return bytesEdit(edit, vector, twin);
  const change = `${brief(edit.was)} became ${brief(edit.now)}`;
  if (edit.kind === 'value') return [`${edit.field}: ${change}`];
  return [`${edit.place}: ${change}, before the whole was authenticated`, ...firstChange(vector, twin)];
}

/** A vector for people. `twin`: the accepting vector that it was made from. */
export function explainVector(vector: Vector, twin: Vector | undefined): string[] {
  const { op, input, from, expect, intermediates = {} } = vector;
  return [
    ...section('asks', [op, ...Object.entries(input).map(([name, value]) => `${name} = ${brief(value)}`)]),
    ...section('expects', expected(expect)),
    ...(from && twin ? section('made from', [twin.id, ...madeFrom(from.edit, vector, twin)]) : []),
    ...section(
      'on the way',
      Object.entries(intermediates).map(([name, value]) => `${name} = ${brief(value)}`),
    ),
  ];
}
