/**
 * The head of a set: which generation is the newest, signed by the owner and kept elsewhere than the storage
 * (spec/freshness.md, "Head").
 *
 * @module
 */
import { ED25519_SIGNATURE_LENGTH, ed25519Verify } from '../crypto/ed25519.ts';
import { isStrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { label } from '../keys/labels.ts';
import { ownerPublicKey, ownerSign } from '../keys/owner-key.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { decode, encode, opaque, struct, u32, u64, type Codec } from '../wire/codec.ts';
import { badHead } from './head-store.ts';

/** Which manifest is the newest of a set. Nothing of it is secret. */
export interface SetHead {
  /** 16 bytes. */
  readonly setId: Bytes;
  /** 1 or more. */
  readonly generation: number;
  /** SHA-256 of the content of the manifest, 32 bytes. */
  readonly manifestId: Bytes;
  /** When the manifest was made: seconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  /** Number of the backup key that seals the manifest, 1 or more. */
  readonly keyEpoch: number;
}

/** `SetHead` on the wire. */
export const SetHead: Codec<SetHead> = struct<SetHead>('SetHead', {
  setId: opaque(16, 'set_id'),
  generation: u64,
  manifestId: opaque(32, 'manifest_id'),
  created: u64,
  keyEpoch: u32,
});

interface SignedSetHead {
  readonly head: SetHead;
  readonly signature: Bytes;
}

const SignedSetHead: Codec<SignedSetHead> = struct<SignedSetHead>('SignedSetHead', {
  head: SetHead,
  signature: opaque(ED25519_SIGNATURE_LENGTH, 'signature'),
});

const signedPart = (head: SetHead): Bytes => concat(label('set-head'), encode(SetHead, head));

/** The encoded head with the signature of the key's owner, 132 bytes. */
export function signHead(key: BackupKey, head: SetHead): Bytes {
  return encode(SignedSetHead, { head, signature: ownerSign(key, signedPart(head)) });
}

/** The head that the owner of `key` signed. @throws StrongroomError `bad-head` for everything else */
export function openHead(key: BackupKey, signed: Uint8Array): SetHead {
  const { head, signature } = decodeHead(signed);
  if (!ed25519Verify(ownerPublicKey(key), signedPart(head), signature)) {
    throw badHead('the head is not signed by the owner of this key');
  }
  return head;
}

function decodeHead(signed: Uint8Array): SignedSetHead {
  try {
    const decoded = decode(SignedSetHead, signed);
    if (decoded.head.generation >= 1 && decoded.head.keyEpoch >= 1) return decoded;
  } catch (error) {
    if (!isStrongroomError(error, 'malformed')) throw error;
  }
  throw badHead('this is no head of a set');
}
