import { expect, test } from 'vitest';
import { Group } from '../set/group.ts';
import { BEGIN, END, RecordWriter } from '../set/records.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { noise } from './fixture.ts';
import type { Piece } from './object.ts';
import { salvageRecords, type RecordLoss } from './records.ts';

const C = 2 ** 14;

/** Content of records of these lengths, whose bodies begin with their number; types tell nothing. */
function content(lengths: readonly number[]): Bytes {
  const writer = new RecordWriter(C, { setId: new Uint8Array(16), volume: 1, volumes: 1, schema: 9 });
  const parts = lengths.flatMap((length, i) => {
    const body = noise(length, i + 1);
    body[0] = i;
    return writer.write(0x0101, body);
  });
  return concat(...parts, ...writer.end());
}

/** The pieces of a content without some of its chunks. */
async function* without(bytes: Bytes, lost: readonly number[]): AsyncGenerator<Piece, void, undefined> {
  for (let position = 0, i = 0; position < bytes.length; position += C, i++) {
    if (!lost.includes(i)) yield { position, bytes: bytes.slice(position, position + C) };
  }
}

async function left(bytes: Bytes, lost: readonly number[]): Promise<readonly [string, RecordLoss]> {
  const loss = { cut: 0, faulty: 0 };
  const names: (number | string | undefined)[] = [];
  for await (const { type, body } of salvageRecords(without(bytes, lost), C, loss)) {
    names.push(type === BEGIN ? 'begin' : type === END ? 'end' : body[0]);
  }
  return [names.join(' '), loss];
}

// Record 0 lies in chunk 0, 1 in 0 to 2, 2 in 2, 3 in 2 and 3, 4 in 3.
const bytes = content([1000, 2 * C, 10_000, 10_000, 100]);

// proves SLV-15, SLV-16
test('a gap costs the records that it cuts, and no other', async () => {
  expect(await left(bytes, [])).toEqual(['begin 0 1 2 3 4 end', { cut: 0, faulty: 0 }]);
  expect(await left(bytes, [0])).toEqual(['2 3 4 end', { cut: 1, faulty: 0 }]);
  expect(await left(bytes, [1])).toEqual(['begin 0 2 3 4 end', { cut: 1, faulty: 0 }]);
  expect(await left(bytes, [2])).toEqual(['begin 0 4 end', { cut: 1, faulty: 0 }]);
  expect(await left(bytes, [3])).toEqual(['begin 0 1 2', { cut: 1, faulty: 0 }]);
  expect(await left(bytes, [0, 2])).toEqual(['4 end', { cut: 2, faulty: 0 }]);
  expect(await left(bytes, [0, 1, 2])).toEqual(['4 end', { cut: 1, faulty: 0 }]);
});

// proves SLV-15
test('a gap between records cuts nothing', async () => {
  const fitting = content([C - 4 - 38 - 3 - 3, C - 4 - 3, 50]);
  expect(await left(fitting, [])).toEqual(['begin 0 1 2 end', { cut: 0, faulty: 0 }]);
  expect((await left(fitting, [1]))[0]).toBe('begin 0 2 end');
});

// proves SLV-15
test('a chunk that is not well formed costs what is left of it', async () => {
  const wrong = bytes.slice();
  wrong[2 * C + 4 + 100] = 9; // in the middle of record 1: only its content changes
  expect((await left(wrong, []))[0]).toBe('begin 0 1 2 3 4 end');
  const kind = bytes.slice();
  kind[C] = 9;
  expect(await left(kind, [])).toEqual(['begin 0 2 3 4 end', { cut: 0, faulty: 1 }]);
});

// proves SLV-15
test('groups give their records, and one that does not decode costs itself alone', async () => {
  const writer = new RecordWriter(C, { setId: new Uint8Array(16), volume: 1, volumes: 1, schema: 9 });
  const group = new Group();
  for (let i = 0; i < 50; i++) group.add(0x0101, Uint8Array.of(i, 1, 2));
  const parts = writer.write(0x0101, Uint8Array.of(200));
  const grouped = writer.writeGroup(group);
  const after = [...writer.write(0x0101, Uint8Array.of(201)), ...writer.end()];
  const all = Array.from({ length: 50 }, (_, i) => i).join(' ');
  expect((await left(concat(...parts, ...grouped, ...after), []))[0]).toBe(`begin 200 ${all} 201 end`);
  const bad = concat(...grouped);
  bad[bad.length - 9] = (bad[bad.length - 9] ?? 0) ^ 0xff;
  expect(await left(concat(...parts, bad, ...after), [])).toEqual([
    'begin 200 201 end',
    { cut: 0, faulty: 1 },
  ]);
  bad[6] = 7; // the codec
  expect(await left(concat(...parts, bad, ...after), [])).toEqual([
    'begin 200 201 end',
    { cut: 0, faulty: 1 },
  ]);
});
