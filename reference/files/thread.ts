/**
 * A thread that helps with tasks. It is synchronous, and answers once for each.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { nodeAead } from '../crypto/node.ts';
import { isStrongroomError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import { Board } from './board.ts';
import { stepsOf, type Task } from './task.ts';

/** What a thread is asked to help with. */
export interface Call {
  readonly task: Task;
  readonly key: KeyObject;
  readonly tagKey: KeyObject | undefined;
  readonly units: number;
  readonly board: SharedArrayBuffer;
}

/** How its part ended: undefined if nothing failed. */
export type Reply =
  | undefined
  | {
      readonly segment: number;
      /** Absent if the fault is none that is expected. */
      readonly code?: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    };

function help({ task, key, tagKey, units, board: memory }: Call): Reply {
  const board = new Board(units, memory);
  const steps = board.work(stepsOf(task, nodeAead(key), tagKey && nodeAead(tagKey), board));
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  if (step.value === undefined) return undefined;
  const { segment, error } = step.value;
  if (isStrongroomError(error)) {
    return { segment, code: error.code, message: error.message, details: error.details };
  }
  return { segment, message: String(error), details: {} };
}

parentPort?.on('message', (call: Call) => parentPort?.postMessage(help(call), []));
