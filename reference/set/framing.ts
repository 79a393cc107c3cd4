/**
 * Fragments (spec/records.md, "Writing" step 2 and "Reading" steps 1 to 8): how records lie in chunks, whatever they
 * mean. No fragment crosses a chunk, so that a lost chunk costs only the records that touch it.
 *
 * @module
 */
import { free } from '../crypto/memory.ts';
import { StrongroomError } from '../errors.ts';
import { isZero, type Bytes } from '../wire/bytes.ts';
import { Input } from '../wire/codec.ts';

/** Longest record in bytes, its type and codec included. */
export const MAX_RECORD_LENGTH: number = 2 ** 20;
/** Length in bytes of type and codec. */
export const RECORD_HEADER = 3;

/** Where a record lies in the content of its object. */
export interface RecordRange {
  /** Offset in bytes of its first fragment. */
  readonly position: number;
  /** Bytes up to the end of its last fragment. */
  readonly length: number;
}

/** A record as it stands in the object. */
export interface RawRecord {
  readonly type: number;
  readonly codec: number;
  readonly body: Bytes;
  readonly range: RecordRange;
}

const FRAGMENT_HEADER = 4;
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

/** A `bad-record` error. */
export function bad(message: string, offset?: number): StrongroomError {
  return new StrongroomError('bad-record', message, offset === undefined ? {} : { offset });
}

/** Cuts records into fragments. */
export class FragmentWriter {
  readonly #chunkSize: number;
  #position = 0;

  constructor(chunkSize: number) {
    this.#chunkSize = chunkSize;
  }

  /**
   * Appends to `out` the content that holds one record; `body` goes in as it is, without a copy.
   *
   * @returns where the record lies
   * @throws StrongroomError `limit-exceeded` if the record is longer than 1 MiB
   */
  write(out: Uint8Array[], type: number, codec: number, body: Uint8Array): RecordRange {
    const length = RECORD_HEADER + body.length;
    if (length > MAX_RECORD_LENGTH) {
      throw new StrongroomError('limit-exceeded', `a record takes at most ${MAX_RECORD_LENGTH} bytes`);
    }
    const header = Uint8Array.of(type >> 8, type, codec);
    let position = -1;
    for (let at = 0; at < length;) {
      const left = this.#chunkSize - (this.#position % this.#chunkSize);
      if (left <= FRAGMENT_HEADER) {
        out.push(new Uint8Array(left));
        this.#position += left;
        continue;
      }
      if (at === 0) position = this.#position;
      const n = Math.min(length - at, left - FRAGMENT_HEADER);
      const last = at + n === length;
      const kind = at === 0 ? (last ? FULL : FIRST) : last ? LAST : MIDDLE;
      out.push(Uint8Array.of(kind, n >> 16, n >> 8, n));
      if (at < RECORD_HEADER) out.push(header.subarray(at, at + n));
      const [from, to] = [Math.max(at, RECORD_HEADER), at + n];
      if (from < to) out.push(body.subarray(from - RECORD_HEADER, to - RECORD_HEADER));
      this.#position += FRAGMENT_HEADER + n;
      at += n;
    }
    return { position, length: this.#position - position };
  }
}

/** Puts records together from fragments. Memory is bounded by one record. */
export class FragmentReader {
  readonly #chunkSize: number;
  #position: number;
  #header = new Uint8Array(FRAGMENT_HEADER);
  /** Bytes of the fragment header that were read. */
  #headerLength = 0;
  #kind = 0;
  #fragmentLeft = 0;
  /** Bytes up to the end of the chunk that must be zero. */
  #zerosLeft = 0;
  /** A record has begun, and its first `#length` bytes are in `#record`. */
  #open = false;
  #record = new Uint8Array(1024);
  #length = 0;
  #start = 0;
  /** Content was lost: what is left of the record that was cut is passed over. */
  #lost = false;

  /** `chunkSize` is that of the object in bytes; `position` is where in its content reading begins. */
  constructor(chunkSize: number, position = 0) {
    this.#chunkSize = chunkSize;
    this.#position = position;
  }

  /** Where in the content the next byte belongs. */
  get position(): number {
    return this.#position;
  }

  /** True between records. */
  get idle(): boolean {
    return !this.#open;
  }

