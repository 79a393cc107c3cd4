/**
 * Byte helpers (spec/conventions.md, "Bytes").
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';

/** A byte string on an ordinary (not shared) buffer. */
export type Bytes = Uint8Array<ArrayBuffer>;

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of `text`; lone surrogates are refused, for they have none. @throws StrongroomError `malformed` */
export function utf8(text: string): Bytes {
  if (!text.isWellFormed()) throw new StrongroomError('malformed', 'text holds a lone surrogate');
  return utf8Encoder.encode(text);
}

/** The text of strict UTF-8 bytes. @throws StrongroomError `malformed` */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    throw new StrongroomError('malformed', 'bytes are not UTF-8');
  }
}

/** One new byte string holding all parts in order (`||` of the specification). */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A copy of `bytes` on a buffer of its own. */
export function copy(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

/** The two digits of every byte. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += HEX[byte];
  return out;
}

/** Bytes of lower- or upper-case hexadecimal without separators. @throws StrongroomError `malformed` */
export function fromHex(text: string): Bytes {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/u.test(text)) {
    throw new StrongroomError('malformed', 'text is not hexadecimal');
  }
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/**
 * Equality in time that depends on the lengths alone. As far as JavaScript can promise: no branch and no early
 * exit on the contents.
 */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Overwrites secrets that are no longer needed. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

/** True if every byte is zero; time depends on length and place in memory alone. */
export function isZero(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  const head = -byteOffset & 3;
  const words = length < head + 4 ? [] : new Int32Array(buffer, byteOffset + head, (length - head) >> 2);
  let any = 0;
  // Padding can be megabytes: word by word it takes a tenth of the time.
  for (let i = 0; i < words.length; i++) any |= words[i] ?? 0;
  for (const byte of bytes.subarray(0, head)) any |= byte;
  for (const byte of bytes.subarray(head + 4 * words.length)) any |= byte;
  return any === 0;
}
