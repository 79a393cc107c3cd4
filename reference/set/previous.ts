/**
 * What a new generation starts from: the one before, and what a backup that was cut off has left (spec/backup.md,
 * "Beginning").
 *
 * @module
 */
import type { RandomSource } from '../crypto/random.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { ObjectKey } from '../keys/object-key.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { isUnread, readCheckpoint, type Checkpoint } from './checkpoint.ts';
import { freshness, requireCurrent } from './freshness.ts';
import type { SetHead } from './head.ts';
import { fetchHead } from './head-store.ts';
import { MAX_ANCESTORS, type Ancestor, type Manifest, type WrappedKey } from './manifest.ts';
import { MEDIA_ID_LENGTH } from './media-id.ts';
import {
  isFatal,
  manifestsOfSet,
  openScanned,
  scan,
  unreadHeaders,
  unreadManifests,
  type ManifestCopy,
  type OpenedManifest,
  type Scan,
  type SelectOptions,
} from './newest.ts';
import { Pacer } from './objects.ts';
import { isSound } from './sound.ts';
import { storageName, type Storage } from './storage.ts';

/** Which storage keys there are. */
export interface StartOptions extends SelectOptions {
  readonly key: BackupKey;
  /** The key of the generation before, if `key` takes its place. */
  readonly previousKey?: BackupKey;
  /** Reads every object that could be used again, and uses only those that are whole. */
  readonly check?: boolean;
}

/** What a generation takes over. */
interface Inherited {
  /** 16 bytes. */
  readonly setId: Bytes;
  /** 32 bytes. */
  readonly mediaKey: Bytes;
  /** Epoch of the backup key. */
  readonly keyEpoch: number;
  /** Number of the new generation. */
  readonly generation: number;
  readonly ancestors: readonly Ancestor[];
  readonly wrappedKeys: readonly WrappedKey[];
  /** The generation before, if it could be read whole. */
  readonly previous: Manifest | undefined;
}

/** What a new generation starts from. */
export interface Start extends Inherited {
  readonly scan: Scan;
  /** The head that was kept before, as it was; undefined if there was none. */
  readonly signedHead: Bytes | undefined;
  /** Storage names of what is there and cannot be used again. */
  readonly damaged: ReadonlySet<string>;
  /** Checkpoints of this set, under their storage names. */
  readonly checkpoints: readonly (Checkpoint & { readonly name: string })[];
}

/**
 * Scans a storage for what the next generation starts from. Draws `set-id` and `media-key` if nothing is there.
 *
 * @throws StrongroomError `cancelled`, `permission`, `io`, `fork`, `stale`, `bad-head`, and what opening the newest
 *   manifest throws
 */
export async function findStart(
  random: RandomSource,
  storage: Storage,
  options: StartOptions,
): Promise<Start> {
  const { key, previousKey = key, signal } = options;
  // Before the storage: a backup moves the head after its commit.
  const { head, signed: signedHead } = await fetchHead(previousKey, options.head);
  const found = await scan(storage, previousKey, signal);
  requireReadable(found);
  const before = await followed(storage, found, options, head);
  const left = key === previousKey ? await checkpointsIn(storage, key, found, before?.previous, signal) : [];
  const first = left[0];
  const inherited: Inherited = before ?? {
    setId: first?.setId ?? random('set-id', 16),
    mediaKey: first?.mediaKey ?? random('media-key', MEDIA_ID_LENGTH),
    keyEpoch: first?.keyEpoch ?? 1,
    generation: 1,
    ancestors: [],
    wrappedKeys: [],
    previous: undefined,
  };
  const { setId, mediaKey, keyEpoch } = inherited;
  const checkpoints = left.filter(
    (each) => equal(each.setId, setId) && equal(each.mediaKey, mediaKey) && each.keyEpoch === keyEpoch,
  );
  const damaged = new Set(found.damaged.map(({ name }) => name));
  const start = { ...inherited, scan: found, signedHead, damaged, checkpoints };
  if (options.check === true) for (const name of await unsound(storage, start, options)) damaged.add(name);
  return start;
}

/** Storage names of the objects that are there and are not whole. */
async function unsound(storage: Storage, start: Start, options: StartOptions): Promise<string[]> {
  const { key, previousKey = key, signal } = options;
  const pacer = new Pacer(signal);
  const keys = new Map<number, BackupKey | ObjectKey>(
    start.wrappedKeys.map(({ keyEpoch, objectKey }) => [keyEpoch, ObjectKey.fromBytes(objectKey)]),
  );
  const names: string[] = [];
  for (const { objects } of [
    ...(start.previous === undefined ? [] : [start.previous]),
    ...start.checkpoints,
  ]) {
    for (const object of objects) {
      const opensIt = keys.get(object.keyEpoch) ?? previousKey;
      if (!(await isSound(storage, opensIt, object, pacer))) names.push(storageName(object.commitment));
    }
  }
  return names;
}

