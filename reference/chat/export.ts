/**
 * A chat database as the next generation of a set (spec/chat.md, "Exporting").
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { systemRandom } from '../crypto/random.ts';
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import { checkPath, parentOf } from '../set/paths.ts';
import type { Committed, Meta } from '../set/generation.ts';
import { beginWith, type SetWriter, type SetWriterOptions, type WriterSources } from '../set/set-writer.ts';
import type { Source } from '../set/source.ts';
import type { Storage } from '../set/storage.ts';
import { requireRealWay, skipCode, type Skipped } from '../set/walk.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { databaseFault } from './database-fault.ts';
import type { ChatProgress } from './progress.ts';
import { CHAT_FOLDER, CHAT_SCHEMA, HEAD_PATH, MESSAGE, type ChatHead } from './records.ts';
import { MEDIA_FOLDER, openDatabase } from './schema.ts';
import { grouped, Shards, stampOf, type ChatRecord } from './shards.ts';

/** How to export. */
export interface ExportOptions extends SetWriterOptions {
  /** Told now and then how far the work has come. */
  readonly onProgress?: (progress: ChatProgress) => void;
}

/** What was exported. */
export interface ExportResult extends Committed {
  /** Rows of the snapshot. */
  readonly counts: ChatHead;
  /** Media that are not in the backup. If there are any, it is not complete, and whoever started it must hear so. */
  readonly skipped: readonly Skipped[];
}

/** A media file that is not as the database says. */
class MediaFault extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

/** A row of `media`. */
interface MediaRow {
  readonly path: string;
  readonly length: number;
  readonly sha256: Bytes;
}

const MEDIA_ROWS = `SELECT path, length, sha256 FROM media WHERE id IN (SELECT media_id FROM attachment)
  ORDER BY CAST(path AS BLOB)`;

/**
 * Backs the chat in a folder up into a storage. The database is read in one snapshot, row by row; shards and media that
 * the storage holds already are not uploaded again.
 *
 * @throws StrongroomError `not-found`, `bad-database`; `exists` if the storage holds a backup of something else;
 *   `limit-exceeded` if a row does not fit into a record; what beginning and committing a generation throw
 */
export function exportChat(folder: string, storage: Storage, options: ExportOptions): Promise<ExportResult> {
  return exportChatWith({ random: systemRandom, now: Date.now }, folder, storage, options);
}

/** {@link exportChat} with injected sources: for vectors and tests, never for backups. */
export async function exportChatWith(
  sources: WriterSources,
  folder: string,
  storage: Storage,
  options: ExportOptions,
): Promise<ExportResult> {
  const database = openDatabase(folder);
  try {
    // The snapshot is taken by this read, and holds until the transaction ends.
    database.exec('BEGIN; SELECT count(*) FROM conversation');
    const writer = await beginWith(sources, storage, options);
    try {
      return await new Export(database, folder, writer, options).run();
    } catch (error) {
      await writer.abort(error);
      throw error;
    }
  } catch (error) {
    throw databaseFault(error, folder);
  } finally {
    database.close();
  }
}

/** One run. */
class Export {
  readonly #database: DatabaseSync;
  readonly #folder: string;
  readonly #writer: SetWriter;
  readonly #shards: Shards;
  readonly #directories = new Set<string>();
  readonly #counts: ChatHead;
  readonly #tell: () => void;
  #messages = 0;
  #media = 0;

  constructor(database: DatabaseSync, folder: string, writer: SetWriter, { onProgress }: ExportOptions) {
    const shards = new Shards(database);
    const counts = shards.counts();
    this.#database = database;
    this.#folder = folder;
    this.#writer = writer;
    this.#shards = shards;
    this.#counts = counts;
    this.#tell = () => {
      onProgress?.({
        messages: this.#messages,
        messagesTotal: counts.messages,
        media: this.#media,
        mediaTotal: counts.media,
      });
    };
  }

  async run(): Promise<ExportResult> {
    const { previous } = this.#writer;
    if (previous !== undefined && !previous.entries.some(({ path }) => path === HEAD_PATH)) {
      throw new StrongroomError('exists', 'the storage holds a backup that is not of a chat');
    }
    this.#directory(CHAT_FOLDER);
    for (const { path, records } of this.#shards.all()) {
      const meta = { ...metaOf(path, 0o600), stamp: stampOf(this.#counted(records())) };
      if (this.#writer.unchanged(meta)) continue;
      await this.#writer.records(meta, CHAT_SCHEMA, (writer) => grouped(records(), writer));
    }
    const skipped = await this.#allMedia();
    return { ...(await this.#writer.commit()), counts: this.#counts, skipped };
  }

  *#counted(records: Iterable<ChatRecord>): Generator<ChatRecord, void, undefined> {
    for (const record of records) {
      if (record.type === MESSAGE && ++this.#messages % 10_000 === 0) this.#tell();
      yield record;
    }
    this.#tell();
  }

  /** A directory and those that it lies in. */
  #directory(path: string): void {
    if (path === '' || this.#directories.has(path)) return;
    this.#directory(parentOf(path));
    this.#directories.add(path);
    this.#writer.directory(metaOf(path, 0o700));
  }

  async #allMedia(): Promise<Skipped[]> {
    this.#directory(MEDIA_FOLDER);
    const skipped: Skipped[] = [];
    for (const row of this.#database.prepare(MEDIA_ROWS).iterate() as Iterable<unknown>) {
      const { path: below, ...medium } = row as MediaRow;
      const path = `${MEDIA_FOLDER}/${below}`;
      try {
        checkPath(path);
        const meta = { ...metaOf(path, 0o600), stamp: medium.sha256 };
        if (!this.#writer.unchanged(meta))
          await this.#writer.file(meta, mediaSource(this.#folder, path, medium));
        this.#directory(parentOf(path));
      } catch (error) {
        if (!(error instanceof MediaFault) && !isStrongroomError(error, 'unsafe-path')) throw error;
        skipped.push({ path, code: error.code });
      }
      this.#media++;
      this.#tell();
    }
    return skipped;
  }
}

/** Shards and media are known by their names and contents; the times of files in the backup mean nothing. */
function metaOf(path: string, mode: number): Meta {
  return { path, mode, modified: { seconds: 0, nanoseconds: 0 } };
}

/** Bytes read at once. */
const PIECE = 1 << 18;

/** The content of a media file, which must be the one that the database knows. */
function mediaSource(folder: string, path: string, { length, sha256 }: Omit<MediaRow, 'path'>): Source {
  let hash = createHash('sha256');
  return {
    length,
    *read() {
      hash = createHash('sha256');
      let fd;
      try {
        const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
        fd = openSync(join(folder, path), O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
        requireRealWay(folder, path);
        if (!fstatSync(fd).isFile()) throw new MediaFault('changed');
        const buffer = new Uint8Array(PIECE);
        for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) {
          hash.update(buffer.subarray(0, n));
          yield buffer.subarray(0, n);
        }
      } catch (error) {
        throw error instanceof MediaFault ? error : new MediaFault(skipCode(error) ?? 'io');
      } finally {
        if (fd !== undefined) closeSync(fd);
      }
    },
    check() {
      if (!equal(hash.digest(), sha256)) throw new MediaFault('changed');
    },
  };
}
