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
import { StrongroomError } from '../errors.ts';
import { ENVIRONMENT } from '../fixture.ts';
import type { Policy } from '../fleet/descriptor.ts';
import type { StretchBounds } from '../opaque/index.ts';
import { initVault } from '../vault/index.ts';
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
export async function startVault(policy: Partial<Policy> = {}): Promise<TestVault> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-vault-'));
  await initVault({ folder, port: 0, signers: 2, policy: { stretch: CHEAP, delays: [], ...policy } });
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
