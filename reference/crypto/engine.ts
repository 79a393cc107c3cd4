/**
 * The seam of symmetric primitives (spec/conventions.md, "Primitives"). `node` (OpenSSL) is the default, `noble`
 * the portable, readable twin; both are held to the same vectors.
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';

/** AES-256-GCM under one key, which stays inside. */
export interface Aead {
  /** Ciphertext and 16-byte tag. `nonce` is 12 bytes. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): Bytes;
  /** The same in pieces, of which the last is the tag: no copy is made to join them, which matters for megabytes. */
  sealParts(nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): [...ciphertext: Bytes[], tag: Bytes];
  /** The plaintext, or undefined if the tag does not verify; nothing unauthenticated is ever returned. */
  open(nonce: Uint8Array, sealed: Uint8Array, aad?: Uint8Array): Bytes | undefined;
}

/** Hash functions that Strongroom uses. */
export type HashName = 'sha256' | 'sha512';

/** One implementation of the primitives. Everything is synchronous: a thread hop costs more than a chunk. */
export interface CryptoEngine {
  readonly name: string;
  /** AES-256-GCM; `key` is 32 bytes and may be wiped after the call. */
  aead(key: Uint8Array): Aead;
  hash(name: HashName, data: Uint8Array): Bytes;
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Bytes;
}

/** Length of an AES-GCM tag in bytes. */
export const TAG_LENGTH = 16;
/** Length of an AES-GCM nonce in bytes. */
export const NONCE_LENGTH = 12;
