import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { httpTransport, MAX_ANSWER } from './transport.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server on the loopback interface, and how often it was asked. */
async function serve(listener: RequestListener): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

const BODY = Uint8Array.of(1, 2, 3);
const unavailable = { code: 'unavailable' };

// proves CLI-9, CLI-10, CLI-11, CLI-12
describe('an exchange', () => {
  test('posts bytes and brings bytes back, under a base path', async () => {
    const { url } = await serve((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method, headers } = request;
        const sound = method === 'POST' && headers['content-type'] === 'application/octet-stream';
        response.statusCode = sound && request.url === '/relay/v1/exchange' ? 200 : 400;
        response.end(Uint8Array.from(Buffer.concat(parts)).toReversed());
      });
    });
    expect(await httpTransport(`${url}/relay`).exchange(BODY)).toEqual(Uint8Array.of(3, 2, 1));
  });

  test('follows no redirect', async () => {
    const target = await serve((_request, response) => response.end('x'));
    const { url } = await serve((_request, response) => {
      response.writeHead(307, { location: target.url }).end();
    });
    await expect(httpTransport(url).exchange(BODY)).rejects.toMatchObject(unavailable);
    expect(target.asked()).toBe(0);
  });

  test.each([204, 400, 401, 404, 429, 500, 503])('ends with unavailable at status %i', async (status) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/problem+json' });
      response.end(status === 204 ? undefined : JSON.stringify({ code: 'destroyed' }));
    });
    await expect(httpTransport(url).exchange(BODY)).rejects.toMatchObject(unavailable);
  });

  test('stops reading an answer that is too long, however long it goes on', async () => {
    const { url } = await serve((_request, response) => {
      const flood = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
      response.on('close', () => clearInterval(flood));
    });
    await expect(httpTransport(url).exchange(BODY)).rejects.toMatchObject(unavailable);
    const { url: exact } = await serve((_request, response) => response.end(Buffer.alloc(MAX_ANSWER)));
    expect(await httpTransport(exact).exchange(BODY)).toHaveLength(MAX_ANSWER);
  });

  test('waits for a stalled answer no longer than its limit', async () => {
    const { url } = await serve((_request, response) => response.write('a'));
    const started = performance.now();
    const call = httpTransport(url, { timeout: 200 }).exchange(BODY);
    await expect(call).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('in time') as string,
    });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('says why nobody answers', async () => {
    const { url } = await serve(() => undefined);
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    await expect(httpTransport(url).exchange(BODY)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  test('ends with cancelled when it is stopped', async () => {
    const controller = new AbortController();
    const { url } = await serve(() => controller.abort());
    await expect(httpTransport(url).exchange(BODY, controller.signal)).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});

// proves CLI-8
describe('addresses', () => {
  test.each([
    'https://vault.example',
    'http://127.0.0.1:1',
    'http://127.9.9.9',
    'http://localhost:1',
    'http://[::1]:1',
  ])('%s is secure enough', (address) => {
    expect(() => httpTransport(address)).not.toThrow();
  });

  test.each([
    'http://vault.example',
    'http://128.0.0.1',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://[::2]',
    'ftp://127.0.0.1',
    'https://user:pass@vault.example',
    'https://vault.example/?a=b',
    'vault.example',
    '',
  ])('%s is refused', (address) => {
    expect(() => httpTransport(address)).toThrow(expect.objectContaining({ code: 'insecure-url' }) as Error);
  });
});

describe('the token of an account at a relay', () => {
  // proves CLI-57
  test('goes with exchanges, and with nothing else', async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await serve((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      response.end('x');
    });
    const transport = httpTransport(url, { token: 'a-b_c~d.e+f/g==' });
    await transport.descriptor();
    await transport.exchange(BODY);
    await httpTransport(url).exchange(BODY);
    expect(seen).toEqual([
      '/v1/fleet undefined',
      '/v1/exchange Bearer a-b_c~d.e+f/g==',
      '/v1/exchange undefined',
    ]);
  });

  test.each(['', 'a b', 'a\nb', 'ä', '=a'])('is refused if a header cannot carry it: %j', (token) => {
    expect(() => httpTransport('https://vault.example', { token })).toThrow(
      expect.objectContaining({ code: 'usage' }) as Error,
    );
  });

  test.each([
    [{}, 401, {}, 'a token is needed'],
    [{ token: 'x' }, 401, {}, 'the token is not taken'],
    [{ token: 'x' }, 429, { 'retry-after': '120' }, 'try again in 2 minutes'],
  ] as const)('people are told why it was not enough: %j, %i', async (options, status, headers, text) => {
    const { url } = await serve((_request, response) => void response.writeHead(status, headers).end());
    await expect(httpTransport(url, options).exchange(BODY)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(text) as string,
    });
  });
});
