import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { memorySource } from '../sources/memory.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { content, fixed, flip, key } from './fixture.ts';
import type { ChunkLog2 } from './header.ts';
import { divide, planRange } from './layout.ts';
import { openRange, type ByteSource, type ObjectReader, type RangeOptions } from './range.ts';
import { inspect } from './reader.ts';
import { sealWith, type SealOptions } from './writer.ts';

const C = 2 ** 14;
const make = (length: number, options: Partial<SealOptions> = {}): Bytes =>
  sealWith(fixed(0xff), content(length), { key, type: 'records', chunkLog2: 14, ...options });
const throwing = (code: ErrorCode): unknown => expect.objectContaining({ code });

/** A source that gives pieces of `step` bytes, in one buffer that it uses again, and notes what it is asked for. */
function watched(object: Uint8Array, step = 1000, length = object.length): ByteSource & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    length() {
      asked.push('length');
      return length;
    },
    async *read(start, end) {
      asked.push(`${start}-${end}`);
      const buffer = new Uint8Array(step);
      for (let at = start; at < Math.min(end, object.length); at += step) {
        const part = object.subarray(at, Math.min(at + step, end));
        buffer.set(part);
        yield buffer.subarray(0, part.length);
        buffer.fill(0);
      }
    },
  };
}

const opened = (object: Uint8Array, options: Partial<RangeOptions> = {}): Promise<ObjectReader> =>
  openRange(memorySource(object), { key, ...options });

async function collect(pieces: AsyncIterable<Bytes>): Promise<Bytes> {
  const all: Bytes[] = [];
  for await (const piece of pieces) all.push(piece);
  return concat(...all);
}

/** What came out of a range before its error, and the error. */
async function attempt(pieces: AsyncIterable<Bytes>): Promise<{ released: Bytes; error: unknown }> {
  const all: Bytes[] = [];
  try {
    for await (const piece of pieces) all.push(piece);
  } catch (error) {
    return { released: concat(...all), error };
  }
  return { released: concat(...all), error: undefined };
}

const codeOf = (error: unknown): ErrorCode | undefined => (isStrongroomError(error) ? error.code : undefined);

