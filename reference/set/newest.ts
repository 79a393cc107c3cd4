/**
 * Finding and opening the newest manifest of a storage (spec/set.md, "Finding the newest manifest").
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { Opener, type HeaderInfo } from '../container/index.ts';
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { ObjectKey } from '../keys/object-key.ts';
import { copy, equal, type Bytes } from '../wire/bytes.ts';
import { freshness, type Freshness } from './freshness.ts';
import { fetchHead, type HeadStore, type SetHead } from './head.ts';
import { MANIFEST_CHUNK_LOG2, type Entry, type Manifest, type WrappedKey } from './manifest.ts';
import { ManifestReader, type SetManifestHead } from './manifest-content.ts';
import { mismatch, Pacer, readHeader, readObject } from './objects.ts';
import { storageName, type Storage } from './storage.ts';

/** One stored copy of a manifest, as its first records describe it. */
export interface ManifestCopy {
  /** Storage name. */
  readonly name: string;
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
}

/** A copy of a manifest with all of its head, of which the media key is a secret. */
export interface ScannedManifest extends ManifestCopy {
  readonly head: SetManifestHead;
  /** Those that stand in the first chunk, which has room for more than a thousand. */
  readonly wrappedKeys: readonly WrappedKey[];
}

/** A stored object that cannot be read as what it seems to be. */
export interface Damage {
  /** Storage name. */
  readonly name: string;
  readonly code: ErrorCode;
  /** True if its header says that it is a manifest: then it may be a newer one than the one that was used. */
  readonly manifest: boolean;
}

/** What is found in a storage without reading the backup itself. */
export interface Scan {
  /** Every copy of a manifest under this key, the highest generation first. */
  readonly manifests: readonly ScannedManifest[];
  /** Manifests that do not open, and objects whose header cannot be read: a newer manifest may be among them. */
  readonly damaged: readonly Damage[];
  /** Every object, of any kind, with its length in bytes. */
  readonly objects: ReadonlyMap<string, number>;
}

/** Which manifest to use. */
export interface SelectOptions {
  /** Storage name of a manifest; default the newest. Needed to go back, and to decide a `fork`. */
  readonly manifest?: string;
  /** Says which backup was the newest that was made. */
  readonly head?: HeadStore;
  /** Stops with `cancelled`. */
  readonly signal?: AbortSignal;
}

/** A manifest that was read whole, and in which state it was found. */
export interface OpenedManifest {
  readonly manifest: Manifest;
  /** SHA-256 of its content, 32 bytes: the same for both copies. */
  readonly id: Bytes;
  /** Storage names of its whole copies. Fewer than two: the next damage may be the end of this generation. */
  readonly copies: readonly string[];
  /** How it stands to the head; `unknown` if there is none. */
  readonly freshness: Freshness;
  readonly scan: Scan;
  /** Damage seen on the way: everything of the scan, and copies that failed when they were read whole. */
  readonly damaged: readonly Damage[];
}

