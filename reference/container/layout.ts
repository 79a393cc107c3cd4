/**
 * Where the chunks of an object lie (spec/container.md, "Chunks" and "Reading a range"). Arithmetic alone: nothing is
 * read, and nothing that goes in is believed by what comes out.
 *
 * @module
 */
import { TAG_LENGTH } from '../crypto/engine.ts';

/** What says where chunks lie: two facts of the header. */
export interface Layout {
  /** Length of the header in bytes: chunk 0 starts here. */
  readonly headerLength: number;
  readonly chunkLog2: number;
}

/** Length in bytes of an object with `plaintextLength` bytes of content, padding and trailer. */
export function objectLength(headerLength: number, chunkLog2: number, plaintextLength: number): number {
  return headerLength + plaintextLength + TAG_LENGTH * (Math.floor(plaintextLength / 2 ** chunkLog2) + 1);
}

/** How an object of a known length is divided. */
export interface Division {
  /** Number of chunks before the final one, and its index. */
  readonly fullChunks: number;
  /** Offset of the final chunk in the object, in bytes. */
  readonly finalAt: number;
  /** Length in bytes of the sealed final chunk; in an object it is at least 32. Negative if the header is not whole. */
  readonly finalLength: number;
}

/** Offset in the object of sealed chunk `index`, in bytes. */
export function chunkAt({ headerLength, chunkLog2 }: Layout, index: number): number {
  return headerLength + index * (2 ** chunkLog2 + TAG_LENGTH);
}

/** The division of an object of `objectLength` bytes. */
export function divide(layout: Layout, objectLength: number): Division {
  const size = 2 ** layout.chunkLog2 + TAG_LENGTH;
  const fullChunks = Math.max(0, Math.floor((objectLength - layout.headerLength) / size));
  const finalAt = chunkAt(layout, fullChunks);
  return { fullChunks, finalAt, finalLength: objectLength - finalAt };
}

/** The one contiguous part of an object that holds a range of its content. */
export interface RangePlan {
  /** First and last chunk; none if `last < first`. */
  readonly first: number;
  readonly last: number;
  /** The part of the object, from `start` up to `end` (exclusive), in bytes. */
  readonly start: number;
  readonly end: number;
  /** Bytes of the first chunk before the range. */
  readonly skip: number;
}

/** The chunks that hold `length` bytes of content from `offset` on, in an object of `objectLength` bytes. */
export function planRange(layout: Layout, objectLength: number, offset: number, length: number): RangePlan {
  const size = 2 ** layout.chunkLog2;
  const first = Math.floor(offset / size);
  const last = length === 0 ? first - 1 : Math.floor((offset + length - 1) / size);
  const start = chunkAt(layout, first);
  const end = Math.max(start, Math.min(chunkAt(layout, last + 1), objectLength));
  return { first, last, start, end, skip: offset % size };
}
