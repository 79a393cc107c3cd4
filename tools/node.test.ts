import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('the tests run on the Node that was asked for, and so do their children', () => {
  const expected = process.env['STRONGROOM_EXPECT_NODE'] ?? process.version;
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(24);
  expect(process.version).toBe(expected);
  const child = spawnSync(process.execPath, ['-p', 'process.version'], { encoding: 'utf8' });
  expect(child.stdout.trim()).toBe(expected);
});

test('an old Node is told in one line what to do', () => {
  const script =
    "Object.defineProperty(process.versions, 'node', { value: '20.1.0' }); await import('./tools/check-node.mjs');";
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(run.status).toBe(1);
  expect(run.stderr).toMatch(
    /^Strongroom needs Node 24 or newer; this is Node 20\.1\.0 .*Install Node 24.*\n$/u,
  );
});
