/**
 * HKDF (RFC 5869). Strongroom itself uses Expand alone; Extract is there for OPAQUE and HPKE.
 *
 * @module
 */
import { concat, wipe, type Bytes } from '../wire/bytes.ts';
import type { CryptoEngine, HashName } from './engine.ts';

const LENGTHS: Readonly<Record<HashName, number>> = { sha256: 32, sha512: 64 };

/** HKDF-Extract (RFC 5869, section 2.2): a pseudorandom key as long as the hash. */
export function extract(engine: CryptoEngine, hash: HashName, salt: Uint8Array, ikm: Uint8Array): Bytes {
  return engine.hmac(hash, salt.length === 0 ? new Uint8Array(LENGTHS[hash]) : salt, ikm);
}

/**
 * HKDF-Expand (RFC 5869, section 2.3).
 *
 * @param length 1 to 255 times the hash length, in bytes
 * @throws RangeError if `length` is outside
 */
export function expand(
  engine: CryptoEngine,
  hash: HashName,
  prk: Uint8Array,
  info: Uint8Array,
  length: number,
): Bytes {
  const size = LENGTHS[hash];
  const rounds = Math.ceil(length / size);
  if (!(length >= 1 && rounds <= 255)) throw new RangeError(`HKDF-Expand of ${length} bytes`);
  const out = new Uint8Array(rounds * size);
  let previous: Bytes = new Uint8Array(0);
  for (let i = 1; i <= rounds; i++) {
    const block = engine.hmac(hash, prk, concat(previous, info, Uint8Array.of(i)));
    wipe(previous);
    previous = block;
    out.set(block, (i - 1) * size);
  }
  const okm = out.slice(0, length);
  wipe(out, previous);
  return okm;
}
