import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import { MAX_PIPELINED } from './connections.ts';
import { httpEdge, type Backend, type HttpEdge, type HttpEvent } from './http.ts';

type Exchange = ReturnType<Backend['accept']>;

let edge: HttpEdge;
let url: string;
let events: HttpEvent[];
let failure: ErrorCode | undefined;

async function listen(exchange: Exchange, maxConcurrent = 2, maxConnections?: number): Promise<void> {
  events = [];
  failure = undefined;
  const backend: Backend = {
    accept: () => exchange,
    descriptor: () => Promise.resolve(new Uint8Array(3)),
    failure: () => failure,
    readiness: () => ({ status: 'ready' }),
  };
  edge = httpEdge(backend, maxConcurrent, (event) => events.push(event), maxConnections);
  edge.server.listen(0, '127.0.0.1');
  await once(edge.server, 'listening');
  url = `http://127.0.0.1:${(edge.server.address() as AddressInfo).port}`;
}
afterEach(() => edge.server.closeAllConnections());

const post = async (): Promise<[number, string | undefined]> => {
  const headers = { 'content-type': 'application/octet-stream' };
  const response = await fetch(`${url}/v1/exchange`, { method: 'POST', headers, body: 'x' });
  if (response.status === 200) return [200, undefined];
  return [response.status, ((await response.json()) as { code: string }).code];
};
const answered = { answer: new Uint8Array(1), command: 6, outcome: 'ok' } as const;

/** A backend that answers when it is told to. */
function gate(): { readonly exchange: Exchange; readonly waiting: (() => void)[] } {
  const waiting: (() => void)[] = [];
  return { waiting, exchange: () => new Promise((resolve) => waiting.push(() => resolve(answered))) };
}
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('the HTTP edge', () => {
  // proves HTP-10
  it('takes as many requests as it may, says overloaded to the next, and recovers', async () => {
    const { exchange, waiting } = gate();
    await listen(exchange);
    const first = [post(), post()];
    await until(() => waiting.length === 2);
    expect(await post()).toEqual([503, 'overloaded']);
    for (const release of waiting.splice(0)) release();
    expect(await Promise.all(first)).toEqual([
      [200, undefined],
      [200, undefined],
    ]);
    const again = post();
    await until(() => waiting.length === 1);
    waiting[0]?.();
    expect(await again).toEqual([200, undefined]);
  });

  it('is not kept busy by senders that send nothing', async () => {
    await listen(() => Promise.resolve(answered), 1);
    const idle: Socket[] = Array.from({ length: 20 }, () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(
        'POST /v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: 9\r\n\r\n',
      );
      return socket;
    });
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    expect(await post()).toEqual([200, undefined]);
    for (const socket of idle) socket.destroy();
  });

  // proves HTP-13, HTP-14
  it('finishes what is under way when it drains, takes nothing new, and says that it is not ready', async () => {
    const { exchange, waiting } = gate();
    await listen(exchange);
    const under = post();
    await until(() => waiting.length === 1);
    const drained = edge.drain();
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, ((await ready.json()) as { code: string }).code]).toEqual([503, 'not-ready']);
    expect(await post()).toEqual([503, 'not-ready']);
    expect(waiting).toHaveLength(1);
    waiting[0]?.();
    expect(await under).toEqual([200, undefined]);
    await drained;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  // proves HTP-3, HTP-11
  it.each<[Error, number, string, string]>([
    [new StrongroomError('channel-open-failed', 'x'), 400, 'channel-open-failed', 'channel-open-failed'],
    [new StrongroomError('overloaded', 'a secret detail'), 503, 'overloaded', 'overloaded'],
    [new StrongroomError('record-invalid', 'a secret detail'), 503, 'not-ready', 'record-invalid'],
    [new TypeError('a secret detail'), 503, 'not-ready', 'not-ready'],
  ])('answers %s without its details, and logs its code', async (fault, status, code, logged) => {
    await listen(() => Promise.reject(fault));
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await fetch(`${url}/v1/exchange`, { method: 'POST', headers, body: 'x' });
    const text = await response.text();
    expect([response.status, (JSON.parse(text) as { code: string }).code]).toEqual([status, code]);
    expect(text).not.toContain('secret');
    expect(JSON.stringify(events)).not.toContain('secret');
    expect(events).toMatchObject([{ status, code: logged }]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.has('retry-after')).toBe(status === 503);
  });

  it('asks the backend nothing while it does not serve', async () => {
    let asked: Bytes | undefined;
    await listen((body) => {
      asked = body;
      return Promise.resolve(answered);
    });
    failure = 'rollback-detected';
    expect(await post()).toEqual([503, 'not-ready']);
    expect(asked).toBeUndefined();
    const ready = await fetch(`${url}/readyz`);
    expect(await ready.json()).toMatchObject({ status: 503, code: 'rollback-detected' });
    expect((await fetch(`${url}/v1/fleet`)).status).toBe(200);
  });
});

