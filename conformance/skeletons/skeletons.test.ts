import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { allCases } from '../cases/index.ts';
import { splitCommand } from '../runner/connection.ts';
import { run } from '../runner/run.ts';
import type { Report } from '../schema/report.ts';
import { loadVectors } from '../vectors.ts';
import { SKELETONS, skeletonText, type Skeleton } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'strongroom-skeletons-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const set = loadVectors();
const cases = allCases(set).filter(({ role }) => role === 'container-reader');

function has(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}

/** Writes a skeleton as `init` does, builds it, and runs the cases of its role. */
async function tried(language: string, { files, build, adapter }: Skeleton): Promise<Report> {
  const folder = join(root, language);
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), skeletonText(language, file));
  }
  const [program = '', ...args] = splitCommand(build ?? 'true');
  const built = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  expect(built.stderr ?? built.error?.message).not.toMatch(/error|warning/u);
  expect(built.status).toBe(0);
  // The adapter runs where its files are, as it does for whoever follows the README.
  const command = ['sh', '-c', `cd ${folder} && exec ${adapter}`];
  return (await run({ adapter: command, cases, vectors: set.digest, seed: 7, timeout: 20_000 })).report;
}

describe.each([...SKELETONS])('the skeleton in %s', (language, skeleton) => {
  test('has at most 40 lines', () => {
    const lines = skeletonText(language, skeleton.files[0]).split('\n');
    expect(lines.length - 1).toBeLessThanOrEqual(40);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(115);
  });

  const tool = splitCommand(skeleton.build ?? skeleton.adapter)[0] ?? '';
  test.runIf(has(tool))('builds, and its first verdict is honest', { timeout: 120_000 }, async () => {
    const { results, verdicts } = await tried(language, skeleton);
    expect(verdicts.map(({ role, verdict }) => [role, verdict])).toEqual([
      ['container-reader', 'non-conformant'],
    ]);
    const asked = results.filter(({ status }) => status !== 'not-run' && status !== 'not-applicable');
    expect(new Set(asked.map((one) => one.class ?? one.status))).toEqual(
      new Set(['pass', 'unsupported-but-claimed']),
    );
    const passed = asked.filter(({ status }) => status === 'pass').map(({ id }) => id);
    expect(passed).toEqual(expect.arrayContaining(['header.magic-last-byte', 'header.leading-bom']));
    expect(passed.length).toBeGreaterThan(15);
  });
});
