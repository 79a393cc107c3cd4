/**
 * The structures of a manifest (spec/manifest.md, "Structures"): what a set holds and which objects hold it.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import {
  bytes,
  opaque,
  optional,
  select,
  struct,
  text,
  u16,
  u32,
  u64,
  vector,
  type Codec,
} from '../wire/codec.ts';
import type { RecordRange } from './framing.ts';
import { MEDIA_ID_LENGTH } from './media-id.ts';
import { MAX_PATH_LENGTH } from './paths.ts';

/** Schema number of a manifest in its BEGIN record. */
export const MANIFEST_SCHEMA = 1;
/** Record type of {@link ManifestHead}. */
export const MANIFEST_HEAD = 0x8010;
/** Record type of {@link Entry}. */
export const MANIFEST_ENTRY = 0x8011;
/** Record type of {@link WrappedKey}. */
export const WRAPPED_KEY = 0x8012;
/** Record type of `NumberedObject`. */
export const MANIFEST_OBJECT = 0x8014;
/** Chunk size of a manifest object as a binary logarithm; no other is valid. */
export const MANIFEST_CHUNK_LOG2 = 16;
/** Most entries of a manifest, and most objects that it names. */
export const MAX_ENTRIES: number = 2 ** 20;
/** Most ancestors that a manifest names. */
export const MAX_ANCESTORS = 256;

/** Commitments of the two copies of a manifest, 32 bytes each. */
export type Commitments = readonly [Bytes, Bytes];

/** An earlier generation of the set. */
export interface Ancestor {
  readonly generation: number;
  /** SHA-256 of the content of its manifest, 32 bytes. */
  readonly manifestId: Bytes;
  readonly commitments: Commitments;
}

/** What the whole set is. */
export interface ManifestHead {
  /** 1 for the first backup of a set, then one more each time. */
  readonly generation: number;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  /** Number of the backup key that seals this manifest; 1 until the key is changed. */
  readonly keyEpoch: number;
  /** Key of all media ids of the set, 32 bytes, secret. */
  readonly mediaKey: Bytes;
  /** Those of this manifest itself. */
  readonly commitments: Commitments;
  /** The earlier generations whose manifests could be read, the last one first. */
  readonly ancestors: readonly Ancestor[];
}

/** What opens the objects of an older backup key. */
export interface WrappedKey {
  readonly keyEpoch: number;
  /** K_obj of that backup key, 32 bytes, secret. */
  readonly objectKey: Bytes;
}

/** A point in time. */
export interface Time {
  /** Seconds since 1970-01-01T00:00:00Z; negative before. */
  readonly seconds: number;
  /** 0 to 999 999 999. */
  readonly nanoseconds: number;
}

/** A stored object that holds files, or parts of them. */
export interface ObjectReference {
  /** 32 bytes: identity and storage name of the object. */
  readonly commitment: Bytes;
  /** Copy of the object's header up to the commitment, 48 bytes and its extensions. */
  readonly prefix: Bytes;
  /** Length in bytes of the object as it is stored. */
  readonly length: number;
  readonly contentLength: number;
  /** Number of the backup key that seals it. */
  readonly keyEpoch: number;
}

/** Where the content of a file lies, or a volume of it. */
export interface Part {
  /** Number of the object, from 0 in the order in which the manifest names them. */
  readonly object: number;
  /** The record of the file if the object is a pack; else the content is all of the object's. */
  readonly range: RecordRange | undefined;
}

interface Common {
  /** Segments joined by `/`, relative to the folder. */
  readonly path: string;
  /** The nine permission bits. */
  readonly mode: number;
  readonly modified: Time;
}

/** A file. */
export interface FileEntry extends Common {
  readonly kind: 'file';
  readonly contentLength: number;
  /** Identity of the content under the media key of the set, 32 bytes. */
  readonly mediaId: Bytes;
  /** By what its writer knows the file again without reading it, at most 32 bytes; says nothing to anybody else. */
  readonly stamp: Bytes;
  /** Its volumes in order, or its one place in a pack. */
  readonly parts: readonly Part[];
}

/** A folder, or a symbolic link with its target as it was found. */
export type Entry =
  | FileEntry
  | (Common & { readonly kind: 'directory' })
  | (Common & { readonly kind: 'symlink'; readonly target: string });