/** A connection, and everything that has come from it. */
function raw(text: string): { readonly socket: Socket; readonly received: () => string } {
  let received = '';
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
  socket.on('data', (data) => (received += data.toString('latin1')));
  socket.on('error', () => {});
  return { socket, received: () => received };
}

describe('what is no request', () => {
  const exchange = 'POST /v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n';

  // proves HTP-2, HTP-5
  it.each([
    ['another protocol', 'hello\r\n\r\n', 400],
    ['two lengths', `${exchange}content-length: 1\r\ncontent-length: 2\r\n\r\nx`, 400],
    [
      'a length and chunks',
      `${exchange}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a head that is too long', `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['an expectation', `${exchange}expect: 200-ok\r\ncontent-length: 1\r\n\r\nx`, 417],
    ['a tunnel', 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n', 404],
    ['nobody to ask', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['half a request', 'POST /v1', 408],
  ])('is answered with a problem document: %s', { timeout: 10_000 }, async (_name, text, status) => {
    await listen(() => Promise.resolve(answered));
    const { socket, received } = raw(text);
    await until(() => received().includes('}'));
    socket.destroy();
    const [head = '', body = ''] = received().split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `, 'u'));
    expect(head).toMatch(/content-type: application\/problem\+json/u);
    expect(head).toMatch(/cache-control: no-store/u);
    expect(JSON.parse(body)).toMatchObject({ status, code: 'malformed' });
  });
});

describe('a connection', () => {
  const get = 'GET /v1/fleet HTTP/1.1\r\nhost: x\r\n\r\n';
  const ask =
    'POST /v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: 1\r\n\r\nx';

  // proves HTP-17
  it('has few requests under way, and is ended if it has more', async () => {
    const { exchange, waiting } = gate();
    await listen(exchange, 100);
    const few = raw(ask.repeat(MAX_PIPELINED));
    await until(() => waiting.length === MAX_PIPELINED);
    for (const release of waiting.splice(0)) release();
    await until(() => few.received().split('HTTP/1.1 200').length === MAX_PIPELINED + 1);
    few.socket.write(ask);
    await until(() => waiting.length === 1);
    few.socket.destroy();
    const many = raw(get.repeat(2000));
    await until(() => many.socket.closed);
    expect(events.filter(({ path }) => path === '/v1/fleet').length).toBeLessThanOrEqual(MAX_PIPELINED);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  // proves HTP-22
  it('is not read on when it has been ended, however much of it has arrived', async () => {
    await listen(() => Promise.resolve(answered));
    let parsed = 0;
    edge.server.on('request', () => parsed++);
    const { socket } = raw(get.repeat(1800)); // 60 KiB, which arrive as one piece
    await until(() => socket.closed);
    expect(parsed).toBeLessThanOrEqual(MAX_PIPELINED + 1);
  });

  // proves HTP-19
  it('that has begun a request and does not end it gives way, and the honest are served', async () => {
    await listen(() => Promise.resolve(answered), 2, 20);
    const head =
      'POST /v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: 9\r\n\r\nx';
    let begun = 0;
    edge.server.on('request', () => begun++);
    const slow: Socket[] = [];
    for (let i = 1; i <= 40; i++) {
      const { socket } = raw(head);
      slow.push(socket);
      await until(() => begun === i || socket.closed);
    }
    for (let i = 0; i < 10; i++) expect(await post()).toEqual([200, undefined]);
    for (const socket of slow) socket.destroy();
  });

  // proves HTP-18
  it('is ended when nothing moves on it', async () => {
    await listen(() => Promise.resolve(answered));
    expect(edge.server.timeout).toBe(10_000);
  });

  // proves HTP-19
  it('that was idle longest gives way to a new one, and one with a request under way does not', async () => {
    const { exchange, waiting } = gate();
    await listen(exchange, 2, 20);
    const under = raw(ask);
    await until(() => waiting.length === 1);
    const idle: Socket[] = [];
    let closed = 0;
    for (let i = 0; i < 60; i++) {
      const { socket } = raw('');
      socket.once('close', () => closed++);
      idle.push(socket);
      await once(socket, 'connect');
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await until(() => closed >= 40);
    waiting[0]?.();
    await until(() => under.received().includes('HTTP/1.1 200'));
    for (const socket of [under.socket, ...idle]) socket.destroy();
  });
});
