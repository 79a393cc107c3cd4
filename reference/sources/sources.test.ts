import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { content, fixed, key } from '../container/fixture.ts';
import { openRange, type ByteSource } from '../container/range.ts';
import { sealWith } from '../container/writer.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { fileSource } from './file.ts';
import { httpSource } from './http.ts';
import { memorySource } from './memory.ts';

const C = 2 ** 14;
const length = 100 * C + 5;
const object = sealWith(fixed(1), content(length), { key, type: 'blob', chunkLog2: 14 });
const other = sealWith(fixed(2), content(length), { key, type: 'blob', chunkLog2: 14 });

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Bytes> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece.slice());
  return concat(...all);
}

async function readsAll(source: ByteSource): Promise<void> {
  expect(await source.length()).toBe(object.length);
  const reader = await openRange(source, { key });
  const ranges = [0, C - 1, 7 * C, 70 * C + 9, length - 3].map(async (at) => {
    const size = Math.min(30 * C, length - at);
    expect(await collect(reader.read(at, size))).toEqual(content(length).slice(at, at + size));
  });
  await Promise.all(ranges);
  // Past the end there is nothing, and that is no error of the source.
  expect(await collect(source.read(object.length - 3, object.length + 50))).toEqual(object.slice(-3));
}

it('memory gives the parts of an object', () => readsAll(memorySource(object)));

describe('a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-sources-'));
  const path = join(folder, 'object');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('gives the parts of an object, and not more than there is', async () => {
    writeFileSync(path, object);
    const fd = openSync(path, 'r');
    try {
      await readsAll(fileSource(fd));
      expect(await collect(fileSource(fd).read(0, object.length))).toEqual(object);
      truncateSync(path, 2_000);
      expect(await collect(fileSource(fd).read(100, 5_000))).toEqual(object.slice(100, 2_000));
    } finally {
      closeSync(fd);
    }
    await expect(collect(fileSource(fd).read(0, 1))).rejects.toMatchObject({ code: 'EBADF' });
  });
});

