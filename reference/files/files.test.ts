import { createCipheriv, randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { chunkCipher } from '../container/chunk.ts';
import { content, fixed, flip, key } from '../container/fixture.ts';
import { encodeHeader, encodePrefix, type ChunkLog2 } from '../container/header.ts';
import { inspect, open } from '../container/reader.ts';
import { streamKey } from '../container/stream-key.ts';
import { encodeTrailer } from '../container/trailer.ts';
import type { OpenOptions } from '../container/verify.ts';
import { sealWith } from '../container/writer.ts';
import { nobleEngine } from '../crypto/noble.ts';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { concat, equal, type Bytes } from '../wire/bytes.ts';
import type { FilePart } from './io.ts';
import { openFile, type OpenedFile, type OpenFileOptions } from './open-file.ts';
import { sealFile, sealFileWith, type SealFileOptions } from './seal-file.ts';

const MIB = 2 ** 20;
const C = 2 ** 14;
const folder = mkdtempSync(join(tmpdir(), 'strongroom-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Step<T> = (source: FilePart, target: FilePart) => Promise<T>;

/** Runs `step` with an input file of these bytes and an empty output file; what it returns and what it wrote. */
async function through<T>(input: Uint8Array, step: Step<T>): Promise<{ result: T; output: Bytes }> {
  const place = mkdtempSync(join(folder, 'run-'));
  const [from, to] = [join(place, 'in'), join(place, 'out')];
  writeFileSync(from, input);
  const source = { fd: openSync(from, 'r'), name: 'in' };
  const target = { fd: openSync(to, 'w'), name: 'out' };
  try {
    const result = await step(source, target);
    return { result, output: new Uint8Array(readFileSync(to)) };
  } finally {
    closeSync(source.fd);
    closeSync(target.fd);
    rmSync(place, { recursive: true });
  }
}

const sealing =
  (length: number, options: Partial<SealFileOptions> = {}): Step<Awaited<ReturnType<typeof sealFile>>> =>
  (source, target) =>
    sealFileWith(fixed(7), { key, type: 'blob', source, target, length, ...options });
const opening =
  (options: Partial<OpenFileOptions> = {}): Step<OpenedFile> =>
  (source, target) =>
    openFile({ key, source, target, ...options });

/** The tags of the blocks of a content, as the specification has them. */
function tagsOf(tagKey: Uint8Array, bytes: Uint8Array): Bytes {
  const tags: Uint8Array[] = [];
  for (let j = 0; j * MIB < bytes.length; j++) {
    const nonce = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, j);
    const cipher = createCipheriv('aes-256-gcm', tagKey, nonce);
    cipher.setAAD(bytes.subarray(j * MIB, (j + 1) * MIB));
    cipher.final();
    tags.push(cipher.getAuthTag());
  }
  return concat(...tags);
}
const tagKey = new Uint8Array(32).fill(9);

describe('from file to file', () => {
  const cases: [ChunkLog2, number][] = [
    [14, 0],
    [14, 1],
    [14, C - 16],
    [14, MIB - 16],
    [14, 2 * MIB + 5],
    [16, 2 * MIB],
    [18, 2 * MIB - 1],
    [18, 2 * MIB + 2 ** 18 + 3],
    [20, MIB - 17],
    [20, MIB - 16],
    [20, MIB],
    [20, 2 * MIB - 8],
  ];

  // proves WRT-3
  it.each(cases)(
    'chunks of 2^%i bytes and %i bytes of content: the objects of any writer',
    async (chunkLog2, length) => {
      const bytes = new Uint8Array(randomBytes(length));
      for (const padding of ['none', 'padme'] as const) {
        const options = { key, type: 'blob', chunkLog2, padding } as const;
        const expected = sealWith(fixed(7), bytes, options);
        const sealed = await through(bytes, sealing(length, { ...options, tagKey }));
        expect(equal(sealed.output, expected)).toBe(true);
        const { prefix: _, ...info } = inspect(expected);
        expect(sealed.result).toMatchObject({ objectLength: expected.length, commitment: info.commitment });
        expect(sealed.result.header).toHaveLength(info.length);
        expect(sealed.result.tags).toEqual(tagsOf(tagKey, bytes));
        const opened = await through(expected, opening({ tagKey }));
        expect(equal(opened.output, bytes)).toBe(true);
        expect(opened.result).toMatchObject({
          contentLength: length,
          padding,
          objectLength: expected.length,
        });
        expect(opened.result.tags).toEqual(tagsOf(tagKey, bytes));
        const verified = await through(expected, (source) => openFile({ key, source }));
        expect(verified.result).toEqual({ ...opened.result, tags: undefined });
        expect(verified.output).toHaveLength(0);
      }
    },
  );

  it('work at any place of their files, with any key and engine', async () => {
    const bytes = content(MIB + 77);
    const options = {
      chunkLog2: 14,
      engine: nobleEngine,
      context: content(3),
      key: key.objectKey(),
    } as const;
    const small = bytes.subarray(50, 50 + 3 * C);
    const sealed = await through(bytes, (source, target) =>
      sealing(small.length, options)({ ...source, offset: 50 }, { ...target, offset: 1000 }),
    );
    const expected = sealWith(fixed(7), small, { key, type: 'blob', chunkLog2: 14, context: content(3) });
    expect(sealed.output).toEqual(concat(new Uint8Array(1000), expected));
    const opened = await through(sealed.output, (source, target) =>
      opening({ ...options, tagKey })({ ...source, offset: 1000 }, { ...target, offset: 33 }),
    );
    expect(opened.output).toEqual(concat(new Uint8Array(33), small));
    expect(opened.result.tags).toEqual(tagsOf(tagKey, small));
  });

  it('draw a new salt for each object', async () => {
    const own: Step<{ header: Bytes }> = (source, target) =>
      sealFile({ key, type: 'blob', source, target, length: 5 });
    const [a, b] = [await through(content(5), own), await through(content(5), own)];
    expect(a.result.header).not.toEqual(b.result.header);
    expect((await through(a.output, opening())).output).toEqual(content(5));
  });
});

/** The code and chunk of what a step throws. */
async function faultOf(input: Uint8Array, step: Step<unknown>): Promise<unknown> {
  try {
    await through(input, step);
  } catch (error) {
    if (!isStrongroomError(error)) throw error;
    return [error.code, error.details.chunk];
  }
  return undefined;
}

describe('faults', () => {
  const perUnit = MIB / C;
  const length = 2 * MIB + 5 * C;
  const object = sealWith(fixed(7), content(length), { key, type: 'blob', chunkLog2: 14, padding: 'none' });
  const at = inspect(object).length;

  /** An object of any plaintext: what a faulty writer makes. */
  function faulty(plaintext: Uint8Array): Bytes {
    const prefix = encodePrefix({ chunkLog2: 14, type: 'blob', extensions: [], salt: content(32) });
    const derived = streamKey(key.derive('object'), prefix, new Uint8Array());
    const cipher = chunkCipher({ ...derived, chunkLog2: 14 });
    const parts: Uint8Array[] = [encodeHeader(prefix, derived.commitment)];
    for (let i = 0; i * C <= plaintext.length; i++)
      parts.push(...cipher.seal(i, plaintext.subarray(i * C, (i + 1) * C)));
    return concat(...parts);
  }
  const padded = new Uint8Array(2 ** 21 + 5 * 2 ** 16);
  padded.set(content(1000), 0);
  padded[MIB + 5] = 1;
  const trailer = (contentLength: number): Bytes => encodeTrailer({ contentLength, padding: 'padme' });
  const badPadding = faulty(
    concat(padded.subarray(0, -16), encodeTrailer({ contentLength: length, padding: 'none' })),
  );

  /** What a reader from front to back says. */
  function inOrder(input: Uint8Array, options: Partial<OpenOptions>): unknown {
    try {
      open(input, { key, ...options });
    } catch (error) {
      if (isStrongroomError(error)) return [error.code, error.details.chunk];
      throw error;
    }
    return undefined;
  }

  const bitIn = (chunk: number): number => (at + chunk * (C + 16) + 99) * 8;
  const last = 2 * perUnit + 5;

  // proves RDR-1, RDR-2
  it.each<[string, Uint8Array, Partial<OpenOptions>]>([
    ['none', object, {}],
    ['a chunk', flip(object, bitIn(70)), {}],
    ['two chunks of two units', flip(flip(object, bitIn(130)), bitIn(3)), {}],
    ['the final chunk and one before', flip(flip(object, bitIn(last)), bitIn(66)), {}],
    ['the final chunk', flip(object, bitIn(last)), {}],
    [
      'a chunk and bytes after the end',
      concat(flip(object, bitIn(9)), content(5)),
      { objectLength: object.length },
    ],
    ['bytes after the end', concat(object, content(5)), { objectLength: object.length }],
    [
      'the final chunk and bytes after the end',
      concat(flip(object, bitIn(last)), content(5)),
      { objectLength: object.length },
    ],
    ['a chunk and a cut', flip(object.subarray(0, -1), bitIn(9)), {}],
    ['a cut within the final chunk', object.subarray(0, -1), {}],
    ['the same, of known length', object.subarray(0, -1), { objectLength: object.length }],
    ['a cut after a chunk', object.subarray(0, at + 70 * (C + 16)), {}],
    ['a cut within a chunk', object.subarray(0, at + 70 * (C + 16) + 500), {}],
    ['a cut after the header', object.subarray(0, at), {}],
    ['a cut in the header', object.subarray(0, 20), {}],
    ['nothing there', new Uint8Array(), {}],
    ['an end in the header', object, { objectLength: 20 }],
    ['another key', object, { key: BackupKey.generate() }],
    ['another context', object, { context: content(1) }],
    ['a bit of the header', flip(object, 200), {}],
    ['a bit of the magic', flip(object, 3), {}],
    ['padding that is not zero, in a chunk', badPadding, {}],
    ['the same, and a chunk after it', flip(badPadding, bitIn(100)), {}],
    ['the same, and the final chunk', flip(badPadding, (badPadding.length - 1) * 8), {}],
    ['a trailer that says too much', faulty(concat(padded, trailer(2 ** 30))), {}],
    ['the same, and a chunk', flip(faulty(concat(padded, trailer(2 ** 30))), bitIn(5)), {}],
  ])('%s: the same error as in order', async (_name, input, options) => {
    const expected = inOrder(input, options);
    expect(await faultOf(input, opening(options))).toEqual(expected);
    expect(await faultOf(input, (source) => openFile({ key, ...options, source }))).toEqual(expected);
  });

  it('of any kind and number come out as in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(object.length * 8 - 1), { maxLength: 3 }),
        fc.option(fc.integer({ min: -3 * C, max: 3 * C }), { nil: 0 }),
        fc.boolean(),
        async (bits, cut, known) => {
          let input: Bytes = object;
          for (const bit of bits) input = flip(input, bit);
          input = cut < 0 ? input.slice(0, cut) : concat(input, content(cut));
          const options = known ? { objectLength: object.length } : {};
          expect(await faultOf(input, opening(options))).toEqual(inOrder(input, options));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('of an object that is not the one asked for', async () => {
    const { prefix, commitment } = inspect(object);
    const right = { header: { prefix, commitment }, contentLength: length };
    expect(await faultOf(object, opening(right))).toBeUndefined();
    for (const wrong of [
      { header: { prefix, commitment: flip(commitment, 3) } },
      { header: { prefix: flip(prefix, 300), commitment } },
      { contentLength: length - 1 },
    ]) {
      expect(await faultOf(object, opening(wrong))).toEqual(['object-mismatch', undefined]);
    }
    expect(await faultOf(flip(object, bitIn(4)), opening({ contentLength: 1 }))).toEqual([
      'chunk-damaged',
      4,
    ]);
  });

  it('of the arguments come first', async () => {
    const wiped = BackupKey.generate();
    wiped.wipe();
    const codes = async (options: Partial<OpenOptions>): Promise<unknown[]> => [
      await faultOf(new Uint8Array(), opening(options)),
      await faultOf(new Uint8Array(), sealing(0, options)),
    ];
    expect(await codes({ key: wiped })).toEqual([
      ['invalid-key', undefined],
      ['invalid-key', undefined],
    ]);
    const limit = ['limit-exceeded', undefined];
    expect(await codes({ context: content(65_536) })).toEqual([limit, limit]);
    expect(await faultOf(new Uint8Array(), sealing(2 ** 40 + 1))).toEqual(['limit-exceeded', undefined]);
  });

  it('name the file that they are of', async () => {
    const fault = (code: ErrorCode, subject: string): unknown =>
      expect.objectContaining({ code, details: { subject } });
    const full = { fd: openSync('/dev/full', 'w'), name: 'full' };
    const closed = { fd: 9999, name: 'closed' };
    try {
      await through(content(5 * C), async (source, target) => {
        await expect(sealing(5 * C + 1)(source, target)).rejects.toEqual(fault('changed', 'in'));
        await expect(sealing(5 * C)(source, full)).rejects.toEqual(fault('disk-full', 'full'));
        await expect(sealing(5 * C)(source, closed)).rejects.toEqual(fault('io', 'closed'));
        await expect(sealing(5 * C)(closed, target)).rejects.toEqual(fault('io', 'closed'));
      });
      await through(object, async (source) => {
        await expect(opening()(source, full)).rejects.toEqual(fault('disk-full', 'full'));
        await expect(opening()(closed, source)).rejects.toEqual(fault('io', 'closed'));
      });
    } finally {
      closeSync(full.fd);
    }
  });
});

describe('large files', () => {
  const length = 80 * MIB + 12_345;
  const bytes = new Uint8Array(length);
  const noise = randomBytes(MIB);
  for (let at = 0; at < length; at += MIB) {
    bytes.set(noise.subarray(0, length - at), at);
    bytes[at] = at / MIB;
  }
  const object = sealWith(fixed(7), bytes, { key, type: 'blob' });
  const at = inspect(object).length;
  const chunk = 2 ** 18 + 16;

  // proves WRT-3
  it('are the same on any number of threads', async () => {
    const tags = tagsOf(tagKey, bytes);
    for (const threads of [1, 2, 4]) {
      const sealed = await through(bytes, sealing(length, { threads, tagKey }));
      expect(equal(sealed.output, object)).toBe(true);
      expect(sealed.result.tags).toEqual(tags);
      const opened = await through(object, opening({ threads, tagKey }));
      expect(equal(opened.output, bytes)).toBe(true);
      expect(opened.result.tags).toEqual(tags);
    }
  });

  // proves RDR-2
  it('have the first fault in order, however many there are and whoever meets one first', async () => {
    for (const first of [0, 33, 95, 290]) {
      const damaged = object.slice();
      for (const index of [first, first + 5, first + 31, 310]) {
        const place = at + index * chunk + 7;
        damaged[place] = (damaged[place] ?? 0) ^ 1;
      }
      expect(await faultOf(damaged, opening({ threads: 3 }))).toEqual(['chunk-damaged', first]);
    }
  });

  it('tell how far they are, and end where they end', async () => {
    const seen: number[] = [];
    const onProgress = (done: number): void => void seen.push(done);
    await through(object, opening({ threads: 2, onProgress }));
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.at(-1)).toBeGreaterThanOrEqual(length);
  });

  // proves CNV-23
  it.each([1, 3])('stop at an abort, on %i threads, and nobody writes any more', async (threads) => {
    await through(object, async (source, target) => {
      const controller = new AbortController();
      const onProgress = (): void => controller.abort(new Error('enough'));
      const running = opening({ threads, signal: controller.signal, onProgress })(source, target);
      await expect(running).rejects.toMatchObject({ code: 'cancelled', cause: new Error('enough') });
      const written = (): number => fstatSync(target.fd).blocks;
      const before = written();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(written()).toBe(before);
      expect(before * 512).toBeLessThan(length);
    });
    const aborted = { signal: AbortSignal.abort() };
    await expect(through(content(5), sealing(5, aborted))).rejects.toMatchObject({ code: 'cancelled' });
  });

  // proves WRT-2
  it('that become shorter meanwhile are not sealed', async () => {
    const place = join(folder, 'shrinks');
    writeFileSync(place, bytes);
    const source = { fd: openSync(place, 'r'), name: 'shrinks' };
    try {
      await through(content(1), async (_source, target) => {
        const onProgress = (): void => truncateSync(place, 60 * MIB);
        const running = sealing(length, { threads: 2, onProgress })(source, target);
        await expect(running).rejects.toMatchObject({ code: 'changed', details: { subject: 'shrinks' } });
        expect(fstatSync(target.fd).size).toBeLessThan(object.length);
      });
    } finally {
      closeSync(source.fd);
    }
  });
});
