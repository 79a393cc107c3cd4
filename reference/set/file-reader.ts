/**
 * Reading the files of a manifest (spec/set.md, "Reading a file").
 *
 * @module
 */
import { closeSync } from 'node:fs';
import { Opener } from '../container/index.ts';
import { openFile, type FilePart } from '../files/index.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { ObjectKey } from '../keys/object-key.ts';
import { equal, wipe, type Bytes } from '../wire/bytes.ts';
import type { FileEntry, Manifest, ObjectReference } from './manifest.ts';
import { mediaIdOf, MediaHasher, mediaTagKey } from './media-id.ts';
import { mismatch, readObject, requireObject, type Pacer } from './objects.ts';
import { PackReader } from './pack-reader.ts';
import { storageName, type Storage } from './storage.ts';

/** From this length in bytes on, more than one thread is worth it. */
const LARGE = 2 ** 26;

/** Takes the next piece of a content, which is its own from then on. */
export type Sink = (content: Bytes) => void;

/** Reads the files of one manifest. */
export class FileReader {
  readonly #storage: Storage;
  readonly #manifest: Manifest;
  readonly #pacer: Pacer;
  readonly #packs: PackReader;
  /** For short contents; the making of one takes longer than they do. */
  readonly #hasher: MediaHasher;
  readonly #keys: ReadonlyMap<number, BackupKey | ObjectKey>;

  /** `key` is that of the manifest's epoch; `wanted` says which files will be read, in which order does not matter. */
  constructor(
    storage: Storage,
    key: BackupKey | ObjectKey,
    manifest: Manifest,
    pacer: Pacer,
    wanted: readonly FileEntry[] = [],
  ) {
    this.#storage = storage;
    this.#manifest = manifest;
    this.#pacer = pacer;
    this.#packs = new PackReader(storage, wanted, pacer.signal);
    this.#hasher = new MediaHasher(manifest.mediaKey);
    const older = manifest.wrappedKeys.map(
      ({ keyEpoch, objectKey }) => [keyEpoch, ObjectKey.fromBytes(objectKey)] as const,
    );
    this.#keys = new Map<number, BackupKey | ObjectKey>([...older, [manifest.keyEpoch, key]]);
  }

  /**
   * Gives the content of a file to `sink`, piece by piece. Only when this returns is all of it known to be right.
   *
   * @throws StrongroomError `object-missing`, `object-mismatch`, `bad-record`, `cancelled`, and any code of opening an object
   */
  async read(entry: FileEntry, sink: Sink): Promise<void> {
    const [part] = entry.parts;
    if (part?.range !== undefined) {
      const object = this.#objectOf(part.object);
      const content = await this.#packs.read(part.object, object, part.range, this.#keyOf(object));
      if (content.length !== entry.contentLength) {
        throw mismatch(entry.path, 'another length of content than in the manifest');
      }
      this.#hasher.update(content);
      requireIdentity(entry, this.#hasher.digest());
      return sink(content);
    }
    const hasher = new MediaHasher(this.#manifest.mediaKey);
    for (const { object } of entry.parts) {
      await this.#whole(this.#objectOf(object), (content) => {
        hasher.update(content);
        sink(content);
      });
    }
    requireIdentity(entry, hasher.end());
  }

  /**
   * As {@link read}, but large contents go from file to file, on several threads where the storage has files.
   *
   * @param target where the content goes; without it the file is verified
   * @param write writes a piece to `target` at an offset in it
   * @param onBytes told how many more bytes were done
   */
  async readTo(
    entry: FileEntry,
    target: FilePart | undefined,
    write: (content: Bytes, at: number) => void,
    onBytes: (length: number) => void,
  ): Promise<void> {
    const [part, ...more] = entry.parts;
    if (entry.contentLength >= LARGE && part !== undefined && part.range === undefined && more.length === 0) {
      const object = this.#objectOf(part.object);
      const fd = this.#storage.open?.(storageName(object.commitment));
      if (fd !== undefined) return this.#large(entry, object, fd, target, onBytes);
    }
    let at = 0;
    return this.read(entry, (content) => {
      const { length } = content;
      write(content, at);
      at += length;
      onBytes(length);
    });
  }

  /** Opens the one object of a file from file to file. */
  async #large(
    entry: FileEntry,
    object: ObjectReference,
    fd: number,
    target: FilePart | undefined,
    onBytes: (length: number) => void,
  ): Promise<void> {
    const { mediaKey } = this.#manifest;
    const { length: objectLength, contentLength } = object;
    const { signal } = this.#pacer;
    const tagKey = mediaTagKey(mediaKey);
    let told = 0;
    const onProgress = (done: number): void => {
      const now = Math.min(done, contentLength);
      onBytes(now - told);
      told = now;
    };
    try {
      const { tags = new Uint8Array() } = await openFile({
        source: { fd, name: storageName(object.commitment) },
        key: this.#keyOf(object),
        header: object,
        objectLength,
        contentLength,
        tagKey,
        onProgress,
        ...(target === undefined ? {} : { target }),
        ...(signal === undefined ? {} : { signal }),
      });
      requireIdentity(entry, mediaIdOf(mediaKey, contentLength, tags));
    } finally {
      wipe(tagKey);
      closeSync(fd);
    }
  }

  async #whole(object: ObjectReference, take: Sink): Promise<void> {
    const name = storageName(object.commitment);
    const opener = new Opener({ key: this.#keyOf(object), objectLength: object.length });
    for await (const piece of readObject(this.#storage, name, (header) => requireObject(header, object))) {
      await this.#pacer.pace();
      for (const content of opener.feed(piece)) take(content);
    }
    const end = opener.finish();
    let step = end.next();
    for (; step.done !== true; step = end.next()) take(step.value);
    if (step.value.contentLength !== object.contentLength) {
      throw mismatch(name, 'another length of content than in the manifest');
    }
  }

  #objectOf(number: number): ObjectReference {
    const object = this.#manifest.objects[number];
    if (object === undefined) throw new RangeError(`the manifest names no object ${number}`);
    return object;
  }

  /** What opens an object: the key of its epoch. */
  #keyOf({ keyEpoch }: ObjectReference): BackupKey | ObjectKey {
    const key = this.#keys.get(keyEpoch);
    if (key === undefined) throw new RangeError(`the manifest has no key of epoch ${keyEpoch}`);
    return key;
  }
}

function requireIdentity({ path, mediaId }: FileEntry, found: Bytes): void {
  if (!equal(found, mediaId)) throw mismatch(path, 'the content has another identity than in the manifest');
}
