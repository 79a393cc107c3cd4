/**
 * The suite's own signatures under answers (spec/channel.md, "Suites"): Ed25519, or ECDSA on P-256.
 *
 * @module
 */
import { p256 } from '@noble/curves/nist.js';
import { sign, signerKey, verify } from './fleet.ts';
import type { ChannelSuite } from './kem.ts';
import type { Bytes } from './primitives.ts';

/** As it comes: of the two values of s that fit, either. */
const ECDSA = { lowS: false, prehash: true } as const;

/** Public key of receipts. */
export function receiptKey(suite: ChannelSuite, secretKey: Uint8Array): Bytes {
  return suite === 1 ? signerKey(secretKey) : new Uint8Array(p256.getPublicKey(secretKey, false));
}

/** A receipt, 64 bytes. */
export function signReceipt(suite: ChannelSuite, secretKey: Uint8Array, message: Uint8Array): Bytes {
  return suite === 1 ? sign(secretKey, message) : new Uint8Array(p256.sign(message, secretKey, ECDSA));
}

/** True if a receipt verifies. */
export function verifyReceipt(
  suite: ChannelSuite,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (suite === 1) return verify(publicKey, message, signature);
  try {
    return p256.verify(signature, message, publicKey, ECDSA);
  } catch {
    return false;
  }
}
