/**
 * Bytes and primitives of the suite's own second implementation. Nothing in this folder imports from `reference/`:
 * what two writers that share no code agree on was read twice from the specification.
 *
 * @module
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { gcm } from '@noble/ciphers/aes.js';
import { expand as hkdfExpand } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { draw } from '../tape/tape.ts';

/** A byte string. */
export type Bytes = Uint8Array<ArrayBuffer>;

function own(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

/** All parts in order. */
export function cat(...parts: readonly Uint8Array[]): Bytes {
  return own(concatBytes(...parts));
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** Bytes of hexadecimal text. */
export function unhex(text: string): Bytes {
  return own(hexToBytes(text));
}

/** UTF-8 bytes. */
export function utf8(text: string): Bytes {
  return own(new TextEncoder().encode(text));
}

/** `size` bytes, big-endian. */
export function be(size: number, value: number | bigint): Bytes {
  const out = new Uint8Array(size);
  let rest = BigInt(value);
  for (let i = size - 1; i >= 0; i--, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

/** `count` zero bytes. */
export function zeros(count: number): Bytes {
  return new Uint8Array(count);
}

/** `opaque<..>` with a length prefix of `size` bytes. */
export function prefixed(size: number, bytes: Uint8Array): Bytes {
  return cat(be(size, bytes.length), bytes);
}

/** True if both are the same bytes. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** XOR of two byte strings of one length. */
export function xor(a: Uint8Array, b: Uint8Array): Bytes {
  return Uint8Array.from(a, (byte, i) => byte ^ (b[i] ?? 0));
}

/** SHA-256. */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  return own(nobleSha256(cat(...parts)));
}

/** SHA-512. */
export function sha512(...parts: readonly Uint8Array[]): Bytes {
  return own(nobleSha512(cat(...parts)));
}

/** HKDF-Expand with SHA-256. */
export function expand(key: Uint8Array, info: Uint8Array, length: number): Bytes {
  return own(hkdfExpand(nobleSha256, key, info, length));
}

/** Bytes from which on OpenSSL is faster than JavaScript. */
const LONG = 4096;

/** AES-256-GCM. */
export function seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): Bytes {
  if (plaintext.length + (aad?.length ?? 0) < LONG) return own(gcm(key, nonce, aad).encrypt(plaintext));
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  if (aad !== undefined) cipher.setAAD(aad);
  return cat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/** AES-256-GCM; undefined if the tag is wrong. */
export function unseal(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad?: Uint8Array,
): Bytes | undefined {
  try {
    if (sealed.length >= LONG) return unsealLong(key, nonce, sealed, aad);
    return own(gcm(key, nonce, aad).decrypt(sealed));
  } catch {
    return undefined;
  }
}

function unsealLong(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, aad?: Uint8Array): Bytes {
  const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  if (aad !== undefined) cipher.setAAD(aad);
  cipher.setAuthTag(sealed.subarray(-16));
  return cat(cipher.update(sealed.subarray(0, -16)), cipher.final());
}

/** Fresh bytes; the seed of the run decides them. */
export function fresh(length: number): Bytes {
  return draw(length);
}

/** Where named values come from. A worker that makes vectors for one run is given another root (cases/fresh/worker.ts). */
const ROOT = sha256(utf8(process.env['STRONGROOM_VALUES'] ?? 'strongroom test value'));

/** A value with a name, the same for ever: where vectors need "random" bytes. */
export function named(name: string, length: number): Bytes {
  return expand(ROOT, utf8(name), length);
}

/** A label of the registry: ASCII `strongroom/v1/<name>` and a zero byte. */
export function label(name: string): Bytes {
  return utf8(`strongroom/v1/${name}\0`);
}
