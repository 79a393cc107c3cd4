/**
 * A relay that runs: folder in, listening server out (spec/http.md, "Relay"). It knows its users by their tokens and
 * vouches for them to the vault; it cannot read what they say.
 *
 * @module
 */
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import { readSecretFile } from '../hsm/file.ts';
import { connectionLimit } from '../service/connections.ts';
import { httpEdge, type Backend, type Head, type HttpEvent } from '../service/http.ts';
import { addressName, Limit } from '../service/limits.ts';
import { jsonLog, listen } from '../service/listen.ts';
import { serveMetrics, serverMetrics } from '../service/metrics.ts';
import { hex, wipe, type Bytes } from '../wire/bytes.ts';
import { assertExchange } from './assert.ts';
import { readRelayConfig, type RelayConfig } from './config.ts';
import { Tokens } from './tokens.ts';
import { Upstream } from './upstream.ts';

/** A line of the log: one of these shapes, and never an account, a token or an address. */
export type RelayEvent =
  | ({ readonly event: 'request' } & HttpEvent)
  | { readonly event: 'listening'; readonly url: string; readonly metrics?: string }
  | { readonly event: 'tokens-refused'; readonly code: ErrorCode }
  | { readonly event: 'stopping' }
  | { readonly event: 'stopped' };

/** Settings that are not part of the folder. */
export interface ServeRelayOptions {
  readonly folder: string;
  /** Instead of the configured one; 0 = any free port. */
  readonly port?: number;
  /** Instead of JSON lines on standard output. */
  readonly log?: (event: RelayEvent) => void;
  /** Wall-clock seconds since 1970. */
  readonly wallClock?: () => number;
}

/** A relay that listens. */
export interface RelayServer {
  /** For example `http://127.0.0.1:8788`. */
  readonly url: string;
  /** Finishes what is under way, then closes. */
  close(): Promise<void>;
}

/**
 * Opens the relay of a folder and listens.
 *
 * @throws StrongroomError `invalid-config`, `keys-missing`, `keys-damaged`, `keys-exposed`
 */
export async function serveRelay(options: ServeRelayOptions): Promise<RelayServer> {
  const config = await readRelayConfig(options.folder);
  const log = options.log ?? jsonLog();
  const secret = await readSecretFile(config.key, 'keys-missing');
  if (secret.length !== 32) {
    throw new StrongroomError('keys-damaged', `${config.key} is not of 32 bytes`, { subject: 'key' });
  }
  const tokens = await Tokens.open(config.tokens, (error) =>
    log({ event: 'tokens-refused', code: isStrongroomError(error) ? error.code : 'io' }),
  );
  const closers: (() => Promise<void> | void)[] = [() => tokens.close(), () => wipe(secret)];
  const close = async (): Promise<void> => {
    for (const each of closers.toReversed()) await each();
  };
  try {
    const metrics = config.metrics && { ...serverMetrics('relay_'), listen: config.metrics };
    const backend = backendOf(config, tokens, secret, options.wallClock);
    const note = (event: HttpEvent): void => {
      log({ event: 'request', ...event });
      metrics?.request(event);
    };
    // Each request under way has a connection to the vault, too.
    const limit = connectionLimit(config.maxConcurrent);
    const { server, connections, drain } = httpEdge(backend, config.maxConcurrent, note, limit);
    metrics?.watch(connections);
    const watched = metrics && (await serveMetrics(metrics.registry, metrics.listen));
    if (watched !== undefined) closers.push(() => watched.close());
    const { host, port } = config.listen;
    const url = await listen(server, { host, port: options.port ?? port });
    closers.push(drain);
    log({ event: 'listening', url, ...(watched && { metrics: watched.url }) });
    return {
      url,
      async close() {
        log({ event: 'stopping' });
        await close();
        log({ event: 'stopped' });
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function backendOf(
  { vault, limits = {} }: RelayConfig,
  tokens: Tokens,
  secret: Bytes,
  wallClock: () => number = () => Math.floor(Date.now() / 1000),
): Backend {
  const upstream = new Upstream(vault);
  const [perAccount, perAddress] = [limits.account, limits.address].map((rate) => rate && new Limit(rate));
  return {
    accept(head) {
      perAddress?.take(addressName(addressOf(head, limits.forwardedFor === true)));
      const account = tokens.accountOf(head.headers.authorization);
      perAccount?.take(hex(account));
      return async (body) => ({
        answer: await upstream.exchange(assertExchange(body, account, secret, wallClock())),
      });
    },
    descriptor: () => upstream.descriptor(),
    failure: () => undefined,
    readiness: () => ({ status: 'ready', failed: [] }),
  };
}

/** The sender's address: of the connection, or what the proxy before the relay says of it. */
function addressOf({ address, headers }: Head, forwarded: boolean): string {
  const list = headers['x-forwarded-for'];
  if (!forwarded || list === undefined) return address;
  return String(list).split(',').at(-1)?.trim() ?? address;
}
