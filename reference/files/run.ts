/**
 * Running the units of a task: on this thread, and for large files on others too.
 *
 * @module
 */
import { createSecretKey } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { cancelled } from '../container/once.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { nodeAead, nodeEngine } from '../crypto/node.ts';
import { Board, type Failure } from './board.ts';
import { stepsOf, UNIT_LENGTH, type Step, type Task } from './task.ts';
import { defaultThreads, help } from './threads.ts';

/** How to run. */
export interface RunOptions {
  /** Another engine than that of Node works on one thread alone. */
  readonly engine?: CryptoEngine;
  /** K_tag, 32 bytes: the tags of the blocks of the content are wanted. */
  readonly tagKey?: Uint8Array;
  /** Stops the work with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Threads to use at most; default: one for each core, or what the environment variable `STRONGROOM_THREADS` says. */
  readonly threads?: number;
  /** Told now and then how many bytes of plaintext are done. */
  readonly onProgress?: (bytes: number) => void;
}

/** From so many units on, the work is worth more than one thread. */
const LARGE = 64;

/**
 * Does units 0 to `units - 1` of a task, the last one when all others are done. No thread uses the files any more when this is over.
 *
 * @throws the fault of the lowest unit; `cancelled` if the signal was aborted before the end
 */
export async function run(task: Task, key: Uint8Array, units: number, options: RunOptions): Promise<Board> {
  const { engine = nodeEngine, tagKey, signal, threads = defaultThreads() } = options;
  const last = units - 1;
  const board = new Board(last);
  const stop = (): void => board.stop();
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop);
  let step: Step;
  try {
    const parts: Promise<Failure | undefined>[] = [];
    if (engine === nodeEngine) {
      const keys = { key: createSecretKey(key), tagKey: tagKey && createSecretKey(tagKey) };
      const helpers = units < LARGE ? 0 : threads - 1;
      for (let i = 0; i < helpers; i++) parts.push(help({ task, units: last, board: board.memory, ...keys }));
      step = stepsOf(task, nodeAead(keys.key), keys.tagKey && nodeAead(keys.tagKey), board);
    } else {
      step = stepsOf(task, engine.aead(key), tagKey && engine.aead(tagKey), board);
    }
    parts.push(work(board, step, options));
    // Whatever happens to one part, the others still use the files until they have ended.
    for (const part of parts) part.catch(stop);
    const ends = await Promise.allSettled(parts);
    throwLowest(
      ends.map((end) => (end.status === 'fulfilled' ? end.value : { segment: -1, error: end.reason })),
    );
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  if (signal?.aborted === true) throw cancelled('aborted by its signal', signal.reason);
  // The final chunk is written only when nothing can fail any more but itself.
  step(last);
  options.onProgress?.(units * UNIT_LENGTH);
  return board;
}

function throwLowest(ends: readonly (Failure | undefined)[]): void {
  const failures = ends.filter((end) => end !== undefined).sort((a, b) => a.segment - b.segment);
  const [first] = failures;
  if (first !== undefined) throw first.error;
}

/** The part of this thread, which looks now and then what else there is to do. */
async function work(board: Board, step: Step, { onProgress }: RunOptions): Promise<Failure | undefined> {
  const steps = board.work(step);
  let next = steps.next();
  for (; next.done !== true; next = steps.next()) {
    onProgress?.(board.done * UNIT_LENGTH);
    await setImmediate();
  }
  return next.value;
}
