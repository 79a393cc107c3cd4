/**
 * What the threads of one task share: a few numbers in common memory. Segments are taken in ascending order, so when
 * one fails, all before it have been taken and are done to their end: the lowest fault is that of work in sequence.
 *
 * @module
 */
import type { Step } from './task.ts';

/** Units that a thread takes at a time. */
const SEGMENT = 8;
/** Places in the common memory. */
const [NEXT, FAILED, STOPPED, DONE, BAD_PADDING, PLACES] = [0, 1, 2, 3, 4, 5] as const;

/** The fault of a segment. */
export interface Failure {
  readonly segment: number;
  readonly error: unknown;
}

/** The state of one task, seen alike by all threads. */
export class Board {
  /** What another thread makes its board of. */
  readonly memory: SharedArrayBuffer;
  readonly #places: Int32Array;
  readonly #units: number;

  constructor(units: number, memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT);
    this.#places = new Int32Array(this.memory);
    this.#units = units;
    if (memory === undefined) this.#places[FAILED] = units;
  }

  /** Units that are done. */
  get done(): number {
    return Atomics.load(this.#places, DONE);
  }

  /** True once padding before the final chunk was found that is not zero. */
  get badPadding(): boolean {
    return Atomics.load(this.#places, BAD_PADDING) !== 0;
  }

  noteBadPadding(): void {
    Atomics.store(this.#places, BAD_PADDING, 1);
  }

  /** Every thread ends after the unit that it is at. */
  stop(): void {
    Atomics.store(this.#places, STOPPED, 1);
  }

  /** Takes segments and does their units until none is left, or one has failed; yields after each. */
  *work(step: Step): Generator<undefined, Failure | undefined, undefined> {
    for (let segment = this.#take(); segment * SEGMENT < this.#units; segment = this.#take()) {
      const end = Math.min((segment + 1) * SEGMENT, this.#units);
      for (let unit = segment * SEGMENT; unit < end; unit++) {
        if (this.#isOver(segment)) return undefined;
        try {
          step(unit);
        } catch (error) {
          this.#fail(segment);
          return { segment, error };
        }
        Atomics.add(this.#places, DONE, 1);
      }
      if (end < this.#units) yield;
    }
    return undefined;
  }

  #take(): number {
    return Atomics.add(this.#places, NEXT, 1);
  }

  #isOver(segment: number): boolean {
    return Atomics.load(this.#places, STOPPED) !== 0 || segment > Atomics.load(this.#places, FAILED);
  }

  /** Notes the lowest segment that failed. */
  #fail(segment: number): void {
    let lowest = Atomics.load(this.#places, FAILED);
    while (segment < lowest) {
      const seen = Atomics.compareExchange(this.#places, FAILED, lowest, segment);
      if (seen === lowest) return;
      lowest = seen;
    }
  }
}
