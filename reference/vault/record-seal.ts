/**
 * Records at rest (spec/storage.md, "Sealed record"). Every write has a key of its own, so that no nonce is ever used
 * twice; a record opens without the name of its account.
 *
 * @module
 */
import { NONCE_LENGTH, TAG_LENGTH } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import type { PartitionKey } from '../hsm/interface.ts';
import { label } from '../keys/labels.ts';
import { concat, wipe, type Bytes } from '../wire/bytes.ts';
import { constant, decode, encode, opaque, padded, struct, u32, u8, type Codec } from '../wire/codec.ts';
import { checkInvariants } from './invariants.ts';
import { AccountRecord, RECORD_VERSION } from './record.ts';

/** Bytes of every sealed record. */
export const SEALED_RECORD_SIZE = 4096;

/** What a sealed record says in the clear. */
export interface Prefix {
  readonly version: number;
  readonly reserved: undefined;
  readonly keyEpoch: number;
  /** Fresh for every write. */
  readonly salt: Bytes;
}

const Prefix: Codec<Prefix> = struct<Prefix>('RecordPrefix', {
  version: u8,
  reserved: constant(new Uint8Array(3), 'reserved'),
  keyEpoch: u32,
  salt: opaque(32, 'salt'),
});

const PREFIX_SIZE = 40;
const Plaintext = padded(AccountRecord, SEALED_RECORD_SIZE - PREFIX_SIZE - TAG_LENGTH);
const NONCE = new Uint8Array(NONCE_LENGTH);

function aead(key: PartitionKey, leaf: Bytes, salt: Bytes): ReturnType<typeof nodeEngine.aead> {
  const recordKey = nodeEngine.hmac('sha256', key.key, concat(label('record'), salt, leaf));
  const cipher = nodeEngine.aead(recordKey);
  wipe(recordKey);
  return cipher;
}

function invalid(message: string): StrongroomError {
  return new StrongroomError('record-invalid', message);
}

/**
 * Checks and seals a record: 4096 bytes.
 *
 * @param salt 32 fresh bytes
 * @throws StrongroomError `record-invalid`
 */
export function sealRecord(key: PartitionKey, leaf: Bytes, record: AccountRecord, salt: Bytes): Bytes {
  checkInvariants(record);
  const prefix = encode(Prefix, { version: RECORD_VERSION, reserved: undefined, keyEpoch: key.epoch, salt });
  const plaintext = encode(Plaintext, record);
  const sealed = aead(key, leaf, salt).seal(NONCE, plaintext, concat(leaf, prefix));
  wipe(plaintext);
  return concat(prefix, sealed);
}

/** Reads what stands before the ciphertext. @throws StrongroomError `malformed` */
export function prefixOf(sealed: Bytes): Prefix {
  return decode(Prefix, sealed.subarray(0, PREFIX_SIZE));
}

/**
 * Opens and checks a record.
 *
 * @param keys the partition's current key, and the next one if there is one
 * @throws StrongroomError `record-invalid`
 */
export function openRecord(keys: readonly PartitionKey[], leaf: Bytes, sealed: Bytes): AccountRecord {
  if (sealed.length !== SEALED_RECORD_SIZE) throw invalid(`a sealed record of ${sealed.length} bytes`);
  const prefix = sealed.subarray(0, PREFIX_SIZE);
  const { version, keyEpoch, salt } = prefixOf(sealed);
  const key = keys.find(({ epoch }) => epoch === keyEpoch);
  if (version !== RECORD_VERSION || key === undefined)
    throw invalid(`version ${version}, key epoch ${keyEpoch}`);
  const plaintext = aead(key, leaf, salt).open(NONCE, sealed.subarray(PREFIX_SIZE), concat(leaf, prefix));
  if (plaintext === undefined) throw invalid('a sealed record does not open');
  const record = decode(Plaintext, plaintext);
  wipe(plaintext);
  checkInvariants(record);
  return record;
}
