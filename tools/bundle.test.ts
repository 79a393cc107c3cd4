import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderFiles, packageRoot } from '../conformance/assets.ts';
import { allCases } from '../conformance/cases/index.ts';
import { reportSchema } from '../conformance/schema/report.ts';
import { loadVectors } from '../conformance/vectors.ts';
import { bundle, embedded } from './bundle.ts';
import { release, vectorsTar } from './release.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-bundle-'));
const FILE = 'strongroom-conformance.mjs';

beforeAll(async () => writeFileSync(join(folder, FILE), await bundle()));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the bundle in a folder with nothing else, and with no environment to find anything by. */
function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const ended = spawnSync(process.execPath, [FILE, ...args], { cwd: folder, env: {}, encoding: 'utf8' });
  return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
}

describe('the suite as one file', () => {
  test('knows every case and every sentence', () => {
    const { code, stdout, stderr } = run('list');
    expect(code, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(allCases(loadVectors()).length);
    expect(run('explain', 'chunks.swapped').stdout).toMatch(/A reader MUST refuse/u);
  });

  test('asks an adapter, and scores and reports by the same vectors', () => {
    const adapter = `
      import { createInterface } from 'node:readline';
      for await (const line of createInterface({ input: process.stdin })) {
        const { id, op } = JSON.parse(line);
        const hello = { protocol: 1, implementation: { name: 'x', version: '1' }, testing: false,
          roles: ['container-reader'], suites: [1], features: ['container'] };
        const answer = op === 'hello' ? { outcome: 'ok', result: hello } : { outcome: 'reject', error: 'wrong-key' };
        process.stdout.write(JSON.stringify({ id, ...answer }) + '\\n');
      }`;
    writeFileSync(join(folder, 'adapter.mjs'), adapter);
    const options = [
      '--adapter',
      'node adapter.mjs',
      '--case',
      'header.*',
      '--case',
      'fresh.container.*',
      '--out',
      'out',
    ];
    const { code, stdout, stderr } = run('run', ...options);
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/^VERDICT container-reader core non-conformant /mu);
    const report = reportSchema.parse(JSON.parse(readFileSync(join(folder, 'out', 'report.json'), 'utf8')));
    expect(report.vectors).toBe(loadVectors().digest);
    const status = new Map(report.results.map((result) => [result.id, result.status]));
    // The fresh vectors are made by a thread that runs the same file.
    const cases = ['header.wrong-key', 'header.blob', 'fresh.container.container-reader'];
    expect(cases.map((id) => status.get(id))).toEqual(['pass', 'fail', 'fail']);
    expect(readFileSync(join(folder, 'out', 'report.html'), 'utf8')).toContain('A reader MUST');
  });

  test('has no implementations of its own to cross', () => {
    const { code, stderr } = run('matrix');
    expect(code).toBe(2);
    expect(stderr).toMatch(/name some with --implementation/u);
  });

  test('imports nothing but Node, and carries the licences of what is in it', () => {
    const text = readFileSync(join(folder, FILE), 'utf8');
    const imports = [...text.matchAll(/^(?:import|export) .*?from ["']([^"']+)["']/gmu)].map(([, id]) => id);
    expect(imports.length).toBeGreaterThan(5);
    expect(imports.filter((id) => id?.startsWith('node:') !== true)).toEqual([]);
    for (const name of ['zod', '@noble/curves', '@noble/hashes']) expect(text).toContain(`\n${name}\n`);
    expect(text).not.toContain(packageRoot());
  });
});

describe('a release', () => {
  const out = join(folder, 'release');
  beforeAll(() => release(out, readFileSync(join(folder, FILE), 'utf8')));

  test('has the sums of all its files, and no other file', () => {
    const checked = spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], {
      cwd: out,
      encoding: 'utf8',
    });
    expect(checked.status, checked.stderr).toBe(0);
    expect(checked.stdout.trim().split('\n')).toHaveLength(3);
    expect(readdirSync(out)).toHaveLength(4);
  });

  test('has every vector in a tar file that others can read, and that is the same each time', () => {
    const version = readdirSync(out)
      .find((name) => name.endsWith('.tar'))
      ?.replace(/^strongroom-vectors-|\.tar$/gu, '');
    const name = `strongroom-vectors-${version}`;
    const bytes = readFileSync(join(out, `${name}.tar`));
    expect(vectorsTar(String(version)).equals(bytes)).toBe(true);
    const to = join(folder, 'unpacked');
    mkdirSync(to);
    const unpacked = spawnSync('tar', ['-xf', join(out, `${name}.tar`), '-C', to], { encoding: 'utf8' });
    expect([unpacked.status, unpacked.stderr]).toEqual([0, '']);
    expect(existsSync(join(to, name, 'LICENSES', 'CC0-1.0.txt'))).toBe(true);
    expect(loadVectors(folderFiles(join(to, name, 'vectors'))).digest).toBe(loadVectors().digest);
  });

  test('has a package that npx runs, from its file and without a network', () => {
    const packed = readdirSync(out).find((name) => name.endsWith('.tgz'));
    const options = ['--yes', '--offline', '--package', join(out, String(packed))];
    const ended = spawnSync('npx', [...options, '--', 'strongroom-conformance', '--help'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder },
      encoding: 'utf8',
    });
    expect(ended.stdout, ended.stderr).toMatch(/^Usage: strongroom-conformance/u);
  });
});

test('every folder that the suite reads is inside', () => {
  const root = join(packageRoot(), 'conformance');
  const files = Object.keys(embedded());
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/\.test\.ts$|^(?:mutants|adapters|implementations)\//u.test(name),
  );
  let found = 0;
  for (const name of sources) {
    const text = readFileSync(join(root, name), 'utf8');
    for (const [, from] of text.matchAll(/ownFiles\('([^']+)'\)/gu)) {
      found++;
      expect(
        files.some((file) => file.startsWith(`${from}/`)),
        `${name} reads ${from}`,
      ).toBe(true);
    }
  }
  expect(found).toBeGreaterThan(2);
});
