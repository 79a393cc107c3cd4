/**
 * The connections of a vault (spec/http.md, "Connections"): there are never more than the system allows, and one that
 * asks for nothing gives way to a new one.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Most connections, whatever the system allows. */
const MAX_CONNECTIONS = 4096;
/** Open files that are not connections: store, anchor, log and what Node itself needs. */
const OTHER_FILES = 64;
/** Most requests under way on one connection; a client that waits for its answers has one. */
export const MAX_PIPELINED = 8;

/** How many connections this process can have. */
function systemLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files: { soft: unknown } } };
  const soft = Number(userLimits?.open_files.soft); // not a number if there is no limit
  return Number.isInteger(soft)
    ? Math.max(1, Math.min(MAX_CONNECTIONS, soft - OTHER_FILES))
    : MAX_CONNECTIONS;
}

/** Keeps count of the connections of a server, and of the requests on each. */
export class Connections {
  /** Requests under way; who was idle longest comes first. */
  readonly #underWay = new Map<Socket, number>();

  constructor(server: Server, limit: number = systemLimit()) {
    server.maxConnections = limit;
    // Somewhat earlier: what is ended now is counted until it is closed.
    const crowded = Math.ceil(limit * 0.9);
    server.on('connection', (socket) => {
      if (this.#underWay.size >= crowded) this.#endIdle();
      this.#underWay.set(socket, 0);
      socket.once('close', () => this.#underWay.delete(socket));
    });
  }

  /** False for a request on a connection that has too many; that connection is ended. */
  admits({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const before = this.#underWay.get(socket);
    if (before === undefined || socket.destroyed) return false;
    if (before === MAX_PIPELINED) {
      socket.destroy();
      return false;
    }
    this.#underWay.set(socket, before + 1);
    response.once('close', () => {
      const count = this.#underWay.get(socket);
      if (count === undefined) return;
      this.#underWay.delete(socket);
      this.#underWay.set(socket, count - 1);
    });
    return true;
  }

  #endIdle(): void {
    for (const [socket, count] of this.#underWay) {
      if (count > 0) continue;
      this.#underWay.delete(socket);
      socket.destroy();
      return;
    }
  }
}
