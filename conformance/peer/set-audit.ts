/**
 * What a writer of sets has left in a storage, opened by the suite's own reader and held against all that a writer is
 * bound to (spec/set.md, spec/manifest.md, spec/backup.md).
 *
 * @module
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHeader, Refusal, type Header } from './opening.ts';
import { expand, label, same, toHex, utf8, type Bytes } from './primitives.ts';
import { objectKeys, readObject, type Read } from './sealed-object.ts';
import { mediaId, storageName } from './set.ts';
import {
  demand,
  Fault,
  readManifest,
  readPack,
  type FoundEntry,
  type FoundManifest,
  type FoundObject,
  type FoundPacked,
} from './set-reading.ts';

/** The objects of a storage under their names. */
export type Objects = ReadonlyMap<string, Bytes>;

/** Everything in a folder that has the form of a storage name. */
export function objectsIn(folder: string): Objects {
  const names = readdirSync(folder).filter((name) => /^[a-z2-7]{32}\.sro$/u.test(name));
  return new Map(
    names
      .filter((name) => lstatSync(join(folder, name)).isFile())
      .map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]),
  );
}

/** `K_obj` of a backup key. */
export function objectKeyOf(key: Uint8Array): Bytes {
  return expand(key, label('object'), 32);
}

/** The header of an object whose commitment is that of its header under the object key. */
export function opensUnder(objectKey: Uint8Array, object: Uint8Array): Header | undefined {
  let header: Header;
  try {
    header = readHeader(object.subarray(0, 4184));
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
  const { commitment } = objectKeys(objectKey, header.prefix, undefined, { isObjectKey: true });
  return same(commitment, header.commitment) ? header : undefined;
}

/** A generation of which every byte was opened. */
export interface Audit {
  readonly manifest: FoundManifest;
  /** Storage names of both copies. */
  readonly copies: readonly string[];
  /** Storage names of the objects that it names. */
  readonly names: readonly string[];
  readonly entries: ReadonlyMap<string, FoundEntry>;
  readonly contents: ReadonlyMap<string, Bytes>;
  /** The object of each file, the first of several. */
  readonly objectOf: ReadonlyMap<string, string>;
  /** The path under which each file in a pack was sealed. */
  readonly packedPaths: ReadonlyMap<string, string>;
  /** Storage names of what opens under a key of the set and that no copy of the set names. */
  readonly strays: readonly string[];
}

function opened(object: Uint8Array, objectKey: Uint8Array, what: string): Read {
  try {
    return readObject(object, objectKey, undefined, true);
  } catch (error) {
    throw new Fault(`${what} has ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Manifests that open whole under the object key, by their names. */
export function manifestsIn(objects: Objects, objectKey: Uint8Array): Map<string, FoundManifest> {
  const found = new Map<string, FoundManifest>();
  for (const [name, object] of objects) {
    if (opensUnder(objectKey, object)?.type !== 1) continue;
    let content: Bytes;
    try {
      ({ content } = readObject(object, objectKey, undefined, true));
    } catch {
      continue;
    }
    found.set(name, readManifest(content));
  }
  return found;
}

/** Checks the two copies of a manifest. */
function requireCopies(objects: Objects, objectKey: Bytes, manifest: FoundManifest): string[] {
  const names = manifest.commitments.map(storageName);
  const salts = new Set<string>();
  for (const name of names) {
    const object = objects.get(name);
    demand(object !== undefined, `generation ${manifest.generation} has one copy: ${name} is not there`);
    const read = opened(object, objectKey, `the manifest ${name}`);
    demand(read.chunkLog2 === 16, 'a manifest of another chunk size than 2^16');
    demand(same(readManifest(read.content).id, manifest.id), 'two copies of a manifest with two contents');
    salts.add(toHex(read.salt));
  }
  demand(salts.size === 2, 'both copies of a manifest under one salt');
  return names;
}

/** Order of paths, parents, and what names are safe. */
function requireEntries({ entries }: FoundManifest): void {
  const directories = new Set(['']);
  let previous: Buffer | undefined;
  for (const { path, kind, target } of entries) {
    const bytes = Buffer.from(utf8(path));
    demand(previous === undefined || Buffer.compare(previous, bytes) < 0, `${path} is out of order`);
    previous = bytes;
    const segments = path.split('/');
    demand(
      segments.every((each) => each !== '' && each !== '.' && each !== '..' && utf8(each).length <= 255),
      `${path} is no path of a set`,
    );
    demand(directories.has(segments.slice(0, -1).join('/')), `${path} has no directory before it`);
    if (kind === 'directory') directories.add(path);
    const steps = target.split('/').filter((each) => each !== '' && each !== '.');
    const up = steps.filter((each) => each === '..').length;
    const leads = target.startsWith('/') || up >= segments.length || steps.lastIndexOf('..') >= up;
    demand(kind !== 'symlink' || !leads, `${path} links out of the folder`);
  }
}

/** Opens the objects that a manifest names, each once. */
class Reader {
  readonly #objects: Objects;
  readonly #keys: ReadonlyMap<number, Bytes>;
  readonly #manifest: FoundManifest;
  readonly #isShard: (path: string) => boolean;
  readonly #reads = new Map<number, Read>();
  readonly #packs = new Map<number, ReadonlyMap<string, FoundPacked>>();

  constructor(
    objects: Objects,
    keys: ReadonlyMap<number, Bytes>,
    manifest: FoundManifest,
    isShard: (path: string) => boolean,
  ) {
    this.#isShard = isShard;
    this.#objects = objects;
    this.#keys = keys;
    this.#manifest = manifest;
  }

  #read(number: number, reference: FoundObject): Read {
    const known = this.#reads.get(number);
    if (known !== undefined) return known;
    const name = storageName(reference.commitment);
    const object = this.#objects.get(name);
    demand(object !== undefined, `${name} is named and not there`);
    demand(object.length === reference.length, `${name} is not as long as its manifest says`);
    const objectKey = this.#keys.get(reference.keyEpoch);
    demand(objectKey !== undefined, `${name} is of an epoch whose key is not in the manifest`);
    const header = opensUnder(objectKey, object);
    demand(header !== undefined, `${name} does not open under the key of its epoch`);
    demand(
      same(header.prefix, reference.prefix) && same(header.commitment, reference.commitment),
      `${name} has another header than its manifest says`,
    );
    const read = opened(object, objectKey, name);
    demand(read.content.length === reference.contentLength, `${name} has another length of content`);
    this.#reads.set(number, read);
    return read;
  }

  #packed(number: number, read: Read): ReadonlyMap<string, FoundPacked> {
    const known = this.#packs.get(number);
    if (known !== undefined) return known;
    demand(read.type === 2, 'a part with a range of an object that is not of type records');
    demand(read.chunkLog2 === 16, 'a pack of another chunk size than 2^16');
    demand(read.scheme === 1, 'a pack that is not padded by Padmé');
    const pack = readPack(read.content, this.#manifest.setId);
    this.#packs.set(number, pack);
    return pack;
  }

  /** The content of a file, in the form that its length asks for. */
  content({ path, parts, contentLength, mediaId: id }: FoundEntry): Bytes {
    demand(new Set(parts.map(({ object }) => object)).size === parts.length, `${path} names an object twice`);
    const pieces = parts.map(({ object, range }) => {
      const reference = this.#manifest.objects[object];
      demand(reference !== undefined, `${path} names no object`);
      const read = this.#read(object, reference);
      if (range === undefined) {
        if (this.#isShard(path)) {
          demand(read.type === 2 && read.chunkLog2 === 16, `${path} is not in an object of type records`);
          return read.content;
        }
        demand(contentLength >= 2 ** 16, `${path} is shorter than 2^16 bytes and not in a pack`);
        demand(read.type === 3, `${path} is not in an object of type blob`);
        demand(read.content.length > 0, `${path} has an empty volume`);
        return read.content;
      }
      demand(contentLength < 2 ** 16 && parts.length === 1, `${path} is too long for a pack`);
      const file = this.#packed(object, read).get(`${range.position}:${range.length}`);
      demand(file !== undefined, `${path} has a range that is not that of one record`);
      return file.content;
    });
    const content = pieces.length === 1 ? pieces[0] : undefined;
    const whole = content ?? new Uint8Array(Buffer.concat(pieces));
    demand(whole.length === contentLength, `${path} has another length than its entry says`);
    demand(same(mediaId(this.#manifest.mediaKey, whole), id), `${path} has another media id`);
    return whole;
  }

  /** The path under which a file was packed. */
  packedPath({ parts }: FoundEntry): string | undefined {
    const [part] = parts;
    const range = part?.range;
    if (part === undefined || range === undefined) return undefined;
    return this.#packs.get(part.object)?.get(`${range.position}:${range.length}`)?.path;
  }
}

/** Checks what the head says of earlier generations. */
function requireHead({ generation, keyEpoch, ancestors, wrapped }: FoundManifest): void {
  demand(generation >= 1 && keyEpoch >= 1, 'a generation or a key epoch of 0');
  const numbers = ancestors.map((one) => one.generation);
  demand(numbers.length <= 256, 'more than 256 ancestors');
  demand(
    numbers.every((number, i) => number > 0 && number < (numbers[i - 1] ?? generation)),
    'ancestors that do not descend',
  );
  const epochs = wrapped.map((one) => one.keyEpoch);
  demand(
    epochs.every((epoch, i) => epoch > (epochs[i - 1] ?? 0) && epoch < keyEpoch),
    'wrapped keys out of order',
  );
}

/**
 * Opens a generation whole: the newest under this key, or the one of this number.
 *
 * @param isShard which files are records of a schema of their own
 * @throws Fault that says what is not as the specification has it
 */
export function audit(
  objects: Objects,
  key: Uint8Array,
  generation?: number,
  isShard: (path: string) => boolean = () => false,
): Audit {
  const objectKey = objectKeyOf(key);
  const manifests = manifestsIn(objects, objectKey);
  const highest = generation ?? Math.max(...[...manifests.values()].map((each) => each.generation));
  const manifest = [...manifests.values()].find((each) => each.generation === highest);
  demand(manifest !== undefined, `there is no manifest of ${generation ?? 'any'} generation`);
  for (const each of manifests.values()) {
    demand(same(each.setId, manifest.setId), 'manifests of two sets under one key');
    demand(each.generation !== highest || same(each.id, manifest.id), 'two manifests of one generation');
  }
  requireHead(manifest);
  const copies = requireCopies(objects, objectKey, manifest);
  requireEntries(manifest);
  const keys = new Map(manifest.wrapped.map((each) => [each.keyEpoch, each.objectKey]));
  keys.set(manifest.keyEpoch, objectKey);
  const reader = new Reader(objects, keys, manifest, isShard);
  const contents = new Map<string, Bytes>();
  const objectOf = new Map<string, string>();
  const packedPaths = new Map<string, string>();
  for (const entry of manifest.entries) {
    if (entry.kind !== 'file') continue;
    contents.set(entry.path, reader.content(entry));
    const packed = reader.packedPath(entry);
    if (packed !== undefined) packedPaths.set(entry.path, packed);
    const reference = manifest.objects[entry.parts[0]?.object ?? 0];
    if (reference !== undefined) objectOf.set(entry.path, storageName(reference.commitment));
  }
  const named = new Set(
    [...manifests.values()].flatMap((each) => [
      ...each.commitments.map(storageName),
      ...each.objects.map(({ commitment }) => storageName(commitment)),
    ]),
  );
  const own = [...keys.values()];
  const strays = [...objects].filter(
    ([name, object]) => !named.has(name) && own.some((each) => opensUnder(each, object) !== undefined),
  );
  for (const [name, object] of objects) {
    const header = opensUnder(objectKey, object);
    demand(
      header === undefined || storageName(header.commitment) === name,
      `${name} is not the storage name of what lies there`,
    );
  }
  return {
    manifest,
    copies,
    names: manifest.objects.map(({ commitment }) => storageName(commitment)),
    entries: new Map(manifest.entries.map((each) => [each.path, each])),
    contents,
    objectOf,
    packedPaths,
    strays: strays.map(([name]) => name),
  };
}
