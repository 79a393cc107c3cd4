import { describe, expect, test } from 'vitest';
import { ownFiles, type Files } from '../assets.ts';
import { allCases } from '../cases/index.ts';
import type { CaseResult } from '../schema/report.ts';
import { loadVectors } from '../vectors.ts';
import { conclude, planOf, type Terms } from './plan.ts';
import { caseHash, loadProfiles, makeProfiles, type NamedProfile } from './profile.ts';
import { verdictLine } from './verdict.ts';
import { resultOf } from './worker.ts';

const set = loadVectors();
const cases = allCases(set);

// proves CFM-19
test('profiles have every case, and each is what it was: else npm run vectors, or a new version after a release', () => {
  const files = ownFiles('conformance/profiles');
  const made = makeProfiles(cases, set);
  expect(files.names()).toEqual([...made.keys()].toSorted());
  for (const [name, profile] of made) expect(JSON.parse(files.read(name).toString())).toEqual(profile);
});

test('a vector that expects something else, and a scenario that tests something else, have another hash', () => {
  const found = set.vectors.get('header.blob');
  const [blob, budget] = ['header.blob', 'vault.budget'].map((id) => cases.find((one) => one.id === id));
  if (found === undefined || blob === undefined || budget === undefined) throw new Error('no such case');
  const other = {
    ...found,
    vector: { ...found.vector, expect: { outcome: 'ok', result: { x: 1 } } as const },
  };
  const changed = { ...set, vectors: new Map([...set.vectors, ['header.blob', other]]) };
  expect(caseHash(blob, changed)).not.toBe(caseHash(blob, set));
  expect(caseHash(blob, set)).toBe(caseHash({ ...blob, title: 'Another title' }, set));
  expect(caseHash({ ...budget, title: 'Another title' }, set)).not.toBe(caseHash(budget, set));
  expect(caseHash({ ...budget, requirements: [] }, set)).not.toBe(caseHash(budget, set));
});

test('the remote profile has what needs no control over the vault, and the full one all of the core one', () => {
  const [remote] = loadProfiles('remote');
  expect(remote).toMatchObject({ name: '1.0/vault-server.remote', role: 'vault-server' });
  const ids = Object.keys(remote?.cases ?? {});
  expect(ids).toContain('vault.budget');
  expect(ids.filter((id) => ['vault.kill', 'vault.waits'].includes(id) || !id.startsWith('vault.'))).toEqual(
    [],
  );
  for (const core of loadProfiles('core')) {
    const full = loadProfiles('full').find(({ role }) => role === core.role);
    expect(full?.cases).toMatchObject(core.cases);
  }
});

describe('a verdict', () => {
  const one: NamedProfile = {
    format: 'strongroom-profile/1',
    role: 'container-reader',
    scope: 'core',
    cases: { 'header.blob': '0'.repeat(64) },
    name: '1.0/container-reader.core',
    sha256: 'abcdef0123'.padEnd(64, '0'),
  };
  const terms: Terms = {
    roles: ['container-reader'],
    level: 'core',
    claims: ['container-reader'],
    expected: [],
    loose: false,
    profiles: [one],
  };
  const chosen = cases.filter(({ id }) => ['header.blob', 'header.wrong-key'].includes(id));
  const concluded = (
    statuses: readonly CaseResult['status'][],
    profiles = terms.profiles,
  ): ReturnType<typeof conclude> => {
    const results = chosen.map((each, i): CaseResult => ({
      ...resultOf(each, 0, { status: 'pass' }),
      status: statuses[i] ?? 'pass',
    }));
    return conclude(results, { ...terms, profiles }, planOf(chosen, terms), '2026-01-01');
  };
  const line = ({ verdicts: [verdict] }: ReturnType<typeof conclude>): string =>
    verdict ? verdictLine(verdict) : '';

  // proves CFM-19
  test('is about the cases of the profile, which it names with its hash', () => {
    expect(chosen.map(({ id }) => id)).toEqual(['header.blob', 'header.wrong-key']);
    const later = concluded(['pass', 'fail']);
    expect(line(later)).toBe(
      'VERDICT container-reader core conformant pass=1 fail=0 not-run=0 not-scored=1 profile=1.0/container-reader.core@abcdef01',
    );
    expect(later.exitCode).toBe(0);
    expect(later.results.map(({ scored }) => scored)).toEqual([undefined, false]);
    expect(concluded(['pass', 'not-run']).exitCode).toBe(0);
  });

  test('is not saved by a later case, and without a profile is about all', () => {
    expect(line(concluded(['fail', 'pass']))).toMatch(/ non-conformant pass=0 fail=1 .* not-scored=1 /u);
    expect(concluded(['fail', 'pass']).exitCode).toBe(1);
    expect(line(concluded(['not-run', 'pass']))).toMatch(/ incomplete /u);
    expect(line(concluded(['pass', 'fail'], []))).toMatch(/ non-conformant pass=1 fail=1 not-run=0$/u);
  });
});

test('a file that is no profile is refused', () => {
  const files: Files = { names: () => ['1.0/x.core.json'], read: () => Buffer.from('{"format":"x"}') };
  expect(() => loadProfiles('core', '1.0', files)).toThrow(/format/u);
});
