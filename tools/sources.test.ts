import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LABELS } from '../reference/keys/labels.ts';

const folder = new URL('../reference/', import.meta.url);
/** The sources of the reference without its tests: path and text without comments. */
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|fixture\.ts$|\btesting\b|demo/u.test(name))
  .map((name): [string, string] => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    return [name, text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gmu, '')];
  });

// proves CNV-17
test('the generator of the system is the only source of randomness, and is drawn from in one place', () => {
  const naming = (pattern: RegExp): string[] =>
    sources.filter(([, text]) => pattern.test(text)).map(([name]) => name);
  expect(naming(/Math\.random/u)).toEqual([]);
  // Temporary files of the command line have random names, which the specification does not know.
  const drawing = naming(/\b(?:randomBytes|randomFill(?:Sync)?|randomInt|getRandomValues)\b/u);
  expect(drawing.filter((name) => !name.startsWith('cli/'))).toEqual(['crypto/random.ts']);
  const text = new Map(sources).get('crypto/random.ts');
  expect(text).toContain("import { randomFillSync } from 'node:crypto'");
});

/** Client and vault are the two ends of one purpose: what one of them makes the other checks. */
const layerOf = (name: string): string =>
  name.replace(/^(?:client|vault)\//u, 'exchange/').split('/')[0] ?? '';

// proves CNV-14, CNV-15
test('every label is used by one layer, and no label is made in any other way', () => {
  const users = new Map<string, Set<string>>();
  for (const [name, text] of sources) {
    if (name === 'keys/labels.ts') continue;
    expect(text, name).not.toContain('strongroom/v1');
    for (const [, used = ''] of text.matchAll(/(?:\blabel\(|\.derive\()'([a-z-]+)'/gu))
      users.set(used, (users.get(used) ?? new Set()).add(layerOf(name)));
  }
  expect([...users.keys()].filter((used) => !(LABELS as readonly string[]).includes(used))).toEqual([]);
  expect([...users].filter(([, layers]) => layers.size > 1)).toEqual([]);
  expect(users.size).toBeGreaterThan(10);
});
