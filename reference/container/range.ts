/**
 * Random access (spec/container.md, "Pre-flight" and "Reading a range"): parts of the content of an object, from whatever
 * gives parts of its bytes. Each part is authentic and in its place, whatever happened to the rest of the object.
 *
 * @module
 */
import { TAG_LENGTH } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import { concat, copy, wipe, type Bytes } from '../wire/bytes.ts';
import { chunkCipher, type ChunkCipher } from './chunk.ts';
import { encodeHeader, MAX_HEADER_LENGTH, parseHeader, type HeaderInfo } from './header.ts';
import { divide, planRange, type Layout } from './layout.ts';
import { cancelled } from './once.ts';
import { MAX_PLAINTEXT_LENGTH } from './padding.ts';
import { checkArguments } from './stream-key.ts';
import {
  MIN_FINAL_LENGTH,
  openFinal,
  verifiedKey,
  type FinalChunk,
  type OpenOptions,
  type Verified,
} from './verify.ts';

/** Random access to the bytes of an object: memory, a file, a server. Nothing that it says or gives is believed. */
export interface ByteSource {
  /** Length of the object in bytes, as the source says. */
  length(signal?: AbortSignal): Promise<number> | number;
  /**
   * The bytes from `start` up to `end` (exclusive), in pieces of any length; fewer if the object ends before. A piece may
   * be overwritten when the next one is asked for.
   */
  read(start: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** How to read ranges. */
export interface RangeOptions extends OpenOptions {
  /** Prefix and commitment of the object, if an authenticated source has told: the header is then not read. */
  readonly header?: { readonly prefix: Uint8Array; readonly commitment: Uint8Array };
  /** Length in bytes of the content, if an authenticated source has told: ranges then need no pre-flight. */
  readonly contentLength?: number;
}

/**
 * Begins to read ranges of an object: its header first.
 *
 * @throws StrongroomError `invalid-key`, `limit-exceeded`, and with the codes of spec/container.md, "Reading", steps 1 to 12;
 *   `truncated` if the header is not all there; `cancelled`, and what the source throws
 */
export async function openRange(source: ByteSource, options: RangeOptions): Promise<ObjectReader> {
  checkArguments(options.key, options.context ?? new Uint8Array());
  const header = await headerOf(source, options);
  const derived = verifiedKey(header, options);
  const cipher = chunkCipher({ ...derived, chunkLog2: header.chunkLog2 }, options.engine);
  wipe(derived.key, derived.baseNonce);
  return new Reader(source, options, header, cipher);
}

async function headerOf(source: ByteSource, options: RangeOptions): Promise<HeaderInfo> {
  const { header: known, objectLength = Infinity, engine = nodeEngine, signal } = options;
  let bytes: Bytes = new Uint8Array();
  if (known !== undefined) bytes = encodeHeader(copy(known.prefix), copy(known.commitment), engine);
  else {
    for await (const piece of take(source, 0, Math.min(MAX_HEADER_LENGTH, objectLength), signal)) {
      bytes = concat(bytes, piece);
    }
  }
  const header = parseHeader(bytes, engine);
  if (typeof header === 'number') throw truncated(bytes.length);
  return header;
}

/** Ranges of one object, in any order and at the same time. A range that fails is no word about another. */
export interface ObjectReader {
  /** Verified. */
  readonly header: HeaderInfo;
  /**
   * The pre-flight: opens the final chunk, with one read of the end of the object. Then the object has its full length, the
   * length of its content is known, and the chunks before may still be damaged.
   *
   * @throws StrongroomError `trailing-data`, `truncated`, `limit-exceeded`, `chunk-damaged`, `bad-trailer`, `bad-padding`,
   *   `object-mismatch` if the length of the content is another than the one that was given; `cancelled`, and what the
   *   source throws
   */
  probe(signal?: AbortSignal): Promise<Verified>;
  /**
   * `length` bytes of content from `offset` on, with one read of the object, in pieces of at most a chunk. The range must
   * lie within the content; an empty one may stand at its end.
   *
   * @throws StrongroomError `bad-range`, before anything is read but the pre-flight; `chunk-damaged`, `truncated`, and as
   *   {@link ObjectReader.probe}
   */
  read(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Bytes, void, undefined>;
}

class Reader implements ObjectReader {
  readonly header: HeaderInfo;
  readonly #source: ByteSource;
  readonly #options: RangeOptions;
  readonly #layout: Layout;
  readonly #cipher: ChunkCipher;
  #verified: Verified | undefined;

  constructor(source: ByteSource, options: RangeOptions, header: HeaderInfo, cipher: ChunkCipher) {
    this.header = header;
    this.#source = source;
    this.#options = options;
    this.#layout = { headerLength: header.length, chunkLog2: header.chunkLog2 };
    this.#cipher = cipher;
  }

  async probe(own?: AbortSignal): Promise<Verified> {
    if (this.#verified !== undefined) return this.#verified;
    const signal = this.#signal(own);
    const objectLength = await this.#length(signal);
    const { fullChunks, finalAt, finalLength } = divide(this.#layout, objectLength);
    if (finalLength < MIN_FINAL_LENGTH) throw truncated(objectLength);
    if (fullChunks * this.#cipher.chunkSize > MAX_PLAINTEXT_LENGTH) {
      throw new StrongroomError('limit-exceeded', 'the object is longer than any object can be');
    }
    const sealed = new Uint8Array(finalLength);
    let have = 0;
    for await (const piece of take(this.#source, finalAt, objectLength, signal)) {
      sealed.set(piece, have);
      have += piece.length;
    }
    if (have < finalLength) throw truncated(finalAt + have);
    const { contentLength, padding } = this.#final(fullChunks, sealed);
    this.#verified = { header: this.header, contentLength, padding, objectLength };
    return this.#verified;
  }

  async *read(offset: number, length: number, own?: AbortSignal): AsyncGenerator<Bytes, void, undefined> {
    const signal = this.#signal(own);
    const end = offset + length;
    if (![offset, length, end].every((each) => Number.isSafeInteger(each) && each >= 0)) {
      throw badRange(offset, length);
    }
    const { contentLength, objectLength } = await this.#lengths(signal);
    if (end > contentLength) throw badRange(offset, length);
    if (length === 0) return;

    const plan = planRange(this.#layout, objectLength, offset, length);
    const chunks = this.#chunks(plan.first, plan.start, plan.end, signal);
    let left = length;
    let skip = plan.skip;
    for await (const plaintext of chunks) {
      const content = plaintext.subarray(skip, skip + left);
      skip = 0;
      left -= content.length;
      yield content;
    }
    if (left > 0) throw truncated(objectLength);
  }

  /** Content and object length, both from an authenticated source or both from the pre-flight. */
  async #lengths(signal: AbortSignal | undefined): Promise<{ contentLength: number; objectLength: number }> {
    const { contentLength, objectLength } = this.#options;
    if (contentLength === undefined || objectLength === undefined) return this.probe(signal);
    return { contentLength, objectLength };
  }

  /** The chunks in a part of the object, each opened when all of it is there. */
  async *#chunks(
    first: number,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Bytes, void, undefined> {
    const { fullChunks, finalLength } = divide(this.#layout, end);
    const size = this.#cipher.chunkSize + TAG_LENGTH;
    const pending = new Uint8Array(Math.min(size, end - start));
    let index = first;
    let held = 0;
    let at = start;
    for await (const piece of take(this.#source, start, end, signal)) {
      at += piece.length;
      for (let from = 0; from < piece.length;) {
        const whole = index < fullChunks ? size : finalLength;
        const part = piece.subarray(from, from + whole - held);
        from += part.length;
        const sealed = part.length === whole ? part : pending.subarray(0, held + part.length);
        if (sealed !== part) sealed.set(part, held);
        held = sealed.length;
        if (held < whole) continue;
        held = 0;
        throwIfAborted(signal);
        yield index < fullChunks ? this.#cipher.open(index, sealed) : this.#final(index, sealed).content;
        index++;
      }
    }
    if (at < end) throw truncated(at);
  }

  #final(index: number, sealed: Uint8Array): FinalChunk {
    const final = openFinal(this.#cipher, index, sealed);
    if (final.contentLength === (this.#options.contentLength ?? final.contentLength)) return final;
    throw new StrongroomError('object-mismatch', `the content has ${final.contentLength} bytes`);
  }

  /** The length of the object; the word of the source counts only if no other is known. */
  async #length(signal: AbortSignal | undefined): Promise<number> {
    throwIfAborted(signal);
    const length = await this.#source.length(signal);
    const { objectLength = length } = this.#options;
    if (length > objectLength)
      throw new StrongroomError('trailing-data', 'bytes after the end of the object');
    if (!Number.isSafeInteger(length) || length < objectLength) throw truncated(length);
    return objectLength;
  }

  #signal(own: AbortSignal | undefined): AbortSignal | undefined {
    const { signal } = this.#options;
    if (own === undefined || signal === undefined || own === signal) return own ?? signal;
    return AbortSignal.any([own, signal]);
  }
}

/** The bytes from `start` up to `end`, or fewer; never more, whatever the source gives. */
async function* take(
  source: ByteSource,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = end - start;
  throwIfAborted(signal);
  if (left <= 0) return;
  try {
    for await (const piece of source.read(start, end, signal)) {
      throwIfAborted(signal);
      const part = piece.subarray(0, left);
      left -= part.length;
      yield part;
      if (left === 0) return;
    }
  } catch (error) {
    throwIfAborted(signal); // however the source says that it was stopped
    throw error;
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled('aborted by its signal', signal.reason);
}

function truncated(offset: number): StrongroomError {
  return new StrongroomError('truncated', 'the source ends before the object does', { offset });
}

function badRange(offset: number, length: number): StrongroomError {
  return new StrongroomError('bad-range', `${length} bytes from ${offset} on are no part of the content`);
}
