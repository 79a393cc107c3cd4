/**
 * Reading files out of packs (spec/set.md, "Reading a file"): those that are wanted, with as few reads as that takes.
 *
 * @module
 */
import { openRange, type ObjectReader } from '../container/index.ts';
import { free } from '../crypto/memory.ts';
import { isStrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { ObjectKey } from '../keys/object-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { RecordRange } from './framing.ts';
import type { FileEntry, ObjectReference } from './manifest.ts';
import { readHeader, requireObject } from './objects.ts';
import { PACKED_FILE, PackedFile } from './pack.ts';
import { decodeBody, RecordRangeReader } from './records.ts';
import { isFatal } from './scan.ts';
import { storageName, type Storage } from './storage.ts';

/** What lies between two files and is read with them, because another read costs more. */
const GAP = 1 << 16;
/** Most bytes that are read at once: they are held until the last file in them was read. */
const SPAN = 1 << 20;

/** Opens packs, one at a time: whoever asks for files in the order of {@link inStorageOrder} has each opened once. */
export class PackReader {
  readonly #storage: Storage;
  readonly #signal: AbortSignal | undefined;
  /** Parts of the content of each object that are read at once, in ascending order. */
  readonly #spans: ReadonlyMap<number, readonly RecordRange[]>;
  #pack: { readonly object: ObjectReference; readonly reader: ObjectReader } | undefined;
  #held: { readonly position: number; readonly content: Bytes } | undefined;

  /** `wanted` is what will be read; other files can be too. */
  constructor(storage: Storage, wanted: readonly FileEntry[], signal: AbortSignal | undefined) {
    this.#storage = storage;
    this.#spans = spansOf(wanted);
    this.#signal = signal;
  }

  /**
   * The content of a file.
   *
   * @param number that of the object
   * @throws StrongroomError `object-missing`, `object-mismatch`, `bad-record`, any code of reading a header or a range;
   *   `cancelled`
   */
  async read(
    number: number,
    object: ObjectReference,
    range: RecordRange,
    key: BackupKey | ObjectKey,
  ): Promise<Bytes> {
    const reader = await this.#open(object, key);
    const bytes = (await this.#fromSpan(reader, number, range)) ?? (await readAll(reader, range));
    const record = new RecordRangeReader(2 ** reader.header.chunkLog2, range, PACKED_FILE);
    record.push(bytes);
    const body = record.finish();
    const { content } = decodeBody(PackedFile, body);
    free(body);
    return content;
  }

  async #open(object: ObjectReference, key: BackupKey | ObjectKey): Promise<ObjectReader> {
    if (this.#pack?.object === object) return this.#pack.reader;
    this.#pack = undefined;
    this.#drop();
    const name = storageName(object.commitment);
    requireObject(await readHeader(this.#storage, name), object);
    const { length: objectLength, contentLength } = object;
    const source = {
      length: () => objectLength,
      read: (start: number, end: number) => this.#storage.read(name, start, end),
    };
    const reader = await openRange(source, {
      key,
      header: object,
      objectLength,
      contentLength,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    });
    this.#pack = { object, reader };
    return reader;
  }

  #drop(): void {
    if (this.#held !== undefined) free(this.#held.content);
    this.#held = undefined;
  }

  /** The range out of all that is read with it; undefined if that cannot be read, for some other file's damage. */
  async #fromSpan(reader: ObjectReader, number: number, range: RecordRange): Promise<Bytes | undefined> {
    const span = this.#spans.get(number)?.find((each) => contains(each, range)) ?? range;
    if (this.#held?.position !== span.position) {
      this.#drop();
      try {
        this.#held = { position: span.position, content: await readAll(reader, span) };
      } catch (error) {
        if (!isStrongroomError(error) || isFatal(error.code)) throw error;
        return undefined;
      }
    }
    const at = range.position - span.position;
    return this.#held.content.subarray(at, at + range.length);
  }
}

/** The files in the order in which their objects are named and they lie in packs. */
export function inStorageOrder(files: readonly FileEntry[]): readonly FileEntry[] {
  return files.toSorted((a, b) => {
    const [one, other] = [a.parts[0], b.parts[0]];
    const byObject = (one?.object ?? 0) - (other?.object ?? 0);
    return byObject || (one?.range?.position ?? 0) - (other?.range?.position ?? 0);
  });
}

const endOf = ({ position, length }: RecordRange): number => position + length;
const contains = (span: RecordRange, range: RecordRange): boolean =>
  span.position <= range.position && endOf(range) <= endOf(span);

/** The ranges of files, joined to spans. */
function spansOf(wanted: readonly FileEntry[]): Map<number, RecordRange[]> {
  const spans = new Map<number, RecordRange[]>();
  for (const { parts } of inStorageOrder(wanted)) {
    const [part] = parts;
    if (part?.range === undefined) continue;
    const { object, range } = part;
    const list = spans.get(object) ?? [];
    spans.set(object, list);
    const last = list.at(-1);
    const end = Math.max(endOf(range), last === undefined ? 0 : endOf(last));
    const joins = last !== undefined && range.position - endOf(last) <= GAP && end - last.position <= SPAN;
    if (joins) list[list.length - 1] = { position: last.position, length: end - last.position };
    else list.push(range);
  }
  return spans;
}

async function readAll(reader: ObjectReader, { position, length }: RecordRange): Promise<Bytes> {
  const content = new Uint8Array(length);
  let at = 0;
  for await (const piece of reader.read(position, length)) {
    content.set(piece, at);
    at += piece.length;
    free(piece);
  }
  return content;
}
