/**
 * Vectors of restoring sets of whole objects: what comes back, and what never does.
 *
 * @module
 */
import { cat, named, utf8, zeros } from '../../conformance/peer/primitives.ts';
import type { Place, Tree, Value, VectorFile } from '../../conformance/schema/vector.ts';
import { digest, pack } from './family.ts';
import { HELLO, KEY, OTHER_KEY, salt, zeroCiphertext } from './objects.ts';
import { referring, RestoreVectors, stored, words } from './restoring.ts';
import { ALBUM, ALBUM_TREE, blob, file, PHOTO, restored, type Files } from './sets.ts';

const [HELLO_OBJECT, PHOTO_OBJECT] = [blob('object of a.txt', HELLO), blob('object of a photo', PHOTO)];
const LONG = zeroCiphertext({ key: KEY, salt: salt('long'), padding: 1 }, 3, named('tail', 100));
const LONG_OBJECT = blob('long', LONG);
const LOST = ['photos/1.jpg'];

function left(text: string): Place {
  return { kind: 'file', ...digest(utf8(text)) };
}

/** {@link ALBUM} with another value in the entry of the photo. */
function photoWith(more: Partial<Files['entries'][number]>, files: Files = ALBUM): Files {
  const entries = files.entries.map((one) => (one.path === LOST[0] ? { ...one, ...more } : one));
  return { ...files, entries };
}

function accepts(vectors: RestoreVectors): void {
  const album = stored(ALBUM);
  vectors.accept(
    'album',
    album,
    ALBUM_TREE,
    words('Files, a folder and a link', 'Content, modes, times and targets.'),
  );
  vectors.accept(
    'empty',
    stored({ objects: [], entries: [] }),
    {},
    words('A backup of an empty folder', 'No entry is a backup too.'),
  );
  vectors.accept(
    'shared',
    stored({
      objects: [HELLO_OBJECT],
      entries: [file('a.txt', HELLO, [{ object: 0 }]), file('b.txt', HELLO, [{ object: 0 }])],
    }),
    { 'a.txt': restored(HELLO), 'b.txt': restored(HELLO) },
    words('Two files with one object', 'The same content is stored once.'),
  );
  vectors.accept(
    'no-bytes',
    stored({ objects: [blob('nothing', zeros(0))], entries: [file('none', zeros(0), [{ object: 0 }])] }),
    { none: restored(zeros(0)) },
    words('A file of no bytes', 'It has an object, and an identity without a block.'),
  );
  vectors.accept(
    'chunks',
    stored({ objects: [LONG_OBJECT], entries: [file('long', LONG, [{ object: 0 }])] }),
    { long: restored(LONG) },
    words('A file of four chunks', 'All of it is one file.'),
  );
  vectors.accept(
    'stray',
    [...album, blob('of another backup', named('stray', 90))],
    ALBUM_TREE,
    words(
      'An object that the manifest does not name',
      'It is of another generation, or left by a backup that was cut off: it is no file.',
      'RST-12',
    ),
  );
  vectors.accept(
    'beside-others',
    album,
    { ...ALBUM_TREE, 'mine.txt': left('mine') },
    words('A target in which something else lies already', 'It stays.', 'RST-4'),
    { target: { 'mine.txt': pack(utf8('mine')) } },
    4,
  );
  vectors.accept(
    'path',
    album,
    { photos: ALBUM_TREE['photos'] ?? left(''), 'photos/1.jpg': restored(PHOTO, 0o600) },
    words('One file of a backup', 'The folder that leads to it is made, and nothing else.', 'RST-15'),
    { paths: ['photos/1.jpg'] },
  );
  vectors.accept(
    'paths',
    album,
    Object.fromEntries(Object.entries(ALBUM_TREE).filter(([path]) => path !== 'a.txt')),
    words('A folder and a link of a backup', 'All that lies in the folder comes with it.', 'RST-15'),
    { paths: ['photos', 'z'] },
  );
  vectors.accept(
    'force',
    album,
    ALBUM_TREE,
    words('A file in the way, and the word to replace it', 'It is replaced; the folder is kept.', 'RST-4'),
    { target: { 'a.txt': pack(utf8('old')), photos: {} }, force: true },
  );
}

