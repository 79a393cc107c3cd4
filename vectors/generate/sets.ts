/**
 * Sets for the vectors: fixed values, a small album, and its generations.
 *
 * @module
 */
import type { Entry, Part } from '../../conformance/peer/manifest.ts';
import { named, toHex, type Bytes } from '../../conformance/peer/primitives.ts';
import {
  manifestRecords,
  mediaId,
  store,
  writeManifest,
  type Generation,
  type Stored,
  type WrittenManifest,
} from '../../conformance/peer/set.ts';
import type { Recipe } from '../../conformance/peer/sealed-object.ts';
import type { Place, Tree, Value } from '../../conformance/schema/vector.ts';
import { digest, pack } from './family.ts';
import { HELLO, KEY, salt } from './objects.ts';

/** Set id and media key of the vectors. */
export const SET_ID: Bytes = named('set id', 16);
/** The media key of this set. */
export const MEDIA_KEY: Bytes = named('media key', 32);
/** Time of all entries. */
export const MODIFIED = 1_700_000_000;
/** Content of a photo. */
export const PHOTO: Bytes = named('photo', 300);

/** A blob under the salt of a name. */
export function blob(name: string, content: Uint8Array, more: Partial<Recipe> = {}, keyEpoch = 1): Stored {
  return store({ key: KEY, salt: salt(name), content, padding: 1, ...more }, keyEpoch);
}

/** A file of whole objects, or of a range of one. */
export function file(
  path: string,
  content: Uint8Array,
  parts: readonly Part[],
  more: Partial<Entry> = {},
): Entry {
  const contentLength = content.length;
  return { kind: 'file', path, contentLength, mediaId: mediaId(MEDIA_KEY, content), parts, ...more };
}

/** A folder. */
export function folder(path: string): Entry {
  return { kind: 'directory', path, mode: 0o755 };
}

/** Objects, and the entries that use them. */
export interface Files {
  readonly objects: readonly Stored[];
  readonly entries: readonly Entry[];
}

/** Two files, a folder and a link. */
export const ALBUM: Files = {
  objects: [blob('object of a.txt', HELLO), blob('object of a photo', PHOTO)],
  entries: [
    file('a.txt', HELLO, [{ object: 0 }]),
    folder('photos'),
    file('photos/1.jpg', PHOTO, [{ object: 1 }], { mode: 0o600 }),
    { kind: 'symlink', path: 'z', target: 'photos/1.jpg' },
  ],
};

/** What a restore of {@link ALBUM} makes. */
export const ALBUM_TREE: Tree = {
  'a.txt': restored(HELLO),
  photos: { kind: 'directory', mode: 0o755, modified: MODIFIED },
  'photos/1.jpg': restored(PHOTO, 0o600),
  z: { kind: 'symlink', target: 'photos/1.jpg' },
};

/** A restored file. */
export function restored(content: Uint8Array, mode = 0o644): Place {
  return { kind: 'file', ...digest(content), mode, modified: MODIFIED };
}

/** A generation of files, whose two copies have the salts of its name. */
export function generation(
  number: number,
  files: Files = ALBUM,
  more: Partial<Generation> = {},
  name = `generation ${number}`,
): WrittenManifest {
  return writeManifest({
    key: KEY,
    setId: SET_ID,
    mediaKey: MEDIA_KEY,
    generation: number,
    created: 1_800_000_000 + number,
    salts: [salt(`${name}, first`), salt(`${name}, second`)],
    records: manifestRecords(
      files.objects.map(({ reference }) => reference),
      files.entries,
    ),
    ...more,
  });
}

/** A storage with these objects. */
export function storage(...objects: readonly Stored[]): Record<string, Value> {
  return Object.fromEntries(
    objects
      .map(({ name, object }): [string, Value] => [name, pack(object)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Parameters of an operation on a storage. */
export function asked(objects: readonly Stored[], more: Record<string, Value> = {}): Record<string, Value> {
  return { key: toHex(KEY), storage: storage(...objects), ...more };
}
