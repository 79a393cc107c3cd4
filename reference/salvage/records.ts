/**
 * Records of content with gaps (spec/salvage.md, "Records").
 *
 * @module
 */
import { isStrongroomError } from '../errors.ts';
import { FragmentReader, type RawRecord } from '../set/framing.ts';
import { GROUP, recordsOf } from '../set/group.ts';
import { Input } from '../wire/codec.ts';
import type { Piece } from './object.ts';

/** How much the gaps have cost. */
export interface RecordLoss {
  /** Gaps at which a record was cut. */
  cut: number;
  /** Chunks, and groups, that are authentic and not well formed. */
  faulty: number;
}

const [MIDDLE, LAST] = [3, 4];

/**
 * The whole records of the pieces, which ascend and end where the content or a chunk does. Records of a group come one by
 * one, with the range of the group.
 */
export async function* salvageRecords(
  pieces: AsyncIterable<Piece>,
  chunkSize: number,
  loss: RecordLoss,
): AsyncGenerator<RawRecord, void, undefined> {
  const reader = new FragmentReader(chunkSize);
  for await (const { position, bytes } of pieces) {
    const gap = position - reader.position;
    if (gap > 0) {
      const cut = !reader.idle || bytes[0] === MIDDLE || bytes[0] === LAST;
      if (cut) loss.cut++;
      reader.lose(gap);
    }
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + chunkSize - ((position + at) % chunkSize));
      yield* recordsIn(reader, bytes.subarray(at, end), loss);
      at = end;
    }
  }
  if (!reader.idle) loss.cut++;
}

/** The records that one chunk completes. If it is not well formed, what is left of it is passed over. */
function* recordsIn(
  reader: FragmentReader,
  chunk: Uint8Array,
  loss: RecordLoss,
): Generator<RawRecord, void, undefined> {
  const end = reader.position + chunk.length;
  const input = new Input(chunk);
  for (;;) {
    const record = wellFormed(() => reader.next(input));
    if (record === 'faulty') {
      loss.faulty++;
      reader.lose(end - reader.position);
      return;
    }
    if (record === undefined) return;
    const records = record.type === GROUP ? wellFormed(() => [...recordsOf(record)]) : [record];
    if (records === 'faulty') loss.faulty++;
    else yield* records;
  }
}

function wellFormed<T>(step: () => T): T | 'faulty' {
  try {
    return step();
  } catch (error) {
    if (isStrongroomError(error, 'bad-record') || isStrongroomError(error, 'unsupported-codec'))
      return 'faulty';
    throw error;
  }
}
