import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FAULTS, MORE_FAULTS } from './faults-fixture.ts';
import { runMachine } from './machine-run-fixture.ts';

const long = process.env['STRONGROOM_LONG'] !== undefined;
const steps = long ? 1_000_000 : 10_000;
const seed = Number(process.env['STRONGROOM_SEED'] ?? Math.floor(Date.now() / 1000));
const script = fileURLToPath(new URL('machine-fault-fixture.ts', import.meta.url));

// proves ATT-1, ATT-26, RCV-5, REG-6, REG-7
it(
  `does what the model does, whatever the relay and the power do (STRONGROOM_SEED=${seed})`,
  async () => expect(await runMachine(seed, steps)).toBeGreaterThanOrEqual(steps),
  3 * 3600 * 1000,
);

/** Those that take the machine a while to come upon. */
const RARE = [
  'a repeated guess is charged again',
  'a last chance punishes the right guess',
  'a second change takes the place of the first',
  'cancel forgets to cancel',
  'what is scheduled outlives the key',
  'another owner finds the head',
  'deadlines are found by requests alone',
];
/** Those of the driver that the explorer has and the machine has not, and the race that turns do not let happen. */
const faults = Object.entries({ ...FAULTS, ...MORE_FAULTS })
  .filter(([name, { file }]) => !file.includes('driver') && name !== 'a lost race is not decided anew')
  .map(([name]) => name)
  .filter((name) => long || !RARE.includes(name));

describe.concurrent('a fault in the vault is found:', () => {
  it.each(faults)('%s', async (fault) => {
    const args = ['--conditions=strongroom-source', script, fault];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      maxBuffer: 1 << 26,
      timeout: 50_000,
    });
    expect(stdout).toContain('Property failed');
  });
});
