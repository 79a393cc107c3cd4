import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chunkAt, inspect, seal } from '../container/index.ts';
import { ObjectKey } from '../keys/object-key.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import { codeOf, flipAt, key, objectOf, place, tamper, tree, type Place } from './fixture.ts';
import { FileReader } from './file-reader.ts';
import {
  backup,
  DirectoryStorage,
  list,
  MediaHasher,
  openManifest,
  restore,
  RestoreError,
  verify,
} from './index.ts';
import type { FileEntry, Manifest, Part } from './manifest.ts';
import { Pacer } from './objects.ts';
import { Pack, PACKED_FILE, PackedFile } from './pack.ts';
import { RecordWriter } from './records.ts';
import { storageName } from './storage.ts';

/** Counts what is read. */
class Counting extends DirectoryStorage {
  reads: { name: string; bytes: number }[] = [];

  override async *read(name: string, start = 0, end = Infinity): AsyncGenerator<Uint8Array, void, undefined> {
    const read = { name, bytes: 0 };
    this.reads.push(read);
    for await (const piece of super.read(name, start, end)) {
      read.bytes += piece.length;
      yield piece;
    }
  }
}

const small = (index: number): string => `${index} `.repeat(10_000).slice(0, 20_000);

/** Forty files of 20,000 bytes in one pack, and a large one. */
async function packed(): Promise<{ at: Place; pack: string; manifest: Manifest }> {
  const at = place({
    ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d/${10 + i}`, small(i)])),
    'd/e/one': 'one',
    large: 'x'.repeat(300_000),
  });
  await backup(at.source, at.storage, { key });
  const { manifest } = await openManifest(at.storage, key);
  return { at, pack: await objectOf(at, 'd/10'), manifest };
}

describe('a file in a pack', () => {
  // proves RST-1, RST-14
  it('is read with all others in one go, each pack once', async () => {
    const { at, pack } = await packed();
    const storage = new Counting(at.storage.folder);
    expect(await verify(storage, key)).toMatchObject({ failed: [], verified: 44 });
    const reads = storage.reads.filter(({ name }) => name === pack);
    // The headers of the scan and of the pack, and then its content.
    expect(reads).toHaveLength(3);
    expect(reads.filter(({ bytes }) => bytes > 800_000)).toHaveLength(1);
  });

  // proves RST-14, RST-15
  it('is read alone without the rest of it', async () => {
    const { at, pack } = await packed();
    const storage = new Counting(at.storage.folder);
    const report = await restore(storage, key, at.target, { paths: ['d/30'] });
    expect(report).toMatchObject({ restored: ['d', 'd/30'], failed: [] });
    expect(tree(at.target)).toEqual({ 'd/': '', 'd/30': small(20) });
    const [, , content] = storage.reads.filter(({ name }) => name === pack);
    expect(content?.bytes).toBeLessThan(3 * 65_552);
    const others = storage.reads.filter(({ bytes, name }) => bytes > 66_000 && name !== pack);
    expect(others).toEqual([]);
  });

  // proves RST-16
  it('suffers damage to its own chunks alone', async () => {
    const { at, pack, manifest } = await packed();
    const prefix = manifest.objects.find(({ commitment }) => storageName(commitment) === pack)?.prefix;
    const layout = { headerLength: (prefix?.length ?? 0) + 40, chunkLog2: 16 };
    tamper(at, pack, flipAt(chunkAt(layout, 5) + 100));
    const inChunk = (entry: Manifest['entries'][number]): boolean => {
      const range = entry.kind === 'file' ? entry.parts[0]?.range : undefined;
      return range !== undefined && range.position < 6 * 65_536 && range.position + range.length > 5 * 65_536;
    };
    const expected = manifest.entries.filter(inChunk).map(({ path }) => ({ path, code: 'chunk-damaged' }));
    expect(expected.length).toBeGreaterThan(3);
    expect(await verify(at.storage, key)).toMatchObject({ failed: expected });
    const error: unknown = await restore(at.storage, key, at.target).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RestoreError);
    expect(error).toMatchObject({ code: 'chunk-damaged', report: { failed: expected } });
    for (const { path } of expected) expect(tree(at.target)).not.toHaveProperty(path);
    expect(tree(at.target)['d/10']).toBe(small(0));
  });

  // proves RST-1, RST-16
  it.each<[string, (at: Place, pack: string) => void, string]>([
    ['whose header is damaged', (at, pack) => tamper(at, pack, flipAt(20)), 'header-damaged'],
    ['that is missing', (at, pack) => rmSync(join(at.storage.folder, pack)), 'object-missing'],
    [
      'that is another object',
      (at, pack) => tamper(at, pack, () => seal(new Uint8Array(900_000), { key, type: 'records' })),
      'object-mismatch',
    ],
    ['that is cut off', (at, pack) => tamper(at, pack, (bytes) => bytes.subarray(0, 5000)), 'truncated'],
  ])('of a pack %s fails as that of any object', async (_what, damage, code) => {
    const { at, pack } = await packed();
    damage(at, pack);
    const { failed } = await verify(at.storage, key);
    expect(failed).toHaveLength(41);
    expect(new Set(failed.map((each) => each.code))).toEqual(new Set([code]));
  });
});

/** A reader of a manifest that names one object, in a storage that holds it. */
function readerOf(
  content: Uint8Array,
  type: 'records' | 'blob',
  sealKey: BackupKey = key,
): {
  read: (parts: readonly Part[], file: Uint8Array, contentLength?: number) => Promise<string>;
} {
  const at = place();
  const object = seal(content, { key: sealKey, type });
  const { prefix, commitment } = inspect(object);
  const upload = at.storage.put(storageName(commitment));
  void upload.write([object]);
  void upload.commit();
  const mediaKey = new Uint8Array(32).fill(1);
  const manifest: Manifest = {
    setId: new Uint8Array(16),
    generation: 1,
    created: 0,
    keyEpoch: 2,
    mediaKey,
    commitments: [commitment, commitment],
    ancestors: [],
    wrappedKeys: [{ keyEpoch: 1, objectKey: sealKey.objectKey().bytes() }],
    objects: [
      {
        commitment,
        prefix,
        length: object.length,
        contentLength: content.length,
        keyEpoch: sealKey === key ? 2 : 1,
      },
    ],
    entries: [],
  };
  const reader = new FileReader(at.storage, key, manifest, new Pacer(undefined));
  return {
    async read(parts, file, contentLength = file.length) {
      const hasher = new MediaHasher(mediaKey);
      hasher.update(file);
      const entry: FileEntry = {
        kind: 'file',
        path: 'a',
        mode: 0o644,
        modified: { seconds: 0, nanoseconds: 0 },
        contentLength,
        mediaId: hasher.digest(),
        stamp: new Uint8Array(),
        parts,
      };
      const pieces: Bytes[] = [];
      const code = await codeOf(reader.read(entry, (piece) => pieces.push(piece)));
      if (code === 'fulfilled') expect(concat(...pieces)).toEqual(new Uint8Array(file));
      return code;
    },
  };
}

describe('a range', () => {
  const first = new TextEncoder().encode('the first file');
  const second = new TextEncoder().encode('the second');

  // proves RST-1
  it('holds exactly the record of the file', async () => {
    const pack = new Pack(new Uint8Array(16));
    const ranges = [pack.add('a', first), pack.add('b', second)] as const;
    const { read } = readerOf(pack.end().slice(), 'records');
    const at = (position: number, length: number): readonly Part[] => [
      { object: 0, range: { position, length } },
    ];
    const { position, length } = ranges[0];
    expect(await read(at(position, length), first)).toBe('fulfilled');
    expect(await read(at(ranges[1].position, ranges[1].length), second)).toBe('fulfilled');
    expect(await read(at(ranges[1].position, ranges[1].length), first)).toBe('object-mismatch');
    expect(await read(at(position, length), first, first.length + 1)).toBe('object-mismatch');
    expect(await read(at(position, length - 1), first)).toBe('bad-record');
    expect(await read(at(position, length + 1), first)).toBe('bad-record');
    expect(await read(at(position - 1, length + 1), first)).toBe('bad-record');
    expect(await read(at(position, length + ranges[1].length), first)).toBe('bad-record');
    expect(await read(at(0, position), first)).toBe('bad-record');
    expect(await read(at(position, 0), first)).toBe('bad-record');
  });

  // proves RST-1
  it('holds a record of the type for files in packs', async () => {
    const writer = new RecordWriter(65_536, { setId: new Uint8Array(16), volume: 1, volumes: 1, schema: 2 });
    const parts = writer.write(0x7f01, encode(PackedFile, { path: 'a', content: first }));
    const { range } = writer;
    parts.push(...writer.write(PACKED_FILE, Uint8Array.of(0, 9, 1)));
    const broken = writer.range;
    const { read } = readerOf(concat(...parts, ...writer.end()), 'records');
    expect(await read([{ object: 0, range }], first)).toBe('bad-record');
    expect(await read([{ object: 0, range: broken }], first)).toBe('bad-record');
  });
});

describe('an object of an older backup key', () => {
  // proves RST-17
  it('is opened by the key that the manifest holds for its epoch', async () => {
    const older = BackupKey.generate();
    const content = new Uint8Array(100_000).fill(5);
    expect(await readerOf(content, 'blob', older).read([{ object: 0, range: undefined }], content)).toBe(
      'fulfilled',
    );
    const pack = new Pack(new Uint8Array(16));
    const range = pack.add('a', content.subarray(0, 1000));
    const { read } = readerOf(pack.end().slice(), 'records', older);
    expect(await read([{ object: 0, range }], content.subarray(0, 1000))).toBe('fulfilled');
    expect(ObjectKey.fromBytes(older.objectKey().bytes())).toBeInstanceOf(ObjectKey);
  });
});

describe('volumes', () => {
  // proves RST-1
  it('follow each other', async () => {
    const at = place({ a: 'x'.repeat(250_000), b: 'y'.repeat(99_999) });
    await backup(at.source, at.storage, { key, volumeLength: 100_000 });
    const { entries } = (await openManifest(at.storage, key)).manifest;
    expect(entries.map((each) => (each.kind === 'file' ? each.parts.length : 0))).toEqual([3, 1]);
    expect(await restore(at.storage, key, at.target)).toMatchObject({ failed: [] });
    expect(tree(at.target)).toEqual(tree(at.source));
    const { parts } = entries[0] as FileEntry;
    expect(parts.every(({ range }) => range === undefined)).toBe(true);
  });
});

// proves RST-1
it('a large file is read on several threads, with the same result and the same errors', async () => {
  const at = place();
  const file = join(at.source, 'large');
  writeFileSync(file, 'start');
  truncateSync(file, (70 << 20) + 5);
  const small = join(at.source, 'other');
  writeFileSync(small, 'y'.repeat(100_000));
  await backup(at.source, at.storage, { key });
  const seen: number[] = [];
  const onProgress = ({ bytes }: { bytes: number }): void => void seen.push(bytes);
  expect(await restore(at.storage, key, at.target, { onProgress })).toMatchObject({ failed: [] });
  execFileSync('cmp', [file, join(at.target, 'large')]);
  expect(seen.at(-1)).toBe((70 << 20) + 5 + 100_000);
  expect(seen.every((bytes, i) => bytes >= (seen[i - 1] ?? 0))).toBe(true);
  const [large, other] = [await objectOf(at, 'large'), await objectOf(at, 'other')];
  for (const [damage, code] of [
    [flipAt(60_000_000), 'chunk-damaged'],
    [() => readFileSync(join(at.storage.folder, other)), 'object-mismatch'],
    [(): Buffer => Buffer.of(), 'truncated'],
  ] as const) {
    tamper(at, large, damage);
    rmSync(at.target, { recursive: true });
    expect(await codeOf(restore(at.storage, key, at.target))).toBe(code);
    expect(Object.keys(tree(at.target))).toEqual(['other']);
    expect(await verify(at.storage, key)).toMatchObject({ failed: [{ path: 'large', code }] });
  }
});

// proves RST-15
describe('a part of a backup', () => {
  it('is a file or a folder, with the folders that lead there', async () => {
    const { at } = await packed();
    const report = await restore(at.storage, key, at.target, { paths: ['d/e', 'large', 'd/12'] });
    expect(report).toMatchObject({ restored: ['d', 'd/12', 'd/e', 'd/e/one', 'large'], failed: [] });
    expect(Object.keys(tree(at.target)).sort()).toEqual(['d/', 'd/12', 'd/e/', 'd/e/one', 'large']);
    const { entries } = await list(at.storage, key, { paths: ['d/e'] });
    expect(entries.map(({ path }) => path)).toEqual(['d/e', 'd/e/one']);
    expect((await list(at.storage, key, { paths: ['d'] })).entries).toHaveLength(43);
  });

  it('that is not there is not-found, and nothing is written', async () => {
    const { at } = await packed();
    for (const paths of [['nothing'], ['d/10', 'd/1'], ['d/'], [''], ['d/10/x']]) {
      expect(await codeOf(restore(at.storage, key, at.target, { paths }))).toBe('not-found');
      expect(await codeOf(list(at.storage, key, { paths }))).toBe('not-found');
    }
    expect(() => tree(at.target)).toThrow();
  });
});
