import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../errors.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import { codeOf, key, place } from './fixture.ts';
import {
  Entry,
  MANIFEST_ENTRY,
  MANIFEST_HEAD,
  manifestContent,
  ManifestReader,
  type FileEntry,
  type Manifest,
} from './manifest.ts';
import { list, restore, type Storage } from './index.ts';
import { inspect, seal } from '../container/index.ts';
import { RecordWriter, type Begin } from './records.ts';
import { storageName } from './storage.ts';

const modified = { seconds: -1, nanoseconds: 999_999_999 };
const blob = seal(new Uint8Array(5), { key, type: 'blob' });
const { prefix, commitment } = inspect(blob);
const object = {
  commitment,
  header: prefix,
  length: blob.length,
  contentLength: 5,
  volume: 1,
  volumes: 1,
  range: undefined,
  keyEpoch: 1,
};
const file = (path: string, change: Partial<FileEntry> = {}): FileEntry => ({
  kind: 'file',
  path,
  mode: 0o644,
  modified,
  contentLength: 5,
  mediaId: new Uint8Array(32),
  objects: [object],
  ...change,
});
const folder = (path: string): Entry => ({ kind: 'directory', path, mode: 0o755, modified });
const link = (path: string, target: string): Entry => ({
  kind: 'symlink',
  path,
  mode: 0o777,
  modified,
  target,
});
const head = { generation: 1, parent: undefined, created: 1_700_000_000, keyEpoch: 1 };
const setId = new Uint8Array(16).fill(9);
const manifest: Manifest = {
  setId,
  ...head,
  entries: [folder('d'), file('d/a'), link('d/l', '../e'), file('e')],
};

const begin: Begin = { setId, volume: 1, volumes: 1, schema: 1 };

/** Manifest content of any records, however wrong. */
function content(records: readonly (readonly [number, Uint8Array])[], first: Begin = begin): Bytes {
  const writer = new RecordWriter(65536, first);
  return concat(...records.map(([type, body]) => writer.write(type, body)), writer.end());
}

/** The body of a manifest head, taken from a manifest that its writer would refuse or not. */
function headBody(generation: number, parent: Uint8Array | undefined, keyEpoch = 1): Bytes {
  const u = (value: number, size: number): Bytes =>
    Uint8Array.from({ length: size }, (_, i) => Number((BigInt(value) >> BigInt(8 * (size - 1 - i))) & 255n));
  const parentPart = parent === undefined ? Uint8Array.of(0) : concat(Uint8Array.of(1), parent);
  return concat(u(generation, 8), parentPart, u(1_700_000_000, 8), u(keyEpoch, 4));
}

const HEAD = [MANIFEST_HEAD, headBody(1, undefined)] as const;
const entryRecord = (entry: Entry): readonly [number, Bytes] => [MANIFEST_ENTRY, encode(Entry, entry)];

function read(bytes: Uint8Array): { entries: Entry[]; head: ManifestReader['head'] } {
  const reader = new ManifestReader();
  const entries = reader.push(bytes);
  reader.finish();
  return { entries, head: reader.head };
}

function codeOfContent(bytes: Uint8Array): ErrorCode | 'accepted' {
  try {
    read(bytes);
    return 'accepted';
  } catch (error) {
    const { code } = error as { code: ErrorCode };
    return code;
  }
}

const withEntries = (...entries: Entry[]): Bytes => content([HEAD, ...entries.map(entryRecord)]);

