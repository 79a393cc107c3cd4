import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allCases } from '../cases/index.ts';
import type { Case } from '../runner/case.ts';
import { run } from '../runner/run.ts';
import type { CaseResult, Report } from '../schema/report.ts';
import { loadVectors, packageRoot } from '../vectors.ts';

const set = loadVectors();
const cases = allCases(set);

async function against(lie: string, chosen: (one: Case) => boolean): Promise<Report> {
  const { report } = await run({
    adapter: ['node', join(packageRoot(), 'conformance/adapters/liar.ts'), lie],
    cases: cases.filter(chosen),
    vectors: set.digest,
    seed: 7,
    timeout: lie.startsWith('hangs') ? 2000 : 15_000,
  });
  return report;
}

function outcomeOf({ id }: { readonly id: string }): string | undefined {
  return set.vectors.get(id)?.vector.expect.outcome;
}

/** How the cases of one outcome ended. */
function ends(report: Report, outcome: 'ok' | 'reject'): Set<string | undefined> {
  const own = report.results.filter((result) => outcomeOf(result) === outcome);
  expect(own.length).toBeGreaterThan(0);
  return new Set(own.map(({ status, class: failure }: CaseResult) => failure ?? status));
}

describe('an adapter that lies about refusals', () => {
  const keys = ({ id }: Case): boolean => id.startsWith('keys.');

  // proves CFM-11
  test.each([
    ['accepts-all', ['pass'], ['accepted-invalid']],
    ['refuses-all', ['rejected-valid'], ['pass']],
    ['one-code', ['pass'], ['wrong-error']],
    ['no-refusals', ['pass'], ['unsupported-but-claimed']],
    ['fails-to-refuse', ['pass'], ['crash']],
  ])('%s: what is valid ends as %j, what is not as %j', async (lie, valid, invalid) => {
    const report = await against(lie, keys);
    expect([...ends(report, 'ok')]).toEqual(valid);
    expect([...ends(report, 'reject')]).toEqual(invalid);
    expect(report.exitCode).toBe(1);
    expect(report.verdicts[0]?.verdict).toBe('non-conformant');
  });

  test('hangs-to-refuse: ends as timeout, and what comes after it is asked of a new process', async () => {
    const report = await against('hangs-to-refuse', ({ id }) => ['keys.tab', 'keys.upper'].includes(id));
    expect([...ends(report, 'ok')]).toEqual(['pass']);
    expect([...ends(report, 'reject')]).toEqual(['timeout']);
  });

  test('answers-anything: the probe of every role finds it', async () => {
    const probes = await against('answers-anything', ({ id }) => id.startsWith('probe.'));
    expect(probes.results.length).toBeGreaterThan(6);
    expect(new Set(probes.results.map(({ class: failure }) => failure))).toEqual(
      new Set(['accepted-invalid']),
    );
  });
});

describe('an adapter that knows the vectors by heart', () => {
  // proves CFM-15
  test('passes them, and nothing that is made for the run', async () => {
    const published = await against(
      'by-heart',
      ({ id, feature, level }) => level === 'core' && set.vectors.has(id) && feature !== 'sweep',
    );
    expect(published.results.filter(({ status }) => status !== 'pass').map(({ id }) => id)).toEqual([]);
    expect(published.exitCode).toBe(0);
    const fresh = await against('by-heart', ({ id }) => id.startsWith('fresh.'));
    expect(fresh.results.length).toBeGreaterThan(20);
    expect(fresh.results.filter(({ status }) => status !== 'fail').map(({ id }) => id)).toEqual([]);
  });

  test('is asked about every feature that has vectors with values', () => {
    const features = [...set.vectors.values()].map(
      ({ vector, feature }) => `fresh.${feature}.${vector.role}`,
    );
    const asked = cases.map(({ id }) => id).filter((id) => id.startsWith('fresh.'));
    expect([...new Set(features)].filter((id) => !asked.includes(id))).toEqual([
      'fresh.lengths.container-writer',
    ]);
  });
});