/** Lists a storage and reads the beginning of each manifest; `skip` names objects of no interest. */
export async function scan(
  storage: Storage,
  key: BackupKey,
  signal?: AbortSignal,
  skip?: ReadonlyMap<string, number>,
): Promise<Scan> {
  const pacer = new Pacer(signal);
  const manifests: ScannedManifest[] = [];
  const damaged: Damage[] = [];
  const objects = new Map<string, number>();
  for await (const { name, length } of storage.list()) objects.set(name, length);
  for (const [name, length] of [...objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (skip?.has(name) === true) continue;
    await pacer.pace();
    let manifest = false;
    try {
      const header = await readHeader(storage, name);
      manifest = header.type === 'manifest';
      if (manifest) manifests.push(await peek(storage, key, name, length, header));
    } catch (error) {
      if (!isStrongroomError(error) || isFatal(error.code)) throw error;
      if (error.code !== 'object-missing') damaged.push({ name, code: error.code, manifest });
    }
  }
  manifests.sort((a, b) => b.generation - a.generation || (a.name < b.name ? -1 : 1));
  return { manifests, damaged, objects };
}

/** Faults of the caller, which say nothing about an object. A disk that fails costs only what lies there. */
export function isFatal(code: ErrorCode): boolean {
  return code === 'cancelled' || code === 'invalid-key';
}

/** Reads the head of a manifest from its first chunk. */
async function peek(
  storage: Storage,
  key: BackupKey,
  name: string,
  length: number,
  header: HeaderInfo,
): Promise<ScannedManifest> {
  const firstChunk = header.length + 2 ** MANIFEST_CHUNK_LOG2 + 16;
  const opener = new Opener({ key });
  const reader = new ManifestReader();
  for await (const piece of readObject(storage, name, requireManifest, firstChunk)) {
    for (const content of opener.feed(piece)) reader.push(content);
  }
  if (length < firstChunk) {
    for (const piece of opener.final().rest) reader.push(piece);
    reader.finish();
  }
  const { head } = reader;
  if (head === undefined) {
    throw new StrongroomError('bad-manifest', 'no manifest head in the first chunk', { subject: name });
  }
  const { setId, generation, created } = head;
  return { name, setId, generation, created, head, wrappedKeys: reader.wrappedKeys };
}

function requireManifest({ type, chunkLog2, commitment }: HeaderInfo): void {
  const name = storageName(commitment);
  if (type !== 'manifest') throw mismatch(name, 'is no manifest');
  if (chunkLog2 === MANIFEST_CHUNK_LOG2) return;
  throw new StrongroomError('bad-manifest', `${name} has other chunks than a manifest`, { subject: name });
}

/**
 * Opens the newest manifest, or the one that is named. Every copy of it is read whole.
 *
 * @throws StrongroomError `no-backup` if the storage holds no manifest
 * @throws StrongroomError `wrong-key` if manifests are there, and all are sealed under other keys
 * @throws StrongroomError `fork` if the set or the newest generation is not the only one of its kind
 * @throws StrongroomError the code of the first fault if no copy of the newest generation can be read
 * @throws StrongroomError `bad-head`, `permission`, `io` if the head cannot be read
 */
export async function openManifest(
  storage: Storage,
  key: BackupKey,
  options: SelectOptions = {},
): Promise<OpenedManifest> {
  // A backup moves the head after its commit: got after the list, a new head would make that look like a rollback.
  const { head } = await fetchHead(key, options.head);
  return openScanned(await scan(storage, key, options.signal), storage, key, options, head);
}

/** {@link openManifest} of a storage that was scanned already, after `head` was got. */
export async function openScanned(
  found: Scan,
  storage: Storage,
  key: BackupKey,
  options: SelectOptions,
  head?: SetHead,
): Promise<OpenedManifest> {
  const candidates = select(found, options.manifest);
  const pacer = new Pacer(options.signal);
  const damaged: Damage[] = [...found.damaged];
  const copies: string[] = [];
  let opened: { manifest: Manifest; id: Bytes } | undefined;
  let firstFault: StrongroomError | undefined;
  for (const { name } of candidates) {
    try {
      const next = await readManifest(storage, key, name, pacer, opened === undefined);
      if (opened !== undefined && !equal(opened.id, next.id)) {
        if (options.manifest === undefined) throw fork('two backups have the newest generation');
        continue;
      }
      opened ??= next;
      copies.push(name);
    } catch (error) {
      if (!isStrongroomError(error) || isFatal(error.code) || error.code === 'fork') throw error;
      firstFault ??= error;
      damaged.push({ name, code: error.code, manifest: true });
    }
  }
  if (opened === undefined) throw firstFault ?? noBackup();
  const { manifest, id: manifestId } = opened;
  const standing = freshness(head, { ...manifest, manifestId });
  // Earlier generations can be sealed under keys of older epochs: that is no damage.
  const earlier = new Set(manifest.ancestors.flatMap(({ commitments }) => commitments.map(storageName)));
  const faults = damaged.filter(({ name, code }) => code !== 'wrong-key' || !earlier.has(name));
  return { ...opened, copies, freshness: standing, scan: found, damaged: faults };
}

/**
 * The manifests of one set, the highest generation first: that of the named one, else the only set there is.
 *
 * @throws StrongroomError `no-backup`, `wrong-key`, `fork`, or the fault of the manifests that do not open, if there
 * are none that do or one of the others may be newer
 */
export function manifestsOfSet({ manifests, damaged }: Scan, named?: string): readonly ScannedManifest[] {
  const [first] = named === undefined ? manifests : manifests.filter(({ name }) => name === named);
  if (first === undefined) throw nothingOpens(damaged, named);
  const ofSet = manifests.filter(({ setId }) => equal(setId, first.setId));
  if (named !== undefined) return ofSet;
  if (ofSet.length < manifests.length) throw fork('the storage holds several sets');
  requireNewest(ofSet, first.generation, damaged);
  return ofSet;
}

/**
 * Refuses to take a generation for the newest while a manifest that cannot be read may be newer: there are more of
 * those than copies that are missing up to this generation.
 */
function requireNewest(ofSet: readonly ScannedManifest[], newest: number, damaged: readonly Damage[]): void {
  const unread = unreadManifests(damaged);
  const copies = new Map<number, number>();
  for (const { generation } of ofSet) copies.set(generation, Math.min(2, (copies.get(generation) ?? 0) + 1));
  const missing = 2 * newest - [...copies.values()].reduce((sum, count) => sum + count, 0);
  const [first] = unread;
  if (first === undefined || unread.length <= missing) return;
  throw new StrongroomError(first.code, `${first.name}, a manifest that may be newer, cannot be read`, {
    subject: first.name,
  });
}

/** Manifests under this key, as far as anyone can tell, that are damaged. */
export function unreadManifests(damaged: readonly Damage[]): readonly Damage[] {
  return damaged.filter(
    ({ manifest, code }) => manifest && code !== 'wrong-key' && code !== 'object-mismatch',
  );
}

/** The copies to read: those of the newest generation, or the named one before its possible twins. */
function select(found: Scan, named: string | undefined): readonly ManifestCopy[] {
  const ofSet = manifestsOfSet(found, named);
  const first = ofSet.find(({ name }) => name === named) ?? ofSet[0];
  const copies = ofSet.filter(({ generation }) => generation === first?.generation);
  return copies.sort((a, b) => Number(b === first) - Number(a === first));
}

/** Why no manifest opens: a manifest of this key that is damaged, before a wrong key, before other damage. */
function nothingOpens(damaged: readonly Damage[], named: string | undefined): StrongroomError {
  if (named !== undefined && !damaged.some(({ name }) => name === named)) {
    return new StrongroomError('object-missing', `${named} is not a manifest of the storage`, {
      subject: named,
    });
  }
  const manifests = damaged.filter(({ name, manifest }) => manifest && (named ?? name) === name);
  const worst = manifests.find(({ code }) => code !== 'wrong-key') ?? manifests[0] ?? damaged[0];
  if (worst === undefined) return noBackup();
  return new StrongroomError(worst.code, `no manifest opens; ${worst.name}: ${worst.code}`, {
    subject: worst.name,
  });
}

function noBackup(): StrongroomError {
  return new StrongroomError('no-backup', 'the storage holds no manifest');
}

function fork(message: string): StrongroomError {
  return new StrongroomError('fork', message);
}

/** Reads one copy to its end. Without `keep`, all rules are checked and no entry is kept. */
export async function readManifest(
  storage: Storage,
  key: BackupKey | ObjectKey,
  name: string,
  pacer: Pacer,
  keep: boolean,
): Promise<{ manifest: Manifest; id: Bytes }> {
  const opener = new Opener({ key });
  const reader = new ManifestReader();
  const hash = createHash('sha256');
  const entries: Entry[] = [];
  const take = (content: Uint8Array): void => {
    hash.update(content);
    for (const entry of reader.push(content)) if (keep) entries.push(entry);
  };
  for await (const piece of readObject(storage, name, requireManifest)) {
    await pacer.pace();
    for (const content of opener.feed(piece)) take(content);
  }
  for (const content of opener.final().rest) take(content);
  reader.finish();
  const { head } = reader;
  if (head === undefined) throw noBackup();
  const { wrappedKeys, objects } = reader;
  return { manifest: { ...head, wrappedKeys, objects, entries }, id: copy(hash.digest()) };
}
