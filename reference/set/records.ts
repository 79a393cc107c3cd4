/**
 * Records inside a sealed object (spec/records.md): BEGIN, then what the schema says, one by one or in groups, then END.
 *
 * @module
 */
import { Once } from '../container/once.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import { decode, encode, Input, opaque, struct, u16, u32, u64, type Codec } from '../wire/codec.ts';
import {
  bad,
  FragmentReader,
  FragmentWriter,
  RECORD_HEADER,
  type RawRecord,
  type RecordRange,
} from './framing.ts';
import { CODEC_NONE, GROUP, recordsOf, type Group } from './group.ts';

/** The bit of a record type that makes it critical: a reader that does not know it refuses the object. */
export const CRITICAL_RECORD = 0x8000;
/** Type of the record that every records object begins with. */
export const BEGIN = 0x8001;
/** Type of the record that every records object ends with. */
export const END = 0x8002;

/** The first record: what the object holds and where it belongs. */
export interface Begin {
  /** 16 bytes: the set that the object belongs to. */
  readonly setId: Bytes;
  /** 1 to `volumes`. */
  readonly volume: number;
  readonly volumes: number;
  /** What the other records mean (spec/registries.md). */
  readonly schema: number;
}

/** `Begin` on the wire. */
export const Begin: Codec<Begin> = struct<Begin>('Begin', {
  setId: opaque(16, 'set_id'),
  volume: u32,
  volumes: u32,
  schema: u16,
});

interface End {
  readonly records: number;
  readonly bytes: number;
}

const End: Codec<End> = struct<End>('End', { records: u64, bytes: u64 });

/** A record whose type the reader knows. */
export interface RecordItem {
  readonly type: number;
  readonly body: Bytes;
  /** Where it lies in the content. Records of one group lie where the group lies. */
  readonly range: RecordRange;
}

/** Frames records one after the other; what it returns, joined, is the content of the object. */
export class RecordWriter {
  readonly #fragments: FragmentWriter;
  #begin: Bytes | undefined;
  #range: RecordRange = { position: 0, length: 0 };
  #records = 0;
  #bytes = 0;

  /** `chunkSize` is the plaintext chunk size in bytes of the object that will hold the records. */
  constructor(chunkSize: number, begin: Begin) {
    this.#fragments = new FragmentWriter(chunkSize);
    this.#begin = encode(Begin, begin);
  }

  /** Where the record that was written last lies in the content. */
  get range(): RecordRange {
    return this.#range;
  }

  /**
   * The next parts of the content. `body` is one of them: it must not change before they are used.
   *
   * @throws StrongroomError `limit-exceeded` if the record is longer than 1 MiB
   */
  write(type: number, body: Uint8Array): Uint8Array[] {
    const out = this.#write(type, CODEC_NONE, body);
    this.#records++;
    this.#bytes += RECORD_HEADER + body.length;
    return out;
  }

  /** The next parts of the content: the records of a group, compressed. */
  writeGroup(group: Group): Uint8Array[] {
    const { codec, body } = group.encode();
    const out = this.#write(GROUP, codec, body);
    this.#records += group.records;
    this.#bytes += group.bytes;
    return out;
  }

  /** The last parts of the content. */
  end(): Uint8Array[] {
    return this.#write(END, CODEC_NONE, encode(End, { records: this.#records, bytes: this.#bytes }));
  }

  #write(type: number, codec: number, body: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = [];
    if (this.#begin !== undefined) this.#fragments.write(out, BEGIN, CODEC_NONE, this.#begin);
    this.#range = this.#fragments.write(out, type, codec, body);
    this.#begin = undefined;
    return out;
  }
}

/**
 * Takes the content of a records object in pieces of any size and returns its records. Memory is bounded by one
 * record and one group. After an error every later call throws the same error.
 */
export class RecordReader {
  readonly #fragments: FragmentReader;
  readonly #known: ReadonlySet<number>;
  readonly #once = new Once();
  #begin: Begin | undefined;
  #ended = false;
  #records = 0;
  #bytes = 0;

  /** `known` lists the record types that the caller handles; `chunkSize` is that of the object, in bytes. */
  constructor(chunkSize: number, known: readonly number[]) {
    this.#fragments = new FragmentReader(chunkSize);
    this.#known = new Set(known);
  }

  /** The first record, once it was read. */
  get begin(): Begin | undefined {
    return this.#begin;
  }

  /**
   * Takes more content; yields the records that it completes, without those that are unknown and not critical. All
   * must be taken: a small group can hold very many records, so each is made when it is asked for.
   *
   * @throws StrongroomError `bad-record`, `unknown-critical-record`, `unsupported-codec`
   */
  push(content: Uint8Array): Generator<RecordItem, void, undefined> {
    return this.#once.run(this.#take(content));
  }

  /** Ends the content. @throws StrongroomError `bad-record` if the END record was not its last */
  finish(): void {
    this.#once.run(this.#finish(), true).next();
  }

