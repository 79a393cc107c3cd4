/**
 * The trailer: the last 16 bytes of every plaintext (spec/container.md, "Trailer").
 *
 * @module
 */
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import { constant, decode, encode, enumeration, struct, u64 } from '../wire/codec.ts';
import { MAX_CONTENT_LENGTH, TRAILER_LENGTH, type Padding } from './padding.ts';

/** What the end of an object says about its content. */
export interface Trailer {
  /** Length of the content in bytes. */
  readonly contentLength: number;
  readonly padding: Padding;
}

const trailer = struct<Trailer & { readonly reserved: undefined }>('Trailer', {
  contentLength: u64,
  padding: enumeration<Padding>('PadScheme', 1, { none: 0, padme: 1 }),
  reserved: constant(new Uint8Array(7), 'reserved'),
});

/** The 16 bytes of a trailer. */
export function encodeTrailer(fields: Trailer): Bytes {
  return encode(trailer, { ...fields, reserved: undefined });
}

/**
 * The trailer of a plaintext of `plaintextLength` bytes.
 *
 * @throws StrongroomError `bad-trailer`
 */
export function parseTrailer(bytes: Uint8Array, plaintextLength: number): Trailer {
  const { contentLength, padding } = decodeTrailer(bytes);
  if (contentLength > Math.min(MAX_CONTENT_LENGTH, plaintextLength - TRAILER_LENGTH)) {
    throw new StrongroomError('bad-trailer', `a content of ${contentLength} bytes does not fit`);
  }
  return { contentLength, padding };
}

function decodeTrailer(bytes: Uint8Array): Trailer {
  try {
    return decode(trailer, bytes);
  } catch (cause) {
    if (!isStrongroomError(cause, 'malformed')) throw cause;
    throw new StrongroomError('bad-trailer', cause.message, {}, { cause });
  }
}
