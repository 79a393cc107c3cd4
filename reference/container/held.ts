/**
 * Bytes that wait until a chunk is full. The memory grows with what is held, so that a small object costs little.
 *
 * @module
 */
import { wipe, type Bytes } from '../wire/bytes.ts';

/** At most one chunk. */
export class Held {
  readonly #most: number;
  #buffer: Bytes = new Uint8Array();
  #length = 0;

  /** @param most bytes of a chunk */
  constructor(most: number) {
    this.#most = most;
  }

  /** Number of bytes that are held. */
  get length(): number {
    return this.#length;
  }

  /** What is held, to be used before more is added. */
  get bytes(): Bytes {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Adds a part for which there is room in the chunk, and returns all that is held. */
  add(part: Uint8Array): Bytes {
    const length = this.#length + part.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.#most, Math.max(length, 2 * this.#buffer.length)));
      larger.set(this.bytes);
      wipe(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer.set(part, this.#length);
    this.#length = length;
    return this.bytes;
  }

  /** Holds nothing any more; what was held stays readable until more is added. */
  clear(): void {
    this.#length = 0;
  }

  /** Overwrites what was held. */
  wipe(): void {
    wipe(this.#buffer);
    this.clear();
  }
}
