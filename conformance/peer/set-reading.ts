/**
 * The suite's own reading of what writers of sets made (spec/records.md, spec/manifest.md, spec/backup.md). Writers are
 * bound more strictly than readers, so this reader takes one framing and one order alone.
 *
 * @module
 */
import { MANIFEST_CHUNK_LOG2, type Ancestor, type ObjectReference, type Part } from './manifest.ts';
import { be, cat, same, sha256, toHex, type Bytes } from './primitives.ts';
import { begin, end, FIRST, frame, FULL, LAST, record } from './records.ts';

/** What is not as the specification has it. */
export class Fault extends Error {
  override readonly name = 'Fault';
}

/** Throws a {@link Fault} unless the fact holds. */
export function demand(fact: boolean, what: string): asserts fact {
  if (!fact) throw new Fault(what);
}

/** Bytes that are read from the front. */
class Cursor {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Bytes {
    demand(length <= this.left, 'a structure that is cut');
    return this.#bytes.slice(this.#at, (this.#at += length));
  }

  big(size: number): bigint {
    return BigInt(`0x${toHex(this.take(size))}`);
  }

  number(size: number): number {
    return Number(this.big(size));
  }

  opaque(size: number): Bytes {
    return this.take(this.number(size));
  }

  text(size: number): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.opaque(size));
  }

  list<T>(size: number, read: (item: Cursor) => T): T[] {
    const inner = new Cursor(this.opaque(size));
    const items: T[] = [];
    while (inner.left > 0) items.push(read(inner));
    return items;
  }
}

/** One record, and the range that it takes in the content. */
export interface FoundRecord {
  readonly type: number;
  readonly body: Bytes;
  readonly position: number;
  readonly length: number;
}

/** Records between BEGIN and END. */
export interface FoundRecords {
  readonly setId: Bytes;
  readonly records: readonly FoundRecord[];
}

/** Records of a content, each whole and with the range that it takes. */
export interface Unframed {
  readonly wholes: readonly Bytes[];
  readonly places: readonly { readonly position: number; readonly length: number }[];
}

/** Puts the fragments of a content together. @throws Fault */
export function unframe(content: Bytes, chunkLog2 = 16): Unframed {
  const chunk = 2 ** chunkLog2;
  const wholes: Bytes[] = [];
  const places: { position: number; length: number }[] = [];
  let parts: Bytes[] = [];
  let position = 0;
  for (let at = 0; at < content.length;) {
    const left = chunk - (at % chunk);
    if (left <= 4) {
      at += left;
      continue;
    }
    const [kind = 0, a = 0, b = 0, c = 0] = content.subarray(at, at + 4);
    const length = a * 65_536 + b * 256 + c;
    demand(kind >= FULL && kind <= LAST && length > 0 && length <= left - 4, 'a fragment out of bounds');
    demand((kind === FULL || kind === FIRST) === (parts.length === 0), 'fragments out of order');
    if (parts.length === 0) position = at;
    parts.push(content.slice(at + 4, at + 4 + length));
    at += 4 + length;
    if (kind !== FULL && kind !== LAST) continue;
    wholes.push(cat(...parts));
    places.push({ position, length: at - position });
    parts = [];
  }
  demand(same(frame(chunk, wholes), content), 'records that are framed in another way');
  return { wholes, places };
}

/** The set id of a BEGIN, which must be that of the only volume of this schema. @throws Fault */
export function readBegin(first: Bytes | undefined, schema: number): Bytes {
  const setId = first?.slice(3, 19);
  demand(first !== undefined && setId !== undefined, 'no records');
  demand(same(first, begin(setId, schema)), `a BEGIN that is not that of volume 1 of 1 of schema ${schema}`);
  return setId;
}

