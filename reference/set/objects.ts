/**
 * Reading stored objects (spec/set.md, "Storage" and "Reading a file").
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { inspect, MAX_HEADER_LENGTH, type HeaderInfo } from '../container/index.ts';
import { cancelled } from '../container/once.ts';
import { StrongroomError } from '../errors.ts';
import { concat, copy, equal, type Bytes } from '../wire/bytes.ts';
import type { ObjectReference } from './manifest.ts';
import { storageName, type Storage } from './storage.ts';

/** Lets the event loop run now and then during work that never waits, so that an abort is heard. */
export class Pacer {
  /** What stops the work. */
  readonly signal: AbortSignal | undefined;
  #next = 0;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal;
  }

  /** @throws StrongroomError `cancelled` once the signal was aborted */
  async pace(): Promise<void> {
    if (performance.now() >= this.#next) {
      await setImmediate();
      this.#next = performance.now() + 20;
    }
    if (this.signal?.aborted === true) throw cancelled('aborted by its signal', this.signal.reason);
  }
}

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

/** Makes sure that a header is that of the object which a manifest names. @throws StrongroomError `object-mismatch` */
export function requireObject({ commitment, prefix }: HeaderInfo, object: ObjectReference): void {
  if (equal(commitment, object.commitment) && equal(prefix, object.prefix)) return;
  throw mismatch(storageName(object.commitment), 'another header than in the manifest');
}
