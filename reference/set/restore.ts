/**
 * Restoring a set into a folder (spec/set.md, "Restoring").
 *
 * @module
 */
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { openBackup } from './backups.ts';
import { guarded } from './faults.ts';
import { FileReader } from './file-reader.ts';
import { requireCurrent, type Freshness } from './freshness.ts';
import { lengthOf, type Entry } from './manifest.ts';
import { Meter, type Progress } from './meter.ts';
import type { Damage, SelectOptions } from './newest.ts';
import { Pacer } from './objects.ts';
import { checkPath, checkTarget, comparePaths, parentOf } from './paths.ts';
import { exists, Run, throughLink, type Failure } from './restore-run.ts';
import { selectEntries, type PathOptions } from './selection.ts';
import type { Storage } from './storage.ts';

export { timeOf, type Failure } from './restore-run.ts';

/** How to restore. */
export interface RestoreOptions extends SelectOptions, PathOptions {
  /** Replace files and links that are in the way; folders are never replaced. Default false. */
  readonly force?: boolean;
  /** Told now and then how far the work has come. */
  readonly onProgress?: (progress: Progress) => void;
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

/**
 * A restore that did not bring everything back. `code` is that of the failure that ended it, else that of the failure
 * whose path comes first.
 */
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
 * before anything is written. A file appears under its name only once all of it was verified and is durable; one that
 * is damaged does not appear, and the others still do.
 *
 * @throws StrongroomError as {@link openBackup}; `stale`, `fork`, `not-found`, `unsafe-path`, `exists`, before anything is
 *   written
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
  const { manifest, copies, freshness, damaged } = opened;
  const rules = process.platform === 'win32' ? 'windows' : 'posix';
  for (const entry of manifest.entries) {
    checkPath(entry.path, rules);
    if (entry.kind === 'symlink') checkTarget(entry.path, entry.target, rules);
  }
  const { force = false, signal, onProgress } = options;
  const { entries, ways } = selectEntries(manifest.entries, options);
  const all = [...ways, ...entries].sort((a, b) => comparePaths(a.path, b.path));
  const present = guarded(target, () => findPresent(target, all, force));
  guarded(target, () => mkdirSync(target, { recursive: true }));
  const place = guarded(target, () => realpathSync(target));
  const pacer = new Pacer(signal);
  const files = all.filter((entry) => entry.kind === 'file');
  const reader = new FileReader(storage, opened.key, manifest, pacer, files);
  const total = files.reduce((sum, entry) => sum + lengthOf(entry), 0);
  const meter = new Meter(all.length, total, onProgress);
  const run = new Run({ reader, pacer, meter, present, force, target: place });
  const { restored, failed, fault } = await run.all(all);
  const { setId, generation, created } = manifest;
  const summary = { setId, generation, created, freshness, copies: copies.length, damaged };
  const report = { ...summary, restored, failed };
  if (fault !== undefined) throw new RestoreError(report, fault);
  return report;
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
