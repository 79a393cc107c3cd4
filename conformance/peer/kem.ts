/**
 * The suite's own DHKEM (RFC 9180, section 4.1) of channel suites 1 and 2, and the labelled HKDF of HPKE.
 *
 * @module
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { extract as hkdfExtract } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { be, cat, expand, toHex, unhex, utf8, zeros, type Bytes } from './primitives.ts';

/** X25519, or P-256. */
export type ChannelSuite = 1 | 2;

/** LabeledExtract. */
export function labeledExtract(id: Uint8Array, salt: Uint8Array, name: string, ikm: Uint8Array): Bytes {
  return new Uint8Array(hkdfExtract(nobleSha256, cat(utf8('HPKE-v1'), id, utf8(name), ikm), salt));
}

/** LabeledExpand. */
export function labeledExpand(
  id: Uint8Array,
  prk: Uint8Array,
  name: string,
  info: Uint8Array,
  length: number,
): Bytes {
  return expand(prk, cat(be(2, length), utf8('HPKE-v1'), id, utf8(name), info), length);
}

interface Kem {
  /** Number of the KEM, 2 bytes. */
  readonly id: Bytes;
  /** Bytes of a public key and of `enc`. */
  readonly encLength: number;
  readonly publicKey: (secretKey: Uint8Array) => Bytes;
  /** The Diffie-Hellman result that is hashed. */
  readonly dh: (secretKey: Uint8Array, publicKey: Uint8Array) => Bytes;
  /** The private key in the pseudo-random key of DeriveKeyPair. */
  readonly derive: (id: Bytes, prk: Bytes) => Bytes;
}

/** A candidate is taken unless it is 0, or not below the order of the group. */
function deriveP256(id: Bytes, prk: Bytes): Bytes {
  for (let counter = 0; counter < 256; counter++) {
    const candidate = labeledExpand(id, prk, 'candidate', be(1, counter), 32);
    const scalar = BigInt(`0x${toHex(candidate)}`);
    if (scalar > 0n && scalar < p256.Point.Fn.ORDER) return candidate;
  }
  throw new Error('no key of P-256 in this seed');
}

const KEMS: Readonly<Record<ChannelSuite, Kem>> = {
  1: {
    id: unhex('0020'),
    encLength: 32,
    publicKey: (secretKey) => new Uint8Array(x25519.getPublicKey(secretKey)),
    dh: (secretKey, publicKey) => new Uint8Array(x25519.getSharedSecret(secretKey, publicKey)),
    derive: (id, prk) => labeledExpand(id, prk, 'sk', zeros(0), 32),
  },
  2: {
    id: unhex('0010'),
    encLength: 65,
    publicKey: (secretKey) => new Uint8Array(p256.getPublicKey(secretKey, false)),
    // Of the shared point the x coordinate, behind the byte that says that it is compressed.
    dh: (secretKey, publicKey) => new Uint8Array(p256.getSharedSecret(secretKey, publicKey, true).slice(1)),
    derive: deriveP256,
  },
};

/** The KEM of a suite. */
export function kemOf(suite: ChannelSuite): Kem {
  return KEMS[suite];
}

function kemId(suite: ChannelSuite): Bytes {
  return cat(utf8('KEM'), kemOf(suite).id);
}

/** DeriveKeyPair (section 7.1.3). */
export function deriveKemKeyPair(
  ikm: Uint8Array,
  suite: ChannelSuite = 1,
): { secretKey: Bytes; publicKey: Bytes } {
  const id = kemId(suite);
  const secretKey = kemOf(suite).derive(id, labeledExtract(id, zeros(0), 'dkp_prk', ikm));
  return { secretKey, publicKey: kemOf(suite).publicKey(secretKey) };
}

function sharedSecret(suite: ChannelSuite, dh: Uint8Array, enc: Uint8Array, publicKey: Uint8Array): Bytes {
  const id = kemId(suite);
  const prk = labeledExtract(id, zeros(0), 'eae_prk', dh);
  return labeledExpand(id, prk, 'shared_secret', cat(enc, publicKey), 32);
}

/** Encap, from the seed of the ephemeral key. */
export function encapsulate(
  suite: ChannelSuite,
  publicKey: Uint8Array,
  seed: Uint8Array,
): { enc: Bytes; shared: Bytes } {
  const ephemeral = deriveKemKeyPair(seed, suite);
  const dh = kemOf(suite).dh(ephemeral.secretKey, publicKey);
  return { enc: ephemeral.publicKey, shared: sharedSecret(suite, dh, ephemeral.publicKey, publicKey) };
}

/** Decap. */
export function decapsulate(suite: ChannelSuite, secretKey: Uint8Array, enc: Uint8Array): Bytes {
  const { dh, publicKey } = kemOf(suite);
  return sharedSecret(suite, dh(secretKey, enc), enc, publicKey(secretKey));
}
