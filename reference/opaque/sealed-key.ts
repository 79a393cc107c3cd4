/**
 * The backup key, sealed for the vault (spec/opaque.md, "Sealed key"): only who proves the password can open it, and
 * only as the key of this account and this generation.
 *
 * @module
 */
import { NONCE_LENGTH, type CryptoEngine } from '../crypto/engine.ts';
import { expand } from '../crypto/hkdf.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import { label } from '../keys/labels.ts';
import { wipe, type Bytes } from '../wire/bytes.ts';
import { bytes, encode, opaque, struct, u64, type Codec } from '../wire/codec.ts';

/** Bytes of a sealed key: the key and a tag. */
export const SEALED_KEY_LENGTH = 48;

const KEY_LENGTH = 32;

/** What a sealed key is bound to. */
export interface SealedKeyBinding {
  /** 16 bytes. */
  readonly fleetId: Bytes;
  /** 1 to 64 bytes. */
  readonly account: Bytes;
  readonly generation: number;
}

const SealedKeyBinding: Codec<SealedKeyBinding> = struct<SealedKeyBinding>('SealedKeyBinding', {
  fleetId: opaque(16, 'fleet_id'),
  account: bytes(1, 64, 'account'),
  generation: u64,
});

// Every registration has an export key of its own, and it seals one thing once: the nonce may be constant.
const NONCE = new Uint8Array(NONCE_LENGTH);

function aead(exportKey: Uint8Array, engine: CryptoEngine): ReturnType<CryptoEngine['aead']> {
  const key = expand(engine, 'sha512', exportKey, label('sealed-key'), KEY_LENGTH);
  const cipher = engine.aead(key);
  wipe(key);
  return cipher;
}

/**
 * Seals a backup key.
 *
 * @param exportKey 64 bytes, of the registration of this generation and of no other
 * @param backupKey 32 bytes
 * @returns 48 bytes
 * @throws StrongroomError `invalid-key`, `malformed`
 */
export function sealBackupKey(
  exportKey: Uint8Array,
  backupKey: Uint8Array,
  binding: SealedKeyBinding,
  engine: CryptoEngine = nodeEngine,
): Bytes {
  if (backupKey.length !== KEY_LENGTH) throw new StrongroomError('invalid-key', 'not 32 bytes');
  return aead(exportKey, engine).seal(NONCE, backupKey, encode(SealedKeyBinding, binding));
}

/**
 * Opens a sealed backup key: 32 bytes, to be wiped by the caller.
 *
 * @throws StrongroomError `bad-sealed-key` if it is not of this registration
 */
export function openBackupKey(
  exportKey: Uint8Array,
  sealedKey: Uint8Array,
  binding: SealedKeyBinding,
  engine: CryptoEngine = nodeEngine,
): Bytes {
  const key =
    sealedKey.length === SEALED_KEY_LENGTH
      ? aead(exportKey, engine).open(NONCE, sealedKey, encode(SealedKeyBinding, binding))
      : undefined;
  if (key === undefined) throw new StrongroomError('bad-sealed-key', 'the sealed key does not open');
  return key;
}
