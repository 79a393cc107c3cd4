/**
 * Vectors of salvaging sets: what comes out, where, and the report of it byte for byte.
 *
 * @module
 */
import { cat, named, toHex, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { packContent, packedFile, type Stored } from '../../conformance/peer/set.ts';
import { TYPES } from '../../conformance/peer/sealed-object.ts';
import type { Tree, Value, VectorFile } from '../../conformance/schema/vector.ts';
import { digest, Family, pack, type Words } from './family.ts';
import { C, HEADER, HELLO, KEY, salt, SEALED, zeroCiphertext } from './objects.ts';
import { canonical, entryFacts, manifestFacts, objectFacts, type Facts } from './salvage-report.ts';
import { ALBUM, ALBUM_TREE, blob, file, generation, PHOTO, restored, SET_ID, type Files } from './sets.ts';

/** The places of whole files in a target. */
function inFiles(tree: Tree): Tree {
  const places = Object.entries(tree).map(([path, place]) => [`files/${path}`, place] as const);
  return { files: { kind: 'directory' }, ...Object.fromEntries(places) };
}

/** A report in the making. */
interface Expected {
  readonly complete: boolean;
  readonly manifests: readonly Facts[];
  readonly objects: readonly Facts[];
  readonly entries: readonly Facts[];
  readonly unnamed?: readonly Facts[];
  readonly packed?: readonly Facts[];
  readonly withoutSet?: boolean;
}

function two<T>([a, b]: readonly T[]): [T, T] {
  if (a === undefined || b === undefined) throw new Error('there are not two');
  return [a, b];
}

const first = generation(1);
const [COPY_A, COPY_B] = two(first.copies);
const [HELLO_OBJECT, PHOTO_OBJECT] = two(ALBUM.objects);
const everything = [COPY_A, COPY_B, HELLO_OBJECT, PHOTO_OBJECT];
const ALBUM_FACTS = entryFacts(ALBUM, 1);
const whole = {
  complete: true,
  manifests: [manifestFacts(1, first.copies, ALBUM)],
  objects: everything.map((each) => objectFacts(each)),
  entries: ALBUM_FACTS,
};

/** Bytes under the names of objects, of which some are others. */
function storageOf(
  objects: readonly Stored[],
  changes: Readonly<Record<string, Bytes | undefined>> = {},
): Facts {
  const all = Object.fromEntries(
    objects.map(({ name, object }): [string, Bytes | undefined] => [name, object]),
  );
  const rows = Object.entries({ ...all, ...changes }).flatMap(([name, bytes]): [string, Value][] =>
    bytes === undefined ? [] : [[name, pack(bytes)]],
  );
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An object whose header is gone. */
const headless = ({ object, header }: Stored): Bytes =>
  cat(zeros(header.length), object.slice(header.length));

/** Vectors of salvaging a set. */
export function salvageSetVectors(): VectorFile {
  const family = new Family('salvage-sets', {
    feature: 'salvage',
    role: 'set-reader',
    op: 'salvage.set',
    description: 'What is left of damaged sets, the places where it goes, and the report of it.',
  });
  const add = (id: string, said: Words, storage: Facts, expected: Expected, tree: Tree): void => {
    const { unnamed = [], packed = [], withoutSet = false } = expected;
    const { complete, manifests, objects, entries } = expected;
    const nameOf = (each: Facts): string => JSON.stringify(each['name']);
    const sorted = objects.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    const report = canonical({
      format: 'strongroom-salvage/1',
      ...(!withoutSet && { set_id: toHex(SET_ID) }),
      complete,
      manifests: [...manifests],
      entries: [...entries],
      objects: sorted,
      unnamed: [...unnamed],
      packed: [...packed],
    });
    family.accept(id, {
      ...said,
      input: { key: toHex(KEY), storage },
      result: { report },
      tree: { ...tree, 'salvage.json': { kind: 'file', ...digest(utf8(report)) } },
    });
  };
  const words = (title: string, why: string, ...requirements: string[]): Words => ({
    title,
    why,
    requirements,
  });
  const albumTree = inFiles(ALBUM_TREE);
  const withFacts = (name: string, facts: Facts): Facts[] =>
    everything.map((each) => (each.name === name ? facts : objectFacts(each)));

  add(
    'whole',
    words('A set without damage', 'The report has one encoding.', 'SLV-28', 'SLV-1'),
    storageOf(everything),
    whole,
    albumTree,
  );
  add(
    'exchanged',
    words('Two objects that were exchanged', 'Each is what its header says, whatever its name is.', 'SLV-18'),
    storageOf(everything, {
      [HELLO_OBJECT.name]: PHOTO_OBJECT.object,
      [PHOTO_OBJECT.name]: HELLO_OBJECT.object,
    }),
    {
      ...whole,
      objects: [
        objectFacts(COPY_A),
        objectFacts(COPY_B),
        objectFacts(HELLO_OBJECT, { name: PHOTO_OBJECT.name }),
        objectFacts(PHOTO_OBJECT, { name: HELLO_OBJECT.name }),
      ],
    },
    albumTree,
  );
  add(
    'header-gone',
    words(
      'An object without a header, which the manifest names',
      'The copy of the header is in the manifest.',
      'SLV-9',
    ),
    storageOf(everything, { [PHOTO_OBJECT.name]: headless(PHOTO_OBJECT) }),
    {
      ...whole,
      objects: withFacts(
        PHOTO_OBJECT.name,
        objectFacts(PHOTO_OBJECT, { state: 'damaged', header: 'manifest' }),
      ),
    },
    albumTree,
  );
  add(
    'manifest-gone',
    words(
      'One copy of the manifest without a header',
      'The other copy names it, so it is no newer manifest.',
      'SLV-6',
    ),
    storageOf(everything, { [COPY_B.name]: headless(COPY_B) }),
    {
      ...whole,
      manifests: [manifestFacts(1, [COPY_A], ALBUM)],
      objects: withFacts(COPY_B.name, { name: COPY_B.name, state: 'unknown', length: COPY_B.object.length }),
    },
    albumTree,
  );
  const stray = named('stray object', 200);
  const strayName = `${'a'.repeat(32)}.sro`;
  add(
    'unknown',
    words(
      'An object without a header that nothing names',
      'It may have been a newer manifest: the salvage is not complete.',
      'SLV-6',
    ),
    storageOf(everything, { [strayName]: stray }),
    {
      ...whole,
      complete: false,
      objects: [...whole.objects, { name: strayName, state: 'unknown', length: 200 }],
    },
    albumTree,
  );
  const lostPhoto = ALBUM_FACTS.map((each) =>
    each['path'] === 'photos/1.jpg' ? { ...each, state: 'lost', recovered: [] } : each,
  );
  const withoutPhoto = Object.fromEntries(
    Object.entries(albumTree).filter(([path]) => path !== 'files/photos/1.jpg'),
  );
  add(
    'replaced',
    words(
      'Another object of the same key in the place of one',
      'It is a copy of itself, and nothing else.',
      'SLV-18',
      'SLV-4',
    ),
    storageOf(everything, { [PHOTO_OBJECT.name]: HELLO_OBJECT.object }),
    {
      ...whole,
      complete: false,
      objects: [
        ...withFacts(PHOTO_OBJECT.name, {
          name: PHOTO_OBJECT.name,
          state: 'copy',
          length: HELLO_OBJECT.object.length,
          commitment: toHex(HELLO_OBJECT.commitment),
        }),
        { name: PHOTO_OBJECT.name, state: 'missing', commitment: toHex(PHOTO_OBJECT.commitment) },
      ],
      entries: lostPhoto,
    },
    withoutPhoto,
  );
  const alone = [HELLO_OBJECT, PHOTO_OBJECT];
  const contents = [HELLO, PHOTO];
  const unnamed = alone
    .map(({ name }, i) => ({
      name,
      state: 'whole',
      length: contents[i]?.length ?? 0,
      recovered: [[0, contents[i]?.length ?? 0]],
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  add(
    'no-manifest',
    words(
      'Objects without any manifest',
      'Their contents come out under the names of the objects.',
      'SLV-22',
    ),
    storageOf(alone),
    {
      complete: false,
      withoutSet: true,
      manifests: [],
      objects: alone.map((each) => objectFacts(each)),
      entries: [],
      unnamed,
    },
    {
      unnamed: { kind: 'directory' },
      ...Object.fromEntries(
        alone.map(({ name }, i) => [`unnamed/${name}`, { kind: 'file', ...digest(contents[i] ?? zeros(0)) }]),
      ),
    },
  );
  const later = named('later', 80);
  const laterObject = blob('a.txt, later', later);
  const second: Files = {
    objects: [laterObject, PHOTO_OBJECT],
    entries: ALBUM.entries.map((each) =>
      each.path === 'a.txt' ? file('a.txt', later, [{ object: 0 }]) : each,
    ),
  };
  const secondCopies = generation(2, second, { ancestors: [first.ancestor] }).copies;
  const newest = {
    path: 'a.txt',
    kind: 'file',
    state: 'lost',
    generation: 2,
    older: false,
    length: 80,
    recovered: [],
  };
  add(
    'older',
    words(
      'A file whose newest version is gone',
      'The one before it comes out, and is marked.',
      'SLV-20',
      'SLV-21',
    ),
    storageOf([...everything, ...secondCopies]),
    {
      complete: false,
      manifests: [manifestFacts(2, secondCopies, second), manifestFacts(1, first.copies, ALBUM)],
      objects: [
        ...[...everything, ...secondCopies].map((each) => objectFacts(each)),
        { name: laterObject.name, state: 'missing', commitment: toHex(laterObject.commitment) },
      ],
      entries: [
        newest,
        ...ALBUM_FACTS.slice(0, 1).map((each) => ({ ...each, older: true })),
        ...entryFacts(second, 2).slice(1),
      ],
    },
    albumTree,
  );
  const twice = blob('object of a.txt, again', HELLO);
  const double: Files = {
    objects: [HELLO_OBJECT, twice],
    entries: [file('a.txt', HELLO, [{ object: 0 }]), file('b.txt', HELLO, [{ object: 1 }])],
  };
  const doubleCopies = generation(1, double, {}, 'double').copies;
  add(
    'same-content',
    words(
      'A file whose object is gone, and another of the same content',
      'It is whole, from there.',
      'SLV-20',
    ),
    storageOf([...doubleCopies, twice]),
    {
      complete: true,
      manifests: [manifestFacts(1, doubleCopies, double)],
      objects: [
        ...[...doubleCopies, twice].map((each) => objectFacts(each)),
        { name: HELLO_OBJECT.name, state: 'missing', commitment: toHex(HELLO_OBJECT.commitment) },
      ],
      entries: entryFacts(double, 1),
    },
    inFiles({ 'a.txt': restored(HELLO), 'b.txt': restored(HELLO) }),
  );
  const long = zeroCiphertext({ key: KEY, salt: salt('long'), padding: 1 }, 3, named('tail', 100));
  const longObject = blob('long', long);
  const holed: Files = { objects: [longObject], entries: [file('d', long, [{ object: 0 }])] };
  const holedCopies = generation(1, holed, {}, 'holed').copies;
  const damaged = cat(longObject.object);
  damaged[HEADER + SEALED + 5] = 1;
  const hole = cat(long);
  hole.fill(0, C, 2 * C);
  const spans = [
    [0, C],
    [2 * C, long.length],
  ];
  add(
    'partial',
    words(
      'A file of which one chunk is damaged',
      'What is left has a hole, and does not lie among whole files.',
      'SLV-14',
      'SLV-26',
    ),
    storageOf([...holedCopies, longObject], { [longObject.name]: damaged }),
    {
      complete: false,
      manifests: [manifestFacts(1, holedCopies, holed)],
      objects: [
        ...holedCopies.map((each) => objectFacts(each)),
        objectFacts(longObject, {
          state: 'damaged',
          recovered: [
            [0, 1],
            [2, 4],
          ],
          lost: [[1, 2]],
        }),
      ],
      entries: entryFacts(holed, 1).map((each) => ({ ...each, state: 'partial', recovered: spans })),
    },
    { partial: { kind: 'directory' }, 'partial/d': restored(hole) },
  );
  const texts = ['one', 'two', 'three', 'four'].map((text) => utf8(text));
  const paths = ['a', 'a', 'a/b', '../out'];
  const records = texts.map((content, i) => packedFile({ path: paths[i] ?? '', content }));
  const { content, ranges } = packContent(SET_ID, records, 16);
  const packObject = blob('pack', content, { type: TYPES.records, chunkLog2: 16 });
  const safe = (i: number): string =>
    i === 3 ? `${packObject.name}-${ranges[3]?.position ?? 0}` : (paths[i] ?? '');
  const folders = [1, 2, 3, 1];
  add(
    'pack-alone',
    words(
      'A pack without any manifest',
      'Its files come out under their paths, those that are in the way of others in folders of their own.',
      'SLV-22',
      'SLV-24',
    ),
    storageOf([packObject]),
    {
      complete: false,
      withoutSet: true,
      manifests: [],
      objects: [objectFacts(packObject)],
      entries: [],
      packed: texts.map((text, i) => ({
        name: packObject.name,
        position: ranges[i]?.position ?? 0,
        path: safe(i),
        folder: folders[i] ?? 0,
        length: text.length,
        state: 'whole',
      })),
    },
    {
      packed: { kind: 'directory' },
      'packed/1': { kind: 'directory' },
      'packed/2': { kind: 'directory' },
      'packed/3': { kind: 'directory' },
      'packed/3/a': { kind: 'directory' },
      ...Object.fromEntries(
        texts.map((text, i) => [`packed/${folders[i]}/${safe(i)}`, { kind: 'file', ...digest(text) }]),
      ),
    },
  );
  return family.file();
}
