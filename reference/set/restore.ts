/**
 * Restoring a set into a folder (spec/set.md, "Restoring").
 *
 * @module
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { syncFolder, writeAll } from './directory-storage.ts';
import { openBackup } from './backups.ts';
import { fault, guarded } from './faults.ts';
import { requireCurrent, type Freshness } from './freshness.ts';
import { lengthOf, type Entry, type FileEntry, type Time } from './manifest.ts';
import { Meter, type Progress } from './meter.ts';
import type { Damage, OpenedManifest, SelectOptions } from './newest.ts';
import { FileReader, Pacer } from './objects.ts';
import { checkPath, checkTarget, parentOf } from './paths.ts';
import type { Storage } from './storage.ts';

/** How to restore. */
export interface RestoreOptions extends SelectOptions {
  /** Replace files and links that are in the way; folders are never replaced. Default false. */
  readonly force?: boolean;
  /** Told now and then how far the work has come. */
  readonly onProgress?: (progress: Progress) => void;
}

/** An entry that could not be restored or verified. */
export interface Failure {
  readonly path: string;
  readonly code: ErrorCode;
}

/** What a restore came to. */
export interface RestoreReport {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  /** How it stands to the head; `unknown` if there is none. */
  readonly freshness: Freshness;
  /** Number of whole copies of the manifest; it was written twice. */
  readonly copies: number;
  /** Objects that could not be read: with a manifest among them, there may have been a newer backup. */
  readonly damaged: readonly Damage[];
  /** Paths of what is restored, verified and durable. */
  readonly restored: readonly string[];
  readonly failed: readonly Failure[];
}

/** A restore that did not bring everything back. `code` is that of the first failure. */
export class RestoreError extends StrongroomError {
  override readonly name = 'RestoreError';
  /** What was restored all the same. */
  readonly report: RestoreReport;

  constructor(report: RestoreReport, cause: StrongroomError) {
    super(cause.code, cause.message, cause.details, { cause });
    this.report = report;
  }
}

/**
 * Restores the newest backup, or the named one, into `target`, which is made if need be. All names are checked
 * before anything is written. A file appears under its name only once all of it was verified; one that is damaged
 * does not appear, and the others still do.
 *
 * @throws StrongroomError as {@link openBackup}; `stale`, `fork`, `unsafe-path`, `exists`, before anything is written
 * @throws RestoreError if anything is missing at the end: `object-missing`, `object-mismatch`, any code of opening an
 *   object, `disk-full`, `permission`, `io`, `exists`, `cancelled`
 */
export async function restore(
  storage: Storage,
  key: BackupKey,
  target: string,
  options: RestoreOptions = {},
): Promise<RestoreReport> {
  const opened = await openBackup(storage, key, options);
  if (options.manifest === undefined) requireCurrent(opened.freshness);
  const { entries } = opened.manifest;
  const rules = process.platform === 'win32' ? 'windows' : 'posix';
  for (const entry of entries) {
    checkPath(entry.path, rules);
    if (entry.kind === 'symlink') checkTarget(entry.path, entry.target, rules);
  }
  const force = options.force ?? false;
  const present = guarded(target, () => findPresent(target, entries, force));
  guarded(target, () => mkdirSync(target, { recursive: true }));
  const place = guarded(target, () => realpathSync(target));
  const pacer = new Pacer(options.signal);
  const reader = new FileReader(storage, opened.key, opened.manifest, pacer);
  return new Run(reader, pacer, place, present, options).all(opened);
}

/** Paths of entries for which something is in the target already. @throws StrongroomError `exists`, `unsafe-path` */
function findPresent(target: string, entries: readonly Entry[], force: boolean): Set<string> {
  const present = new Set<string>();
  const top = lstatSync(target, { throwIfNoEntry: false });
  if (top === undefined) return present;
  if (!statSync(target).isDirectory()) throw exists(target);
  const places = new Set<string>();
  for (const { path, kind } of entries) {
    const parent = parentOf(path);
    if (parent !== '' && !present.has(parent)) continue;
    const stat = lstatSync(join(target, path), { throwIfNoEntry: false });
    if (stat === undefined) continue;
    present.add(path);
    if (kind === 'directory') {
      if (stat.isSymbolicLink()) throw throughLink(path);
      if (!stat.isDirectory()) throw exists(path);
      continue;
    }
    if (!force || stat.isDirectory()) throw exists(path);
    // Where upper and lower case are one, two entries may mean one file: the second would destroy the first.
    const place = `${stat.dev}:${stat.ino}`;
    if (stat.nlink === 1 && places.has(place)) throw exists(path);
    places.add(place);
  }
  return present;
}

function exists(path: string): StrongroomError {
  return new StrongroomError('exists', `${path} is there already`, { subject: path });
}

