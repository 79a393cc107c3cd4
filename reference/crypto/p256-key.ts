/**
 * Secret keys on P-256, of OpenSSL: Diffie-Hellman and ECDSA with SHA-256, for a vault whose keys live where no other
 * curve is known.
 *
 * @module
 */
import { p256 } from '@noble/curves/nist.js';
import { createECDH, createPrivateKey, sign } from 'node:crypto';
import { StrongroomError } from '../errors.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { isP256PublicKey } from './p256.ts';

/** Bytes of a secret key. */
export const P256_SECRET_LENGTH = 32;

/** True for 32 bytes that are a number from 1 to n − 1, big-endian. */
export function isP256SecretKey(bytes: Uint8Array): boolean {
  return p256.utils.isValidSecretKey(bytes);
}

/** A secret key, imported once. */
export interface P256Key {
  /** 65 bytes. */
  readonly publicKey: Bytes;
  /** The x-coordinate of the shared point, 32 bytes. @throws StrongroomError `malformed` if it is no public key */
  agree(publicKey: Uint8Array): Bytes;
  /** ECDSA with SHA-256: r || s, 64 bytes. */
  sign(message: Uint8Array): Bytes;
}

/** @param secret 32 bytes; may be wiped after the call */
export function p256Key(secret: Uint8Array): P256Key {
  if (!isP256SecretKey(secret)) throw new StrongroomError('invalid-key', 'not a P-256 secret key');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(secret);
  const publicKey = copy(ecdh.getPublicKey());
  const part = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  const [x, y] = [part(publicKey.subarray(1, 33)), part(publicKey.subarray(33))];
  const jwk = { kty: 'EC', crv: 'P-256', d: part(secret), x, y };
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return {
    publicKey,
    agree(other) {
      if (!isP256PublicKey(other)) throw new StrongroomError('malformed', 'not a P-256 public key');
      return copy(ecdh.computeSecret(other));
    },
    sign: (message) => copy(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })),
  };
}