/** Reads a content of records that has no groups. @throws Fault */
export function readRecords(content: Bytes, schema: number, chunkLog2 = 16): FoundRecords {
  const { wholes, places } = unframe(content, chunkLog2);
  const [first, ...rest] = wholes;
  const setId = readBegin(first, schema);
  const inner = rest.slice(0, -1);
  demand(same(rest.at(-1) ?? be(1, 0), end(inner)), 'an END that counts other records');
  const records = inner.map((whole, i) => {
    demand(whole[2] === 0, 'a codec other than 0');
    const type = (whole[0] ?? 0) * 256 + (whole[1] ?? 0);
    return { type, body: whole.slice(3), ...(places[i + 1] ?? { position: 0, length: 0 }) };
  });
  return { setId, records };
}

/** A MANIFEST_OBJECT as it was found. */
export type FoundObject = Required<ObjectReference> & { readonly commitment: Bytes; readonly prefix: Bytes };

/** An entry as it was found; lengths and parts are those of files. */
export interface FoundEntry {
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly path: string;
  readonly mode: number;
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  readonly modified: bigint;
  readonly target: string;
  readonly contentLength: number;
  readonly mediaId: Bytes;
  readonly stamp: Bytes;
  readonly parts: readonly Part[];
}

/** What manifests and checkpoints have in common. */
interface Table {
  readonly objects: readonly FoundObject[];
  readonly entries: readonly FoundEntry[];
}

/** A manifest as it was found. */
export interface FoundManifest extends Table {
  readonly id: Bytes;
  readonly setId: Bytes;
  readonly generation: number;
  readonly created: number;
  readonly keyEpoch: number;
  readonly mediaKey: Bytes;
  readonly commitments: readonly Bytes[];
  readonly ancestors: readonly Ancestor[];
  readonly wrapped: readonly { readonly keyEpoch: number; readonly objectKey: Bytes }[];
}

/** A checkpoint as it was found. */
export interface FoundCheckpoint extends Table {
  readonly setId: Bytes;
  readonly mediaKey: Bytes;
  readonly keyEpoch: number;
}

const KINDS = { 1: 'file', 2: 'directory', 3: 'symlink' } as const;

function entryOf(body: Bytes): FoundEntry {
  const from = new Cursor(body);
  const kind = KINDS[from.number(1) as 1 | 2 | 3];
  demand(kind !== undefined, 'an entry of no kind');
  const path = from.text(2);
  const mode = from.number(2);
  const seconds = BigInt.asIntN(64, from.big(8));
  const nanoseconds = from.big(4);
  demand(mode <= 0x1ff && nanoseconds < 1_000_000_000n, 'a mode or time out of bounds');
  const modified = seconds * 1_000_000_000n + nanoseconds;
  const none = { target: '', contentLength: 0, mediaId: be(1, 0), stamp: be(1, 0), parts: [] };
  const common = { ...none, kind, path, mode, modified };
  const entry =
    kind === 'symlink'
      ? { ...common, target: from.text(2) }
      : kind === 'directory'
        ? common
        : {
            ...common,
            contentLength: from.number(8),
            mediaId: from.take(32),
            stamp: from.opaque(1),
            parts: from.list(3, partOf),
          };
  demand(from.left === 0, 'an entry with more behind it');
  return entry;
}

function partOf(from: Cursor): Part {
  const object = from.number(4);
  if (from.number(1) === 0) return { object };
  return { object, range: { position: from.number(8), length: from.number(8) } };
}

function objectOf(body: Bytes, number: number): FoundObject {
  const from = new Cursor(body);
  demand(from.number(4) === number, 'an object with another number than its place');
  const object = {
    commitment: from.take(32),
    prefix: from.opaque(2),
    length: from.number(8),
    contentLength: from.number(8),
    keyEpoch: from.number(4),
  };
  demand(from.left === 0, 'an object with more behind it');
  return object;
}

