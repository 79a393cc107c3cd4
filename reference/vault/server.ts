/**
 * A vault that runs: state folder in, listening server out (spec/http.md, "Life cycle").
 *
 * @module
 */
import { access, readFile } from 'node:fs/promises';
import { isIPv4, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { SoftwareHsm } from '../hsm/software.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { readConfig, type VaultConfig } from './config.ts';
import { httpEdge, type HttpEvent } from './http.ts';
import type { Observer } from './observe.ts';
import { Vault } from './vault.ts';

/** A line of the log: one of these shapes, and never an account, a secret or an address. */
export type VaultEvent =
  | ({ readonly event: 'request' } & HttpEvent)
  | { readonly event: 'listening'; readonly url: string }
  | { readonly event: 'failed'; readonly partition: number; readonly code: ErrorCode }
  | { readonly event: 'stopped' };

/** Settings that are not part of the state folder. */
export interface ServeOptions {
  readonly folder: string;
  /** Instead of the configured one; 0 = any free port. */
  readonly port?: number;
  /** Instead of JSON lines on standard output. */
  readonly log?: (event: VaultEvent) => void;
}

/** A vault that listens. */
export interface VaultServer {
  /** For example `http://127.0.0.1:8787`. */
  readonly url: string;
  /** Why it does not serve although it listens; undefined while it does. */
  failure(): ErrorCode | undefined;
  /** Finishes what is under way, then closes. */
  close(): Promise<void>;
}

function jsonLog(): (event: VaultEvent) => void {
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
  return ({ event, ...fields }) => {
    logger.info(fields, event);
  };
}

function isLoopback(host: string): boolean {
  return isIPv4(host) ? host.startsWith('127.') : host === 'localhost' || host === '::1';
}

async function readFor(field: keyof VaultConfig, path: string): Promise<Bytes> {
  try {
    return copy(await readFile(path));
  } catch (cause) {
    throw new StrongroomError(
      'invalid-config',
      `${field}: ${path} cannot be read`,
      { subject: field },
      { cause },
    );
  }
}

async function openVault(config: VaultConfig, observe: Observer): Promise<Vault> {
  const descriptor = await readFor('descriptor', config.descriptor);
  const opaqueKeys = await readFor('opaqueKeys', config.opaqueKeys);
  // An absent store is not an empty one.
  await access(config.store).catch((cause: unknown) => {
    throw new StrongroomError('invalid-config', `store: no ${config.store}`, { subject: 'store' }, { cause });
  });
  // Both are locked for as long as they are open: a copy of the store on the same anchor would be a second budget.
  const store = await SqliteStore.open(config.store);
  try {
    const hsm = await SoftwareHsm.open(config.hsm);
    try {
      const vault = await Vault.open({ store, hsm, descriptor, opaqueKeys, observe });
      if (vault.fleet.policy.assertionMode === 'none' && !isLoopback(config.listen.host)) {
        await vault.close();
        const message = 'without assertions a vault listens on this machine alone';
        throw new StrongroomError('invalid-config', message, { subject: 'listen.host' });
      }
      return vault;
    } catch (error) {
      await hsm.close().catch(() => {});
      throw error;
    }
  } catch (error) {
    await store.close().catch(() => {});
    throw error;
  }
}

/**
 * Opens the vault of a state folder and listens. A store that the anchor does not vouch for is not served: then
 * `/readyz` names the failure.
 *
 * @throws StrongroomError `invalid-config`, `store-locked`, `store-damaged`, `keys-missing`, `keys-damaged`,
 * `keys-exposed`, `anchor-missing`, `anchor-locked`, `anchor-damaged`
 */
export async function serveVault(options: ServeOptions): Promise<VaultServer> {
  const config = await readConfig(options.folder);
  const log = options.log ?? jsonLog();
  const vault = await openVault(config, {
    failure: (failed) => log({ event: 'failed', ...failed }),
  });
  const failure = (): ErrorCode | undefined => vault.failure?.code;
  const backend = {
    failure,
    descriptor: vault.descriptor,
    exchange: (body: Bytes) => vault.exchange(body),
  };
  const { server, drain } = httpEdge(backend, config.maxConcurrent, (event) => {
    log({ event: 'request', ...event });
  });
  const { host } = config.listen;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? config.listen.port, host, resolve);
  }).catch(async (cause: Error) => {
    await vault.close();
    throw new StrongroomError('invalid-config', cause.message, { subject: 'listen' }, { cause });
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  log({ event: 'listening', url });
  return {
    url,
    failure,
    async close() {
      await drain();
      await vault.close();
      log({ event: 'stopped' });
    },
  };
}
