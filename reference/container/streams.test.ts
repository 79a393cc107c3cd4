import { describe, expect, it } from 'vitest';
import { concat, type Bytes } from '../wire/bytes.ts';
import { content, fixed, flip, key } from './fixture.ts';
import { open } from './reader.ts';
import { openStream, sealStream, sealStreamWith } from './streams.ts';
import { sealWith, type SealOptions } from './writer.ts';

const C = 2 ** 14;
const options: SealOptions = { key, type: 'blob', chunkLog2: 14 };
const object = sealWith(fixed(0xff), content(20 * C), options);

async function collect(stream: ReadableStream<Bytes>): Promise<Bytes> {
  const pieces: Bytes[] = [];
  for await (const piece of stream) pieces.push(piece);
  return concat(...pieces);
}

/** A source that counts what was taken from it. */
function source(
  bytes: Uint8Array,
  step: number,
): { stream: ReadableStream<Uint8Array>; taken: () => number } {
  let at = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.subarray(at, (at += step)));
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, taken: () => at };
}

/** Lets everything happen that can happen without the consumer. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe('streams', () => {
  it.each([1000, C, 50 * C])('seal and open what is written in pieces of %i bytes', async (step) => {
    const sealing = sealStreamWith(fixed(0xff), options);
    expect(await collect(source(content(20 * C), step).stream.pipeThrough(sealing))).toEqual(object);
    const opening = openStream({ key });
    expect(await collect(source(object, step).stream.pipeThrough(opening))).toEqual(content(20 * C));
    expect((await opening.verified).contentLength).toBe(20 * C);
    expect(sealing.commitment).toEqual(open(object, { key }).header.commitment);
  });

  it('seal nothing into an object', async () => {
    const empty = await collect(source(new Uint8Array(), 1).stream.pipeThrough(sealStream(options)));
    expect(open(empty, { key }).contentLength).toBe(0);
  });

  it.each([
    ['sealing', () => source(content(20 * C), C), () => sealStream(options)],
    ['opening', () => source(object, C), () => openStream({ key })],
  ])('%s takes no more than a slow consumer lets through', async (_name, input, transform) => {
    const { stream, taken } = input();
    const reader = stream.pipeThrough<Bytes>(transform()).getReader();
    await settle();
    expect(taken()).toBeLessThanOrEqual(4 * C);
    for (let i = 0; i < 6; i++) {
      await reader.read();
      await settle();
    }
    expect(taken()).toBeGreaterThanOrEqual(2 * C);
    expect(taken()).toBeLessThanOrEqual(10 * C);
    await reader.cancel();
  });

  it('one large piece is worked on chunk by chunk', async () => {
    let released = 0;
    const opening = openStream({ key });
    const writer = opening.writable.getWriter();
    const bad = flip(object, (128 + 10 * (C + 16)) * 8);
    const writing = writer.write(bad).catch((error: unknown) => error);
    const reader = opening.readable.getReader();
    for (let i = 0; i < 10; i++) released += (await reader.read()).value?.length ?? 0;
    expect(released).toBe(10 * C);
    await expect(reader.read()).rejects.toMatchObject({ code: 'chunk-damaged' });
    expect(await writing).toMatchObject({ code: 'chunk-damaged' });
    await expect(opening.verified).rejects.toMatchObject({ code: 'chunk-damaged' });
  });

  // proves RDR-8
  it('are not verified before the consumer has everything', async () => {
    const opening = openStream({ key });
    let verified = false;
    void opening.verified.then(() => (verified = true));
    const reader = source(object, C).stream.pipeThrough(opening).getReader();
    for (let left = 20 * C; left > 0; left -= (await reader.read()).value?.length ?? 0)
      expect(verified).toBe(false);
    await reader.read();
    expect(verified).toBe(true);
  });

  it('a cut object fails at its end', async () => {
    const opening = openStream({ key });
    const cut = object.subarray(0, object.length - 5);
    await expect(collect(source(cut, C).stream.pipeThrough(opening))).rejects.toMatchObject({
      code: 'chunk-damaged',
    });
    await expect(opening.verified).rejects.toMatchObject({ code: 'chunk-damaged' });
  });

  it.each([
    ['sealing', (signal: AbortSignal) => sealStream({ ...options, signal })],
    ['opening', (signal: AbortSignal) => openStream({ key, signal })],
  ])('an abort ends %s at once, while it waits for its consumer', async (name, transform) => {
    const controller = new AbortController();
    const { readable, writable } = transform(controller.signal);
    const writer = writable.getWriter();
    const writing = writer
      .write(name === 'sealing' ? content(5 * C) : object)
      .catch((error: unknown) => error);
    await settle();
    controller.abort();
    expect(await writing).toMatchObject({ code: 'cancelled' });
    await expect(collect(readable)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('a consumer who cancels stops the source', async () => {
    const { stream, taken } = source(object, C);
    const opening = openStream({ key });
    const reader = stream.pipeThrough(opening).getReader();
    await reader.read();
    await reader.cancel(new Error('no more'));
    await settle();
    const before = taken();
    await settle();
    expect(taken()).toBe(before);
    await expect(opening.verified).rejects.toThrow('no more');
  });
});
