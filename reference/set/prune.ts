/**
 * Removing old generations (spec/retention.md, "Removing old generations").
 *
 * @module
 */
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { isMark, readCheckpoint } from './checkpoint.ts';
import { requireCurrent } from './freshness.ts';
import { Generations, olderKeys, opensUnder, type Generation } from './generations.ts';
import type { HeadStore } from './head-store.ts';
import { putMark } from './mark.ts';
import { openManifest, type OpenedManifest } from './newest.ts';
import { Pacer, readHeader } from './objects.ts';
import type { Storage, Stored } from './storage.ts';

/** How to prune. */
export interface PruneOptions {
  /** Number of generations to keep, 1 or more. */
  readonly keep: number;
  /** Says which backup is the newest. Nothing is removed if the storage shows an older one, or another. */
  readonly head?: HeadStore;
  /** Removes nothing. Default false. */
  readonly dryRun?: boolean;
  /** Stops with `cancelled`; what is kept stays whole. */
  readonly signal?: AbortSignal;
}

/** What was removed, or would be. */
export interface PruneReport {
  /** 16 bytes. */
  readonly setId: Bytes;
  /** Generations that are there afterwards, the highest first. */
  readonly kept: readonly number[];
  readonly dropped: readonly number[];
  /** Objects, in the order of their removal. */
  readonly removed: readonly Stored[];
  /** Length of all that was removed, in bytes. */
  readonly bytes: number;
}

/** What goes, in the order in which it goes. */
interface Plan {
  /** Cannot be read, and only dropped generations name it. */
  readonly damage: readonly string[];
  /** Copies of dropped generations. */
  readonly manifests: readonly string[];
  readonly objects: readonly string[];
  readonly report: PruneReport;
}

/**
 * Removes all but the newest generations of a set, and what backups that were cut off have left. What is kept is whole
 * after a failure too. Objects of other keys, and what is not known, are not touched.
 *
 * @throws StrongroomError as {@link openManifest}; `stale`; the code of a manifest that cannot be read and may be of
 *   this set; `backup-unfinished`; `fork` if the storage is changed meanwhile; the faults of the storage; `cancelled`
 */
export function prune(storage: Storage, key: BackupKey, options: PruneOptions): Promise<PruneReport> {
  return pruneWith(systemRandom, storage, key, options);
}

/** {@link prune} with injected randomness, which its mark draws: for vectors and tests. */
export async function pruneWith(
  random: RandomSource,
  storage: Storage,
  key: BackupKey,
  options: PruneOptions,
): Promise<PruneReport> {
  const { keep, dryRun, ...selection } = options;
  if (!Number.isSafeInteger(keep) || keep < 1) throw new RangeError(`${keep} generations cannot be kept`);
  const pacer = new Pacer(options.signal);
  const opened = await openManifest(storage, key, selection);
  requireCurrent(opened.freshness);
  const plan = await planOf(storage, key, opened, keep, pacer);
  if (dryRun === true) return plan.report;
  const mark = await putMark(random, storage, key, opened.manifest);
  try {
    await remove(storage, plan, new Map(opened.scan.objects), mark, pacer);
  } finally {
    await removeQuietly(storage, mark);
  }
  await storage.flush();
  return plan.report;
}

async function planOf(
  storage: Storage,
  key: BackupKey,
  opened: OpenedManifest,
  keep: number,
  pacer: Pacer,
): Promise<Plan> {
  const { objects: stored } = opened.scan;
  const generations = await Generations.read(storage, key, opened, pacer);
  const unreadable = new Map(opened.damaged.map(({ name, code }) => [name, code]));
  for (const [name, code] of generations.faults) unreadable.set(name, code);
  for (const { whole } of generations.all()) for (const name of whole) unreadable.delete(name);
  const isStored = (name: string): boolean => stored.has(name);
  const present = generations.all().filter(({ copies }) => [...copies].some(isStored));
  const [kept, dropped] = [present.slice(0, keep), present.slice(keep)];
  for (const each of kept) requireWhole(each, unreadable);
  const staying = namesOf(kept);
  const going = [...namesOf(dropped)].filter((name) => isStored(name) && !staying.has(name));
  const strays = await straysIn(storage, key, opened, pacer, unreadable, new Set([...staying, ...going]));
  const damage = going.filter((name) => unreadable.has(name));
  const rest = going.filter((name) => !unreadable.has(name));
  const isCopy = (name: string): boolean => generations.of(name) !== undefined;
  const manifests = rest.filter(isCopy);
  const objects = [...rest.filter((name) => !isCopy(name)), ...strays];
  const removed = [...damage, ...manifests, ...objects].map((name) => ({
    name,
    length: stored.get(name) ?? 0,
  }));
  const numbers = (all: readonly Generation[]): number[] => all.map(({ generation }) => generation);
  const report = {
    setId: opened.manifest.setId,
    kept: numbers(kept),
    dropped: numbers(dropped),
    removed,
    bytes: removed.reduce((sum, { length }) => sum + length, 0),
  };
  return { damage, manifests, objects, report };
}

