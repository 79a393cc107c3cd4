/**
 * Opening (spec/container.md, "Reading"). Nothing that was not authenticated is ever returned.
 *
 * @module
 */
import { TAG_LENGTH, type CryptoEngine } from '../crypto/engine.ts';
import { free } from '../crypto/memory.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import { concat, wipe, type Bytes } from '../wire/bytes.ts';
import { Input } from '../wire/codec.ts';
import { chunkCipher, type ChunkCipher } from './chunk.ts';
import { parseHeader, type HeaderInfo } from './header.ts';
import { Held } from './held.ts';
import { Once } from './once.ts';
import { MAX_PLAINTEXT_LENGTH } from './padding.ts';
import { checkArguments } from './stream-key.ts';
import {
  badPadding,
  MIN_FINAL_LENGTH,
  openFinal,
  verifiedKey,
  type OpenOptions,
  type Verified,
} from './verify.ts';

declare const provisional: unique symbol;

/**
 * Content that is authentic and in its place, of an object whose end has not been seen yet. It may be shown or
 * written somewhere; it must not count as restored before {@link Verified} is there.
 */
export type Provisional = Bytes & { readonly [provisional]: true };

/**
 * Opens one object piece by piece, in memory of one chunk. How the input is cut makes no difference to what comes
 * out or to the error. After an error every later call throws the same error.
 */
export class Opener {
  readonly #options: OpenOptions;
  readonly #engine: CryptoEngine;
  readonly #once: Once;
  #inputLength = 0;
  #head: Bytes = new Uint8Array();
  #header: HeaderInfo | undefined;
  #cipher: ChunkCipher | undefined;
  #held: Held | undefined;
  #index = 0;
  /** Zeros authenticated but not released: they may be padding. */
  #zeros = 0;
  #released = 0;

  /** @throws StrongroomError `invalid-key`, `limit-exceeded` */
  constructor(options: OpenOptions) {
    checkArguments(options.key, options.context ?? new Uint8Array());
    this.#options = options;
    this.#engine = options.engine ?? nodeEngine;
    this.#once = new Once(options.signal);
  }

  /** The header, once its commitment has been verified. */
  get header(): HeaderInfo | undefined {
    return this.#cipher && this.#header;
  }

  /**
   * Takes more of the object and returns the content that this makes certain.
   *
   * @throws StrongroomError with any code of spec/container.md, "Reading"; the call that throws releases nothing
   */
  update(bytes: Uint8Array): Provisional[] {
    return [...this.feed(bytes)];
  }

