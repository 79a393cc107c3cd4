/**
 * What a storage holds, without reading the files (spec/set.md, "Listing").
 *
 * @module
 */
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { openBackup } from './backups.ts';
import type { Freshness } from './freshness.ts';
import { lengthOf, type Entry, type Time } from './manifest.ts';
import type { Damage, SelectOptions } from './newest.ts';
import { selectEntries, type PathOptions } from './selection.ts';
import type { Storage } from './storage.ts';

/** What to list. */
export interface ListOptions extends SelectOptions, PathOptions {}

/** One entry of a {@link Listing}. */
export interface ListedEntry {
  readonly path: string;
  readonly kind: Entry['kind'];
  /** Bytes of content; 0 unless it is a file. */
  readonly length: number;
  readonly modified: Time;
}

/** One backup. */
export interface Listing {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  /** How it stands to the head; `unknown` if there is none. */
  readonly freshness: Freshness;
  /** Number of whole copies of the manifest; it was written twice. */
  readonly copies: number;
  readonly damaged: readonly Damage[];
  readonly entries: readonly ListedEntry[];
}

/** The newest backup, or the named one. @throws StrongroomError as {@link openBackup}; `not-found` */
export async function list(storage: Storage, key: BackupKey, options: ListOptions = {}): Promise<Listing> {
  const { manifest, copies, freshness, damaged } = await openBackup(storage, key, options);
  const { setId, generation, created } = manifest;
  const entries = selectEntries(manifest.entries, options).entries.map((entry) => {
    const { path, kind, modified } = entry;
    return { path, kind, length: lengthOf(entry), modified };
  });
  return { setId, generation, created, freshness, copies: copies.length, damaged, entries };
}
