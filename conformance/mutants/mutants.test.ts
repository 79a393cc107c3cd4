import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allCases } from '../cases/index.ts';
import { readSpec } from '../spec-text.ts';
import { loadVectors, packageRoot } from '../vectors.ts';
import { mutants } from './catalogue.ts';
import { apply, editsOf } from './mutant.ts';
import { runMutant } from './run.ts';

const cases = allCases(loadVectors());

describe('the catalogue', () => {
  test('has thirty mutants and more, each with an id of its own', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(30);
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
  });

  test('changes the sources as they are', () => {
    for (const mutant of mutants) {
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
    expect(await runMutant({ ...killed, class: 'crash' }, cases)).toMatchObject({ status: 'survived' });
  });

  test('is not claimed for a requirement that no case of the mutant cites', async () => {
    await expect(runMutant({ ...killed, requirement: 'KEY-2' }, cases)).rejects.toThrow(/cites KEY-2/u);
    await expect(runMutant({ ...killed, cases: ['no.such'] }, cases)).rejects.toThrow(/no case/u);
  });

  test('is not claimed for a mutant that is called equivalent', async () => {
    expect(await runMutant({ ...killed, equivalent: 'it is said' }, cases)).toMatchObject({
      status: 'survived',
    });
  });
});
