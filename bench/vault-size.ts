/**
 * What more accounts cost: a `recover-start` at vaults of different sizes, their start, and their memory.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sodiumSuite } from '../reference/opaque/index.ts';
import type { Row } from './harness.ts';
import { timeStart, type Start } from './vault-child.ts';
import { Core, makeVault } from './vault-core.ts';
import { Medians, recoverCost, recoverStarts, ROUNDS, row, type Cost } from './vault-load.ts';

/** `count` `recover-start`s in each of the rounds at each size, in turn; the others are compared with the first size. */
export async function sizes(accounts: readonly number[], count = 1000): Promise<Row[]> {
  const suite = await sodiumSuite();
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-bench-'));
  try {
    const starts = new Map<number, Start>();
    const cores = new Map<number, Core>();
    for (const size of accounts) {
      const own = join(folder, String(size));
      await makeVault(own, size);
      starts.set(size, await timeStart(own));
      cores.set(size, await Core.open(own));
    }
    const costs = new Medians<Cost>();
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [size, core] of cores) {
        const cost = await recoverCost(core, recoverStarts(suite, core.fleet.fleetId, size, count));
        if (round > 0) costs.note(String(size), cost); // the first one warms
      }
    }
    for (const core of cores.values()) await core.close();

    const section = 'vault core by size';
    const lines = (what: string, unit: string, of: (size: number) => number): Row[] => {
      const [first, ...others] = accounts.map((size) =>
        row(section, `${what}, ${size.toLocaleString('en')} accounts`, of(size), unit),
      );
      if (first === undefined) return [];
      return [first, ...others.map(({ name, value }) => row(section, name, value, unit, first))];
    };
    const started = (size: number, what: keyof Start): number => starts.get(size)?.[what] ?? Number.NaN;
    return [
      ...lines('recover-start', 'op/s', (size) => 1e6 / costs.of(String(size), 'wall')),
      ...lines('  processor time of one', 'us', (size) => costs.of(String(size), 'cpu')),
      ...lines('start', 's', (size) => started(size, 'seconds')),
      ...lines('  processor time of it', 's cpu', (size) => started(size, 'cpu')),
      ...lines('  resident after it', 'MiB', (size) => started(size, 'resident') / 2 ** 20),
      ...lines('  memory in use after it', 'MiB', (size) => started(size, 'live') / 2 ** 20),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
