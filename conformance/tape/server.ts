/**
 * HTTP servers of the suite's own, whose requests are on the tape of the case that started them.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bound, tapeHere } from './tape.ts';

/** A server that listens on the loopback interface. */
export interface LocalServer {
  /** Without a slash at its end. */
  readonly origin: string;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** Headers that matter; the rest is the business of connections. */
const HEADERS: readonly string[] = ['content-type', 'range', 'if-range'];

/** Starts a server; `answer` gets the whole body. */
export async function serve(
  answer: (request: IncomingMessage, body: Uint8Array<ArrayBuffer>, response: ServerResponse) => void,
): Promise<LocalServer> {
  let number = 0;
  const handle = bound(async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    const body = new Uint8Array(Buffer.concat(parts));
    const { method = 'GET', url: path = '/' } = request;
    const headers = Object.fromEntries(
      HEADERS.flatMap((name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? [[name, value]] : [];
      }),
    );
    tapeHere()?.heard({ server: number, method, path, headers, body: Buffer.from(body).toString('hex') });
    answer(request, body, response);
  });
  const server = createServer((request, response) => {
    // A client that goes away in the middle of its request has not asked anything.
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  number = tapeHere()?.serves(origin) ?? 0;
  return {
    origin,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
