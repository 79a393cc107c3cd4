/**
 * X25519 (RFC 7748) of OpenSSL: for whoever holds a channel key.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { StrongroomError } from '../errors.ts';
import { concat, copy, fromHex, type Bytes } from '../wire/bytes.ts';

/** Bytes of a secret key, a public key and a shared secret. */
export const X25519_LENGTH = 32;

// RFC 8410: what stands before the raw key in PKCS #8 and in SubjectPublicKeyInfo.
const PKCS8 = fromHex('302e020100300506032b656e04220420');
const SPKI = fromHex('302a300506032b656e032100');

/** A secret key, imported once. */
export interface X25519Key {
  /** 32 bytes. */
  readonly publicKey: Bytes;
  /** The shared secret with `publicKey`, 32 bytes. @throws StrongroomError `malformed` for a point of small order */
  agree(publicKey: Uint8Array): Bytes;
}

/** @param secret 32 bytes; may be wiped after the call */
export function x25519(secret: Uint8Array): X25519Key {
  if (secret.length !== X25519_LENGTH) throw new StrongroomError('invalid-key', 'not 32 bytes');
  const pkcs8 = concat(PKCS8, secret);
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8.buffer), format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: copy(spki.subarray(SPKI.length)),
    agree(publicKey) {
      try {
        if (publicKey.length !== X25519_LENGTH) throw new RangeError('not 32 bytes');
        const key = Buffer.from(concat(SPKI, publicKey));
        const peer = createPublicKey({ key, format: 'der', type: 'spki' });
        return copy(diffieHellman({ privateKey, publicKey: peer }));
      } catch (cause) {
        throw new StrongroomError('malformed', 'not an X25519 public key', {}, { cause });
      }
    },
  };
}