/** Length in bytes of the content of an entry. */
export function lengthOf(entry: Entry): number {
  return entry.kind === 'file' ? entry.contentLength : 0;
}

/** A whole manifest. */
export interface Manifest extends ManifestHead {
  /** 16 bytes. */
  readonly setId: Bytes;
  /** In ascending order of their epochs, which are all below that of the manifest. */
  readonly wrappedKeys: readonly WrappedKey[];
  readonly objects: readonly ObjectReference[];
  /** In ascending order of the UTF-8 bytes of the paths; the parents of each are among them. */
  readonly entries: readonly Entry[];
}

const i64: Codec<number> = {
  name: 'int64',
  write(out, value) {
    if (!Number.isSafeInteger(value)) throw new StrongroomError('malformed', `int64: ${value}`);
    const view = new DataView(new ArrayBuffer(8));
    view.setBigInt64(0, BigInt(value));
    out.push(new Uint8Array(view.buffer));
  },
  read(input) {
    const taken = input.take(8, 'int64');
    const value = Number(new DataView(taken.buffer, taken.byteOffset, 8).getBigInt64(0));
    if (!Number.isSafeInteger(value)) throw input.fault('int64: outside -(2^53-1)..2^53-1');
    return value;
  },
};

const commitment = opaque(32, 'commitment');
const commitments: Codec<Commitments> = {
  name: 'commitments',
  write(out, [first, second]) {
    commitment.write(out, first);
    commitment.write(out, second);
  },
  read: (input) => [commitment.read(input), commitment.read(input)],
};

const Ancestor: Codec<Ancestor> = struct<Ancestor>('Ancestor', {
  generation: u64,
  manifestId: opaque(32, 'manifest_id'),
  commitments,
});

/** `ManifestHead` on the wire. */
export const ManifestHead: Codec<ManifestHead> = struct<ManifestHead>('ManifestHead', {
  generation: u64,
  created: u64,
  keyEpoch: u32,
  mediaKey: opaque(MEDIA_ID_LENGTH, 'media_key'),
  commitments,
  ancestors: vector(Ancestor, 0, 104 * MAX_ANCESTORS, 'ancestors'),
});

/** `WrappedKey` on the wire. */
export const WrappedKey: Codec<WrappedKey> = struct<WrappedKey>('WrappedKey', {
  keyEpoch: u32,
  objectKey: opaque(32, 'object_key'),
});

/** `ObjectReference` on the wire. */
export const ObjectReference: Codec<ObjectReference> = struct<ObjectReference>('ObjectReference', {
  commitment,
  prefix: bytes(48, 4144, 'prefix'),
  length: u64,
  contentLength: u64,
  keyEpoch: u32,
});

/** An object with its number, by which entries name it. */
export interface NumberedObject {
  /** From 0 in the order in which the manifest names its objects: what follows a gap can still be told. */
  readonly number: number;
  readonly object: ObjectReference;
}

/** `NumberedObject` on the wire. */
export const NumberedObject: Codec<NumberedObject> = struct<NumberedObject>('NumberedObject', {
  number: u32,
  object: ObjectReference,
});

const Part: Codec<Part> = struct<Part>('Part', {
  object: u32,
  range: optional(struct<RecordRange>('RecordRange', { position: u64, length: u64 })),
});

const common = {
  path: text(1, MAX_PATH_LENGTH, 'path'),
  mode: u16,
  modified: struct<Time>('Time', { seconds: i64, nanoseconds: u32 }),
};
type Body<K extends Entry['kind']> = Omit<Extract<Entry, { kind: K }>, 'kind'>;

/** `Entry` on the wire. */
export const Entry: Codec<Entry> = select<Entry>('Entry', 1, {
  file: [
    1,
    struct<Body<'file'>>('FileEntry', {
      ...common,
      contentLength: u64,
      mediaId: opaque(MEDIA_ID_LENGTH, 'media_id'),
      stamp: bytes(0, 32, 'stamp'),
      parts: vector(Part, 1, 1_000_000, 'parts'),
    }),
  ],
  directory: [2, struct<Body<'directory'>>('DirectoryEntry', common)],
  symlink: [
    3,
    struct<Body<'symlink'>>('SymlinkEntry', { ...common, target: text(1, MAX_PATH_LENGTH, 'target') }),
  ],
});
