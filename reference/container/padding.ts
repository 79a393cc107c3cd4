/**
 * How long the plaintext of an object is (spec/container.md, "Padding"). Integer arithmetic throughout.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';

/** How the size of the content is hidden: not at all, or in steps of at most 1/8 of it (Padmé). */
export type Padding = 'none' | 'padme';

/** Length of the trailer in bytes; every plaintext ends with one. */
export const TRAILER_LENGTH = 16;
/** The longest content of an object, in bytes. */
export const MAX_CONTENT_LENGTH: number = 2 ** 40;
/** The longest plaintext of an object, in bytes: Padmé(2^40 + 16), which is the same for every chunk size. */
export const MAX_PLAINTEXT_LENGTH: number = 2 ** 40 + 2 ** 34 + TRAILER_LENGTH;

/** Number of binary digits of a safe integer: 0 for 0, k + 1 for 2^k. */
function bitLength(n: number): number {
  return n < 2 ** 32 ? 32 - Math.clz32(n) : 64 - Math.clz32(Math.floor(n / 2 ** 32));
}

/** Padmé of `length` >= 2: the next number whose mantissa is no longer than its exponent. */
export function padme(length: number): number {
  const exponent = bitLength(length) - 1;
  const step = 2 ** (exponent - bitLength(exponent));
  return Math.ceil(length / step) * step;
}

/**
 * Length in bytes of the plaintext (content, padding and trailer) of an object with `2^chunkLog2` byte chunks. It
 * grows until the trailer lies whole in the final chunk.
 *
 * @throws StrongroomError `limit-exceeded` if the content is longer than 2^40 bytes
 */
export function plaintextLength(contentLength: number, padding: Padding, chunkLog2: number): number {
  if (contentLength > MAX_CONTENT_LENGTH) {
    throw new StrongroomError('limit-exceeded', 'the content of an object is at most 2^40 bytes');
  }
  const least = contentLength + TRAILER_LENGTH;
  const padded = padding === 'padme' ? padme(least) : least;
  const inFinal = padded % 2 ** chunkLog2;
  return inFinal >= TRAILER_LENGTH ? padded : padded - inFinal + TRAILER_LENGTH;
}
