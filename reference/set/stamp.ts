/**
 * Stamps (spec/backup.md, "Stamps"): by what a file is known again without reading it.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { copy, type Bytes } from '../wire/bytes.ts';

/** A file whose status changed less than this before it is read may change again without that showing. */
const GRAIN_MS = 2000;

/**
 * By what a file is known again, 16 bytes; empty if it changed so short before `now`, in milliseconds since 1970, that
 * another change could go unseen.
 */
export function stampOf(
  { ino, size, mtimeNs, ctimeNs }: Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>,
  now: number,
): Bytes {
  if (ctimeNs > BigInt(Math.floor(now) - GRAIN_MS) * 1_000_000n) return new Uint8Array();
  const state = new DataView(new ArrayBuffer(32));
  state.setBigUint64(0, ino);
  state.setBigUint64(8, size);
  state.setBigInt64(16, mtimeNs);
  state.setBigInt64(24, ctimeNs);
  return copy(hash('sha256', state, 'buffer').subarray(0, 16));
}
