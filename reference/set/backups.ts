/**
 * Opening a backup of a set by its storage name, also if it is sealed under an older backup key (spec/retention.md,
 * "Keys of a set").
 *
 * @module
 */
import { isStrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { freshness } from './freshness.ts';
import { fetchHead } from './head-store.ts';
import { Generations, type SetKey } from './generations.ts';
import {
  openManifest,
  openScanned,
  readManifest,
  scan,
  type ManifestCopy,
  type OpenedManifest,
  type SelectOptions,
} from './newest.ts';
import { Pacer } from './objects.ts';
import type { Storage } from './storage.ts';

/** A manifest that was read whole, and what opens the objects of its epoch. */
export interface OpenedBackup extends OpenedManifest {
  readonly key: SetKey;
}

/** Opens the newest backup, or the named one. @throws StrongroomError as {@link openManifest} */
export async function openBackup(
  storage: Storage,
  key: BackupKey,
  options: SelectOptions = {},
): Promise<OpenedBackup> {
  try {
    return { ...(await openManifest(storage, key, options)), key };
  } catch (error) {
    const { manifest: name } = options;
    if (name === undefined || !isStrongroomError(error, 'wrong-key')) throw error;
    const older = await openOlder(storage, key, name, options);
    if (older === undefined) throw error;
    return older;
  }
}

/** The backup of a copy that is sealed under an older key; undefined if no manifest that was read names it. */
async function openOlder(
  storage: Storage,
  key: BackupKey,
  name: string,
  { head: store, signal }: SelectOptions,
): Promise<OpenedBackup | undefined> {
  const { head } = await fetchHead(key, store);
  const pacer = new Pacer(signal);
  const found = await scan(storage, key, signal);
  const newest = await openScanned(found, storage, key, signal === undefined ? {} : { signal });
  const generations = await Generations.read(storage, key, newest, pacer);
  const olderKey = generations.keyOf(name);
  if (olderKey === undefined) return undefined;
  const { manifest, id } = await readManifest(storage, olderKey, name, pacer, true);
  const copies = generations.of(name)?.whole ?? [];
  return {
    manifest,
    id,
    key: olderKey,
    copies: [name, ...copies.filter((each) => each !== name)],
    freshness: freshness(head, { ...manifest, manifestId: id }),
    scan: found,
    damaged: newest.damaged,
  };
}

/**
 * Every manifest of the storage that this key can read, the highest generation first: names for {@link SelectOptions}.
 * Those under older keys are among them if the newest one can be read.
 */
export async function history(
  storage: Storage,
  key: BackupKey,
  signal?: AbortSignal,
): Promise<readonly ManifestCopy[]> {
  const found = await scan(storage, key, signal);
  const here = found.manifests.map(({ name, setId, generation, created }) => ({
    name,
    setId,
    generation,
    created,
  }));
  if (!found.damaged.some(({ code }) => code === 'wrong-key')) return here;
  try {
    const newest = await openScanned(found, storage, key, signal === undefined ? {} : { signal });
    const { manifests } = await Generations.read(storage, key, newest, new Pacer(signal));
    const older = manifests.filter(({ name }) => !here.some((each) => each.name === name));
    return [...here, ...older];
  } catch (error) {
    if (!isStrongroomError(error) || error.code === 'cancelled') throw error;
    // Which of several backups is meant is decided with this list, so it must not depend on that.
    return here;
  }
}
