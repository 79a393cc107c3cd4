/**
 * The manifest of a backup set (spec/set.md, "Manifest"): what the set holds and which objects hold it.
 *
 * @module
 */
import { OBJECT_TYPES } from '../container/index.ts';
import { StrongroomError } from '../errors.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import {
  bytes,
  encode,
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
import { checkPath, checkTarget, comparePaths, MAX_PATH_LENGTH, parentOf } from './paths.ts';
import { decodeBody, RecordReader, RecordWriter, type Begin } from './records.ts';

/** Schema number of a manifest in its BEGIN record. */
export const MANIFEST_SCHEMA = 1;
/** Record type of {@link ManifestHead}. */
export const MANIFEST_HEAD = 0x8010;
/** Record type of {@link Entry}. */
export const MANIFEST_ENTRY = 0x8011;
/** Chunk size of a manifest object as a binary logarithm; no other is valid. */
export const MANIFEST_CHUNK_LOG2 = 16;
/** Most entries of a manifest. */
export const MAX_ENTRIES: number = 2 ** 20;

/** What the whole set is. */
export interface ManifestHead {
  /** 1 for the first backup of a set, then one more each time. */
  readonly generation: number;
  /** SHA-256 of the content of the manifest before it; absent if there was none that could be read. */
  readonly parent: Bytes | undefined;
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  /** Number of the backup key that seals this manifest; 1 until the key is changed. */
  readonly keyEpoch: number;
}

/** A point in time. */
export interface Time {
  /** Seconds since 1970-01-01T00:00:00Z; negative before. */
  readonly seconds: number;
  /** 0 to 999 999 999. */
  readonly nanoseconds: number;
}

/** Where in a pack a file lies; not used in version 1. */
export interface RecordRange {
  readonly first: number;
  readonly count: number;
}

/** One object that holds a file, or a volume of it. */
export interface ObjectReference {
  /** 32 bytes: identity and storage name of the object. */
  readonly commitment: Bytes;
  /** Copy of the object's header up to the commitment, 48 bytes and its extensions. */
  readonly header: Bytes;
  /** Length in bytes of the object as it is stored. */
  readonly length: number;
  readonly contentLength: number;
  /** 1 to `volumes`; both 1 in version 1. */
  readonly volume: number;
  readonly volumes: number;
  readonly range: RecordRange | undefined;
  readonly keyEpoch: number;
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
  /** HMAC-SHA-256 of the SHA-256 of the content under the key `media-id`, 32 bytes. */
  readonly mediaId: Bytes;
  readonly objects: readonly ObjectReference[];
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

const ManifestHead: Codec<ManifestHead> = struct<ManifestHead>('ManifestHead', {
  generation: u64,
  parent: optional(opaque(32, 'parent')),
  created: u64,
  keyEpoch: u32,
});

const ObjectReference: Codec<ObjectReference> = struct<ObjectReference>('ObjectReference', {
  commitment: opaque(32, 'commitment'),
  header: bytes(48, 4144, 'header'),
  length: u64,
  contentLength: u64,
  volume: u32,
  volumes: u32,
  range: optional(struct<RecordRange>('RecordRange', { first: u64, count: u64 })),
  keyEpoch: u32,
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
      mediaId: opaque(32, 'media_id'),
      objects: vector(ObjectReference, 1, 1_000_000, 'objects'),
    }),
  ],
  directory: [2, struct<Body<'directory'>>('DirectoryEntry', common)],
  symlink: [
    3,
    struct<Body<'symlink'>>('SymlinkEntry', { ...common, target: text(1, MAX_PATH_LENGTH, 'target') }),
  ],
});

function bad(message: string, subject?: string): StrongroomError {
  return new StrongroomError('bad-manifest', message, subject === undefined ? {} : { subject });
}

function unsupported(message: string, subject?: string): StrongroomError {
  return new StrongroomError('unsupported-set', message, subject === undefined ? {} : { subject });
}

/** The content of a manifest object, in pieces. @throws StrongroomError as {@link ManifestReader} */
export function* manifestContent(manifest: Manifest): Generator<Bytes, void, undefined> {
  const { setId, entries, ...head } = manifest;
  const rules = new Rules();
  const begin = { setId, volume: 1, volumes: 1, schema: MANIFEST_SCHEMA };
  const writer = new RecordWriter(2 ** MANIFEST_CHUNK_LOG2, begin);
  rules.head(begin, head);
  yield concat(...writer.write(MANIFEST_HEAD, encode(ManifestHead, head)));
  for (const entry of entries) {
    rules.entry(entry);
    yield concat(...writer.write(MANIFEST_ENTRY, encode(Entry, entry)));
  }
  yield concat(...writer.end());
}

