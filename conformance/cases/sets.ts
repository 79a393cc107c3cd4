/**
 * What vectors are too large for: manifests of more entries than there may be, and lengths whose sum wraps around.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestEntry, manifestHead, manifestObject, type Entry } from '../peer/manifest.ts';
import { be, cat, fresh, named, toHex, utf8, zeros, type Bytes } from '../peer/primitives.ts';
import { begin, end, frame, FULL, record } from '../peer/records.ts';
import { manifestRecords, mediaId, store, writeManifest } from '../peer/set.ts';
import { TYPES } from '../peer/sealed-object.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { readTree } from '../runner/folder.ts';
import { digest, score, scoreTree, type Score } from '../runner/score.ts';
import type { Answerable, Value } from '../schema/vector.ts';

const MAX_ENTRIES = 2 ** 20;
const CHUNK = 2 ** 16;
const SET_ID = named('set id', 16);

/** Digits of a path: in ascending order of the numbers. */
function path(number: number): string {
  return number.toString(16).padStart(6, '0');
}

/** The content of a manifest of so many folders, framed in fragments of whole records: all of one length. */
function folders(count: number): Bytes {
  const entry = manifestEntry({ kind: 'directory', path: path(0), mode: 0o755 });
  const at = 3 + 1 + 2;
  const start = frame(CHUNK, [begin(SET_ID, 1), manifestHead()]);
  const size = 4 + entry.length;
  const content = new Uint8Array(start.length + count * (size + 1) + 64);
  content.set(start);
  let position = start.length;
  const put = (whole: Uint8Array): void => {
    // The rest of a chunk that has no room for the record is zeros.
    const left = CHUNK - (position % CHUNK);
    if (left < 4 + whole.length) position += left;
    content.set([FULL, ...be(3, whole.length)], position);
    content.set(whole, position + 4);
    position += 4 + whole.length;
  };
  for (let i = 0; i < count; i++) {
    entry.set(utf8(path(i)), at);
    put(entry);
  }
  const head = manifestHead();
  put(record(0x8002, cat(be(8, count + 1), be(8, head.length + count * entry.length))));
  return content.slice(0, position);
}

async function listed(context: CaseContext, count: number, expect: Answerable): Promise<Score> {
  if (context.adapter === undefined) throw new Error('a reader needs an adapter');
  const key = fresh(32);
  const { name, object } = store({
    key,
    salt: fresh(32),
    content: folders(count),
    type: TYPES.manifest,
    chunkLog2: 16,
  });
  const storage = join(context.folder, toHex(fresh(8)));
  mkdirSync(storage);
  writeFileSync(join(storage, name), object);
  const outcome = await context.adapter.call('set.find', { storage, key: toHex(key) }, 120_000);
  rmSync(storage, { recursive: true });
  return score(expect, outcome, undefined, context.loose);
}

/** A file of so many volumes whose content lengths add up to `sum` modulo 2^64. */
function volumes(lengths: readonly number[], contentLength: number): Bytes {
  const objects = lengths.map((length, i) =>
    manifestObject(
      {
        commitment: cat(zeros(28), be(4, i)),
        prefix: cat(zeros(11), be(1, TYPES.blob), zeros(36)),
        length: 200,
        contentLength: length,
      },
      i,
    ),
  );
  const file: Entry = {
    kind: 'file',
    path: 'film',
    contentLength,
    parts: lengths.map((_, object) => ({ object })),
  };
  const list = [manifestHead(), ...objects, manifestEntry(file)];
  return frame(CHUNK, [begin(SET_ID, 1), ...list, end(list)]);
}

async function manifestOf(context: CaseContext, content: Bytes, expect: Answerable): Promise<Score> {
  if (context.adapter === undefined) throw new Error('a reader needs an adapter');
  return score(
    expect,
    await context.adapter.call('manifest.read', { content: toHex(content) }),
    undefined,
    context.loose,
  );
}

const LARGEST = Number.MAX_SAFE_INTEGER;
/** 2048 times 2^53 − 1 is 2^64 − 2048: with 2048 and 44 more the sum is 44 in 64 bits. */
const WRAPPING = [...Array.from({ length: 2048 }, () => LARGEST), 2048, 44];

const common = { role: 'set-reader', level: 'core' } as const;
const found: Record<string, Value> = { generation: 1, copies: 1 };

/** Longer than what readers are likely to take in one piece. */
const LARGE = 2 ** 26 + 70_000;

