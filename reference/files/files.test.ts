import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { content, fixed, key } from '../container/fixture.ts';
import type { ChunkLog2 } from '../container/header.ts';
import { sealWith } from '../container/writer.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { openFile, type OpenFileOptions } from './open-file.ts';
import { sealFileWith, type SealFileOptions } from './seal-file.ts';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'strongroom-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `step` with an input file of these bytes and an empty output file; what it returns and what it wrote. */
async function through<T>(
  input: Uint8Array,
  step: (source: { fd: number; name: string }, target: { fd: number; name: string }) => Promise<T>,
): Promise<{ result: T; output: Bytes }> {
  const [from, to] = [join(folder, 'in'), join(folder, 'out')];
  writeFileSync(from, input);
  const source = { fd: openSync(from, 'r'), name: 'in' };
  const target = { fd: openSync(to, 'w'), name: 'out' };
  try {
    const result = await step(source, target);
    return { result, output: new Uint8Array(readFileSync(to)) };
  } finally {
    closeSync(source.fd);
    closeSync(target.fd);
  }
}

describe('files', () => {
  // proves WRT-3
  it.each<[ChunkLog2, number]>([
    [14, 0],
    [14, 2 ** 14 - 16],
    [14, MIB - 16],
    [14, 3 * MIB + 5],
    [16, 2 * MIB],
    [18, 2 * MIB - 1],
    [18, 3 * MIB + 2 ** 18 + 3],
    [20, MIB - 17],
    [20, MIB],
    [20, 3 * MIB - 8],
  ])(
    'with chunks of 2^%i bytes and %i bytes of content are the objects of any writer',
    async (chunkLog2, length) => {
      for (const padding of ['none', 'padme'] as const) {
        const options = { key, type: 'blob', chunkLog2, padding } as const;
        const expected = sealWith(fixed(7), content(length), options);
        const sealed = await through(content(length), (source, target) =>
          sealFileWith(fixed(7), { ...options, source, target, length }),
        );
        expect(equal(sealed.output, expected)).toBe(true);
        expect(sealed.result.objectLength).toBe(expected.length);
        const opened = await through(expected, (source, target) => openFile({ key, source, target }));
        expect(equal(opened.output, content(length))).toBe(true);
        expect(opened.result).toMatchObject({
          contentLength: length,
          padding,
          objectLength: expected.length,
        });
      }
    },
  );
});
