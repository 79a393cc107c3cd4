/**
 * Writing a set (spec/set.md, "Writing a set"): every file first, the manifest last.
 *
 * @module
 */
import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { DirectoryStorage } from './directory-storage.ts';
import { guarded } from './faults.ts';
import {
  lengthOf,
  MAX_ANCESTORS,
  MAX_ENTRIES,
  type Ancestor,
  type Commitments,
  type Entry,
  type WrappedKey,
} from './manifest.ts';
import {
  isFatal,
  manifestsOfSet,
  openScanned,
  scan,
  unreadManifests,
  type Scan,
  type SelectOptions,
} from './newest.ts';
import { Meter, type Progress } from './meter.ts';
import { MEDIA_ID_LENGTH } from './media-id.ts';
import { Pacer } from './objects.ts';
import type { Storage } from './storage.ts';
import { walk, type Skipped } from './walk.ts';
import { discardQuietly, sealFile, sealManifest, type SealedManifest, type Writing } from './write.ts';

/** How to back up. */
export interface BackupOptions extends SelectOptions {
  readonly key: BackupKey;
  /** Told now and then how far the work has come. */
  readonly onProgress?: (progress: Progress) => void;
}

/** What was backed up. */
export interface BackupResult {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** SHA-256 of the content of the manifest, 32 bytes: by this the next generations name it. */
  readonly manifestId: Bytes;
  /** Commitments of the two copies of the manifest, 32 bytes each. */
  readonly manifests: Commitments;
  readonly entries: number;
  /** Bytes of content. */
  readonly bytes: number;
  /** What is not in the backup. If anything is, the backup is not complete, and whoever started it must hear so. */
  readonly skipped: readonly Skipped[];
}

/** Bytes read from a file at once. */
const PIECE = 1 << 20;

/**
 * Backs a folder up into a storage as the next generation of its set, or the first one of a new set. Until the
 * manifest is committed the storage holds the last backup as it was; if anything fails before that, what was
 * written is removed again.
 *
 * @throws StrongroomError `cancelled`, `disk-full`, `permission`, `io`, `fork`, `limit-exceeded`; `unsafe-path` if
 *   the storage lies in the folder
 */
export function backup(folder: string, storage: Storage, options: BackupOptions): Promise<BackupResult> {
  return backupWith({ random: systemRandom, now: Date.now }, folder, storage, options);
}

