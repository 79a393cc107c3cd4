/**
 * Reading the objects that a manifest names (spec/set.md, "Restoring").
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { inspect, Opener, type HeaderInfo } from '../container/index.ts';
import { cancelled } from '../container/once.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { concat, copy, equal, wipe, type Bytes } from '../wire/bytes.ts';
import type { FileEntry } from './manifest.ts';
import { storageName, type Storage } from './storage.ts';

/** The keyed identity of content: equal for equal content under one key, and meaningless without the key. */
export function mediaId(key: BackupKey, contentHash: Uint8Array, engine: CryptoEngine = nodeEngine): Bytes {
  const mediaKey = key.derive('media-id', 32, engine);
  const id = engine.hmac('sha256', mediaKey, contentHash);
  wipe(mediaKey);
  return id;
}

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

/**
 * Gives the content of a file to `sink`, piece by piece. Only when this returns is all of it known to be right.
 *
 * @throws StrongroomError `object-missing`, `object-mismatch`, `cancelled`, and any code of opening an object
 */
export async function readContent(
  storage: Storage,
  key: BackupKey,
  entry: FileEntry,
  pacer: Pacer,
  sink: (content: Uint8Array) => void,
): Promise<void> {
  const hash = createHash('sha256');
  const take = (content: Uint8Array): void => {
    hash.update(content);
    sink(content);
  };
  for (const object of entry.objects) {
    const name = storageName(object.commitment);
    const opener = new Opener({ key, objectLength: object.length });
    const accept = ({ commitment, prefix }: HeaderInfo): void => {
      if (equal(commitment, object.commitment) && equal(prefix, object.header)) return;
      throw mismatch(name, 'another header than in the manifest');
    };
    for await (const piece of readObject(storage, name, accept)) {
      await pacer.pace();
      for (const content of opener.feed(piece)) take(content);
    }
    const end = opener.finish();
    let step = end.next();
    for (; step.done !== true; step = end.next()) take(step.value);
    if (step.value.contentLength !== object.contentLength) {
      throw mismatch(name, 'another length of content than in the manifest');
    }
  }
  if (!equal(mediaId(key, hash.digest()), entry.mediaId)) {
    throw mismatch(entry.path, 'the content has another identity than in the manifest');
  }
}
