import { expect, it } from 'vitest';
import type { Row } from './harness.ts';
import { exchanges } from './vault-http.ts';
import { sizes } from './vault-size.ts';
import { vault } from './vault.ts';

// Each fails if one request is answered anything but `ok`. How fast they are is not looked at.
it.each<readonly [string, () => Promise<Row[]>]>([
  ['vault', () => vault(8)],
  ['exchanges', () => exchanges(4, 16)],
  ['sizes', () => sizes([10, 20], 20)],
])('the benchmark of %s still runs', async (_name, run) => {
  const rows = await run();
  expect(rows.filter(({ value }) => Number.isNaN(value))).toEqual([]);
  expect(rows.length).toBeGreaterThan(5);
});
