/**
 * Ways to be a nuisance to a vault, in a process of its own: `node attacks.ts <name> <port> <seconds>`.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';
import { ASSERTION_SIZE, Exchange } from '../../exchange/assertion.ts';
import { encode } from '../../wire/codec.ts';

const HEAD = 'POST /v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n';
/** Decodes as an exchange, and opens under no key. */
const NOISE = encode(Exchange, {
  version: 1,
  mode: 'none',
  assertion: new Uint8Array(ASSERTION_SIZE),
  sealedRequest: new Uint8Array(2200).fill(1),
});

/** What one connection does; it is made anew whenever it ends. */
interface Attack {
  readonly connections: number;
  /** Addresses that the connections come from. */
  readonly addresses: number;
  /** Called when it is connected. */
  readonly act: (socket: Socket) => void;
}

/** Writes again and again, as fast as the other side reads. */
function stream(socket: Socket, block: Uint8Array | string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(block));
  };
  socket.on('drain', more);
  more();
}

/** Writes a letter twice a second. */
function trickle(socket: Socket, head: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write('a'), 500);
  socket.once('close', () => clearInterval(timer));
}

/** Writes a request, and the next one as soon as something comes back. */
function repeat(socket: Socket, request: Uint8Array): void {
  socket.write(request);
  socket.on('data', () => socket.write(request));
}

const noise = Buffer.concat([Buffer.from(`${HEAD}content-length: ${NOISE.length}\r\n\r\n`), NOISE]);

/** All of them. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  'slow head': {
    connections: 1000,
    addresses: 1,
    act: (socket) => trickle(socket, 'POST /v1/exchange HTTP/1.1\r\nx: '),
  },
  'slow body': {
    connections: 1000,
    addresses: 1,
    act: (socket) => trickle(socket, `${HEAD}content-length: 4000\r\n\r\n`),
  },
  'half-open': { connections: 2000, addresses: 1, act: () => undefined },
  'huge body': {
    connections: 50,
    addresses: 1,
    act(socket) {
      socket.write(`${HEAD}content-length: 1000000000\r\n\r\n`);
      stream(socket, Buffer.alloc(65_536));
    },
  },
  'endless chunks': {
    connections: 50,
    addresses: 1,
    act(socket) {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
      stream(socket, `1000\r\n${'x'.repeat(4096)}\r\n`.repeat(16));
    },
  },
  'flood, few connections': { connections: 8, addresses: 1, act: (socket) => repeat(socket, noise) },
  'flood, many connections': { connections: 600, addresses: 8, act: (socket) => repeat(socket, noise) },
  pipelining: {
    connections: 300,
    addresses: 1,
    act: (socket) => stream(socket, 'GET /v1/fleet HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2000)),
  },
};

/** Attacks until the process is ended. Addresses are 127.0.1.1 and so on: none that an honest client has. */
function attack({ connections, addresses, act }: Attack, port: number): void {
  const begin = (i: number): void => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${1 + (i % addresses)}` });
    socket.once('connect', () => act(socket));
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    socket.once('close', () => setTimeout(() => begin(i), 5));
  };
  for (let i = 0; i < connections; i++) begin(i);
}

if (process.argv[1] === import.meta.filename) {
  const [, , name = '', port, seconds] = process.argv;
  const wanted = ATTACKS[name];
  if (wanted === undefined) throw new Error(`no attack "${name}"`);
  attack(wanted, Number(port));
  setTimeout(() => process.exit(), 1000 * Number(seconds));
}
