/**
 * The suite's own groups of records (spec/records.md, "Groups").
 *
 * @module
 */
import { deflate, literals } from './deflate.ts';
import { be, cat, type Bytes } from './primitives.ts';
import { record } from './records.ts';

/** Type of the record that holds a group. */
export const GROUP = 0x8003;

/** The records as they stand in a group before compression. */
export function grouped(records: readonly Uint8Array[]): Bytes {
  return cat(...records.flatMap((one) => [be(3, one.length), one]));
}

/** A GROUP record of any codec, length and data. */
export function rawGroup(codec: number, rawLength: number, data: Uint8Array): Bytes {
  return record(GROUP, cat(be(4, rawLength), data), codec);
}

/** A GROUP record of these records, compressed. */
export function group(records: readonly Uint8Array[]): Bytes {
  const raw = grouped(records);
  return rawGroup(1, raw.length, deflate([{ steps: literals(raw) }]));
}
