/**
 * Preloaded into the command line by tests: kills the process, as a loss of power would, before its change of the file
 * system of the number that STRONGROOM_KILL_AT gives; counts them all if that is 0, and prints how many there were.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const last = Number(process.env['STRONGROOM_KILL_AT']);
let count = 0;

/** What changes a folder or makes a change durable. */
const CHANGES = ['mkdirSync', 'writevSync', 'renameSync', 'fdatasync', 'fsyncSync', 'rmSync'] as const;

function before(): void {
  if (++count !== last) return;
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

for (const name of CHANGES) {
  const original = fs[name];
  Object.assign(fs, {
    [name]: (...input: readonly unknown[]): unknown => {
      before();
      return Reflect.apply(original, fs, input);
    },
  });
}
syncBuiltinESMExports();
process.on('exit', () => {
  if (last === 0) process.stdout.write(`changes: ${count}\n`);
});
