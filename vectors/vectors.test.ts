import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  CLASSES,
  fieldOf,
  hexOf,
  loadVectors,
  packageRoot,
  unpack,
  withField,
} from '../conformance/vectors.ts';
import type { Edit, Value, Vector } from '../conformance/schema/vector.ts';
import { generate } from './generate/index.ts';

const root = packageRoot();
const folder = join(root, 'vectors');
const set = loadVectors();
const all = [...set.vectors.values()].map(({ vector }) => vector);

test('every file is what its generator writes, byte for byte, and there is no other', () => {
  const files = generate();
  for (const [path, text] of files)
    expect(readFileSync(join(folder, path), 'utf8') === text, path).toBe(true);
  const there = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.json') && !path.startsWith('rfc') && path !== CLASSES,
  );
  expect(there.toSorted()).toEqual([...files.keys()].filter((path) => path.endsWith('.json')).toSorted());
});

test('generators and the second implementation share no code with the reference', () => {
  for (const part of ['vectors/generate', 'conformance/peer']) {
    for (const name of readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      expect(readFileSync(join(root, part, name), 'utf8'), name).not.toMatch(/from '[^']*reference\//u);
    }
  }
});

/** The input of a reject with its edit taken back. */
function undone(vector: Vector, edit: Edit): Record<string, Value> {
  const input = Object.fromEntries(Object.entries(vector.input).map(([key, value]) => [key, unpack(value)]));
  if (edit.kind === 'value') {
    expect(fieldOf(input, edit.field) ?? null, vector.id).toEqual(unpack(edit.now));
    return withField(input, edit.field, unpack(edit.was));
  }
  if (edit.kind === 'sealed') return input;
  const text = hexOf(fieldOf(input, edit.field));
  const inserted = hexOf(edit.inserted as Value);
  const at = 2 * edit.offset;
  expect(text.slice(at, at + inserted.length), vector.id).toBe(inserted);
  const before = text.slice(0, at) + hexOf(edit.removed as Value) + text.slice(at + inserted.length);
  return withField(input, edit.field, before);
}

describe('rejects', () => {
  const rejects = all.filter(({ expect }) => expect.outcome === 'reject');

  test('each is made from an accepting vector', () => {
    expect(rejects.length).toBeGreaterThan(60);
    for (const vector of rejects) expect(vector.from, vector.id).toBeDefined();
  });

  test('each becomes its accepting vector when its one edit is undone', () => {
    for (const vector of rejects) {
      const { from } = vector;
      const twin = from && set.vectors.get(from.vector)?.vector;
      if (from === undefined || twin === undefined) throw new Error(vector.id);
      const input = Object.fromEntries(
        Object.entries(twin.input).map(([key, value]) => [key, unpack(value)]),
      );
      const back = undone(vector, from.edit);
      expect(vector.op, vector.id).toBe(twin.op);
      if (from.edit.kind !== 'sealed') {
        expect(back, vector.id).toEqual(input);
        continue;
      }
      // Sealed edits change what was authenticated: one field of the input alone.
      const changed = Object.keys(input).filter(
        (key) => JSON.stringify(input[key]) !== JSON.stringify(back[key]),
      );
      expect(changed.length, vector.id).toBe(1);
      expect(from.edit.was, vector.id).not.toEqual(from.edit.now);
    }
  });
});

test('there are enough of them, and every accept says what comes out', () => {
  expect(all.length).toBeGreaterThanOrEqual(120);
  for (const { id, expect: wanted } of all) {
    if (wanted.outcome === 'ok') expect(Object.keys(wanted.result).length, id).toBeGreaterThan(0);
  }
});
