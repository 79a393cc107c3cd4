/**
 * Differences between two byte strings, for people.
 *
 * @module
 */

/** One row of sixteen bytes of both sides. */
export interface DiffRow {
  readonly offset: number;
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

const WIDTH = 16;
const HEX = /^(?:[0-9a-f]{2})+$/u;

function row(text: string, at: number): string[] {
  return text.slice(2 * at, 2 * (at + WIDTH)).match(/../gu) ?? [];
}

/** The rows in which two hexadecimal texts differ, at most `limit`; undefined if they are not both hexadecimal. */
export function hexDiff(expected = '', actual = '', limit = 8): DiffRow[] | undefined {
  if (!HEX.test(expected) || !HEX.test(actual)) return undefined;
  const rows: DiffRow[] = [];
  const length = Math.max(expected.length, actual.length) / 2;
  for (let at = 0; at < length && rows.length < limit; at += WIDTH) {
    const [left, right] = [row(expected, at), row(actual, at)];
    if (left.join('') !== right.join('')) rows.push({ offset: at, expected: left, actual: right });
  }
  return rows;
}
