/**
 * Backing a folder up (spec/backup.md, "Folders"): what the folder holds as the next generation of a set.
 *
 * @module
 */
import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { systemRandom } from '../crypto/random.ts';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { DirectoryStorage } from './directory-storage.ts';
import { guarded } from './faults.ts';
import { FolderFile, SkippedError, type FolderReading } from './folder-file.ts';
import type { Committed } from './generation.ts';
import { MAX_ENTRIES } from './manifest.ts';
import { Meter, type Progress } from './meter.ts';
import { Pacer } from './objects.ts';
import { beginWith, type SetWriter, type SetWriterOptions, type WriterSources } from './set-writer.ts';
import type { Storage } from './storage.ts';
import { stampOf } from './stamp.ts';
import { NO_STAMP, walk, type Skipped } from './walk.ts';

/** How to back up. */
export interface BackupOptions extends SetWriterOptions {
  /** Told now and then how far the work has come. */
  readonly onProgress?: (progress: Progress) => void;
}

/** What was backed up. */
export interface BackupResult extends Committed {
  /** What is not in the backup. If anything is, the backup is not complete, and whoever started it must hear so. */
  readonly skipped: readonly Skipped[];
}

/** Bytes read from a file at once: a block of its media id. */
const PIECE = 1 << 20;

/**
 * Backs a folder up into a storage as the next generation of its set, or the first one of a new set. Until the
 * manifest is committed the storage holds the last backup as it was; if anything fails before that, what was
 * written is removed again, but for what a checkpoint names.
 *
 * @throws StrongroomError `cancelled`, `disk-full`, `permission`, `io`, `fork`, `object-missing`, `limit-exceeded`;
 *   `unsafe-path` if the storage lies in the folder
 */
export function backup(folder: string, storage: Storage, options: BackupOptions): Promise<BackupResult> {
  return backupWith({ random: systemRandom, now: Date.now }, folder, storage, options);
}

/** {@link backup} with injected sources: for vectors, never for backups. */
export async function backupWith(
  sources: WriterSources,
  folder: string,
  storage: Storage,
  options: BackupOptions,
): Promise<BackupResult> {
  requireApart(folder, storage);
  const writer = await beginWith(sources, storage, options);
  const skipped: Skipped[] = [];
  try {
    await addFolder(writer, folder, skipped, sources.now, options);
    return { ...(await writer.commit()), skipped };
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

/** A storage inside the folder would be backed up into itself. */
function requireApart(folder: string, storage: Storage): void {
  if (!(storage instanceof DirectoryStorage)) return;
  const source = guarded(folder, () => realpathSync(folder));
  let place = storage.folder;
  try {
    place = realpathSync(place);
  } catch {
    // It does not exist yet.
  }
  if (!(place + sep).startsWith(source.endsWith(sep) ? source : source + sep)) return;
  throw new StrongroomError('unsafe-path', 'the storage lies in the folder that is backed up', {
    subject: storage.folder,
  });
}

/** Adds everything but the manifest. */
async function addFolder(
  writer: SetWriter,
  folder: string,
  skipped: Skipped[],
  now: () => number,
  { signal, reread = false, onProgress }: BackupOptions,
): Promise<void> {
  const start = now();
  // Most files of a first backup have nothing to be compared with.
  const found = walk(folder, skipped, (path, stat) =>
    !reread && writer.knows(path) ? stampOf(stat, start) : NO_STAMP,
  );
  if (found.length > MAX_ENTRIES) {
    throw new StrongroomError('limit-exceeded', `a set holds at most ${MAX_ENTRIES} entries`);
  }
  const total = found.reduce((sum, { kind, length }) => sum + (kind === 'file' ? length : 0), 0);
  const meter = new Meter(found.length, total, onProgress);
  const pacer = new Pacer(signal);
  const reading = { folder, buffer: new Uint8Array(PIECE), onBytes: (n: number) => meter.add(n), now };
  for (const each of found) {
    meter.next(each.path);
    await pacer.pace();
    if (each.kind === 'directory') writer.directory(each);
    else if (each.kind === 'symlink') writer.symlink(each, each.target);
    else if (!reread && writer.unchanged(each)) meter.add(each.length);
    else {
      const code = await addFile(writer, reading, each.path);
      if (code !== undefined) skipped.push({ path: each.path, code });
    }
  }
  meter.next('');
}

/** Adds a file, after a second try if it changed meanwhile; the code if it is left out. */
async function addFile(
  writer: SetWriter,
  reading: FolderReading,
  path: string,
  again = true,
): Promise<ErrorCode | undefined> {
  try {
    const file = FolderFile.open(reading, path);
    try {
      await writer.file(file.meta, file);
    } finally {
      file.close();
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof SkippedError)) throw error;
    return error.code === 'changed' && again ? addFile(writer, reading, path, false) : error.code;
  }
}
