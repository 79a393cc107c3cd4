import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { allCases } from '../cases/index.ts';
import { cli } from '../commands/cli.fixture.ts';
import { splitCommand } from '../runner/connection.ts';
import { run } from '../runner/run.ts';
import type { Report } from '../schema/report.ts';
import { loadVectors, packageRoot } from '../vectors.ts';
import { SKELETONS, skeletonText, type Skeleton } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'strongroom-skeletons-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const set = loadVectors();
const cases = allCases(set).filter(({ role }) => role === 'container-reader');

function has(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}

/** Writes a skeleton, builds it, and runs the cases of its role. */
async function tried(language: string, { build, adapter }: Skeleton): Promise<Report> {
  const folder = join(root, language);
  expect((await cli('init', '--lang', language, folder)).code).toBe(0);
  const readme = readFileSync(join(folder, 'README.md'), 'utf8').split('\n');
  expect(readme).toEqual([expect.any(String), expect.stringContaining(adapter), expect.any(String), '']);
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

test('the documentation has a line for each language, as it is', () => {
  const text = readFileSync(join(packageRoot(), 'docs/conformance.md'), 'utf8');
  for (const [language, { files, needs, build, adapter }] of SKELETONS) {
    const cells = [`\`${language}\``, `\`${files[0]}\``, needs, build && `\`${build}\``, `\`${adapter}\``];
    expect(text).toContain(`| ${cells.join(' | ')} |\n`.replace('|  |', '| |'));
  }
});

test('init never replaces a file, and takes a folder and a language that it knows', async () => {
  const folder = join(root, 'twice');
  expect((await cli('init', '--lang', 'python', folder)).code).toBe(0);
  const again = await cli('init', '--lang', 'python', folder);
  expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/adapter\.py is there already/u)]);
  for (const args of [['--lang', 'python'], [join(root, 'x')], ['--lang', 'perl', join(root, 'x')]])
    expect((await cli('init', ...args)).code).toBe(2);
  expect(existsSync(join(root, 'x'))).toBe(false);
});

/** What a reader has to add to the skeleton, here around the reference. */
const OPENING = `
  try {
    const opener = new Opener({
      key: 'objectKey' in params ? ObjectKey.fromBytes(bytes(params.objectKey)) : BackupKey.fromBytes(bytes(params.key)),
      context: bytes(params.context),
      ...('objectLength' in params && { objectLength: params.objectLength }),
    });
    for (const piece of opener.feed(bytes(object))) appendFileSync(params.sink, piece);
    const end = opener.finish();
    let step = end.next();
    for (; step.done !== true; step = end.next()) appendFileSync(params.sink, step.value);
    const { header, contentLength } = step.value;
    return { outcome: 'ok', result: { type: header.type, contentLength } };
  } catch (error) {
    return reject(error.code);
  }`;

test('the one operation is enough: filled in, every vector of opening passes', async () => {
  const reference = (name: string): string => join(packageRoot(), 'reference', name);
  const skeleton = skeletonText('typescript', 'adapter.ts');
  const imports = [
    `import { appendFileSync } from 'node:fs';`,
    `import { Opener } from '${reference('container/index.ts')}';`,
    `import { BackupKey } from '${reference('keys/backup-key.ts')}';`,
    `import { ObjectKey } from '${reference('keys/object-key.ts')}';`,
    `const bytes = (text = '') => new Uint8Array(Buffer.from(text, 'hex'));`,
  ];
  const filled = skeleton
    .replace('import { createInterface }', `${imports.join('\n')}\nimport { createInterface }`)
    .replace(
      "({ object = '' }: Params): object {",
      "(params: any): object {\n  const { object = '' } = params;",
    )
    .replace("\n  return { outcome: 'unsupported', feature: 'container.open' };", OPENING);
  const path = join(root, 'filled.ts');
  writeFileSync(path, filled);
  const opening = cases.filter(({ id }) => set.vectors.get(id)?.vector.op === 'container.open');
  const { report } = await run({
    adapter: ['node', path],
    cases: opening,
    vectors: set.digest,
    seed: 7,
    timeout: 20_000,
  });
  expect(opening.length).toBeGreaterThan(250);
  expect(report.results.filter(({ status }) => status !== 'pass')).toEqual([]);
});
