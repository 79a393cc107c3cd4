/**
 * The seam of the key exchange (RFC 9807, section 6.4.1): key pairs, and the secrets that two of them share. It is
 * the OPRF's own group unless a suite says otherwise.
 *
 * @module
 */
import { utf8, type Bytes } from '../wire/bytes.ts';
import type { Group } from './group.ts';
import { deriveScalar } from './oprf.ts';

/** A Diffie-Hellman key pair. */
export interface KeyPair {
  readonly secretKey: Bytes;
  readonly publicKey: Bytes;
}

/** The Diffie-Hellman functions of one curve. */
export interface DiffieHellman {
  /** Npk of RFC 9807: bytes of a public key. */
  readonly publicKeyLength: number;
  /** Nsk of RFC 9807: bytes of a secret key. */
  readonly secretKeyLength: number;
  /** Nseed of RFC 9807: bytes of a seed. */
  readonly seedLength: number;
  /** DeriveDiffieHellmanKeyPair. */
  deriveKeyPair(seed: Uint8Array): KeyPair;
  /** DiffieHellman. @throws StrongroomError `malformed` */
  diffieHellman(secretKey: Uint8Array, publicKey: Uint8Array): Bytes;
  /** True for a public key with which {@link diffieHellman} yields a secret. */
  isPublicKey(bytes: Uint8Array): boolean;
}

/** Diffie-Hellman in a group of the OPRF, as ristretto255 and P-256 have it. */
export function groupDiffieHellman(group: Group): DiffieHellman {
  return {
    publicKeyLength: group.elementLength,
    secretKeyLength: group.scalarLength,
    seedLength: group.scalarLength,
    deriveKeyPair(seed) {
      const secretKey = deriveScalar(group, seed, utf8('OPAQUE-DeriveDiffieHellmanKeyPair'));
      return { secretKey, publicKey: group.multiplyBase(secretKey) };
    },
    diffieHellman: (secretKey, publicKey) => group.multiply(secretKey, publicKey),
    isPublicKey: (bytes) => group.isElement(bytes),
  };
}
