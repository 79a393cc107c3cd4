/**
 * Reading structures of the vault exchange (spec/conventions.md, "Structures").
 *
 * @module
 */
import type { Bytes } from './primitives.ts';

/** A cursor over bytes. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The next `length` bytes. @throws Error if there are fewer */
  take(length: number): Bytes {
    if (length > this.left) throw new Error(`${length} bytes needed, ${this.left} left`);
    return new Uint8Array(this.#bytes.subarray(this.#at, (this.#at += length)));
  }

  /** A number of `size` bytes. */
  uint(size: number): number {
    return this.take(size).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  /** Bytes behind a length of `size` bytes. */
  prefixed(size: number): Bytes {
    return this.take(this.uint(size));
  }
}
