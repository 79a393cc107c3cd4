import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { allCases } from './cases/index.ts';
import { command } from './command.ts';
import { run } from './runner/run.ts';
import { reportSchema } from './schema/report.ts';
import { loadVectors, packageRoot } from './vectors.ts';

const root = packageRoot();
const reference = ['node', join(root, 'conformance/adapters/reference.ts')];
const folder = mkdtempSync(join(tmpdir(), 'strongroom-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  const stdout = { write: (part: string) => (text.stdout += part) };
  const stderr = { write: (part: string) => (text.stderr += part) };
  const code = await command(args, { stdout, stderr });
  return { code, ...text };
}

function nullAdapter(mode: string): string {
  return `node ${join(root, 'conformance/adapters/null.ts')} ${mode}`;
}

describe('the reference', () => {
  const set = loadVectors();

  test.each([[[]], [['--engine=noble']]])('passes every case that needs no vault, with %j', async (flags) => {
    const cases = allCases(set).filter(({ role }) => !role.startsWith('vault'));
    const { report } = await run({
      adapter: [...reference, ...flags],
      cases,
      vectors: set.digest,
      seed: 7,
      jobs: 2,
      timeout: 15_000,
    });
    expect(report.results.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(report.verdicts.map(({ verdict }) => verdict)).toEqual(Array(6).fill('conformant'));
    expect(reportSchema.parse(report)).toEqual(report);
  });

  test.runIf(process.env['STRONGROOM_LONG'] === '1')('passes every bit and every length', async () => {
    const { report } = await run({
      adapter: reference,
      cases: allCases(set).filter(({ level }) => level === 'full'),
      vectors: set.digest,
      level: 'full',
      seed: 7,
      timeout: 60_000,
    });
    expect(report.results.length).toBeGreaterThan(3);
    expect(report.results.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(report.verdicts.map(({ level, verdict }) => [level, verdict])).toEqual([
      ['full', 'conformant'],
      ['full', 'conformant'],
    ]);
  });

  test('passes with live vaults and against hostile ones', async () => {
    const live = ['vault.recover', 'vault.budget', 'vault.kill', 'vault.rollback'];
    const cases = allCases(set).filter(({ id, role }) => role === 'vault-client' || live.includes(id));
    const { report } = await run({
      adapter: reference,
      cases,
      vectors: set.digest,
      seed: 7,
      jobs: 2,
      timeout: 15_000,
    });
    expect(report.results.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(report.verdicts.map(({ verdict }) => verdict)).toEqual(['conformant', 'conformant']);
  });

  test('is incomplete, not conformant, as a build for users: its known answers cannot be asked', async () => {
    const cases = allCases(set).filter(({ role }) => role === 'container-writer');
    const { report } = await run({
      adapter: [...reference, '--production'],
      cases,
      vectors: set.digest,
      seed: 7,
      jobs: 2,
      timeout: 15_000,
    });
    expect(report.verdicts[0]).toMatchObject({ verdict: 'incomplete', fail: 0 });
    expect(report.results.find(({ id }) => id === 'writer.no-injection')?.status).toBe('pass');
  });
});

describe('exit codes', () => {
  const one = ['--case', 'header.blob', '--timeout', '400'];
  test.each([
    ['ok', 1],
    ['reject', 1],
    ['unsupported', 1],
    ['error', 1],
    ['crash', 1],
    ['hang', 1],
    ['no-line-end', 1],
    ['late-crash', 1],
    ['stderr-flood', 1],
    ['echo', 3],
    ['garbage', 3],
    ['log', 3],
    ['shape', 3],
    ['wrong-id', 3],
    ['twice', 3],
    ['late-twice', 3],
    ['unasked', 3],
    ['flood', 3],
    ['hello-twice', 3],
    ['hello-flood', 3],
    ['hello-crash', 3],
    ['hello-garbage', 3],
    ['hello-reject', 3],
  ])('an adapter that does %s gives %i', async (mode, code) => {
    const result = await cli('run', '--adapter', nullAdapter(mode), ...one, '--out', join(folder, mode));
    expect(result.code, result.stderr).toBe(code);
    if (!mode.startsWith('hello-')) expect(result.stdout).toMatch(/^ {4}do {8}\S.*\.$/mu);
    if (code === 1)
      expect(result.stdout).toMatch(
        /^VERDICT container-reader core non-conformant pass=0 fail=1 .* without=ranges,salvage,http-ranges,files$/mu,
      );
  });

  test.each([
    ['log', /a line that is not JSON: "listening on port 8080"/u],
    ['shape', /a line that is no answer: .* at result/u],
    ['twice', /two answers to one request/u],
    ['late-twice', /two answers to one request/u],
    ['unasked', /an answer that nobody asked for/u],
    ['wrong-id', /another id/u],
    ['flood', /a line without end/u],
  ])('of an adapter that does %s the report says what is wrong', async (mode, what) => {
    const { stdout } = await cli('run', '--adapter', nullAdapter(mode), ...one, '--out', join(folder, mode));
    expect(stdout).toMatch(what);
  });

  // proves CFM-11
  test('a reject case is not passed by an adapter that refuses all, crashes, or supports nothing', async () => {
    for (const [mode, failure] of [
      ['reject', 'wrong-error'],
      ['unsupported', 'unsupported-but-claimed'],
      ['crash', 'crash'],
      ['error', 'crash'],
    ]) {
      const out = join(folder, `negative-${mode}`);
      await cli('run', '--adapter', nullAdapter(String(mode)), '--case', 'header.wrong-key', '--out', out);
      const report = reportSchema.parse(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')));
      expect(report.results.find(({ id }) => id === 'header.wrong-key')).toMatchObject({
        status: 'fail',
        class: failure,
      });
    }
  });

  // proves CFM-10
  test('2 for wrong usage', async () => {
    for (const args of [
      ['run'],
      ['nonsense'],
      ['run', '--adapter', 'x', '--role', 'nobody'],
      ['run', '--vault', 'http://example.org'],
      ['explain', 'nothing'],
      [],
    ]) {
      expect((await cli(...args)).code).toBe(2);
    }
  });

  test('3 for a program that is not there', async () => {
    expect((await cli('run', '--adapter', '/does/not/exist')).code).toBe(3);
  });

  test('5 for a stale expectation, 0 for a true one, 6 for a claim that is not complete', async () => {
    const expected = join(folder, 'expected.json');
    const line = {
      case: 'header.blob',
      class: 'rejected-valid',
      issue: 'https://example.org/1',
      expires: '2999-01-01',
    };
    writeFileSync(expected, JSON.stringify([line]));
    const known = ['run', '--case', 'header.blob', '--expected', expected, '--out', join(folder, 'expected')];
    expect((await cli(...known, '--adapter', nullAdapter('reject'))).code).toBe(0);
    expect((await cli(...known, '--adapter', reference.join(' '))).code).toBe(5);
    const claim = await cli(
      'run',
      '--adapter',
      reference.join(' '),
      '--case',
      'header.blob',
      '--claim',
      'container-reader',
      '--out',
      join(folder, 'claim'),
    );
    expect(claim.code).toBe(6);
    expect(claim.stdout).toMatch(/VERDICT container-reader core incomplete pass=1 fail=0 /u);
  });
});

test('a list of expected failures is written after a whole run alone, and holds for the next one', async () => {
  const path = join(folder, 'next.json');
  const issue = 'https://example.org/2';
  const run = ['run', '--adapter', nullAdapter('reject'), '--out', join(folder, 'next'), '--format', 'json'];
  const write = [...run, '--write-expected', path];
  const when = ['--issue', issue, '--expires', '2999-01-01'];
  for (const more of [[], ['--issue', issue], ['--issue', 'soon', '--expires', '2999-01-01']])
    expect((await cli(...write, ...more)).stderr).toMatch(/needs --issue URL and --expires/u);
  for (const filter of [
    ['--case', 'header.*'],
    ['--role', 'set-reader'],
    ['--loose-errors'],
    ['--fail-fast'],
  ])
    expect(await cli(...write, ...when, ...filter)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/needs a whole run/u),
    });
  expect((await cli(...write, ...when)).code).toBe(1);
  const lines: unknown[] = JSON.parse(readFileSync(path, 'utf8'));
  expect(lines).toContainEqual({
    case: 'header.blob',
    class: 'rejected-valid',
    issue,
    expires: '2999-01-01',
  });
  const next = await cli(...run, '--expected', path);
  expect(next.code, next.stdout.slice(0, 2000)).toBe(0);
  expect(next.stdout).not.toMatch(/stale|VERDICT \S+ core (?:non-conformant|conformant) /u);
}, 120_000);

test('the page is one file that asks no host for anything, and shows failures first', async () => {
  const out = join(folder, 'page');
  await cli('run', '--adapter', nullAdapter('ok'), '--case', 'header.*', '--out', out);
  const page = readFileSync(join(out, 'report.html'), 'utf8');
  expect(page).not.toMatch(/<script|<link|<img|url\(|src=|@import/u);
  expect(page).toContain("default-src 'none'");
  expect(page.indexOf('id="case-header.blob"')).toBeGreaterThan(0);
  expect(page.indexOf('id="case-header.blob"')).toBeLessThan(page.indexOf('<h2>Requirements</h2>'));
  expect(page).toContain('--case header.blob --seed');
});

test('explain and list speak of vectors, scenarios and requirements', async () => {
  expect((await cli('explain', 'chunks.swapped')).stdout).toMatch(/made from chunks\.three/u);
  expect((await cli('explain', 'CHK-5')).stdout).toMatch(/chunks\.swapped/u);
  expect((await cli('list', '--role', 'container-writer')).stdout).toMatch(/^writer\.fresh\t/mu);
});

test('every command has help with examples, which runs nothing', async () => {
  const { stdout, code } = await cli('--help');
  expect([code, stdout.match(/^Examples$/mu)]).toMatchObject([0, expect.anything()]);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gmu)].map(([, name = '']) => name);
  expect(names).toContain('run');
  for (const name of names) {
    const help = await cli(name, '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(
      new RegExp(
        `^Usage: strongroom-conformance ${name}[^]*\\n\\nExamples\\n {2}strongroom-conformance ${name}`,
        'u',
      ),
    );
  }
});
