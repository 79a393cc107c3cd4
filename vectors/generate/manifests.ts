/**
 * Vectors of the content of manifests.
 *
 * @module
 */
import { be, cat, named, sha256, toHex, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import {
  begin,
  end,
  frame,
  manifestEntry,
  manifestHead,
  type Head,
  type ManifestEntry,
} from '../../conformance/peer/records.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack, type Reject } from './family.ts';
import { HELLO, KEY, salt } from './objects.ts';

const SET_ID = named('set id', 16);
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
