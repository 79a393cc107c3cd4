/**
 * Damaged bytes, read where they are needed.
 *
 * @module
 */
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';

/** Bytes that can be read at any place. */
export interface DamagedBytes {
  /** Number of bytes. */
  readonly length: number;
  /** The bytes from `start` up to `end` (exclusive), which are inside. */
  read(start: number, end: number): Promise<Bytes>;
}

/** What a disk reads or fails to read at once. */
const BLOCK = 4096;

const UNREADABLE: readonly ErrorCode[] = ['io', 'permission', 'object-missing'];

/**
 * `length` bytes of which `read` gives parts: a stored object, a file. What cannot be read, or is not there any more, is
 * zeros.
 */
export function damagedBytes(
  length: number,
  read: (start: number, end: number) => AsyncIterable<Uint8Array>,
): DamagedBytes {
  const fill = async (out: Bytes, start: number): Promise<void> => {
    let at = 0;
    try {
      for await (const piece of read(start, start + out.length)) {
        const part = piece.subarray(0, out.length - at);
        out.set(part, at);
        at += part.length;
      }
    } catch (error) {
      if (!isStrongroomError(error) || !UNREADABLE.includes(error.code)) throw error;
      if (out.length <= BLOCK) return;
      const half = Math.ceil(out.length / 2 / BLOCK) * BLOCK;
      await fill(out.subarray(0, half), start);
      await fill(out.subarray(half), start + half);
    }
  };
  return {
    length,
    async read(start, end) {
      const out = new Uint8Array(end - start);
      await fill(out, start);
      return out;
    },
  };
}

/** Bytes in memory. */
export function heldBytes(bytes: Uint8Array): DamagedBytes {
  return { length: bytes.length, read: async (start, end) => bytes.slice(start, end) };
}
