/**
 * A thread that makes every vector anew and sends the files: named values come from the root in its environment, and
 * generators read them while they are loaded.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { families } from '../../../vectors/generate/index.ts';

parentPort?.postMessage(
  families().map(([, file]) => file),
  [],
);
