/**
 * Objects that ranges are read of, and accepting vectors of ranges.
 *
 * @module
 */
import { toHex, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { writeObject, type Recipe } from '../../conformance/peer/sealed-object.ts';
import type { Value } from '../../conformance/schema/vector.ts';
import { digest, pack, type Family, type Words } from './family.ts';
import { KEY, salt, zeroCiphertext, zeroObject } from './objects.ts';

const PROBE = { op: 'range.probe' } as const;

/** A family of ranges, whose accepting vectors remember their object. */
export class RangeVectors {
  readonly family: Family;

  constructor(family: Family) {
    this.family = family;
  }

  /** Adds a range that is read. `object` takes the place of what the recipe writes. */
  read(
    id: string,
    recipe: Recipe,
    [offset, length]: readonly [number, number],
    words: Words,
    more: Record<string, Value> = {},
    object: Bytes = writeObject(recipe).object,
  ): void {
    this.family.accept(id, {
      ...words,
      input: { key: toHex(recipe.key), object: pack(object), offset, length, ...more },
      result: { length },
      released: digest(recipe.content.slice(offset, offset + length)),
    });
  }

  /** Adds a pre-flight that passes. */
  probe(
    id: string,
    recipe: Recipe,
    words: Words,
    more: Record<string, Value> = {},
    object: Bytes = writeObject(recipe).object,
  ): void {
    this.family.accept(
      id,
      {
        ...words,
        input: { key: toHex(recipe.key), object: pack(object), ...more },
        result: {
          contentLength: recipe.content.length,
          padding: recipe.padding === 1 ? 'padme' : 'none',
          objectLength: object.length,
        },
      },
      PROBE,
    );
  }
}

/** Three chunks without padding. */
export const three: Recipe = zeroObject('three', 2, 100);
/** The object itself. */
export const object: Bytes = writeObject(three).object;
/** Length of its content. */
export const end: number = three.content.length;
const own = { key: KEY, salt: salt('ranges padded'), padding: 1 } as const;
/** Padding that begins in the second chunk and ends in the third. */
export const padded: Recipe = { ...own, content: zeroCiphertext(own, 2, zeros(0)).slice(0, 30_000) };

/** The bytes with one bit changed. */
export function flipped(bytes: Bytes, at: number): Bytes {
  const out = bytes.slice();
  out[at] = (out[at] ?? 0) ^ 1;
  return out;
}
