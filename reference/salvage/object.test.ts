import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { open } from '../container/index.ts';
import { nodeEngine } from '../crypto/node.ts';
import { nobleEngine } from '../crypto/noble.ts';
import { isStrongroomError } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { storageName } from '../set/index.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { bareClue, damage, isOf, key, noise, salvaged, sample, type Damage } from './fixture.ts';
import { knownHeader } from './header.ts';
import { salvageObject, shiftsOf } from './object.ts';
import { heldBytes } from './source.ts';
import { sizeOf } from './spans.ts';

const C = 2 ** 14;
const content = noise(5 * C + 1000);
const whole = sample(content);
const { object, clue, start, size } = whole;
const at = (chunk: number): number => start + chunk * size;

/** Which chunks are left, as text. */
async function left(bytes: Bytes, known = true): Promise<string> {
  const found = await salvaged(bytes, known ? clue : { header: clue.header });
  expect(isOf(content, found.pieces)).toBe(true);
  expect(found.pieces.reduce((sum, [, part]) => sum + part.length, 0)).toBe(sizeOf(found.contentSpans()));
  return found
    .chunkSpans()
    .map((span) => `${span.start}-${span.end}`)
    .join(' ');
}

function strictly(bytes: Bytes): string {
  try {
    open(bytes, { key, objectLength: object.length });
    return 'ok';
  } catch (error) {
    return isStrongroomError(error) ? error.code : 'other';
  }
}

// proves SLV-1
test('an object without damage is whole, and nothing is searched', async () => {
  for (const known of [clue, { header: clue.header }]) {
    const found = await salvaged(object, known);
    expect(found).toMatchObject({ whole: true, intact: true, tail: 'verified', chunks: 6 });
    expect(found.places).toMatchObject({ trials: 6, searched: 0, limited: false });
    expect(concat(...found.pieces.map(([, part]) => part))).toEqual(content);
    expect(shiftsOf(found)).toEqual([]);
  }
});

// proves SLV-2, SLV-3
test('one bad chunk costs that chunk, and strict readers still refuse the object', async () => {
  for (const chunk of [0, 1, 4]) {
    const bytes = damage.flip(at(chunk) + 77)(object);
    expect(strictly(bytes)).toBe('chunk-damaged');
    const found = await salvaged(bytes, { header: clue.header });
    expect(found).toMatchObject({ whole: false, contentLength: content.length });
    expect(found.contentSpans()).toEqual(
      [
        { start: 0, end: chunk * C },
        { start: (chunk + 1) * C, end: content.length },
      ].filter((span) => span.start < span.end),
    );
    expect(isOf(content, found.pieces)).toBe(true);
    // The gap is as long as the chunk, or has the final chunk too, which is no full one.
    expect(found.places.searched).toBe(chunk === 4 ? 1033 : 1);
  }
});

