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
  MANIFEST_OBJECT,
  ManifestHead,
  NumberedObject,
  WRAPPED_KEY,
  WrappedKey,
  type Ancestor,
  type FileEntry,
  type Manifest,
  type ObjectReference,
  type Part,
} from './manifest.ts';
import { manifestContent, ManifestReader } from './manifest-content.ts';
import { ManifestRules } from './manifest-rules.ts';
import { list, restore, type Storage } from './index.ts';
import { inspect, seal } from '../container/index.ts';
import { RecordWriter, type Begin } from './records.ts';
import { storageName } from './storage.ts';

const modified = { seconds: -1, nanoseconds: 999_999_999 };
const blob = seal(new Uint8Array(5), { key, type: 'blob' });
const { prefix, commitment } = inspect(blob);
const object: ObjectReference = {
  commitment,
  prefix,
  length: blob.length,
  contentLength: 5,
  keyEpoch: 1,
};
const whole: Part = { object: 0, range: undefined };
const file = (path: string, change: Partial<FileEntry> = {}): FileEntry => ({
  kind: 'file',
  path,
  mode: 0o644,
  modified,
  contentLength: 5,
  mediaId: new Uint8Array(32),
  stamp: new Uint8Array(),
  parts: [whole],
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
const fill = (value: number, length = 32): Bytes => new Uint8Array(length).fill(value);
const ancestor = (generation: number): Ancestor => ({
  generation,
  manifestId: fill(generation),
  commitments: [fill(0xa0 + generation), fill(0xb0 + generation)],
});
const head: ManifestHead = {
  generation: 4,
  created: 1_700_000_000,
  keyEpoch: 3,
  mediaKey: fill(0x44),
  commitments: [fill(0xa4), fill(0xb4)],
  ancestors: [ancestor(3), ancestor(1)],
};
const setId = fill(9, 16);
const records = { ...object, commitment: fill(1), prefix: prefix.map((b, i) => (i === 11 ? 2 : b)) };
const pack = { ...records, commitment: fill(2), contentLength: 3_000_000, keyEpoch: 2 };
const wrappedKeys = [1, 2].map((keyEpoch) => ({ keyEpoch, objectKey: fill(keyEpoch) }));
const manifest: Manifest = {
  setId,
  ...head,
  wrappedKeys,
  objects: [object, records, pack],
  entries: [
    folder('d'),
    file('d/a', { stamp: fill(3) }),
    link('d/l', '../e'),
    file('e', { contentLength: 10, parts: [whole, { object: 1, range: undefined }] }),
    file('f', { contentLength: 900, parts: [{ object: 2, range: { position: 30, length: 1000 } }] }),
  ],
};

const begin: Begin = { setId, volume: 1, volumes: 1, schema: 1 };

/** Manifest content of any records, however wrong. */
function content(records: readonly Row[], first: Begin = begin): Bytes {
  const writer = new RecordWriter(65536, first);
  return concat(...records.flatMap(([type, body]) => writer.write(type, body)), ...writer.end());
}

type Row = readonly [type: number, body: Uint8Array];
const headRecord = (change: Partial<ManifestHead> = {}): Row => [
  MANIFEST_HEAD,
  encode(ManifestHead, { ...head, ...change }),
];
const HEAD = headRecord({ keyEpoch: 1 });
const keyRecord = (keyEpoch: number): Row => [
  WRAPPED_KEY,
  encode(WrappedKey, { keyEpoch, objectKey: fill(8) }),
];
const objectRecord = (change: Partial<ObjectReference> = {}, number = 0): Row => [
  MANIFEST_OBJECT,
  encode(NumberedObject, { number, object: { ...object, ...change } }),
];
const OBJECT = objectRecord();
const entryRecord = (entry: Entry): Row => [MANIFEST_ENTRY, encode(Entry, entry)];

function read(bytes: Uint8Array): Manifest {
  const reader = new ManifestReader();
  const entries = reader.push(bytes);
  reader.finish();
  const { wrappedKeys, objects } = reader;
  if (reader.head === undefined) throw new Error('no head');
  return { ...reader.head, wrappedKeys, objects, entries };
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

const withEntries = (...entries: Entry[]): Bytes => content([HEAD, OBJECT, ...entries.map(entryRecord)]);

describe('a manifest', () => {
  // proves MAN-1
  it('is read as it was written', () => {
    const bytes = concat(...manifestContent(manifest));
    expect(bytes).toEqual(
      content([
        headRecord(),
        ...wrappedKeys.map((each): Row => [WRAPPED_KEY, encode(WrappedKey, each)]),
        ...manifest.objects.map((each, number) => objectRecord(each, number)),
        ...manifest.entries.map(entryRecord),
      ]),
    );
    expect(read(bytes)).toEqual(manifest);
  });

  const parts = (...list: Part[]): Partial<FileEntry> => ({ parts: list });
  const ranged = (position: number, length: number): Partial<FileEntry> =>
    parts({ object: 1, range: { position, length } });
  const packed = (...entries: Entry[]): Bytes =>
    content([HEAD, OBJECT, objectRecord({ ...pack, keyEpoch: 1 }, 1), ...entries.map(entryRecord)]);
  const cases: [string, ErrorCode | 'accepted', Bytes][] = [
    ['no entries', 'accepted', withEntries()],
    ['no head', 'bad-manifest', content([])],
    ['an entry before the head', 'bad-manifest', content([entryRecord(folder('a')), HEAD])],
    ['an object before the head', 'bad-manifest', content([OBJECT, HEAD])],
    ['a wrapped key before the head', 'bad-manifest', content([keyRecord(1), headRecord({ keyEpoch: 2 })])],
    ['two heads', 'bad-manifest', content([HEAD, HEAD])],
    ['generation 0', 'bad-manifest', content([headRecord({ generation: 0, ancestors: [] })])],
    ['generation 1', 'accepted', content([headRecord({ generation: 1, ancestors: [] })])],
    ['generation 2 without an ancestor', 'accepted', content([headRecord({ generation: 2, ancestors: [] })])],
    ['itself as ancestor', 'bad-manifest', content([headRecord({ ancestors: [ancestor(4)] })])],
    ['a later ancestor', 'bad-manifest', content([headRecord({ ancestors: [ancestor(5)] })])],
    ['an ancestor of generation 0', 'bad-manifest', content([headRecord({ ancestors: [ancestor(0)] })])],
    [
      'ancestors that ascend',
      'bad-manifest',
      content([headRecord({ ancestors: [ancestor(1), ancestor(2)] })]),
    ],
    ['an ancestor twice', 'bad-manifest', content([headRecord({ ancestors: [ancestor(2), ancestor(2)] })])],
    [
      '256 ancestors',
      'accepted',
      content([
        headRecord({
          generation: 257,
          ancestors: Array.from({ length: 256 }, (_, i) => ({ ...ancestor(1), generation: 256 - i })),
        }),
      ]),
    ],
    ['key epoch 0', 'bad-manifest', content([headRecord({ keyEpoch: 0 })])],
    ['a wrapped key', 'accepted', content([headRecord({ keyEpoch: 2 }), keyRecord(1)])],
    ['a wrapped key of epoch 0', 'bad-manifest', content([headRecord(), keyRecord(0)])],
    ['a wrapped key of its own epoch', 'bad-manifest', content([headRecord(), keyRecord(3)])],
    ['a wrapped key twice', 'bad-manifest', content([headRecord(), keyRecord(1), keyRecord(1)])],
    ['wrapped keys that descend', 'bad-manifest', content([headRecord(), keyRecord(2), keyRecord(1)])],
    [
      'a wrapped key after an object',
      'bad-manifest',
      content([headRecord(), objectRecord({ keyEpoch: 3 }), keyRecord(1)]),
    ],
    [
      'a wrapped key after an entry',
      'bad-manifest',
      content([headRecord(), entryRecord(folder('a')), keyRecord(1)]),
    ],
    ['an object that no file uses', 'accepted', content([HEAD, OBJECT])],
    ['an object of the epoch of a wrapped key', 'accepted', content([headRecord(), keyRecord(1), OBJECT])],
    ['an object of an epoch without a key', 'bad-manifest', content([headRecord(), keyRecord(2), OBJECT])],
    ['an object of a later epoch', 'bad-manifest', content([HEAD, objectRecord({ keyEpoch: 2 })])],
    ['a first object of number 1', 'bad-manifest', content([HEAD, objectRecord({}, 1)])],
    ['a second object of number 2', 'bad-manifest', content([HEAD, OBJECT, objectRecord(pack, 2)])],
    ['an object twice', 'bad-manifest', content([HEAD, OBJECT, objectRecord({ length: 1 }, 1)])],
    ['an object after its file', 'bad-manifest', content([HEAD, entryRecord(file('a')), OBJECT])],
    [
      'objects and entries in turn',
      'accepted',
      content([
        HEAD,
        OBJECT,
        entryRecord(file('a')),
        objectRecord(records, 1),
        entryRecord(file('b', parts({ object: 1, range: undefined }))),
      ]),
    ],
    [
      'an object of type manifest',
      'bad-manifest',
      content([HEAD, objectRecord({ prefix: prefix.map((b, i) => (i === 11 ? 1 : b)) })]),
    ],
    [
      'a header copy that is too long',
      'bad-manifest',
      content([HEAD, objectRecord({ prefix: concat(prefix, fill(0, 1)) })]),
    ],
    [
      'a header copy with extensions',
      'accepted',
      content([
        HEAD,
        objectRecord({
          prefix: concat(prefix.subarray(0, 12), Uint8Array.of(0, 4), prefix.subarray(14, 48), fill(0, 4)),
        }),
      ]),
    ],
    ['a header copy of 47 bytes', 'bad-record', content([HEAD, [MANIFEST_OBJECT, splice(OBJECT[1])]])],
    ['a head that is too long', 'bad-record', content([[MANIFEST_HEAD, concat(HEAD[1], Uint8Array.of(0))]])],
    ['another schema', 'bad-manifest', content([HEAD], { ...begin, schema: 2 })],
    ['volumes', 'unsupported-set', content([HEAD], { ...begin, volumes: 2 })],
    ['an unknown critical record', 'unknown-critical-record', content([HEAD, [0x8013, fill(0, 4)]])],
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
      'accepted',
      packed(file('a', { contentLength: 3_000_005, ...parts(whole, { object: 1, range: undefined }) })),
    ],
    [
      'a file in one volume twice',
      'bad-manifest',
      withEntries(file('a', { contentLength: 10, ...parts(whole, whole) })),
    ],
    ['a file in a pack', 'accepted', packed(file('a', ranged(0, 3_000_000 - 1_000_000)))],
    ['a range up to the end of its pack', 'accepted', packed(file('a', ranged(2_999_990, 10)))],
    ['a range beyond the end of its pack', 'bad-manifest', packed(file('a', ranged(2_999_990, 11)))],
    ['a range from beyond its pack', 'bad-manifest', packed(file('a', ranged(2 ** 53 - 1, 0)))],
    ['a range of 2^21 bytes', 'accepted', packed(file('a', ranged(0, 2 ** 21)))],
    ['a longer range', 'bad-manifest', packed(file('a', ranged(0, 2 ** 21 + 1)))],
    [
      'a packed file of 2^20 bytes',
      'accepted',
      packed(file('a', { contentLength: 2 ** 20, ...ranged(0, 9) })),
    ],
    [
      'a longer packed file',
      'bad-manifest',
      packed(file('a', { contentLength: 2 ** 20 + 1, ...ranged(0, 9) })),
    ],
    [
      'a range of a blob',
      'bad-manifest',
      packed(file('a', parts({ object: 0, range: { position: 0, length: 5 } }))),
    ],
    [
      'a range and a volume',
      'bad-manifest',
      packed(file('a', parts({ object: 1, range: { position: 0, length: 5 } }, whole))),
    ],
    [
      'a volume and a range',
      'bad-manifest',
      packed(file('a', parts(whole, { object: 1, range: { position: 0, length: 5 } }))),
    ],
    ['lengths that do not add up', 'bad-manifest', withEntries(file('a', { contentLength: 6 }))],
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
  // proves MAN-2, MAN-3, MAN-19
  for (const [what, code, bytes] of cases)
    it(`with ${what}: ${code}`, () => expect(codeOfContent(bytes)).toBe(code));

  // proves MAN-13, MAN-14, MAN-15, MAN-20, MAN-21
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

    type Faulty = { begin: Begin; twice: boolean; head: ManifestHead };
    const inHead = (change: Partial<ManifestHead>) => (one: Faulty) => ({
      ...one,
      head: { ...one.head, ...change },
    });
    inOrder<(one: Faulty) => Faulty>(
      [
        (one) => ({ ...one, begin: { ...one.begin, schema: 2 } }),
        (one) => ({ ...one, begin: { ...one.begin, volumes: 2 } }),
        (one) => ({ ...one, twice: true }),
        inHead({ generation: 0 }),
        inHead({ keyEpoch: 0 }),
        inHead({ ancestors: [ancestor(0), ancestor(0)] }),
      ],
      (...faults) => {
        const last = faults.reduce((one, fault) => fault(one), { begin, twice: false, head } as Faulty);
        const record = headRecord(last.head);
        return code(() => read(content(last.twice ? [HEAD, record] : [record], last.begin)));
      },
    );
    // Descent comes before the number of the last ancestor.
    expect(code(() => read(content([headRecord({ ancestors: [ancestor(0), ancestor(0)] })])))).toMatch(
      /descend/u,
    );

    // The path decides three of the checks, so that they are combined by hand, each with every later one.
    const later: Partial<FileEntry>[] = [
      { mode: 0o1000 },
      { modified: { seconds: 0, nanoseconds: 1e9 } },
      { parts: [whole, whole] },
    ];
    const judge = (path: string, change: Partial<FileEntry> = {}, before: Entry[] = [folder('m')]): string =>
      code(() => read(content([HEAD, OBJECT, ...before.map(entryRecord), entryRecord(file(path, change))])));
    for (const change of [{}, ...later]) {
      expect(code(() => read(content([entryRecord(file('../a', change))])))).toMatch(
        /before the manifest head/u,
      );
      expect(judge('../a', change)).toMatch(/^unsafe-path/u);
      expect(judge('d/a', change)).toMatch(/do not ascend/u);
      expect(judge('x/a', change)).toMatch(/parent/u);
    }
    inOrder<Partial<FileEntry>>(later, (...changes) => judge('n', Object.assign({}, ...changes) as object));

    const keyFaults = (...keys: Row[]): string => code(() => read(content([headRecord(), ...keys])));
    expect(keyFaults(OBJECT, keyRecord(0))).toMatch(/epoch 1/u);
    expect(keyFaults(entryRecord(folder('a')), keyRecord(0))).toMatch(/after an object or an entry/u);
    expect(keyFaults(keyRecord(0))).toMatch(/ascend/u);

    const number = (): unknown =>
      read(content([HEAD, objectRecord({ prefix: fill(0, 50), keyEpoch: 2 }, 1)]));
    expect(code(number)).toMatch(/object 1 in the place of 0/u);
    inOrder<(one: ObjectReference) => ObjectReference>(
      [
        (one) => ({ ...one, prefix: concat(one.prefix, fill(0, 1)) }),
        (one) => ({ ...one, prefix: one.prefix.map((byte, i) => (i === 11 ? 1 : byte)) }),
        (one) => ({ ...one, keyEpoch: 2 }),
        (one) => ({ ...one, commitment }),
      ],
      (...faults) => {
        const last = faults.reduce((one, fault) => fault(one), { ...object, commitment: fill(5) });
        return code(() => read(content([HEAD, OBJECT, objectRecord(last, 1)])));
      },
    );

    const at = (number: number, position = 0, length = 9): Part => ({
      object: number,
      range: { position, length },
    });
    for (const [parts, contentLength, what] of [
      [[{ object: 9, range: undefined }], 6, /object 9/u],
      [[at(9, 2 ** 53 - 1)], 6, /object 9/u],
      [[whole, at(0)], 6, /two parts in one object/u],
      [[at(0), whole], 6, /a part in a pack, and others/u],
      [[at(0, 0, 2 ** 22)], 6, /no pack/u],
      [[at(1, 2 ** 53 - 1, 2 ** 22)], 2 ** 21, /longer than any record/u],
      [[at(1, 2 ** 53 - 1)], 2 ** 21, /ends after the pack/u],
      [[at(1)], 2 ** 21, /longer than a record/u],
      [[whole], 6, /do not add up/u],
      [[whole, { object: 1, range: undefined }], 2 ** 53 - 1, /do not add up/u],
    ] as const) {
      const entry = entryRecord(file('a', { parts, contentLength }));
      expect(
        code(() => read(content([HEAD, OBJECT, objectRecord({ ...pack, keyEpoch: 1 }, 1), entry]))),
      ).toMatch(what);
    }
  });

  // proves MAN-6, MAN-14
  it('has at most 2^20 entries, counted before the last one is looked into', () => {
    // Without their encoding, for the sake of time.
    const rules = new ManifestRules();
    rules.head(begin, head);
    const name = (i: number): string => i.toString(36).padStart(5, '0');
    for (let i = 0; i < 2 ** 20; i++) rules.entry(link(name(i), 'to'));
    expect(() => rules.entry(link(name(2 ** 20), '/etc'))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });

  // proves MAN-17
  it('names at most 2^20 objects', () => {
    const rules = new ManifestRules();
    rules.head(begin, head);
    const one = { ...object, keyEpoch: 3 };
    const name = (i: number): Bytes => {
      const bytes = fill(0);
      new DataView(bytes.buffer).setUint32(0, i);
      return bytes;
    };
    for (let i = 0; i < 2 ** 20; i++) rules.object({ number: i, object: { ...one, commitment: name(i) } });
    const last = { number: 2 ** 20, object: { ...one, commitment: name(2 ** 20) } };
    expect(() => rules.object(last)).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
  });

  it('answers every call after a failure with the same failure', () => {
    const reader = new ManifestReader();
    const bytes = content([HEAD, entryRecord(file('/'))]);
    expect(() => reader.push(bytes)).toThrow(expect.objectContaining({ code: 'unsafe-path' }));
    expect(() => reader.push(bytes)).toThrow(expect.objectContaining({ code: 'unsafe-path' }));
    expect(() => reader.finish()).toThrow(expect.objectContaining({ code: 'unsafe-path' }));
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
    expect(types).toEqual([
      0x8001,
      MANIFEST_HEAD,
      ...manifest.wrappedKeys.map(() => WRAPPED_KEY),
      ...manifest.objects.map(() => MANIFEST_OBJECT),
      ...manifest.entries.map(() => MANIFEST_ENTRY),
      0x8002,
    ]);
  });

  it('gives a code of its own layer to every change of one byte', () => {
    const good = concat(...manifestContent(manifest));
    const codes = new Set<string>();
    for (let at = 0; at < good.length; at++) {
      for (const value of [0, 1, 0x80, 0xff])
        codes.add(codeOfContent(good.with(at, (good[at] ?? 0) ^ value)));
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

/** An object whose header copy is 47 bytes long. */
function splice(body: Uint8Array): Bytes {
  const cut = body.subarray(34 + prefix.length);
  return concat(body.subarray(0, 32), Uint8Array.of(0, 47), prefix.subarray(0, 47), cut);
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
    ['an identity', {}, {}],
    ['a header', { prefix: prefix.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) }, {}],
    ['a length', { contentLength: 6 }, { contentLength: 6 }],
  ])('with %s that the object does not have is a mismatch', async (_what, ofObject, ofFile) => {
    const at = place();
    await put(at.storage, content([HEAD, objectRecord(ofObject), entryRecord(file('a', ofFile))]));
    await store(at.storage, blob);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('object-mismatch');
  });

  it('with a shorter object length than the object has: what follows is not part of it', async () => {
    const at = place();
    await put(at.storage, content([HEAD, objectRecord({ length: blob.length - 1 }), entryRecord(file('a'))]));
    await store(at.storage, blob);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('trailing-data');
  });
});