/** Storage names of all that generations name, in order. */
function namesOf(generations: readonly Generation[]): ReadonlySet<string> {
  return new Set(generations.flatMap(({ copies, objects }) => [...copies, ...objects]).sort());
}

/** What a generation names is known only if one of its copies can be read. */
function requireWhole(
  { generation, copies, whole }: Generation,
  unreadable: ReadonlyMap<string, ErrorCode>,
): void {
  if (whole.length > 0) return;
  const [name = '', code = 'object-missing' as const] =
    [...unreadable].find(([name]) => copies.has(name)) ?? [];
  throw new StrongroomError(code, `backup ${generation} is to be kept, and cannot be read`, {
    subject: name,
  });
}

/**
 * What is under a key of the set and no generation names. What cannot be read may be a manifest, and what a checkpoint
 * names may be part of one soon: either ends it all.
 */
async function straysIn(
  storage: Storage,
  key: BackupKey,
  { manifest, scan }: OpenedManifest,
  pacer: Pacer,
  unreadable: ReadonlyMap<string, ErrorCode>,
  named: ReadonlySet<string>,
): Promise<readonly string[]> {
  const older = olderKeys(manifest);
  const objects: string[] = [];
  for (const name of [...scan.objects.keys()].sort()) {
    if (named.has(name)) continue;
    await pacer.pace();
    const code = unreadable.get(name);
    if (code === 'object-mismatch') continue;
    if (code !== undefined && code !== 'wrong-key') {
      throw new StrongroomError(code, `${name} cannot be read and may be a manifest`, { subject: name });
    }
    const header = await readHeader(storage, name);
    const isOlder = older.some((each) => opensUnder(each, header));
    if (header.type === 'manifest') {
      if (!isOlder) continue;
      throw new StrongroomError('fork', `${name}: a backup was made under a key that was replaced`, {
        subject: name,
      });
    } else if (opensUnder(key, header)) {
      const checkpoint = await readCheckpoint(storage, key, name, pacer);
      if (checkpoint !== undefined && !isMark(checkpoint)) {
        throw new StrongroomError('backup-unfinished', `${name}: a backup was cut off, or is under way`, {
          subject: name,
        });
      }
      objects.push(name);
    } else if (isOlder) objects.push(name);
  }
  for (const each of older) each.wipe();
  return objects;
}

/** Removes in the order of the plan, as long as nobody else changes anything. `stored` is what was there at first. */
async function remove(
  storage: Storage,
  { damage, manifests, objects }: Plan,
  stored: Map<string, number>,
  mark: string,
  pacer: Pacer,
): Promise<void> {
  await requireUnchanged(storage, stored, mark);
  for (const name of [...damage, ...manifests]) {
    await pacer.pace();
    await storage.remove(name);
    stored.delete(name);
  }
  // Were a manifest there again after a loss of power, its objects have to be too.
  await storage.flush();
  await requireUnchanged(storage, stored, mark);
  for (const name of objects) {
    await pacer.pace();
    await storage.remove(name);
  }
}

async function requireUnchanged(
  storage: Storage,
  expected: ReadonlyMap<string, number>,
  mark: string,
): Promise<void> {
  const left = new Map(expected);
  let isMarked = false;
  for await (const { name, length } of storage.list()) {
    if (name === mark) isMarked = true;
    else if (left.get(name) !== length) throw changed(name);
    else left.delete(name);
  }
  const [gone] = left.keys();
  if (gone !== undefined || !isMarked) throw changed(gone ?? mark);
}

function changed(subject: string): StrongroomError {
  return new StrongroomError('fork', `the storage is changed by somebody else: ${subject}`, { subject });
}

async function removeQuietly(storage: Storage, name: string): Promise<void> {
  try {
    await storage.remove(name);
  } catch {
    // A mark that stays is a checkpoint that names nothing: the next backup removes it.
  }
}
