/**
 * Key pairs in memory, by suite (spec/channel.md, "Suites").
 *
 * @module
 */
import { createPrivateKey, sign } from 'node:crypto';
import { dhkemSharedSecret } from '../channel/index.ts';
import { ed25519PublicKey } from '../crypto/ed25519.ts';
import { nodeEngine } from '../crypto/node.ts';
import { isP256SecretKey, p256Key } from '../crypto/p256-key.ts';
import { systemRandom } from '../crypto/random.ts';
import { x25519 } from '../crypto/x25519.ts';
import { concat, copy, fromHex, wipe, type Bytes } from '../wire/bytes.ts';
import type { PairKind, PairSuite } from './interface.ts';

/** What is secret about a pair is 32 bytes in both suites. */
export const PAIR_SECRET_LENGTH = 32;

/** A pair whose secret half was imported. */
export interface Pair {
  readonly publicKey: Bytes;
  /** `kem`: the shared secret of 32 bytes for `enc`. `receipt`: the signature of 64 bytes of a message. */
  use(input: Uint8Array): Bytes;
}

/** Identifier of the suite's KEM (RFC 9180, section 7.1). */
export const KEM_IDS: Readonly<Record<PairSuite, number>> = { 1: 0x20, 2: 0x10 };

// RFC 8410, section 7: what stands before the raw key in PKCS #8.
const PKCS8_ED25519 = fromHex('302e020100300506032b657004220420');

function ed25519Key(secret: Uint8Array): Pair {
  const der = concat(PKCS8_ED25519, secret);
  const key = createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' });
  wipe(der);
  return { publicKey: ed25519PublicKey(secret), use: (message) => copy(sign(null, message, key)) };
}

/** Imports a pair. @param secret 32 bytes; may be wiped after the call. @throws StrongroomError `invalid-key` */
export function importPair(suite: PairSuite, kind: PairKind, secret: Uint8Array): Pair {
  if (kind === 'receipt') {
    if (suite === 1) return ed25519Key(secret);
    const key = p256Key(secret);
    return { publicKey: key.publicKey, use: (message) => key.sign(message) };
  }
  const pair = suite === 1 ? x25519(secret) : p256Key(secret);
  const { publicKey } = pair;
  const use = (enc: Uint8Array): Bytes => {
    const dh = pair.agree(enc);
    const shared = dhkemSharedSecret(nodeEngine, KEM_IDS[suite], dh, enc, publicKey);
    wipe(dh);
    return shared;
  };
  return { publicKey, use };
}

/** A fresh secret half, 32 bytes. */
export function newPairSecret(suite: PairSuite, kind: PairKind): Bytes {
  for (;;) {
    const secret = systemRandom(`${kind}_key`, PAIR_SECRET_LENGTH);
    if (suite === 1 || isP256SecretKey(secret)) return secret;
  }
}
