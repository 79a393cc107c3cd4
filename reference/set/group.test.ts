import { constants, deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../errors.ts';
import { concat, utf8, type Bytes } from '../wire/bytes.ts';
import { encode, u16, u24, u32, u64 } from '../wire/codec.ts';
import { MAX_RECORD_LENGTH } from './framing.ts';
import { Group, GROUP } from './group.ts';
import { BEGIN, Begin, END, RecordReader, RecordWriter, type RecordItem } from './records.ts';

const KNOWN = 0x8010;
const C = 65536;
const begin: Begin = { setId: new Uint8Array(16).fill(7), volume: 1, volumes: 1, schema: 9 };

function record(type: number, body: Uint8Array = new Uint8Array(), codec = 0): Bytes {
  return concat(encode(u16, type), Uint8Array.of(codec), body);
}

function fragment(data: Uint8Array): Bytes {
  return concat(Uint8Array.of(1), encode(u24, data.length), data);
}

/** A record as it stands in a group. */
function inner(whole: Uint8Array, length = whole.length): Bytes {
  return concat(encode(u24, length), whole);
}

const deflate = (raw: Uint8Array): Bytes => new Uint8Array(deflateRawSync(raw));

/** The body of a group by hand. */
function group(raw: Uint8Array, rawLength = raw.length, data: Uint8Array = deflate(raw)): Bytes {
  return concat(encode(u32, rawLength), data);
}

const beginRecord = record(BEGIN, encode(Begin, begin));
const endRecord = (records: number, bytes: number): Bytes =>
  record(END, concat(encode(u64, records), encode(u64, bytes)));

/** Content of records objects whose one group has this body, and whose END counts these records. */
function content(body: Uint8Array, records: readonly Uint8Array[], codec = 1): Bytes {
  const bytes = records.reduce((sum, each) => sum + each.length, 0);
  const all = [beginRecord, record(GROUP, body, codec), endRecord(records.length, bytes)];
  return concat(...all.map(fragment));
}

function read(bytes: Uint8Array, piece = bytes.length, chunkSize = 2 ** 22): RecordItem[] {
  const reader = new RecordReader(chunkSize, [KNOWN]);
  const items: RecordItem[] = [];
  for (let at = 0; at < bytes.length; at += piece) {
    for (const item of reader.push(bytes.subarray(at, at + piece))) items.push(item);
  }
  reader.finish();
  return items;
}

function codeOf(bytes: Uint8Array): ErrorCode | 'accepted' {
  try {
    read(bytes);
    return 'accepted';
  } catch (error) {
    return (error as { code: ErrorCode }).code;
  }
}

const one = record(KNOWN, utf8('a text, a text, a text, a text'));
const two = record(KNOWN, utf8('a text, a text, and another'));
const raw = concat(inner(one), inner(two));
const data = deflate(raw);

describe('a group', () => {
  // proves REC-12, REC-13
  it('gives back its records, however it is cut and whatever is in them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }), {
          maxLength: 6,
        }),
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom(64, 100, C),
        (groups, piece, chunkSize) => {
          const writer = new RecordWriter(chunkSize, begin);
          const parts = groups.flatMap((bodies, i) => {
            const collected = new Group();
            for (const body of bodies) expect(collected.add(KNOWN, body)).toBe(true);
            return [...writer.write(KNOWN, Uint8Array.of(i)), ...writer.writeGroup(collected)];
          });
          const items = read(concat(...parts, ...writer.end()), piece, chunkSize);
          expect(items.map(({ body }) => body)).toEqual(
            groups.flatMap((bodies, i) => [Uint8Array.of(i), ...bodies.map((body) => new Uint8Array(body))]),
          );
          // Records of one group lie at one place, and no others lie there.
          expect(new Set(items.map(({ range }) => range.position)).size).toBe(2 * groups.length);
        },
      ),
    );
  });

  it('is as long as its data if that is shorter, and stands there as it is if not', () => {
    const alike = new Group();
    for (let i = 0; i < 1000; i++) alike.add(KNOWN, utf8('the same words again'));
    expect(alike.encode()).toMatchObject({ codec: 1 });
    expect(alike.encode().body.length).toBeLessThan(alike.length / 20);
    const short = new Group();
    short.add(KNOWN, Uint8Array.of(9));
    expect(short.encode()).toEqual({
      codec: 0,
      body: concat(encode(u32, 7), inner(record(KNOWN, Uint8Array.of(9)))),
    });
  });

  it('holds as many small records as there is room for, and is used again', () => {
    const many = new Group();
    while (many.add(KNOWN, new Uint8Array())) if (many.records > 2 ** 18) break;
    expect(many.records).toBe(Math.floor((MAX_RECORD_LENGTH - 7) / 6));
    const writer = new RecordWriter(C, begin);
    const parts = writer.writeGroup(many);
    many.clear();
    many.add(KNOWN, Uint8Array.of(5));
    parts.push(...writer.writeGroup(many), ...writer.end());
    const items = read(concat(...parts), C, C);
    expect(items.length).toBe(Math.floor((MAX_RECORD_LENGTH - 7) / 6) + 1);
    expect(items.at(-1)?.body).toEqual(Uint8Array.of(5));
  });

  // proves REC-2
  it('takes no more than fits into one record even if it does not shrink', () => {
    const full = new Group();
    expect(full.add(KNOWN, new Uint8Array(MAX_RECORD_LENGTH - 3 - 4 - 6 + 1))).toBe(false);
    expect([full.length, full.records]).toEqual([0, 0]);
    const noise = Uint8Array.from({ length: MAX_RECORD_LENGTH - 3 - 4 - 6 }, (_, i) => (i * i * 40503) >> 9);
    expect(full.add(KNOWN, noise)).toBe(true);
    expect(full.add(KNOWN, new Uint8Array())).toBe(false);
    const writer = new RecordWriter(C, begin);
    const items = read(concat(...writer.writeGroup(full), ...writer.end()), C, C);
    expect(items.map(({ body }) => body)).toEqual([noise]);
  });
});

