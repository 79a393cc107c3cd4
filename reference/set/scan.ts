/**
 * What a storage holds, without reading the files of a backup (spec/set.md, "Scan").
 *
 * @module
 */
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { WrappedKey } from './manifest.ts';
import type { SetManifestHead } from './manifest-content.ts';
import { readManifestStart } from './manifest-copy.ts';
import { Pacer, readHeader } from './objects.ts';
import type { Storage } from './storage.ts';

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
  /** True if its header says that it is a manifest; false if its header cannot be read. */
  readonly manifest: boolean;
}

/** What is found in a storage. */
export interface Scan {
  /** Every copy of a manifest under this key, the highest generation first. */
  readonly manifests: readonly ScannedManifest[];
  /** Manifests that do not open, and objects whose header cannot be read, by name. */
  readonly damaged: readonly Damage[];
  /** Every object, of any kind, with its length in bytes. */
  readonly objects: ReadonlyMap<string, number>;
}

/** Reads at the same time: a server takes its time for each. */
const AT_ONCE = 16;

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
  const waiting = [...objects].filter(([name]) => skip?.has(name) !== true);
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const found = await look(storage, key, pacer, ...next);
      if (found === undefined) continue;
      if ('head' in found) manifests.push(found);
      else damaged.push(found);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    waiting.length = 0;
  }
  manifests.sort((a, b) => b.generation - a.generation || byName(a, b));
  damaged.sort(byName);
  return { manifests, damaged, objects };
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : 1;

/** What an object is, if it is of interest: a manifest, or damaged. One that is gone by now is neither. */
async function look(
  storage: Storage,
  key: BackupKey,
  pacer: Pacer,
  name: string,
  length: number,
): Promise<ScannedManifest | Damage | undefined> {
  await pacer.pace();
  let manifest = false;
  try {
    const header = await readHeader(storage, name);
    manifest = header.type === 'manifest';
    if (!manifest) return undefined;
    const { head, wrappedKeys } = await readManifestStart(storage, key, name, length, header);
    const { setId, generation, created } = head;
    return { name, setId, generation, created, head, wrappedKeys };
  } catch (error) {
    if (!isStrongroomError(error) || isFatal(error.code)) throw error;
    return error.code === 'object-missing' ? undefined : { name, code: error.code, manifest };
  }
}

/** Faults of the caller, which say nothing about an object. A disk that fails costs only what lies there. */
export function isFatal(code: ErrorCode): boolean {
  return code === 'cancelled' || code === 'invalid-key';
}

/** Manifests that cannot be read: under this key, as far as anyone can tell. */
export function unreadManifests(damaged: readonly Damage[]): readonly Damage[] {
  return damaged.filter(
    ({ manifest, code }) => manifest && code !== 'wrong-key' && code !== 'object-mismatch',
  );
}

/** Objects of which nobody knows what they are: damage to a header does not make it the header of another object. */
export function unreadHeaders(damaged: readonly Damage[]): readonly Damage[] {
  return damaged.filter(({ manifest, code }) => !manifest && code !== 'object-mismatch');
}