  *#take(content: Uint8Array): Generator<RecordItem, void, undefined> {
    const input = new Input(content);
    while (input.left > 0) {
      if (this.#ended) throw bad('something follows the END record', this.#fragments.position);
      const record = this.#fragments.next(input);
      if (record !== undefined) yield* this.#record(record);
    }
  }

  // oxlint-disable-next-line require-yield -- ends the object like every other step
  *#finish(): Generator<never, void, undefined> {
    if (!this.#ended) throw bad('the content ends without an END record', this.#fragments.position);
  }

  *#record(record: RawRecord): Generator<RecordItem, void, undefined> {
    const { type, body, range } = record;
    if ((type === BEGIN) !== (this.#begin === undefined)) {
      throw bad('the first record, and no other, must be BEGIN', range.position);
    }
    if (type === GROUP) {
      for (const inner of recordsOf(record)) {
        if (inner.type === BEGIN || inner.type === END || inner.type === GROUP) {
          throw bad(`record type 0x${inner.type.toString(16)} in a group`, range.position);
        }
        if (this.#isKnown(inner)) yield { type: inner.type, body: inner.body, range };
      }
    } else if (type === BEGIN || type === END) {
      requireNoCodec(record);
      if (type === BEGIN) this.#setBegin(decodeBody(Begin, body), range);
      else this.#end(decodeBody(End, body), range);
    } else if (this.#isKnown(record)) yield { type, body, range };
  }

  /** Counts a record. @throws StrongroomError `unknown-critical-record`, `unsupported-codec` */
  #isKnown(record: RawRecord): boolean {
    const { type, body } = record;
    this.#records++;
    this.#bytes += RECORD_HEADER + body.length;
    if (this.#known.has(type)) {
      requireNoCodec(record);
      return true;
    }
    if (type < CRITICAL_RECORD) return false;
    const subject = `0x${type.toString(16)}`;
    throw new StrongroomError('unknown-critical-record', `record type ${subject} is critical`, { subject });
  }

  #setBegin(begin: Begin, { position }: RecordRange): void {
    if (begin.volume < 1 || begin.volume > begin.volumes) {
      throw bad(`volume ${begin.volume} of ${begin.volumes}`, position);
    }
    this.#begin = begin;
  }

  #end(end: End, { position }: RecordRange): void {
    if (end.records !== this.#records || end.bytes !== this.#bytes) {
      throw bad('the END record counts other records than were there', position);
    }
    this.#ended = true;
  }
}

/** Reads the one record of a known range, whose content it takes in pieces of any size. */
export class RecordRangeReader {
  readonly #fragments: FragmentReader;
  readonly #range: RecordRange;
  readonly #type: number;
  readonly #once = new Once();
  #body: Bytes | undefined;

  /** `type` is that of the record; `chunkSize` is that of the object, in bytes. */
  constructor(chunkSize: number, range: RecordRange, type: number) {
    this.#fragments = new FragmentReader(chunkSize, range.position);
    this.#range = range;
    this.#type = type;
  }

  /** Takes more content, from the first byte of the range on. @throws StrongroomError `bad-record`, `unsupported-codec` */
  push(content: Uint8Array): void {
    this.#once.run(this.#take(content)).next();
  }

  /** The body of the record, once all of its range was given. @throws StrongroomError `bad-record` if it is not whole */
  finish(): Bytes {
    const { value } = this.#once.run(this.#finish(), true).next();
    return value;
  }

  // oxlint-disable require-yield -- steps of one reading, which hand out nothing before its end
  *#take(content: Uint8Array): Generator<never, void, undefined> {
    const input = new Input(content);
    while (input.left > 0) {
      if (this.#body !== undefined) throw bad('something follows the record', this.#fragments.position);
      const record = this.#fragments.next(input);
      if (record === undefined) return;
      const { position, length } = record.range;
      if (position !== this.#range.position || length !== this.#range.length) {
        throw bad('the range is not that of the record', position);
      }
      if (record.type !== this.#type) throw bad('the record is of another type', position);
      requireNoCodec(record);
      this.#body = record.body;
    }
  }

  *#finish(): Generator<never, Bytes, undefined> {
    if (this.#body === undefined) throw bad('the range holds no whole record', this.#fragments.position);
    this.#fragments.end();
    return this.#body;
  }
  // oxlint-enable require-yield
}

function requireNoCodec({ codec, range }: RawRecord): void {
  if (codec === CODEC_NONE) return;
  throw new StrongroomError('unsupported-codec', `codec ${codec}`, { offset: range.position });
}

/** The body of a record as its structure. @throws StrongroomError `bad-record` if it does not follow it */
export function decodeBody<T>(codec: Codec<T>, body: Uint8Array): T {
  try {
    return decode(codec, body);
  } catch (cause) {
    if (!isStrongroomError(cause, 'malformed')) throw cause;
    throw new StrongroomError('bad-record', `${codec.name}: ${cause.message}`, {}, { cause });
  }
}