/** What cannot be read now may be the newest manifest: a generation beside it would be a fork. */
function requireReadable({ damaged }: Scan): void {
  const fault = damaged.find(({ code }) => code === 'io' || code === 'permission');
  if (fault === undefined) return;
  throw new StrongroomError(fault.code, `${fault.name} cannot be read`, { subject: fault.name });
}

/** The generation to follow. One that cannot be read whole any more is followed too, but is no ancestor. */
async function followed(
  storage: Storage,
  found: Scan,
  options: StartOptions,
  head: SetHead | undefined,
): Promise<Inherited | undefined> {
  const { key, previousKey, manifest: named, signal } = options;
  const { manifests, damaged } = found;
  const none = manifests.length + unreadManifests(damaged).length + unreadHeaders(damaged).length === 0;
  if (none && named === undefined) {
    if (head !== undefined) requireCurrent('stale');
    return undefined;
  }
  const ofSet = await manifestsOfSet(found, storage, previousKey ?? key, {
    ...(named === undefined ? {} : { manifest: named }),
    ...(signal === undefined ? {} : { signal }),
  });
  const [highest] = ofSet;
  if (highest === undefined) return undefined;
  // Of several copies the named one; and if an older generation is named, its set is followed all the same.
  const isNamed = (each: ManifestCopy): boolean =>
    each.name === named && each.generation === highest.generation;
  const newest = ofSet.find(isNamed) ?? highest;
  const { ancestors, ...common } = newest.head;
  if (head !== undefined && named === undefined) {
    // What can be told before it is read whole; its id is compared if it can be.
    requireCurrent(freshness(head, { ...newest.head, manifestId: head.manifestId }));
  }
  // The number of a newer generation that is lost is not given to another one: it may turn up again.
  const lost = head !== undefined && equal(head.setId, newest.setId) ? head.generation : 0;
  const generation = Math.max(newest.generation, lost) + 1;
  const manifest = named === undefined ? undefined : newest.name;
  let opened: OpenedManifest;
  try {
    opened = await openScanned(
      found,
      storage,
      previousKey ?? key,
      { ...(manifest === undefined ? {} : { manifest }), ...(signal === undefined ? {} : { signal }) },
      head,
    );
  } catch (error) {
    // With a new key, what cannot be read would be lost with the old one.
    if (!isStrongroomError(error) || isFatal(error.code) || previousKey !== undefined) throw error;
    return { ...common, generation, ancestors, wrappedKeys: newest.wrappedKeys, previous: undefined };
  }
  if (named === undefined) requireCurrent(opened.freshness);
  const { manifest: previous, id: manifestId } = opened;
  const parent = { generation: previous.generation, manifestId, commitments: previous.commitments };
  const all = [parent, ...previous.ancestors].slice(0, MAX_ANCESTORS);
  const wrappedKeys = [...previous.wrappedKeys];
  if (previousKey !== undefined) {
    wrappedKeys.push({ keyEpoch: previous.keyEpoch, objectKey: previousKey.objectKey().bytes() });
  }
  const keyEpoch = previous.keyEpoch + Number(previousKey !== undefined);
  return { ...common, keyEpoch, generation, ancestors: all, wrappedKeys, previous };
}

/** The checkpoints in a storage: they are among the objects that the manifest does not name. */
async function checkpointsIn(
  storage: Storage,
  key: BackupKey,
  found: Scan,
  previous: Manifest | undefined,
  signal: AbortSignal | undefined,
): Promise<Start['checkpoints']> {
  const known = new Set([
    ...(previous?.objects ?? []).map(({ commitment }) => storageName(commitment)),
    ...found.manifests.map(({ name }) => name),
    ...found.damaged.map(({ name }) => name),
  ]);
  const pacer = new Pacer(signal);
  const checkpoints: (Checkpoint & { readonly name: string })[] = [];
  for (const name of [...found.objects.keys()].sort()) {
    if (known.has(name)) continue;
    try {
      const checkpoint = await readCheckpoint(storage, key, name, pacer);
      if (checkpoint !== undefined) checkpoints.push({ ...checkpoint, name });
    } catch (error) {
      if (!isUnread(error)) throw error;
    }
  }
  return checkpoints;
}
