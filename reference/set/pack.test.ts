import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { open } from '../container/index.ts';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fromUtf8, type Bytes } from '../wire/bytes.ts';
import { key, place, tree, type Place } from './fixture.ts';
import { backup, openManifest, restore, storageName, type Manifest, type ObjectReference } from './index.ts';
import { Pack, PACK_LENGTH, PACKED_FILE, PACK_SCHEMA } from './pack.ts';
import { RecordRangeReader, RecordReader } from './records.ts';

const CHUNK = 65_536;
const bytesOf = (length: number, seed = 1): Bytes =>
  Uint8Array.from({ length }, (_, i) => i * 31 + (i < 2 ? seed >> (8 * i) : i >> 8));

async function manifestOf(at: Place): Promise<Manifest> {
  return (await openManifest(at.storage, key)).manifest;
}

function contentOf(at: Place, { commitment }: ObjectReference): Uint8Array {
  return open(readFileSync(join(at.storage.folder, storageName(commitment))), { key }).content;
}

// proves BAK-3, BAK-4, BAK-5
describe('a pack', () => {
  it('holds what is shorter than 64 KiB, each file in a record of its own, and nothing else', async () => {
    const at = place({
      empty: '',
      'folder/small': 'small',
      'just-below': bytesOf(65_535),
      limit: bytesOf(65_536),
    });
    await backup(at.source, at.storage, { key });
    const { objects, entries, setId } = await manifestOf(at);
    expect(objects.map(({ prefix }) => prefix[11])).toEqual([2, 3]);
    const [pack] = objects;
    if (pack === undefined) throw new Error('no pack');
    expect(pack.prefix[10]).toBe(16);
    const reader = new RecordReader(CHUNK, [PACKED_FILE]);
    const files = [...reader.push(contentOf(at, pack))].map(({ type, body, range }) => {
      const length = (body[0] ?? 0) * 256 + (body[1] ?? 0);
      return {
        type,
        path: fromUtf8(body.subarray(2, 2 + length)),
        content: body.subarray(2 + length),
        range,
      };
    });
    reader.finish();
    expect(reader.begin).toEqual({ setId, volume: 1, volumes: 1, schema: PACK_SCHEMA });
    expect(files.map(({ path }) => path)).toEqual(['empty', 'folder/small', 'just-below']);
    for (const { type, path, content, range } of files) {
      expect(type).toBe(PACKED_FILE);
      expect(Buffer.from(content).equals(readFileSync(join(at.source, path)))).toBe(true);
      const entry = entries.find((each) => each.path === path);
      expect(entry).toMatchObject({ contentLength: content.length, parts: [{ object: 0, range }] });
    }
    expect(entries.find(({ path }) => path === 'limit')).toMatchObject({
      parts: [{ object: 1, range: undefined }],
    });
  });

  it('is at most 8 MiB of content, and the next one begins', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`file-${i}`, bytesOf(60_000, i)]),
    );
    const at = place(files);
    await backup(at.source, at.storage, { key });
    const { objects } = await manifestOf(at);
    expect(objects).toHaveLength(3);
    for (const { contentLength } of objects) expect(contentLength).toBeLessThanOrEqual(PACK_LENGTH);
    expect(Math.max(...objects.map(({ contentLength }) => contentLength))).toBeGreaterThan(8_300_000);
    // Padmé hides how full it is.
    for (const { commitment, length } of objects) {
      expect(statSync(join(at.storage.folder, storageName(commitment))).size).toBe(length);
    }
    await restore(at.storage, key, at.target);
    expect(tree(at.target)).toEqual(tree(at.source));
  });

  it('gives the range of every record, whatever lies at the end of a chunk', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(65_535), { minLength: 1, maxLength: 20 }), (lengths) => {
        const pack = new Pack(new Uint8Array(16));
        const ranges = lengths.map((length, i) => pack.add(`p${i}`, bytesOf(length, i)));
        const content = new Uint8Array(pack.end());
        for (const [i, range] of ranges.entries()) {
          const reader = new RecordRangeReader(CHUNK, range, PACKED_FILE);
          reader.push(content.subarray(range.position, range.position + range.length));
          const path = `p${i}`;
          const body = Buffer.from(reader.finish());
          expect(body.subarray(2 + path.length).equals(bytesOf(lengths[i] ?? 0, i))).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('has room for the longest path and the END record, to the last byte', () => {
    const pack = new Pack(new Uint8Array(16));
    const path = 'x'.repeat(4096);
    let files = 0;
    for (; pack.hasRoom(path, 1000); files++) pack.add(path, bytesOf(1000));
    const content = pack.end();
    expect(content.length).toBeLessThanOrEqual(PACK_LENGTH);
    expect(files).toBeGreaterThan(1600);
  });
});
