/**
 * The OPAQUE keys of a vault, wrapped by its HSM (spec/hsm.md, "OPAQUE keys").
 *
 * @module
 */
import type { HsmKeys } from '../hsm/interface.ts';
import { StrongroomError } from '../errors.ts';
import { keyId } from '../fleet/index.ts';
import { label } from '../keys/labels.ts';
import type { Suite } from '../opaque/index.ts';
import { concat, wipe, type Bytes } from '../wire/bytes.ts';
import { bytes, decode, encode, opaque, struct, vector, type Codec } from '../wire/codec.ts';
import type { OpaqueServerKey } from './core/fleet.ts';

interface WrappedKey {
  readonly id: Bytes;
  readonly oprfKeyId: Bytes;
  /** Box of the HSM; its AAD is label("opaque-key") || id || oprf_key_id. */
  readonly box: Bytes;
}

const WrappedKey: Codec<WrappedKey> = struct<WrappedKey>('WrappedOpaqueKey', {
  id: opaque(8, 'id'),
  oprfKeyId: opaque(8, 'oprf_key_id'),
  box: bytes(1, 512, 'box'),
});

const WrappedKeys: Codec<WrappedKey[]> = vector(WrappedKey, 1, 0xffff, 'wrapped_opaque_keys');

function aad(id: Bytes, oprfKeyId: Bytes): Bytes {
  return concat(label('opaque-key'), id, oprfKeyId);
}

/** Wraps key pairs, the oldest first. */
export async function wrapOpaqueKeys(hsm: HsmKeys, keys: readonly OpaqueServerKey[]): Promise<Bytes> {
  const wrapped = keys.map(async ({ id, oprfKeyId, secretKey }) => ({
    id,
    oprfKeyId,
    box: await hsm.seal(secretKey, aad(id, oprfKeyId)),
  }));
  return encode(WrappedKeys, await Promise.all(wrapped));
}

function readWrapped(file: Bytes): WrappedKey[] {
  try {
    return decode(WrappedKeys, file);
  } catch (cause) {
    throw new StrongroomError('keys-damaged', 'the OPAQUE keys do not decode', {}, { cause });
  }
}

/** Unwraps key pairs. @throws StrongroomError `keys-damaged` */
export async function unwrapOpaqueKeys(hsm: HsmKeys, suite: Suite, file: Bytes): Promise<OpaqueServerKey[]> {
  const keys = readWrapped(file).map(async ({ id, oprfKeyId, box }) => {
    const secretKey = await hsm.open(box, aad(id, oprfKeyId));
    return { id, oprfKeyId, secretKey, publicKey: suite.group.multiplyBase(secretKey) };
  });
  return Promise.all(keys);
}

/** A fresh key pair; the id of the HSM's OPRF key is the first 8 bytes of an HMAC under it. */
export async function newOpaqueKey(
  hmac: HsmKeys['hmac'],
  pair: { readonly secretKey: Bytes; readonly publicKey: Bytes },
): Promise<OpaqueServerKey> {
  const oprfKeyId = (await hmac('oprf', label('oprf-key-id'))).slice(0, 8);
  return { ...pair, id: keyId(pair.publicKey), oprfKeyId };
}

/** Overwrites the secret halves. */
export function wipeOpaqueKeys(keys: readonly OpaqueServerKey[]): void {
  wipe(...keys.map(({ secretKey }) => secretKey));
}
