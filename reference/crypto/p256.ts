/**
 * P-256 (FIPS 186-5, SP 800-186): public keys, and ECDSA with SHA-256 as receipts have it, of noble: nothing here is
 * secret, and a browser can check a fleet. Secret keys are in p256-key.ts.
 *
 * @module
 */
import { p256 } from '@noble/curves/nist.js';

/** Bytes of a public key: SEC 1, uncompressed. */
export const P256_PUBLIC_LENGTH = 65;

/** True for the uncompressed encoding of a point of the curve. */
export function isP256PublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== P256_PUBLIC_LENGTH) return false;
  try {
    p256.Point.fromBytes(bytes).assertValidity();
    return true;
  } catch {
    return false;
  }
}

/** True if the signature r || s of 64 bytes verifies, each from 1 to n − 1; false for everything else. */
export function p256Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isP256PublicKey(publicKey)) return false;
  try {
    return p256.verify(signature, message, publicKey, { lowS: false, prehash: true, format: 'compact' });
  } catch {
    return false;
  }
}
