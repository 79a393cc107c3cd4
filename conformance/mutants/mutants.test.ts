import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allCases } from '../cases/index.ts';
import { readSpec } from '../spec-text.ts';
import { loadVectors, packageRoot } from '../vectors.ts';
import { mutants } from './catalogue.ts';
import { apply, editsOf } from './mutant.ts';
import { runMutant, type MutantResult } from './run.ts';
import { suiteMutants } from './suite.ts';
import { summary } from './summary.ts';

const cases = allCases(loadVectors());

describe('the catalogue', () => {
  test('has thirty mutants and more, each with an id of its own', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(30);
    const ids = [...mutants, ...suiteMutants].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('changes the sources as they are', () => {
    for (const mutant of [...mutants, ...suiteMutants]) {
      for (const edit of editsOf(mutant)) {
        const source = readFileSync(join(packageRoot(), edit.file), 'utf8');
        expect(() => apply(edit, source), mutant.id).not.toThrow();
        expect(apply(edit, source) === source, mutant.id).toBe(false);
      }
    }
  });

  test('names cases and requirements that exist, and cases that cite them', () => {
    const known = new Set(readSpec().requirements.map(({ id }) => id));
    for (const { id, requirement, cases: names } of mutants) {
      expect(known.has(requirement), `${id}: ${requirement}`).toBe(true);
      const citing = cases.filter((one) => names.includes(one.id) && one.requirements.includes(requirement));
      expect(citing.length, `${id} needs a case that cites ${requirement}`).toBeGreaterThan(0);
    }
  });
});

test('each self-test that a mutant of the suite names says that it proves the requirement', () => {
  for (const { id, requirement, test: named } of suiteMutants) {
    const text = readFileSync(join(packageRoot(), named.file), 'utf8');
    if (requirement !== undefined) expect(text, id).toMatch(new RegExp(`// proves .*${requirement}\\b`, 'u'));
  }
});

test('a text that occurs twice, or not at all, is no mutant', () => {
  const edit = { file: 'f', find: 'a', replace: 'b' };
  expect(apply(edit, 'xay')).toBe('xby');
  expect(() => apply(edit, 'aa')).toThrow(/2 times/u);
  expect(() => apply(edit, 'x')).toThrow(/0 times/u);
});

describe('a kill', () => {
  const killed = mutants.find(({ id }) => id === 'magic-seven-bits');
  if (killed === undefined) throw new Error('the mutant of this test is gone');

  test('needs the named class, and a change that is seen', async () => {
    expect(await runMutant(killed, cases)).toMatchObject({
      status: 'killed',
      killedBy: 'header.magic-first-byte',
    });
    const own = cases.filter(({ id }) => killed.cases.includes(id));
    expect(await runMutant({ ...killed, class: 'crash' }, own)).toMatchObject({ status: 'survived' });
  });

  test('is not claimed for a requirement that no case of the mutant cites', async () => {
    await expect(runMutant({ ...killed, requirement: 'KEY-2' }, cases)).rejects.toThrow(/cites KEY-2/u);
    await expect(runMutant({ ...killed, cases: ['no.such'] }, cases)).rejects.toThrow(/no case/u);
  });

  test('by a case that does not cite the requirement is told apart', async () => {
    const some = cases.filter(({ id }) =>
      ['keys.plain', 'header.blob', 'header.magic-first-byte'].includes(id),
    );
    const [keysOnly = ''] = some.find(({ id }) => id === 'keys.plain')?.requirements ?? [];
    const other = { ...killed, requirement: keysOnly, cases: ['keys.plain', 'header.magic-first-byte'] };
    expect(await runMutant(other, some)).toMatchObject({
      status: 'elsewhere',
      killedBy: 'header.magic-first-byte',
    });
    const deaf = some.filter(({ id }) => id !== 'header.magic-first-byte');
    expect(await runMutant({ ...other, cases: ['keys.plain'] }, deaf)).toMatchObject({ status: 'survived' });
  });

  test('is not claimed for a mutant that is called equivalent', async () => {
    expect(await runMutant({ ...killed, equivalent: 'it is said' }, cases)).toMatchObject({
      status: 'survived',
    });
  });
});

test('the table counts each mutant once, by the document that it breaks', () => {
  const one = (
    id: string,
    requirement: string,
    status: MutantResult['status'],
    how = 'crash',
  ): MutantResult => ({
    id,
    requirement,
    status,
    class: how,
  });
  const results = [
    one('a', 'KEY-1', 'killed'),
    one('b', 'KEY-1', 'elsewhere'),
    one('c', 'CFM-6', 'killed', 'self-test'),
    one('d', '', 'survived', 'self-test'),
  ];
  const table = summary(results, new Map([['KEY-1', 'keys.md']]));
  expect(table).toMatch(/^keys\.md +2 +1 +1 +0 +0$/mu);
  expect(table).toMatch(/^the suite itself +2 +1 +0 +1 +0$/mu);
  expect(table).toMatch(/^MUTANTS total=4 killed=2 elsewhere=1 survived=1 equivalent=0$/mu);
});
