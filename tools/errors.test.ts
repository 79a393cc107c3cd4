import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSpec } from '../conformance/spec-text.ts';
import { ERRORS } from '../reference/errors.ts';
import { LABELS } from '../reference/keys/labels.ts';

const document = (name: string): string =>
  readFileSync(new URL(`../spec/${name}.md`, import.meta.url), 'utf8');

/** The code spans in the first column of every table of a text, in order. */
function firstColumn(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`[^|]*`) \|/gmu)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/gu)].map(([, code = '']) => code));
}

test('every error code stands in the registry of the text exactly once, and no other does', () => {
  expect(firstColumn(document('errors')).sort()).toEqual(Object.keys(ERRORS).sort());
});

// proves CNV-14
test('the labels of the text are those of the code, in order', () => {
  const [, section = ''] = /## Labels\n([^]*?)\n## /u.exec(document('registries')) ?? [];
  expect(firstColumn(section)).toEqual([...LABELS]);
});

test('every code that a rule or a step names is registered', () => {
  const rules = readSpec().requirements.map(({ sentence }) => sentence);
  const steps = readdirSync(new URL('../spec/', import.meta.url))
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => document(name.slice(0, -3)).match(/^ *[0-9]+\. .*(?:\n {3,}\S.*)*/gmu) ?? []);
  const named = [
    ...rules.flatMap((rule) => [...rule.matchAll(/(?:refuse|report|stop)\b.* with `([a-z-]+)`\.?$/gu)]),
    ...steps.flatMap((step) => [...step.matchAll(/: `([a-z-]+)`(?=\.(?:\s|$)|, with|$)/gu)]),
  ].map(([, code = '']) => code);
  expect(named.length).toBeGreaterThan(90);
  expect(named.filter((code) => !(code in ERRORS))).toEqual([]);
});

test('a retired id is not used again', () => {
  const [, list = ''] = /Retired, because[^:]*: ([^.]*)\./u.exec(document('conventions')) ?? [];
  const retired = list.split(', ');
  expect(retired).toContain('OPQ-21');
  const used = new Set(readSpec().requirements.map(({ id }) => id));
  expect(retired.filter((id) => used.has(id))).toEqual([]);
});
