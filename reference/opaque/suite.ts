/**
 * What an OPAQUE instance is made of (RFC 9807, section 7), and the key derivation all its parts share.
 *
 * @module
 */
import type { CryptoEngine } from '../crypto/engine.ts';
import { expand, extract } from '../crypto/hkdf.ts';
import { nodeEngine } from '../crypto/node.ts';
import { concat, utf8, type Bytes } from '../wire/bytes.ts';
import type { Group } from './group.ts';
import { nobleRistretto255 } from './noble-group.ts';
import { deriveScalar } from './oprf.ts';
import { sodiumRistretto255 } from './sodium-group.ts';

/** A group, and the engine for its hash, HKDF and HMAC. */
export interface Suite {
  readonly group: Group;
  readonly engine: CryptoEngine;
}

/** Nn of RFC 9807: bytes of every nonce. */
export const OPAQUE_NONCE_LENGTH = 32;

/** ristretto255-SHA512 on libsodium: what a vault runs. */
export async function sodiumSuite(engine: CryptoEngine = nodeEngine): Promise<Suite> {
  return { group: await sodiumRistretto255(), engine };
}

/** ristretto255-SHA512 on noble: portable. */
export const nobleSuite: Suite = { group: nobleRistretto255, engine: nodeEngine };

/** Nh, Nm and Nx of RFC 9807: bytes of the suite's hash. */
export function hashLength(suite: Suite): number {
  return suite.group.hash === 'sha512' ? 64 : 32;
}

/** Extract("", ikm): every extraction of RFC 9807 has an empty salt. */
export function opaqueExtract(suite: Suite, ikm: Uint8Array): Bytes {
  return extract(suite.engine, suite.group.hash, new Uint8Array(0), ikm);
}

/** Expand(prk, prefix || label, length). */
export function opaqueExpand(
  suite: Suite,
  prk: Uint8Array,
  prefix: Uint8Array,
  label: string,
  length: number,
): Bytes {
  return expand(suite.engine, suite.group.hash, prk, concat(prefix, utf8(label)), length);
}

/** A Diffie-Hellman key pair of the suite's group. */
export interface KeyPair {
  readonly secretKey: Bytes;
  readonly publicKey: Bytes;
}

/** DeriveDiffieHellmanKeyPair (RFC 9807, section 6.4.1) from a seed of Nseed bytes. */
export function deriveKeyPair(suite: Suite, seed: Uint8Array): KeyPair {
  const secretKey = deriveScalar(suite.group, seed, utf8('OPAQUE-DeriveDiffieHellmanKeyPair'));
  return { secretKey, publicKey: suite.group.multiplyBase(secretKey) };
}
