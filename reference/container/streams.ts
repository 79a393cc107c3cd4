/**
 * Sealing and opening as web streams. A stream works on one chunk at a time and only when its consumer asks, so
 * memory is bounded by the largest piece that is written to it and one chunk.
 *
 * @module
 */
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import type { Bytes } from '../wire/bytes.ts';
import { cancelled } from './once.ts';
import { Opener, type Provisional } from './reader.ts';
import type { OpenOptions, Verified } from './verify.ts';
import { sealerWith, type SealOptions } from './writer.ts';

/** Content in, one whole object out. */
export interface SealStream extends ReadableWritablePair<Bytes, Uint8Array> {
  /** The identity of the object, 32 bytes. */
  readonly commitment: Bytes;
}

/** An object in, its content out. */
export interface OpenStream extends ReadableWritablePair<Provisional, Uint8Array> {
  /** Resolves when the whole object has been verified, and not before the content was taken. */
  readonly verified: Promise<Verified>;
}

/** A pair of streams that seals. An error is that of {@link Sealer}; `signal` ends both sides with `cancelled`. */
export function sealStream(options: SealOptions): SealStream {
  return sealStreamWith(systemRandom, options);
}

/** {@link sealStream} with `salt` and `grease` drawn from `random`: for vectors, never for backups. */
export function sealStreamWith(random: RandomSource, options: SealOptions): SealStream {
  const sealer = sealerWith(random, options);
  let begun = false;
  function* withHeader(pieces: Iterable<Bytes>): Generator<Bytes, void, undefined> {
    if (!begun) yield sealer.header;
    begun = true;
    yield* pieces;
  }
  const pair = stepwise<Bytes>(
    (content) => withHeader(sealer.feed(content)),
    () => withHeader(sealer.finish()),
    options.signal,
    () => undefined,
  );
  return { ...pair, commitment: sealer.commitment };
}

/** A pair of streams that opens. An error is that of {@link Opener}; `signal` ends both sides with `cancelled`. */
export function openStream(options: OpenOptions): OpenStream {
  const opener = new Opener(options);
  const { promise, resolve, reject } = Promise.withResolvers<Verified>();
  promise.catch(() => undefined); // whoever does not ask for it hears of the failure from the streams
  function* finish(): Generator<Provisional, void, undefined> {
    resolve(yield* opener.finish() as Generator<Provisional, Verified, undefined>);
  }
  const pair = stepwise<Provisional>((bytes) => opener.feed(bytes), finish, options.signal, reject);
  return { ...pair, verified: promise };
}

/** Streams around generators: a step is taken when the consumer has taken the one before. */
function stepwise<T>(
  feed: (bytes: Uint8Array) => Iterable<T>,
  finish: () => Iterable<T>,
  signal: AbortSignal | undefined,
  onError: (error: unknown) => void,
): ReadableWritablePair<T, Uint8Array> {
  // Through the controller, not the writer: an error must not wait for a write that waits for the consumer.
  let fail: (error: unknown) => void = () => undefined;
  const { readable, writable } = new TransformStream<T, T>({
    start: (controller) => void (fail = (error) => controller.error(error)),
  });
  const output = writable.getWriter();
  const stop = (): void => fail(cancelled('aborted by its signal', signal?.reason));
  signal?.addEventListener('abort', stop);
  output.closed.catch(onError).finally(() => signal?.removeEventListener('abort', stop));
  const drain = async (pieces: Iterable<T>): Promise<void> => {
    try {
      for (const piece of pieces) await output.write(piece);
    } catch (error) {
      fail(error);
      throw error;
    }
  };
  return {
    readable,
    writable: new WritableStream<Uint8Array>({
      write: (bytes) => drain(feed(bytes)),
      async close() {
        await drain(finish());
        await output.close();
      },
      abort: fail,
    }),
  };
}
