/**
 * Live vaults of the reference implementation, started and stopped at the runner's word.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Value } from '../schema/vector.ts';
import type { Operation } from './serve.ts';

const PROGRAM = fileURLToPath(new URL('vault-process.ts', import.meta.url));
/** Files of the state folder that the specification calls the store: whoever has them is not trusted. */
const STORE = ['store.db', 'store.db-wal', 'store.db-shm'];

const running = new Map<string, ChildProcess>();

const start: Operation = async (params) => {
  const state = params.text('state');
  const policy = params.textOr('policy', '{}');
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, state, policy], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('close', () => reject(new Error(`the vault did not start: ${stderr}`)));
  });
  const line = new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).once('line', resolve),
  );
  const { url, failure } = JSON.parse(await Promise.race([line, ended])) as Record<string, Value>;
  ended.catch(() => undefined);
  running.set(state, child);
  return { url: url ?? null, failure: failure ?? null, store: STORE };
};

const stop: Operation = async (params) => {
  const state = params.text('state');
  const child = running.get(state);
  running.delete(state);
  if (child === undefined) return {};
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill(params.text('mode') === 'kill' ? 'SIGKILL' : 'SIGTERM');
  await closed;
  return {};
};

/** Operations on live vaults. */
export const liveOperations: Readonly<Record<string, Operation>> = {
  'vault.start': start,
  'vault.stop': stop,
};
