/**
 * Parts of files, read and written whole. Faults name the file that they are of.
 *
 * @module
 */
import { readSync, writevSync } from 'node:fs';
import type { Bytes } from '../wire/bytes.ts';
import { guarded } from './faults.ts';

/** A file, from a place in it on. */
export interface FilePart {
  /** A descriptor, which stays open until the work is done; its own position is neither used nor moved. */
  readonly fd: number;
  /** Where it begins, in bytes; default 0. */
  readonly offset?: number;
  /** What errors name as their `subject`. */
  readonly name: string;
}

/** A system writes that much at once without looking for memory in larger blocks, which can take three times as long. */
const WRITE_LENGTH = 256 * 1024;
/** Room for the tags of the chunks that make up such a write. */
const WRITE_MORE = 4096;

/**
 * Reads from byte `at` of the part on until `buffer` is full or the file ends; the number of bytes read.
 *
 * @throws StrongroomError `permission`, `io`, with the name of the file
 */
export function readAt({ fd, offset = 0, name }: FilePart, buffer: Bytes, at: number): number {
  let length = 0;
  for (let read = 1; read > 0 && length < buffer.length; length += read) {
    const to = offset + at + length;
    read = guarded(name, () => readSync(fd, buffer, length, buffer.length - length, to));
  }
  return length;
}

/**
 * Writes all pieces, one after the other, from byte `at` of the part on.
 *
 * @throws StrongroomError `disk-full`, `permission`, `io`, with the name of the file
 */
export function writeAt(file: FilePart, pieces: readonly Uint8Array[], at: number): void {
  let to = (file.offset ?? 0) + at;
  let group: Uint8Array[] = [];
  let size = 0;
  const flush = (): void => {
    to = writeGroup(file, group, to);
    group = [];
    size = 0;
  };
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += WRITE_LENGTH) {
      const part = piece.subarray(from, from + WRITE_LENGTH);
      if (size + part.length > WRITE_LENGTH + WRITE_MORE) flush();
      group.push(part);
      size += part.length;
    }
  }
  flush();
}

/** Writes every byte, however often the system takes only some of them; the offset after the last one. */
function writeGroup({ fd, name }: FilePart, group: readonly Uint8Array[], to: number): number {
  let at = to;
  for (let rest = group; rest.length > 0;) {
    let written = guarded(name, () => writevSync(fd, rest, at));
    at += written;
    const next: Uint8Array[] = [];
    for (const part of rest) {
      if (written < part.length) next.push(part.subarray(written));
      written = Math.max(0, written - part.length);
    }
    rest = next;
  }
  return at;
}