describe('a header', () => {
  const named = (bytes: Bytes, name?: string): ReturnType<typeof knownHeader> =>
    knownHeader(bytes.subarray(0, 4184), [key], nodeEngine, name);

  // proves SLV-7
  test('is known by its commitment or by the name, whatever else of it is damaged', () => {
    expect(named(object)).toMatchObject({ intact: true });
    expect(named(damage.flip(start - 1)(object))).toMatchObject({ intact: false, header: clue.header });
    const commitment = damage.zero(start - 40, 32)(object);
    expect(named(commitment)).toBe('none');
    expect(named(commitment, storageName(clue.header.commitment))).toMatchObject({
      intact: false,
      header: clue.header,
    });
    expect(named(commitment, storageName(new Uint8Array(32)))).toBe('none');
    for (const each of [0, 8, 9, 10, 11, 12, 13, 14, 20, 47])
      expect(named(damage.flip(each)(object))).toBe('none');
    for (const length of [0, 7, 40, start - 9]) expect(named(object.slice(0, length))).toBe('none');
  });

  // proves SLV-8
  test('of another key is told from a damaged one', () => {
    const other = BackupKey.fromBytes(new Uint8Array(32).fill(9));
    const search = (bytes: Bytes): unknown => knownHeader(bytes.subarray(0, 4184), [other], nodeEngine);
    expect(search(object)).toBe('other-key');
    expect(search(damage.flip(30)(object))).toBe('none');
  });

  // proves SLV-9
  test('that is destroyed, moved or cut off is replaced by the copy of a manifest', async () => {
    expect(await left(damage.zero(0, start)(object))).toBe('0-6');
    expect(await left(object.slice(start))).toBe('0-6');
    expect(await left(object.slice(start - 3))).toBe('0-6');
    expect(await left(damage.insert(0, noise(999, 3))(object))).toBe('0-6');
    const found = await salvaged(object.slice(start), clue);
    expect(shiftsOf(found)).toEqual([
      { start: 0, end: 5, shift: -start },
      { start: 5, end: 6, shift: -start },
    ]);
    expect(found).toMatchObject({ intact: false, whole: false });
  });
});

// proves SLV-10
test('data that was inserted, removed or moved costs only the chunks that it cuts', async () => {
  for (const known of [true, false]) {
    expect(await left(damage.insert(at(2) + 5, noise(1, 7))(object), known)).toBe('0-2 3-6');
    expect(await left(damage.insert(at(2), noise(40_000, 7))(object), known)).toBe('0-6');
    expect(await left(damage.remove(at(2) + 5, 1)(object), known)).toBe('0-2 3-6');
    expect(await left(damage.remove(at(1), 2 * size)(object), known)).toBe('0-1 3-6');
    expect(await left(damage.remove(at(1) + 9, size - 3)(object), known)).toBe('0-1 3-6');
    expect(await left(damage.swap(at(1), at(3), size)(object), known)).toBe('0-6');
    expect(await left(damage.swap(at(0), at(4), size)(object), known)).toBe('0-6');
    // Chunk 1 lies over chunk 3, which is lost.
    const twice = object.slice();
    twice.set(object.subarray(at(1), at(2)), at(3));
    expect(await left(twice, known)).toBe('0-3 4-6');
    expect(await left(damage.zero(at(1) + 10, 2 * size)(object), known)).toBe('0-1 4-6');
    const several = [damage.insert(at(4) + 3, noise(17)), damage.remove(at(2) + 3, 500), damage.flip(at(0))];
    expect(
      await left(
        several.reduce((bytes, step) => step(bytes), object),
        known,
      ),
    ).toBe(known ? '1-2 3-4 5-6' : '1-2 3-4');
  }
});

// proves SLV-10
test('a chunk in its place is taken before a copy of it elsewhere', async () => {
  const bytes = damage.insert(at(5), object.subarray(at(1), at(2)))(object);
  const found = await salvaged(bytes, clue);
  expect(shiftsOf(found)).toEqual([{ start: 5, end: 6, shift: size }]);
  const [first, ...more] = found.places.runs;
  expect([first, more]).toEqual([{ first: 0, end: 5, offset: start }, []]);
});

