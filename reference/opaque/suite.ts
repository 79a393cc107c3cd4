/**
 * What an OPAQUE instance is made of (RFC 9807, section 7), and the key derivation all its parts share.
 *
 * @module
 */
import type { CryptoEngine } from '../crypto/engine.ts';
import { expand, extract } from '../crypto/hkdf.ts';
import { nodeEngine } from '../crypto/node.ts';
import { concat, utf8, type Bytes } from '../wire/bytes.ts';
import { groupDiffieHellman, type DiffieHellman } from './dh.ts';
import type { Group } from './group.ts';
import { nobleRistretto255 } from './noble-group.ts';
import { sodiumRistretto255 } from './sodium-group.ts';

/** The group of the OPRF, the engine for its hash, HKDF and HMAC, and the key exchange. */
export interface Suite {
  readonly group: Group;
  readonly engine: CryptoEngine;
  readonly dh: DiffieHellman;
}

/** The suite of a group: the key exchange is in the same group unless `dh` says otherwise. */
export function suiteOf(
  group: Group,
  engine: CryptoEngine = nodeEngine,
  dh: DiffieHellman = groupDiffieHellman(group),
): Suite {
  return { group, engine, dh };
}

/** Nn of RFC 9807: bytes of every nonce. */
export const OPAQUE_NONCE_LENGTH = 32;

/** ristretto255-SHA512 on libsodium: what a vault runs. */
export async function sodiumSuite(engine: CryptoEngine = nodeEngine): Promise<Suite> {
  return suiteOf(await sodiumRistretto255(), engine);
}

/** ristretto255-SHA512 on noble: portable. */
export const nobleSuite: Suite = suiteOf(nobleRistretto255);

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
