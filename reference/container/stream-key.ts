/**
 * From a backup key and a header to the key of one object (spec/container.md, "Key schedule").
 *
 * @module
 */
import { NONCE_LENGTH, type CryptoEngine } from '../crypto/engine.ts';
import { expand } from '../crypto/hkdf.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import { KEY_LENGTH, type BackupKey } from '../keys/backup-key.ts';
import { label } from '../keys/labels.ts';
import { ObjectKey } from '../keys/object-key.ts';
import { concat, wipe, type Bytes } from '../wire/bytes.ts';
import { encode, u16 } from '../wire/codec.ts';

/** The longest context, in bytes. */
export const MAX_CONTEXT_LENGTH = 65_535;
const COMMITMENT_LENGTH = 32;

/** What the key schedule yields for one object. */
export interface StreamKey {
  /** 32 bytes, public. */
  readonly commitment: Bytes;
  /** 32 bytes, secret. */
  readonly key: Bytes;
  /** 12 bytes, secret. */
  readonly baseNonce: Bytes;
}

function checkedContext(context: Uint8Array): Uint8Array {
  if (context.length > MAX_CONTEXT_LENGTH) {
    throw new StrongroomError('limit-exceeded', `a context is at most ${MAX_CONTEXT_LENGTH} bytes`);
  }
  return context;
}

/** What is checked before anything is written or read. @throws StrongroomError `invalid-key`, `limit-exceeded` */
export function checkArguments(key: BackupKey | ObjectKey, context: Uint8Array): void {
  wipe(key.bytes()); // a wiped key has none
  checkedContext(context);
}

/** K_obj, 32 bytes: that of a backup key, or an object key itself. The caller wipes it. */
export function objectKeyOf(key: BackupKey | ObjectKey, engine: CryptoEngine): Bytes {
  if (key instanceof ObjectKey) return key.bytes();
  const objectKey = key.objectKey(engine);
  const raw = objectKey.bytes();
  objectKey.wipe();
  return raw;
}

/**
 * Commitment, key and base nonce of the object whose header starts with `prefix`.
 *
 * @param objectKey K_obj, 32 bytes
 * @param prefix the header up to and without the commitment
 * @param boundTo what the application binds the object to, at most 65535 bytes
 * @throws StrongroomError `limit-exceeded` if the context is longer
 */
export function streamKey(
  objectKey: Uint8Array,
  prefix: Uint8Array,
  boundTo: Uint8Array,
  engine: CryptoEngine = nodeEngine,
): StreamKey {
  const context = checkedContext(boundTo);
  // The last byte is the length of a token, which is always empty in version 1.
  const info = concat(label('stream'), prefix, encode(u16, context.length), context, Uint8Array.of(0));
  const okm = expand(engine, 'sha256', objectKey, info, COMMITMENT_LENGTH + KEY_LENGTH + NONCE_LENGTH);
  const keyAt = COMMITMENT_LENGTH;
  const nonceAt = keyAt + KEY_LENGTH;
  const result = {
    commitment: okm.slice(0, keyAt),
    key: okm.slice(keyAt, nonceAt),
    baseNonce: okm.slice(nonceAt),
  };
  wipe(okm);
  return result;
}
