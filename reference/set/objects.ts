/**
 * Reading the objects that a manifest names (spec/set.md, "Restoring").
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { inspect, Opener, type HeaderInfo } from '../container/index.ts';
import { cancelled } from '../container/once.ts';
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { ObjectKey } from '../keys/object-key.ts';
import { concat, copy, equal, type Bytes } from '../wire/bytes.ts';
import type { RecordRange } from './framing.ts';
import type { FileEntry, Manifest, ObjectReference } from './manifest.ts';
import { MediaHasher } from './media-id.ts';
import { PACKED_FILE, PackedFile, RECORDS_CHUNK_LOG2 } from './pack.ts';
import { decodeBody, RecordRangeReader } from './records.ts';
import { storageName, type Storage } from './storage.ts';

/** Lets the event loop run now and then during work that never waits, so that an abort is heard. */
export class Pacer {
  readonly #signal: AbortSignal | undefined;
  #next = 0;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** @throws StrongroomError `cancelled` once the signal was aborted */
  async pace(): Promise<void> {
    if (performance.now() >= this.#next) {
      await setImmediate();
      this.#next = performance.now() + 20;
    }
    if (this.#signal?.aborted === true) throw cancelled('aborted by its signal', this.#signal.reason);
  }
}

/** Longest header of an object in bytes. */
const MAX_HEADER_LENGTH = 4184;

/**
 * The header of a stored object, which must be the one that its name says.
 *
 * @throws StrongroomError `object-missing`, `object-mismatch`, `truncated`, and the codes of reading a header
 */
export async function readHeader(storage: Storage, name: string): Promise<HeaderInfo> {
  const pieces: Bytes[] = [];
  for await (const piece of storage.read(name, 0, MAX_HEADER_LENGTH)) pieces.push(copy(piece));
  const header = inspect(concat(...pieces));
  requireNamed(header, name);
  return header;
}

function requireNamed({ commitment }: HeaderInfo, name: string): void {
  if (storageName(commitment) !== name) throw mismatch(name, 'holds an object of another name');
}

/**
 * The bytes of a stored object up to `end` (exclusive; default all), from one read. Its header must be the one that
 * the name says, and `accept` can refuse it, before anything is yielded: a storage can answer each read of a name
 * with another object, so a header that was read before says nothing about these bytes.
 *
 * @throws StrongroomError as {@link readHeader}, and what `accept` throws
 */
export async function* readObject(
  storage: Storage,
  name: string,
  accept: (header: HeaderInfo) => void,
  end?: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let start: Bytes | undefined = new Uint8Array();
  const accepted = (bytes: Bytes): Bytes => {
    const header = inspect(bytes);
    requireNamed(header, name);
    accept(header);
    return bytes;
  };
  for await (const piece of storage.read(name, 0, end)) {
    if (start === undefined) yield piece;
    else {
      start = concat(start, piece);
      if (start.length < MAX_HEADER_LENGTH) continue;
      yield accepted(start);
      start = undefined;
    }
  }
  if (start !== undefined) yield accepted(start);
}

/** An object that is another one than is asked for. */
export function mismatch(subject: string, what: string): StrongroomError {
  return new StrongroomError('object-mismatch', `${subject}: ${what}`, { subject });
}

/** Reads the files of one manifest. */
export class FileReader {
  readonly #storage: Storage;
  readonly #key: BackupKey | ObjectKey;
  readonly #manifest: Manifest;
  readonly #pacer: Pacer;

  constructor(storage: Storage, key: BackupKey | ObjectKey, manifest: Manifest, pacer: Pacer) {
    this.#storage = storage;
    this.#key = key;
    this.#manifest = manifest;
    this.#pacer = pacer;
  }

  /**
   * Gives the content of a file to `sink`, piece by piece. Only when this returns is all of it known to be right.
   *
   * @throws StrongroomError `object-missing`, `object-mismatch`, `cancelled`, and any code of opening an object
   */
  async read(entry: FileEntry, sink: (content: Uint8Array) => void): Promise<void> {
    const hasher = new MediaHasher(this.#manifest.mediaKey);
    const take = (content: Uint8Array): void => {
      hasher.update(content);
      sink(content);
    };
    for (const part of entry.parts) {
      const object = this.#manifest.objects[part.object];
      if (part.range === undefined) await this.#whole(object, take);
      else take(await this.#packed(object, part.range));
    }
    if (!equal(hasher.digest(), entry.mediaId)) {
      throw mismatch(entry.path, 'the content has another identity than in the manifest');
    }
  }

  /** A file in a pack, all of which is read. */
  async #packed(object: ObjectReference | undefined, range: RecordRange): Promise<Bytes> {
    const record = new RecordRangeReader(2 ** RECORDS_CHUNK_LOG2, range, PACKED_FILE);
    let position = 0;
    await this.#whole(object, (content) => {
      const from = Math.max(0, range.position - position);
      record.push(content.subarray(from, Math.max(from, range.position + range.length - position)));
      position += content.length;
    });
    return decodeBody(PackedFile, record.finish()).content;
  }

  async #whole(object: ObjectReference | undefined, take: (content: Uint8Array) => void): Promise<void> {
    if (object === undefined) throw new RangeError('a part of an object that the manifest does not name');
    const name = storageName(object.commitment);
    const opener = new Opener({ key: this.#keyOf(object), objectLength: object.length });
    const accept = ({ commitment, prefix }: HeaderInfo): void => {
      if (equal(commitment, object.commitment) && equal(prefix, object.prefix)) return;
      throw mismatch(name, 'another header than in the manifest');
    };
    for await (const piece of readObject(this.#storage, name, accept)) {
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

  /** What opens an object: the backup key, or the wrapped key of an older epoch. */
  #keyOf({ keyEpoch }: ObjectReference): BackupKey | ObjectKey {
    const older = this.#manifest.wrappedKeys.find((each) => each.keyEpoch === keyEpoch);
    return older === undefined ? this.#key : ObjectKey.fromBytes(older.objectKey);
  }
}
