import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENVIRONMENT } from '../fixture.ts';
import { compare, projectFiles, stage } from './demo-tree.ts';
import { workplace } from './fixture.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const place = workplace();
afterAll(() => place.remove());

describe('the comparison', () => {
  const original = place.path('original');
  beforeAll(() => {
    mkdirSync(join(original, 'sub'), { recursive: true });
    writeFileSync(join(original, 'file'), Buffer.alloc(1_500_000, 1));
    writeFileSync(join(original, 'sub', 'small'), 'x');
    symlinkSync('file', join(original, 'link'));
  });

  /** A copy, then one change. */
  function changed(name: string, change: (folder: string) => void): readonly string[] {
    const folder = place.path(name);
    cpSync(original, folder, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    for (const path of ['sub', '.']) {
      const { atime, mtime } = lstatSync(join(original, path));
      utimesSync(join(folder, path), atime, mtime);
    }
    change(folder);
    return compare(original, folder).differences;
  }

  test('finds nothing where there is nothing', () => {
    expect(changed('same', () => undefined)).toEqual([]);
    expect(compare(original, place.path('same'))).toMatchObject({ files: 2, bytes: 1_500_001 });
  });

  test.each<[string, (folder: string) => void, string]>([
    ['one bit in the second piece', (at) => flip(join(at, 'file'), 1_300_000), 'file: content'],
    ['one bit in the last byte', (at) => flip(join(at, 'file'), 1_499_999), 'file: content'],
    ['a byte more', (at) => addByte(join(at, 'sub', 'small')), 'sub/small: length'],
    ['a file less', (at) => remove(join(at, 'sub', 'small')), 'sub/small is in one of them only'],
    ['a file more', (at) => writeFileSync(join(at, 'more'), ''), 'more is in one of them only'],
    ['another target', (at) => relink(join(at, 'link')), 'link: target'],
    ['another kind', (at) => toFolder(join(at, 'file')), 'file: kind'],
    ['another mode', (at) => chmodSync(join(at, 'file'), 0o600), 'file: mode'],
    ['another time', (at) => utimesSync(join(at, 'file'), 1, 1), 'file: time'],
  ])('finds %s', (name, change, difference) => {
    expect(changed(name, change)).toContain(difference);
  });

  function keepingTimes(path: string, change: () => void): void {
    const { atime, mtime } = lstatSync(path);
    change();
    utimesSync(path, atime, mtime);
  }

  function flip(path: string, at: number): void {
    const bytes = Buffer.alloc(1_500_000, 1);
    bytes[at] = 0;
    keepingTimes(path, () => writeFileSync(path, bytes));
  }

  function addByte(path: string): void {
    keepingTimes(path, () => appendFileSync(path, 'y'));
  }

  function remove(path: string): void {
    rmSync(path);
  }

  function relink(path: string): void {
    rmSync(path);
    symlinkSync('sub', path);
  }

  function toFolder(path: string): void {
    rmSync(path);
    mkdirSync(path);
  }
});

test("the project's own files are staged: sources, and nothing that was fetched or made", () => {
  const paths = projectFiles(ROOT);
  expect(paths).toEqual(expect.arrayContaining(['package.json', 'spec/README.md', 'reference/cli/demo.ts']));
  expect(paths.filter((path) => /^(?:node_modules|dist|\.git|\.strongroom)\//u.test(path))).toEqual([]);
  stage(ROOT, paths.slice(0, 5), place.path('staged'));
  expect(readdirSync(place.path('staged')).length).toBeGreaterThan(0);
  // Without git: all that is there.
  mkdirSync(place.path('original', 'node_modules'));
  writeFileSync(place.path('original', 'node_modules', 'fetched'), '');
  expect(projectFiles(place.path('original')).sort()).toEqual(['file', join('sub', 'small')]);
});

function demonstrate(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const demo = join(ROOT, 'reference', 'cli', 'demo.ts');
  // npm sets INIT_CWD to where it was called, and the demonstration reads folders from there.
  const env = { ...ENVIRONMENT, INIT_CWD: place.path('.'), STRONGROOM_DEMO: place.path('demo') };
  return spawnSync(process.execPath, [demo, ...args], { env, cwd: place.folder, encoding: 'utf8' });
}

test('a demonstration that cannot be done ends with 1 and says why', () => {
  const { status, stderr } = demonstrate('nowhere');
  expect(status).toBe(1);
  expect(stderr).toContain(`FAILED: this does not hold: ${place.path('nowhere')} is a folder`);
});

test.runIf(process.env['STRONGROOM_LONG'] === '1')('the whole demonstration holds, twice in a row', () => {
  for (let run = 0; run < 2; run++) {
    const { status, stdout, stderr } = demonstrate(place.path('original'));
    expect([status, stderr]).toEqual([0, expect.stringContaining('all of it holds')]);
    expect(stdout.match(/^VERDICT \S+ core conformant /gmu)).toHaveLength(4);
  }
});