describe('a range', () => {
  // proves RNG-1, RNG-2
  it('is the slice of the whole, however the source gives it, in any order and at the same time', async () => {
    const range = fc.tuple(fc.nat(2 ** 24), fc.nat(2 ** 24));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<ChunkLog2>(14, 16),
        fc.constantFrom('none', 'padme'),
        fc.nat(5 * C),
        fc.constantFrom(1, 17, 1000, C + 16, 10 * C),
        fc.array(range, { minLength: 1, maxLength: 5 }),
        async (chunkLog2, padding, length, step, ranges) => {
          const object = make(length, { chunkLog2, padding });
          const reader = await openRange(watched(object, step), { key });
          const whole = content(length);
          await Promise.all(
            ranges.map(async ([a, b]) => {
              const offset = a % (length + 1);
              const size = b % (length - offset + 1);
              const read = await collect(reader.read(offset, size));
              expect(read).toEqual(whole.slice(offset, offset + size));
            }),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  const length = 3 * C + 100;
  const object = make(length);
  const { prefix, commitment, length: headerLength } = inspect(object);

  // proves RNG-3
  it('is one read, of the chunks that hold it; the pre-flight is another, of the final chunk', async () => {
    const source = watched(object, 5000);
    const reader = await openRange(source, { key });
    expect(source.asked).toEqual(['0-4184']);
    await collect(reader.read(C - 1, 2));
    const final = `${headerLength + 3 * (C + 16)}-${object.length}`;
    expect(source.asked.slice(1)).toEqual([
      'length',
      final,
      `${headerLength}-${headerLength + 2 * (C + 16)}`,
    ]);
    await collect(reader.read(2 * C, C));
    await collect(reader.read(length - 1, 1));
    const third = `${headerLength + 2 * (C + 16)}-${headerLength + 3 * (C + 16)}`;
    expect(source.asked.slice(4)).toEqual([third, final]);
  });

  it('needs neither header nor pre-flight where an authenticated source has told of both', async () => {
    const source = watched(object);
    const known = { header: { prefix, commitment }, objectLength: object.length, contentLength: length };
    const reader = await openRange(source, { key, ...known });
    expect(await collect(reader.read(C, 5))).toEqual(content(length).slice(C, C + 5));
    expect(await collect(reader.read(length - 5, 5))).toEqual(content(length).slice(-5));
    expect(source.asked).toHaveLength(2);
    expect(await reader.probe()).toMatchObject({ contentLength: length, padding: 'padme' });
  });

  // proves RNG-4
  it('is within the content; another is refused before anything is read for it', async () => {
    const source = watched(object);
    const reader = await openRange(source, { key });
    await reader.probe();
    const asked = source.asked.length;
    for (const [offset, size] of [
      [0, length + 1],
      [length, 1],
      [length + 1, 0],
      [-1, 2],
      [0, -1],
      [5, -5],
      [0.5, 1],
      [0, 0.5],
      [Number.NaN, 0],
      [0, Infinity],
      [2 ** 53, 0],
      [2 ** 53 - 1, 1],
      [2 ** 53 - 1, 2 ** 53 - 1],
    ] as const) {
      await expect(collect(reader.read(offset, size))).rejects.toEqual(throwing('bad-range'));
    }
    for (const offset of [0, 5, C, length]) expect(await collect(reader.read(offset, 0))).toHaveLength(0);
    expect(source.asked).toHaveLength(asked);
    const empty = await opened(make(0));
    expect(await collect(empty.read(0, 0))).toHaveLength(0);
    await expect(collect(empty.read(0, 1))).rejects.toEqual(throwing('bad-range'));
  });

  // proves RNG-5, RNG-6
  it('is harmed by damage inside it alone, and comes out up to the damage', async () => {
    for (const chunk of [0, 1, 2]) {
      const damaged = flip(object, (headerLength + chunk * (C + 16) + 77) * 8);
      const reader = await opened(damaged);
      expect(await reader.probe()).toMatchObject({ contentLength: length });
      for (let first = 0; first < 4; first++) {
        for (let last = first; last < 4; last++) {
          const from = first * C + 50;
          const to = Math.min(length, last * C + 60);
          const { released, error } = await attempt(reader.read(from, to - from));
          const hit = first <= chunk && chunk <= last;
          expect(codeOf(error)).toBe(hit ? 'chunk-damaged' : undefined);
          if (hit) expect(error).toMatchObject({ details: { chunk } });
          expect(released).toEqual(content(length).slice(from, hit ? Math.max(from, chunk * C) : to));
        }
      }
    }
  });

  it('of an object whose end is damaged needs an authenticated length', async () => {
    const damaged = flip(object, (object.length - 1) * 8);
    const blind = await opened(damaged);
    await expect(collect(blind.read(0, 5))).rejects.toMatchObject({
      code: 'chunk-damaged',
      details: { chunk: 3 },
    });
    const told = await opened(damaged, { objectLength: object.length, contentLength: length });
    expect(await collect(told.read(0, 3 * C))).toEqual(content(3 * C));
    const { released, error } = await attempt(told.read(0, length));
    expect(released).toEqual(content(3 * C));
    expect(error).toMatchObject({ code: 'chunk-damaged', details: { chunk: 3 } });
  });

  it('never shows padding', async () => {
    const padded = make(3 * C + 1, { chunkLog2: 14 });
    const reader = await opened(padded);
    expect((await reader.probe()).padding).toBe('padme');
    expect(await collect(reader.read(0, 3 * C + 1))).toEqual(content(3 * C + 1));
    await expect(collect(reader.read(3 * C, 2))).rejects.toEqual(throwing('bad-range'));
  });

  it('that the final chunk belies is an object-mismatch', async () => {
    for (const contentLength of [length - 1, length + 1]) {
      const reader = await opened(object, { objectLength: object.length, contentLength });
      await expect(reader.probe()).rejects.toEqual(throwing('object-mismatch'));
      await expect(collect(reader.read(3 * C, 10))).rejects.toEqual(throwing('object-mismatch'));
      expect(await collect(reader.read(0, C))).toEqual(content(C));
    }
  });
});

describe('the header', () => {
  const object = make(100, { context: content(3) });
  const { prefix, commitment, length } = inspect(object);
  const context = content(3);

  it('is read as in a whole object', async () => {
    for (let bit = 0; bit < length * 8; bit += 5) {
      const damaged = flip(object, bit);
      const expected = (() => {
        try {
          inspect(damaged);
        } catch (error) {
          return codeOf(error);
        }
        throw new Error('no error');
      })();
      await expect(opened(damaged, { context })).rejects.toEqual(throwing(expected ?? 'wrong-key'));
    }
    for (const end of [0, 8, 15, 16, length - 1]) {
      await expect(opened(object.subarray(0, end), { context })).rejects.toEqual(throwing('truncated'));
      await expect(opened(object, { context, objectLength: end })).rejects.toEqual(throwing('truncated'));
    }
    await expect(opened(object)).rejects.toEqual(throwing('wrong-key'));
    await expect(opened(object, { context, key: BackupKey.generate() })).rejects.toEqual(
      throwing('wrong-key'),
    );
    await expect(opened(object, { context: new Uint8Array(65_536) })).rejects.toEqual(
      throwing('limit-exceeded'),
    );
  });

  it('from elsewhere is checked as much', async () => {
    const reader = await opened(new Uint8Array(length), { context, header: { prefix, commitment } });
    expect(reader.header).toEqual(inspect(object));
    const wrong: [Uint8Array, Uint8Array, ErrorCode][] = [
      [prefix, flip(commitment, 9), 'wrong-key'],
      [flip(prefix, 20 * 8), commitment, 'wrong-key'],
      [flip(prefix, 0), commitment, 'not-an-object'],
      [prefix.subarray(1), commitment, 'not-an-object'],
      [prefix, commitment.subarray(1), 'truncated'],
      [concat(prefix, content(1)), commitment, 'header-damaged'],
    ];
    for (const [prefix, commitment, code] of wrong) {
      await expect(opened(object, { context, header: { prefix, commitment } })).rejects.toEqual(
        throwing(code),
      );
    }
  });
});

describe('the pre-flight', () => {
  const length = 2 * C + 100;
  const object = make(length);
  const headerLength = inspect(object).length;

  // proves RNG-7
  it('tells the authenticated length and is made once', async () => {
    const source = watched(object);
    const reader = await openRange(source, { key });
    const verified = await reader.probe();
    expect(verified).toMatchObject({ contentLength: length, objectLength: object.length, padding: 'padme' });
    expect(await reader.probe()).toBe(verified);
    expect(source.asked).toHaveLength(3);
  });

  // proves RNG-8
  it('finds every cut and every tail, and names them if the length is known', async () => {
    const lengths = new Set<number>();
    for (let i = headerLength; i < object.length; i += 331) lengths.add(i);
    for (let n = 0; n < 3; n++) for (let i = 0; i < 40; i++) lengths.add(headerLength + n * (C + 16) + i);
    for (const end of lengths) {
      const rest = (end - headerLength) % (C + 16);
      const cut = await opened(object.subarray(0, end));
      const known = await opened(object.subarray(0, end), { objectLength: object.length });
      await expect(cut.probe()).rejects.toEqual(throwing(rest < 32 ? 'truncated' : 'chunk-damaged'));
      await expect(known.probe()).rejects.toEqual(throwing('truncated'));
    }
    for (const tail of [1, 16, C, 2 * C + 32]) {
      const longer = concat(object, new Uint8Array(tail));
      const rest = (longer.length - headerLength) % (C + 16);
      const blind = await opened(longer);
      await expect(blind.probe()).rejects.toEqual(throwing(rest < 32 ? 'truncated' : 'chunk-damaged'));
      const known = await opened(longer, { objectLength: object.length });
      await expect(known.probe()).rejects.toEqual(throwing('trailing-data'));
      // The bytes after the end do no harm to what is in front of them.
      const told = await opened(longer, { objectLength: object.length, contentLength: length });
      expect(await collect(told.read(0, length))).toEqual(content(length));
    }
  });

  // proves RNG-8
  it.each([
    [object.length + 1, 'truncated'],
    [object.length - 1, 'chunk-damaged'],
    [0, 'truncated'],
    [-1, 'truncated'],
    [Number.NaN, 'truncated'],
    [Infinity, 'truncated'],
    [object.length + 0.5, 'truncated'],
    [2 ** 53 - 1, 'limit-exceeded'],
    [headerLength + (2 ** 26 + 2 ** 20) * (C + 16) + 48, 'truncated'],
    [headerLength + (2 ** 26 + 2 ** 20 + 1) * (C + 16) + 48, 'limit-exceeded'],
  ] as const)('does not believe a source that says %d bytes', async (said, code) => {
    const reader = await openRange(watched(object, 1000, said), { key });
    await expect(reader.probe()).rejects.toEqual(throwing(code));
    await expect(collect(reader.read(0, 1))).rejects.toEqual(throwing(code));
  });

  it('of a faulty writer has the codes of a whole object', async () => {
    const stretched = make(length, { padding: 'none' });
    const reader = await opened(stretched);
    expect(await reader.probe()).toMatchObject({ padding: 'none', contentLength: length });
  });
});

describe('a source', () => {
  const object = make(3 * C);
  const at = inspect(object).length;
  const known = { objectLength: object.length, contentLength: 3 * C };

  it('that gives too little ends a range with truncated, and what was whole comes out', async () => {
    for (const missing of [1, 16, C, C + 16, C + 17]) {
      const source = memorySource(object.subarray(0, at + 2 * (C + 16) - missing));
      const reader = await openRange(source, { key, ...known });
      const { released, error } = await attempt(reader.read(0, 2 * C));
      expect(error).toEqual(throwing('truncated'));
      expect(released).toEqual(content(missing > C + 16 ? 0 : C));
    }
  });

  it('that gives too much is cut off', async () => {
    const source: ByteSource = {
      length: () => object.length,
      async *read(start) {
        for (let from = start; ; from += 100) yield object.subarray(from, from + 100);
      },
    };
    const reader = await openRange(source, { key });
    expect(await collect(reader.read(10, C))).toEqual(content(3 * C).slice(10, C + 10));
  });

  it('that fails makes the range fail with its error, and the next one can succeed', async () => {
    const failure = new Error('connection reset');
    let broken = true;
    const source: ByteSource = {
      length: () => object.length,
      async *read(start, end) {
        yield object.subarray(start, Math.min(end, start + C + 16));
        if (broken && start === at) throw failure;
        yield object.subarray(start + C + 16, end);
      },
    };
    const reader = await openRange(source, { key });
    const { released, error } = await attempt(reader.read(0, 2 * C));
    expect(error).toBe(failure);
    expect(released).toEqual(content(C));
    broken = false;
    expect(await collect(reader.read(0, 2 * C))).toEqual(content(2 * C));
  });

  it('that fails in the pre-flight can be asked again', async () => {
    let calls = 0;
    const source = {
      ...memorySource(object),
      length: () => (++calls === 1 ? Promise.reject(new Error('not now')) : object.length),
    };
    const reader = await openRange(source, { key });
    await expect(reader.probe()).rejects.toThrow('not now');
    expect((await reader.probe()).contentLength).toBe(3 * C);
  });

  it('is closed when the caller leaves', async () => {
    let closed = 0;
    const source: ByteSource = {
      length: () => object.length,
      async *read(start, end) {
        try {
          for (let from = start; from < end; from += 100) yield object.subarray(from, from + 100);
        } finally {
          closed++;
        }
      },
    };
    const reader = await openRange(source, { key, ...known });
    expect(closed).toBe(1);
    for await (const _ of reader.read(0, 3 * C)) break;
    expect(closed).toBe(2);
  });
});

describe('an abort', () => {
  const object = make(5 * C);

  // proves CNV-23
  it('ends what runs and nothing else', async () => {
    const controller = new AbortController();
    const reader = await opened(object);
    await reader.probe();
    const all: Bytes[] = [];
    const running = (async () => {
      for await (const piece of reader.read(0, 5 * C, controller.signal)) {
        all.push(piece);
        if (all.length === 2) controller.abort(new Error('enough'));
      }
    })();
    await expect(running).rejects.toMatchObject({ code: 'cancelled', cause: new Error('enough') });
    expect(all).toHaveLength(2);
    expect(await collect(reader.read(0, 5 * C))).toEqual(content(5 * C));
    await expect(reader.probe(controller.signal)).resolves.toMatchObject({ contentLength: 5 * C });
  });

  it('reaches the source, whose own error does not show', async () => {
    const controller = new AbortController();
    const source: ByteSource = {
      length: () => object.length,
      // eslint-disable-next-line require-yield
      async *read(_start, _end, signal) {
        await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('socket closed')));
          setTimeout(() => controller.abort(), 5);
        });
        yield object;
      },
    };
    await expect(openRange(source, { key, signal: controller.signal })).rejects.toEqual(
      throwing('cancelled'),
    );
    await expect(opened(object, { signal: AbortSignal.abort() })).rejects.toEqual(throwing('cancelled'));
    const reader = await opened(object, { signal: new AbortController().signal });
    await expect(collect(reader.read(0, 1, AbortSignal.abort()))).rejects.toEqual(throwing('cancelled'));
  });
});

it('plans cover exactly the chunks that a range touches', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(14, 16, 18, 20),
      fc.integer({ min: 88, max: 4184 }),
      fc.nat(2 ** 40),
      fc.nat(2 ** 30),
      (chunkLog2, headerLength, offset, length) => {
        const size = 2 ** chunkLog2;
        const layout = { headerLength, chunkLog2 };
        const objectLength = headerLength + (Math.floor((offset + length) / size) + 1) * (size + 16) - 5;
        const plan = planRange(layout, objectLength, offset, length);
        expect(plan.first * size + plan.skip).toBe(offset);
        expect(plan.start).toBe(headerLength + plan.first * (size + 16));
        expect(plan.last).toBe(length === 0 ? plan.first - 1 : Math.floor((offset + length - 1) / size));
        expect(plan.end).toBe(Math.min(headerLength + (plan.last + 1) * (size + 16), objectLength));
        const { fullChunks, finalAt, finalLength } = divide(layout, objectLength);
        expect(finalAt + finalLength).toBe(objectLength);
        expect(fullChunks).toBeGreaterThanOrEqual(plan.last);
      },
    ),
  );
});