/** What holds between the records of a manifest: the same for its writer and its reader. */
export class Rules {
  #head: ManifestHead | undefined;
  #last: string | undefined;
  #count = 0;
  readonly #directories = new Set(['']);

  /** Checks the head. @throws StrongroomError as {@link ManifestReader} */
  head(begin: Begin, head: ManifestHead): void {
    if (begin.schema !== MANIFEST_SCHEMA) throw bad(`schema ${begin.schema} is not that of a manifest`);
    if (begin.volumes !== 1) throw unsupported('the manifest is cut into volumes');
    if (this.#head !== undefined) throw bad('a second manifest head');
    if (head.generation < 1) throw bad('generation 0');
    if (head.generation === 1 && head.parent !== undefined) throw bad('generation 1 has a parent');
    if (head.keyEpoch < 1) throw bad('key epoch 0');
    this.#head = head;
  }

  /** Checks the next entry. @throws StrongroomError as {@link ManifestReader} */
  entry(entry: Entry): void {
    const { path } = entry;
    if (this.#head === undefined) throw bad('an entry before the manifest head', path);
    checkPath(path);
    if (this.#last !== undefined && comparePaths(this.#last, path) >= 0)
      throw bad('paths do not ascend', path);
    if (!this.#directories.has(parentOf(path))) throw bad('the parent is not a directory of the set', path);
    if (entry.mode > 0o777) throw bad('more than permission bits in the mode', path);
    if (entry.modified.nanoseconds > 999_999_999) throw bad('a second has 10^9 nanoseconds', path);
    if (++this.#count > MAX_ENTRIES) {
      throw new StrongroomError('limit-exceeded', `a set holds at most ${MAX_ENTRIES} entries`);
    }
    this.#last = path;
    if (entry.kind === 'directory') this.#directories.add(path);
    else if (entry.kind === 'symlink') checkTarget(path, entry.target);
    else this.#file(entry, this.#head.keyEpoch);
  }

  #file({ path, objects, contentLength }: FileEntry, keyEpoch: number): void {
    const [object] = objects;
    if (object === undefined || objects.length > 1 || object.volumes !== 1 || object.volume !== 1) {
      throw unsupported('the file is cut into volumes', path);
    }
    if (object.range !== undefined) throw unsupported('the file lies in a pack', path);
    if (object.keyEpoch !== keyEpoch) throw unsupported('the file is sealed under an older key', path);
    const [high = 0, low = 0] = object.header.subarray(12, 14);
    if (object.header.length !== 48 + high * 256 + low)
      throw bad('the copy of the header is not whole', path);
    if (object.header[11] !== OBJECT_TYPES.blob) throw bad('the object of a file is not a blob', path);
    if (object.contentLength !== contentLength) throw bad('the lengths do not add up', path);
  }
}

/** Reads the content of a manifest object piece by piece. After an error every later call fails. */
export class ManifestReader {
  readonly #records = new RecordReader(2 ** MANIFEST_CHUNK_LOG2, [MANIFEST_HEAD, MANIFEST_ENTRY]);
  readonly #rules = new Rules();
  #head: (ManifestHead & { readonly setId: Bytes }) | undefined;

  /** The head, once it was read. */
  get head(): (ManifestHead & { readonly setId: Bytes }) | undefined {
    return this.#head;
  }

  /**
   * Takes more content and returns the entries that it completes.
   *
   * @throws StrongroomError `bad-record`, `unknown-critical-record`, `unsupported-codec`, `bad-manifest`,
   *   `unsupported-set`, `unsafe-path`, `limit-exceeded`
   */
  push(content: Uint8Array): Entry[] {
    const entries: Entry[] = [];
    for (const { type, body } of this.#records.push(content)) {
      if (type === MANIFEST_HEAD) this.#setHead(decodeBody(ManifestHead, body));
      else {
        const entry = decodeBody(Entry, body);
        this.#rules.entry(entry);
        entries.push(entry);
      }
    }
    return entries;
  }

  /** Ends the content. @throws StrongroomError `bad-record`, `bad-manifest` if it was not a whole manifest */
  finish(): void {
    this.#records.finish();
    if (this.#head === undefined) throw bad('no manifest head');
  }

  #setHead(head: ManifestHead): void {
    const { begin } = this.#records;
    if (begin === undefined) throw bad('no BEGIN record');
    this.#rules.head(begin, head);
    this.#head = { setId: begin.setId, ...head };
  }
}