describe('a manifest', () => {
  it('is read as it was written', () => {
    const bytes = concat(...manifestContent(manifest));
    expect(bytes).toEqual(withEntries(...manifest.entries));
    expect(read(bytes)).toEqual({ head: { setId, ...head }, entries: manifest.entries });
  });

  const older = { ...object, keyEpoch: 2 };
  const pack = { ...object, range: { first: 0, count: 1 } };
  const volume = { ...object, volumes: 2 };
  const cases: [string, ErrorCode | 'accepted', Bytes][] = [
    ['no entries', 'accepted', withEntries()],
    ['no head', 'bad-manifest', content([])],
    ['an entry before the head', 'bad-manifest', content([entryRecord(file('a')), HEAD])],
    ['two heads', 'bad-manifest', content([HEAD, HEAD])],
    ['generation 0', 'bad-manifest', content([[MANIFEST_HEAD, headBody(0, undefined)]])],
    [
      'generation 1 with a parent',
      'bad-manifest',
      content([[MANIFEST_HEAD, headBody(1, new Uint8Array(32))]]),
    ],
    ['generation 2 with a parent', 'accepted', content([[MANIFEST_HEAD, headBody(2, new Uint8Array(32))]])],
    ['generation 2 without a parent', 'accepted', content([[MANIFEST_HEAD, headBody(2, undefined)]])],
    ['key epoch 0', 'bad-manifest', content([[MANIFEST_HEAD, headBody(1, undefined, 0)]])],
    ['a head that is too long', 'bad-record', content([[MANIFEST_HEAD, concat(HEAD[1], Uint8Array.of(0))]])],
    ['another schema', 'bad-manifest', content([HEAD], { ...begin, schema: 2 })],
    ['volumes', 'unsupported-set', content([HEAD], { ...begin, volumes: 2 })],
    ['an unknown critical record', 'unknown-critical-record', content([HEAD, [0x8012, new Uint8Array(4)]])],
    ['an unknown record', 'accepted', content([HEAD, [0x1a1a, new Uint8Array(4)]])],
    ['the same path twice', 'bad-manifest', withEntries(file('a'), file('a'))],
    ['paths that descend', 'bad-manifest', withEntries(file('b'), file('a'))],
    ['paths in the order of UTF-16', 'bad-manifest', withEntries(file('\u{10000}'), file('\uffff'))],
    [
      'paths that differ only in normalisation or case',
      'accepted',
      withEntries(file('A'), file('a'), file('e\u0301'), file('é')),
    ],
    ['no parent', 'bad-manifest', withEntries(file('d/a'))],
    ['a file as parent', 'bad-manifest', withEntries(file('d'), file('d/a'))],
    ['a link as parent', 'bad-manifest', withEntries(link('d', 'e'), file('d/a'), folder('e'))],
    ['a path that climbs', 'unsafe-path', withEntries(file('../a'))],
    ['an absolute path', 'unsafe-path', withEntries(file('/a'))],
    ['a link that leads out', 'unsafe-path', withEntries(link('l', '../a'))],
    ['set-user-id', 'bad-manifest', withEntries(file('a', { mode: 0o4755 }))],
    [
      '10^9 nanoseconds',
      'bad-manifest',
      withEntries(file('a', { modified: { seconds: 0, nanoseconds: 1e9 } })),
    ],
    [
      'a file in two volumes',
      'unsupported-set',
      withEntries(file('a', { objects: [volume, { ...volume, volume: 2 }] })),
    ],
    ['a first volume of two', 'unsupported-set', withEntries(file('a', { objects: [volume] }))],
    ['a file in a pack', 'unsupported-set', withEntries(file('a', { objects: [pack] }))],
    ['a file under another key', 'unsupported-set', withEntries(file('a', { objects: [older] }))],
    ['lengths that do not add up', 'bad-manifest', withEntries(file('a', { contentLength: 6 }))],
    [
      'a header copy cut short',
      'bad-manifest',
      withEntries(file('a', { objects: [{ ...object, header: concat(prefix, Uint8Array.of(0)) }] })),
    ],
    [
      'a header copy of a manifest',
      'bad-manifest',
      withEntries(file('a', { objects: [{ ...object, header: prefix.map((b, i) => (i === 11 ? 1 : b)) }] })),
    ],
    [
      'a header copy of 47 bytes',
      'bad-record',
      content([HEAD, [MANIFEST_ENTRY, concat(...splice(file('a')))]]),
    ],
    [
      'an entry of no known kind',
      'bad-record',
      content([HEAD, [MANIFEST_ENTRY, encode(Entry, folder('a')).map((b, i) => (i === 0 ? 4 : b))]]),
    ],
    [
      'a path that is not UTF-8',
      'bad-record',
      content([HEAD, [MANIFEST_ENTRY, encode(Entry, folder('a')).map((b, i) => (i === 3 ? 0xff : b))]]),
    ],
  ];
  for (const [what, code, bytes] of cases)
    it(`with ${what}: ${code}`, () => expect(codeOfContent(bytes)).toBe(code));

  it('gives a code of its own layer to every change of one byte', () => {
    const good = withEntries(...manifest.entries);
    const codes = new Set<string>();
    for (let at = 0; at < good.length; at++) {
      for (const value of [0, 1, 0x80, 0xff])
        codes.add(codeOfContent(good.map((b, i) => (i === at ? b ^ value : b))));
    }
    expect([...codes].sort()).toEqual([
      'accepted',
      'bad-manifest',
      'bad-record',
      'unknown-critical-record',
      'unsafe-path',
      'unsupported-codec',
      'unsupported-set',
    ]);
  });

  it('is refused by its writer for the same reasons', () => {
    const write = (change: Partial<Manifest>) => (): unknown => [
      ...manifestContent({ ...manifest, ...change }),
    ];
    const code = (value: ErrorCode): unknown => expect.objectContaining({ code: value });
    expect(write({})).not.toThrow();
    expect(write({ generation: 0 })).toThrow(code('bad-manifest'));
    expect(write({ entries: [file('b'), file('a')] })).toThrow(code('bad-manifest'));
    expect(write({ entries: [link('l', '/etc')] })).toThrow(code('unsafe-path'));
  });
});

