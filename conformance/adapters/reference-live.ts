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

/** A vault that runs, and the next line that it prints. */
interface Running {
  readonly child: ChildProcess;
  readonly line: () => Promise<string>;
}

const running = new Map<string, Running>();

const start: Operation = async (params) => {
  const state = params.text('state');
  const policy = params.textOr('policy', '{}');
  const suite = params.has('suite') ? params.number('suite') : 1;
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, state, policy, String(suite)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('close', () => reject(new Error(`the vault did not start: ${stderr}`)));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error(`the vault has ended: ${stderr}`);
    return next.value;
  };
  const { url, failure, pins } = JSON.parse(await Promise.race([line(), ended])) as Record<string, Value>;
  ended.catch(() => undefined);
  running.set(state, { child, line });
  return { url: url ?? null, failure: failure ?? null, store: STORE, pins: pins ?? null };
};

const stop: Operation = async (params) => {
  const state = params.text('state');
  const child = running.get(state)?.child;
  running.delete(state);
  if (child === undefined) return {};
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill(params.text('mode') === 'kill' ? 'SIGKILL' : 'SIGTERM');
  await closed;
  return {};
};

const advance: Operation = async (params) => {
  const vault = running.get(params.text('state'));
  if (vault === undefined) throw new Error('no vault runs on this state');
  vault.child.stdin?.write(`${params.number('seconds')}\n`);
  await vault.line();
  return {};
};

/** Operations on live vaults. */
export const liveOperations: Readonly<Record<string, Operation>> = {
  'vault.start': start,
  'vault.stop': stop,
  'vault.advance': advance,
};