describe('a server', () => {
  type Answer = (request: IncomingMessage, response: ServerResponse, start: number, end: number) => void;
  let url = '';
  let requests: IncomingMessage[] = [];
  let answer: Answer;
  const server = createServer((request, response) => {
    requests.push(request);
    const [, start = '', last = ''] = /^bytes=(\d+)-(\d+)$/u.exec(request.headers.range ?? '') ?? [];
    answer(request, response, Number(start), Number(last) + 1);
  });

  /** A server as RFC 9110 has it. */
  const serve =
    (bytes: Uint8Array, tag: string): Answer =>
    (request, response, start, wanted) => {
      const condition = request.headers['if-range'];
      if (condition !== undefined && condition !== tag) {
        response.writeHead(200, { etag: tag }).end(bytes);
      } else if (start >= bytes.length) {
        response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      } else {
        const end = Math.min(wanted, bytes.length);
        const range = `bytes ${start}-${end - 1}/${bytes.length}`;
        response.writeHead(206, { etag: tag, 'content-range': range }).end(bytes.subarray(start, end));
      }
    };

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/object`;
  });
  beforeEach(() => {
    requests = [];
    answer = serve(object, '"one"');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('gives the parts of an object', async () => {
    await readsAll(httpSource(url, { headers: { authorization: 'Bearer secret' } }));
    expect(requests.every(({ headers }) => headers.authorization === 'Bearer secret')).toBe(true);
    expect(requests.every(({ headers }) => headers['accept-encoding'] === 'identity')).toBe(true);
    requests = [];
    const reader = await openRange(httpSource(url), { key });
    await reader.probe();
    // The first answer tells the length; it is not asked for again.
    expect(requests.map(({ headers }) => headers.range)).toEqual([
      'bytes=0-4183',
      `bytes=${object.length - ((object.length - reader.header.length) % (C + 16))}-${object.length - 1}`,
    ]);
  });

  // proves RNG-11
  it('asks for the version of the first answer, and names no login and no query in errors', async () => {
    const signed = new URL(`${url}?signature=secret`);
    const reader = await openRange(httpSource(signed), { key });
    await collect(reader.read(0, 100));
    const [first, ...later] = requests.map(({ headers }) => headers['if-range']);
    expect(first).toBeUndefined();
    expect(new Set(later)).toEqual(new Set(['"one"']));
    answer = (_request, response) => response.writeHead(403).end();
    const refused = reader.read(0, 100).next();
    await expect(refused).rejects.toThrow(/403/u);
    await expect(refused).rejects.not.toThrow(/secret/u);
  });

  // proves RNG-9, RNG-10
  it.each<[string, Answer]>([
    ['another version', (...call) => serve(other, '"two"')(...call)],
    [
      'another version under the same tag, of another length',
      (...call) => serve(object.subarray(1), '"one"')(...call),
    ],
    [
      'another version, with no regard to the condition',
      (request, response, start, end) => {
        delete request.headers['if-range'];
        serve(other, '"two"')(request, response, start, end);
      },
    ],
  ])('that comes to hold %s is found out', async (_name, later) => {
    const reader = await openRange(httpSource(url), { key });
    expect(await collect(reader.read(0, 100))).toEqual(content(100));
    answer = later;
    await expect(collect(reader.read(0, 100))).rejects.toMatchObject({
      code: 'changed',
      details: { subject: url },
    });
    expect(requests.at(-1)?.headers['if-range'] ?? '"one"').toBe('"one"');
  });

  const part = (headers: Record<string, string>, status = 206): Answer => {
    const usual = { etag: '"one"', 'content-range': `bytes 0-4183/${object.length}` };
    return (_request, response) =>
      response.writeHead(status, { ...usual, ...headers }).end(object.subarray(0, 4184));
  };
  const range = (value: string): Answer => part({ 'content-range': value });

  // proves RNG-9
  it.each<[string, Answer, string]>([
    ['gives all instead of a part', part({}, 200), 'no-ranges'],
    ['has only a weak entity tag', part({ etag: 'W/"one"' }), 'no-ranges'],
    ['has an empty entity tag', part({ etag: '' }), 'no-ranges'],
    ['encodes the object', part({ 'content-encoding': 'gzip' }), 'no-ranges'],
    ['gives another part', range(`bytes 1-4184/${object.length}`), 'no-ranges'],
    ['gives a shorter part', range(`bytes 0-4182/${object.length}`), 'no-ranges'],
    ['gives a longer part', range(`bytes 0-4184/${object.length}`), 'no-ranges'],
    ['does not know the length', range('bytes 0-4183/*'), 'no-ranges'],
    ['says nothing of the part', range(''), 'no-ranges'],
    ['counts in another unit', range(`chunks 0-4183/${object.length}`), 'no-ranges'],
    ['gives a part past its own end', range('bytes 0-4183/4000'), 'no-ranges'],
    ['has a length that no number holds', range('bytes 0-4183/9007199254740993'), 'no-ranges'],
    ['has nothing there', part({}, 404), 'object-missing'],
    ['has nothing there any more', part({}, 410), 'object-missing'],
    ['wants a login', part({}, 401), 'permission'],
    ['refuses', part({}, 403), 'permission'],
    ['has less than that', part({}, 416), 'truncated'],
    ['is out of order', part({}, 503), 'io'],
    ['says nothing changed', (_request, response) => response.writeHead(304).end(), 'io'],
    ['breaks the connection off', (request) => request.socket.destroy(), 'io'],
  ])('that %s is refused', async (_name, answers, code) => {
    answer = answers;
    await expect(openRange(httpSource(url), { key })).rejects.toMatchObject({ code });
  });

  it('that breaks off within a part is io; one that ends it early, without having said so, truncated', async () => {
    const reader = await openRange(httpSource(url), { key });
    await reader.probe();
    const headers = (start: number, end: number): Record<string, string> => ({
      etag: '"one"',
      'content-range': `bytes ${start}-${end - 1}/${object.length}`,
    });
    answer = (_request, response, start, end) => {
      response.writeHead(206, { ...headers(start, end), 'content-length': String(end - start) });
      response.write(object.subarray(start, start + 2 * C), () => response.destroy());
    };
    await expect(collect(reader.read(0, 10 * C))).rejects.toMatchObject({ code: 'io' });
    answer = (_request, response, start, end) => {
      response.writeHead(206, headers(start, end));
      response.write(object.subarray(start, start + 2 * C));
      response.end();
    };
    await expect(collect(reader.read(0, 10 * C))).rejects.toMatchObject({ code: 'truncated' });
    answer = serve(object, '"one"');
    expect(await collect(reader.read(0, 10 * C))).toEqual(content(10 * C));
  });

  it('that gives the wrong bytes is found out by the object', async () => {
    const reader = await openRange(httpSource(url), { key });
    await reader.probe();
    answer = serve(
      object.map((byte, i) => (i === 5 * C + 500 ? byte ^ 1 : byte)),
      '"one"',
    );
    await expect(collect(reader.read(5 * C, 10))).rejects.toMatchObject({ code: 'chunk-damaged' });
  });

  it('that hangs is left at an abort, and the connection with it', async () => {
    const reader = await openRange(httpSource(url), { key });
    await reader.probe();
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      answer = (request, response, start, end) => {
        request.socket.once('close', resolve);
        response.writeHead(206, {
          etag: '"one"',
          'content-range': `bytes ${start}-${end - 1}/${object.length}`,
        });
        response.write(object.subarray(start, start + 3 * C), () => controller.abort());
      };
    });
    await expect(collect(reader.read(0, 10 * C, controller.signal))).rejects.toMatchObject({
      code: 'cancelled',
    });
    await closed;
  });
});
