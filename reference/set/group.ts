/**
 * Groups (spec/records.md, "Groups"): records of one trust source, compressed together.
 *
 * @module
 */
import { deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { StrongroomError } from '../errors.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { bad, MAX_RECORD_LENGTH, RECORD_HEADER, typeOf, type RawRecord } from './framing.ts';

/** Type of the record that holds other records. */
export const GROUP = 0x8003;
/** The codec of a body that stands there as it is. */
export const CODEC_NONE = 0;
/** The codec of a group that is raw DEFLATE (RFC 1951). */
export const CODEC_DEFLATE = 1;

const RAW_LENGTH = 4;
const INNER_LENGTH = 3;
/** Most bytes that a group takes from a writer: as many as fit into one record if they do not shrink. */
const MAX_GROUP_LENGTH = MAX_RECORD_LENGTH - RECORD_HEADER - RAW_LENGTH;

/**
 * Collects the records of one group. All of them must come from one trust source: lengths show how alike they are,
 * so whoever can add a record could find out what the others say.
 */
export class Group {
  /** The length, then the records. */
  #buffer: Bytes = new Uint8Array(RAW_LENGTH + 65536);
  #length = 0;
  #records = 0;

  /** Number of records in it. */
  get records(): number {
    return this.#records;
  }

  /** Sum of their lengths in bytes, types and codecs included. */
  get bytes(): number {
    return this.#length - this.#records * INNER_LENGTH;
  }

  /** Bytes of the group before compression. */
  get length(): number {
    return this.#length;
  }

  /** Adds a record, which is copied. @returns false, and adds nothing, if the group has no room for it */
  add(type: number, body: Uint8Array): boolean {
    const length = RECORD_HEADER + body.length;
    const end = this.#length + INNER_LENGTH + length;
    if (end > MAX_GROUP_LENGTH) return false;
    if (RAW_LENGTH + end > this.#buffer.length) {
      const larger = new Uint8Array(RAW_LENGTH + Math.min(2 * end, MAX_GROUP_LENGTH));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const head = [length >> 16, length >> 8, length, type >> 8, type, CODEC_NONE];
    this.#buffer.set(head, RAW_LENGTH + this.#length);
    this.#buffer.set(body, RAW_LENGTH + end - body.length);
    this.#length = end;
    this.#records++;
    return true;
  }

  /** Codec and body of the GROUP record: compressed if that is shorter. The body may be a view of the group. */
  encode(): { readonly codec: number; readonly body: Uint8Array } {
    const whole = this.#buffer.subarray(0, RAW_LENGTH + this.#length);
    new DataView(whole.buffer).setUint32(0, this.#length);
    const data = deflate(whole.subarray(RAW_LENGTH));
    if (data.length >= this.#length) return { codec: CODEC_NONE, body: whole };
    return { codec: CODEC_DEFLATE, body: concat(whole.subarray(0, RAW_LENGTH), data) };
  }

  /** Empties it for the next group. */
  clear(): void {
    this.#length = 0;
    this.#records = 0;
  }
}

/** Most groups are small: an engine with a window and tables of their size is made many times faster. */
function deflate(raw: Bytes): Uint8Array {
  const windowBits = Math.min(Math.max(Math.ceil(Math.log2(raw.length)), 9), 15);
  const memLevel = Math.min(windowBits - 6, 8);
  return deflateRawSync(raw, { windowBits, memLevel, chunkSize: Math.max(64, raw.length) });
}

/**
 * The records in a group, in order. No more than `raw_length` + 64 bytes are made of it, whatever it holds.
 *
 * @throws StrongroomError `bad-record`, `unsupported-codec`
 */
export function* recordsOf(group: RawRecord): Generator<RawRecord, void, undefined> {
  const { range } = group;
  const raw = decode(group);
  for (let at = 0; at < raw.length;) {
    const [a = 0, b = 0, c = 0, high = 0, low = 0, codec = 0] = raw.subarray(at, at + 6);
    const length = a * 65536 + b * 256 + c;
    const start = at + INNER_LENGTH;
    at = start + length;
    if (at > raw.length) throw bad('a record passes the end of its group', range.position);
    const type = typeOf(high, low, length, range.position);
    yield { type, codec, body: raw.subarray(start + RECORD_HEADER, at), range };
  }
}

/** The bytes that were compressed. */
function decode({ codec, body, range }: RawRecord): Bytes {
  const offset = range.position;
  if (codec !== CODEC_NONE && codec !== CODEC_DEFLATE) {
    throw new StrongroomError('unsupported-codec', `codec ${codec} of a group`, { offset });
  }
  if (body.length < RAW_LENGTH) throw bad('a group without a length', offset);
  const rawLength = new DataView(body.buffer, body.byteOffset).getUint32(0);
  if (rawLength === 0 || rawLength > MAX_RECORD_LENGTH) throw bad(`a group of ${rawLength} bytes`, offset);
  const data = body.subarray(RAW_LENGTH);
  const raw = codec === CODEC_DEFLATE ? inflate(data, rawLength, offset) : data;
  if (raw.length !== rawLength) throw bad(`a group of ${raw.length} bytes, not ${rawLength}`, offset);
  return raw;
}

/** What `info` adds to the answer of `zlib`. */
interface Inflated {
  readonly buffer: Bytes;
  /** `bytesWritten` counts the input that was used. */
  readonly engine: { readonly bytesWritten: number };
}

function inflate(data: Uint8Array, rawLength: number, offset: number): Bytes {
  // One piece of output, with room for one byte too many: the engine stops there. It takes no piece below 64 bytes.
  const chunkSize = Math.max(64, rawLength + 1);
  const options: ZlibOptions = { info: true, maxOutputLength: rawLength, chunkSize };
  let inflated: Inflated;
  try {
    inflated = inflateRawSync(data, options) as never;
  } catch (cause) {
    throw new StrongroomError(
      'bad-record',
      'a group does not decompress to its length',
      { offset },
      { cause },
    );
  }
  if (inflated.engine.bytesWritten !== data.length)
    throw bad('something follows the data of a group', offset);
  const { buffer, byteOffset, length } = inflated.buffer;
  return new Uint8Array(buffer, byteOffset, length);
}
