/**
 * A real vault in a process of its own, and ways to lose what travels to it, for tests.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import { ENVIRONMENT } from '../fixture.ts';
import type { Policy } from '../fleet/descriptor.ts';
import type { StretchBounds } from '../opaque/index.ts';
import { openHsm } from '../hsm/open.ts';
import { httpEdge, type Backend } from '../service/http.ts';
import { listen } from '../service/listen.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { readConfig } from '../vault/config.ts';
import { initVault } from '../vault/index.ts';
import { Vault } from '../vault/vault.ts';
import { copy } from '../wire/bytes.ts';
import { memoryKeeper, type Keeper } from './keeper.ts';
import { parsePins, type Pins } from './pins.ts';
import type { Transport } from './transport.ts';

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

/** Stretching that costs nothing: for tests. */
export const CHEAP: Policy['stretch'] = { algorithm: 1, iterations: 1, memoryKib: 8, parallelism: 1 };
/** Bounds of a device that does {@link CHEAP}. */
export const CHEAP_BOUNDS: StretchBounds = { floor: CHEAP, ceiling: { ...CHEAP, memoryKib: 65536 } };

/** A vault that runs. */
export interface TestVault {
  readonly url: string;
  readonly pins: Pins;
  readonly folder: string;
  stop(): Promise<void>;
}

/** Makes and serves a vault. */
export async function startVault(policy: Partial<Policy> = {}, suite: 1 | 2 = 1): Promise<TestVault> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-vault-'));
  await initVault({ folder, port: 0, signers: 2, suite, policy: { stretch: CHEAP, delays: [], ...policy } });
  const child = spawn(process.execPath, [MAIN, 'vault', 'serve', folder], {
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const { msg, url } = JSON.parse(line) as { msg: string; url?: string };
      if (msg === 'listening' && url !== undefined) resolve(url);
    });
    child.once('close', (code) => reject(new Error(`the vault ended with ${code}`)));
  });
  return {
    url,
    pins: parsePins(readFileSync(join(folder, 'pins.json'), 'utf8')),
    folder,
    async stop() {
      child.kill('SIGTERM');
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A vault in this process, over HTTP, whose time passes when a test says so. */
export interface ClockVault extends TestVault {
  /** Lets time pass, in seconds. */
  pass(seconds: number): void;
}

/** Makes a vault and serves it here, with a clock that stands. */
export async function startClockVault(policy: Partial<Policy> = {}): Promise<ClockVault> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-vault-'));
  await initVault({ folder, port: 0, policy: { stretch: CHEAP, delays: [], ...policy } });
  const config = await readConfig(folder);
  const [store, hsm] = [await SqliteStore.open(config.store), await openHsm(config.hsm)];
  const [descriptor, opaqueKeys] = [config.descriptor, config.opaqueKeys].map((path) =>
    copy(readFileSync(path)),
  );
  if (descriptor === undefined || opaqueKeys === undefined) throw new TypeError('no vault was made');
  let clock = 0;
  const vault = await Vault.open({ store, hsm, descriptor, opaqueKeys, monotonic: () => clock });
  const backend: Backend = {
    accept: () => (body) => vault.exchange(body),
    descriptor: () => Promise.resolve(vault.descriptor),
    failure: () => vault.failure?.code,
    readiness: () => ({}),
  };
  const edge = httpEdge(backend, 64, () => undefined);
  const url = await listen(edge.server, { host: '127.0.0.1', port: 0 });
  return {
    url,
    pins: parsePins(readFileSync(join(folder, 'pins.json'), 'utf8')),
    folder,
    pass: (seconds) => void (clock += seconds),
    async stop() {
      await edge.drain();
      await vault.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A keeper whose device loses power at one step: before or after the change is durable, and for good. */
export function dyingKeeper(
  step: number,
  when: 'before' | 'after',
  survivor: Keeper = memoryKeeper(),
): { keeper: Keeper; survivor: Keeper; dead: () => boolean } {
  let steps = 0;
  const change = async (apply: () => Promise<void>): Promise<void> => {
    const now = steps++;
    if (now > step || (now === step && when === 'before')) throw new Error('power is lost');
    await apply();
    if (now === step) throw new Error('power is lost');
  };
  const keeper: Keeper = {
    read: (name) => survivor.read(name),
    write: (name, text) => change(() => survivor.write(name, text)),
    update: (name, make) => change(() => survivor.update(name, make)),
    remove: (name) => change(() => survivor.remove(name)),
  };
  return { keeper, survivor, dead: () => steps > step };
}

/** The error that a promise ends with; it has to be one of Strongroom's. */
export async function refusal(promise: Promise<unknown>): Promise<StrongroomError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (isStrongroomError(outcome)) return outcome;
  throw new Error('not refused', { cause: outcome });
}

/** What a faulty way does to one exchange: delivers it, drops the request, or drops the answer. */
export type Fate = 'deliver' | 'drop-request' | 'drop-answer';

/** A transport that counts exchanges, remembers their bytes, and loses some. */
export interface FaultyTransport extends Transport {
  readonly sent: Uint8Array[];
  /** Decides on each exchange, counted from 0. */
  fate: (index: number) => Fate;
}

/** Puts faults between a client and its vault. */
export function faulty(inner: Transport): FaultyTransport {
  const sent: Uint8Array[] = [];
  const lost = (): StrongroomError => new StrongroomError('unavailable', 'lost on the way');
  const transport: FaultyTransport = {
    sent,
    fate: () => 'deliver',
    descriptor: (signal) => inner.descriptor(signal),
    async exchange(body, signal) {
      const fate = transport.fate(sent.push(body) - 1);
      if (fate === 'drop-request') throw lost();
      const answer = await inner.exchange(body, signal);
      if (fate === 'drop-answer') throw lost();
      return answer;
    },
  };
  return transport;
}
