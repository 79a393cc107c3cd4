/**
 * The suite's own manifests (spec/manifest.md), written so that each part can be wrong.
 *
 * @module
 */
import { be, cat, prefixed, utf8, zeros, type Bytes } from './primitives.ts';
import { record } from './records.ts';

/** Chunks of a manifest: 2^16 bytes. */
export const MANIFEST_CHUNK_LOG2 = 16;

/** An older generation that a manifest names. */
export interface Ancestor {
  readonly generation: number;
  /** 32 bytes. */
  readonly manifestId: Uint8Array;
  /** Commitments of both copies, 32 bytes each. */
  readonly commitments: readonly Uint8Array[];
}

/** Fields of a MANIFEST_HEAD. */
export interface Head {
  readonly generation?: number;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created?: number;
  readonly keyEpoch?: number;
  /** 32 bytes. */
  readonly mediaKey?: Uint8Array;
  /** Commitments of the copies of the manifest itself. */
  readonly commitments?: readonly Uint8Array[];
  readonly ancestors?: readonly Ancestor[];
}

/** MANIFEST_HEAD. */
export function manifestHead({
  generation = 1,
  created = 1_800_000_000,
  keyEpoch = 1,
  mediaKey = zeros(32),
  commitments = [zeros(64)],
  ancestors = [],
}: Head = {}): Bytes {
  const list = ancestors.map((one) => cat(be(8, one.generation), one.manifestId, ...one.commitments));
  return record(
    0x8010,
    cat(
      be(8, generation),
      be(8, created),
      be(4, keyEpoch),
      mediaKey,
      ...commitments,
      prefixed(2, cat(...list)),
    ),
  );
}

/** WRAPPED_KEY: the object key of an older key epoch. */
export function wrappedKey(keyEpoch: number, objectKey: Uint8Array): Bytes {
  return record(0x8012, cat(be(4, keyEpoch), objectKey));
}

/** Fields of a MANIFEST_OBJECT. */
export interface ObjectReference {
  readonly commitment: Uint8Array;
  /** The header up to its commitment. */
  readonly prefix: Uint8Array;
  readonly length: number;
  readonly contentLength: number;
  readonly keyEpoch?: number;
}

/** MANIFEST_OBJECT, the `number`-th from 0. */
export function manifestObject(reference: ObjectReference, number = 0): Bytes {
  const { commitment, prefix, length, contentLength, keyEpoch = 1 } = reference;
  return record(
    0x8014,
    cat(be(4, number), commitment, prefixed(2, prefix), be(8, length), be(8, contentLength), be(4, keyEpoch)),
  );
}

/** Where the content of a file is: a whole object, or a range of a pack. */
export interface Part {
  /** Number of the object in the manifest, from 0. */
  readonly object: number;
  readonly range?: { readonly position: number; readonly length: number };
}

/** One entry of a manifest. */
export interface Entry {
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly path: string | Uint8Array;
  readonly mode?: number;
  readonly seconds?: number | bigint;
  readonly nanoseconds?: number;
  readonly target?: string;
  readonly contentLength?: number | bigint;
  readonly mediaId?: Uint8Array;
  readonly stamp?: Uint8Array;
  readonly parts?: readonly Part[];
}

/** MANIFEST_ENTRY. */
export function manifestEntry(entry: Entry): Bytes {
  const { kind, path, mode = 0o644, seconds = 1_700_000_000, nanoseconds = 0, target = 'x' } = entry;
  const { contentLength = 0, mediaId = zeros(32), stamp = zeros(0), parts = [] } = entry;
  const common = cat(
    be(1, { file: 1, directory: 2, symlink: 3 }[kind]),
    prefixed(2, typeof path === 'string' ? utf8(path) : path),
    be(2, mode),
    be(8, seconds),
    be(4, nanoseconds),
  );
  const list = parts.map(({ object, range }) =>
    cat(
      be(4, object),
      range === undefined ? be(1, 0) : cat(be(1, 1), be(8, range.position), be(8, range.length)),
    ),
  );
  const rest =
    kind === 'file'
      ? cat(be(8, contentLength), mediaId, prefixed(1, stamp), prefixed(3, cat(...list)))
      : kind === 'symlink'
        ? prefixed(2, utf8(target))
        : zeros(0);
  return record(0x8011, cat(common, rest));
}