/** A set of one large file, restored; `mistake` says what is wrong with it. */
async function large(context: CaseContext, mistake: 'none' | 'media-id' | 'last-chunk'): Promise<Score> {
  if (context.adapter === undefined) throw new Error('a reader needs an adapter');
  const [key, mediaKey] = [fresh(32), fresh(32)];
  const content = zeros(LARGE);
  for (let at = 0; at < LARGE; at += 2 ** 20) content.set(be(4, at), at);
  const object = store({ key, salt: fresh(32), content, chunkLog2: 18, padding: 1 });
  const id = mediaId(mediaKey, content);
  if (mistake === 'media-id') id[31] = (id[31] ?? 0) ^ 1;
  if (mistake === 'last-chunk') object.object[object.object.length - 1] = (object.object.at(-1) ?? 0) ^ 1;
  const entry: Entry = {
    kind: 'file',
    path: 'film',
    contentLength: LARGE,
    mediaId: id,
    parts: [{ object: 0 }],
  };
  const { copies } = writeManifest({
    key,
    setId: SET_ID,
    mediaKey,
    salts: [fresh(32), fresh(32)],
    records: manifestRecords([object.reference], [entry]),
  });
  const folder = join(context.folder, toHex(fresh(8)));
  const [storage, target] = [join(folder, 'storage'), join(folder, 'target')];
  mkdirSync(storage, { recursive: true });
  for (const one of [...copies, object]) writeFileSync(join(storage, one.name), one.object);
  const outcome = await context.adapter.call('set.restore', { storage, target, key: toHex(key) }, 120_000);
  const tree = readTree(target);
  rmSync(folder, { recursive: true });
  const film = { kind: 'file', ...digest(content), mode: 0o644 } as const;
  const expect: Answerable =
    mistake === 'none'
      ? { outcome: 'ok', result: { restored: 1 }, tree: { film } }
      : {
          outcome: 'reject',
          errors: [mistake === 'media-id' ? 'object-mismatch' : 'chunk-damaged'],
          tree: {},
        };
  return scoreTree(expect, outcome, tree) ?? score(expect, outcome, undefined, context.loose);
}

/** Manifests and files that are too large for vectors. */
export const setCases: readonly Case[] = [
  {
    ...common,
    id: 'set.entries-2-20',
    title: 'A manifest of 2^20 entries',
    why: 'The bound is met.',
    requirements: ['MAN-6'],
    feature: 'set',
    level: 'full',
    run: async (context) => listed(context, MAX_ENTRIES, { outcome: 'ok', result: found }),
  },
  {
    ...common,
    id: 'set.too-many-entries',
    title: 'A manifest of 2^20 and one entries',
    why: 'A reader that keeps entries in memory has to know how many can come.',
    requirements: ['MAN-6'],
    feature: 'set',
    level: 'full',
    run: async (context) =>
      listed(context, MAX_ENTRIES + 1, { outcome: 'reject', errors: ['limit-exceeded'] }),
  },
  {
    ...common,
    id: 'set.large-file',
    title: 'A file of 64 MiB and more',
    why: 'Large files are read in other ways than small ones, by several threads and from file to file.',
    requirements: ['RST-1'],
    feature: 'set',
    level: 'full',
    run: async (context) => large(context, 'none'),
  },
  {
    ...common,
    id: 'set.large-file-media-id',
    title: 'A large file that is not what its media id says',
    why: 'Where the chunks are opened by several threads, all of the content is still one.',
    requirements: ['RST-1'],
    feature: 'set',
    level: 'full',
    run: async (context) => large(context, 'media-id'),
  },
  {
    ...common,
    id: 'set.large-file-damaged',
    title: 'A large file with a bit changed in its last chunk',
    why: 'Nothing of it gets a name, although hundreds of chunks are right.',
    requirements: ['RST-3', 'RST-10'],
    feature: 'set',
    level: 'full',
    run: async (context) => large(context, 'last-chunk'),
  },
  {
    ...common,
    id: 'manifest.sum-right',
    title: 'A file of two thousand volumes',
    why: 'Sums of many numbers are right too.',
    requirements: ['MAN-2'],
    feature: 'manifest',
    run: async (context) => {
      const lengths = Array.from({ length: 2050 }, (_, i) => 4_000_000_000 + i);
      const sum = lengths.reduce((a, b) => a + b, 0);
      return manifestOf(context, volumes(lengths, sum), { outcome: 'ok', result: { generation: 1 } });
    },
  },
  {
    ...common,
    id: 'manifest.sum-64-bits',
    title: 'Lengths whose sum is right in 64 bits alone',
    why: 'A sum that wraps around makes an endless file a small one.',
    requirements: ['MAN-2'],
    feature: 'manifest',
    run: async (context) =>
      manifestOf(context, volumes(WRAPPING, 44), { outcome: 'reject', errors: ['bad-manifest'] }),
  },
];
