import { existsSync } from 'node:fs';
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
  Rules,
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
  return concat(...records.flatMap(([type, body]) => writer.write(type, body)), ...writer.end());
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
  // proves MAN-1
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

  // proves MAN-13, MAN-14, MAN-15
  it('is judged in one order: of two faults the first is reported', () => {
    const code = (run: () => unknown): string => {
      try {
        run();
        return 'accepted';
      } catch (error) {
        const { code, message } = error as { code: ErrorCode; message: string };
        return `${code}: ${message}`;
      }
    };
    /** Every two faults together are reported as the earlier of them alone, and no two alike. */
    const inOrder = <F>(faults: readonly F[], judge: (...faults: F[]) => string): void => {
      const alone = faults.map((fault) => judge(fault));
      expect(new Set(alone).size).toBe(faults.length);
      expect(alone).not.toContain('accepted');
      for (const [i, first] of faults.entries())
        for (const second of faults.slice(i + 1)) expect(judge(first, second)).toBe(alone[i]);
    };

    type Head = { begin: Begin; twice: boolean; generation: number; parent?: Uint8Array; keyEpoch: number };
    inOrder<(head: Head) => Head>(
      [
        (head) => ({ ...head, begin: { ...head.begin, schema: 2 } }),
        (head) => ({ ...head, begin: { ...head.begin, volumes: 2 } }),
        (head) => ({ ...head, twice: true }),
        (head) => ({ ...head, generation: 0 }),
        (head) => ({ ...head, parent: new Uint8Array(32) }),
        (head) => ({ ...head, keyEpoch: 0 }),
      ],
      (...faults) => {
        const start: Head = { begin, twice: false, generation: 1, keyEpoch: 1 };
        const last = faults.reduce((head, fault) => fault(head), start);
        const record = [MANIFEST_HEAD, headBody(last.generation, last.parent, last.keyEpoch)] as const;
        return code(() => read(content(last.twice ? [HEAD, record] : [record], last.begin)));
      },
    );

    // The path decides three of the checks, so that they are combined by hand, each with every later one.
    const later: Partial<FileEntry>[] = [
      { mode: 0o1000 },
      { modified: { seconds: 0, nanoseconds: 1e9 } },
      { objects: [object, object] },
    ];
    const judge = (path: string, change: Partial<FileEntry> = {}, before: Entry[] = [folder('m')]): string =>
      code(() => read(content([HEAD, ...before.map(entryRecord), entryRecord(file(path, change))])));
    for (const change of [{}, ...later]) {
      expect(code(() => read(content([entryRecord(file('../a', change))])))).toMatch(
        /before the manifest head/u,
      );
      expect(judge('../a', change)).toMatch(/^unsafe-path/u);
      expect(judge('d/a', change)).toMatch(/do not ascend/u);
      expect(judge('x/a', change)).toMatch(/parent/u);
    }
    inOrder<Partial<FileEntry>>(later, (...changes) => judge('n', Object.assign({}, ...changes) as object));

    inOrder<(one: typeof object) => object>(
      [
        (one) => ({ ...one, volumes: 2 }),
        (one) => ({ ...one, range: { first: 0, count: 1 } }),
        (one) => ({ ...one, keyEpoch: 2 }),
        (one) => ({ ...one, header: concat(one.header, Uint8Array.of(0)) }),
        (one) => ({ ...one, header: one.header.map((byte, i) => (i === 11 ? 1 : byte)) }),
        (one) => ({ ...one, contentLength: 6 }),
      ],
      (...faults) => {
        const last = faults.reduce((one, fault) => fault(one) as typeof object, object);
        return judge('n', { objects: [last] });
      },
    );
  });

  // proves MAN-6, MAN-14
  it('has at most 2^20 entries, counted before the last one is looked into', () => {
    // Without their encoding, for the sake of time.
    const rules = new Rules();
    rules.head(begin, head);
    const name = (i: number): string => i.toString(36).padStart(5, '0');
    for (let i = 0; i < 2 ** 20; i++) rules.entry(link(name(i), 'to'));
    expect(() => rules.entry(link(name(2 ** 20), '/etc'))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });

  // proves REC-3
  it('holds records of its schema alone', () => {
    const bytes = concat(...manifestContent(manifest));
    const types: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const [kind, high = 0, middle = 0, low = 0, typeHigh = 0, typeLow = 0] = bytes.subarray(at, at + 6);
      expect(kind).toBe(1);
      types.push(typeHigh * 256 + typeLow);
      at += 4 + high * 65536 + middle * 256 + low;
    }
    expect(types).toEqual([0x8001, MANIFEST_HEAD, ...manifest.entries.map(() => MANIFEST_ENTRY), 0x8002]);
  });

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

  // proves MAN-10
  it('is refused by its writer for the same reasons', () => {
    const write = (change: Partial<Manifest>) => (): unknown => [
      ...manifestContent({ ...manifest, ...change }),
    ];
    const code = (value: ErrorCode): unknown => expect.objectContaining({ code: value });
    expect(write({})).not.toThrow();
    expect(write({ generation: 0 })).toThrow(code('bad-manifest'));
    expect(write({ entries: [file('b'), file('a')] })).toThrow(code('bad-manifest'));
    for (const path of ['../a', '/a', 'a/', 'a//b', './a', 'a/../b', 'a\0b', 'x'.repeat(256)])
      expect(write({ entries: [folder('a'), file(path)] })).toThrow(code('unsafe-path'));
    for (const target of ['/etc', '..', 'a/../..', 'a/../b', 'a\0b'])
      expect(write({ entries: [link('l', target)] })).toThrow(code('unsafe-path'));
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

  // proves MAN-8
  it('cannot keep its head from the first chunk', async () => {
    const filler = [0x1a1a, new Uint8Array(65000)] as const;
    for (const [records, code] of [
      [[filler, HEAD], 'fulfilled'],
      [[filler, [0x1a1a, new Uint8Array(600)] as const, HEAD], 'bad-manifest'],
    ] as const) {
      const at = place();
      await put(at.storage, content(records));
      expect(await codeOf(list(at.storage, key))).toBe(code);
    }
  });

  // proves REC-10
  it('writes nothing with entries that no END and no last chunk has confirmed', async () => {
    const at = place();
    const whole = withEntries(
      folder('d'),
      ...Array.from({ length: 4000 }, (_, i) => folder(`d/${10_000 + i}`)),
    );
    expect(whole.length).toBeGreaterThan(65536);
    await put(at.storage, whole.subarray(0, -26));
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('bad-record');
    const cut = place();
    const object = seal(whole, { key, type: 'manifest', chunkLog2: 16 });
    await store(cut.storage, object.subarray(0, -1));
    expect(await codeOf(restore(cut.storage, key, cut.target))).not.toBe('fulfilled');
    expect([existsSync(at.target), existsSync(cut.target)]).toEqual([false, false]);
  });

  // proves MAN-7
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
