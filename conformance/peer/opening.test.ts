import { describe, expect, test } from 'vitest';
import type { Digest, Vector } from '../schema/vector.ts';
import { hexOf, loadVectors } from '../vectors.ts';
import { openObject } from './opening.ts';
import { sha256, toHex, unhex, type Bytes } from './primitives.ts';

const all = [...loadVectors().vectors.values()].map(({ vector }) => vector);

function bytes(vector: Vector, field: string): Bytes {
  return unhex(vector.input[field] === undefined ? '' : hexOf(vector.input[field]));
}

function numberOf(vector: Vector, field: string): number {
  const value = vector.input[field];
  if (typeof value !== 'number') throw new TypeError(`${vector.id}: ${field}`);
  return value;
}

function known(vector: Vector): { objectLength?: number } {
  return vector.input['objectLength'] === undefined ? {} : { objectLength: numberOf(vector, 'objectLength') };
}

function digest(content: Bytes): Digest {
  return { length: content.length, sha256: toHex(sha256(content)) };
}

describe('the second reader', () => {
  const vectors = all.filter(({ op }) => op === 'container.open');

  test('comes to what every vector of an object expects', () => {
    expect(vectors.length).toBeGreaterThan(200);
    for (const vector of vectors) {
      const { expect: wanted, id } = vector;
      const isObjectKey = 'objectKey' in vector.input;
      const key = bytes(vector, isObjectKey ? 'objectKey' : 'key');
      const { code, released } = openObject(bytes(vector, 'object'), key, {
        isObjectKey,
        context: bytes(vector, 'context'),
        ...known(vector),
      });
      if (wanted.outcome === 'ok') {
        expect([code, digest(released)], id).toEqual(['none', wanted.released]);
      } else if (wanted.outcome === 'reject') {
        expect(wanted.errors, id).toContain(code);
        expect(wanted.released, id).toContainEqual(digest(released));
      }
    }
  });

  test('comes to what the rules of the sweeps expect, where it is asked', () => {
    let asked = 0;
    for (const vector of all.filter(({ op }) => op === 'container.sweep')) {
      const object = bytes(vector, 'object');
      const key = bytes(vector, 'key');
      const rule = vector.input['edit'];
      if (vector.expect.outcome !== 'each') throw new Error(vector.id);
      let n = numberOf(vector, 'first');
      for (const { count, code, released } of vector.expect.runs) {
        for (const at of new Set([0, Math.floor(count / 2), count - 1])) {
          const edit = n + at * numberOf(vector, 'step');
          const input = rule === 'cut' ? object.slice(0, edit) : object.slice();
          if (rule === 'flip') input[edit >> 3] = (input[edit >> 3] ?? 0) ^ (1 << (edit & 7));
          if (rule === 'byte') input[edit >> 8] = edit & 255;
          const found = openObject(input, key, known(vector));
          expect(found.code, `${vector.id} ${edit}`).toBe(code);
          expect(released, `${vector.id} ${edit}`).toContain(found.released.length);
          asked++;
        }
        n += count * numberOf(vector, 'step');
      }
    }
    expect(asked).toBeGreaterThan(100);
  });
});
