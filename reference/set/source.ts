/**
 * Where the content of a file comes from, and how the beginning of one is looked at.
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';

/** Pieces of content; one may be overwritten when the next one is asked for. */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A content that can be read more than once. Whatever its methods throw is thrown to whoever wanted it sealed. */
export interface Source {
  /** Bytes that there will be, if all goes well. */
  readonly length: number;
  /** The content from its start. */
  read(): Pieces;
  /** Called when all of it was read: throws if that is not what should be sealed. */
  check?(): void;
}

/** What can be sealed as a file. Pieces are read once, and nothing is known of them before. */
export type Readable = Uint8Array | Source | Pieces;

/** Any of them as a source; the length is undefined for pieces, which can be read once only. */
export function sourceOf(
  readable: Readable,
): Omit<Source, 'length'> & { readonly length: number | undefined } {
  if (readable instanceof Uint8Array) return { length: readable.length, read: () => [readable] };
  if ('read' in readable) return readable;
  return { length: undefined, read: () => readable };
}

/** What a content begins with. */
export interface Start {
  /** All of it if it is shorter than the buffer. */
  readonly content: Bytes;
  /** The piece that did not fit and all after it; undefined if all of the content did. */
  readonly rest: AsyncGenerator<Uint8Array, void, undefined> | undefined;
}

/** Reads on until the content ends or does not fit into `buffer`. */
export async function readStart(pieces: Pieces, buffer: Bytes): Promise<Start> {
  const steps = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  let length = 0;
  for (let step = await steps.next(); step.done !== true; step = await steps.next()) {
    const piece = step.value;
    if (length + piece.length >= buffer.length) {
      return { content: buffer.subarray(0, length), rest: onFrom(piece, steps) };
    }
    buffer.set(piece, length);
    length += piece.length;
  }
  return { content: buffer.subarray(0, length), rest: undefined };
}

async function* onFrom(
  first: Uint8Array,
  steps: Iterator<Uint8Array> | AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield first;
    for (let step = await steps.next(); step.done !== true; step = await steps.next()) yield step.value;
  } finally {
    await steps.return?.();
  }
}

/** The same bytes in pieces as long as `buffer`, which is used for each of them; only the last one is shorter. */
export async function* gathered(pieces: Pieces, buffer: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + buffer.length - length);
      buffer.set(part, length);
      at += part.length;
      length += part.length;
      if (length < buffer.length) continue;
      yield buffer;
      length = 0;
    }
  }
  if (length > 0) yield buffer.subarray(0, length);
}

/** What was read of a content, then the rest of it. */
export async function* joined(
  start: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield start;
  yield* rest;
}
