// The whole test run with its long parts: the same files, with counts raised through STRONGROOM_LONG.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const run = spawnSync(process.execPath, [vitest, 'run', '--testTimeout=1800000'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, STRONGROOM_LONG: '1' },
});
process.exit(run.status ?? 1);
