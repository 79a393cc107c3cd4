/**
 * Threads for large files, kept for the next one: to start a thread takes as long as to seal a hundred megabytes.
 *
 * @module
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { StrongroomError } from '../errors.ts';
import type { Failure } from './board.ts';
import type { Call, Reply } from './thread.ts';

const idle: Worker[] = [];

/** Threads that a large file is worth, this one included: one for each core, or what `STRONGROOM_THREADS` says. */
export function defaultThreads(): number {
  const said = Number(process.env['STRONGROOM_THREADS']);
  return Number.isSafeInteger(said) && said > 0 ? said : availableParallelism();
}

function start(): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  // Arguments of this process, such as --input-type, would be refused there.
  return new Worker(new URL(`./thread.${extension}`, import.meta.url), { execArgv: [] });
}

/** Has another thread help with a task; what failed there. It has let go of the files when this resolves. */
export function help(call: Call): Promise<Failure | undefined> {
  const worker = idle.pop() ?? start();
  worker.ref();
  return new Promise((resolve, reject) => {
    const lost = (cause: unknown): void => reject(new Error('a thread was lost', { cause }));
    worker.once('error', lost);
    worker.once('exit', lost);
    worker.once('message', (reply: Reply) => {
      worker.off('error', lost);
      worker.off('exit', lost);
      worker.unref(); // what is idle keeps no process alive
      idle.push(worker);
      resolve(failureOf(reply));
    });
    worker.postMessage(call, []);
  });
}

function failureOf(reply: Reply): Failure | undefined {
  if (reply === undefined) return undefined;
  const { segment, code, message, details } = reply;
  return {
    segment,
    error: code === undefined ? new Error(message) : new StrongroomError(code, message, details),
  };
}
