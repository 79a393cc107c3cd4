/**
 * Input and output of the single-object commands: pipes or files, and a place for output that is not seen under
 * its name before it is verified.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { link, lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';
import { once } from 'node:events';
import { addAbortSignal } from 'node:stream';
import { StrongroomError } from '../errors.ts';
import { syncFolder } from '../set/directory-storage.ts';
import { hex } from '../wire/bytes.ts';

/** Somewhere to write to; the bytes count only after `commit`. */
export interface Output {
  write(bytes: Uint8Array): Promise<void>;
  /** All was well: the file appears under its name. */
  commit(): Promise<void>;
  /** All was not: nothing is left where that can be done. */
  discard(): Promise<void>;
  /** True if what was written before a failure cannot be taken back. */
  readonly provisional: boolean;
}

/** stdout, with back-pressure. */
export function standardOutput(signal: AbortSignal): Output {
  const { stdout } = process;
  return {
    provisional: true,
    async write(bytes) {
      if (!stdout.write(bytes)) await once(stdout, 'drain', { signal });
    },
    commit: () => new Promise((resolve) => void stdout.write('', () => resolve())),
    discard: () => Promise.resolve(),
  };
}

/** A file on its way to its name. */
export interface FileOutput extends Output {
  /** To write at any place, instead of `write`. */
  readonly fd: number;
}

/** What is at a path itself; of a link, not what it points to. */
function look(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(() => undefined);
}

function exists(path: string): StrongroomError {
  return new StrongroomError('exists', `${path} exists already`, { subject: path });
}

/** Renames, but replaces nothing. @throws StrongroomError `exists` */
async function renameNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if ((await look(to)) !== undefined) throw exists(to);
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    return rename(from, to); // a file system without hard links
  }
  await rm(from);
}

/**
 * A file that appears under its name, whole, when it is committed; `durable` makes sure that it is on the disk then.
 *
 * @throws StrongroomError `exists` if something is there, unless it is a file or a link and `force` is set
 */
export async function fileOutput(
  path: string,
  options: { readonly force: boolean; readonly durable: boolean },
): Promise<FileOutput> {
  const there = await look(path);
  const replaceable = there === undefined || (options.force && (there.isFile() || there.isSymbolicLink()));
  if (!replaceable) throw exists(path);
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${hex(randomBytes(6))}.part`);
  const file: FileHandle = await open(temporary, 'wx', 0o600);
  const discard = async (): Promise<void> => {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
  };
  return {
    provisional: false,
    fd: file.fd,
    async write(bytes) {
      await file.writeFile(bytes); // all of it, from where the last one ended
    },
    async commit() {
      if (options.durable) await file.sync();
      await file.close();
      await (options.force ? rename(temporary, path) : renameNew(temporary, path));
      if (options.durable) syncFolder(folder);
    },
    discard,
  };
}

/** Bytes of a file, or of stdin if `path` is absent or `-`. */
export async function* inputOf(path: string | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (path === undefined || path === '-') {
    for await (const part of addAbortSignal(signal, process.stdin)) yield part as Uint8Array;
    return;
  }
  const file = await open(path, 'r');
  try {
    for await (const part of file.createReadStream({ signal, highWaterMark: 1 << 20, autoClose: false })) {
      yield part as Uint8Array;
    }
  } finally {
    await file.close();
  }
}