describe('refusals', () => {
  const long = record(KNOWN, new Uint8Array(MAX_RECORD_LENGTH - 6));
  const windows = deflateRawSync(concat(inner(one), inner(two)), { dictionary: inner(one) });

  // proves REC-13
  const cases: [string, ErrorCode | 'accepted', Uint8Array][] = [
    ['the case that the refusals are changes of', 'accepted', content(group(raw), [one, two])],
    ['a group in codec 0', 'accepted', content(group(raw, raw.length, raw), [one, two], 0)],
    ['a group of 2^20 bytes', 'accepted', content(group(inner(long)), [long])],
    [
      'a group of more than 2^20 bytes',
      'bad-record',
      content(group(concat(inner(long), inner(one))), [long, one]),
    ],
    ['a group of 2^32 - 1 bytes', 'bad-record', content(group(raw, 2 ** 32 - 1), [one, two])],
    ['a group of no bytes', 'bad-record', content(group(new Uint8Array()), [])],
    ['a group without a length', 'bad-record', content(Uint8Array.of(0, 0, 1), [])],
    ['a bomb', 'bad-record', content(group(new Uint8Array(2 ** 24), 100), [one, two])],
    ['a length that is one too small', 'bad-record', content(group(raw, raw.length - 1), [one, two])],
    ['a length that is one too great', 'bad-record', content(group(raw, raw.length + 1), [one, two])],
    ['codec 0, one byte short', 'bad-record', content(group(raw, raw.length + 1, raw), [one, two], 0)],
    ['codec 0, one byte over', 'bad-record', content(group(raw, raw.length - 1, raw), [one, two], 0)],
    [
      'a byte after the data',
      'bad-record',
      content(group(raw, raw.length, concat(data, Uint8Array.of(0))), [one, two]),
    ],
    [
      'data cut in two streams',
      'bad-record',
      content(group(raw, raw.length, concat(deflate(inner(one)), deflate(inner(two)))), [one, two]),
    ],
    ['the data twice', 'bad-record', content(group(raw, raw.length, concat(data, data)), [one, two])],
    [
      'an empty stream after the data',
      'bad-record',
      content(group(raw, raw.length, concat(data, deflate(new Uint8Array()))), [one, two]),
    ],
    [
      'data without its last block',
      'bad-record',
      content(group(raw, raw.length, deflateRawSync(raw, { finishFlush: constants.Z_SYNC_FLUSH })), [
        one,
        two,
      ]),
    ],
    ['no data', 'bad-record', content(group(raw, raw.length, new Uint8Array()), [one, two])],
    [
      'data that refers to what was before it',
      'bad-record',
      content(group(raw, raw.length, windows), [one, two]),
    ],
    [
      'a block of the type that is none',
      'bad-record',
      content(group(raw, raw.length, Uint8Array.of(7)), [one]),
    ],
    ['codec 2', 'unsupported-codec', content(group(raw), [one, two], 2)],
    ['codec 255', 'unsupported-codec', content(group(raw), [one, two], 255)],
    ['a record that passes the end', 'bad-record', content(group(inner(one, one.length + 1)), [one])],
    ['two bytes at the end', 'bad-record', content(group(concat(raw, Uint8Array.of(0, 0))), [one, two])],
    ['a record of no bytes', 'bad-record', content(group(inner(new Uint8Array())), [new Uint8Array()])],
    [
      'a record of two bytes',
      'bad-record',
      content(group(inner(Uint8Array.of(0, 1))), [Uint8Array.of(0, 1)]),
    ],
    ['a record of type 0', 'bad-record', content(group(inner(record(0))), [record(0)])],
    ['a critical record of type 0', 'bad-record', content(group(inner(record(0x8000))), [record(0x8000)])],
    ['BEGIN inside', 'bad-record', content(group(inner(beginRecord)), [beginRecord])],
    ['END inside', 'bad-record', content(group(concat(inner(one), inner(endRecord(1, one.length)))), [one])],
    [
      'a group inside',
      'bad-record',
      content(group(inner(record(GROUP, group(raw), 1))), [record(GROUP, group(raw), 1)]),
    ],
    [
      'a known record in codec 1 inside',
      'unsupported-codec',
      content(group(inner(record(KNOWN, one, 1))), [record(KNOWN, one, 1)]),
    ],
    [
      'an unknown record in codec 9 inside',
      'accepted',
      content(group(inner(record(0x0a0a, one, 9))), [record(0x0a0a, one, 9)]),
    ],
    [
      'an unknown critical record inside',
      'unknown-critical-record',
      content(group(inner(record(0x8765))), [record(0x8765)]),
    ],
    ['an END that counts the group', 'bad-record', content(group(raw), [record(GROUP, group(raw), 1)])],
    ['an END that counts neither', 'bad-record', content(group(raw), [])],
    [
      'a group before BEGIN',
      'bad-record',
      concat(
        fragment(record(GROUP, group(raw), 1)),
        fragment(beginRecord),
        fragment(endRecord(2, raw.length - 6)),
      ),
    ],
  ];
  for (const [what, code, bytes] of cases) it(`${what}: ${code}`, () => expect(codeOf(bytes)).toBe(code));

  // proves REC-13
  it('every prefix of the data is refused', () => {
    for (let length = 0; length < data.length; length++) {
      expect(codeOf(content(group(raw, raw.length, data.subarray(0, length)), [one, two]))).toBe(
        'bad-record',
      );
    }
  });

  it('throws nothing but codes at arbitrary data', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 300 }), (noise, length) => {
        expect(['accepted', 'bad-record', 'unknown-critical-record', 'unsupported-codec']).toContain(
          codeOf(content(group(new Uint8Array(), length, noise), [])),
        );
      }),
    );
  });

  // proves REC-14
  it('a bomb costs no more memory than the length that it claims', () => {
    const bomb = content(group(new Uint8Array(2 ** 26), 2 ** 20), [one]);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(bomb)).toBe('bad-record');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 2 ** 20);
  });
});
