import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../errors.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { encode, Input, u16, u24, u64 } from '../wire/codec.ts';
import { FragmentReader, MAX_RECORD_LENGTH, type RecordRange } from './framing.ts';
import {
  BEGIN,
  Begin,
  END,
  RecordRangeReader,
  RecordReader,
  RecordWriter,
  type RecordItem,
} from './records.ts';

const C = 64;
const KNOWN = 0x8010;
const begin: Begin = { setId: new Uint8Array(16).fill(7), volume: 1, volumes: 1, schema: 9 };

/** A fragment by hand: kind, length as claimed, data. */
function fragment(kind: number, data: Uint8Array, length = data.length): Bytes {
  return concat(Uint8Array.of(kind), encode(u24, length), data);
}

function record(type: number, body: Uint8Array = new Uint8Array(), codec = 0): Bytes {
  return concat(encode(u16, type), Uint8Array.of(codec), body);
}

const beginRecord = record(BEGIN, encode(Begin, begin));
const endRecord = (records: number, bytes: number): Bytes =>
  record(END, concat(encode(u64, records), encode(u64, bytes)));

/** Zeros up to the next chunk. */
function fill(content: Bytes, chunkSize: number): Bytes {
  const over = content.length % chunkSize;
  return over === 0 ? content : concat(content, new Uint8Array(chunkSize - over));
}

/** Content with each record in one fragment, in chunks that are large enough. */
function whole(...records: Uint8Array[]): Bytes {
  return concat(...records.map((each) => fragment(1, each)));
}

function read(content: Uint8Array, chunkSize = 65536, piece = content.length): RecordItem[] {
  const reader = new RecordReader(chunkSize, [KNOWN]);
  const items: RecordItem[] = [];
  for (let at = 0; at < content.length; at += piece)
    items.push(...reader.push(content.subarray(at, at + piece)));
  reader.finish();
  return items;
}

function codeOf(content: Uint8Array, chunkSize?: number): ErrorCode | 'accepted' {
  try {
    read(content, chunkSize);
    return 'accepted';
  } catch (error) {
    const { code } = error as { code: ErrorCode };
    return code;
  }
}

describe('framing', () => {
  it('reads back what was written, however the content is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 100 }),
        fc.constantFrom(32, 64, 100, 65536),
        (bodies, piece, chunkSize) => {
          const writer = new RecordWriter(chunkSize, begin);
          const content = concat(...bodies.flatMap((body) => writer.write(KNOWN, body)), ...writer.end());
          const items = read(content, chunkSize, piece);
          expect(items.map(({ type, body }) => [type, body])).toEqual(
            bodies.map((body) => [KNOWN, new Uint8Array(body)]),
          );
        },
      ),
    );
  });

  // proves REC-1
  it('never lets a fragment cross a chunk: a reader can begin at any chunk', () => {
    const writer = new RecordWriter(C, begin);
    const bodies = Array.from({ length: 30 }, (_, i) => new Uint8Array(i * 3).fill(i + 1));
    const content = concat(...bodies.flatMap((body) => writer.write(KNOWN, body)), ...writer.end());
    for (let chunk = 0; chunk * C < content.length; chunk++) {
      const bytes = content.subarray(chunk * C, (chunk + 1) * C);
      let at = 0;
      while (bytes.length - at > 4) {
        const [kind = 0, high = 0, middle = 0, low = 0] = bytes.subarray(at, at + 4);
        expect(kind).toBeGreaterThanOrEqual(1);
        expect(kind).toBeLessThanOrEqual(4);
        at += 4 + high * 65536 + middle * 256 + low;
        expect(at).toBeLessThanOrEqual(bytes.length);
      }
      expect([...bytes.subarray(at)].every((byte) => byte === 0)).toBe(true);
    }
  });

  // proves REC-1
  it('has exactly one writing: the first bytes of a small object', () => {
    const writer = new RecordWriter(65536, begin);
    const content = concat(...writer.write(KNOWN, Uint8Array.of(1, 2)), ...writer.end());
    expect(content).toEqual(
      concat(
        Uint8Array.of(1, 0, 0, 29, 0x80, 0x01, 0),
        begin.setId,
        Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 9),
        Uint8Array.of(1, 0, 0, 5, 0x80, 0x10, 0, 1, 2),
        Uint8Array.of(1, 0, 0, 19, 0x80, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5),
      ),
    );
  });

  it('takes zeros to the end of a chunk, between records and inside one', () => {
    const body = new Uint8Array(40).fill(3);
    const item = record(KNOWN, body);
    const first = fill(fragment(1, beginRecord), C);
    const cut = fill(fragment(2, item.subarray(0, 10)), C);
    const rest = fill(fragment(4, item.subarray(10)), C);
    const end = fragment(1, endRecord(1, item.length));
    expect(read(concat(first, cut, new Uint8Array(C), rest, end), C)).toEqual([
      { type: KNOWN, body, range: { position: C, length: 2 * C + 4 + item.length - 10 } },
    ]);
  });
});

