/** What the tests of this folder share: fixed randomness, fixed content and ways to take an object apart. */
import type { RandomSource } from '../crypto/random.ts';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { inspect, Opener } from './reader.ts';
import type { OpenOptions } from './verify.ts';

export const key: BackupKey = BackupKey.fromBytes(Uint8Array.from({ length: 32 }, (_, i) => i));

/** Salts of `fill`, and no GREASE. */
export function fixed(fill: number): RandomSource {
  return (_name, length) => new Uint8Array(length).fill(fill);
}

/** Content in which no two chunks are alike and no byte is zero. */
export function content(length: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => 1 + ((i ^ (i >> 8) ^ (i >> 16)) % 255));
}

/** `bytes` with one bit inverted. */
export function flip(bytes: Uint8Array, bit: number): Bytes {
  const changed = new Uint8Array(bytes);
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

/** Header and sealed chunks of an object. */
export function takeApart(object: Uint8Array): { header: Uint8Array; chunks: Uint8Array[] } {
  const { length, chunkLog2 } = inspect(object);
  const size = 2 ** chunkLog2 + 16;
  const chunks: Uint8Array[] = [];
  for (let at = length; at < object.length; at += size) chunks.push(object.subarray(at, at + size));
  return { header: object.subarray(0, length), chunks };
}

/** What came of opening: `code` is undefined if the object was verified; `released` is all content that came out. */
export interface Outcome {
  readonly code: ErrorCode | undefined;
  readonly released: Bytes;
}

/** Opens `object` in slices of `step` bytes and records everything that is released before the error. */
export function attempt(
  object: Uint8Array,
  options: Partial<OpenOptions> = {},
  step: number = object.length,
): Outcome {
  const opener = new Opener({ key, ...options });
  const released: Bytes[] = [];
  try {
    for (let at = 0; at < object.length; at += step) {
      for (const piece of opener.feed(object.subarray(at, at + step))) released.push(piece);
    }
    for (const piece of opener.finish()) released.push(piece);
  } catch (error) {
    if (!isStrongroomError(error)) throw error;
    return { code: error.code, released: concat(...released) };
  }
  return { code: undefined, released: concat(...released) };
}
