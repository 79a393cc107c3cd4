/**
 * Vectors of the content of manifests.
 *
 * @module
 */
import { be, cat, named, sha256, toHex, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import {
  manifestEntry,
  manifestHead,
  manifestObject,
  wrappedKey,
  type Ancestor,
  type Entry,
  type Head,
  type ObjectReference,
  type Part,
} from '../../conformance/peer/manifest.ts';
import { begin, end, frame } from '../../conformance/peer/records.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack, type Reject } from './family.ts';
import { HELLO, KEY, salt } from './objects.ts';

const SET_ID = named('set id', 16);
const OBJECT = writeObject({ key: KEY, salt: salt('object of a manifest'), content: HELLO, chunkLog2: 18 });
const PREFIX = OBJECT.header.slice(0, 48);
const CONTENT = HELLO.length;
const REFERENCE: ObjectReference = {
  commitment: OBJECT.commitment,
  prefix: PREFIX,
  length: OBJECT.object.length,
  contentLength: CONTENT,
};
/** A copy of a header of another type. */
const typed = (type: number): Bytes => cat(PREFIX.slice(0, 11), be(1, type), PREFIX.slice(12));
/** A pack; nobody looks into it here. */
const PACK: ObjectReference = {
  commitment: named('pack', 32),
  prefix: typed(2),
  length: 4_000_000,
  contentLength: 3_000_000,
};
const HEAD: Head = {
  mediaKey: named('media key', 32),
  commitments: [named('first copy', 32), named('second copy', 32)],
};
const ancestor = (generation: number): Ancestor => ({
  generation,
  manifestId: named(`manifest ${generation}`, 32),
  commitments: [named(`first copy of ${generation}`, 32), named(`second copy of ${generation}`, 32)],
});
const ENTRY = { seconds: 1_700_000_000, nanoseconds: 5, mediaId: OBJECT.commitment } as const;
const file = (path: string, more: Partial<Entry> = {}): Entry => ({
  kind: 'file',
  path,
  contentLength: CONTENT,
  parts: [{ object: 0 }],
  ...ENTRY,
  ...more,
});
const folder = (path: string): Entry => ({ kind: 'directory', path, mode: 0o755, ...ENTRY });
const link = (path: string, target: string): Entry => ({ kind: 'symlink', path, target, ...ENTRY });
const TREE = [file('a.txt'), folder('photos'), file('photos/1.jpg'), link('z', 'photos/1.jpg')];
const OBJECTS = [manifestObject(REFERENCE), manifestObject(PACK, 1)];
const packed = (position: number, length: number, object = 1): { parts: Part[] } => ({
  parts: [{ object, range: { position, length } }],
});

/** A manifest of any records. */
function sequence(list: readonly Bytes[], schema = 1, volumes = 1): Bytes {
  return frame(2 ** 16, [begin(SET_ID, schema, 1, volumes), ...list, end(list)]);
}

/** A manifest that names an object and a pack, with these entries. */
function manifest(entries: readonly Entry[], head: Head = {}, schema = 1, volumes = 1): Bytes {
  const list = [manifestHead({ ...HEAD, ...head }), ...OBJECTS, ...entries.map(manifestEntry)];
  return sequence(list, schema, volumes);
}

/** Manifests. */
export function manifests(): VectorFile {
  const family = new Family('manifest', {
    feature: 'manifest',
    role: 'set-reader',
    op: 'manifest.read',
    description:
      'The content of manifests: heads, entries, paths, and what a reader must refuse although it is authentic.',
  });
  const accept = (
    id: string,
    content: Bytes,
    entries: readonly Entry[],
    title: string,
    why: string,
    requirement = 'MAN-2',
    generation = 1,
  ): void => {
    family.accept(id, {
      title,
      why,
      requirements: [requirement],
      input: { content: pack(content) },
      result: {
        setId: toHex(SET_ID),
        generation,
        entries: entries.map(({ kind, path }) => ({ kind, path: typeof path === 'string' ? path : '' })),
      },
      intermediates: { manifestId: toHex(sha256(content)) },
    });
  };
  const entries = (
    id: string,
    list: readonly Entry[],
    title: string,
    why: string,
    requirement?: string,
  ): void => accept(id, manifest(list), list, title, why, requirement);
  entries('tree', TREE, 'Files, a folder and a link', 'Every kind of entry.');
  entries('empty', [], 'A backup of an empty folder', 'No entry is a backup too.');
  entries(
    'order',
    [file('B'), file('a'), file('é'), file('ﬀ'), file('\u{1f511}')],
    'Paths in the order of their UTF-8 bytes',
    'An order by characters, by locale or by UTF-16 is another one.',
    'MAN-4',
  );
  entries(
    'names-alike',
    ['A', 'a', 'e\u0301', '\u00e9', '\u212b'].map((path) => file(path)),
    'Paths that differ in case or normalisation alone',
    'They are different names; whether a file system takes them for one is found out when they are written.',
    'MAN-11',
  );
  entries(
    'names-elsewhere',
    ['COM1', 'CON', 'a:b', 'a\\b', 'aux.txt', 'end.', 'space '].map((path) => file(path)),
    'Names that mean something else on other systems',
    'A backup is not refused for where it might be restored.',
    'MAN-11',
  );
  entries(
    'volumes',
    [file('a', { contentLength: CONTENT + 3_000_000, parts: [{ object: 0 }, { object: 1 }] })],
    'A file in two volumes',
    'Each is a whole object; their contents follow each other.',
  );
  entries(
    'packed',
    [file('a', packed(2_999_000, 1000)), file('b', { ...packed(0, 100), stamp: named('stamp', 32) })],
    'Files in a pack, one with a stamp',
    'A pack is named once, its files by their ranges; a stamp means nothing to a reader.',
  );
  entries(
    'object-twice',
    [file('a'), file('b')],
    'Two files with one content',
    'They name one object: nothing is stored twice.',
  );
  accept(
    'in-turn',
    sequence([
      manifestHead(HEAD),
      manifestObject(REFERENCE),
      manifestEntry(file('a')),
      manifestObject(PACK, 1),
      manifestEntry(file('b', packed(0, 100))),
    ]),
    [file('a'), file('b')],
    'Objects and entries in turn',
    'An object comes before the entries that use it, and else anywhere.',
  );
  accept(
    'ancestors',
    manifest(TREE, { generation: 9, ancestors: [ancestor(8), ancestor(5), ancestor(1)] }),
    TREE,
    'A later generation that names earlier ones',
    'Some of them can be missing.',
    'MAN-2',
    9,
  );
  accept(
    'wrapped-keys',
    sequence([
      manifestHead({ ...HEAD, keyEpoch: 4 }),
      wrappedKey(1, named('object key 1', 32)),
      wrappedKey(3, named('object key 3', 32)),
      manifestObject({ ...REFERENCE, keyEpoch: 3 }),
      manifestObject({ ...PACK, keyEpoch: 4 }, 1),
      manifestEntry(file('a')),
    ]),
    [file('a')],
    'Objects of an older backup key',
    'Their key is in the manifest, for nothing is uploaded again.',
  );

  const no = (
    id: string,
    place: string,
    now: Value,
    content: Bytes,
    error: string,
    requirement: string,
    title: string,
    why: string,
  ): void => {
    const reject: Reject = { title, why, requirements: [requirement], errors: [error] };
    family.sealed(id, 'tree', { place, was: 'as written', now }, { content: pack(content) }, reject);
  };
  const entry = (
    id: string,
    more: Partial<Entry>,
    error: string,
    title: string,
    why: string,
    requirement = 'MAN-2',
  ): void => {
    no(
      id,
      Object.keys(more).join(),
      JSON.stringify(Object.values(more)[0]),
      manifest([file('a.txt', more), ...TREE.slice(1)]),
      error,
      requirement,
      title,
      why,
    );
  };
  no(
    'no-head',
    'head',
    'absent',
    sequence([...OBJECTS, ...TREE.map(manifestEntry)]),
    'bad-manifest',
    'MAN-3',
    'No head',
    'Which generation it is, is not known.',
  );
  no(
    'two-heads',
    'head',
    'twice',
    sequence([manifestHead(HEAD), manifestHead(HEAD), ...OBJECTS, ...TREE.map(manifestEntry)]),
    'bad-manifest',
    'MAN-3',
    'Two heads',
    'Two readers could take two generations.',
  );
  no(
    'generation-0',
    'generation',
    0,
    manifest(TREE, { generation: 0 }),
    'bad-manifest',
    'MAN-2',
    'Generation 0',
    'Generations are counted from 1.',
  );
  for (const [id, generation, ancestors, title] of [
    ['ancestor-itself', 5, [5], 'An ancestor of the same generation'],
    ['ancestor-later', 5, [6], 'An ancestor of a later generation'],
    ['ancestor-0', 5, [4, 0], 'An ancestor of generation 0'],
    ['ancestors-ascend', 5, [1, 4], 'Ancestors that ascend'],
    ['ancestor-twice', 5, [4, 4], 'The same generation twice among the ancestors'],
  ] as const) {
    no(
      id,
      'ancestors',
      [...ancestors],
      manifest(TREE, { generation, ancestors: ancestors.map(ancestor) }),
      'bad-manifest',
      'MAN-2',
      title,
      'Ancestors are the history of the set, the last one first.',
    );
  }
  no(
    'key-epoch-0',
    'key epoch',
    0,
    manifest(TREE, { keyEpoch: 0 }),
    'bad-manifest',
    'MAN-2',
    'Key epoch 0',
    'Epochs are counted from 1.',
  );
  no(
    'schema-2',
    'schema',
    2,
    manifest(TREE, {}, 2),
    'bad-manifest',
    'MAN-2',
    'Another schema',
    'Records of another schema mean something else.',
  );
  no(
    'two-volumes',
    'volumes',
    2,
    manifest(TREE, {}, 1, 2),
    'unsupported-set',
    'MAN-2',
    'A manifest of two volumes',
    'A reader that takes the first for all loses the rest.',
  );
  no(
    'unsorted',
    'order of entries',
    'exchanged',
    manifest([folder('photos'), file('a.txt'), file('photos/1.jpg')]),
    'bad-manifest',
    'MAN-4',
    'Paths that do not ascend',
    'There is one order.',
  );
  no(
    'twice',
    'entries',
    'one twice',
    manifest([file('a.txt'), file('a.txt'), ...TREE.slice(1)]),
    'bad-manifest',
    'MAN-4',
    'The same path twice',
    'Which of the two is restored would be a matter of chance.',
  );
  no(
    'orphan',
    'parent folder',
    'absent',
    manifest([file('a.txt'), file('photos/1.jpg')]),
    'bad-manifest',
    'MAN-5',
    'A file in a folder that is no entry',
    'Whose rights the folder has would not be known.',
  );
  no(
    'file-as-folder',
    'parent folder',
    'a file',
    manifest([file('a'), file('a/b')]),
    'bad-manifest',
    'MAN-5',
    'A file in a file',
    'A path through a file leads nowhere, or through a link out of the target.',
  );
  no(
    'link-as-folder',
    'parent folder',
    'a link',
    manifest([link('a', 'b'), file('a/b')]),
    'bad-manifest',
    'MAN-5',
    'A file behind a link',
    'A restore that follows the link writes outside of the target.',
  );
  for (const [id, path, title] of [
    ['absolute', '/a', 'An absolute path'],
    ['parent', '../a', 'A path that climbs out'],
    ['dot', './a', 'A path with a segment that is a dot'],
    ['slash', 'a/', 'A path that ends in a slash'],
    ['double-slash', 'photos//1', 'A path with an empty segment'],
    ['parent-inside', 'photos/../../a', 'A path that climbs out on its way'],
    ['parent-end', 'photos/..', 'A path that ends in its parent'],
    ['nul', 'a\0b', 'A path with a zero byte'],
    ['long-segment', 'a'.repeat(256), 'A segment of 256 bytes'],
  ] as const) {
    no(
      `path-${id}`,
      'path',
      path.slice(0, 40),
      manifest([file(path)]),
      'unsafe-path',
      'MAN-11',
      title,
      'A restore must not write outside of its target, or under another name.',
    );
  }
  for (const [id, target, title] of [
    ['absolute', '/etc/passwd', 'A link to an absolute path'],
    ['climbs', '../x', 'A link that climbs out of the folder'],
    ['nul', 'a\0b', 'A link to a path with a zero byte'],
    ['climbs-later', 'a/../../x', 'A link that goes down before it climbs'],
  ] as const) {
    no(
      `target-${id}`,
      'target',
      target,
      manifest([link('l', target)]),
      'unsafe-path',
      'MAN-11',
      title,
      'What is written through it would lie outside of the target.',
    );
  }
  for (const [id, path, title] of [
    ['empty', zeros(0), 'A path of no bytes'],
    [
      'long',
      cat(...Array.from({ length: 4097 }, (_, i) => be(1, i % 200 === 199 ? 0x2f : 0x61))),
      'A path of 4097 bytes',
    ],
    ['not-utf8', Uint8Array.of(0x61, 0xc3, 0x28), 'A path that is not UTF-8'],
    [
      'overlong',
      Uint8Array.of(0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x61),
      'A path that climbs out in overlong UTF-8',
    ],
    ['surrogate', Uint8Array.of(0xed, 0xa0, 0x80), 'A path with half of a surrogate pair'],
  ] as const) {
    no(
      `path-${id}`,
      'path',
      toHex(path.slice(0, 20)),
      manifest([{ ...file('x'), path }]),
      'bad-record',
      'REC-5',
      title,
      'What does not follow its structure is not mended.',
    );
  }
  const huge = { ...PACK, prefix: PREFIX, contentLength: 2 ** 32 };
  no(
    'sum-32-bits',
    'content length of a file of two volumes',
    CONTENT,
    sequence([
      manifestHead(HEAD),
      manifestObject(REFERENCE),
      manifestObject(huge, 1),
      manifestEntry(file('a', { parts: [{ object: 0 }, { object: 1 }] })),
    ]),
    'bad-manifest',
    'MAN-2',
    'Lengths whose sum is right in 32 bits alone',
    'A sum that wraps around makes a large file a small one.',
  );
  entry(
    'mode',
    { mode: 0o1000 },
    'bad-manifest',
    'A mode above 0o777',
    'Set-user-id bits must not come back from a backup.',
  );
  entry(
    'nanoseconds',
    { nanoseconds: 1_000_000_000 },
    'bad-manifest',
    'A thousand million nanoseconds',
    'There is one way to write a time.',
  );
  entry(
    'content-length',
    { contentLength: CONTENT + 1 },
    'bad-manifest',
    'A content length that is not that of the object',
    'Which of the two is right would be a matter of chance.',
  );
  const oneObject = (id: string, more: Partial<ObjectReference>, title: string, why: string): void =>
    no(
      id,
      Object.keys(more).join(),
      title,
      sequence([
        manifestHead(HEAD),
        manifestObject({ ...REFERENCE, ...more }),
        manifestObject(PACK, 1),
        ...TREE.map(manifestEntry),
      ]),
      'bad-manifest',
      'MAN-2',
      title,
      why,
    );
  oneObject(
    'header-long',
    { prefix: cat(PREFIX, zeros(1)) },
    'A copy of a header with one byte too many',
    'It could not take the place of the header.',
  );
  oneObject(
    'header-type',
    { prefix: typed(1) },
    'A copy of the header of a manifest',
    'Files are in blobs and in packs.',
  );
  oneObject(
    'object-epoch',
    { keyEpoch: 2 },
    'An object of an epoch whose key is not there',
    'It could never be opened.',
  );
  oneObject(
    'object-named-twice',
    { commitment: PACK.commitment },
    'Two objects with one commitment',
    'An object is named once; which of the two is right would be a matter of chance.',
  );
  no(
    'object-number',
    'number of the second object',
    2,
    sequence([
      manifestHead(HEAD),
      manifestObject(REFERENCE),
      manifestObject(PACK, 2),
      ...TREE.map(manifestEntry),
    ]),
    'bad-manifest',
    'MAN-2',
    'An object with a number that is not the next',
    'Entries would take their content from another object.',
  );
  const keys = (id: string, epochs: readonly number[], title: string, why: string): void =>
    no(
      id,
      'wrapped keys',
      [...epochs],
      sequence([
        manifestHead({ ...HEAD, keyEpoch: 4 }),
        ...epochs.map((epoch) => wrappedKey(epoch, named(`object key ${epoch}`, 32))),
      ]),
      'bad-manifest',
      'MAN-2',
      title,
      why,
    );
  keys('key-of-epoch-0', [0], 'A wrapped key of epoch 0', 'Epochs are counted from 1.');
  keys('key-of-own-epoch', [4], 'A wrapped key of the present epoch', 'The owner has that key already.');
  keys('keys-descend', [3, 1], 'Wrapped keys that descend', 'There is one order.');
  keys('key-twice', [1, 1], 'Two wrapped keys of one epoch', 'Which opens would be a matter of chance.');
  no(
    'key-late',
    'wrapped key',
    'after the objects',
    sequence([
      manifestHead({ ...HEAD, keyEpoch: 2 }),
      manifestObject({ ...REFERENCE, keyEpoch: 2 }),
      wrappedKey(1, zeros(32)),
    ]),
    'bad-manifest',
    'MAN-3',
    'A wrapped key after an object',
    'The keys are known before the objects that they open.',
  );
  for (const [id, parts, title, why] of [
    ['part-unknown', [{ object: 2 }], 'A file in an object that is not named', 'Nobody knows where it is.'],
    [
      'part-twice',
      [{ object: 0 }, { object: 0 }],
      'Two volumes in one object',
      'A volume is an object of its own.',
    ],
    ['range-of-blob', packed(0, 3, 0).parts, 'A range of a blob', 'Records are in packs alone.'],
    ['range-long', packed(0, 2 ** 21 + 1).parts, 'A range of more than 2^21 bytes', 'It is read at once.'],
    ['range-beyond', packed(2_999_999, 2).parts, 'A range that ends after its pack', 'There is nothing.'],
    [
      'range-and-volume',
      [...packed(0, 100).parts, { object: 0 }],
      'A file in a pack and in a volume',
      'A file in a pack is whole there.',
    ],
  ] as const) {
    entry(id, { parts }, 'bad-manifest', title, why);
  }
  entry(
    'packed-long',
    { contentLength: 2 ** 20 + 1, ...packed(0, 100) },
    'bad-manifest',
    'A packed file of more than 2^20 bytes',
    'No record can hold it.',
  );
  return family.file();
}