function throughLink(path: string): StrongroomError {
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
class Run {
  readonly #reader: FileReader;
  readonly #target: string;
  readonly #present: ReadonlySet<string>;
  readonly #options: RestoreOptions;
  readonly #pacer: Pacer;
  readonly #restored: string[] = [];
  readonly #failed = new Map<string, ErrorCode>();
  #firstFault: StrongroomError | undefined;
  /** The directory that was last found to be real. */
  #realFolder = '';

  constructor(
    reader: FileReader,
    pacer: Pacer,
    target: string,
    present: ReadonlySet<string>,
    options: RestoreOptions,
  ) {
    this.#reader = reader;
    this.#pacer = pacer;
    this.#target = target;
    this.#present = present;
    this.#options = options;
  }

  async all({ manifest, copies, freshness, damaged }: OpenedManifest): Promise<RestoreReport> {
    const { setId, generation, created, entries } = manifest;
    const total = entries.reduce((sum, entry) => sum + lengthOf(entry), 0);
    const meter = new Meter(entries.length, total, this.#options.onProgress);
    const folders = entries.filter(({ kind }) => kind === 'directory');
    const files = entries.filter((entry) => entry.kind === 'file');
    const links = entries.filter((entry) => entry.kind === 'symlink');
    try {
      // Links come last, so that nothing can be written through them; folders get their rights when they are full.
      for (const { path } of folders) await this.#step(path, () => this.#makeFolder(path));
      for (const entry of files) {
        meter.next(entry.path);
        await this.#step(entry.path, () => this.#file(entry, meter));
      }
      for (const entry of links) {
        meter.next(entry.path);
        await this.#step(entry.path, () => this.#link(entry.path, entry.target, entry.modified));
      }
      for (const entry of folders.toReversed()) {
        meter.next(entry.path);
        await this.#step(entry.path, () => this.#finishFolder(entry));
      }
      guarded(this.#target, () => syncFolder(this.#target));
      meter.next('');
    } catch (error) {
      this.#firstFault ??= fault(error, this.#target);
    }
    const restored = this.#restored.sort();
    const summary = { setId, generation, created, freshness, copies: copies.length, damaged };
    const failed = Array.from(this.#failed, ([path, code]) => ({ path, code }));
    const report = { ...summary, restored, failed };
    if (this.#firstFault !== undefined) throw new RestoreError(report, this.#firstFault);
    return report;
  }

  /** Does one thing for one entry; most faults cost that entry alone. */
  async #step(path: string, step: () => Promise<void> | void): Promise<void> {
    try {
      await this.#pacer.pace();
      await step();
    } catch (cause) {
      const error = fault(cause, path);
      this.#firstFault ??= error;
      if (!this.#failed.has(path)) this.#failed.set(path, error.code);
      if (isFinal(error.code)) {
        this.#firstFault = error;
        throw error;
      }
    }
  }

  /** Where an entry goes. Its folder must be a real one: a link would lead elsewhere. */
  #place(path: string): string {
    const folder = parentOf(path);
    if (folder !== this.#realFolder) {
      for (let each = folder; each !== ''; each = parentOf(each)) {
        if (!lstatSync(join(this.#target, each)).isDirectory()) throw throughLink(each);
      }
      this.#realFolder = folder;
    }
    return join(this.#target, path);
  }

  #makeFolder(path: string): void {
    const place = this.#place(path);
    if (this.#present.has(path)) return;
    try {
      mkdirSync(place, { mode: 0o700 });
    } catch (error) {
      // Another entry may have made it, where upper and lower case are one.
      if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
    }
  }

  #finishFolder({ path, mode, modified }: Entry): void {
    const place = this.#place(path);
    syncFolder(place);
    if (!this.#present.has(path) || this.#options.force === true) {
      chmodSync(place, mode);
      utimesSync(place, timeOf(modified), timeOf(modified));
    }
    if (!this.#failed.has(path)) this.#restored.push(path);
  }

  async #file(entry: FileEntry, meter: Meter): Promise<void> {
    const { path, mode, modified } = entry;
    const place = this.#place(path);
    const temporary = temporaryBeside(place);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600);
    try {
      try {
        await this.#reader.read(entry, (content) => {
          guarded(path, () => writeAll(fd, [content]));
          meter.add(content.length);
        });
        fchmodSync(fd, mode);
        futimesSync(fd, timeOf(modified), timeOf(modified));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      this.#rename(temporary, path, place);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  #link(path: string, target: string, modified: Time): void {
    const place = this.#place(path);
    const temporary = temporaryBeside(place);
    symlinkSync(target, temporary);
    try {
      lutimesSync(temporary, timeOf(modified), timeOf(modified));
      this.#rename(temporary, path, place);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Gives a whole file its name. Nothing is replaced that was not there when the restore began. */
  #rename(temporary: string, path: string, place: string): void {
    if (!this.#present.has(path) && lstatSync(place, { throwIfNoEntry: false }) !== undefined) {
      throw exists(path);
    }
    renameSync(temporary, place);
    this.#restored.push(path);
  }
}

function temporaryBeside(place: string): string {
  return join(dirname(place), `.strongroom-${randomUUID()}.tmp`);
}
