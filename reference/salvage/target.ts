/**
 * The folder that a salvage writes into (spec/salvage.md, "Output"). It is new, so nothing is replaced, and no link is
 * written through.
 *
 * @module
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { StrongroomError } from '../errors.ts';
import { syncFolder } from '../set/directory-storage.ts';
import { guarded } from '../set/faults.ts';
import type { Time } from '../set/manifest.ts';
import { timeOf } from '../set/restore.ts';

/** Rights and time of what is written. */
export interface Attributes {
  readonly mode: number;
  readonly modified: Time;
}

/** A file that has no name yet. */
export interface NewFile {
  /** Writes at a position; what is not written stays a hole. */
  write(position: number, bytes: Uint8Array): void;
  /** Gives it a length and its name, a path below the target. @throws StrongroomError `exists`, `unsafe-path` */
  keep(path: string, length: number, attributes?: Attributes): void;
  /** Throws it away, unless it was kept. */
  discard(): void;
}

/** A new or empty folder. */
export class Target {
  readonly #folder: string;
  readonly #made = new Set(['']);

  /** @throws StrongroomError `exists` if something is in it */
  constructor(folder: string) {
    this.#folder = resolve(folder);
    guarded(folder, () => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      if (readdirSync(this.#folder).length === 0) return;
      throw new StrongroomError('exists', `${folder} is not empty`, { subject: folder });
    });
  }

  /** Begins a file. */
  file(): NewFile {
    const temporary = join(this.#folder, `.strongroom-${randomUUID()}.tmp`);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const fd = guarded(temporary, () =>
      openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600),
    );
    let open = true;
    return {
      write: (position, bytes) =>
        guarded(temporary, () => {
          for (let at = 0; at < bytes.length;)
            at += writeSync(fd, bytes, at, bytes.length - at, position + at);
        }),
      keep: (path, length, attributes) =>
        guarded(path, () => {
          ftruncateSync(fd, length);
          if (attributes !== undefined) {
            fchmodSync(fd, attributes.mode);
            futimesSync(fd, timeOf(attributes.modified), timeOf(attributes.modified));
          }
          fsyncSync(fd);
          renameSync(temporary, this.#free(path));
          open = false;
          closeSync(fd);
        }),
      discard: () => {
        if (!open) return;
        open = false;
        closeSync(fd);
        rmSync(temporary, { force: true });
      },
    };
  }

  /** Removes a file that was kept, if it was. */
  remove(path: string): void {
    guarded(path, () => rmSync(join(this.#folder, path), { force: true }));
  }

  /** Makes a directory, and those above it. */
  directory(path: string): void {
    if (this.#made.has(path)) return;
    this.directory(parentOf(path));
    const place = join(this.#folder, path);
    guarded(path, () => {
      if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory() !== true)
        mkdirSync(place, { mode: 0o700 });
    });
    this.#made.add(path);
  }

  /** Gives a directory that was made its rights and time, and makes its names durable. */
  finishDirectory(path: string, attributes?: Attributes): void {
    const place = join(this.#folder, path);
    guarded(path, () => {
      if (!lstatSync(place).isDirectory()) throw throughLink(path);
      syncFolder(place);
      if (attributes === undefined) return;
      chmodSync(place, attributes.mode);
      utimesSync(place, timeOf(attributes.modified), timeOf(attributes.modified));
    });
  }

  /** Makes a symbolic link. */
  symlink(path: string, target: string, { modified }: Attributes): void {
    guarded(path, () => {
      const place = this.#free(path);
      symlinkSync(target, place);
      lutimesSync(place, timeOf(modified), timeOf(modified));
    });
  }

  /** The directories that were made, those within others first. */
  directories(): string[] {
    return [...this.#made].toSorted().toReversed();
  }

  /** A place where nothing is, in a directory that is none but a directory. */
  #free(path: string): string {
    const parent = parentOf(path);
    this.directory(parent);
    for (let each = parent; each !== ''; each = parentOf(each)) {
      if (!lstatSync(join(this.#folder, each)).isDirectory()) throw throughLink(each);
    }
    const place = join(this.#folder, path);
    if (lstatSync(place, { throwIfNoEntry: false }) === undefined) return place;
    throw new StrongroomError('exists', `${path} is there already`, { subject: path });
  }
}

function parentOf(path: string): string {
  const parent = dirname(path);
  return parent === '.' ? '' : parent;
}

function throughLink(path: string): StrongroomError {
  return new StrongroomError('unsafe-path', `${path} is a link in the target`, { subject: path });
}
