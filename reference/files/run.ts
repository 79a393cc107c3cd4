/**
 * Running the units of a task: on this thread, and for large files on others too.
 *
 * @module
 */
import { createSecretKey } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { CryptoEngine } from '../crypto/engine.ts';
import { primeMalloc } from '../crypto/memory.ts';
import { nodeAead, nodeEngine } from '../crypto/node.ts';
import { cancelled } from '../container/once.ts';
import { stepsOf, UNIT_LENGTH, type Findings, type Task } from './task.ts';

/** How to run. */
export interface RunOptions {
  readonly engine?: CryptoEngine;
  readonly tagKey?: Uint8Array;
  /** Stops the work with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Threads to use at most; default: one for each core. Only large files are worth more than one. */
  readonly threads?: number;
  /** Told now and then how many bytes of plaintext have been done, in all. */
  readonly onProgress?: (bytes: number) => void;
}

/** Units between two looks at what else there is to do. */
const PACE = 16;

/** Does units 0 to `units - 1` of a task. */
export async function run(
  task: Task,
  key: Uint8Array,
  units: number,
  options: RunOptions,
): Promise<Findings> {
  const { engine = nodeEngine, tagKey, signal, onProgress } = options;
  primeMalloc();
  const findings: Findings = { badPadding: false };
  const aead = engine === nodeEngine ? nodeAead(createSecretKey(key)) : engine.aead(key);
  const step = stepsOf(task, aead, tagKey && engine.aead(tagKey), findings);
  for (let unit = 0; unit < units; unit++) {
    if (unit > 0 && unit % PACE === 0) {
      onProgress?.(unit * UNIT_LENGTH);
      await setImmediate();
    }
    if (signal?.aborted === true) throw cancelled('aborted by its signal', signal.reason);
    step(unit);
  }
  onProgress?.(units * UNIT_LENGTH);
  return findings;
}