function objects(vectors: RestoreVectors): void {
  const photo = (id: string, now: Uint8Array | null, error: string, title: string, why: string): void =>
    vectors.object(
      id,
      'album',
      { of: PHOTO_OBJECT, now, lost: LOST },
      error,
      words(title, why, 'RST-1', 'RST-9'),
    );
  photo(
    'missing',
    null,
    'object-missing',
    'An object that is not there',
    'The others are restored, this one is named.',
  );
  photo(
    'swapped',
    HELLO_OBJECT.object,
    'object-mismatch',
    'The object of another file under its name',
    'It opens under the same key: only name and manifest tell them apart.',
  );
  photo(
    'other-account',
    blob('photo of another', PHOTO, { key: OTHER_KEY }).object,
    'object-mismatch',
    'An object of another account under its name',
    'The manifest says which object it is, so this is no matter of keys.',
  );
  photo(
    'sealed-again',
    blob('photo again', PHOTO).object,
    'object-mismatch',
    'The same photo, sealed another time',
    'An object that the manifest does not name is not taken, whatever is in it.',
  );
  photo(
    'old-version',
    blob('photo of the generation before', named('older photo', 300)).object,
    'object-mismatch',
    'The object of the generation before under its name',
    'A storage that goes back in part is not followed.',
  );
  photo('no-object', zeros(0), 'truncated', 'An object of no bytes', 'What is left of a broken upload.');
  photo(
    'zeroed',
    zeros(PHOTO_OBJECT.object.length),
    'not-an-object',
    'Zeros in place of an object',
    'What a broken disk leaves.',
  );
  photo(
    'tail',
    cat(PHOTO_OBJECT.object, zeros(1)),
    'trailing-data',
    'An object and one byte more',
    'Its length is in the manifest.',
  );
  photo(
    'cut',
    PHOTO_OBJECT.object.slice(0, -1),
    'truncated',
    'An object without its last byte',
    'Its length is in the manifest, so it is a cut and no damage.',
  );
  const { family } = vectors;
  const field = `storage/${PHOTO_OBJECT.name}`;
  const rest = vectors.tree('album', ...LOST);
  family.value(
    'linked',
    'album',
    field,
    { link: HELLO_OBJECT.name },
    {
      ...words('A link in place of an object', 'It is not followed, wherever it leads.', 'SET-23'),
      errors: ['object-missing'],
      tree: rest,
    },
  );
  family.flip(
    'damaged',
    'album',
    { field, offset: 200 },
    {
      ...words('A bit changed in an object', 'The file is not restored, not even in part.', 'RST-3'),
      errors: ['chunk-damaged'],
      tree: rest,
    },
  );
  family.flip(
    'damaged-header',
    'album',
    { field, offset: 20 },
    {
      ...words('A bit changed in a header', 'It is damage, not another object.'),
      errors: ['header-damaged'],
      tree: rest,
    },
  );
  family.flip(
    'damaged-late',
    'chunks',
    { field: `storage/${LONG_OBJECT.name}`, offset: -20 },
    {
      ...words(
        'A bit changed in the last of four chunks',
        'Three are authentic, and no file is left.',
        'RST-3',
        'RST-10',
      ),
      errors: ['chunk-damaged'],
      tree: {},
    },
  );
}

