/**
 * Ed25519 (RFC 8032) of noble: portable, so that a browser can check a fleet. Verification is strict: encodings are
 * canonical, and no key of small order is a key.
 *
 * @module
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { copy, type Bytes } from '../wire/bytes.ts';

/** Bytes of a secret key and of a public key. */
export const ED25519_KEY_LENGTH = 32;
/** Bytes of a signature. */
export const ED25519_SIGNATURE_LENGTH = 64;

/** True for the canonical encoding of a point that is not of small order. */
export function isEd25519PublicKey(bytes: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(bytes).isSmallOrder();
  } catch {
    return false;
  }
}

/** The public key of a secret key of 32 bytes. */
export function ed25519PublicKey(secretKey: Uint8Array): Bytes {
  return copy(ed25519.getPublicKey(secretKey));
}

/** A signature of 64 bytes. */
export function ed25519Sign(secretKey: Uint8Array, message: Uint8Array): Bytes {
  return copy(ed25519.sign(message, secretKey));
}

/** True if the signature verifies; false for everything else, whatever its length or encoding. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
