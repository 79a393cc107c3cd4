/**
 * Writing what is restored into a folder (spec/set.md, "Restoring", steps 4 to 8).
 *
 * @module
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsync,
  futimesSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { free } from '../crypto/memory.ts';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { writeAt } from '../files/io.ts';
import { syncFolder } from './directory-storage.ts';
import { fault, guarded } from './faults.ts';
import type { FileReader } from './file-reader.ts';
import type { Entry, FileEntry, Time } from './manifest.ts';
import type { Meter } from './meter.ts';
import type { Pacer } from './objects.ts';
import { inStorageOrder } from './pack-reader.ts';
import { comparePaths, parentOf } from './paths.ts';

const sync = promisify(fsync);

/** Files that are synced together: one after the other, each would wait for the disk by itself. */
const BATCH = 64;

/** An entry that could not be restored or verified. */
export interface Failure {
  readonly path: string;
  readonly code: ErrorCode;
}

/** What to restore with, and where to. */
export interface RunParts {
  readonly reader: FileReader;
  readonly pacer: Pacer;
  readonly meter: Meter;
  /** Absolute, without links. */
  readonly target: string;
  /** Paths of entries at which something was before. */
  readonly present: ReadonlySet<string>;
  readonly force: boolean;
}

/** What came of it. */
export interface RunResult {
  /** In the order of the manifest. */
  readonly restored: readonly string[];
  readonly failed: readonly Failure[];
  /** What ended the run, or the failure whose path comes first. */
  readonly fault: StrongroomError | undefined;
}

/** A file that is written and verified, and has no name yet. */
interface Written {
  readonly path: string;
  readonly temporary: string;
  readonly fd: number;
}

export function exists(path: string): StrongroomError {
  return new StrongroomError('exists', `${path} is there already`, { subject: path });
}

export function throughLink(path: string): StrongroomError {
  return new StrongroomError('unsafe-path', `${path} is a link in the target`, { subject: path });
}

/** Faults after which nothing else can be restored either. */
const isFinal = (code: ErrorCode): boolean => code === 'cancelled' || code === 'disk-full';

/** A time for the file system, not later than it was. Node takes a negative number for "now", but not a negative date. */
export function timeOf({ seconds, nanoseconds }: Time): number | Date {
  if (seconds < 0) return new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6));
  const time = seconds + nanoseconds / 1e9;
  const isLater = (time - seconds) * 1e9 > nanoseconds;
  return isLater ? time * (1 - Number.EPSILON / 2) : time; // the next number below
}

