import { expect, test } from 'vitest';
import type { Value, Vector } from '../schema/vector.ts';
import { hexOf, loadVectors } from '../vectors.ts';
import { Refusal } from './opening.ts';
import { cat, sha256, toHex, unhex, type Bytes } from './primitives.ts';
import { Ranges, type Told } from './ranges.ts';

const vectors = [...loadVectors().vectors.values()]
  .map(({ vector }) => vector)
  .filter(({ op }) => op === 'range.read' || op === 'range.probe');

function numberOf(value: Value | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function headerOf(value: Value | undefined): Told['header'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return { prefix: unhex(hexOf(value['prefix'])), commitment: unhex(hexOf(value['commitment'])) };
}

/** The code, and what came out. */
function outcome({ op, input }: Vector): { code: string; released: Bytes } {
  const bytes = unhex(hexOf(input['object']));
  const [objectLength, contentLength] = [numberOf(input['objectLength']), numberOf(input['contentLength'])];
  const header = headerOf(input['header']);
  const released: Bytes[] = [];
  try {
    const source = { bytes, length: numberOf(input['sourceLength']) ?? bytes.length };
    const ranges = new Ranges(source, unhex(hexOf(input['key'])), {
      context: unhex(input['context'] === undefined ? '' : hexOf(input['context'])),
      ...(objectLength !== undefined && { objectLength }),
      ...(contentLength !== undefined && { contentLength }),
      ...(header && { header }),
    });
    if (op === 'range.probe') ranges.probe();
    else ranges.read(numberOf(input['offset']) ?? NaN, numberOf(input['length']) ?? NaN, released);
    return { code: 'none', released: cat(...released) };
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code, released: cat(...released) };
    throw error;
  }
}

test('the second reader comes to what every vector of a range expects', () => {
  expect(vectors.length).toBeGreaterThan(60);
  for (const vector of vectors) {
    const { id, expect: wanted } = vector;
    const { code, released } = outcome(vector);
    const digest = { length: released.length, sha256: toHex(sha256(released)) };
    if (wanted.outcome === 'ok') {
      expect(code, id).toBe('none');
      if (wanted.released !== undefined) expect(digest, id).toEqual(wanted.released);
    } else if (wanted.outcome === 'reject') {
      expect(wanted.errors, id).toContain(code);
      if (wanted.released !== undefined) expect(wanted.released, id).toContainEqual(digest);
    }
  }
});