describe('the end', () => {
  // proves SLV-10
  test('is found behind what follows it, and where it moved to', async () => {
    const second = sample(noise(100, 5), 2).object;
    for (const known of [true, false]) {
      for (const tail of [noise(1), noise(12), noise(100), second, noise(3 * size)]) {
        expect(await left(concat(object, tail), known)).toBe('0-6');
      }
      expect(await left(damage.insert(at(5), noise(5))(object), known)).toBe(known ? '0-6' : '0-5');
    }
    const tiny = sample(noise(9));
    const found = await salvaged(concat(tiny.object, noise(50_000)), { header: tiny.clue.header });
    expect(found).toMatchObject({ whole: false, tail: 'verified', contentLength: 9 });
  });

  // proves SLV-13
  test('that is gone leaves the length to the manifest, and without one the zeros uncertain', async () => {
    const zeros = sample(concat(noise(C + 500), new Uint8Array(2 * C)), 3);
    const bytes = zeros.object.slice(0, -20);
    const known = await salvaged(bytes, zeros.clue);
    expect(known).toMatchObject({ tail: 'missing', contentLength: zeros.content.length, chunks: 4 });
    expect(known.contentSpans()).toEqual([{ start: 0, end: 3 * C }]);
    const bare = await salvaged(bytes, { header: zeros.clue.header });
    expect(bare).toMatchObject({
      tail: 'missing',
      contentLength: undefined,
      chunks: undefined,
      end: C + 500,
    });
    expect(bare.contentSpans()).toEqual([{ start: 0, end: C + 500 }]);
    expect(isOf(zeros.content, bare.pieces)).toBe(true);
  });

  // proves SLV-13
  test('with a trailer that no writer makes says nothing', async () => {
    const { sealChunk, streamKey } = await import('../container/index.ts');
    const derived = streamKey(key.derive('object'), clue.header.prefix, new Uint8Array());
    const chunkKey = { ...derived, chunkLog2: 14 };
    const final = (contentLength: number, length: number): Bytes => {
      const plaintext = new Uint8Array(length).fill(3);
      plaintext.fill(0, length - 16);
      new DataView(plaintext.buffer).setBigUint64(length - 16, BigInt(contentLength));
      return concat(object.subarray(0, at(5)), sealChunk(chunkKey, 5, plaintext));
    };
    expect(await salvaged(final(5 * C + 34, 50), { header: clue.header })).toMatchObject({
      tail: 'verified',
    });
    for (const length of [0, 3 * C, 5 * C + 33, 5 * C + 35, 2 ** 50]) {
      const found = await salvaged(final(length, 50), { header: clue.header });
      expect(found).toMatchObject({ tail: 'invalid', whole: false, contentLength: undefined });
    }
    // The length of a reference counts then, but a trailer is never content.
    const wrong = final(0, 50);
    for (const [contentLength, end] of [
      [5 * C + 20, 5 * C + 20],
      [5 * C + 45, 5 * C + 34],
      [9 * C, 5 * C + 34],
    ] as const) {
      const found = await salvaged(wrong, { header: clue.header, length: wrong.length, contentLength });
      expect(found).toMatchObject({ tail: 'invalid', whole: false });
      expect(found.contentSpans()).toEqual([{ start: 0, end }]);
      expect(found.pieces.reduce((sum, [, part]) => sum + part.length, 0)).toBe(end);
    }
  });
});

// proves SLV-4
test('an object of the same key in its place is not taken for it', async () => {
  const other = sample(noise(5 * C + 1000, 99), 2);
  const found = await salvaged(other.object, clue);
  expect(found.pieces).toEqual([]);
  expect(found).toMatchObject({ whole: false, tail: 'missing', intact: false });
  // With the header of the one and chunks of the other, and with some chunks of each.
  expect(await left(concat(object.subarray(0, start), other.object.subarray(start)))).toBe('');
  const mixed = concat(
    object.subarray(0, at(2)),
    other.object.subarray(at(2), at(3)),
    object.subarray(at(3)),
  );
  expect(await left(mixed)).toBe('0-2 3-6');
});

// proves SLV-5
test('what is opened a second time and answers otherwise is left out', async () => {
  let reads = 0;
  const held = heldBytes(object);
  const source = {
    length: object.length,
    read: async (from: number, to: number): Promise<Bytes> =>
      reads++ < 8 ? held.read(from, to) : damage.flip(100)(await held.read(from, to)),
  };
  const found = await salvageObject(source, clue, { key });
  const pieces: [number, Bytes][] = [];
  for await (const { position, bytes } of found.read()) pieces.push([position, bytes]);
  expect(isOf(content, pieces)).toBe(true);
  expect(pieces.length).toBeLessThan(6);
});

