import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../command.ts';
import { reportSchema, type Report } from '../schema/report.ts';
import { packageRoot } from '../vectors.ts';
import { apply, changesSince, lookAt } from './changes.ts';
import { decode, encode } from './coding.ts';
import { BlankTape, Draws } from './tape.ts';
import { readTranscript } from './transcript.ts';

const top = mkdtempSync(join(tmpdir(), 'strongroom-tape-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  const stdout = { write: (part: string) => (text.stdout += part) };
  const stderr = { write: (part: string) => (text.stderr += part) };
  return { code: await command(args, { stdout, stderr }), ...text };
}

const files = ['report.json', 'transcript.jsonl'] as const;
type Name = (typeof files)[number];

/** Runs cases of the reference into a folder. */
async function record(out: string, cases: readonly string[]): Promise<Record<Name, string>> {
  const adapter = `node ${join(packageRoot(), 'conformance/adapters/reference.ts')}`;
  const globs = cases.flatMap((glob) => ['--case', glob]);
  const ran = await cli('run', '--adapter', adapter, ...globs, '--out', out, '--format', 'json,transcript');
  expect(ran.code, ran.stdout).toBe(0);
  const [report = '', transcript = ''] = files.map((name) => readFileSync(join(out, name), 'utf8'));
  return { 'report.json': report, 'transcript.jsonl': transcript };
}

// proves CFM-16, CFM-17
test('a run is scored again without the implementation, every kind of case', async () => {
  const out = join(top, 'kinds');
  const kinds = [
    'header.b*',
    'restore.f*',
    'sweeps.*',
    'writer.fresh',
    'order.stream',
    'http-ranges.honest',
    'http-ranges.breaks-off',
    'set-writer.first',
    'set-writer.stamps',
    'set-writer.prune-order',
    'chat-writer.bytes',
    'client.recover',
    'client.flood',
    'client.redirect',
    'vault.restart',
    'vault.burst',
    'fresh.container.container-reader',
  ];
  const whole = await record(out, kinds);
  const { code, stdout } = await cli('verify', out);
  expect(code, stdout).toBe(0);
  const { results } = reportSchema.parse(JSON.parse(whole['report.json']));
  const passed = results.filter(({ status }) => status === 'pass').map(({ id }) => id);
  expect(kinds.filter((glob) => !passed.some((id) => matchesGlob(id, glob)))).toEqual([]);
  expect(stdout).toContain(`${passed.length} cases scored again, 0 differences`);
}, 120_000);

describe('a recorded run', () => {
  const out = join(top, 'run');
  let whole: Record<Name, string>;

  beforeAll(async () => {
    whole = await record(out, ['header.blob', 'header.wrong-key', 'writer.fresh', 'vault.budget']);
  }, 60_000);

  /** Verifies the run with one of its files changed. */
  async function verified(name: Name, change: (text: string) => string): ReturnType<typeof cli> {
    const changed = change(whole[name]);
    expect(changed).not.toBe(whole[name]);
    writeFileSync(join(out, name), changed);
    const result = await cli('verify', out);
    writeFileSync(join(out, name), whole[name]);
    return result;
  }

  function edited(change: (report: Report) => Report): (text: string) => string {
    return (text) => JSON.stringify(change(reportSchema.parse(JSON.parse(text))));
  }

  // proves CFM-18
  test('does not show what a forged report says', async () => {
    const other = await verified(
      'report.json',
      edited((report) => ({
        ...report,
        results: report.results.map((one) =>
          one.id === 'header.blob' ? { ...one, status: 'fail', class: 'crash' } : one,
        ),
      })),
    );
    expect(other.code).toBe(1);
    expect(other.stdout).toContain('DIFFERENT header.blob: fail crash in the report, pass by the transcript');
    const shorter = await verified(
      'report.json',
      edited((report) => ({ ...report, results: report.results.filter(({ status }) => status === 'pass') })),
    );
    expect(shorter.code).toBe(1);
    expect(shorter.stdout).toMatch(/not in the report/u);
    const better = await verified(
      'report.json',
      edited((report) => ({
        ...report,
        verdicts: report.verdicts.map((one) => ({ ...one, verdict: 'conformant' as const })),
      })),
    );
    expect(better.code).toBe(1);
    expect(better.stdout).toMatch(/other verdicts/u);
  });

  test('is scored by its answers: a case that got others does not pass', async () => {
    const refused = await verified('transcript.jsonl', (text) =>
      text.replace(
        /("tape":"header\.blob".*?"outcome":)\{"outcome":"ok".*?\}\}/u,
        '$1{"outcome":"reject","error":"wrong-key"}',
      ),
    );
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(
      /header\.blob: pass in the report, fail rejected-valid by the transcript/u,
    );
    const released = await verified('transcript.jsonl', (text) =>
      text.replace(/("tape":"header\.wrong-key".*?"changes":)\[[^\]]*\]/u, (_whole, head: string) =>
        [
          head,
          JSON.stringify([
            {
              path: /"sink":"([^"]*)"/u.exec(_whole)?.[1],
              kind: 'file',
              content: '00',
              mode: 0o644,
              modified: 1,
            },
          ]),
        ].join(''),
      ),
    );
    expect(released.stdout).toMatch(
      /header\.wrong-key: pass in the report, fail over-release by the transcript/u,
    );
    const charged = await verified('transcript.jsonl', (text) =>
      text.replace(/("tape":"vault\.budget".*?"status":)200/u, '$1500'),
    );
    expect(charged.stdout).toMatch(/vault\.budget: pass in the report, fail wrong-output by the transcript/u);
  });

  test('that is not of the same requests is not scored at all', async () => {
    const asked = await verified('transcript.jsonl', (text) =>
      text.replace(/("tape":"writer\.fresh".*?"content":")[0-9a-f]+/u, '$100'),
    );
    expect(asked.stdout).toMatch(
      /not scored again: 1 \(the run was not asked: container\.create\): writer\.fresh/u,
    );
    const seed = await verified('transcript.jsonl', (text) => text.replace(/"seed":\d+/u, '"seed":4'));
    expect(seed.stdout).toMatch(/not scored again: .*writer\.fresh/u);
  });

  test('is refused if it is cut off, is of other vectors, or a text is not that of its hash', async () => {
    const cut = await verified(
      'transcript.jsonl',
      (text) => `${text.trimEnd().split('\n').slice(0, -1).join('\n')}\n`,
    );
    expect([cut.code, cut.stderr]).toEqual([2, expect.stringMatching(/cut off/u)]);
    const other = await verified('transcript.jsonl', (text) =>
      text.replace(/"vectors":"[0-9a-f]{4}/u, '"vectors":"0000'),
    );
    expect([other.code, other.stderr]).toEqual([2, expect.stringMatching(/other vectors/u)]);
    const { text } = readTranscript(join(out, 'transcript.jsonl'));
    expect(() => text('00')).toThrow(/lacks/u);
    const [, hash = ''] = /"sha256":"([0-9a-f]{64})","bytes":"/u.exec(whole['transcript.jsonl']) ?? [];
    writeFileSync(
      join(out, 'transcript.jsonl'),
      whole['transcript.jsonl'].replace(`"sha256":"${hash}","bytes":"`, `"sha256":"${hash}","bytes":"AAAA`),
    );
    const changed = readTranscript(join(out, 'transcript.jsonl'));
    writeFileSync(join(out, 'transcript.jsonl'), whole['transcript.jsonl']);
    expect(() => changed.text(hash)).toThrow(/another text/u);
  });
});

describe('values of a transcript', () => {
  const names = { folder: '/tmp/x', servers: ['http://127.0.0.1:1', 'http://127.0.0.1:2'] };

  test.each([
    ['@'],
    ['@folder/a'],
    ['@sha256/00'],
    ['@@server/0'],
    ['/tmp/x/y'],
    ['/tmp/xy'],
    ['/tmp/x'],
    ['http://127.0.0.1:2/object'],
    ['z'.repeat(1000)],
    [`@${'z'.repeat(1000)}`],
    [{ a: ['@x', 1, null, true, { b: '@folder' }] }],
  ])('come back as they were: %#', (value) => {
    const kept = new Map<string, string>();
    const coded = encode(value, names, (hash, text) => kept.set(hash, text));
    expect(decode(coded, names, (hash) => kept.get(hash) ?? '')).toEqual(value);
  });

  test('stand for other folders and servers in a replay', () => {
    const coded = encode(['/tmp/x/y', 'http://127.0.0.1:2/object'], names);
    const now = { folder: '/other', servers: ['http://127.0.0.1:8', 'http://127.0.0.1:9'] };
    expect(decode(coded, now, () => '')).toEqual(['/other/y', 'http://127.0.0.1:9/object']);
  });
});

test('random values follow from the run and the name of the tape, whatever the sizes that they are drawn in', () => {
  const draws = new Draws('1 ', 'a');
  const parts = Buffer.concat([draws.draw(5), draws.draw(70)]);
  expect(Buffer.from(new Draws('1 ', 'a').draw(75))).toEqual(parts);
  expect(new Draws('1 ', 'b').draw(75)).not.toEqual(new Draws('1 ', 'a').draw(75));
  expect(new Draws('2 ', 'a').draw(75)).not.toEqual(new Draws('1 ', 'a').draw(75));
  expect(new BlankTape('1 ', 'x').within('a').draw(5)).toEqual(new Draws('1 ', 'a').draw(5));
});

test('changes of a folder are found and made again: new, other, renamed and removed files, links, modes, times', async () => {
  const { chmodSync, lstatSync, mkdirSync, renameSync, symlinkSync, unlinkSync, utimesSync } =
    await import('node:fs');
  const { readTree } = await import('../runner/folder.ts');
  const [one, two] = [join(top, 'one'), join(top, 'two')];
  for (const folder of [one, two]) {
    mkdirSync(join(folder, 'deep'), { recursive: true });
    for (const name of ['same', 'other', 'gone', 'old', 'deep/gone']) writeFileSync(join(folder, name), name);
    symlinkSync('same', join(folder, 'link'));
  }
  const before = lookAt([one]);
  writeFileSync(join(one, 'other'), 'othex');
  unlinkSync(join(one, 'gone'));
  renameSync(join(one, 'old'), join(one, 'new'));
  rmSync(join(one, 'deep'), { recursive: true });
  unlinkSync(join(one, 'link'));
  symlinkSync('other', join(one, 'link'));
  mkdirSync(join(one, 'made/deeper'), { recursive: true });
  writeFileSync(join(one, 'made/deeper/file'), 'content');
  chmodSync(join(one, 'made/deeper/file'), 0o400);
  utimesSync(join(one, 'made/deeper'), 5, 1_600_000_000);
  chmodSync(join(one, 'made'), 0o500);
  const changes = changesSince(before, [one], { left: 1000 });
  apply(changes.map((change) => ({ ...change, path: change.path.replace(one, two) })));
  const times = Object.keys(readTree(one)).map((path) => [path, lstatSync(join(one, path)).mtimeMs]);
  utimesSync(two, 1, 1);
  expect(readTree(two)).toEqual(readTree(one));
  expect(times.length).toBeGreaterThan(6);
  chmodSync(join(one, 'made'), 0o700);
  chmodSync(join(two, 'made'), 0o700);
  const small = changesSince(new Map(), [one], { left: 10 });
  expect(small.some(({ kind }) => kind === 'too-large')).toBe(true);
  expect(() => apply(small)).toThrow(/too large/u);
});
