import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { command } from '../command.ts';
import { matrixSchema, type Implementation, type MatrixReport } from '../schema/matrix.ts';

const top = mkdtempSync(join(tmpdir(), 'strongroom-matrix-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const fixture = fileURLToPath(new URL('adapter.fixture.ts', import.meta.url));
let made = 0;

/** A folder with an implementation of these roles and this fault. */
function implementation(name: string, roles: string, fault = '', more: Partial<Implementation> = {}): string {
  const folder = join(top, `${++made}`);
  mkdirSync(folder);
  const about: Implementation = {
    name,
    version: '1',
    language: 'TypeScript',
    needs: [],
    build: [],
    adapter: ['node', fixture, roles, fault],
    roles: ['container-reader'],
    libraries: [],
    shares: 'all of it',
    ...more,
  };
  writeFileSync(join(folder, 'implementation.json'), JSON.stringify(about));
  return folder;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function cli(...args: string[]): Promise<Ended> {
  const out = { stdout: '', stderr: '' };
  const code = await command(args, {
    stdout: { write: (text: string) => (out.stdout += text) },
    stderr: { write: (text: string) => (out.stderr += text) },
  });
  return { code, ...out };
}

async function cross(...folders: string[]): Promise<Ended & { report: MatrixReport; out: string }> {
  const out = join(top, `out-${++made}`);
  const named = folders.flatMap((folder) => ['--implementation', folder]);
  const ended = await cli('matrix', ...named, '--seed', '1', '--out', out);
  expect(ended.stderr).not.toMatch(/fault of the suite/u);
  const report = matrixSchema.parse(JSON.parse(readFileSync(join(out, 'matrix.json'), 'utf8')));
  expect(report.exitCode).toBe(ended.code);
  return { ...ended, report, out };
}

/** Combination, and how many of its checks failed because of whom. */
function blame({ tables }: MatrixReport): string[] {
  return tables
    .flatMap(({ cells }) => cells)
    .filter(({ failures }) => failures.length > 0)
    .map(({ by, reader, failures }) => {
      const who = [...new Set(failures.map((failure) => failure.who))].join();
      return `${by.join(' + ')} > ${reader}: ${who}`;
    });
}

describe('a matrix', () => {
  test('of an honest implementation with itself agrees', async () => {
    const { code, stdout, report } = await cross(implementation('one', 'container-reader,container-writer'));
    expect(stdout).toMatch(/^MATRIX agrees$/mu);
    expect(code).toBe(0);
    expect(report.tables[0]?.cells[0]).toMatchObject({ by: ['one'], reader: 'one', failures: [] });
    expect(report.tables[0]?.cells[0]?.passed).toBeGreaterThan(20);
  });

  test('with all cases says what they came to, and agrees only if every role is conformant', async () => {
    const cases = async (feature: string): Promise<[number, string[] | undefined]> => {
      const out = join(top, `out-${++made}`);
      const folder = implementation('writer', 'chat-writer', feature);
      const { code } = await cli('matrix', '--implementation', folder, '--suite', '--out', out);
      const report = matrixSchema.parse(JSON.parse(readFileSync(join(out, 'matrix.json'), 'utf8')));
      expect(readFileSync(join(out, 'writer', 'report.json'), 'utf8')).toContain('chat-writer.rows');
      const verdicts = report.participants[0]?.verdicts?.map((line) => line.split(' pass=')[0] ?? '');
      return [code, verdicts];
    };
    expect(await cases('')).toEqual([6, ['VERDICT chat-writer core incomplete']]);
    expect(await cases('chat-writer')).toEqual([1, ['VERDICT chat-writer core non-conformant']]);
  });

  test('finds every faulty one among them, and no fault between the others', async () => {
    const { code, report, stdout, out } = await cross(
      implementation(
        'honest',
        'container-writer,container-reader,set-writer,set-reader,vault-client,vault-server',
      ),
      ...[
        ['reads-short', 'container-reader'],
        ['takes-any-length', 'container-reader'],
        ['other-context', 'container-writer'],
        ['no-object', 'container-writer'],
        ['restores-less', 'set-reader'],
        ['writes-anew', 'set-writer'],
        ['keeps-the-password', 'vault-client'],
        ['other-password', 'vault-client'],
      ].map(([fault = '', role = '']) => implementation(fault, role, fault)),
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^MATRIX does-not-agree$/mu);
    // Whose answer it was: of two who do not agree the matrix does not know who is right.
    expect(blame(report)).toEqual([
      'honest > reads-short: reads-short',
      'honest > takes-any-length: takes-any-length',
      'other-context > honest: honest',
      'other-context > reads-short: reads-short',
      'other-context > takes-any-length: takes-any-length',
      'no-object > honest: no-object',
      'no-object > reads-short: no-object',
      'no-object > takes-any-length: no-object',
      'honest > restores-less: restores-less',
      'honest + honest > restores-less: restores-less',
      'honest + writes-anew > honest: writes-anew',
      'honest + writes-anew > restores-less: writes-anew',
      'writes-anew + honest > restores-less: restores-less',
      'writes-anew > restores-less: restores-less',
      'writes-anew + writes-anew > honest: writes-anew',
      'writes-anew + writes-anew > restores-less: writes-anew',
      'honest + keeps-the-password > honest: honest',
      'honest + other-password > honest: other-password',
      'keeps-the-password + keeps-the-password > honest: keeps-the-password',
      'keeps-the-password + other-password > honest: other-password',
      'other-password + honest > honest: honest',
      'other-password + keeps-the-password > honest: keeps-the-password',
    ]);
    expect(report.tables.map(({ kind, cells }) => [kind, cells.length])).toEqual([
      ['containers', 9],
      ['sets', 12],
      ['accounts', 9],
    ]);
    const [failure] = report.tables.flatMap(({ cells }) => cells.flatMap(({ failures }) => failures));
    expect(JSON.parse(readFileSync(join(out, failure?.request ?? ''), 'utf8'))).toMatchObject({ id: '1' });
  });
});

describe('what is not here', () => {
  const here = (): string => implementation('here', 'container-reader');

  // proves CFM-14
  test('is named with the reason, and with what does not build or start', async () => {
    const needs: Implementation['needs'] = [{ command: ['/no/such/compiler', '-v'], why: 'compiles it' }];
    const missing = await cross(implementation('missing', '', '', { needs }), here());
    expect(missing.code).toBe(6);
    expect(missing.stdout).toMatch(/missing did not run, missing: \/no\/such\/compiler -v \(compiles it\)/u);
    expect(readFileSync(join(missing.out, 'matrix.md'), 'utf8')).toContain('/no/such/compiler');
    expect(readFileSync(join(missing.out, 'matrix.html'), 'utf8')).toContain('/no/such/compiler');
    const build: Implementation['build'] = [['node', '-e', 'console.log("broken here"); process.exit(7)']];
    const unbuilt = await cross(implementation('unbuilt', '', '', { build }), here());
    expect(unbuilt.code).toBe(3);
    expect(unbuilt.stdout).toMatch(/unbuilt did not run, not-built: .*exit code 7\s+broken here/u);
    const check: Implementation['build'] = [['node', '-e', 'process.exit(8)']];
    const unsound = implementation('unsound', 'chat-reader', '', { check });
    expect((await cross(unsound)).code).toBe(0);
    const args = ['--implementation', unsound, '--suite', '--out', join(top, 'unsound')];
    expect((await cli('matrix', ...args)).stdout).toMatch(/unsound did not run, not-built: .*exit code 8/u);
    const dead = await cross(implementation('dead', '', '', { adapter: ['node', '-e', ''] }), here());
    expect(dead.code).toBe(3);
    expect(dead.stdout).toMatch(/dead did not run, not-started/u);
    expect(dead.report.participants.map(({ name, status }) => [name, status])).toEqual([
      ['dead', 'not-started'],
      ['here', 'ran'],
    ]);
  });

  test('ends a build that takes too long, with everything that it started', async () => {
    const script =
      'require("child_process").spawn(process.execPath,["-e","setTimeout(()=>{},60000)"],{stdio:"inherit"})';
    const folder = implementation('slow', '', '', { build: [['node', '-e', script]] });
    const started = Date.now();
    const args = ['--implementation', folder, '--build-timeout', '1', '--out', join(top, 'slow')];
    const { code, stdout } = await cli('matrix', ...args);
    expect(code).toBe(6);
    expect(stdout).toMatch(/slow did not run, out-of-time: .* not done in 1 s/u);
    expect(Date.now() - started).toBeLessThan(30_000);
  });

  test('is wrong usage where nothing else was asked for', async () => {
    const twice = [implementation('twin', ''), implementation('twin', '')];
    for (const folders of [[join(top, 'nowhere')], twice]) {
      const named = folders.flatMap((folder) => ['--implementation', folder]);
      expect((await cli('matrix', ...named)).code).toBe(2);
    }
    expect((await cli('matrix', '--nonsense')).code).toBe(2);
    expect((await cli('matrix', '--help')).stdout).toMatch(/Exit codes/u);
  });
});
