/**
 * The look before the commit of a generation (spec/backup.md, "Writing a set", step 6): what it stands on is there, and
 * nobody else was faster.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { isMark, readCheckpoint } from './checkpoint.ts';
import type { ObjectReference } from './manifest.ts';
import { scan, unreadManifests } from './newest.ts';
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
  /** Storage names of all that it wrote. */
  readonly own: ReadonlySet<string>;
}

/**
 * Makes sure that nobody else has written a generation meanwhile, or removes what this one stands on. A checkpoint names
 * by now what was written: whoever prunes puts a mark before it looks for those, so one of the two sees the other.
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

/** What the manifest names is there, and no mark of somebody who prunes that was not there at the beginning. */
async function requireGround(
  { storage, keys, before, own }: Ground,
  objects: readonly ObjectReference[],
): Promise<void> {
  const now = new Map<string, number>();
  for await (const { name, length } of storage.list()) now.set(name, length);
  for (const { commitment, length } of objects) {
    const name = storageName(commitment);
    if (now.get(name) !== length) throw disturbed(name, 'was removed meanwhile');
  }
  const pacer = new Pacer(undefined);
  for (const name of now.keys()) {
    if (before.has(name) || own.has(name)) continue;
    for (const key of keys) {
      const checkpoint = await readCheckpoint(storage, key, name, pacer);
      if (checkpoint !== undefined && isMark(checkpoint))
        throw disturbed(name, 'shows that somebody prunes, or changes the key');
    }
  }
}

function disturbed(name: string, what: string): StrongroomError {
  return new StrongroomError('object-missing', `${name} ${what}`, { subject: name });
}
