/**
 * A file of the folder that is backed up (spec/backup.md, "Reading a file"): read so that what is sealed is what stood
 * at its path, in one state.
 *
 * @module
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import { errno, guarded } from './faults.ts';
import type { FileMeta } from './generation.ts';
import type { Source } from './source.ts';
import { stampOf } from './stamp.ts';
import { modifiedOf, requireRealWay, skipCode } from './walk.ts';

/** A file that cannot be backed up, and why; it costs itself alone. */
export class SkippedError extends StrongroomError {}

function skip(path: string, code: ErrorCode): SkippedError {
  return new SkippedError(code, `${path}: ${code}`, { subject: path });
}

/** What of a file must be the same before and after. Whoever sets the other time back cannot set `ctime`. */
const SAME = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const;

/** One file, open. What it throws is {@link SkippedError}, or `changed`, `vanished` and the like as one. */
export class FolderFile implements Source {
  readonly meta: FileMeta;
  readonly length: number;
  readonly #folder: string;
  readonly #fd: number;
  readonly #before: BigIntStats;
  readonly #buffer: Bytes;
  readonly #onBytes: (read: number) => void;
  #read = 0;

  private constructor(work: FolderReading, path: string, fd: number) {
    // Before the look: what changes later has a later time.
    const now = work.now();
    const before = fstatSync(fd, { bigint: true });
    if (!before.isFile()) throw skip(path, 'changed');
    if (before.size > BigInt(Number.MAX_SAFE_INTEGER)) throw skip(path, 'limit-exceeded');
    const modified = modifiedOf(before);
    if (modified === undefined) throw skip(path, 'unsupported-file');
    this.meta = { path, mode: Number(before.mode & 0o777n), modified, stamp: stampOf(before, now) };
    this.length = Number(before.size);
    this.#folder = work.folder;
    this.#fd = fd;
    this.#before = before;
    this.#buffer = work.buffer;
    this.#onBytes = work.onBytes;
  }

  /** Opens a file; whoever does closes it. */
  static open(work: FolderReading, path: string): FolderFile {
    let fd;
    try {
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
      // Should a link or a pipe have taken the place of the file, it is neither followed nor waited for.
      fd = openSync(join(work.folder, path), O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
    } catch (error) {
      throw skip(path, skipCode(error) ?? 'io');
    }
    try {
      return guarded(path, () => new FolderFile(work, path, fd));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  *read(): Generator<Uint8Array, void, undefined> {
    this.#onBytes(-this.#read);
    this.#read = 0;
    // One byte more than there should be is enough to know that the file grows.
    while (this.#read <= this.length) {
      const asked = Math.min(this.#buffer.length, this.length + 1 - this.#read);
      const length = this.#readOn(asked);
      if (length === 0) return;
      this.#read += length;
      this.#onBytes(length);
      yield this.#buffer.subarray(0, length);
      // It was asked for, and is not there.
      if (length < asked && this.#read === this.length) return;
    }
  }

  check(): void {
    const { path } = this.meta;
    let same;
    try {
      const after = lstatSync(join(this.#folder, path), { bigint: true });
      requireRealWay(this.#folder, path);
      same = this.#read === this.length && SAME.every((each) => this.#before[each] === after[each]);
    } catch (error) {
      throw skip(path, skipCode(error) ?? 'io');
    }
    if (!same) throw skip(path, 'changed');
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** A disk that fails costs this file and not the backup. */
  #readOn(asked: number): number {
    try {
      return readSync(this.#fd, this.#buffer, 0, asked, this.#read);
    } catch (error) {
      if (errno(error) === '') throw error;
      throw skip(this.meta.path, 'io');
    }
  }
}

/** What the reading of all files of a folder has in common. */
export interface FolderReading {
  readonly folder: string;
  /** One buffer for all files: fresh memory costs more than the cipher. */
  readonly buffer: Bytes;
  /** Told how many bytes were read; less than none if they are read once more. */
  readonly onBytes: (read: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
