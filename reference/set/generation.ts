/**
 * What goes into a generation of a set, and what becomes of it.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { Commitments, Time } from './manifest.ts';

/** What is said of an entry besides its content. */
export interface Meta {
  readonly path: string;
  /** The nine permission bits. */
  readonly mode: number;
  readonly modified: Time;
}

/** What is said of a file besides its content. */
export interface FileMeta extends Meta {
  /** At most 32 bytes by which an unchanged file is known again; empty or left out if there are none. */
  readonly stamp?: Bytes;
}

/** A count of files. */
export interface Tally {
  readonly files: number;
  /** Bytes of content. */
  readonly bytes: number;
}

/** A generation that was written. */
export interface Committed {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly generation: number;
  /** SHA-256 of the content of the manifest, 32 bytes. */
  readonly manifestId: Bytes;
  /** Commitments of the two copies of the manifest, 32 bytes each. */
  readonly manifests: Commitments;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  readonly keyEpoch: number;
  readonly entries: number;
  /** Bytes of content. */
  readonly bytes: number;
  /** Files whose content was sealed. */
  readonly sealed: Tally;
  /** Files whose content the storage held already. */
  readonly reused: Tally;
  /** Why its head could not be put; the generation stands all the same. */
  readonly headFault: ErrorCode | undefined;
}
