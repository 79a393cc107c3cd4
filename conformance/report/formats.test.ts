import { describe, expect, test } from 'vitest';
import type { CaseResult, Report } from '../schema/report.ts';
import { badge } from './badge.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';

function result(id: string, more: Partial<CaseResult> & Pick<CaseResult, 'status'>): CaseResult {
  return {
    id,
    title: `Title of ${id}`,
    why: 'because',
    role: 'container-reader',
    level: 'core',
    requirements: ['RDR-1'],
    milliseconds: 1500,
    ...more,
  };
}

function report(...results: CaseResult[]): Report {
  const verdict = { level: 'core', pass: 1, fail: 2, notRun: 1, notScored: 0, without: [] } as const;
  return {
    format: 'strongroom-report/1',
    runner: '0',
    vectors: '0'.repeat(64),
    started: '2026-01-01T00:00:00.000Z',
    milliseconds: 3000,
    platform: 'test',
    seed: 5,
    target: './adapter',
    command: 'run',
    results,
    verdicts: [
      { ...verdict, without: [], role: 'container-reader', verdict: 'non-conformant' },
      { ...verdict, without: [], role: 'set-reader', verdict: 'conformant' },
    ],
    stale: ['b.x: passes now'],
    exitCode: 1,
  };
}

const NASTY = 'a < b & "c" \u0000\u001b[31m ]]> ``` <script> | \ud800';
const all = report(
  result('a.pass', { status: 'pass' }),
  result('a.fail', { status: 'fail', class: 'wrong-output', detail: NASTY, expected: '00', actual: '01' }),
  result('a.error', { status: 'error', detail: 'garbage' }),
  result('a.known', { status: 'xfail', class: 'crash', issue: 'https://example.org/7' }),
  result('a.surprise', { status: 'xpass' }),
  result('a.absent', { status: 'not-run', detail: 'not selected' }),
  result('a.other', { status: 'not-applicable', detail: 'no role' }),
  result('b.pass', { status: 'pass', role: 'set-reader' }),
);

/** What a strict reader of XML makes of a document: its elements, in order; throws on whatever is not well-formed. */
function elements(xml: string): { readonly name: string; readonly attributes: Record<string, string> }[] {
  const found: ReturnType<typeof elements> = [];
  const open: string[] = [];
  // oxlint-disable-next-line no-control-regex
  if (/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(xml))
    throw new Error('no XML character');
  for (const [, tag = '', text = ''] of xml
    .replace(/^<\?xml[^>]*\?>\s/u, '')
    .matchAll(/<([^<>]*)>([^<]*)/gu)) {
    if (/[&](?!#\d+;)/u.test(tag + text) || text.includes('>')) throw new Error(`not escaped: ${text}`);
    if (tag.startsWith('/')) {
      if (open.pop() !== tag.slice(1)) throw new Error(`${tag} closes nothing`);
      continue;
    }
    const [, name = '', rest = '', empty = ''] = /^([a-z]+)((?: [a-z]+="[^"<>]*")*)(\/?)$/u.exec(tag) ?? [];
    if (name === '') throw new Error(`no tag: ${tag}`);
    const attributes = Object.fromEntries(
      [...rest.matchAll(/ ([a-z]+)="([^"]*)"/gu)].map(([, k, v]) => [k, v]),
    );
    found.push({ name, attributes });
    if (empty === '') open.push(name);
  }
  if (open.length > 0) throw new Error(`${open.join()} is open at the end`);
  return found;
}

describe('JUnit', () => {
  const found = elements(renderJunit(all));
  const named = (name: string): Record<string, string>[] =>
    found.filter((one) => one.name === name).map(({ attributes }) => attributes);

  test('is well-formed, whatever the implementation said', () => {
    expect(() => elements(renderJunit(all).replace('&#60;', '<'))).toThrow();
    expect(named('testcase')).toHaveLength(8);
  });

  test('has each status as build servers know it, and counts that add up', () => {
    expect(named('failure').map(({ type }) => type)).toEqual(['wrong-output', 'xpass']);
    expect(named('error')).toHaveLength(1);
    expect(named('skipped').map(({ message }) => message)).toEqual([
      expect.stringContaining('https://example.org/7'),
      'not-run: not selected',
      'not-applicable: no role',
    ]);
    expect(named('testsuites')).toEqual([
      { name: 'strongroom conformance', tests: '8', failures: '2', errors: '1', skipped: '3', time: '3.000' },
    ]);
    expect(named('testsuite')).toMatchObject([
      { name: 'container-reader', tests: '7', failures: '2', errors: '1', skipped: '3', time: '10.500' },
      { name: 'set-reader', tests: '1', failures: '0', errors: '0', skipped: '0' },
    ]);
  });
});

describe('Markdown', () => {
  const text = renderMarkdown(all);

  test('shows verdicts, failures, known ones with their issue, and stale lines', () => {
    expect(text).toContain('| container-reader | core | **non-conformant** | 1 | 2 | 1 | all cases |  |');
    expect(text).toContain('### 3 failures');
    expect(text).toContain('--case a.fail --seed 5');
    expect(text).toMatch(/a\.known \(crash\), https:\/\/example\.org\/7/u);
    expect(text).toContain('stale expectation: b.x: passes now');
  });

  test('lets nothing that the implementation said out of its block', () => {
    const block = /^(`{4,})text\n[^]*?<script>[^]*?\n\1$/mu.exec(text);
    expect(block?.[0]).toContain('``` <script>');
    expect(text.replaceAll(/^(`{3,})text\n[^]*?\n\1$/gmu, '')).not.toContain('<script>');
  });

  test('of many failures shows the first, and says how many there are', () => {
    const many = Array.from({ length: 30 }, (_, i) => result(`m.${i}`, { status: 'fail', class: 'state' }));
    expect(renderMarkdown(report(...many))).toMatch(/### 30 failures[^]*And 10 more\./u);
  });
});

test('a badge says the worst verdict, and of which roles', () => {
  expect(badge(all)).toEqual({
    schemaVersion: 1,
    label: 'strongroom',
    message: 'non-conformant: container-reader core',
    color: 'red',
  });
  const best = all.verdicts.map((one) => ({ ...one, verdict: 'conformant' as const }));
  expect(badge({ ...all, verdicts: best })).toMatchObject({
    message: 'conformant: container-reader, set-reader core',
    color: 'brightgreen',
  });
  expect(badge({ ...all, verdicts: [] })).toMatchObject({
    message: 'incomplete: nothing ran',
    color: 'lightgrey',
  });
});
