import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allCases } from '../conformance/cases/index.ts';
import { loadVectors, packageRoot } from '../conformance/vectors.ts';
import { readClasses } from './generate/classes.ts';

const set = loadVectors();
const { classes } = readClasses();
const scenarios = allCases(set)
  .map(({ id }) => id)
  .filter((id) => !set.vectors.has(id));

/** The ids that a pattern stands for. */
function matching(pattern: string, known: readonly string[]): string[] {
  return pattern.endsWith('*')
    ? known.filter((id) => id.startsWith(pattern.slice(0, -1)))
    : known.filter((id) => id === pattern);
}

describe('the classes of malformed input', () => {
  test('are all there, once, in their order', () => {
    expect(classes.map(({ number }) => number)).toEqual(Array.from({ length: 159 }, (_, i) => i + 1));
  });

  test('are each covered by something', () => {
    for (const { number, vectors, generated, scenarios: cases, tests } of classes)
      expect(
        [vectors, generated, cases, tests].flat().filter(Boolean).length,
        `class ${number}`,
      ).toBeGreaterThan(0);
  });

  test('name vectors and cases that exist', () => {
    const vectors = [...set.vectors.keys()];
    for (const { number, vectors: named = [], generated = [], scenarios: cases = [] } of classes) {
      for (const id of [...named, ...generated])
        expect(matching(id, vectors).length, `class ${number}: ${id}`).toBeGreaterThan(0);
      for (const id of cases)
        expect(matching(id, scenarios).length, `class ${number}: ${id}`).toBeGreaterThan(0);
    }
  });

  test('name tests that exist', () => {
    for (const { number, tests = [] } of classes) {
      for (const { file, name } of tests) {
        const text = readFileSync(join(packageRoot(), file), 'utf8');
        expect(
          [`'${name}'`, `"${name}"`, `\`${name}\``].some((title) => text.includes(title)),
          `class ${number}: ${file}: ${name}`,
        ).toBe(true);
      }
    }
  });
});
