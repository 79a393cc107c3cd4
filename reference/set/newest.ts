/**
 * Finding and opening the newest manifest of a storage (spec/set.md, "Finding the newest manifest").
 *
 * @module
 */
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { freshness, type Freshness } from './freshness.ts';
import type { SetHead } from './head.ts';
import { fetchHead, type HeadStore } from './head-store.ts';
import type { Manifest, ManifestHead } from './manifest.ts';
import { readManifest } from './manifest-copy.ts';
import { Pacer } from './objects.ts';
import {
  isFatal,
  scan,
  unreadHeaders,
  unreadManifests,
  type Damage,
  type Scan,
  type ScannedManifest,
} from './scan.ts';
import { storageName, type Storage } from './storage.ts';

export { readManifest } from './manifest-copy.ts';
export {
  isFatal,
  scan,
  unreadHeaders,
  unreadManifests,
  type Damage,
  type ManifestCopy,
  type Scan,
  type ScannedManifest,
} from './scan.ts';

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
  const pacer = new Pacer(options.signal);
  const candidates = select(await manifestsOfSet(found, storage, key, options), options.manifest);
  const [named] = candidates;
  const ownCopies =
    named === undefined || options.manifest === undefined
      ? undefined
      : [named.name, ...copiesOfHead(named.head)];
  const damaged: Damage[] = [...found.damaged];
  const copies: string[] = [];
  let opened: { manifest: Manifest; id: Bytes } | undefined;
  let firstFault: StrongroomError | undefined;
  for (const { name } of candidates) {
    // Until one was read, only the word of the named one says what is a copy of it.
    if (opened === undefined && ownCopies?.includes(name) === false) continue;
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
 * @throws StrongroomError `no-backup`, `wrong-key`, `fork`, `cancelled`, or the code of what cannot be read, if there is
 *   no manifest that can or what cannot may be a newer one
 */
export async function manifestsOfSet(
  found: Scan,
  storage: Storage,
  key: BackupKey,
  options: SelectOptions,
): Promise<readonly ScannedManifest[]> {
  const { manifests, damaged } = found;
  const named = options.manifest;
  const [first] = named === undefined ? manifests : manifests.filter(({ name }) => name === named);
  if (first === undefined) throw nothingOpens(damaged, named);
  const ofSet = manifests.filter(({ setId }) => equal(setId, first.setId));
  if (named !== undefined) return ofSet;
  if (ofSet.length < manifests.length) throw fork('the storage holds several sets');
  const names = new Set(ofSet.flatMap(({ head }) => copiesNamedBy(head)));
  const newer = unreadManifests(damaged).find(({ name }) => !names.has(name));
  if (newer !== undefined) throw mayBeNewer(newer);
  const unknown = unreadHeaders(damaged).filter(({ name }) => !names.has(name));
  await requireObjectsOf(ofSet, unknown, storage, key, options.signal);
  return ofSet;
}

/** Storage names of all copies of manifests that a head names. */
function copiesNamedBy({ commitments, ancestors }: ManifestHead): string[] {
  return [commitments, ...ancestors.map((each) => each.commitments)].flat().map(storageName);
}

function copiesOfHead({ commitments }: ManifestHead): string[] {
  return commitments.map(storageName);
}

function mayBeNewer({ name, code }: Damage): StrongroomError {
  return new StrongroomError(code, `${name} cannot be read and may be a newer backup`, { subject: name });
}

/**
 * Makes sure that manifests name objects whose headers cannot be read: then they are files of theirs. Only if there are
 * such objects are manifests read for it.
 */
async function requireObjectsOf(
  ofSet: readonly ScannedManifest[],
  unknown: readonly Damage[],
  storage: Storage,
  key: BackupKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  const left = new Map(unknown.map((each) => [each.name, each]));
  const pacer = new Pacer(signal);
  for (const { name } of ofSet) {
    if (left.size === 0) return;
    try {
      const { manifest } = await readManifest(storage, key, name, pacer, false);
      for (const { commitment } of manifest.objects) left.delete(storageName(commitment));
    } catch (error) {
      // What cannot be read names nothing.
      if (!isStrongroomError(error) || isFatal(error.code)) throw error;
    }
  }
  for (const each of left.values()) throw mayBeNewer(each);
}

/** The copies to read: those of the newest generation, or the named one before its possible twins. */
function select(ofSet: readonly ScannedManifest[], named: string | undefined): readonly ScannedManifest[] {
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
  const manifests = damaged.filter(({ name, manifest }) => (named === undefined ? manifest : name === named));
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
