/**
 * Memory of large outputs. OpenSSL's output cannot be directed into a buffer that is used again, so each chunk is new
 * memory. Left to the garbage collector, it costs more than the cipher.
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';

/** Below this, what `free` costs is more than what it saves. */
const LEAST = 4096;

/** Gives the memory of bytes back that nobody needs any more. They are of length 0 then. */
export function free(bytes: Bytes): void {
  if (bytes.length >= LEAST && bytes.length === bytes.buffer.byteLength) bytes.buffer.transfer(0);
}

let primed = false;

/**
 * Once in a process: glibc learns from one large block that is freed to keep memory of that size, instead of giving
 * it back to the system at each `free`, to fetch it again at the next chunk.
 */
export function primeMalloc(): void {
  if (!primed) new ArrayBuffer(31 << 20).transfer(0);
  primed = true;
}
