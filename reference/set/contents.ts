/**
 * Contents that lie in the storage, and which of them a backup can use again (spec/backup.md, "Using again").
 *
 * @module
 */
import type { RecordRange } from './framing.ts';
import type { Entry, FileEntry, ObjectReference } from './manifest.ts';
import { comparePaths } from './paths.ts';
import type { Bytes } from '../wire/bytes.ts';

/** Where one part of a content lies. */
export interface Place {
  readonly object: ObjectReference;
  /** Which record of a pack; undefined for a whole object. */
  readonly range: RecordRange | undefined;
}

/** The content of one file or of several that are equal. */
export interface Content {
  readonly contentLength: number;
  /** 32 bytes. */
  readonly mediaId: Bytes;
  /** In order; empty while the pack that holds it is not sealed. */
  places: readonly Place[];
}

/** A file of the new generation. */
export interface PlannedFile extends Pick<FileEntry, 'kind' | 'path' | 'mode' | 'modified' | 'stamp'> {
  readonly content: Content;
}

/** An entry of the new generation, in which objects have no numbers yet. */
export type PlannedEntry = PlannedFile | Exclude<Entry, FileEntry>;

const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Contents by path, by identity and by length. */
export class Contents {
  readonly #isStored: (object: ObjectReference) => boolean;
  readonly #byPath = new Map<string, { readonly stamp: string; readonly content: Content }>();
  readonly #byId = new Map<string, Content>();
  /** For each length the one path of such a content, or undefined if there are several. */
  readonly #byLength = new Map<number, string | undefined>();

  /** `isStored` says whether an object is in the storage, as long as it should be and not damaged. */
  constructor(isStored: (object: ObjectReference) => boolean) {
    this.#isStored = isStored;
  }

  /** Adds the files of a manifest or a checkpoint whose objects are all stored; a path that is known changes. */
  addAll(entries: readonly Entry[], objects: readonly ObjectReference[]): void {
    const stored = objects.map((object) => this.#isStored(object));
    for (const entry of entries) {
      if (entry.kind !== 'file' || !entry.parts.every(({ object }) => stored[object] === true)) continue;
      const content = this.add(entry.path, contentOf(entry, objects));
      this.#byPath.set(entry.path, { stamp: keyOf(entry.stamp), content });
    }
  }

  /** Adds a content that was found at `path`; the one that is used is returned: the first that was known. */
  add(path: string, content: Content): Content {
    const id = keyOf(content.mediaId);
    const known = this.#byId.get(id);
    if (known === undefined) this.#byId.set(id, content);
    const length = content.contentLength;
    const several = this.#byLength.has(length) && this.#byLength.get(length) !== path;
    this.#byLength.set(length, several ? undefined : path);
    return known ?? content;
  }

  /** True if a content was found at `path`. */
  knows(path: string): boolean {
    return this.#byPath.has(path);
  }

  /** The content that was found at `path` under this stamp; an empty stamp says nothing. */
  unchanged(path: string, stamp: Uint8Array): Content | undefined {
    const before = stamp.length === 0 ? undefined : this.#byPath.get(path);
    return before?.stamp === keyOf(stamp) ? before.content : undefined;
  }

  /** The content of this identity. */
  get(mediaId: Uint8Array): Content | undefined {
    return this.#byId.get(keyOf(mediaId));
  }

  /** True if a content of this length is known that was found elsewhere than at `path`. */
  mayBeMoved(path: string, length: number): boolean {
    return this.#byLength.has(length) && this.#byLength.get(length) !== path;
  }
}

/** The content of an entry whose parts name `objects` by their numbers. */
export function contentOf(
  { contentLength, mediaId, parts }: FileEntry,
  objects: readonly ObjectReference[],
): Content {
  const places = parts.flatMap(({ object, range }) => {
    const reference = objects[object];
    return reference === undefined ? [] : [{ object: reference, range }];
  });
  return { contentLength, mediaId, places };
}

/** Entries in the order of their paths, with numbers for the objects that they name. */
export function numbered(planned: readonly PlannedEntry[]): {
  readonly objects: readonly ObjectReference[];
  readonly entries: readonly Entry[];
} {
  const objects: ObjectReference[] = [];
  const numbers = new Map<ObjectReference, number>();
  // A manifest and an old checkpoint can name one object, each in its own words.
  const byCommitment = new Map<string, number>();
  const number = (object: ObjectReference): number => {
    const known = numbers.get(object);
    if (known !== undefined) return known;
    const commitment = keyOf(object.commitment);
    const next = byCommitment.get(commitment) ?? objects.push(object) - 1;
    numbers.set(object, next);
    byCommitment.set(commitment, next);
    return next;
  };
  const entries = planned
    .toSorted((a, b) => comparePaths(a.path, b.path))
    .map((each): Entry => {
      if (each.kind !== 'file') return each;
      const { content, ...common } = each;
      const parts = content.places.map(({ object, range }) => ({ object: number(object), range }));
      return { ...common, contentLength: content.contentLength, mediaId: content.mediaId, parts };
    });
  return { objects, entries };
}
