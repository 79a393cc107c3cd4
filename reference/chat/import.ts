/**
 * A chat database made of a set (spec/chat.md, "Importing").
 *
 * @module
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { syncFolder, writeAll } from '../set/directory-storage.ts';
import { errno, fault, guarded } from '../set/faults.ts';
import type { Freshness } from '../set/freshness.ts';
import type { FileEntry } from '../set/manifest.ts';
import type { Damage, SelectOptions } from '../set/newest.ts';
import { checkPath, parentOf } from '../set/paths.ts';
import type { Failure } from '../set/restore.ts';
import type { Storage } from '../set/storage.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { databaseFault } from './database-fault.ts';
import type { ChatProgress } from './progress.ts';
import { Inserter, requireCounts } from './insert.ts';
import { badChat, ChatReader } from './read.ts';
import type { ChatHead } from './records.ts';
import { addIndex, createDatabase, DATABASE_FILE, MEDIA_FOLDER } from './schema.ts';

/** How to import. */
export interface ImportOptions extends SelectOptions {
  /** Takes what is left if shards of messages are damaged or missing, and reports them; default false. */
  readonly partial?: boolean;
  /** Told now and then how far the work has come. */
  readonly onProgress?: (progress: ChatProgress) => void;
}

/** What an import came to. */
export interface ImportReport {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  readonly freshness: Freshness;
  /** Number of whole copies of the manifest; it was written twice. */
  readonly copies: number;
  /** Objects that could not be read when the manifest was looked for. */
  readonly damaged: readonly Damage[];
  /** Rows of the backup. */
  readonly counts: ChatHead;
  /** Messages and media files that are there now. */
  readonly messages: number;
  readonly media: number;
  /** Shards and media files that are not there. */
  readonly failed: readonly Failure[];
}

/** An import that did not bring everything back. `code` is that of the first failure. */
export class ImportError extends StrongroomError {
  override readonly name = 'ImportError';
  /** What was imported all the same. */
  readonly report: ImportReport;

  constructor(report: ImportReport, cause: StrongroomError) {
    super(cause.code, cause.message, cause.details, { cause });
    this.report = report;
  }
}

/**
 * Imports the newest chat of a storage, or the named one, into a new folder. The folder appears under its name once the
 * database is whole, verified and durable; media that are damaged or missing are not in it, and all else is.
 *
 * @throws StrongroomError `exists` if something is at the target; as {@link ChatReader.open}; `bad-chat`, `disk-full`,
 *   `permission`, `io`, `cancelled`, and the code of a shard that fails
 * @throws ImportError if media, or with `partial` shards of messages, are missing at the end
 */
export async function importChat(
  storage: Storage,
  key: BackupKey,
  target: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  requireFree(target);
  const reader = await ChatReader.open(storage, key, options);
  const place = resolve(target);
  const temporary = join(dirname(place), `.${basename(place)}.${randomUUID()}.tmp`);
  try {
    guarded(target, () => {
      mkdirSync(dirname(place), { recursive: true });
      mkdirSync(temporary, { mode: 0o700 });
    });
    const run = new Import(reader, temporary, options);
    const report = await run.run();
    guarded(target, () => {
      requireFree(target);
      rmdirIfThere(place);
      renameSync(temporary, place);
      syncFolder(dirname(place));
    });
    run.requireWhole(report);
    return report;
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw databaseFault(error, target);
  }
}

/** @throws StrongroomError `exists` if anything but an empty folder is at the target */
function requireFree(target: string): void {
  const there = guarded(target, () => lstatSync(target, { throwIfNoEntry: false }));
  if (there === undefined) return;
  if (there.isDirectory() && guarded(target, () => readdirSync(target)).length === 0) return;
  throw new StrongroomError('exists', `${target} is there already`, { subject: target });
}

function rmdirIfThere(place: string): void {
  try {
    rmdirSync(place);
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
  }
}

/** A row of `media`. */
interface MediaRow {
  readonly path: string;
  readonly length: number;
  readonly sha256: Bytes;
}

/** One run into one folder. */
class Import {
  readonly #reader: ChatReader;
  readonly #folder: string;
  readonly #options: ImportOptions;
  readonly #failed: Failure[] = [];
  #firstFault: StrongroomError | undefined;
  #counts: ChatHead | undefined;
  #messages = 0;
  #media = 0;

  constructor(reader: ChatReader, folder: string, options: ImportOptions) {
    this.#reader = reader;
    this.#folder = folder;
    this.#options = options;
  }