/** An entry whose header copy claims 47 bytes. */
function splice(entry: FileEntry): Bytes[] {
  const whole = encode(Entry, entry);
  const at = whole.length - (2 + prefix.length + 8 + 8 + 4 + 4 + 1 + 4);
  const shorter = concat(
    whole.subarray(0, at),
    Uint8Array.of(0, 47),
    prefix.subarray(0, 47),
    whole.subarray(at + 2 + prefix.length),
  );
  const lengthAt = at - 32 - 3;
  const length = shorter.length - lengthAt - 3;
  shorter.set([length >> 16, (length >> 8) & 255, length & 255], lengthAt);
  return [shorter];
}

describe('an authentic manifest of a hostile writer', () => {
  async function store(storage: Storage, object: Uint8Array): Promise<void> {
    const upload = await storage.put(storageName(inspect(object).commitment));
    await upload.write([object]);
    await upload.commit();
  }

  async function put(storage: Storage, bytes: Uint8Array): Promise<void> {
    for (let copy = 0; copy < 2; copy++) await store(storage, seal(bytes, { key, type: 'manifest' }));
  }

  it.each([
    ['../evil', 'unsafe-path'],
    ['/tmp/evil', 'unsafe-path'],
    ['a\0b', 'unsafe-path'],
    ['', 'bad-record'],
  ])('cannot write %j', async (path, code) => {
    const at = place();
    await put(
      at.storage,
      path === '' ? content([HEAD, [MANIFEST_ENTRY, new Uint8Array(4)]]) : withEntries(folder(path)),
    );
    expect(await codeOf(restore(at.storage, key, at.target))).toBe(code);
    expect(await codeOf(list(at.storage, key))).toBe(code);
  });

  it('cannot pass another object for a manifest', async () => {
    const at = place();
    await put(at.storage, new Uint8Array(100));
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('bad-record');
    const wrongChunk = place();
    await store(wrongChunk.storage, seal(withEntries(), { key, type: 'manifest', chunkLog2: 18 }));
    expect(await codeOf(restore(wrongChunk.storage, key, wrongChunk.target))).toBe('bad-manifest');
  });

  it.each([
    ['an identity', {}],
    ['a header', { objects: [{ ...object, header: prefix.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) }] }],
    ['a length', { contentLength: 6, objects: [{ ...object, contentLength: 6 }] }],
  ])('with %s that the object does not have is a mismatch', async (_what, change) => {
    const at = place();
    await put(at.storage, withEntries(file('a', change)));
    await store(at.storage, blob);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('object-mismatch');
  });

  it('with a shorter object length than the object has: what follows is not part of it', async () => {
    const at = place();
    await put(at.storage, withEntries(file('a', { objects: [{ ...object, length: blob.length - 1 }] })));
    await store(at.storage, blob);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('trailing-data');
  });
});
