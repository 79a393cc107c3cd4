/**
 * Sets of numbers as ranges: which chunks, and which bytes, are there.
 *
 * @module
 */

/** Numbers from `start` up to `end`, which is not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The same numbers as ascending ranges with gaps between them. */
export function union(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = out.at(-1);
    if (span.end <= span.start) continue;
    if (last === undefined || last.end < span.start) out.push(span);
    else if (last.end < span.end) out[out.length - 1] = { start: last.start, end: span.end };
  }
  return out;
}

/** Adds a range that does not begin before the last one ends. */
export function append(spans: Span[], { start, end }: Span): void {
  const last = spans.at(-1);
  if (last?.end === start) spans[spans.length - 1] = { start: last.start, end };
  else spans.push({ start, end });
}

/** What is in both; each is ascending. */
export function intersection(a: readonly Span[], b: readonly Span[]): Span[] {
  return a.flatMap((one) =>
    b
      .map(({ start, end }) => ({ start: Math.max(one.start, start), end: Math.min(one.end, end) }))
      .filter(({ start, end }) => start < end),
  );
}

/** What is from 0 to `length` and not in the ranges, which are ascending. */
export function complement(spans: readonly Span[], length: number): Span[] {
  const starts = [0, ...spans.map(({ end }) => end)];
  const ends = [...spans.map(({ start }) => start), length];
  return starts
    .map((start, i) => ({ start, end: Math.min(length, ends[i] ?? length) }))
    .filter(({ start, end }) => start < end);
}

/** How many numbers they are. */
export function sizeOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}
