/**
 * The suite's own reading of the shards that writers of chats made (spec/chat.md, "Groups").
 *
 * @module
 */
import { inflateRawSync } from 'node:zlib';
import { CHAT_SCHEMA } from './chat.ts';
import { GROUP, grouped } from './group.ts';
import { same, toHex, type Bytes } from './primitives.ts';
import { end } from './records.ts';
import { demand, readBegin, unframe } from './set-reading.ts';

/** Longest group before compression, of those that hold more than one record. */
const TARGET = 2 ** 17;
/** Longest `raw` of any group: its record has 7 bytes more. */
const MAX_RAW = 2 ** 20 - 7;

/** A record and its conversation. */
export interface Row {
  readonly conversation: number;
  readonly record: Bytes;
}

/** Records that stand in one group, or one that stands alone. */
type Unit = { readonly grouped: boolean; readonly records: readonly Bytes[] };

/** The groups that these rows make, by the steps of the text. */
export function unitsOf(rows: readonly Row[]): Unit[] {
  const units: Unit[] = [];
  let open: Bytes[] = [];
  let length = 0;
  let current = 0;
  const close = (): void => {
    if (open.length > 0) units.push({ grouped: true, records: open });
    [open, length] = [[], 0];
  };
  for (const { conversation, record } of rows) {
    if (conversation !== current || length + record.length - 3 > TARGET) close();
    current = conversation;
    if (record.length + 3 > MAX_RAW) {
      units.push({ grouped: false, records: [record] });
      continue;
    }
    open.push(record);
    length += record.length + 3;
  }
  close();
  return units;
}

function ungroup(whole: Bytes): Bytes[] {
  const view = new DataView(whole.buffer, whole.byteOffset);
  const length = view.getUint32(3);
  const data = whole.slice(7);
  const raw = whole[2] === 1 ? new Uint8Array(inflateRawSync(data, { maxOutputLength: length + 64 })) : data;
  demand(raw.length === length, 'a group of another length than it says');
  const records: Bytes[] = [];
  for (let at = 0; at < raw.length;) {
    const [a = 0, b = 0, c = 0] = raw.subarray(at, at + 3);
    const next = at + 3 + a * 65_536 + b * 256 + c;
    records.push(raw.slice(at + 3, next));
    at = next;
  }
  demand(same(grouped(records), raw), 'a group that is cut');
  return records;
}

/** Groups and records of a shard. @throws Fault */
export function readShard(content: Bytes, setId: Bytes): Unit[] {
  const [first, ...rest] = unframe(content).wholes;
  demand(same(readBegin(first, CHAT_SCHEMA), setId), 'a shard of another set');
  const units = rest.slice(0, -1).map((whole): Unit => {
    const isGroup = (whole[0] ?? 0) * 256 + (whole[1] ?? 0) === GROUP;
    demand(isGroup || whole[2] === 0, 'a codec other than 0');
    return { grouped: isGroup, records: isGroup ? ungroup(whole) : [whole] };
  });
  const last = rest.at(-1) ?? new Uint8Array(0);
  demand(same(last, end(units.flatMap(({ records }) => records))), 'an END that counts other records');
  return units;
}

/** Demands that a shard holds these rows in these groups. @throws Fault */
export function requireShard(path: string, content: Bytes, setId: Bytes, rows: readonly Row[]): void {
  const [found, expected] = [readShard(content, setId), unitsOf(rows)];
  const records = (units: readonly Unit[]): string => units.flatMap((unit) => unit.records.map(toHex)).join();
  demand(records(found) === records(expected), `${path} has other records than the rows of the chat`);
  const shape = (units: readonly Unit[]): string =>
    units.map((unit) => (unit.grouped ? `${unit.records.length}` : 'alone')).join(' ');
  demand(
    shape(found) === shape(expected),
    `${path} has groups of ${shape(found)}, not of ${shape(expected)}`,
  );
}