  /**
   * Ends the input and returns what the whole object amounts to, with the content that had to wait for it.
   *
   * @throws StrongroomError `truncated`, `chunk-damaged`, `bad-trailer`, `bad-padding`, and as {@link update}
   */
  final(): Verified & { readonly rest: readonly Bytes[] } {
    const rest: Bytes[] = [];
    const steps = this.finish();
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) rest.push(step.value);
    return { ...step.value, rest };
  }

  /** As {@link update}, but each piece is opened when it is asked for, and all must be taken. */
  feed(bytes: Uint8Array): Generator<Provisional, void, undefined> {
    return this.#once.run(this.#take(bytes));
  }

  /** As {@link final}, but the content comes piece by piece; all must be taken. */
  finish(): Generator<Bytes, Verified, undefined> {
    return this.#once.run(this.#end(), true);
  }

  *#take(bytes: Uint8Array): Generator<Provisional, void, undefined> {
    const room = (this.#options.objectLength ?? Infinity) - this.#inputLength;
    const input = new Input(bytes.subarray(0, Math.max(0, room)));
    const cipher = this.#cipher ?? this.#readHeader(input);
    if (cipher !== undefined) {
      for (let chunk = this.#chunk(cipher, input); chunk !== undefined; chunk = this.#chunk(cipher, input)) {
        if ((this.#index + 1) * cipher.chunkSize > MAX_PLAINTEXT_LENGTH) {
          throw new StrongroomError('limit-exceeded', 'the object is longer than any object can be');
        }
        yield* this.#release(cipher.open(this.#index++, chunk));
      }
    }
    this.#inputLength += bytes.length;
    if (bytes.length > room) throw new StrongroomError('trailing-data', 'bytes after the end of the object');
  }

  /** Reads on in the header; its cipher once the commitment has been verified. */
  #readHeader(input: Input): ChunkCipher | undefined {
    let parsed = parseHeader(this.#head, this.#engine);
    while (typeof parsed === 'number') {
      if (input.left === 0) return undefined;
      const part = input.take(Math.min(input.left, parsed - this.#head.length), 'header');
      this.#head = concat(this.#head, part);
      parsed = parseHeader(this.#head, this.#engine);
    }
    const derived = verifiedKey(parsed, this.#options);
    this.#header = parsed;
    this.#cipher = chunkCipher({ ...derived, chunkLog2: parsed.chunkLog2 }, this.#engine);
    wipe(derived.key, derived.baseNonce);
    return this.#cipher;
  }

  /** The next chunk that is certainly not the final one, if all of it is there; else the input is held. */
  #chunk(cipher: ChunkCipher, input: Input): Uint8Array | undefined {
    const size = cipher.chunkSize + TAG_LENGTH;
    this.#held ??= new Held(size);
    if (this.#held.length === 0 && input.left >= size) return input.take(size, 'chunk');
    const held = this.#held.add(input.take(Math.min(input.left, size - this.#held.length), 'chunk'));
    if (held.length < size) return undefined;
    this.#held.clear();
    return held;
  }

  /** Releases a full chunk up to its last byte that is not zero. */
  *#release(plaintext: Bytes): Generator<Provisional, void, undefined> {
    const length = lengthWithoutZeros(plaintext);
    const before = this.#zeros;
    this.#zeros = plaintext.length - length;
    if (length === 0) {
      this.#zeros += before;
      free(plaintext);
      return;
    }
    yield* this.#releaseZeros(before);
    this.#released += length;
    // The last use of the plaintext: its receiver may give its memory away.
    yield plaintext.subarray(0, length) as Provisional;
  }

  *#releaseZeros(count: number): Generator<Provisional, void, undefined> {
    const most = this.#cipher?.chunkSize ?? 0;
    this.#released += count;
    for (let left = count; left > 0; left -= most) yield new Uint8Array(Math.min(left, most)) as Provisional;
  }

  *#end(): Generator<Bytes, Verified, undefined> {
    const header = this.#header;
    const cipher = this.#cipher;
    const held = this.#held?.bytes ?? new Uint8Array();
    const expected = this.#options.objectLength ?? this.#inputLength;
    if (
      header === undefined ||
      cipher === undefined ||
      this.#inputLength < expected ||
      held.length < MIN_FINAL_LENGTH
    ) {
      throw new StrongroomError('truncated', 'the input ends before the object does', {
        offset: this.#inputLength,
      });
    }
    const { content, contentLength, padding } = openFinal(cipher, this.#index, held);
    if (contentLength < this.#released) throw badPadding();
    yield* this.#releaseZeros(contentLength - content.length - this.#released);
    if (content.length > 0) yield content;
    return { header, contentLength, padding, objectLength: this.#inputLength };
  }
}

function lengthWithoutZeros(bytes: Bytes): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let length = bytes.length;
  while (length >= 4 && view.getUint32(length - 4) === 0) length -= 4;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length;
}

/** A whole object, opened. */
export interface Opened extends Verified {
  readonly content: Bytes;
}

/**
 * Opens a whole object in one call; the content is all verified.
 *
 * @throws StrongroomError with any code of spec/container.md, "Reading"
 */
export function open(object: Uint8Array, options: OpenOptions): Opened {
  const opener = new Opener(options);
  const pieces = opener.update(object);
  const { rest, ...verified } = opener.final();
  return { content: concat(...pieces, ...rest), ...verified };
}

/**
 * The header of an object, without a key: nothing of it is authenticated. `bytes` may be the whole object or just
 * its beginning; 4184 bytes are always enough.
 *
 * @throws StrongroomError with the codes of spec/container.md, "Reading", steps 1 to 11, and `truncated` if the header is not all there
 */
export function inspect(bytes: Uint8Array): HeaderInfo {
  const header = parseHeader(bytes);
  if (typeof header !== 'number') return header;
  throw new StrongroomError('truncated', `the header needs ${header} bytes`, { offset: bytes.length });
}