/** Objects, each before the entries that name it, and entries. */
function tableOf(records: readonly FoundRecord[]): Table {
  const objects: FoundObject[] = [];
  const entries: FoundEntry[] = [];
  for (const { type, body } of records) {
    if (type === 0x8014) objects.push(objectOf(body, objects.length));
    else {
      demand(type === 0x8011, `a record of type ${type.toString(16)}`);
      const entry = entryOf(body);
      const known = entry.parts.every(({ object }) => object < objects.length);
      demand(known, `${entry.path} names an object that stands behind it`);
      entries.push(entry);
    }
  }
  const commitments = new Set(objects.map(({ commitment }) => toHex(commitment)));
  demand(commitments.size === objects.length, 'an object that is named twice');
  return { objects, entries };
}

/** Reads the content of a manifest. @throws Fault */
export function readManifest(content: Bytes): FoundManifest {
  const { setId, records } = readRecords(content, 1, MANIFEST_CHUNK_LOG2);
  const [head, ...rest] = records;
  demand(head?.type === 0x8010, 'no head behind BEGIN');
  const from = new Cursor(head.body);
  const [generation, created, keyEpoch] = [from.number(8), from.number(8), from.number(4)];
  const mediaKey = from.take(32);
  const commitments = [from.take(32), from.take(32)];
  const ancestors = from.list(2, (each) => ({
    generation: each.number(8),
    manifestId: each.take(32),
    commitments: [each.take(32), each.take(32)],
  }));
  demand(from.left === 0, 'a head with more behind it');
  const keys = rest.findIndex(({ type }) => type !== 0x8012);
  const wrapped = rest.slice(0, keys < 0 ? rest.length : keys).map(({ body }) => {
    demand(body.length === 36, 'a wrapped key of another length');
    return { keyEpoch: new Cursor(body).number(4), objectKey: body.slice(4) };
  });
  const table = tableOf(rest.slice(wrapped.length));
  const common = { setId, generation, created, keyEpoch, mediaKey, commitments, ancestors, wrapped };
  return { id: sha256(content), ...common, ...table };
}

/** Reads the content of a checkpoint. @throws Fault */
export function readCheckpoint(content: Bytes): FoundCheckpoint {
  const { setId, records } = readRecords(content, 3);
  const [head, ...rest] = records;
  demand(head?.type === 0x8030 && head.body.length === 36, 'no head behind BEGIN');
  const table = tableOf(rest);
  demand(
    table.entries.every(({ kind }) => kind === 'file'),
    'an entry of a checkpoint that is no file',
  );
  return {
    setId,
    mediaKey: head.body.slice(0, 32),
    keyEpoch: Number(`0x${toHex(head.body.slice(32))}`),
    ...table,
  };
}

/** CHECKPOINT_HEAD. */
export function checkpointHead(mediaKey: Uint8Array, keyEpoch = 1): Bytes {
  return record(0x8030, cat(mediaKey, be(4, keyEpoch)));
}

/** The content of a checkpoint: its head, and MANIFEST_OBJECT and MANIFEST_ENTRY records. */
export function checkpointContent(setId: Uint8Array, records: readonly Bytes[]): Bytes {
  return frame(2 ** 16, [begin(setId, 3), ...records, end(records)]);
}

/** A file of a pack as it was found. */
export interface FoundPacked {
  readonly path: string;
  readonly content: Bytes;
}

/** Reads the content of a pack: its files by their ranges, `position` and `length` with a colon. @throws Fault */
export function readPack(content: Bytes, setId: Bytes): ReadonlyMap<string, FoundPacked> {
  demand(content.length <= 2 ** 23, 'a pack of more than 2^23 bytes');
  const found = readRecords(content, 2);
  demand(same(found.setId, setId), 'a pack of another set');
  return new Map(
    found.records.map(({ type, body, position, length }) => {
      demand(type === 0x8020, `a record of type ${type.toString(16)} in a pack`);
      const from = new Cursor(body);
      const path = from.text(2);
      demand(path !== '' && path.length <= 4096, 'a packed file without a path');
      return [`${position}:${length}`, { path, content: from.take(from.left) }];
    }),
  );
}
