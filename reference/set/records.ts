/**
 * Records framed inside a sealed object (spec/records.md). No fragment crosses a chunk, so that a lost chunk costs
 * only the records that touch it.
 *
 * @module
 */
import { isStrongroomError, StrongroomError } from '../errors.ts';
import { concat, isZero, type Bytes } from '../wire/bytes.ts';
import { decode, encode, Input, opaque, struct, u16, u24, u32, u64, u8, type Codec } from '../wire/codec.ts';

/** Longest record in bytes, its type and codec included. */
export const MAX_RECORD_LENGTH: number = 2 ** 20;
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
}

const FRAGMENT_HEADER = 4;
const RECORD_HEADER = 3;
const CODEC_NONE = 0;
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

function bad(message: string, offset?: number): StrongroomError {
  return new StrongroomError('bad-record', message, offset === undefined ? {} : { offset });
}

/** Frames records one after the other; what it returns, joined, is the content of the object. */
export class RecordWriter {
  readonly #chunkSize: number;
  #position = 0;
  #begin: Bytes;
  #records = 0;
  #bytes = 0;

  /** `chunkSize` is the plaintext chunk size in bytes of the object that will hold the records. */
  constructor(chunkSize: number, begin: Begin) {
    this.#chunkSize = chunkSize;
    this.#begin = record(BEGIN, encode(Begin, begin));
  }

