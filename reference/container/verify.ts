/**
 * What every reader of an object does alike, in order or not: the commitment and the final chunk (spec/container.md,
 * "Reading", steps 12 and 18 to 21).
 *
 * @module
 */
import { TAG_LENGTH, type CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { ObjectKey } from '../keys/object-key.ts';
import { equal, isZero, wipe, type Bytes } from '../wire/bytes.ts';
import type { ChunkCipher } from './chunk.ts';
import type { HeaderInfo } from './header.ts';
import { plaintextLength, TRAILER_LENGTH, type Padding } from './padding.ts';
import { objectKeyOf, streamKey, type StreamKey } from './stream-key.ts';
import { parseTrailer, type Trailer } from './trailer.ts';

/** How to open. */
export interface OpenOptions {
  /** The backup key, or the object key alone. */
  readonly key: BackupKey | ObjectKey;
  /** The context that the object was sealed with; default none. */
  readonly context?: Uint8Array;
  /** Length in bytes of the whole object, if an authenticated source has told: cuts and tails are then named. */
  readonly objectLength?: number;
  readonly engine?: CryptoEngine;
  /** Stops the opening with `cancelled`. */
  readonly signal?: AbortSignal;
}

/** What is known once the whole object has been verified. */
export interface Verified {
  readonly header: HeaderInfo;
  /** Length of the content in bytes. */
  readonly contentLength: number;
  readonly padding: Padding;
  /** Length of the whole object in bytes. */
  readonly objectLength: number;
}

/** The smallest final chunk: a trailer and a tag. */
export const MIN_FINAL_LENGTH: number = TRAILER_LENGTH + TAG_LENGTH;

/** Key and base nonce of the object with this header; the caller wipes them. @throws StrongroomError `wrong-key` */
export function verifiedKey(header: HeaderInfo, options: OpenOptions): StreamKey {
  const { key, context = new Uint8Array(), engine = nodeEngine } = options;
  const objectKey = objectKeyOf(key, engine);
  const derived = streamKey(objectKey, header.prefix, context, engine);
  wipe(objectKey);
  if (equal(derived.commitment, header.commitment)) return derived;
  wipe(derived.key, derived.baseNonce);
  throw new StrongroomError('wrong-key', 'the commitment does not match this key and context');
}

/** What the final chunk tells. */
export interface FinalChunk extends Trailer {
  /** The content that lies in it. */
  readonly content: Bytes;
}

/**
 * Opens chunk `index` as the final one. That padding in earlier chunks is zero is for others to see.
 *
 * @throws StrongroomError `chunk-damaged`, `bad-trailer`, `bad-padding`
 */
export function openFinal(cipher: ChunkCipher, index: number, sealed: Uint8Array): FinalChunk {
  const final = cipher.open(index, sealed);
  const start = index * cipher.chunkSize;
  const length = start + final.length;
  const trailerAt = final.length - TRAILER_LENGTH;
  const { contentLength, padding } = parseTrailer(final.subarray(trailerAt), length);
  const inFinal = Math.max(0, contentLength - start);
  if (
    plaintextLength(contentLength, padding, cipher.chunkLog2) !== length ||
    !isZero(final.subarray(inFinal, trailerAt))
  ) {
    throw badPadding();
  }
  return { contentLength, padding, content: final.subarray(0, inFinal) };
}

/** The error of padding that is authentic and not canonical. */
export function badPadding(): StrongroomError {
  return new StrongroomError('bad-padding', 'the padding is not the one that the content length asks for');
}
