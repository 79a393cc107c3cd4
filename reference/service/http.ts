/**
 * The HTTP edge of vaults and relays (spec/http.md). It reads nothing that is too long, waits for nobody, and says in
 * the clear only what concerns every account alike.
 *
 * @module
 */
import {
  createServer,
  STATUS_CODES,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { BoundedRequest, Connections } from './connections.ts';
import { Problem, problemOf } from './problem.ts';

/** Longest body of a request, in bytes. */
export const MAX_BODY = 4096;
/** Milliseconds within which a request must have arrived. */
export const REQUEST_TIMEOUT = 5000;
/** Milliseconds after which a connection on which nothing moves is ended. */
const IDLE_TIMEOUT = 10_000;
/** Milliseconds that a client has to read why its connection is ended. */
const LINGER = 250;

/** What is known of a request before its body is read. */
export interface Head {
  /** Of the sender. */
  readonly address: string;
  readonly headers: IncomingHttpHeaders;
}

/** A sealed answer, and what a log may say of it. */
export interface Answered {
  readonly answer: Bytes;
  readonly command?: number;
  readonly outcome?: string;
}

/** What the edge serves. What it throws is answered with a problem document. */
export interface Backend {
  /** Looks at the head of an exchange; gives back what answers its body. */
  accept(head: Head): (body: Bytes) => Promise<Answered>;
  /** Signed fleet descriptor. */
  descriptor(): Promise<Bytes>;
  /** Why nothing is served; undefined while something is. */
  failure(): ErrorCode | undefined;
  /** What `/readyz` says, as JSON, while something is served. */
  readiness(): object;
}

/** One line of the log; there are no other fields. */
export interface HttpEvent {
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
  readonly command?: number;
  readonly outcome?: string;
  readonly code?: ErrorCode;
}

/** Status of what Node cannot read as a request. */
const UNREADABLE: Partial<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** On every answer, whatever its status. */
const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** Answers what did not become a request, and ends the connection. */
function refuse(socket: Duplex, status: number): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { body } = new Problem(status, 'malformed');
  const type = 'application/problem+json';
  const length = String(Buffer.byteLength(body));
  const headers = { ...HEADERS, connection: 'close', 'content-type': type, 'content-length': length };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n'));
  setTimeout(() => socket.destroy(), LINGER);
}

async function readBody(request: IncomingMessage): Promise<Bytes> {
  if (request.headers['content-type'] !== 'application/octet-stream') throw new Problem(415, 'malformed');
  const length = request.headers['content-length'];
  if (length === undefined) throw new Problem(411, 'malformed');
  if (Number(length) > MAX_BODY) throw new Problem(413, 'malformed');
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part as Uint8Array);
  return concat(...parts);
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly event?: Pick<HttpEvent, 'command' | 'outcome' | 'code'>;
}

const ROUTES: Readonly<Record<string, 'GET' | 'POST'>> = {
  '/v1/exchange': 'POST',
  '/v1/fleet': 'GET',
  '/healthz': 'GET',
  '/readyz': 'GET',
};

/** A server, and how many of its requests are being handled. */
export interface HttpEdge {
  readonly server: Server;
  /** Connections that are open. */
  readonly connections: () => number;
  /** Refuses new requests, waits for those under way, and closes. */
  readonly drain: () => Promise<void>;
}

/** Makes the server; it does not listen yet. */
export function httpEdge(
  backend: Backend,
  maxConcurrent: number,
  log: (event: HttpEvent) => void,
  maxConnections?: number,
): HttpEdge {
  let active = 0;
  let draining = false;
  let idle = (): void => {};

  async function exchange(request: IncomingMessage): Promise<Reply> {
    if (draining || backend.failure() !== undefined) throw new Problem(503, 'not-ready');
    const { headers, socket } = request;
    const respond = backend.accept({ address: socket.remoteAddress ?? '', headers });
    const body = await readBody(request);
    // Counted from here on, so that senders who take their time keep nobody out.
    if (active >= maxConcurrent) throw new Problem(503, 'overloaded');
    active++;
    try {
      const { answer, ...event } = await respond(body);
      return { status: 200, type: 'application/octet-stream', body: answer, event };
    } finally {
      if (--active === 0) idle();
    }
  }

  async function route(request: IncomingMessage, path: string): Promise<Reply> {
    const { host, expect } = request.headers;
    if (host === undefined && request.httpVersion !== '1.0') throw new Problem(400, 'malformed');
    if (expect !== undefined && expect.toLowerCase() !== '100-continue') throw new Problem(417, 'malformed');
    const method = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
    if (method === undefined) throw new Problem(404, 'malformed');
    if (request.method !== method) throw new Problem(405, 'malformed', { allow: method });
    if (path === '/v1/exchange') return exchange(request);
    if (path === '/v1/fleet')
      return { status: 200, type: 'application/octet-stream', body: await backend.descriptor() };
    if (path === '/healthz') return { status: 200, type: 'text/plain', body: 'ok\n' };
    const failure = draining ? 'not-ready' : backend.failure();
    if (failure !== undefined) throw new Problem(503, failure);
    return { status: 200, type: 'application/json', body: JSON.stringify(backend.readiness()) };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const [path = ''] = (request.url ?? '').split('?', 1);
    const reply = await route(request, path).catch((error: unknown): Reply => {
      const { status, code, headers, body } = problemOf(error);
      // The log names a failure of the vault, which the answer does not.
      const event = { code: isStrongroomError(error) ? error.code : code };
      return { status, type: 'application/problem+json', body, headers, event };
    });
    const { status, type, body, headers, event } = reply;
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      ...HEADERS,
      // What was not read of a refused body must not be taken for the next request.
      ...(draining || !request.complete ? { connection: 'close' } : {}),
      ...headers,
    });
    response.end(body);
    const known = Object.hasOwn(ROUTES, path) ? path : 'other';
    log({ path: known, status, milliseconds: Math.round(performance.now() - started), ...event });
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (connections.admits(request, response)) answer(request, response).catch(() => response.destroy());
  };
  const server = createServer(
    {
      IncomingMessage: BoundedRequest,
      requireHostHeader: false, // Node would answer without a document
      requestTimeout: REQUEST_TIMEOUT,
      headersTimeout: REQUEST_TIMEOUT,
      keepAliveTimeout: REQUEST_TIMEOUT,
      // Node looks for late requests only this often, and every 30 s unless told.
      connectionsCheckingInterval: 500,
      maxHeaderSize: 8192,
    },
    listener,
  );
  const connections = new Connections(server, maxConnections);
  server.timeout = IDLE_TIMEOUT;
  server.on('checkExpectation', listener);
  server.on('connect', (_request, socket) => {
    refuse(socket, 404);
  });
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    refuse(socket, UNREADABLE[code] ?? 400);
  });

  async function drain(): Promise<void> {
    draining = true;
    const late = setTimeout(() => {
      idle();
      server.closeAllConnections();
    }, 2 * REQUEST_TIMEOUT);
    // It listens for as long as it works, so that `/readyz` can say what is going on.
    if (active > 0) await new Promise<void>((resolve) => (idle = resolve));
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await closed;
    clearTimeout(late);
  }
  return { server, connections: () => connections.size, drain };
}