describe('one record of a known place', () => {
  const bodies = [40, 0, 200, 57, 1].map((length, i) => new Uint8Array(length).fill(i + 1));
  const writer = new RecordWriter(C, begin);
  const ranges: RecordRange[] = [];
  const content = concat(
    ...bodies.flatMap((body) => {
      const parts = writer.write(KNOWN, body);
      ranges.push(writer.range);
      return parts;
    }),
    ...writer.end(),
  );
  const readOne = (range: RecordRange, type = KNOWN): Bytes => {
    const reader = new RecordRangeReader(C, range, type);
    for (const byte of content.subarray(range.position, range.position + range.length)) {
      reader.push(Uint8Array.of(byte));
    }
    return reader.finish();
  };

  // proves REC-11
  it('is read without the others', () => {
    expect(read(content, C).map(({ range }) => range)).toEqual(ranges);
    expect(ranges.map((range) => readOne(range))).toEqual(bodies);
  });

  // proves REC-11
  it('is refused unless the range is exactly its own', () => {
    const codeAt = (range: RecordRange, type?: number): string => {
      try {
        readOne(range, type);
        return 'accepted';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    for (const { position, length } of ranges) {
      for (const [by, longer] of [
        [-1, 0],
        [1, 0],
        [0, 1],
        [0, -1],
        [-4, 4],
        [0, 9],
        [1, -1],
        [0, -length],
      ] as const) {
        const other = { position: position + by, length: length + longer };
        expect(codeAt(other), `${position},${length} as ${JSON.stringify(other)}`).toBe('bad-record');
      }
      expect(codeAt({ position, length })).toBe('accepted');
      expect(codeAt({ position, length }, 0x8011)).toBe('bad-record');
    }
    const two = { position: 33, length: (ranges[1]?.position ?? 0) + (ranges[1]?.length ?? 0) - 33 };
    expect(codeAt(two)).toBe('bad-record');
    expect(codeAt({ position: 0, length: 33 }, BEGIN)).toBe('accepted');
  });

  // proves REC-11, REC-8
  it('is refused in a codec, and keeps failing', () => {
    const bytes = fragment(1, record(KNOWN, Uint8Array.of(1), 1));
    const reader = new RecordRangeReader(C, { position: 0, length: bytes.length }, KNOWN);
    expect(() => reader.push(bytes)).toThrow(expect.objectContaining({ code: 'unsupported-codec' }));
    expect(() => reader.finish()).toThrow(expect.objectContaining({ code: 'unsupported-codec' }));
  });
});

describe('content that was lost', () => {
  const bodies = Array.from({ length: 40 }, (_, i) => new Uint8Array((i * 37) % 150).fill(i));
  const writer = new RecordWriter(C, begin);
  const ranges: RecordRange[] = [];
  const content = concat(
    ...bodies.flatMap((body) => {
      const parts = writer.write(KNOWN, body);
      ranges.push(writer.range);
      return parts;
    }),
  );

  it('costs the records that touch it and no other', () => {
    for (let lost = 0; lost < content.length; lost += C) {
      const fragments = new FragmentReader(C);
      const found: number[] = [];
      for (let at = 0; at < content.length; at += C) {
        if (at === lost) fragments.lose(C);
        else {
          const input = new Input(content.subarray(at, at + C));
          for (let each = fragments.next(input); each !== undefined; each = fragments.next(input)) {
            if (each.type === KNOWN) found.push(each.range.position);
          }
        }
      }
      const whole = ranges.filter(
        ({ position, length }) => position >= lost + C || position + length <= lost,
      );
      expect(found).toEqual(whole.map(({ position }) => position));
    }
  });
});

describe('refusals', () => {
  const ten = record(KNOWN, new Uint8Array(7));
  const good = whole(beginRecord, ten, endRecord(1, 10));

  it('accepts the case that the refusals are changes of', () => expect(codeOf(good)).toBe('accepted'));

  const cases: [string, ErrorCode | 'accepted', Uint8Array, number?][] = [
    ['empty content', 'bad-record', new Uint8Array()],
    [
      'a fragment across a chunk',
      'bad-record',
      concat(whole(beginRecord), fragment(1, new Uint8Array(40))),
      C,
    ],
    [
      'a fragment as long as the chunk has left',
      'accepted',
      concat(
        fill(whole(beginRecord), C),
        fragment(1, record(KNOWN, new Uint8Array(C - 7))),
        whole(endRecord(1, C - 4)),
      ),
      C,
    ],
    [
      'a fragment one longer than the chunk has left',
      'bad-record',
      concat(
        fill(whole(beginRecord), C),
        fragment(1, record(KNOWN, new Uint8Array(C - 6))),
        whole(endRecord(1, C - 3)),
      ),
      C,
    ],
    ['MIDDLE without FIRST', 'bad-record', concat(whole(beginRecord), fragment(3, ten))],
    ['LAST without FIRST', 'bad-record', concat(whole(beginRecord), fragment(4, ten))],
    ['FIRST without LAST', 'bad-record', concat(whole(beginRecord), fragment(2, ten))],
    [
      'FULL inside FIRST and LAST',
      'bad-record',
      concat(whole(beginRecord), fragment(2, ten), fragment(1, ten), fragment(4, ten)),
    ],
    [
      'FIRST inside FIRST and LAST',
      'bad-record',
      concat(whole(beginRecord), fragment(2, ten), fragment(2, ten)),
    ],
    ['fragment kind 5', 'bad-record', concat(whole(beginRecord), fragment(5, ten))],
    ['fragment kind 255', 'bad-record', concat(whole(beginRecord), fragment(255, ten))],
    [
      'zeros with something in them',
      'bad-record',
      concat(whole(beginRecord), Uint8Array.of(0, 0, 0, 1), new Uint8Array(27), whole(endRecord(0, 0))),
      C,
    ],
    [
      'something in the last bytes of a chunk',
      'bad-record',
      concat(
        fill(whole(beginRecord), C),
        fragment(1, record(KNOWN, new Uint8Array(C - 10))),
        Uint8Array.of(0, 0, 1),
        whole(endRecord(1, C - 7)),
      ),
      C,
    ],
    [
      'zeros in the last bytes of a chunk',
      'accepted',
      concat(
        fill(whole(beginRecord), C),
        fragment(1, record(KNOWN, new Uint8Array(C - 10))),
        new Uint8Array(3),
        whole(endRecord(1, C - 7)),
      ),
      C,
    ],
    [
      'a fragment of no bytes',
      'bad-record',
      concat(whole(beginRecord), fragment(1, new Uint8Array()), whole(endRecord(0, 0))),
    ],
    ['a record of one byte', 'bad-record', whole(beginRecord, Uint8Array.of(1))],
    ['a record of two bytes', 'bad-record', whole(beginRecord, Uint8Array.of(0, 1))],
    ['a record of type 0', 'bad-record', whole(beginRecord, record(0), endRecord(1, 3))],
    ['a critical record of type 0', 'bad-record', whole(beginRecord, record(0x8000), endRecord(1, 3))],
    ['no BEGIN', 'bad-record', whole(ten, endRecord(1, 10))],
    ['an END alone', 'bad-record', whole(endRecord(0, 0))],
    ['two BEGINs', 'bad-record', whole(beginRecord, beginRecord, endRecord(1, beginRecord.length))],
    ['a BEGIN that is too long', 'bad-record', whole(concat(beginRecord, Uint8Array.of(0)), endRecord(0, 0))],
    ['volume 0', 'bad-record', whole(record(BEGIN, encode(Begin, { ...begin, volume: 0 })), endRecord(0, 0))],
    [
      'volume 2 of 1',
      'bad-record',
      whole(record(BEGIN, encode(Begin, { ...begin, volume: 2 })), endRecord(0, 0)),
    ],
    ['no END', 'bad-record', whole(beginRecord, ten)],
    ['an END that counts one record too many', 'bad-record', whole(beginRecord, ten, endRecord(2, 10))],
    ['an END that counts one byte too few', 'bad-record', whole(beginRecord, ten, endRecord(1, 9))],
    ['a record after END', 'bad-record', concat(good, whole(ten))],
    ['a zero after END', 'bad-record', concat(good, Uint8Array.of(0))],
    [
      'an unknown critical record',
      'unknown-critical-record',
      whole(beginRecord, record(0x8765), endRecord(1, 3)),
    ],
    ['an unknown record, which is counted', 'accepted', whole(beginRecord, record(0x0a0a), endRecord(1, 3))],
    [
      'an unknown record, which is not counted',
      'bad-record',
      whole(beginRecord, record(0x0a0a), endRecord(0, 0)),
    ],
    [
      'an unknown record in an unknown codec',
      'accepted',
      whole(beginRecord, record(0x0a0a, Uint8Array.of(1), 9), endRecord(1, 4)),
    ],
    [
      'a known record in codec 1',
      'unsupported-codec',
      whole(beginRecord, record(KNOWN, Uint8Array.of(1), 1), endRecord(1, 4)),
    ],
    ['BEGIN in codec 1', 'unsupported-codec', whole(record(BEGIN, encode(Begin, begin), 1), endRecord(0, 0))],
  ];
  for (const [what, code, content, chunkSize] of cases) {
    it(`${what}: ${code}`, () => expect(codeOf(content, chunkSize)).toBe(code));
  }

  // proves REC-9
  it('a length that is too great is refused before a byte of it has come, and no memory is taken for it', () => {
    const reader = new RecordReader(2 ** 25, [KNOWN]);
    expect([...reader.push(whole(beginRecord))]).toEqual([]);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => [...reader.push(fragment(1, new Uint8Array(), 2 ** 24 - 1))]).toThrow(
      expect.objectContaining({ code: 'bad-record' }),
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 21);
  });

  // proves REC-2
  it('a record of 1 MiB is the longest', () => {
    const chunkSize = 2 ** 22;
    const content = (length: number): Bytes =>
      whole(beginRecord, record(KNOWN, new Uint8Array(length - 3)), endRecord(1, length));
    expect(codeOf(content(MAX_RECORD_LENGTH), chunkSize)).toBe('accepted');
    expect(codeOf(content(MAX_RECORD_LENGTH + 1), chunkSize)).toBe('bad-record');
    const writer = new RecordWriter(65536, begin);
    expect(() => writer.write(KNOWN, new Uint8Array(MAX_RECORD_LENGTH - 2))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });

  // proves REC-8
  it('keeps failing after an error', () => {
    const reader = new RecordReader(65536, [KNOWN]);
    expect(() => [...reader.push(whole(ten))]).toThrow(expect.objectContaining({ code: 'bad-record' }));
    expect(() => [...reader.push(good)]).toThrow(expect.objectContaining({ code: 'bad-record' }));
    expect(() => reader.finish()).toThrow(expect.objectContaining({ code: 'bad-record' }));
  });

  it('holds every prefix of good content for unfinished', () => {
    for (let length = 0; length < good.length; length++) {
      expect(codeOf(good.subarray(0, length))).toBe('bad-record');
    }
  });

  it('throws nothing but codes at arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(['bad-record', 'unknown-critical-record', 'unsupported-codec']).toContain(
          codeOf(concat(whole(beginRecord), noise), C),
        );
      }),
    );
  });
});
