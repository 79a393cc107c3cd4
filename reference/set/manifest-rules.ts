/**
 * What holds between the records of a manifest (spec/manifest.md, "Rules"): the same for its writer and its reader.
 *
 * @module
 */
import { OBJECT_TYPES } from '../container/index.ts';
import { StrongroomError } from '../errors.ts';
import { MAX_RECORD_LENGTH } from './framing.ts';
import {
  MANIFEST_SCHEMA,
  MAX_ENTRIES,
  type Entry,
  type FileEntry,
  type ManifestHead,
  type NumberedObject,
  type ObjectReference,
  type Part,
  type WrappedKey,
} from './manifest.ts';
import { checkPath, checkTarget, comparePaths, parentOf } from './paths.ts';
import type { Begin } from './records.ts';
import { storageName } from './storage.ts';

/** Longest range of one record in bytes: twice the longest record leaves room for its framing. */
const MAX_RANGE_LENGTH = 2 * MAX_RECORD_LENGTH;

/** A `bad-manifest` error. */
export function bad(message: string, subject?: string): StrongroomError {
  return new StrongroomError('bad-manifest', message, subject === undefined ? {} : { subject });
}

/** What the entries need to know of an object. */
type Known = Pick<ObjectReference, 'contentLength'> & { readonly type: number };

/**
 * Takes the records of a manifest in their order. Errors are `bad-manifest`, and `unsupported-set`, `unsafe-path` and
 * `limit-exceeded` where the text says so.
 */
export class ManifestRules {
  #head: ManifestHead | undefined;
  /** Epochs whose keys are known, that of the head among them. */
  readonly #epochs = new Set<number>();
  #lastEpoch = 0;
  readonly #objects: Known[] = [];
  readonly #commitments = new Set<string>();
  #last: string | undefined;
  #count = 0;
  readonly #directories = new Set(['']);

  /** Checks the head. */
  head(begin: Begin, head: ManifestHead): void {
    if (begin.schema !== MANIFEST_SCHEMA) throw bad(`schema ${begin.schema} is not that of a manifest`);
    if (begin.volumes !== 1) {
      throw new StrongroomError('unsupported-set', 'the manifest is cut into volumes');
    }
    if (this.#head !== undefined) throw bad('a second manifest head');
    if (head.generation < 1) throw bad('generation 0');
    if (head.keyEpoch < 1) throw bad('key epoch 0');
    let above = head.generation;
    for (const { generation } of head.ancestors) {
      if (generation >= above) throw bad('the generations of the ancestors do not descend');
      above = generation;
    }
    if (above < 1) throw bad('an ancestor of generation 0');
    this.#head = head;
    this.#epochs.add(head.keyEpoch);
  }

  /** Checks the next wrapped key. */
  wrappedKey({ keyEpoch }: WrappedKey): void {
    const head = this.#afterHead('a wrapped key');
    if (this.#objects.length > 0 || this.#count > 0) throw bad('a wrapped key after an object or an entry');
    if (keyEpoch <= this.#lastEpoch) throw bad('the epochs of the wrapped keys do not ascend');
    if (keyEpoch >= head.keyEpoch) throw bad('a wrapped key that is not of an older epoch');
    this.#lastEpoch = keyEpoch;
    this.#epochs.add(keyEpoch);
  }

  /** Checks the next object. */
  object({ number, object: { commitment, prefix, contentLength, keyEpoch } }: NumberedObject): void {
    this.#afterHead('an object');
    if (number !== this.#objects.length)
      throw bad(`object ${number} in the place of ${this.#objects.length}`);
    const fault = (message: string): StrongroomError => bad(message, storageName(commitment));
    const [type = 0, high = 0, low = 0] = prefix.subarray(11, 14);
    if (prefix.length !== 48 + high * 256 + low) throw fault('the copy of a header is not whole');
    if (type !== OBJECT_TYPES.blob && type !== OBJECT_TYPES.records) {
      throw fault('an object that is neither a blob nor records');
    }
    if (!this.#epochs.has(keyEpoch)) throw fault(`no key of epoch ${keyEpoch}`);
    const name = Buffer.from(commitment).toString('base64');
    if (this.#commitments.has(name)) throw fault('an object is named twice');
    if (this.#objects.length === MAX_ENTRIES) {
      throw new StrongroomError('limit-exceeded', `a set holds at most ${MAX_ENTRIES} objects`);
    }
    this.#commitments.add(name);
    this.#objects.push({ type, contentLength });
  }

  /** Checks the next entry. */
  entry(entry: Entry): void {
    const { path } = entry;
    this.#afterHead('an entry');
    checkPath(path);
    if (this.#last !== undefined && comparePaths(this.#last, path) >= 0)
      throw bad('paths do not ascend', path);
    if (!this.#directories.has(parentOf(path))) throw bad('the parent is not a directory of the set', path);
    if (entry.mode > 0o777) throw bad('more than permission bits in the mode', path);
    if (entry.modified.nanoseconds > 999_999_999) throw bad('a second has 10^9 nanoseconds', path);
    if (++this.#count > MAX_ENTRIES) {
      throw new StrongroomError('limit-exceeded', `a set holds at most ${MAX_ENTRIES} entries`);
    }
    this.#last = path;
    if (entry.kind === 'directory') this.#directories.add(path);
    else if (entry.kind === 'symlink') checkTarget(path, entry.target);
    else this.file(entry);
  }

  #afterHead(what: string): ManifestHead {
    if (this.#head === undefined) throw bad(`${what} before the manifest head`);
    return this.#head;
  }

  /** Checks where the content of a file lies. */
  file({ path, parts, contentLength }: FileEntry): void {
    const seen = new Set<number>();
    let sum = 0;
    for (const part of parts) {
      const object = this.#objects[part.object];
      if (object === undefined) throw bad(`object ${part.object} was not named before`, path);
      if (seen.has(part.object)) throw bad('two parts in one object', path);
      seen.add(part.object);
      if (part.range === undefined) sum += object.contentLength;
      else return requirePacked(path, contentLength, parts, object, part.range);
    }
    if (sum !== contentLength) throw bad('the lengths do not add up', path);
  }
}

/** Checks a file that lies in a pack. */
function requirePacked(
  path: string,
  contentLength: number,
  parts: readonly Part[],
  object: Known,
  { position, length }: NonNullable<Part['range']>,
): void {
  if (parts.length > 1) throw bad('a part in a pack, and others', path);
  if (object.type !== OBJECT_TYPES.records) throw bad('a range of an object that is no pack', path);
  if (length > MAX_RANGE_LENGTH) throw bad('a range longer than any record needs', path);
  if (length > object.contentLength - position) throw bad('the range ends after the pack', path);
  if (contentLength > MAX_RECORD_LENGTH) throw bad('longer than a record', path);
}
