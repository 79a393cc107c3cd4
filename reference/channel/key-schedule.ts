/**
 * HPKE in base mode from the shared secret on (RFC 9180, section 5.1): the vault's HSM decapsulates, the rest
 * happens here.
 *
 * @module
 */
import type { CryptoEngine, HashName } from '../crypto/engine.ts';
import { expand, extract } from '../crypto/hkdf.ts';
import { concat, utf8, wipe, type Bytes } from '../wire/bytes.ts';
import { encode, u16 } from '../wire/codec.ts';

/** Identifiers of RFC 9180, section 7. */
export interface HpkeIds {
  readonly kem: number;
  readonly kdf: number;
  readonly aead: number;
}

const KDF_HASHES: Readonly<Record<number, HashName>> = { 1: 'sha256', 3: 'sha512' };
const KEM_HASHES: Readonly<Record<number, HashName>> = { 0x10: 'sha256', 0x12: 'sha512', 0x20: 'sha256' };
const AEAD_KEY_LENGTHS: Readonly<Record<number, number>> = { 1: 16, 2: 32, 3: 32 };
const AEAD_NONCE_LENGTH = 12;
const MODE_BASE = 0x00;
const NONE: Bytes = new Uint8Array(0);

/** A hash and a suite_id, under which everything is labelled (RFC 9180, section 4). */
class Labelled {
  readonly #engine: CryptoEngine;
  readonly #hash: HashName;
  readonly #suiteId: Bytes;

  constructor(engine: CryptoEngine, hash: HashName | undefined, suiteId: Bytes) {
    if (hash === undefined) throw new RangeError('unknown HPKE identifier');
    this.#engine = engine;
    this.#hash = hash;
    this.#suiteId = suiteId;
  }

  /** Nh of the hash, in bytes. */
  get size(): number {
    return this.#hash === 'sha256' ? 32 : 64;
  }

  extract(salt: Uint8Array, name: string, ikm: Uint8Array): Bytes {
    const labelled = concat(utf8('HPKE-v1'), this.#suiteId, utf8(name), ikm);
    const prk = extract(this.#engine, this.#hash, salt, labelled);
    wipe(labelled);
    return prk;
  }

  expand(prk: Uint8Array, name: string, info: Uint8Array, length: number): Bytes {
    const labelled = concat(encode(u16, length), utf8('HPKE-v1'), this.#suiteId, utf8(name), info);
    return expand(this.#engine, this.#hash, prk, labelled, length);
  }
}

function hpke(engine: CryptoEngine, ids: HpkeIds): Labelled {
  const suiteId = concat(utf8('HPKE'), encode(u16, ids.kem), encode(u16, ids.kdf), encode(u16, ids.aead));
  return new Labelled(engine, KDF_HASHES[ids.kdf], suiteId);
}

/** What the key schedule yields. */
export interface HpkeKeys {
  readonly key: Bytes;
  readonly baseNonce: Bytes;
  readonly exporterSecret: Bytes;
}

/** KeySchedule in mode base (RFC 9180, section 5.1). */
export function keySchedule(
  engine: CryptoEngine,
  ids: HpkeIds,
  sharedSecret: Uint8Array,
  info: Uint8Array,
): HpkeKeys {
  const kdf = hpke(engine, ids);
  const context = concat(
    Uint8Array.of(MODE_BASE),
    kdf.extract(NONE, 'psk_id_hash', NONE),
    kdf.extract(NONE, 'info_hash', info),
  );
  const secret = kdf.extract(sharedSecret, 'secret', NONE);
  const keyLength = AEAD_KEY_LENGTHS[ids.aead];
  const keys = {
    key: keyLength === undefined ? NONE : kdf.expand(secret, 'key', context, keyLength),
    baseNonce: keyLength === undefined ? NONE : kdf.expand(secret, 'base_nonce', context, AEAD_NONCE_LENGTH),
    exporterSecret: kdf.expand(secret, 'exp', context, kdf.size),
  };
  wipe(secret);
  return keys;
}

/** Context.Export (RFC 9180, section 5.3). */
export function exportSecret(
  engine: CryptoEngine,
  ids: HpkeIds,
  exporterSecret: Uint8Array,
  exporterContext: Uint8Array,
  length: number,
): Bytes {
  return hpke(engine, ids).expand(exporterSecret, 'sec', exporterContext, length);
}

/**
 * ExtractAndExpand of DHKEM (RFC 9180, section 4.1): from the Diffie-Hellman result that a device gives to the KEM's
 * shared secret.
 *
 * @param dh shared X25519 value or x-coordinate
 * @param enc encapsulated key as received
 * @param publicKey the recipient's public key
 */
export function dhkemSharedSecret(
  engine: CryptoEngine,
  kem: number,
  dh: Uint8Array,
  enc: Uint8Array,
  publicKey: Uint8Array,
): Bytes {
  const kdf = new Labelled(engine, KEM_HASHES[kem], concat(utf8('KEM'), encode(u16, kem)));
  const prk = kdf.extract(NONE, 'eae_prk', dh);
  const shared = kdf.expand(prk, 'shared_secret', concat(enc, publicKey), kdf.size);
  wipe(prk);
  return shared;
}
