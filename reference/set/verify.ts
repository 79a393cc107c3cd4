/**
 * Reading a whole set without writing anything (spec/set.md, "Verifying").
 *
 * @module
 */
import { free } from '../crypto/memory.ts';
import { isStrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { openBackup } from './backups.ts';
import type { Freshness } from './freshness.ts';
import { FileReader } from './file-reader.ts';
import { lengthOf } from './manifest.ts';
import { Meter, type Progress } from './meter.ts';
import type { Damage, SelectOptions } from './newest.ts';
import { Pacer } from './objects.ts';
import { inStorageOrder } from './pack-reader.ts';
import { comparePaths } from './paths.ts';
import type { Failure } from './restore-run.ts';
import { storageName, type Storage } from './storage.ts';

/** How to verify. */
export interface VerifyOptions extends SelectOptions {
  /** Told now and then how far the work has come. */
  readonly onProgress?: (progress: Progress) => void;
}

/** In which state a backup is. */
export interface VerifyReport {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  /** How it stands to the head; `unknown` if there is none. */
  readonly freshness: Freshness;
  /** Number of whole copies of the manifest; it was written twice. */
  readonly copies: number;
  /** Objects that could not be read, whether or not this generation needs them. */
  readonly damaged: readonly Damage[];
  /** Number of entries that are whole. */
  readonly verified: number;
  /** Entries that cannot be restored. The backup is whole only if there is none. */
  readonly failed: readonly Failure[];
  /** Storage names of objects that this generation does not need: of older ones, or left by a backup that was cut off. */
  readonly unused: readonly string[];
}

/**
 * Reads every object of the newest backup, or of the named one, as a restore would.
 *
 * @throws StrongroomError as {@link openBackup}; faults of single entries are in the report
 */
export async function verify(
  storage: Storage,
  key: BackupKey,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const opened = await openBackup(storage, key, options);
  const { manifest, copies, freshness, scan, damaged } = opened;
  const { setId, generation, created, entries } = manifest;
  const total = entries.reduce((sum, entry) => sum + lengthOf(entry), 0);
  const meter = new Meter(entries.length, total, options.onProgress);
  const files = inStorageOrder(entries.filter((entry) => entry.kind === 'file'));
  const reader = new FileReader(storage, opened.key, manifest, new Pacer(options.signal), files);
  const failed: Failure[] = [];
  const unused = new Set(scan.objects.keys());
  for (const { name } of scan.manifests) unused.delete(name);
  for (const { commitment } of manifest.objects) unused.delete(storageName(commitment));
  for (const { kind, path } of entries) if (kind !== 'file') meter.next(path);
  for (const entry of files) {
    meter.next(entry.path);
    try {
      await reader.readTo(entry, undefined, free, (length) => meter.add(length));
    } catch (error) {
      if (!isStrongroomError(error) || error.code === 'cancelled') throw error;
      failed.push({ path: entry.path, code: error.code });
    }
  }
  failed.sort((a, b) => comparePaths(a.path, b.path));
  meter.next('');
  const verified = entries.length - failed.length;
  const summary = { setId, generation, created, freshness, copies: copies.length, damaged };
  return { ...summary, verified, failed, unused: [...unused].sort() };
}