  /** The next part of the content. @throws StrongroomError `limit-exceeded` if the record is longer than 1 MiB */
  write(type: number, body: Uint8Array): Bytes {
    const whole = record(type, body);
    this.#records++;
    this.#bytes += whole.length;
    return concat(...this.#open(), ...this.#frame(whole));
  }

  /** The last part of the content. */
  end(): Bytes {
    const whole = record(END, encode(End, { records: this.#records, bytes: this.#bytes }));
    return concat(...this.#open(), ...this.#frame(whole));
  }

  #open(): Bytes[] {
    const begin = this.#begin;
    this.#begin = new Uint8Array();
    return begin.length === 0 ? [] : this.#frame(begin);
  }

  #frame(whole: Bytes): Bytes[] {
    const parts: Bytes[] = [];
    let at = 0;
    while (at < whole.length) {
      const left = this.#chunkSize - (this.#position % this.#chunkSize);
      if (left <= FRAGMENT_HEADER) {
        parts.push(new Uint8Array(left));
        this.#position += left;
        continue;
      }
      const length = Math.min(whole.length - at, left - FRAGMENT_HEADER);
      const last = at + length === whole.length;
      const kind = at === 0 ? (last ? FULL : FIRST) : last ? LAST : MIDDLE;
      parts.push(encode(u8, kind), encode(u24, length), whole.subarray(at, at + length));
      this.#position += FRAGMENT_HEADER + length;
      at += length;
    }
    return parts;
  }
}

function record(type: number, body: Uint8Array): Bytes {
  if (RECORD_HEADER + body.length > MAX_RECORD_LENGTH) {
    throw new StrongroomError('limit-exceeded', `a record takes at most ${MAX_RECORD_LENGTH} bytes`);
  }
  return concat(encode(u16, type), encode(u8, CODEC_NONE), body);
}

/**
 * Takes the content of a records object in pieces of any size and returns its records. Memory is bounded by one
 * record. After an error every later call throws the same error.
 */
export class RecordReader {
  readonly #chunkSize: number;
  readonly #known: ReadonlySet<number>;
  #position = 0;
  /** The fragment header as far as it was read. */
  #head: number[] = [];
  #kind = 0;
  #fragmentLeft = 0;
  /** Bytes up to the end of the chunk that must be zero. */
  #zerosLeft = 0;
  /** The record so far; undefined between records. */
  #parts: Uint8Array[] | undefined;
  #length = 0;
  #begin: Begin | undefined;
  #ended = false;
  #records = 0;
  #bytes = 0;
  #error: unknown;

  /** `known` lists the record types that the caller handles; `chunkSize` is that of the object, in bytes. */
  constructor(chunkSize: number, known: readonly number[]) {
    this.#chunkSize = chunkSize;
    this.#known = new Set(known);
  }

  /** The first record, once it was read. */
  get begin(): Begin | undefined {
    return this.#begin;
  }

  /**
   * Takes more content; returns the records that it completes, without those that are unknown and not critical.
   *
   * @throws StrongroomError `bad-record`, `unknown-critical-record`, `unsupported-codec`
   */
  push(content: Uint8Array): RecordItem[] {
    return this.#guard(() => this.#take(content));
  }

  /** Ends the content. @throws StrongroomError `bad-record` if the END record was not its last */
  finish(): void {
    this.#guard(() => {
      if (!this.#ended) throw bad('the content ends without an END record', this.#position);
    });
  }

  #guard<T>(step: () => T): T {
    if (this.#error !== undefined) throw this.#error;
    try {
      return step();
    } catch (error) {
      this.#error = error;
      throw error;
    }
  }

  #take(content: Uint8Array): RecordItem[] {
    const items: RecordItem[] = [];
    const input = new Input(content);
    while (input.left > 0) {
      if (this.#ended) throw bad('something follows the END record', this.#position);
      const before = input.offset;
      if (this.#zerosLeft > 0) this.#skipZeros(input);
      else if (this.#fragmentLeft > 0) this.#fragment(input, items);
      else this.#header(input);
      this.#position += input.offset - before;
    }
    return items;
  }

  #skipZeros(input: Input): void {
    const zeros = input.take(Math.min(input.left, this.#zerosLeft), 'zeros');
    if (!isZero(zeros)) throw bad('the rest of a chunk is not zero', this.#position);
    this.#zerosLeft -= zeros.length;
  }

  #header(input: Input): void {
    if (this.#head.length === 0) {
      const left = this.#chunkSize - (this.#position % this.#chunkSize);
      if (left <= FRAGMENT_HEADER) {
        this.#zerosLeft = left;
        return;
      }
    }
    const [byte = 0] = input.take(1, 'fragment header');
    this.#head.push(byte);
    const [kind = 0, high = 0, middle = 0, low = 0] = this.#head;
    if (this.#head.length === 1 && kind === 0) {
      this.#head = [];
      this.#zerosLeft = this.#chunkSize - (this.#position % this.#chunkSize) - 1;
      return;
    }
    if (kind > LAST) throw bad(`fragment kind ${kind}`, this.#position);
    if (this.#head.length < FRAGMENT_HEADER) return;
    this.#head = [];
    this.#startFragment(kind, high * 65536 + middle * 256 + low);
  }

  #startFragment(kind: number, length: number): void {
    const left = this.#chunkSize - (this.#position % this.#chunkSize) - 1;
    if (length === 0 || length > left) {
      throw bad(`a fragment of ${length} bytes where ${left} are left`, this.#position);
    }
    if ((kind === FULL || kind === FIRST) !== (this.#parts === undefined)) {
      throw bad(`fragment kind ${kind} in the wrong place`, this.#position);
    }
    this.#parts ??= [];
    this.#length += length;
    if (this.#length > MAX_RECORD_LENGTH) throw bad('a record is longer than 1 MiB', this.#position);
    this.#kind = kind;
    this.#fragmentLeft = length;
  }

  #fragment(input: Input, items: RecordItem[]): void {
    const part = input.take(Math.min(input.left, this.#fragmentLeft), 'fragment');
    this.#parts?.push(new Uint8Array(part));
    this.#fragmentLeft -= part.length;
    if (this.#fragmentLeft > 0 || this.#kind === FIRST || this.#kind === MIDDLE) return;
    const whole = concat(...(this.#parts ?? []));
    this.#parts = undefined;
    this.#length = 0;
    const item = this.#record(whole);
    if (item !== undefined) items.push(item);
  }

  #record(whole: Bytes): RecordItem | undefined {
    if (whole.length < RECORD_HEADER) throw bad('a record without type and codec', this.#position);
    const input = new Input(whole);
    const type = u16.read(input);
    const codec = u8.read(input);
    const body = whole.subarray(RECORD_HEADER);
    if ((type | CRITICAL_RECORD) === CRITICAL_RECORD) throw bad('record type 0', this.#position);
    if ((type === BEGIN) !== (this.#begin === undefined)) {
      throw bad('the first record, and no other, must be BEGIN', this.#position);
    }
    const known = type === BEGIN || type === END || this.#known.has(type);
    if (!known && type >= CRITICAL_RECORD) {
      const subject = `0x${type.toString(16)}`;
      throw new StrongroomError('unknown-critical-record', `record type ${subject} is critical`, { subject });
    }
    if (known && codec !== CODEC_NONE) {
      throw new StrongroomError('unsupported-codec', `codec ${codec}`, { offset: this.#position });
    }
    if (type === BEGIN) this.#setBegin(decodeBody(Begin, body));
    else if (type === END) this.#end(decodeBody(End, body));
    else {
      this.#records++;
      this.#bytes += whole.length;
      if (known) return { type, body };
    }
    return undefined;
  }

  #setBegin(begin: Begin): void {
    if (begin.volume < 1 || begin.volume > begin.volumes) {
      throw bad(`volume ${begin.volume} of ${begin.volumes}`, this.#position);
    }
    this.#begin = begin;
  }

  #end(end: End): void {
    if (end.records !== this.#records || end.bytes !== this.#bytes) {
      throw bad('the END record counts other records than were there', this.#position);
    }
    this.#ended = true;
  }
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