  /** Makes everything, checks it, and makes it durable. */
  async run(): Promise<ImportReport> {
    const counts = await this.#reader.head();
    this.#counts = counts;
    const path = join(this.#folder, DATABASE_FILE);
    const database = createDatabase(path);
    try {
      // Until the folder has its name nobody needs this file after a crash.
      database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384');
      for (const shard of this.#reader.shards) await this.#shard(database, shard);
      if (this.#failed.length === 0) requireCounts(database, counts);
      if (database.prepare('PRAGMA foreign_key_check').get() !== undefined) {
        throw badChat('a row refers to one that is not there', DATABASE_FILE);
      }
      addIndex(database);
      await this.#allMedia(database);
    } finally {
      database.close();
    }
    guarded(path, () => sync(path));
    syncFolder(this.#folder);
    return this.#report(counts);
  }

  /** @throws ImportError if anything is missing */
  requireWhole(report: ImportReport): void {
    if (this.#firstFault !== undefined) throw new ImportError(report, this.#firstFault);
  }

  /** All rows of a shard, or none. */
  async #shard(database: DatabaseSync, shard: FileEntry): Promise<void> {
    const before = this.#messages;
    database.exec('BEGIN');
    try {
      const inserter = new Inserter(database, shard.path, () => {
        if (++this.#messages % 10_000 === 0) this.#tell();
      });
      await this.#reader.read(shard, inserter);
      database.exec('COMMIT');
    } catch (cause) {
      const error = databaseFault(cause, shard.path);
      const isMissing = this.#options.partial === true && shard.path.includes('/messages-');
      if (!isMissing || isFinal(error)) throw error;
      database.exec('ROLLBACK');
      this.#messages = before;
      this.#fail(shard.path, error);
    }
    this.#tell();
  }

  async #allMedia(database: DatabaseSync): Promise<void> {
    const { entries } = this.#reader.opened.manifest;
    const files = new Map(entries.map((entry) => [entry.path, entry]));
    guarded(MEDIA_FOLDER, () => mkdirSync(join(this.#folder, MEDIA_FOLDER)));
    const folders = new Set([MEDIA_FOLDER]);
    const rows = database.prepare('SELECT path, length, sha256 FROM media ORDER BY path').iterate();
    for (const row of rows as Iterable<unknown>) {
      const { path: below, ...medium } = row as MediaRow;
      const path = `${MEDIA_FOLDER}/${below}`;
      const entry = files.get(path);
      try {
        if (entry?.kind !== 'file') throw new StrongroomError('vanished', `${path} is not in the backup`);
        for (const folder of this.#makeFolders(path)) folders.add(folder);
        await this.#medium(entry, medium);
        this.#media++;
      } catch (cause) {
        const error = fault(cause, path);
        if (isFinal(error)) throw error;
        this.#fail(path, error);
      }
      this.#tell();
    }
    for (const folder of folders) guarded(folder, () => syncFolder(join(this.#folder, folder)));
  }

  /** Makes the folders that a file lies in, and returns them. */
  #makeFolders(path: string): string[] {
    checkPath(path, process.platform === 'win32' ? 'windows' : 'posix');
    const folders: string[] = [];
    for (let each = parentOf(path); each !== ''; each = parentOf(each)) folders.push(each);
    guarded(path, () => mkdirSync(join(this.#folder, parentOf(path)), { recursive: true }));
    return folders;
  }

  async #medium(entry: FileEntry, { length, sha256 }: Omit<MediaRow, 'path'>): Promise<void> {
    const place = join(this.#folder, entry.path);
    const fd = openSync(place, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      let written = 0;
      await this.#reader.content(entry, (content) => {
        hash.update(content);
        written += content.length;
        guarded(entry.path, () => writeAll(fd, [content]));
      });
      if (written !== length || !equal(hash.digest(), sha256)) {
        throw new StrongroomError('object-mismatch', `${entry.path}: not the file that the message brought`);
      }
      guarded(entry.path, () => fsyncSync(fd));
    } catch (error) {
      rmSync(place, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  #fail(path: string, error: StrongroomError): void {
    this.#failed.push({ path, code: error.code });
    this.#firstFault ??= error;
  }

  #tell(): void {
    this.#options.onProgress?.({
      messages: this.#messages,
      messagesTotal: this.#counts?.messages ?? 0,
      media: this.#media,
      mediaTotal: this.#counts?.media ?? 0,
    });
  }

  #report(counts: ChatHead): ImportReport {
    const { manifest, copies, damaged, freshness } = this.#reader.opened;
    const { setId, generation, created } = manifest;
    const found = { freshness, copies: copies.length, damaged, failed: this.#failed };
    return { setId, generation, created, counts, messages: this.#messages, media: this.#media, ...found };
  }
}

/** Faults after which nothing else can be had either. */
function isFinal({ code }: StrongroomError): boolean {
  return code === 'cancelled' || code === 'disk-full';
}

function sync(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
