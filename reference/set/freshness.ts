/**
 * Is this the newest backup? (spec/freshness.md, "Comparing")
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import type { SetHead } from './head.ts';

/**
 * How a manifest stands to the head of its set:
 *
 * - `fresh`: it is the one that the head names.
 * - `ahead`: it is newer, and follows the one that the head names: the head was not moved, or not yet.
 * - `stale`: it is older: a newer backup was made and is not there.
 * - `fork`: both cannot be of one history.
 * - `unknown`: there is no head, or the manifest is newer and does not say what it follows.
 */
export type Freshness = 'fresh' | 'ahead' | 'stale' | 'fork' | 'unknown';

/** What of a manifest is compared with a head. */
export interface Lineage {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** SHA-256 of its content, 32 bytes. */
  readonly manifestId: Bytes;
  /** The earlier generations that it names. */
  readonly ancestors: readonly { readonly generation: number; readonly manifestId: Bytes }[];
}

/** Compares a manifest with the verified head. */
export function freshness(head: SetHead | undefined, manifest: Lineage): Freshness {
  if (head === undefined) return 'unknown';
  const { setId, generation, manifestId, ancestors } = manifest;
  if (!equal(setId, head.setId)) return 'fork';
  if (generation < head.generation) return 'stale';
  if (generation === head.generation) return equal(manifestId, head.manifestId) ? 'fresh' : 'fork';
  const ancestor = ancestors.find((each) => each.generation === head.generation);
  if (ancestor === undefined) return 'unknown';
  return equal(ancestor.manifestId, head.manifestId) ? 'ahead' : 'fork';
}

/** Stops where the newest backup that is there is not the newest that was made. @throws StrongroomError `stale`, `fork` */
export function requireCurrent(result: Freshness): void {
  if (result === 'stale') throw new StrongroomError('stale', 'a newer backup was made and is not there');
  if (result !== 'fork') return;
  throw new StrongroomError('fork', 'the backup and the head of the set are not of one history');
}
