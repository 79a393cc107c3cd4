/**
 * Which full chunks were found, and where.
 *
 * @module
 */

/** Full chunks `first` to `end - 1`, one after the other from `offset` on. */
export interface Run {
  readonly first: number;
  readonly end: number;
  readonly offset: number;
}

/** Where a run ends in the object. */
export function endOf({ first, end, offset }: Run, size: number): number {
  return offset + (end - first) * size;
}

/** Runs of which the next one begins where the one before it ends, as one. */
export function joined(runs: readonly Run[], size: number): Run[] {
  const out: Run[] = [];
  for (const run of runs) {
    const last = out.at(-1);
    if (last?.end === run.first && endOf(last, size) === run.offset)
      out[out.length - 1] = { ...last, end: run.end };
    else out.push(run);
  }
  return out;
}

/** The run that an index lies in, of runs that ascend. */
export function runWith(runs: readonly Run[], index: number): Run | undefined {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[middle]?.end ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  const run = runs[low];
  return run !== undefined && run.first <= index ? run : undefined;
}

/** A set of indices, a bit each: there can be millions, in as many runs. */
export class Indices {
  #bits = new Uint8Array(1024);

  has(index: number): boolean {
    return (((this.#bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
  }

  add(index: number): void {
    const at = index >> 3;
    if (at >= this.#bits.length) {
      const longer = new Uint8Array(2 * at);
      longer.set(this.#bits);
      this.#bits = longer;
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (index & 7));
  }
}
