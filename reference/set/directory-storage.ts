/**
 * A folder as storage: one file an object.
 *
 * @module
 */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  opendirSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writevSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { StrongroomError } from '../errors.ts';
import { errno, fault, guarded } from './faults.ts';
import { isStorageName, type Storage, type Stored, type Upload } from './storage.ts';

const PIECE = 1 << 20;
const TEMPORARY = /^\.[a-z2-7]{32}\.sro\.[0-9a-f-]{36}\.tmp$/u;
/** Why nothing, a link or a socket cannot be opened as a file. */
const NO_FILE = new Set(['ENOENT', 'ELOOP', 'EMLINK', 'ENXIO']);
/** An upload writes all the time, so what nobody wrote to for a day was left behind by a crash. */
const STALE_MS = 86_400_000;

/**
 * Objects as files of one folder. File calls are synchronous: a thread hop costs more than a chunk.
 * The folder is made by the first {@link put}; reading never changes anything.
 */
export class DirectoryStorage implements Storage {
  /** Absolute path of the folder. */
  readonly folder: string;
  #prepared = false;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  put(name: string): Upload {
    if (!isStorageName(name)) throw new StrongroomError('io', `${name} is not the name of an object`);
    this.#prepare();
    return guarded(name, () => new FileUpload(this.folder, name));
  }

  async *read(
    name: string,
    start: number = 0,
    end: number = Infinity,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const fd = this.open(name);
    try {
      const { size } = guarded(name, () => fstatSync(fd));
      const stop = Math.min(end, size);
      const buffer = new Uint8Array(Math.min(PIECE, Math.max(0, stop - start)));
      for (let at = start; at < stop;) {
        const want = Math.min(buffer.length, stop - at);
        const length = guarded(name, () => readSync(fd, buffer, 0, want, at));
        if (length === 0) return;
        at += length;
        yield buffer.subarray(0, length);
      }
    } finally {
      closeSync(fd);
    }
  }

  async *list(): AsyncGenerator<Stored, void, undefined> {
    let folder;
    try {
      folder = opendirSync(this.folder);
    } catch (error) {
      if (errno(error) === 'ENOENT') return;
      throw fault(error, this.folder);
    }
    try {
      for (let each = folder.readSync(); each !== null; each = folder.readSync()) {
        if (!isStorageName(each.name)) continue;
        const stat = guarded(each.name, () =>
          lstatSync(join(this.folder, each.name), { throwIfNoEntry: false }),
        );
        if (stat?.isFile() === true) yield { name: each.name, length: stat.size };
      }
    } finally {
      folder.closeSync();
    }
  }

  remove(name: string): void {
    if (isStorageName(name)) guarded(name, () => rmSync(join(this.folder, name), { force: true }));
  }

  flush(): void {
    guarded(this.folder, () => syncFolder(this.folder));
  }

  /** A link is not followed, and a pipe, which could last for ever, not waited for. */
  open(name: string): number {
    if (!isStorageName(name)) throw new StrongroomError('io', `${name} is not the name of an object`);
    let fd;
    try {
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
      fd = openSync(join(this.folder, name), O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
      if (fstatSync(fd).isFile()) return fd;
    } catch (error) {
      throw NO_FILE.has(errno(error)) ? missing(name) : fault(error, name);
    }
    closeSync(fd);
    throw missing(name);
  }

  /** Makes the folder and clears away what crashed uploads left in it. */
  #prepare(): void {
    if (this.#prepared) return;
    guarded(this.folder, () => {
      const first = mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      // What was made above the folder must be there after a crash too.
      const top = first === undefined ? this.folder : dirname(first);
      for (let made = this.folder; made !== top;) syncFolder((made = dirname(made)));
      for (const name of readdirSync(this.folder)) {
        if (!TEMPORARY.test(name)) continue;
        const path = join(this.folder, name);
        const stat = lstatSync(path, { throwIfNoEntry: false });
        if (stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS) rmSync(path, { force: true });
      }
    });
    this.#prepared = true;
  }
}

function missing(name: string): StrongroomError {
  return new StrongroomError('object-missing', `${name} is not in the storage`, { subject: name });
}

/** A temporary file that becomes the object. */
class FileUpload implements Upload {
  readonly #path: string;
  readonly #temporary: string;
  readonly #name: string;
  #fd: number | undefined;
  #syncing: Promise<void> | undefined;

  constructor(folder: string, name: string) {
    this.#name = name;
    this.#path = join(folder, name);
    this.#temporary = join(folder, `.${name}.${randomUUID()}.tmp`);
    this.#fd = openSync(this.#temporary, 'wx', 0o600);
  }

  write(parts: readonly Uint8Array[]): void {
    guarded(this.#name, () => writeAll(this.#open(), parts));
  }

  /** On another thread: objects become durable while the next ones are sealed. */
  sync(): Promise<void> {
    const fd = this.#open();
    this.#syncing = new Promise((resolve, reject) => {
      fdatasync(fd, (error) => (error === null ? resolve() : reject(fault(error, this.#name))));
    });
    return this.#syncing;
  }

  commit(): void {
    guarded(this.#name, () => {
      // Names are 160 bits of a hash over a random salt: nobody takes this one between the look and the rename.
      if (lstatSync(this.#path, { throwIfNoEntry: false }) !== undefined) {
        throw new StrongroomError('exists', `${this.#name} is there already`, { subject: this.#name });
      }
      closeSync(this.#open());
      this.#fd = undefined;
      renameSync(this.#temporary, this.#path);
    });
  }

  async discard(): Promise<void> {
    // The number of a closed file may be that of another one at once.
    await this.#syncing?.catch(() => undefined);
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    guarded(this.#name, () => rmSync(this.#temporary, { force: true }));
  }

  #open(): number {
    if (this.#fd === undefined) throw new StrongroomError('closed', `${this.#name} is written already`);
    return this.#fd;
  }
}

/** Writes every byte of the parts, however often the system takes only some of them. */
export function writeAll(fd: number, parts: readonly Uint8Array[]): void {
  let rest = parts.filter((part) => part.length > 0);
  while (rest.length > 0) {
    let written = writevSync(fd, rest);
    const next: Uint8Array[] = [];
    for (const part of rest) {
      if (written < part.length) next.push(part.subarray(written));
      written = Math.max(0, written - part.length);
    }
    rest = next;
  }
}

/** Makes the names in a folder durable. **[D]** Windows does it by itself and cannot open folders. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const { O_RDONLY, O_DIRECTORY } = constants;
  const fd = openSync(folder, O_RDONLY | O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