// proves SLV-11
test('the work is bounded: one trial for a chunk in its place, and offsets up to a limit', async () => {
  const lost = concat(object.subarray(0, start), noise(object.length - start, 11));
  const found = await salvaged(lost, clue);
  expect(found.places).toMatchObject({ searched: lost.length - start - size + 1, limited: false });
  expect(found.places.trials).toBeLessThan(20);
  const budget = { left: 1000 };
  const limited = await salvaged(lost, clue, { budget });
  expect(limited.places).toMatchObject({ searched: 1000, limited: true });
  expect(budget.left).toBe(0);
  // What is in its place needs no search, also when none is left.
  const shifted = damage.insert(at(3) + 1, noise(20))(object);
  expect((await salvaged(shifted, clue, { budget })).places.runs).toHaveLength(1);
  const short = { left: 20 + size };
  expect((await salvaged(shifted, clue, { budget: short })).places.runs).toHaveLength(1);
  const enough = { left: 21 + size };
  expect((await salvaged(shifted, clue, { budget: enough })).places.runs).toHaveLength(2);
});

// proves SLV-12
test('an index is not looked for further off than 1024', async () => {
  const long = sample(noise(1030 * C, 5), 6);
  const last = long.start + 1030 * size;
  const without = (chunks: number): Bytes => damage.remove(long.start, chunks * size)(long.object);
  for (const [chunks, runs] of [
    [1024, [{ first: 1024, end: 1030, offset: long.start }]],
    [1025, []],
  ] as const) {
    const found = await salvaged(without(chunks).slice(0, last - chunks * size), {
      header: long.clue.header,
    });
    expect(found.places.runs).toEqual(runs);
  }
});

test('both engines find the same', async () => {
  const bytes = damage.insert(at(1) + 1, noise(20))(object);
  const found = await salvaged(bytes, clue, { engine: nobleEngine });
  expect(found.places).toEqual((await salvaged(bytes, clue)).places);
  expect(found.chunkSpans()).toHaveLength(2);
});

// proves SLV-1, SLV-3
test('whatever the damage: no wrong byte comes out, what is whole does, and twice the same', async () => {
  const place = fc.nat(object.length);
  const kinds: fc.Arbitrary<Damage> = fc.oneof(
    place.map(damage.flip),
    place.map(damage.cut),
    fc.tuple(place, fc.integer({ min: 1, max: 3000 })).map(([where, n]) => damage.insert(where, noise(n, n))),
    fc.tuple(place, fc.nat(20_000)).map(([where, n]) => damage.remove(where, n)),
    fc.tuple(place, fc.nat(40_000)).map(([where, n]) => damage.zero(where, n)),
    fc.tuple(fc.nat(1), fc.integer({ min: 2, max: 4 })).map(([a, b]) => damage.swap(at(a), at(b), size)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(kinds, { minLength: 1, maxLength: 3 }), fc.boolean(), async (steps, known) => {
      const bytes = steps.reduce((all, step) => step(all), object);
      const found = await salvaged(bytes, known ? clue : { header: clue.header });
      expect(isOf(content, found.pieces)).toBe(true);
      // Every sealed chunk that is still somewhere comes out.
      const there = [0, 1, 2, 3, 4].filter((i) =>
        Buffer.from(bytes).includes(Buffer.from(object.subarray(at(i), at(i + 1)))),
      );
      const spans = found.chunkSpans();
      for (const i of there) expect(spans.some((span) => span.start <= i && i < span.end)).toBe(true);
      const again = await salvaged(bytes, known ? clue : { header: clue.header });
      expect(again.places).toEqual(found.places);
      if (found.whole) expect(bytes).toEqual(object);
    }),
    { numRuns: 60 },
  );
});

test('a bare header is enough for an object that is whole', async () => {
  expect(await salvaged(object, bareClue(object))).toMatchObject({ whole: true });
});
