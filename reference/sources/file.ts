/**
 * An object in a file, to read ranges from.
 *
 * @module
 */
import { fstatSync, read as readCallback } from 'node:fs';
import { promisify } from 'node:util';
import type { ByteSource } from '../container/range.ts';

const read = promisify(readCallback);
/** A hop to the thread that reads costs as much as reading 64 KiB. */
const PIECE = 1 << 20;

/** The file behind a descriptor, which stays open for as long as ranges are read. Errors are those of the system. */
export function fileSource(fd: number): ByteSource {
  return {
    length: () => fstatSync(fd).size,
    async *read(start, end) {
      const buffer = new Uint8Array(Math.min(PIECE, end - start));
      for (let at = start; at < end;) {
        const { bytesRead } = await read(fd, buffer, 0, Math.min(buffer.length, end - at), at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
  };
}
