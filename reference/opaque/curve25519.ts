/**
 * 3DH on Curve25519 (RFC 9807, section 6.4.1; X25519 of RFC 7748), on noble. No suite of Strongroom has it: it is
 * here for the vectors of RFC 9807.
 *
 * @module
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { copy, type Bytes } from '../wire/bytes.ts';
import type { DiffieHellman } from './dh.ts';
import { notAnElement, notAScalar } from './group.ts';

const LENGTH = 32;

function diffieHellman(secretKey: Uint8Array, publicKey: Uint8Array): Bytes {
  if (secretKey.length !== LENGTH) throw notAScalar();
  if (publicKey.length !== LENGTH) throw notAnElement();
  try {
    return copy(x25519.getSharedSecret(secretKey, publicKey));
  } catch {
    // A point of low order: with every secret key the result would be zero (RFC 7748, section 6.1).
    throw notAnElement();
  }
}

/** X25519. Points of low order are no public keys; any 32 bytes are a secret key and clamped where used. */
export const nobleCurve25519: DiffieHellman = {
  publicKeyLength: LENGTH,
  secretKeyLength: LENGTH,
  seedLength: LENGTH,
  deriveKeyPair(seed) {
    if (seed.length !== LENGTH) throw notAScalar();
    return { secretKey: copy(seed), publicKey: copy(x25519.getPublicKey(seed)) };
  },
  diffieHellman,
  isPublicKey(bytes) {
    try {
      diffieHellman(new Uint8Array(LENGTH), bytes); // Clamping makes it a scalar like any other.
      return true;
    } catch {
      return false;
    }
  },
};