  /** The next whole record; undefined when the input is used up. @throws StrongroomError `bad-record` */
  next(input: Input): RawRecord | undefined {
    while (input.left > 0) {
      if (this.#zerosLeft > 0) this.#skipZeros(input);
      else if (this.#fragmentLeft === 0) this.#readHeader(input);
      else {
        this.#readFragment(input);
        if (this.#fragmentLeft === 0 && (this.#kind === FULL || this.#kind === LAST)) {
          const record = this.#close();
          if (record !== undefined) return record;
        }
      }
    }
    return undefined;
  }

  /**
   * Tells that the next `length` bytes of the content, up to the end of a chunk, are not to be had. The record that
   * they cut is dropped; reading goes on with the first record that begins after them.
   */
  lose(length: number): void {
    this.#position += length;
    this.#headerLength = 0;
    this.#fragmentLeft = 0;
    this.#zerosLeft = 0;
    this.#open = false;
    this.#lost = true;
  }

  /** Gives memory back once no more content comes. */
  end(): void {
    free(this.#record);
  }

  #take(input: Input, length: number): Uint8Array {
    const taken = input.take(Math.min(input.left, length), 'content');
    this.#position += taken.length;
    return taken;
  }

  #leftInChunk(): number {
    return this.#chunkSize - (this.#position % this.#chunkSize);
  }

  #skipZeros(input: Input): void {
    const zeros = this.#take(input, this.#zerosLeft);
    if (!isZero(zeros)) throw bad('the rest of a chunk is not zero', this.#position);
    this.#zerosLeft -= zeros.length;
  }

  #readHeader(input: Input): void {
    if (this.#headerLength === 0 && this.#leftInChunk() <= FRAGMENT_HEADER) {
      this.#zerosLeft = this.#leftInChunk();
      return;
    }
    const part = this.#take(input, this.#headerLength === 0 ? 1 : FRAGMENT_HEADER - this.#headerLength);
    this.#header.set(part, this.#headerLength);
    this.#headerLength += part.length;
    const [kind = 0, high = 0, middle = 0, low = 0] = this.#header;
    if (kind === 0) {
      this.#headerLength = 0;
      this.#zerosLeft = this.#leftInChunk();
      return;
    }
    if (kind > LAST) throw bad(`fragment kind ${kind}`, this.#position);
    if (this.#headerLength < FRAGMENT_HEADER) return;
    this.#headerLength = 0;
    this.#begin(kind, high * 65536 + middle * 256 + low);
  }

  #begin(kind: number, n: number): void {
    const left = this.#leftInChunk();
    if (n === 0 || n > left) throw bad(`a fragment of ${n} bytes where ${left} are left`, this.#position);
    const begins = kind === FULL || kind === FIRST;
    if (begins) this.#lost = false;
    if (begins === this.#open && !this.#lost) {
      throw bad(`fragment kind ${kind} in the wrong place`, this.#position);
    }
    if (begins) {
      this.#open = true;
      this.#length = 0;
      this.#start = this.#position - FRAGMENT_HEADER;
    }
    if (this.#open && this.#length + n > MAX_RECORD_LENGTH) {
      throw bad('a record is longer than 1 MiB', this.#position);
    }
    this.#kind = kind;
    this.#fragmentLeft = n;
  }

  #readFragment(input: Input): void {
    const part = this.#take(input, this.#fragmentLeft);
    this.#fragmentLeft -= part.length;
    if (!this.#open) return;
    const length = this.#length + part.length;
    if (length > this.#record.length) {
      const larger = new Uint8Array(Math.min(Math.max(length, 2 * this.#record.length), MAX_RECORD_LENGTH));
      larger.set(this.#record.subarray(0, this.#length));
      this.#record = larger;
    }
    this.#record.set(part, this.#length);
    this.#length = length;
  }

  /** The record that has come to its end; undefined if its beginning was lost. */
  #close(): RawRecord | undefined {
    this.#lost = false;
    if (!this.#open) return undefined;
    this.#open = false;
    const [high = 0, low = 0, codec = 0] = this.#record;
    const type = typeOf(high, low, this.#length, this.#position);
    const body = this.#record.slice(RECORD_HEADER, this.#length);
    return { type, codec, body, range: { position: this.#start, length: this.#position - this.#start } };
  }
}

/** The type of a record of `length` bytes. @throws StrongroomError `bad-record` if there is no such record */
export function typeOf(high: number, low: number, length: number, offset: number): number {
  if (length < RECORD_HEADER) throw bad('a record without type and codec', offset);
  const type = high * 256 + low;
  if (type === 0 || type === 0x8000) throw bad('record type 0', offset);
  return type;
}
