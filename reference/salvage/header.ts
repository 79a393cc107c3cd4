/**
 * Whose bytes these are (spec/salvage.md, "Header"): what is left of a header, held against a key and a name.
 *
 * @module
 */
import { inspect, streamKey, type BackupKey, type HeaderInfo, type ObjectKey } from '../container/index.ts';
import { encodeHeader } from '../container/header.ts';
import { objectKeyOf } from '../container/stream-key.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { isStrongroomError } from '../errors.ts';
import { storageName } from '../set/index.ts';
import { equal, wipe, type Bytes } from '../wire/bytes.ts';

/** Longest header of an object in bytes. */
export const MAX_HEADER_LENGTH = 4184;
const PREFIX_LENGTH = 48;
const COMMITMENT_LENGTH = 32;

/** The header of an object, by its commitment. */
export interface KnownHeader {
  readonly header: HeaderInfo;
  /** True if the bytes begin with exactly this header. */
  readonly intact: boolean;
  /** The key that it belongs to. */
  readonly key: BackupKey | ObjectKey;
}

/**
 * The header at the start of some bytes, if the key shows that it is right: its commitment, or the storage name made
 * of it, is there. `other-key` if the header is whole and of no key that is known, else `none`.
 *
 * @param start the first 4184 bytes, or all
 * @param name the storage name under which the bytes were found
 */
export function knownHeader(
  start: Bytes,
  keys: readonly (BackupKey | ObjectKey)[],
  engine: CryptoEngine,
  name?: string,
  context: Uint8Array = new Uint8Array(),
): KnownHeader | 'other-key' | 'none' {
  const [high = 0, low = 0] = start.subarray(12, 14);
  const length = PREFIX_LENGTH + high * 256 + low;
  const prefix = start.slice(0, length);
  const stored = start.subarray(length, length + COMMITMENT_LENGTH);
  for (const key of prefix.length < length ? [] : keys) {
    const commitment = commitmentOf(prefix, key, engine, context);
    if (!equal(commitment, stored) && storageName(commitment) !== name) continue;
    const whole = encodeHeader(prefix, commitment, engine);
    const header = parse(whole);
    if (header !== undefined) return { header, intact: startsWith(start, whole), key };
  }
  return parse(start) === undefined ? 'none' : 'other-key';
}

/** The header that a manifest names, and the key that it belongs to; undefined if it belongs to none of them. */
export function namedHeader(
  { prefix, commitment }: { readonly prefix: Bytes; readonly commitment: Bytes },
  keys: readonly (BackupKey | ObjectKey)[],
  engine: CryptoEngine,
): Omit<KnownHeader, 'intact'> | undefined {
  const key = keys.find((each) => equal(commitmentOf(prefix, each, engine), commitment));
  const header = key && parse(encodeHeader(prefix, commitment, engine));
  return header && { header, key };
}

/** The commitment that a key gives to a prefix. */
function commitmentOf(
  prefix: Uint8Array,
  key: BackupKey | ObjectKey,
  engine: CryptoEngine,
  context: Uint8Array = new Uint8Array(),
): Bytes {
  const objectKey = objectKeyOf(key, engine);
  const derived = streamKey(objectKey, prefix, context, engine);
  wipe(objectKey, derived.key, derived.baseNonce);
  return derived.commitment;
}

/** True if `bytes` begin with `start`. */
export function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return equal(bytes.subarray(0, start.length), start);
}

function parse(bytes: Uint8Array): HeaderInfo | undefined {
  try {
    return inspect(bytes);
  } catch (error) {
    if (isStrongroomError(error)) return undefined;
    throw error;
  }
}
