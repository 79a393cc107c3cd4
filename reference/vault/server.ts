/**
 * A vault that runs: state folder in, listening server out (spec/http.md, "Life cycle").
 *
 * @module
 */
import { access, readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import type { Policy } from '../fleet/descriptor.ts';
import { openHsm } from '../hsm/open.ts';
import { httpEdge, type Backend, type HttpEvent } from '../service/http.ts';
import { addressName, Limit } from '../service/limits.ts';
import { jsonLog, listen } from '../service/listen.ts';
import { serveMetrics } from '../service/metrics.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { readConfig, type VaultConfig } from './config.ts';
import { vaultMetrics } from './metrics.ts';
import type { Observer } from './observe.ts';
import { readServed } from './serving.ts';
import { Vault, type VaultOptions } from './vault.ts';

/** A line of the log: one of these shapes, and never an account, a secret or an address. */
export type VaultEvent =
  | ({ readonly event: 'request' } & HttpEvent)
  | { readonly event: 'listening'; readonly url: string; readonly metrics?: string }
  | { readonly event: 'failed'; readonly partition: number; readonly code: ErrorCode }
  | { readonly event: 'reloaded'; readonly serial: number }
  | { readonly event: 'reload-failed'; readonly code: ErrorCode }
  | { readonly event: 'stopping' }
  | { readonly event: 'stopped' };

/** Settings that are not part of the state folder. */
export interface ServeOptions {
  readonly folder: string;
  /** Instead of the configured one; 0 = any free port. */
  readonly port?: number;
  /** Instead of JSON lines on standard output. */
  readonly log?: (event: VaultEvent) => void;
  /** Instead of the running time of the process: seconds that never go back. */
  readonly monotonic?: () => number;
}

/** A vault that listens. */
export interface VaultServer {
  /** For example `http://127.0.0.1:8787`. */
  readonly url: string;
  /** Why it does not serve although it listens; undefined while it does. */
  failure(): ErrorCode | undefined;
  /** Serves under the descriptor and the keys that the state folder holds now, or as before if they are refused; the log says which. */
  reload(): Promise<void>;
  /** Finishes what is under way, then closes. */
  close(): Promise<void>;
}

function isLoopback(host: string): boolean {
  return isIPv4(host) ? host.startsWith('127.') : host === 'localhost' || host === '::1';
}

/** A file that the configuration names. @throws StrongroomError `invalid-config` with the field */
export async function readFor(field: keyof VaultConfig, path: string): Promise<Bytes> {
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

/** An absent store is not an empty one. @throws StrongroomError `invalid-config` */
export async function checkStore(path: string): Promise<void> {
  await access(path).catch((cause: unknown) => {
    throw new StrongroomError('invalid-config', `store: no ${path}`, { subject: 'store' }, { cause });
  });
}

/** Without a relay's word anyone could ask for any account. @throws StrongroomError `invalid-config` */
export function checkListen({ assertionMode }: Policy, host: string): void {
  if (assertionMode !== 'none' || isLoopback(host)) return;
  const message = 'listen.host: without assertions a vault listens on this machine alone';
  throw new StrongroomError('invalid-config', message, { subject: 'listen.host' });
}

async function openVault(
  config: VaultConfig,
  given: Pick<VaultOptions, 'observe' | 'monotonic'>,
): Promise<Vault> {
  const descriptor = await readFor('descriptor', config.descriptor);
  const opaqueKeys = await readFor('opaqueKeys', config.opaqueKeys);
  await checkStore(config.store);
  // Both are locked for as long as they are open: a copy of the store on the same anchor would be a second budget.
  const store = await SqliteStore.open(config.store);
  try {
    const hsm = await openHsm(config.hsm);
    try {
      const { account } = config.limits ?? {};
      const limits = account === undefined ? {} : { accountLimit: new Limit(account) };
      const { rekeyAfterSeconds: rekeyAfter } = config;
      const vault = await Vault.open({ store, hsm, descriptor, opaqueKeys, rekeyAfter, ...given, ...limits });
      try {
        checkListen(vault.fleet.policy, config.listen.host);
      } catch (error) {
        await vault.close();
        throw error;
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
 * `keys-exposed`, `anchor-missing`, `anchor-locked`, `anchor-damaged`, and those of a device, which begin with `hsm-`
 */
export async function serveVault(options: ServeOptions): Promise<VaultServer> {
  const config = await readConfig(options.folder);
  const log = options.log ?? jsonLog();
  const metrics = config.metrics && { ...vaultMetrics(), listen: config.metrics };
  const observe: Observer = {
    ...metrics?.observer,
    failure(failed) {
      log({ event: 'failed', ...failed });
      metrics?.observer.failure(failed);
    },
  };
  const { monotonic } = options;
  const vault = await openVault(config, { observe, ...(monotonic && { monotonic }) });
  const opened: (() => Promise<void>)[] = [() => vault.close()];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.toReversed()) await close();
  };
  try {
    const { server, connections, drain } = httpEdge(
      backendOf(vault, config),
      config.maxConcurrent,
      (event) => {
        log({ event: 'request', ...event });
        metrics?.request(event);
      },
    );
    metrics?.watch(() => vault.partitions, connections);
    const watched = metrics && (await serveMetrics(metrics.registry, metrics.listen));
    if (watched !== undefined) opened.push(() => watched.close());
    const { host, port } = config.listen;
    const url = await listen(server, { host, port: options.port ?? port });
    opened.push(drain);
    log({ event: 'listening', url, ...(watched && { metrics: watched.url }) });
    return {
      url,
      failure: () => vault.failure?.code,
      reload: () => reload(vault, config, log),
      async close() {
        log({ event: 'stopping' });
        await closeAll();
        log({ event: 'stopped' });
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function reload(vault: Vault, config: VaultConfig, log: (event: VaultEvent) => void): Promise<void> {
  try {
    const descriptor = await readFor('descriptor', config.descriptor);
    checkListen(readServed(descriptor).policy, config.listen.host);
    await vault.reload(descriptor, await readFor('opaqueKeys', config.opaqueKeys));
    log({ event: 'reloaded', serial: vault.fleet.serial });
  } catch (error) {
    log({ event: 'reload-failed', code: isStrongroomError(error) ? error.code : 'io' });
  }
}

function backendOf(vault: Vault, config: VaultConfig): Backend {
  const { address } = config.limits ?? {};
  const limit = address === undefined ? undefined : new Limit(address);
  return {
    accept(head) {
      limit?.take(addressName(head.address));
      return (body) => vault.exchange(body);
    },
    descriptor: () => Promise.resolve(vault.descriptor),
    failure: () => vault.failure?.code,
    readiness() {
      const failed = vault.partitions.flatMap(({ number: partition, failure: code }) =>
        code === undefined ? [] : [{ partition, code }],
      );
      return { status: failed.length === 0 ? 'ready' : 'degraded', failed };
    },
  };
}
