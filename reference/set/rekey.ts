/**
 * Going on under a new backup key (spec/retention.md, "A new backup key").
 *
 * @module
 */
import type { HeaderInfo } from '../container/index.ts';
import { systemRandom } from '../crypto/random.ts';
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { ObjectKey } from '../keys/object-key.ts';
import { equal, wipe, type Bytes } from '../wire/bytes.ts';
import { requireCurrent, freshness } from './freshness.ts';
import { opensUnder, type SetKey } from './generations.ts';
import { openHead, type SetHead } from './head.ts';
import { putHead, type HeadStore } from './head-store.ts';
import type { Manifest } from './manifest.ts';
import { putMark } from './mark.ts';
import { isFatal, openManifest, openScanned, scan, unreadManifests, type OpenedManifest } from './newest.ts';
import { readHeader } from './objects.ts';
import { SetWriter, type SetWriterOptions } from './set-writer.ts';
import { storageName, type Storage } from './storage.ts';

/** How to change the key. */
export interface RekeyOptions {
  /** Says which backup is the newest; the head of the new generation is put there, signed under the new key. */
  readonly head?: HeadStore;
  /** Stops with `cancelled`. */
  readonly signal?: AbortSignal;
}

/** A set under its new key. */
export interface RekeyResult {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** Number of the new key, 2 or more. */
  readonly keyEpoch: number;
  /** SHA-256 of the content of the manifest, 32 bytes. */
  readonly manifestId: Bytes;
  readonly entries: number;
  /** Why the head could not be put. Keep the old key, and do it again with both. */
  readonly headFault: ErrorCode | undefined;
}

/**
 * Writes the newest backup of `oldKey` once more as a generation under `newKey`, which has to be durable by now. No
 * content is read or uploaded. When this returns without a `headFault`, the old key may be let go: the new one opens all
 * that it opened. After a failure at any point the old key still does, and the same call finishes what was begun.
 *
 * @throws StrongroomError `invalid-key` if the keys are the same; `stale`, `bad-head`; `object-missing` if an object of
 *   the backup is not there: make a backup first; `wrong-key` if what was written does not open what it should;
 *   `fork`, the codes of {@link openManifest}, and the faults of the storage
 */
export async function rekey(
  storage: Storage,
  oldKey: BackupKey,
  newKey: BackupKey,
  { head: store, signal }: RekeyOptions = {},
): Promise<RekeyResult> {
  if (same(oldKey, newKey)) throw new StrongroomError('invalid-key', 'the new backup key is the old one');
  const options = signal === undefined ? {} : { signal };
  const signed = await store?.get();
  const begun = await openBegun(storage, oldKey, newKey, options);
  if (begun === undefined) {
    requireCurrent(compare(headOf(signed, oldKey), await openManifest(storage, oldKey, options)));
    await writeAgain(storage, { ...options, key: newKey, previousKey: oldKey });
  } else {
    requireCurrent(compare(headOf(signed, newKey, oldKey), begun));
    // The salt of a copy that was never committed is gone, so the next generation takes its place.
    if (begun.copies.length < 2) await writeAgain(storage, { ...options, key: newKey });
  }
  const { manifest, id } = await readBack(storage, newKey, options);
  // A backup that began under the old key would be lost with it.
  await putMark(systemRandom, storage, oldKey, { ...manifest, keyEpoch: manifest.keyEpoch - 1 });
  const headFault = await putHead(store, newKey, { ...manifest, manifestId: id }, signed);
  const { setId, generation, keyEpoch, entries } = manifest;
  return { setId, generation, keyEpoch, manifestId: id, entries: entries.length, headFault };
}

function same(a: BackupKey, b: BackupKey): boolean {
  const [first, second] = [a.bytes(), b.bytes()];
  const result = equal(first, second);
  wipe(first, second);
  return result;
}

