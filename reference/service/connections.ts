/**
 * The connections of a server (spec/http.md, "Checks"): there are never more than the system allows, and one that
 * has no whole request under way gives way to a new one.
 *
 * @module
 */
import { readdirSync } from 'node:fs';
import { IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { StrongroomError } from '../errors.ts';

/** Most connections, whatever the system allows. */
const MAX_CONNECTIONS = 4096;
/** Open files that come later: checkpoints of the store, name look-ups, what Node itself needs. */
const SPARE_FILES = 8;
/** Fewest connections that a server begins with: with less, honest clients would push each other out. */
const MIN_CONNECTIONS = 16;
/** Most requests under way on one connection; a client that waits for its answers has one. */
export const MAX_PIPELINED = 8;

/**
 * How many connections this process can have, by the open files that it has left now.
 *
 * @param others files that it may need beside them
 * @throws StrongroomError `invalid-config` if that is too few
 */
export function connectionLimit(others = 0): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files: { soft: unknown } } };
  const soft = Number(userLimits?.open_files.soft); // not a number if there is no limit
  if (!Number.isInteger(soft)) return MAX_CONNECTIONS;
  const left = soft - openFiles() - SPARE_FILES - others;
  if (left >= MIN_CONNECTIONS) return Math.min(MAX_CONNECTIONS, left);
  const enough = soft - left + MIN_CONNECTIONS;
  throw new StrongroomError(
    'invalid-config',
    `only ${soft} open files are allowed; at least ${enough} are needed`,
    {
      subject: 'open files (ulimit -n)',
    },
  );
}

function openFiles(): number {
  try {
    return readdirSync('/dev/fd').length;
  } catch {
    return 48; // where the system does not tell: more than a vault has open
  }
}

/**
 * A request that ends the reading of its connection if that has been ended. Node would go on through all that it has
 * received, 64 KiB at a time, and make two objects for each request in it: hundreds of megabytes from a few hundred
 * connections. It reads no further after a request that asks for another protocol.
 */
export class BoundedRequest extends IncomingMessage {
  constructor(socket: Socket) {
    super(socket);
    if (socket.destroyed) Object.defineProperty(this, 'upgrade', { get: () => true, set: () => {} });
  }
}

/** Keeps count of the connections of a server, and of the requests on each. */
export class Connections {
  /** Requests that are not answered yet. Who has been without one for longest comes first. */
  readonly #requests = new Map<Socket, Set<IncomingMessage>>();

  constructor(server: Server, limit: number = connectionLimit()) {
    server.maxConnections = limit;
    // Somewhat earlier: what is ended now is counted until it is closed.
    const crowded = Math.ceil(limit * 0.9);
    server.on('connection', (socket) => {
      if (this.#requests.size >= crowded) this.#endWaiting();
      this.#requests.set(socket, new Set());
      socket.once('close', () => this.#requests.delete(socket));
    });
  }

  /** Connections that are open. */
  get size(): number {
    return this.#requests.size;
  }

  /** False for a request on a connection that has too many; that connection is ended. */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request;
    const requests = this.#requests.get(socket);
    if (requests === undefined || socket.destroyed) return false;
    if (requests.size === MAX_PIPELINED) {
      socket.destroy();
      return false;
    }
    requests.add(request);
    response.once('close', () => {
      requests.delete(request);
      if (this.#requests.delete(socket)) this.#requests.set(socket, requests);
    });
    return true;
  }

  /** Ends a connection that is owed no answer; a request that has only begun to arrive may never end. */
  #endWaiting(): void {
    for (const [socket, requests] of this.#requests) {
      if ([...requests].some(({ complete }) => complete)) continue;
      this.#requests.delete(socket);
      socket.destroy();
      return;
    }
  }
}
