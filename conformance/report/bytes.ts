/**
 * Bytes for people: rows of sixteen, with a range of them in brackets.
 *
 * @module
 */

const WIDTH = 16;
/** Rows that are shown of a long range: so many of its beginning, and of its end. */
const EDGE = 3;

function markedRow(text: string, offset: number, start: number, end: number): string {
  const bytes = text.slice(2 * offset, 2 * (offset + WIDTH)).match(/../gu) ?? [];
  const before = (at: number): string => {
    if (at === start) return start === end ? '|' : '[';
    // A range that fills its row is closed at the end of that row.
    return at === end && at > offset ? ']' : ' ';
  };
  const cells = bytes.map((byte, i) => before(offset + i) + byte).join('');
  const closing = offset + bytes.length;
  const open = start === end && closing < text.length / 2;
  return `${offset.toString(16).padStart(6, '0')} ${cells}${open || closing !== end ? '' : before(closing)}`;
}

/**
 * Rows of a hexadecimal text around its bytes from `start` to before `end`: these stand in brackets, and for no bytes
 * there is a bar.
 */
export function markedRows(text: string, start: number, end: number): string[] {
  const count = Math.max(1, Math.ceil(text.length / 2 / WIDTH));
  const first = Math.max(0, Math.floor(start / WIDTH) - 1);
  const last = Math.min(count - 1, Math.floor(Math.max(start, end - 1) / WIDTH) + 1);
  const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const rows = numbers.map((row) => markedRow(text, row * WIDTH, start, end));
  if (rows.length <= 2 * EDGE + 1) return rows;
  return [...rows.slice(0, EDGE), `… ${rows.length - 2 * EDGE} rows`, ...rows.slice(-EDGE)];
}

/** The first range of bytes in which two hexadecimal texts differ: start, and end in the second; undefined if in none. */
export function firstDifference(one: string, other: string): { start: number; end: number } | undefined {
  const differs = (at: number): boolean => one.slice(2 * at, 2 * at + 2) !== other.slice(2 * at, 2 * at + 2);
  const length = Math.max(one.length, other.length) / 2;
  let start = 0;
  while (start < length && !differs(start)) start++;
  let end = start;
  while (end < length && differs(end)) end++;
  return start === length ? undefined : { start, end: Math.min(end, other.length / 2) };
}
