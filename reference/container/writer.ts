/**
 * Sealing (spec/container.md, "Writing").
 *
 * @module
 */
import type { CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { ObjectKey } from '../keys/object-key.ts';
import { wipe, type Bytes } from '../wire/bytes.ts';
import { chunkCipher, type ChunkCipher } from './chunk.ts';
import {
  encodeHeader,
  encodePrefix,
  PRIVATE_EXTENSIONS,
  type ChunkLog2,
  type Extension,
  type ObjectType,
  withGrease,
} from './header.ts';
import { Held } from './held.ts';
import { objectLength } from './layout.ts';
import { Once } from './once.ts';
import { MAX_CONTENT_LENGTH, plaintextLength, TRAILER_LENGTH, type Padding } from './padding.ts';
import { checkArguments, objectKeyOf, streamKey, type StreamKey } from './stream-key.ts';
import { encodeTrailer } from './trailer.ts';

/** How to seal. */
export interface SealOptions {
  /** The backup key, or the object key alone. */
  readonly key: BackupKey | ObjectKey;
  readonly type: ObjectType;
  /** 18 (256 KiB) for blobs and 16 (64 KiB) for everything else, if not given. */
  readonly chunkLog2?: ChunkLog2;
  /** Default `padme`; `none` tells everyone the exact size. */
  readonly padding?: Padding;
  /** What the object is bound to: a reader needs the same bytes. At most 65535 bytes; default none. */
  readonly context?: Uint8Array;
  /** Private-use extensions (types 0x7F00 to 0x7FFF), ascending. Authenticated, but readable by everyone. */
  readonly extensions?: readonly Extension[];
  readonly engine?: CryptoEngine;
  /** Stops the sealing with `cancelled`. */
  readonly signal?: AbortSignal;
}

/** What an object begins with. */
export interface BegunObject {
  /** Everything before the chunks. */
  readonly header: Bytes;
  readonly chunkLog2: ChunkLog2;
  readonly padding: Padding;
  /** Secret; the caller wipes it. */
  readonly derived: StreamKey;
}

/**
 * The first two steps of writing. Nothing but one content may ever be sealed under what comes out.
 *
 * @throws StrongroomError `invalid-key`, `limit-exceeded`, `bad-extension`, in this order
 */
export function beginObject(random: RandomSource, options: SealOptions): BegunObject {
  const { key, type, padding = 'padme', context = new Uint8Array(), extensions = [] } = options;
  const { chunkLog2 = type === 'blob' ? 18 : 16, engine = nodeEngine } = options;
  checkArguments(key, context);
  if (extensions.some((each) => each.type >> 8 !== PRIVATE_EXTENSIONS >> 8)) {
    throw new StrongroomError('bad-extension', 'only private-use extensions can be added');
  }
  const salt = random('salt', 32);
  const prefix = encodePrefix({ chunkLog2, type, salt, extensions: withGrease(random, extensions) });
  const objectKey = objectKeyOf(key, engine);
  const derived = streamKey(objectKey, prefix, context, engine);
  wipe(objectKey);
  return { header: encodeHeader(prefix, derived.commitment, engine), chunkLog2, padding, derived };
}

/** {@link Sealer} with `salt` and `grease` drawn from `random`. */
class InjectedSealer {
  /** Everything before the chunks. */
  readonly header: Bytes;
  /** The identity of the object, 32 bytes. */
  readonly commitment: Bytes;
  readonly #padding: Padding;
  readonly #chunkLog2: ChunkLog2;
  readonly #cipher: ChunkCipher;
  readonly #once: Once;
  readonly #held: Held;
  #index = 0;
  #contentLength = 0;

  constructor(random: RandomSource, options: SealOptions) {
    const begun = beginObject(random, options);
    const { derived, chunkLog2 } = begun;
    this.#cipher = chunkCipher({ ...derived, chunkLog2 }, options.engine);
    wipe(derived.key, derived.baseNonce);
    this.#held = new Held(this.#cipher.chunkSize);
    this.#padding = begun.padding;
    this.#chunkLog2 = chunkLog2;
    this.#once = new Once(options.signal);
    this.commitment = derived.commitment;
    this.header = begun.header;
  }

  /** Length in bytes of the whole object for a content of `contentLength` bytes: what to announce to a server. */
  objectLength(contentLength: number): number {
    const length = plaintextLength(contentLength, this.#padding, this.#chunkLog2);
    return objectLength(this.header.length, this.#chunkLog2, length);
  }

  /** Seals more content. @throws StrongroomError `limit-exceeded`, `cancelled`, `closed` */
  update(content: Uint8Array): Bytes[] {
    return [...this.feed(content)];
  }

  /** Ends the content: padding, trailer, final chunk. @throws StrongroomError `cancelled`, `closed` */
  final(): Bytes[] {
    return [...this.finish()];
  }

  /** As {@link update}, but each piece is made when it is asked for, and all must be taken. */
  feed(content: Uint8Array): Generator<Bytes, void, undefined> {
    return this.#once.run(this.#content(content));
  }

  /** As {@link final}, but each piece is made when it is asked for, and all must be taken. */
  finish(): Generator<Bytes, void, undefined> {
    return this.#once.run(this.#end(), true);
  }

  *#content(content: Uint8Array): Generator<Bytes, void, undefined> {
    if (content.length > MAX_CONTENT_LENGTH - this.#contentLength) {
      throw new StrongroomError('limit-exceeded', 'the content of an object is at most 2^40 bytes');
    }
    this.#contentLength += content.length;
    yield* this.#push(content);
  }

  *#end(): Generator<Bytes, void, undefined> {
    const contentLength = this.#contentLength;
    const end = plaintextLength(contentLength, this.#padding, this.#chunkLog2);
    const zeros = new Uint8Array(Math.min(this.#cipher.chunkSize, end - contentLength));
    for (let left = end - contentLength - TRAILER_LENGTH; left > 0; left -= zeros.length) {
      yield* this.#push(zeros.subarray(0, left));
    }
    yield* this.#push(encodeTrailer({ contentLength, padding: this.#padding }));
    // What is held now is shorter than a chunk, by the rule for the length of the plaintext.
    yield* this.#cipher.seal(this.#index, this.#held.bytes);
    this.#held.wipe();
  }

  /** Seals every chunk that `plaintext` completes and holds the rest; whole chunks are not copied. */
  *#push(plaintext: Uint8Array): Generator<Bytes, void, undefined> {
    const size = this.#cipher.chunkSize;
    let at = 0;
    while (this.#held.length + plaintext.length - at >= size) {
      const part = plaintext.subarray(at, at + size - this.#held.length);
      at += part.length;
      const chunk = this.#held.length > 0 ? this.#held.add(part) : part;
      this.#held.clear();
      yield* this.#cipher.seal(this.#index++, chunk);
    }
    this.#held.add(plaintext.subarray(at));
  }
}

/**
 * Seals one object piece by piece, in memory of one chunk. The object is `header`, then everything that the calls
 * return, in order; pieces are not chunks. After an error every later call throws the same error, and what was
 * written so far is no object.
 */
export class Sealer extends InjectedSealer {
  /** @throws StrongroomError `invalid-key`, `limit-exceeded`, `bad-extension`, in this order */
  constructor(options: SealOptions) {
    super(systemRandom, options);
  }
}

/** A {@link Sealer} that draws `salt` and `grease` from `random`: for vectors, never for backups. */
export function sealerWith(random: RandomSource, options: SealOptions): Sealer {
  return new InjectedSealer(random, options);
}

/**
 * Seals `content` in one call: the whole object.
 *
 * @throws StrongroomError `invalid-key`, `limit-exceeded`, `bad-extension`, `cancelled`
 */
export function seal(content: Uint8Array, options: SealOptions): Bytes {
  return sealWith(systemRandom, content, options);
}

/** {@link seal} with `salt` and `grease` drawn from `random`: for vectors, never for backups. */
export function sealWith(random: RandomSource, content: Uint8Array, options: SealOptions): Bytes {
  const sealer = sealerWith(random, options);
  const object = new Uint8Array(sealer.objectLength(content.length));
  object.set(sealer.header);
  let at = sealer.header.length;
  for (const pieces of [sealer.feed(content), sealer.finish()]) {
    for (const piece of pieces) {
      object.set(piece, at);
      at += piece.length;
    }
  }
  return object;
}
