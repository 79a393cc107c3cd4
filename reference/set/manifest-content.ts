/**
 * The content of a manifest object (spec/manifest.md, "Content"): its records, written and read.
 *
 * @module
 */
import { concat, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import {
  Entry,
  MANIFEST_CHUNK_LOG2,
  MANIFEST_ENTRY,
  MANIFEST_HEAD,
  MANIFEST_OBJECT,
  MANIFEST_SCHEMA,
  ManifestHead,
  NumberedObject,
  WRAPPED_KEY,
  WrappedKey,
  type Manifest,
  type ObjectReference,
} from './manifest.ts';
import { bad, ManifestRules } from './manifest-rules.ts';
import { decodeBody, RecordReader, RecordWriter, type RecordItem } from './records.ts';

/** Bytes of content that are made at once. */
const PIECE = 1 << 16;

/** The content of a manifest object, in pieces. @throws StrongroomError as {@link ManifestReader} */
export function* manifestContent(manifest: Manifest): Generator<Bytes, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for (const part of framed(manifest)) {
    parts.push(part);
    length += part.length;
    if (length < PIECE) continue;
    yield concat(...parts);
    parts = [];
    length = 0;
  }
  yield concat(...parts);
}

function* framed(manifest: Manifest): Generator<Uint8Array, void, undefined> {
  const { setId, wrappedKeys, objects, entries, ...head } = manifest;
  const rules = new ManifestRules();
  const begin = { setId, volume: 1, volumes: 1, schema: MANIFEST_SCHEMA };
  const writer = new RecordWriter(2 ** MANIFEST_CHUNK_LOG2, begin);
  rules.head(begin, head);
  yield* writer.write(MANIFEST_HEAD, encode(ManifestHead, head));
  for (const key of wrappedKeys) {
    rules.wrappedKey(key);
    yield* writer.write(WRAPPED_KEY, encode(WrappedKey, key));
  }
  for (const [number, object] of objects.entries()) {
    rules.object({ number, object });
    yield* writer.write(MANIFEST_OBJECT, encode(NumberedObject, { number, object }));
  }
  for (const entry of entries) {
    rules.entry(entry);
    yield* writer.write(MANIFEST_ENTRY, encode(Entry, entry));
  }
  yield* writer.end();
}

/** The head of a manifest, with the set that it belongs to. */
export interface SetManifestHead extends ManifestHead {
  /** 16 bytes. */
  readonly setId: Bytes;
}

/** Reads the content of a manifest object piece by piece. After an error every later call throws the same error. */
export class ManifestReader {
  readonly #records = new RecordReader(2 ** MANIFEST_CHUNK_LOG2, [
    MANIFEST_HEAD,
    WRAPPED_KEY,
    MANIFEST_OBJECT,
    MANIFEST_ENTRY,
  ]);
  readonly #rules = new ManifestRules();
  #head: SetManifestHead | undefined;
  readonly #wrappedKeys: WrappedKey[] = [];
  readonly #objects: ObjectReference[] = [];
  #error: unknown;

  /** The head, once it was read. */
  get head(): SetManifestHead | undefined {
    return this.#head;
  }

  /** The wrapped keys that were read so far. */
  get wrappedKeys(): readonly WrappedKey[] {
    return this.#wrappedKeys;
  }

  /** The objects that were read so far. */
  get objects(): readonly ObjectReference[] {
    return this.#objects;
  }

  /**
   * Takes more content and returns the entries that it completes.
   *
   * @throws StrongroomError `bad-record`, `unknown-critical-record`, `unsupported-codec`, `bad-manifest`,
   *   `unsupported-set`, `unsafe-path`, `limit-exceeded`
   */
  push(content: Uint8Array): Entry[] {
    if (this.#error !== undefined) throw this.#error;
    const entries: Entry[] = [];
    try {
      for (const item of this.#records.push(content)) this.#record(item, entries);
    } catch (error) {
      this.#error = error;
      throw error;
    }
    return entries;
  }

  /** Ends the content. @throws StrongroomError `bad-record`, `bad-manifest` if it was not a whole manifest */
  finish(): void {
    if (this.#error !== undefined) throw this.#error;
    this.#records.finish();
    if (this.#head === undefined) throw bad('no manifest head');
  }

  #record({ type, body }: RecordItem, entries: Entry[]): void {
    if (type === MANIFEST_HEAD) this.#setHead(decodeBody(ManifestHead, body));
    else if (type === WRAPPED_KEY) {
      const key = decodeBody(WrappedKey, body);
      this.#rules.wrappedKey(key);
      this.#wrappedKeys.push(key);
    } else if (type === MANIFEST_OBJECT) {
      const numbered = decodeBody(NumberedObject, body);
      this.#rules.object(numbered);
      this.#objects.push(numbered.object);
    } else {
      const entry = decodeBody(Entry, body);
      this.#rules.entry(entry);
      entries.push(entry);
    }
  }

  #setHead(head: ManifestHead): void {
    const { begin } = this.#records;
    if (begin === undefined) throw bad('no BEGIN record');
    this.#rules.head(begin, head);
    this.#head = { setId: begin.setId, ...head };
  }
}