function targets(vectors: RestoreVectors): void {
  const { family } = vectors;
  family.value('path-missing', 'path', 'paths', ['photos/2.jpg'], {
    ...words(
      'A file that is not in the backup',
      'What was asked for is not there; nothing is written.',
      'RST-15',
    ),
    errors: ['not-found'],
    tree: {},
  });
  family.value('path-prefix', 'path', 'paths', ['photos/1'], {
    ...words('The beginning of the name of a file', 'Paths are compared by whole segments.', 'RST-15'),
    errors: ['not-found'],
    tree: {},
  });
  const target = (
    id: string,
    now: Value,
    error: string,
    tree: Tree,
    ...said: [string, string, string]
  ): void => family.value(id, 'album', 'target', now, { ...words(...said), errors: [error], tree });
  target(
    'exists',
    { 'a.txt': pack(utf8('old')) },
    'exists',
    { 'a.txt': left('old') },
    'A file in the way',
    'Nothing is replaced without being asked, and nothing is written.',
    'RST-4',
  );
  target(
    'link-in-way',
    { 'a.txt': { link: 'nowhere' } },
    'exists',
    { 'a.txt': { kind: 'symlink', target: 'nowhere' } },
    'A link in the way',
    'A file is not written through a link.',
    'RST-6',
  );
  target(
    'link-as-folder',
    { elsewhere: {}, photos: { link: 'elsewhere' } },
    'unsafe-path',
    { elsewhere: { kind: 'directory' }, photos: { kind: 'symlink', target: 'elsewhere' } },
    'A link where a folder goes',
    'What it leads to is not the target.',
    'RST-6',
  );
  target(
    'file-as-folder',
    { photos: pack(utf8('old')) },
    'exists',
    { photos: left('old') },
    'A file where a folder goes',
    'It cannot hold what the folder holds.',
    'RST-4',
  );
  family.value(
    'folder-as-file',
    'force',
    'target',
    { 'a.txt': {} },
    {
      ...words('A folder where a file goes, and the word to replace', 'A folder is never replaced.', 'RST-5'),
      errors: ['exists'],
      tree: { 'a.txt': { kind: 'directory' } },
    },
  );
}

function faultyManifests(vectors: RestoreVectors): void {
  const sealed = (
    id: string,
    change: { place: string; was: Value; now: Value },
    files: Files,
    error: string,
    title: string,
    why: string,
    lost: readonly string[] = LOST,
  ): void =>
    vectors.sealed(id, 'album', { ...change, objects: stored(files), lost }, error, words(title, why));
  const { length, contentLength, prefix } = PHOTO_OBJECT.reference;
  for (const [id, now, error, title] of [
    ['length-more', length + 1, 'truncated', 'An object one byte shorter than the manifest says'],
    ['length-less', length - 1, 'trailing-data', 'An object one byte longer than the manifest says'],
  ] as const) {
    const place = { place: 'length of an object', was: length, now };
    sealed(id, place, referring(ALBUM, 1, { length: now }), error, title, 'The manifest is believed.');
  }
  const other = cat(prefix.slice(0, 16), named('another salt', 32));
  sealed(
    'prefix',
    { place: 'prefix of an object', was: pack(prefix), now: pack(other) },
    referring(ALBUM, 1, { prefix: other }),
    'object-mismatch',
    'An object whose header is not the one of the manifest',
    'Both parts of the reference must be right.',
  );
  const wrong = named('another media id', 32);
  sealed(
    'media-id',
    { place: 'media id of a file', was: 'that of the content', now: pack(wrong) },
    photoWith({ mediaId: wrong }),
    'object-mismatch',
    'Content that is not what the media id says',
    'The identity of content is checked, not only that of objects.',
  );
  sealed(
    'content-length',
    { place: 'content length of an object and its file', was: contentLength, now: contentLength + 1 },
    photoWith(
      { contentLength: contentLength + 1 },
      referring(ALBUM, 1, { contentLength: contentLength + 1 }),
    ),
    'object-mismatch',
    'Content one byte shorter than the manifest says',
    'The length is part of what the owner had.',
  );
  sealed(
    'wrong-key',
    { place: 'key of an object', was: 'that of the set', now: 'another' },
    { ...ALBUM, objects: [HELLO_OBJECT, blob('object of a photo', PHOTO, { key: OTHER_KEY })] },
    'wrong-key',
    'An object of another key that the manifest names',
    'A manifest can name anything; what opens is another matter.',
  );
  vectors.sealed(
    'unsafe',
    'album',
    {
      place: 'path of a link',
      was: 'z',
      now: '../z',
      objects: stored({
        ...ALBUM,
        entries: [{ kind: 'symlink', path: '../z', target: 'photos/1.jpg' }, ...ALBUM.entries.slice(0, -1)],
      }),
    },
    'unsafe-path',
    words('A path that climbs out', 'It is found before anything is written.', 'RST-2'),
  );
}

/** The family. */
export function restores(): VectorFile {
  const vectors = new RestoreVectors(
    'restore',
    'Storages, and the tree that a restore makes of them; objects that are missing, damaged, exchanged or of somebody else.',
  );
  accepts(vectors);
  objects(vectors);
  targets(vectors);
  faultyManifests(vectors);
  return vectors.file();
}