/** What is there of a change to this key; undefined if none was begun. @throws StrongroomError `fork` if it is another */
async function openBegun(
  storage: Storage,
  oldKey: BackupKey,
  newKey: BackupKey,
  options: { readonly signal?: AbortSignal },
): Promise<OpenedManifest | undefined> {
  const found = await scan(storage, newKey, options.signal);
  if (found.manifests.length === 0 && unreadManifests(found.damaged).length === 0) return undefined;
  const opened = await openScanned(found, storage, newKey, options);
  const expected = oldKey.objectKey().bytes();
  const isWrapped = opened.manifest.wrappedKeys.some(({ objectKey }) => equal(objectKey, expected));
  wipe(expected);
  if (isWrapped) return opened;
  throw new StrongroomError('fork', 'the new backup key has backups already, and not of this set');
}

/** The head that the first of the keys that can has signed. @throws StrongroomError `bad-head` if none has */
function headOf(signed: Bytes | undefined, key: BackupKey, otherwise?: BackupKey): SetHead | undefined {
  if (signed === undefined) return undefined;
  try {
    return openHead(key, signed);
  } catch (error) {
    if (otherwise === undefined) throw error;
    return openHead(otherwise, signed);
  }
}

function compare(head: SetHead | undefined, { manifest, id }: OpenedManifest): ReturnType<typeof freshness> {
  return freshness(head, { ...manifest, manifestId: id });
}

/** Writes the newest backup as the next generation, all entries as they are. */
async function writeAgain(storage: Storage, options: SetWriterOptions): Promise<void> {
  const writer = await SetWriter.begin(storage, options);
  try {
    for (const entry of writer.previous?.entries ?? []) {
      if (writer.reuse(entry)) continue;
      throw new StrongroomError('object-missing', `${entry.path} is not whole in the storage`, {
        subject: entry.path,
      });
    }
    await writer.commit();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

/** Both copies of the newest manifest, which has to open everything that it names. */
async function readBack(
  storage: Storage,
  key: BackupKey,
  options: { readonly signal?: AbortSignal },
): Promise<OpenedManifest> {
  const opened = await openManifest(storage, key, options);
  const { manifest, copies, damaged } = opened;
  const names = manifest.commitments.map(storageName);
  const lost = names.find((name) => !copies.includes(name));
  if (lost !== undefined) {
    const code = damaged.find(({ name }) => name === lost)?.code ?? 'object-missing';
    throw new StrongroomError(code, 'a copy of the new manifest cannot be read back', { subject: lost });
  }
  const keys = new Map<number, SetKey>([[manifest.keyEpoch, key]]);
  for (const { keyEpoch, objectKey } of manifest.wrappedKeys)
    keys.set(keyEpoch, ObjectKey.fromBytes(objectKey));
  await requireKeys(storage, manifest, keys);
  return opened;
}

/** Every object that is named, and the manifest before, opens under the key of its epoch. */
async function requireKeys(
  storage: Storage,
  { objects, ancestors }: Manifest,
  keys: ReadonlyMap<number, SetKey>,
): Promise<void> {
  const wrong = (name: string): StrongroomError =>
    new StrongroomError('wrong-key', `${name} does not open under the key of its epoch`, { subject: name });
  for (const object of objects) {
    const key = keys.get(object.keyEpoch);
    if (key === undefined || !opensUnder(key, object)) throw wrong(storageName(object.commitment));
  }
  for (const name of (ancestors[0]?.commitments ?? []).map(storageName)) {
    const header = await headerOf(storage, name);
    if (header !== undefined && ![...keys.values()].some((key) => opensUnder(key, header))) throw wrong(name);
  }
}

/** The header of a copy of the manifest before; undefined if that copy is damaged, for its twin was read. */
async function headerOf(storage: Storage, name: string): Promise<HeaderInfo | undefined> {
  try {
    return await readHeader(storage, name);
  } catch (error) {
    if (!isStrongroomError(error) || isFatal(error.code)) throw error;
    return undefined;
  }
}
