/**
 * The suite's own records (spec/records.md), written so that each part can be wrong.
 *
 * @module
 */
import { be, cat, zeros, type Bytes } from './primitives.ts';

/** Kinds of fragments. */
export const FULL = 1;
/** First part of a record. */
export const FIRST = 2;
/** A part in between. */
export const MIDDLE = 3;
/** Last part of a record. */
export const LAST = 4;

/** One fragment. */
export function fragment(kind: number, data: Uint8Array, length: number = data.length): Bytes {
  return cat(be(1, kind), be(3, length), data);
}

/** One record. */
export function record(type: number, body: Uint8Array, codec = 0): Bytes {
  return cat(be(2, type), be(1, codec), body);
}

/** The BEGIN record. */
export function begin(setId: Uint8Array, schema: number, volume = 1, volumes = 1): Bytes {
  return record(0x8001, cat(setId, be(4, volume), be(4, volumes), be(2, schema)));
}

/** The END record that fits to these records. */
export function end(records: readonly Uint8Array[]): Bytes {
  const length = records.reduce((sum, one) => sum + one.length, 0);
  return record(0x8002, cat(be(8, records.length), be(8, length)));
}

/** Records, cut into fragments that do not cross a chunk. */
export function frame(chunk: number, records: readonly Uint8Array[]): Bytes {
  const parts: Bytes[] = [];
  let position = 0;
  const push = (bytes: Bytes): void => {
    parts.push(bytes);
    position += bytes.length;
  };
  for (const whole of records) {
    for (let at = 0; at < whole.length;) {
      const left = chunk - (position % chunk);
      if (left <= 4) {
        push(zeros(left));
        continue;
      }
      const n = Math.min(whole.length - at, left - 4);
      const last = at + n === whole.length;
      const kind = at === 0 ? (last ? FULL : FIRST) : last ? LAST : MIDDLE;
      push(fragment(kind, whole.slice(at, at + n)));
      at += n;
    }
  }
  return cat(...parts);
}
