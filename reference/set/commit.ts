/**
 * The commit of a generation (spec/backup.md, "Committing"): what it stands on is there, nobody else was faster, and
 * then both copies of the manifest get their names.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { ObjectReference } from './manifest.ts';
import { scan, unreadManifests } from './newest.ts';
import type { ObjectWriter } from './object-writer.ts';
import { Pacer } from './objects.ts';
import { storageName, type Storage } from './storage.ts';

/** What a generation stands on. */
export interface Ground {
  readonly storage: Storage;
  /** The key of the generation, and that of the one before if it is another. */
  readonly keys: readonly BackupKey[];
  readonly signal: AbortSignal | undefined;
  /** Storage names of all that was there when it began. */
  readonly before: ReadonlyMap<string, number>;
  /** Storage names of the manifests and checkpoints that were there when it began. */
  readonly kept: readonly string[];
  /** Storage names of all that it wrote. */
  readonly own: ReadonlySet<string>;
}

/**
 * Makes sure that nobody else has written a generation meanwhile, or removed what this one stands on.
 *
 * @throws StrongroomError `fork`, `object-missing`, `cancelled`, and the faults of the storage
 */
export async function requireUndisturbed(ground: Ground, objects: readonly ObjectReference[]): Promise<void> {
  const { storage, keys, signal, before, own } = ground;
  const known = new Map([...before, ...[...own].map((name) => [name, 0] as const)]);
  for (const key of keys) {
    const { manifests, damaged } = await scan(storage, key, signal, known);
    if (manifests.length + unreadManifests(damaged).length === 0) continue;
    throw new StrongroomError('fork', 'another backup was written to this storage at the same time');
  }
  await requireGround(ground, objects);
}

/**
 * Gives both copies of the manifest their names: with the first, the generation is there. Whoever prunes puts a mark
 * before it looks, and this looks once more after the names: so one of the two sees the other.
 *
 * @throws StrongroomError `object-missing` if something was pruned meanwhile; then the names are taken away again
 */
export async function commitCopies(
  ground: Ground,
  copies: readonly ObjectWriter[],
  objects: readonly ObjectReference[],
): Promise<void> {
  const { storage } = ground;
  for (const { upload } of copies) await upload.commit();
  await storage.flush();
  try {
    await requireGround(
      { ...ground, own: new Set([...ground.own, ...copies.map(({ name }) => name)]) },
      objects,
    );
  } catch (error) {
    if (!(error instanceof StrongroomError) || error.code !== 'object-missing') throw error;
    for (const { name } of copies) await storage.remove(name);
    await storage.flush();
    throw error;
  }
}

/** What the manifest names, and what was there at the beginning, is there; and no checkpoint of somebody else. */
async function requireGround(
  { storage, keys, before, kept, own }: Ground,
  objects: readonly ObjectReference[],
): Promise<void> {
  const now = new Map<string, number>();
  for await (const { name, length } of storage.list()) now.set(name, length);
  for (const { commitment, length } of objects) {
    const name = storageName(commitment);
    if (now.get(name) !== length) throw disturbed(name, 'was removed meanwhile');
  }
  for (const name of kept) if (!now.has(name)) throw disturbed(name, 'was removed meanwhile');
  const pacer = new Pacer(undefined);
  for (const name of now.keys()) {
    if (before.has(name) || own.has(name)) continue;
    for (const key of keys) {
      if ((await readCheckpoint(storage, key, name, pacer)) === undefined) continue;
      throw disturbed(name, 'shows that somebody else writes or prunes');
    }
  }
}

function disturbed(name: string, what: string): StrongroomError {
  return new StrongroomError('object-missing', `${name} ${what}`, { subject: name });
}
