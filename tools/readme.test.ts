import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Inside the package, so that `strongroom/…` is this checkout.
const folder = new URL('../.strongroom/readme/', import.meta.url);
const example = fileURLToPath(new URL('quickstart.ts', folder));

beforeAll(() => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const code = /<!-- example:quickstart -->\s+```ts\n(.*?)```/su.exec(readme)?.[1];
  if (code === undefined) throw new Error('the README has no example');
  mkdirSync(folder, { recursive: true });
  writeFileSync(example, code);
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: { rootDir: '../..' },
    include: ['quickstart.ts'],
  };
  writeFileSync(new URL('tsconfig.json', folder), JSON.stringify(config));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the example of the README runs as it is printed', () => {
  const run = spawnSync(process.execPath, ['--conditions=strongroom-source', example], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout).toMatch(/^write this down: (?:[0-9a-f]{4} ){15}[0-9a-f]{4}\nsee you at the lake\n$/u);
});

test('and its types are right', () => {
  const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
  const run = spawnSync(process.execPath, [tsc, '--noEmit', '-p', fileURLToPath(folder)], {
    encoding: 'utf8',
  });
  expect(run.stdout).toBe('');
  expect(run.status).toBe(0);
});