/** Where the values come from that make one backup differ from another. */
export interface BackupSources {
  /** Draws `set-id`, and what sealing draws. */
  readonly random: RandomSource;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** {@link backup} with injected sources: for vectors, never for backups. */
export async function backupWith(
  { random, now }: BackupSources,
  folder: string,
  storage: Storage,
  options: BackupOptions,
): Promise<BackupResult> {
  requireApart(folder, storage);
  const { key, signal } = options;
  const before = await scan(storage, key, signal);
  requireReadable(before);
  const previous = await findPrevious(storage, before, options);
  const writing: Writing = {
    random,
    storage,
    key,
    keyEpoch: previous?.keyEpoch ?? 1,
    mediaKey: previous?.mediaKey ?? random('media-key', MEDIA_ID_LENGTH),
    pacer: new Pacer(signal),
    buffer: new Uint8Array(PIECE),
    written: [],
    objects: [],
  };
  const skipped: Skipped[] = [];
  try {
    const entries = await sealFiles(writing, folder, skipped, options);
    const { keyEpoch, mediaKey, objects } = writing;
    const manifest = {
      setId: previous?.setId ?? random('set-id', 16),
      generation: (previous?.generation ?? 0) + 1,
      created: Math.floor(now() / 1000),
      keyEpoch,
      mediaKey,
      ancestors: previous?.ancestors ?? [],
      wrappedKeys: previous?.wrappedKeys ?? [],
      objects,
      entries,
    };
    const copies = await sealManifest(writing, manifest);
    await commit(writing, copies, before, signal);
    const bytes = entries.reduce((sum, entry) => sum + lengthOf(entry), 0);
    const { setId, generation } = manifest;
    const { id: manifestId, commitments: manifests } = copies;
    return { setId, generation, manifestId, manifests, entries: entries.length, bytes, skipped };
  } catch (error) {
    await undo(writing);
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

/** What cannot be read now may be the newest manifest: a backup beside it would be a fork. */
function requireReadable({ damaged }: Scan): void {
  const fault = damaged.find(({ code }) => code === 'io' || code === 'permission');
  if (fault === undefined) return;
  throw new StrongroomError(fault.code, `${fault.name} cannot be read`, { subject: fault.name });
}

/** The generation to follow, and what the next one takes from it. */
interface Previous {
  readonly setId: Bytes;
  readonly generation: number;
  readonly keyEpoch: number;
  readonly mediaKey: Bytes;
  /** Ancestors of the next generation. */
  readonly ancestors: readonly Ancestor[];
  readonly wrappedKeys: readonly WrappedKey[];
}

/** The generation to follow. One that cannot be read whole any more is followed too, but is no ancestor. */
async function findPrevious(
  storage: Storage,
  before: Scan,
  options: BackupOptions,
): Promise<Previous | undefined> {
  const none = before.manifests.length === 0 && unreadManifests(before.damaged).length === 0;
  if (none && options.manifest === undefined) return undefined;
  const [newest] = manifestsOfSet(before, options.manifest);
  if (newest === undefined) return undefined;
  const { ancestors, ...head } = newest.head;
  try {
    const { manifest, id } = await openScanned(before, storage, options.key, options);
    const { generation, commitments, wrappedKeys } = manifest;
    const all = [{ generation, manifestId: id, commitments }, ...manifest.ancestors];
    return { ...head, ancestors: all.slice(0, MAX_ANCESTORS), wrappedKeys };
  } catch (error) {
    if (!isStrongroomError(error) || isFatal(error.code)) throw error;
    return { ...head, ancestors, wrappedKeys: [] };
  }
}

/** Seals everything but the manifest. */
async function sealFiles(
  writing: Writing,
  folder: string,
  skipped: Skipped[],
  options: BackupOptions,
): Promise<Entry[]> {
  const found = walk(folder, skipped);
  if (found.length > MAX_ENTRIES) {
    throw new StrongroomError('limit-exceeded', `a set holds at most ${MAX_ENTRIES} entries`);
  }
  const total = found.reduce((sum, { kind, length }) => sum + (kind === 'file' ? length : 0), 0);
  const meter = new Meter(found.length, total, options.onProgress);
  const onBytes = (length: number): void => meter.add(length);
  const entries: Entry[] = [];
  for (const each of found) {
    meter.next(each.path);
    await writing.pacer.pace();
    const { path, kind, mode, modified, target } = each;
    if (kind === 'directory') entries.push({ kind, path, mode, modified });
    else if (kind === 'symlink') entries.push({ kind, path, mode, modified, target });
    else {
      let entry = await sealFile(writing, folder, path, onBytes);
      if (entry === 'changed') entry = await sealFile(writing, folder, path, onBytes);
      if (typeof entry === 'string') skipped.push({ path, code: entry });
      else entries.push(entry);
    }
  }
  meter.next('');
  return entries;
}

/** Gives both copies of the manifest their names. The set is committed when the first of them has its own. */
async function commit(
  { storage, key, pacer, written }: Writing,
  { uploads }: SealedManifest,
  before: Scan,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await storage.flush();
    // Another writer that was faster would make this generation a fork: better to stop here.
    const known = new Map([...before.objects, ...written.map((name) => [name, 0] as const)]);
    const since = await scan(storage, key, signal, known);
    if (since.manifests.length > 0) {
      throw new StrongroomError('fork', 'another backup was written to this storage at the same time');
    }
    await pacer.pace();
    // From here on nothing is undone: a copy that has its name is a backup.
    written.length = 0;
    for (const upload of uploads) await upload.commit();
    await storage.flush();
  } finally {
    for (const upload of uploads) await discardQuietly(upload);
  }
}

/** Removes what was written, as far as the storage lets it: what stays is of no use and harms nothing. */
async function undo({ storage, written }: Writing): Promise<void> {
  try {
    for (const name of written) await storage.remove(name);
  } catch {
    // The fault that led here is the one to report.
  }
}
