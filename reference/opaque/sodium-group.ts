/**
 * ristretto255 on libsodium (WebAssembly): constant-time and seven times as fast as noble; the vault's default.
 *
 * @module
 */
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js';
import { sha512 } from '@noble/hashes/sha2.js';
import sodium, { ready } from 'libsodium-wrappers-sumo';
import { concat, copy, equal, isZero, type Bytes } from '../wire/bytes.ts';
import { notAScalar, notAnElement, type Group } from './group.ts';

const LENGTH = 32;

// libsodium works on copies of its own, so results are moved to ordinary buffers.
function reduce(wide: Uint8Array): Bytes {
  return copy(sodium.crypto_core_ristretto255_scalar_reduce(wide));
}

function isElement(bytes: Uint8Array): boolean {
  return bytes.length === LENGTH && !isZero(bytes) && sodium.crypto_core_ristretto255_is_valid_point(bytes);
}

function isScalar(bytes: Uint8Array): boolean {
  return (
    bytes.length === LENGTH && !isZero(bytes) && equal(reduce(concat(bytes, new Uint8Array(LENGTH))), bytes)
  );
}

function checkScalar(bytes: Uint8Array): void {
  if (!isScalar(bytes)) throw notAScalar();
}

const group: Group = {
  identifier: 'ristretto255-SHA512',
  hash: 'sha512',
  elementLength: LENGTH,
  scalarLength: LENGTH,
  hashToGroup: (input, dst) =>
    copy(sodium.crypto_core_ristretto255_from_hash(expand_message_xmd(input, dst, 64, sha512))),
  hashToScalar: (input, dst) => reduce(expand_message_xmd(input, dst, 64, sha512)),
  isElement,
  isScalar,
  trim(bytes) {
    const out = copy(bytes);
    out[LENGTH - 1] = (out[LENGTH - 1] ?? 0) & 0x1f;
    return out;
  },
  multiply(scalar, element) {
    checkScalar(scalar);
    if (!isElement(element)) throw notAnElement();
    return copy(sodium.crypto_scalarmult_ristretto255(scalar, element));
  },
  multiplyBase(scalar) {
    checkScalar(scalar);
    return copy(sodium.crypto_scalarmult_ristretto255_base(scalar));
  },
  invert(scalar) {
    checkScalar(scalar);
    return copy(sodium.crypto_core_ristretto255_scalar_invert(scalar));
  },
};

/** ristretto255-SHA512 (RFC 9497, section 4.1), once its WebAssembly module is ready. */
export async function sodiumRistretto255(): Promise<Group> {
  await ready;
  return group;
}
