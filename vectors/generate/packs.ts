/**
 * Vectors of small files that lie together in packs.
 *
 * @module
 */
import { group } from '../../conformance/peer/group.ts';
import type { Entry, Part } from '../../conformance/peer/manifest.ts';
import { cat, named, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { record } from '../../conformance/peer/records.ts';
import { packContent, packedFile, type Stored } from '../../conformance/peer/set.ts';
import { TYPES } from '../../conformance/peer/sealed-object.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { HELLO } from './objects.ts';
import { RestoreVectors, stored, words } from './restoring.ts';
import { asked, blob, file, PHOTO, restored, SET_ID, type Files } from './sets.ts';

const LOG2 = 16;
const NOTE = utf8('Buy milk.');

interface Range {
  readonly position: number;
  readonly length: number;
}

/** A pack with these records, and the range of each. */
function packOf(name: string, records: readonly Bytes[]): { pack: Stored; ranges: Range[] } {
  const { content, ranges } = packContent(SET_ID, records, LOG2);
  return { pack: blob(name, content, { type: TYPES.records, chunkLog2: LOG2 }), ranges };
}

const RECORDS = [
  packedFile({ path: 'a.txt', content: HELLO }),
  packedFile({ path: 'b.txt', content: NOTE }),
  packedFile({ path: 'c.txt', content: PHOTO }),
];
const { pack: PACK, ranges: RANGES } = packOf('pack', RECORDS);
const TREE = { 'a.txt': restored(HELLO), 'b.txt': restored(NOTE), 'c.txt': restored(PHOTO) };

/** The one part of a file in this range. */
function part(range: Range | undefined): Part[] {
  if (range === undefined) throw new Error('no range');
  return [{ object: 0, range }];
}

/** The three files, the second of which lies in another range, or has another value in its entry. */
function packed(range?: Range, more: Partial<Entry> = {}, pack: Stored = PACK): Files {
  const contents = [HELLO, NOTE, PHOTO];
  const entries = contents.map((content, i) => {
    const own = i === 1 && range !== undefined ? range : RANGES[i];
    return file(`${'abc'[i]}.txt`, content, part(own), i === 1 ? more : {});
  });
  return { objects: [pack], entries };
}

/** The object with one bit of a byte changed. */
function damaged(of: Stored, offset: number): Stored {
  return { ...of, object: of.object.map((byte, i) => (i === offset ? byte ^ 1 : byte)) };
}

/** The family. */
export function packs(): VectorFile {
  const vectors = new RestoreVectors(
    'packs',
    'Small files that lie together in one object, each in a range of its own.',
  );
  vectors.accept(
    'three',
    stored(packed()),
    TREE,
    words('Three files in one pack', 'Each is one record, found by its range.', 'RST-1', 'REC-11'),
  );
  const other = packOf('pack with other paths', [
    packedFile({ path: 'old/name', content: HELLO }),
    packedFile({ path: 'x', content: NOTE }),
    packedFile({ path: '../../y', content: PHOTO }),
  ]);
  const renamed = [HELLO, NOTE, PHOTO].map((content, i) => {
    const range = other.ranges[i];
    return file(`${'abc'[i]}.txt`, content, part(range));
  });
  vectors.accept(
    'other-paths',
    stored({ objects: [other.pack], entries: renamed }),
    TREE,
    words(
      'Files that had other paths when they were packed',
      'The path in a pack means nothing beside a manifest.',
    ),
  );
  const wide = cat(...Array.from({ length: 9 }, (_, i) => named(`wide ${i}`, 7280)));
  const two = packOf('pack of two chunks', [
    packedFile({ path: 'a', content: wide }),
    packedFile({ path: 'b', content: PHOTO }),
  ]);
  const wideEntries = [wide, PHOTO].map((content, i) =>
    file(['a', 'b'][i] ?? '', content, part(two.ranges[i])),
  );
  vectors.accept(
    'two-chunks',
    stored({ objects: [two.pack], entries: wideEntries }),
    { a: restored(wide), b: restored(PHOTO) },
    words('A file that lies in two chunks of its pack', 'Fragments are joined.', 'RST-1', 'REC-11'),
  );
  // The second chunk begins at 2^16 bytes of ciphertext and a tag; its file does not need the first.
  const hurt = stored({ objects: [damaged(two.pack, 200)], entries: wideEntries });
  vectors.family.accept(
    'other-chunk',
    {
      ...words(
        'A bit changed in the first of two chunks of a pack',
        'A file that lies in the second alone is whole.',
        'RST-16',
      ),
      input: asked(hurt),
      result: { verified: 1, failed: [{ path: 'a', code: 'chunk-damaged' }] },
    },
    { op: 'set.verify' },
  );
  vectors.accept(
    'other-chunk-path',
    hurt,
    { b: restored(PHOTO) },
    words(
      'One file out of a pack that is damaged elsewhere',
      'Nothing else is read than what is asked for.',
      'RST-16',
    ),
    { paths: ['b'] },
  );
  const whole = stored({
    objects: [PACK],
    entries: [file('pack', packContent(SET_ID, RECORDS, LOG2).content, [{ object: 0 }])],
  });
  vectors.accept(
    'as-file',
    whole,
    { pack: restored(packContent(SET_ID, RECORDS, LOG2).content) },
    words('A file that is a whole object of records', 'Without a range the content is that of the object.'),
  );

  const lost = ['b.txt'];
  const second = RANGES[1] ?? { position: 0, length: 0 };
  const third = RANGES[2] ?? second;
  const first = RANGES[0] ?? second;
  const sealed = (
    id: string,
    place: string,
    now: Value,
    files: Files,
    error: string,
    title: string,
    why: string,
    more: { lost?: readonly string[]; requirement?: string; was?: Value } = {},
  ): void =>
    vectors.sealed(
      id,
      'three',
      { place, was: more.was ?? 'as written', now, objects: stored(files), lost: more.lost ?? lost },
      error,
      words(title, why, more.requirement ?? 'RST-1'),
    );
  const range = (id: string, now: Range, error: string, title: string, why: string): void =>
    sealed(id, 'range of b.txt', { ...now }, packed(now), error, title, why, {
      was: { ...second },
      requirement: 'REC-11',
    });
  range(
    'late',
    { position: second.position + 1, length: second.length - 1 },
    'bad-record',
    'A range that begins one byte late',
    'What is read there is no record.',
  );
  range(
    'early',
    { position: second.position - 1, length: second.length + 1 },
    'bad-record',
    'A range that begins one byte early',
    'What is read there is no record.',
  );
  range(
    'short',
    { position: second.position, length: second.length - 1 },
    'bad-record',
    'A range one byte too short',
    'A record without its end is none.',
  );
  range(
    'long',
    { position: second.position, length: second.length + 1 },
    'bad-record',
    'A range one byte too long',
    'It holds the beginning of another record.',
  );
  range(
    'two',
    { position: second.position, length: second.length + third.length },
    'bad-record',
    'A range of two records',
    'Which of them is the file?',
  );
  range(
    'other',
    third,
    'object-mismatch',
    'The range of another file',
    'The record is whole, and the content is another.',
  );
  range(
    'begin',
    { position: 0, length: first.position },
    'bad-record',
    'The range of BEGIN',
    'It is no file.',
  );
  range(
    'nothing',
    { position: second.position, length: 0 },
    'bad-record',
    'An empty range',
    'It holds no record.',
  );
  const end = third.position + third.length;
  const after = { position: end, length: PACK.reference.contentLength - end };
  range('end', after, 'bad-record', 'The range of END', 'It is no file.');
  const beyond = { position: second.position, length: PACK.reference.contentLength };
  vectors.sealed(
    'beyond',
    'three',
    { place: 'range of b.txt', was: { ...second }, now: { ...beyond }, objects: stored(packed(beyond)) },
    'bad-manifest',
    words('A range that ends after its pack', 'It is found before anything is read.', 'MAN-2'),
  );
  const wrong = named('another media id', 32);
  sealed(
    'media-id',
    'media id of b.txt',
    'another',
    packed(second, { mediaId: wrong }),
    'object-mismatch',
    'Content that is not what the media id says',
    'It is checked for files in packs too.',
  );
  sealed(
    'content-length',
    'content length of b.txt',
    NOTE.length + 1,
    packed(second, { contentLength: NOTE.length + 1 }),
    'object-mismatch',
    'Content one byte shorter than the manifest says',
    'The length is part of what the owner had.',
    { was: NOTE.length },
  );
  /** The pack with another second record; ranges are made to fit. */
  const replaced = (records: readonly Bytes[], at = 1): Files => {
    const made = packOf('pack', records);
    const ranges = [made.ranges[0], made.ranges[at], made.ranges[2]];
    const entries = [HELLO, NOTE, PHOTO].map((content, i) => {
      const own = ranges[i];
      return file(`${'abc'[i]}.txt`, content, part(own));
    });
    return { objects: [made.pack], entries };
  };
  const [one, milk, three] = RECORDS;
  if (one === undefined || milk === undefined || three === undefined) throw new Error('three records');
  const inPack = (
    id: string,
    now: Bytes,
    error: string,
    title: string,
    why: string,
    requirement = 'RST-1',
  ): void =>
    sealed(id, 'record of b.txt', title, replaced([one, now, three]), error, title, why, { requirement });
  inPack(
    'other-type',
    packedFile({ path: 'b.txt', content: NOTE }, 0x8021),
    'bad-record',
    'A record of another type',
    'It means something else.',
    'REC-11',
  );
  inPack(
    'codec',
    packedFile({ path: 'b.txt', content: NOTE }, 0x8020, 1),
    'unsupported-codec',
    'A packed file in a codec',
    'Files in packs are not compressed.',
    'REC-11',
  );
  inPack(
    'grouped',
    group([milk]),
    'bad-record',
    'A packed file in a group',
    'What is in a group has no range.',
    'REC-11',
  );
  inPack(
    'no-path',
    record(0x8020, cat(zeros(2), NOTE)),
    'bad-record',
    'A packed file without a path',
    'A path has at least one byte.',
  );
  inPack(
    'cut-path',
    record(0x8020, zeros(1)),
    'bad-record',
    'A packed file that ends in its path',
    'Its structure is not whole.',
  );
  inPack(
    'bad-utf8',
    record(0x8020, cat(Uint8Array.of(0, 2, 0xc3, 0x28), NOTE)),
    'bad-record',
    'A packed file whose path is not UTF-8',
    'Texts are UTF-8.',
  );
  vectors.family.flip(
    'damaged',
    'three',
    { field: `storage/${PACK.name}`, offset: 200 },
    {
      ...words('A bit changed in a pack of one chunk', 'None of its files comes back.'),
      errors: ['chunk-damaged'],
      tree: {},
    },
  );
  vectors.object(
    'missing',
    'three',
    { of: PACK, now: null, lost: Object.keys(TREE) },
    'object-missing',
    words('A pack that is not there', 'All its files are named.'),
  );
  vectors.object(
    'swapped',
    'three',
    { of: PACK, now: other.pack.object, lost: Object.keys(TREE) },
    'object-mismatch',
    words('Another pack under its name', 'Ranges would mean something else in it.'),
  );
  return vectors.file();
}
