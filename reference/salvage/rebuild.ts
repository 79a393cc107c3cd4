/**
 * A new generation of what is left (spec/salvage.md, "Rebuilding"): only if somebody asks for it.
 *
 * @module
 */
import type { BackupKey } from '../container/index.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import type { RandomSource } from '../crypto/random.ts';
import { numbered, type PlannedEntry } from '../set/contents.ts';
import { MAX_ANCESTORS, type Ancestor, type FileEntry } from '../set/manifest.ts';
import { sealManifest } from '../set/manifest-writer.ts';
import { discardQuietly } from '../set/object-writer.ts';
import { Pacer } from '../set/objects.ts';
import { storageName, type Storage } from '../set/index.ts';
import { equal } from '../wire/bytes.ts';
import type { Inventory } from './inventory.ts';
import type { SalvagedManifest } from './manifests.ts';
import { parentsOf, type Version } from './versions.ts';

/** Where a new manifest gets its values from. */
export interface RebuildSources {
  readonly random: RandomSource;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly now: () => number;
}

/** What a rebuilding needs. */
export interface RebuildOptions {
  readonly storage: Storage;
  readonly key: BackupKey;
  readonly engine: CryptoEngine;
  readonly signal: AbortSignal | undefined;
}

/**
 * Writes a generation of the entries that are whole, of which `versions` tells the manifests and parts by which they were
 * found so.
 *
 * @returns the storage names of both copies; undefined if no head was left
 * @throws the faults of the storage
 */
export async function rebuild(
  sources: RebuildSources,
  inventory: Inventory,
  versions: readonly Version[],
  { storage, key, engine, signal }: RebuildOptions,
): Promise<readonly string[] | undefined> {
  const { manifests } = inventory;
  const head = manifests.find((each) => each.head !== undefined)?.head;
  if (head === undefined) return undefined;
  const { setId, mediaKey, keyEpoch } = head;
  const known = manifests.flatMap((each) => [
    each.generation ?? 0,
    ...(each.head?.ancestors ?? []).map((a) => a.generation),
  ]);
  const wrappedKeys = wrappedKeysOf(manifests, keyEpoch);
  const epochs = new Set([keyEpoch, ...wrappedKeys.map((each) => each.keyEpoch)]);
  const sound = versions.filter((each) => isSound(each, inventory, epochs));
  const sealed = await sealManifest(
    { random: sources.random, engine, storage, key, keyEpoch },
    new Pacer(signal),
    {
      setId,
      mediaKey,
      keyEpoch,
      generation: 1 + known.reduce((highest, each) => Math.max(highest, each), 0),
      created: Math.floor(sources.now() / 1000),
      ancestors: ancestorsOf(manifests),
      wrappedKeys,
      ...numbered(planned(sound)),
    },
  );
  try {
    for (const { upload } of sealed.copies) await upload.commit();
    await storage.flush();
  } catch (error) {
    for (const { upload } of sealed.copies) await discardQuietly(upload);
    throw error;
  }
  return sealed.commitments.map(storageName).sort();
}

/** True for an entry that a strict reader restores: its objects are whole, where their names say, and of a known key. */
function isSound({ manifest, entry }: Version, { byName }: Inventory, epochs: ReadonlySet<number>): boolean {
  if (entry.kind !== 'file') return true;
  return entry.parts.every(({ object }) => {
    const reference = manifest.objects.get(object);
    if (reference === undefined || !epochs.has(reference.keyEpoch)) return false;
    const found = byName.get(storageName(reference.commitment));
    return found?.whole === true && equal(found.header.commitment, reference.commitment);
  });
}

/** The entries as they will be, with the directories that they need. */
function planned(versions: readonly Version[]): PlannedEntry[] {
  const entries = versions.map(({ manifest, entry }): PlannedEntry => {
    if (entry.kind !== 'file') return entry;
    return { ...entry, stamp: new Uint8Array(), content: contentOf(manifest, entry) };
  });
  const paths = new Set(entries.map(({ path }) => path));
  const missing = new Set(entries.flatMap(({ path }) => parentsOf(path)).filter((path) => !paths.has(path)));
  const modified = { seconds: 0, nanoseconds: 0 };
  return [
    ...entries,
    ...[...missing].map((path): PlannedEntry => ({ kind: 'directory', path, mode: 0o700, modified })),
  ];
}

function contentOf(
  manifest: SalvagedManifest,
  { contentLength, mediaId, parts }: FileEntry,
): Extract<PlannedEntry, { kind: 'file' }>['content'] {
  const places = parts.flatMap(({ object, range }) => {
    const reference = manifest.objects.get(object);
    return reference === undefined ? [] : [{ object: reference, range }];
  });
  return { contentLength, mediaId, places };
}

/** The generations whose manifests are complete, and those that heads name, in descending order. */
function ancestorsOf(manifests: readonly SalvagedManifest[]): Ancestor[] {
  const complete = manifests.flatMap(({ head, id }) =>
    head === undefined || id === undefined
      ? []
      : [{ generation: head.generation, manifestId: id, commitments: head.commitments }],
  );
  const named = manifests.flatMap(({ head }) => head?.ancestors ?? []);
  const byGeneration = new Map([...complete, ...named].toReversed().map((each) => [each.generation, each]));
  return [...byGeneration.values()].sort((a, b) => b.generation - a.generation).slice(0, MAX_ANCESTORS);
}

function wrappedKeysOf(
  manifests: readonly SalvagedManifest[],
  below: number,
): SalvagedManifest['wrappedKeys'] {
  const all = manifests.flatMap(({ wrappedKeys }) => wrappedKeys).filter(({ keyEpoch }) => keyEpoch < below);
  const byEpoch = new Map(all.toReversed().map((each) => [each.keyEpoch, each]));
  return [...byEpoch.values()].sort((a, b) => a.keyEpoch - b.keyEpoch);
}