/** One run into one folder. */
export class Run {
  readonly #parts: RunParts;
  readonly #restored = new Set<string>();
  readonly #faults = new Map<string, StrongroomError>();
  #final: StrongroomError | undefined;
  #written: Written[] = [];
  /** Ends when the files before are durable and have their names. */
  #settling: Promise<void> = Promise.resolve();
  /** The directory that was last found to be real. */
  #realFolder = '';

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** Restores entries, which are in the order of the manifest, with all folders that lead to them. */
  async all(entries: readonly Entry[]): Promise<RunResult> {
    try {
      await this.#all(entries);
    } catch (error) {
      this.#final ??= fault(error, this.#parts.target);
    }
    await this.#settle();
    const failures = [...this.#faults].sort(([a], [b]) => comparePaths(a, b));
    return {
      restored: entries.map(({ path }) => path).filter((path) => this.#restored.has(path)),
      failed: failures.map(([path, { code }]) => ({ path, code })),
      fault: this.#final ?? failures[0]?.[1],
    };
  }

  async #all(entries: readonly Entry[]): Promise<void> {
    const { meter, target } = this.#parts;
    const folders = entries.filter(({ kind }) => kind === 'directory');
    // Links come last, so that nothing can be written through them; folders get their rights when they are full.
    for (const { path } of folders) await this.#step(path, () => this.#makeFolder(path));
    for (const entry of inStorageOrder(entries.filter(({ kind }) => kind === 'file') as FileEntry[])) {
      meter.next(entry.path);
      await this.#step(entry.path, () => this.#file(entry));
      if (this.#written.length >= BATCH) await this.#settleSome();
    }
    await this.#settle();
    for (const entry of entries) {
      if (entry.kind !== 'symlink') continue;
      meter.next(entry.path);
      await this.#step(entry.path, () => this.#link(entry.path, entry.target, entry.modified));
    }
    for (const entry of folders.toReversed()) {
      meter.next(entry.path);
      await this.#step(entry.path, () => this.#finishFolder(entry));
    }
    guarded(target, () => syncFolder(target));
    meter.next('');
  }

  /** Does one thing for one entry; most faults cost that entry alone. */
  async #step(path: string, step: () => Promise<void> | void): Promise<void> {
    if (this.#final !== undefined) throw this.#final;
    try {
      await this.#parts.pacer.pace();
      await step();
    } catch (cause) {
      this.#fail(path, cause);
      if (this.#final !== undefined) throw this.#final;
    }
  }

  #fail(path: string, cause: unknown): void {
    const error = fault(cause, path);
    if (!this.#faults.has(path)) this.#faults.set(path, error);
    if (isFinal(error.code)) this.#final ??= error;
  }

  /** Where an entry goes. Its folder must be a real one: a link would lead elsewhere. */
  #place(path: string): string {
    const { target } = this.#parts;
    const folder = parentOf(path);
    if (folder !== this.#realFolder) {
      for (let each = folder; each !== ''; each = parentOf(each)) {
        if (!lstatSync(join(target, each)).isDirectory()) throw throughLink(each);
      }
      this.#realFolder = folder;
    }
    return join(target, path);
  }

  #makeFolder(path: string): void {
    const place = this.#place(path);
    if (this.#parts.present.has(path)) return;
    try {
      mkdirSync(place, { mode: 0o700 });
    } catch (error) {
      // Another entry may have made it, where upper and lower case are one.
      if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
    }
  }

  #finishFolder({ path, mode, modified }: Entry): void {
    const { present, force } = this.#parts;
    const place = this.#place(path);
    syncFolder(place);
    if (!present.has(path) || force) {
      chmodSync(place, mode);
      utimesSync(place, timeOf(modified), timeOf(modified));
    }
    if (!this.#faults.has(path)) this.#restored.add(path);
  }

  /** Writes a file beside its place. */
  async #file(entry: FileEntry): Promise<void> {
    const { reader, meter } = this.#parts;
    const { path, mode, modified } = entry;
    const temporary = temporaryBeside(this.#place(path));
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600);
    try {
      const file = { fd, name: path };
      const write = (content: Uint8Array<ArrayBuffer>, at: number): void => {
        writeAt(file, [content], at);
        free(content);
      };
      await reader.readTo(entry, file, write, (length) => meter.add(length));
      fchmodSync(fd, mode);
      futimesSync(fd, timeOf(modified), timeOf(modified));
      this.#written.push({ path, temporary, fd });
    } catch (error) {
      closeSync(fd);
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Begins to settle what is written, once what was written before is settled. */
  async #settleSome(): Promise<void> {
    await this.#settling;
    const batch = this.#written;
    this.#written = [];
    this.#settling = Promise.all(batch.map((each) => this.#settleOne(each))).then(() => undefined);
  }

  async #settle(): Promise<void> {
    await this.#settleSome();
    await this.#settling;
  }

  /** Makes a file durable and gives it its name. Never throws. */
  async #settleOne({ path, temporary, fd }: Written): Promise<void> {
    try {
      try {
        await sync(fd);
      } finally {
        closeSync(fd);
      }
      this.#rename(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      this.#fail(path, error);
    }
  }

  #link(path: string, target: string, modified: Time): void {
    const temporary = temporaryBeside(this.#place(path));
    symlinkSync(target, temporary);
    try {
      lutimesSync(temporary, timeOf(modified), timeOf(modified));
      this.#rename(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Gives a whole file its name. Nothing is replaced that was not there when the restore began. */
  #rename(temporary: string, path: string): void {
    const place = this.#place(path);
    if (!this.#parts.present.has(path) && lstatSync(place, { throwIfNoEntry: false }) !== undefined) {
      throw exists(path);
    }
    renameSync(temporary, place);
    this.#restored.add(path);
  }
}

function temporaryBeside(place: string): string {
  return join(dirname(place), `.strongroom-${randomUUID()}.tmp`);
}
