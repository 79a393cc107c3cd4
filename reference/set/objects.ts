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

/** The bytes of a stored object from its start up to `end`, joined. @throws StrongroomError `object-missing` */
export async function readStart(storage: Storage, name: string, end: number): Promise<Bytes> {
  const pieces: Bytes[] = [];
  for await (const piece of storage.read(name, 0, end)) pieces.push(copy(piece));
  return concat(...pieces);
}

/**
 * The header of a stored object, which must be the one that its name says.
 *
 * @throws StrongroomError `object-missing`, `object-mismatch`, `truncated`, and the codes of reading a header
 */
export async function readHeader(storage: Storage, name: string): Promise<HeaderInfo> {
  const header = inspect(await readStart(storage, name, MAX_HEADER_LENGTH));
  if (storageName(header.commitment) !== name) throw mismatch(name, 'holds an object of another name');
  return header;
}

function mismatch(subject: string, what: string): StrongroomError {
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
    const { commitment, prefix } = await readHeader(storage, name);
    if (!equal(commitment, object.commitment) || !equal(prefix, object.header)) {
      throw mismatch(name, 'another header than in the manifest');
    }
    const opener = new Opener({ key, objectLength: object.length });
    for await (const piece of storage.read(name)) {
      await pacer.pace();
      for (const content of opener.feed(piece)) take(content);
    }
    const end = opener.finish();
    let step = end.next();
    for (; step.done !== true; step = end.next()) take(step.value);
    const { header, contentLength } = step.value;
    if (!equal(header.commitment, commitment) || contentLength !== object.contentLength) {
      throw mismatch(name, 'another object than in the manifest');
    }
  }
  if (!equal(mediaId(key, hash.digest()), entry.mediaId)) {
    throw mismatch(entry.path, 'the content has another identity than in the manifest');
  }
}
