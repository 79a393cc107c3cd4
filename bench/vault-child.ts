/**
 * A vault in a process of its own, which tells its parent what it takes: `vault-child.ts serve <folder>` listens and
 * answers each message with what it has used so far; `vault-child.ts open <folder>` opens the core, tells what that
 * took, and ends.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { serveVault } from '../reference/vault/server.ts';
import { Core } from './vault-core.ts';

/** Processor time of all threads in microseconds, and resident memory in bytes, so far. */
export interface Usage {
  readonly cpu: number;
  readonly resident: number;
}

/** What a start took. */
export interface Start {
  readonly seconds: number;
  /** Seconds of all threads. */
  readonly cpu: number;
  /** Bytes that are in use after it and were not before: garbage apart, which does not grow with the accounts. */
  readonly live: number;
  /** Resident bytes after it, with what the process has not given back. */
  readonly resident: number;
}

/** A vault that listens in a process of its own. */
export interface Served {
  readonly url: string;
  readonly usage: () => Promise<Usage>;
  readonly close: () => Promise<void>;
}

const SELF = fileURLToPath(import.meta.url);

/** Starts {@link serveVault}, as an operator does; its log goes nowhere. */
export async function serve(folder: string): Promise<Served> {
  const child = fork(SELF, ['serve', folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const next = async <T>(): Promise<T> => ((await once(child, 'message')) as [T])[0];
  const url = await next<string>();
  const usage = (): Promise<Usage> => {
    const answer = next<Usage>();
    child.send('usage');
    return answer;
  };
  const close = async (): Promise<void> => {
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    await ended;
  };
  return { url, usage, close };
}

/** Opens the core on a folder in a fresh process. */
export async function timeStart(folder: string): Promise<Start> {
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const child = fork(SELF, ['open', folder], { stdio: [...stdio], execArgv: ['--expose-gc'] });
  const ended = once(child, 'close');
  const [start] = (await once(child, 'message')) as [Start];
  await ended;
  return start;
}

function memory(): Pick<Start, 'live' | 'resident'> {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { live: heapUsed + external, resident: rss };
}

if (process.argv[1] === SELF) {
  const [, , task, folder = ''] = process.argv;
  const say = (message: unknown): void => void process.send?.(message);
  if (task === 'serve') {
    const server = await serveVault({ folder, port: 0 });
    process.on('message', () => {
      const { user, system } = process.cpuUsage();
      say({ cpu: user + system, resident: process.memoryUsage.rss() } satisfies Usage);
    });
    process.once('SIGTERM', () => void server.close().then(() => process.disconnect()));
    say(server.url);
  } else {
    const before = memory();
    const [begun, used] = [performance.now(), process.cpuUsage()];
    const core = await Core.open(folder);
    const seconds = (performance.now() - begun) / 1000;
    const { user, system } = process.cpuUsage(used);
    const { live, resident } = memory();
    say({ seconds, cpu: (user + system) / 1e6, live: live - before.live, resident } satisfies Start);
    await core.close();
    process.disconnect();
  }
}
