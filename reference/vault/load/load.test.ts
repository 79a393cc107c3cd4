import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG_FILE } from '../config.ts';
import { initVault, type InitResult } from '../init.ts';
import { ATTACKS } from './attacks.ts';
import { Target, type Figures } from './harness.ts';

const LONG = process.env['STRONGROOM_LONG'] !== undefined;
const SECONDS = LONG ? 20 : 2.5;
/** MiB: what it takes without any load, and room for its connections and for garbage not yet collected. */
const MEMORY = 512;
/** In the short run one of each kind; the others differ in degree. */
const NAMES = LONG
  ? Object.keys(ATTACKS)
  : ['slow body', 'huge body', 'flood, many connections', 'pipelining'];

let folder: string;
let pins: InitResult;
let target: Target;
const table: (readonly [string, Figures])[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-load-'));
  pins = await initVault({ folder, policy: { delays: [] } });
  const path = join(folder, CONFIG_FILE);
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  const limits = { address: { perMinute: 6000, burst: 200 } };
  writeFileSync(path, JSON.stringify({ ...config, limits }));
});
afterEach(() => target.close());
afterAll(() => {
  rmSync(folder, { recursive: true });
  for (const [name, { wanted, first, answered, median, worst, peak }] of table) {
    const rate = (count: number): string => `${((100 * count) / wanted).toFixed(1)} %`;
    process.stdout.write(
      `${name.padEnd(36)}${String(wanted).padStart(6)} asked, ${rate(first)} at first, ${rate(answered)} at all, ` +
        `median ${median} ms, worst ${worst} ms, peak ${peak} MiB\n`,
    );
  }
});

async function attack(name: string, files?: number): Promise<Figures> {
  target = await Target.open(folder, pins, files);
  const figures = await target.under(name, SECONDS);
  table.push([files === undefined ? name : `${name}, ${files} files`, figures]);
  return figures;
}

describe('honest clients are served, and memory is bounded, under', () => {
  // proves HTP-8, HTP-9, HTP-10, HTP-20, HTP-22
  it.each(NAMES)('%s', async (name) => {
    const { wanted, answered, peak } = await attack(name);
    expect(wanted).toBeGreaterThan(SECONDS);
    expect(answered).toBe(wanted);
    if (!Number.isNaN(peak)) expect(peak).toBeLessThan(MEMORY);
  });

  // proves HTP-19
  it.each(LONG ? ['slow head', 'slow body', 'half-open'] : ['slow body'])(
    '%s, with fewer files than there are connections',
    async (name) => {
      const { wanted, answered } = await attack(name, 256);
      expect(wanted).toBeGreaterThan(SECONDS);
      expect(answered).toBe(wanted);
    },
  );
});
