/**
 * A proxy for tests, which does to requests and answers what a network or a faulty relay does.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bytes } from '../../wire/bytes.ts';
import { concat } from '../../wire/bytes.ts';

/** What was answered to a forwarded request. */
export interface Forwarded {
  readonly status: number;
  readonly body: Bytes;
}

/** Sends a request on; may be called any number of times. */
export type Forward = (body?: Bytes) => Promise<Forwarded>;

/** What becomes of an exchange: its answer, or undefined to break the connection instead. */
export type Treatment = (body: Bytes, forward: Forward) => Promise<Forwarded | undefined>;

/** A proxy before `target`. */
export class Tap {
  readonly url: string;
  /** Exchanges that have passed, as they came. */
  readonly seen: Bytes[] = [];
  treat: Treatment = (_body, forward) => forward();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(target: string): Promise<Tap> {
    const server = createServer((request, response) => {
      const parts: Uint8Array[] = [];
      request.on('data', (part: Uint8Array) => parts.push(part));
      request.on('end', () => {
        tap.#answer(target, request.url ?? '', concat(...parts), response).catch(() => response.destroy());
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tap: Tap = new Tap(server);
    return tap;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(target: string, path: string, body: Bytes, response: ServerResponse): Promise<void> {
    const forward: Forward = async (other = body) => {
      const post = {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(other),
      };
      const answer = await fetch(target + path, path === '/v1/exchange' ? post : {});
      return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) };
    };
    if (path !== '/v1/exchange') {
      const { status, body } = await forward();
      response.writeHead(status).end(body);
      return;
    }
    this.seen.push(body);
    const answer = await this.treat(body, forward);
    if (answer === undefined) response.destroy();
    else response.writeHead(answer.status, { 'content-type': 'application/octet-stream' }).end(answer.body);
  }
}
