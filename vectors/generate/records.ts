/**
 * Vectors of records and manifests.
 *
 * @module
 */
import { be, cat, named, sha256, toHex, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import {
  begin,
  end,
  FIRST,
  fragment,
  frame,
  FULL,
  LAST,
  manifestEntry,
  manifestHead,
  MIDDLE,
  record,
  type Head,
  type ManifestEntry,
} from '../../conformance/peer/records.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack, type Reject } from './family.ts';
import { HELLO, KEY, salt } from './objects.ts';

const SET_ID = named('set id', 16);
const C = 2 ** 14;
const BEGIN = begin(SET_ID, 9);
const ITEM = record(0x8020, utf8('an item'));

interface Sequence {
  readonly records: readonly Bytes[];
  readonly content: Bytes;
}

function sequence(...items: readonly Bytes[]): Sequence {
  return { records: items, content: frame(C, [BEGIN, ...items, end(items)]) };
}

function items(records: readonly Bytes[]): Value {
  return records.map((one) => ({ type: (one[0] ?? 0) * 256 + (one[1] ?? 0), body: pack(one.slice(3)) }));
}

/** Records. */
export function records(): VectorFile {
  const family = new Family('records', {
    feature: 'records',
    role: 'container-reader',
    op: 'records.read',
    description:
      'Records framed in chunks of 16 KiB: fragments, their order, and the records that begin and end a sequence.',
  });
  const input = { chunkLog2: 14, known: [0x8020] };
  const accept = (
    id: string,
    content: Bytes,
    out: readonly Bytes[],
    title: string,
    why: string,
    requirements = ['REC-4'],
  ): void => {
    family.accept(id, {
      title,
      why,
      requirements,
      input: { ...input, content: pack(content) },
      result: { records: items(out) },
    });
  };
  const one = sequence(ITEM);
  accept('one', one.content, [ITEM], 'One record', 'The shortest sequence that says something.');
  accept('none', sequence().content, [], 'No record between BEGIN and END', 'An empty sequence is one.');
  const long = sequence(ITEM, record(0x8020, zeros(40_000)), ITEM);
  accept(
    'long',
    long.content,
    long.records,
    'A record over three chunks',
    'FIRST, MIDDLE and LAST must be joined, and the chunk boundaries kept.',
  );
  // BEGIN takes 33 bytes; the first record leaves so many bytes of its chunk to the second.
  const leaving = (left: number): Sequence => sequence(record(0x8020, zeros(C - 33 - 4 - 3 - left)), ITEM);
  for (const left of [3, 4, 5, 6]) {
    const { content, records: both } = leaving(left);
    accept(
      `left-${left}`,
      content,
      both,
      `A record that begins ${left} bytes before the end of a chunk`,
      'Four bytes or less are filled with zeros; five hold a fragment of one byte.',
    );
  }
  const unknown = record(0x0077, named('unknown', 9), 5);
  accept(
    'unknown',
    sequence(unknown, ITEM).content,
    [ITEM],
    'An unknown record that is not critical, with an unknown codec',
    'What is not critical is skipped, whatever it is; and it is counted.',
    ['REC-7'],
  );
  const skipped = cat(frame(C, [BEGIN]), zeros(C - frame(C, [BEGIN]).length), frame(C, [ITEM, end([ITEM])]));
  accept(
    'zeros',
    skipped,
    [ITEM],
    'Zeros to the end of a chunk between two records',
    'A writer may begin at the next chunk at any time.',
    ['REC-6'],
  );
  const parts = cat(
    frame(C, [BEGIN]),
    fragment(FIRST, ITEM.slice(0, 2)),
    fragment(MIDDLE, ITEM.slice(2, 3)),
    fragment(LAST, ITEM.slice(3)),
    frame(C, [end([ITEM])]),
  );
  accept(
    'short-fragments',
    parts,
    [ITEM],
    'A record in three fragments within one chunk',
    'A reader takes every framing that its steps take.',
    ['REC-6'],
  );
  for (const [id, sequenceOf] of [
    ['one', one],
    ['long', long],
    ['empty', sequence()],
    ['left-4', leaving(4)],
    ['left-6', leaving(6)],
  ] as const) {
    family.accept(
      `write-${id}`,
      {
        title: `Writing the sequence ${id}`,
        why: 'There is one framing that a writer makes.',
        requirements: ['REC-1'],
        input: { chunkLog2: 14, setId: toHex(SET_ID), schema: 9, records: items(sequenceOf.records) },
        result: { content: pack(sequenceOf.content) },
      },
      { op: 'records.write', role: 'container-writer' },
    );
  }

  const sealed = (
    id: string,
    place: string,
    now: Value,
    content: Bytes,
    title: string,
    why: string,
    error = 'bad-record',
    requirement = 'REC-4',
  ): void => {
    family.sealed(
      id,
      'one',
      { place, was: 'as written', now },
      { content: pack(content) },
      { title, why, requirements: [requirement], errors: [error] },
    );
  };
  const between = (...middle: readonly Bytes[]): Bytes =>
    cat(frame(C, [BEGIN]), ...middle, frame(C, [end([ITEM])]));
  sealed(
    'no-begin',
    'BEGIN',
    'absent',
    frame(C, [ITEM, end([ITEM])]),
    'No BEGIN record',
    'What the other records mean is not known.',
  );
  sealed(
    'two-begins',
    'BEGIN',
    'twice',
    frame(C, [BEGIN, BEGIN, ITEM, end([ITEM])]),
    'Two BEGIN records',
    'Two sequences joined are no sequence.',
  );
  sealed(
    'no-end',
    'END',
    'absent',
    frame(C, [BEGIN, ITEM]),
    'No END record',
    'A sequence that was cut is not taken for the whole.',
  );
  sealed(
    'after-end',
    'after END',
    'a record',
    frame(C, [BEGIN, ITEM, end([ITEM]), ITEM]),
    'A record after END',
    'What follows the end is not part of the sequence.',
  );
  sealed(
    'end-count',
    'END.records',
    2,
    frame(C, [BEGIN, ITEM, record(0x8002, cat(be(8, 2), be(8, ITEM.length)))]),
    'END counts one record too many',
    'A record that is missing must be noticed.',
  );
  sealed(
    'end-bytes',
    'END.bytes',
    ITEM.length + 1,
    frame(C, [BEGIN, ITEM, record(0x8002, cat(be(8, 1), be(8, ITEM.length + 1)))]),
    'END counts one byte too many',
    'A record that was shortened must be noticed.',
  );
  sealed(
    'end-long',
    'END',
    'one byte longer',
    frame(C, [BEGIN, ITEM, cat(end([ITEM]), zeros(1))]),
    'END with a body that is one byte too long',
    'A structure that fills its place ends where its place ends.',
    'bad-record',
    'REC-5',
  );
  sealed(
    'volume-0',
    'BEGIN.volume',
    0,
    frame(C, [begin(SET_ID, 9, 0, 1), ITEM, end([ITEM])]),
    'Volume 0 of 1',
    'Volumes are counted from 1.',
  );
  sealed(
    'volume-2-of-1',
    'BEGIN.volume',
    2,
    frame(C, [begin(SET_ID, 9, 2, 1), ITEM, end([ITEM])]),
    'Volume 2 of 1',
    'There is no such volume.',
  );
  const critical = record(0x9999, zeros(2));
  sealed(
    'critical',
    'type of a record',
    '0x9999',
    frame(C, [BEGIN, critical, end([critical])]),
    'An unknown critical record',
    'It cannot be left out without losing the meaning.',
    'unknown-critical-record',
  );
  const codec = record(0x8020, utf8('an item'), 1);
  sealed(
    'codec',
    'codec',
    1,
    frame(C, [BEGIN, codec, end([codec])]),
    'A known record in an unknown codec',
    'A body that is not understood is not handed out.',
    'unsupported-codec',
  );
  sealed(
    'type-0',
    'type of a record',
    0,
    frame(C, [BEGIN, record(0, zeros(1)), end([record(0, zeros(1))])]),
    'A record of type 0',
    'Types 0x0000 and 0x8000 are no types.',
  );
  sealed(
    'two-bytes',
    'length of a record',
    2,
    between(fragment(FULL, ITEM.slice(0, 2))),
    'A record of two bytes',
    'A record has a type and a codec.',
  );
  sealed(
    'kind-5',
    'kind of a fragment',
    5,
    between(fragment(5, ITEM)),
    'A fragment of kind 5',
    'A value that is not named means nothing.',
  );
  sealed(
    'empty-fragment',
    'length of a fragment',
    0,
    between(fragment(FULL, zeros(0))),
    'A fragment of no bytes',
    'Fragments that bring nothing are a loop without end.',
  );
  sealed(
    'crosses-chunk',
    'length of a fragment',
    C,
    between(fragment(FULL, ITEM, C)),
    'A fragment that crosses the end of its chunk',
    'A reader that begins at the next chunk would take its middle for a beginning.',
  );
  sealed(
    'middle-first',
    'kind of a fragment',
    'MIDDLE',
    between(fragment(MIDDLE, ITEM)),
    'MIDDLE without FIRST',
    'A record without its beginning is none.',
  );
  sealed(
    'last-first',
    'kind of a fragment',
    'LAST',
    between(fragment(LAST, ITEM)),
    'LAST without FIRST',
    'A record without its beginning is none.',
  );
  sealed(
    'full-inside',
    'kind of a fragment',
    'FULL after FIRST',
    between(fragment(FIRST, ITEM.slice(0, 4)), fragment(FULL, ITEM)),
    'FULL inside a record',
    'A record without its end is none.',
  );
  sealed(
    'not-zero',
    'zeros to the end of a chunk',
    1,
    cat(frame(C, [BEGIN]), zeros(C - frame(C, [BEGIN]).length - 1), be(1, 1), frame(C, [ITEM, end([ITEM])])),
    'Zeros to the end of a chunk that end in a one',
    'Filling is no place to hide data.',
  );
  return family.file();
}

const OBJECT = writeObject({ key: KEY, salt: salt('object of a manifest'), content: HELLO, chunkLog2: 18 });
const PREFIX = OBJECT.header.slice(0, 48);

function manifest(
  entries: readonly ManifestEntry[],
  head: Head | Bytes[] = {},
  schema = 1,
  volumes = 1,
): Bytes {
  const heads = Array.isArray(head) ? head : [manifestHead(head)];
  const list = [...heads, ...entries.map((entry) => manifestEntry(entry, OBJECT.commitment, PREFIX))];
  return frame(2 ** 16, [begin(SET_ID, schema, 1, volumes), ...list, end(list)]);
}

/** Manifests. */
export function manifests(): VectorFile {
  const family = new Family('manifest', {
    feature: 'manifest',
    role: 'container-reader',
    op: 'manifest.read',
    description:
      'The content of manifests: heads, entries, paths, and what a reader must refuse although it is authentic.',
  });
  const accept = (
    id: string,
    entries: readonly ManifestEntry[],
    title: string,
    why: string,
    requirement = 'MAN-2',
  ): void => {
    const content = manifest(entries);
    family.accept(id, {
      title,
      why,
      requirements: [requirement],
      input: { content: pack(content) },
      result: {
        setId: toHex(SET_ID),
        generation: 1,
        entries: entries.map(({ kind, path }) => ({ kind, path: typeof path === 'string' ? path : '' })),
      },
      intermediates: { manifestId: toHex(sha256(content)) },
    });
  };
  const file = (path: string, more: Partial<ManifestEntry> = {}): ManifestEntry => ({
    kind: 'file',
    path,
    contentLength: HELLO.length,
    ...more,
  });
  const folder = (path: string): ManifestEntry => ({ kind: 'directory', path, mode: 0o755 });
  const tree = [
    file('a.txt'),
    folder('photos'),
    file('photos/1.jpg'),
    { kind: 'symlink', path: 'z', target: 'photos/1.jpg' } as const,
  ];
  accept('tree', tree, 'Files, a folder and a link', 'Every kind of entry.');
  accept('empty', [], 'A backup of an empty folder', 'No entry is a backup too.');
  accept(
    'order',
    [file('B'), file('a'), file('é'), file('ﬀ'), file('\u{1f511}')],
    'Paths in the order of their UTF-8 bytes',
    'An order by characters, by locale or by UTF-16 is another one.',
    'MAN-4',
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
    more: Partial<ManifestEntry>,
    error: string,
    title: string,
    why: string,
    requirement = 'MAN-2',
  ): void => {
    no(
      id,
      Object.keys(more).join(),
      String(Object.values(more)[0]),
      manifest([file('a.txt', more), ...tree.slice(1)]),
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
    manifest(tree, []),
    'bad-manifest',
    'MAN-3',
    'No head',
    'Which generation it is, is not known.',
  );
  no(
    'two-heads',
    'head',
    'twice',
    manifest(tree, [manifestHead(), manifestHead()]),
    'bad-manifest',
    'MAN-3',
    'Two heads',
    'Two readers could take two generations.',
  );
  no(
    'generation-0',
    'generation',
    0,
    manifest(tree, { generation: 0 }),
    'bad-manifest',
    'MAN-2',
    'Generation 0',
    'Generations are counted from 1.',
  );
  no(
    'parent-in-1',
    'parent',
    'present',
    manifest(tree, { parent: named('parent', 32) }),
    'bad-manifest',
    'MAN-2',
    'A parent in generation 1',
    'The first generation follows nothing.',
  );
  no(
    'key-epoch-0',
    'key epoch',
    0,
    manifest(tree, { keyEpoch: 0 }),
    'bad-manifest',
    'MAN-2',
    'Key epoch 0',
    'Epochs are counted from 1.',
  );
  no(
    'schema-2',
    'schema',
    2,
    manifest(tree, {}, 2),
    'bad-manifest',
    'MAN-2',
    'Another schema',
    'Records of another schema mean something else.',
  );
  no(
    'two-volumes',
    'volumes',
    2,
    manifest(tree, {}, 1, 2),
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
    manifest([file('a.txt'), file('a.txt'), ...tree.slice(1)]),
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
    manifest([{ kind: 'symlink', path: 'a', target: 'b' }, file('a/b')]),
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
    ['climbs-later', 'a/../../x', 'A link that goes down before it climbs'],
  ] as const) {
    no(
      `target-${id}`,
      'target',
      target,
      manifest([{ kind: 'symlink', path: 'l', target }]),
      'unsafe-path',
      'MAN-11',
      title,
      'What is written through it would lie outside of the target.',
    );
  }
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
    { objectContentLength: 3 },
    'bad-manifest',
    'A content length that is not that of the object',
    'Which of the two is right would be a matter of chance.',
  );
  entry(
    'header-long',
    { header: cat(PREFIX, zeros(1)) },
    'bad-manifest',
    'A copy of a header with one byte too many',
    'It could not take the place of the header.',
  );
  entry(
    'header-type',
    { header: cat(PREFIX.slice(0, 11), be(1, 1), PREFIX.slice(12)) },
    'bad-manifest',
    'A copy of the header of a manifest',
    'Files are blobs.',
  );
  entry(
    'volume-2',
    { volume: 1, volumes: 2 },
    'unsupported-set',
    'A file in two volumes',
    'A reader that takes the first for all loses the rest.',
  );
  entry(
    'range',
    { range: true },
    'unsupported-set',
    'A file that is a range of records',
    'A reader of version 1 cannot read it, and says so.',
  );
  entry(
    'other-epoch',
    { keyEpoch: 2 },
    'unsupported-set',
    'An object of another key epoch',
    'A reader of version 1 has one key, and says so.',
  );
  return family.file();
}
