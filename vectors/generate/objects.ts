/**
 * Sealed objects for the vectors: fixed values, and families of vectors that open an object.
 *
 * @module
 */
import {
  encodeExtensions,
  TYPES,
  writeObject,
  type Recipe,
  type TypeName,
  type Written,
} from '../../conformance/peer/sealed-object.ts';
import { named, seal, toHex, utf8, zeros, cat, type Bytes } from '../../conformance/peer/primitives.ts';
import { chunkNonce, objectKeys } from '../../conformance/peer/sealed-object.ts';
import type { Digest, Value } from '../../conformance/schema/vector.ts';
import { digest, NOTHING, pack, type Family, type Reject, type Words } from './family.ts';

/** The backup key of the vectors. */
export const KEY: Bytes = named('backup key', 32);
/** Another one. */
export const OTHER_KEY: Bytes = named('other backup key', 32);
/** Content of short objects. */
export const HELLO: Bytes = utf8('The quick brown fox jumps over the lazy dog.');

/** The salt of a name. */
export function salt(name: string): Bytes {
  return named(`salt ${name}`, 32);
}

function typeName(type: number): TypeName {
  const found = (Object.keys(TYPES) as TypeName[]).find((name) => TYPES[name] === type);
  if (found === undefined) throw new Error(`type ${type}`);
  return found;
}

/** Length of the header without extensions. */
export const HEADER = 88;
/** Chunk size of most vectors. */
export const C: number = 2 ** 14;
/** A chunk of that size, sealed. */
export const SEALED: number = C + 16;

/**
 * Content that makes every full chunk encrypt to one repeated byte, so that objects of many chunks stay small in a JSON file.
 *
 * @param chunks number of full chunks before the final one
 * @param tail bytes of the content in the final chunk
 * @param fill the byte of the ciphertext
 */
export function zeroCiphertext(
  recipe: Omit<Recipe, 'content'>,
  chunks: number,
  tail: Uint8Array,
  fill = 0,
): Bytes {
  const probe = writeObject({ ...recipe, content: zeros(0) });
  const chunk = 2 ** (recipe.chunkLog2 ?? 14);
  const full = Array.from({ length: chunks }, (_, i) =>
    seal(probe.chunkKey, chunkNonce(probe.baseNonce, i), zeros(chunk))
      .slice(0, chunk)
      .map((byte) => byte ^ fill),
  );
  return cat(...full, tail);
}

/** The first of `NAME`, `NAME 1`, `NAME 2` and so on that gives an object that fits: most salts do not. */
export function searched(
  name: string,
  make: (name: string) => Recipe,
  fits: (recipe: Recipe) => boolean,
): Recipe {
  for (let n = 0; ; n++) {
    const recipe = make(n === 0 ? name : `${name} ${n}`);
    if (fits(recipe)) return recipe;
  }
}

/** More full chunks than this are not asked how they end. */
const FEW = 16;

/**
 * An object of `chunks` full chunks of zeros and a final one with `tail` bytes of content. No chunk of a few ends in a
 * zero: readers would hold it back as if it were padding.
 */
export function zeroObject(name: string, chunks: number, tail: number, more: Partial<Recipe> = {}): Recipe {
  const make = (each: string): Recipe => {
    const recipe = { key: KEY, salt: salt(each), ...more };
    return { ...recipe, content: zeroCiphertext(recipe, chunks, named(`tail of ${each}`, tail)) };
  };
  const chunk = 2 ** (more.chunkLog2 ?? 14);
  const ends = Array.from({ length: chunks <= FEW ? chunks : 0 }, (_, i) => (i + 1) * chunk - 1);
  return searched(name, make, ({ content }) => ends.every((end) => content[end] !== 0));
}

/** A family of `container.open`, whose accepting vectors remember how they were written. */
export class ObjectVectors {
  readonly #family: Family;
  readonly #recipes = new Map<string, Recipe>();

  constructor(family: Family) {
    this.#family = family;
  }

  /** Recipe of an accepting vector. */
  recipe(id: string): Recipe {
    const found = this.#recipes.get(id);
    if (found === undefined) throw new Error(`no recipe of ${id}`);
    return found;
  }

  /** What the recipe of an accepting vector writes. */
  written(id: string): Written {
    return writeObject(this.recipe(id));
  }

  /** Adds an accepting vector. */
  accept(id: string, recipe: Recipe, words: Words, more: Record<string, Value> = {}): Written {
    this.#recipes.set(id, recipe);
    const written = writeObject(recipe);
    this.#family.accept(id, {
      ...words,
      input: {
        key: toHex(recipe.key),
        ...(recipe.context && { context: toHex(recipe.context) }),
        object: pack(written.object),
        ...more,
      },
      result: { type: typeName(recipe.type ?? TYPES.blob), contentLength: recipe.content.length },
      released: digest(recipe.content),
      intermediates: {
        salt: toHex(recipe.salt),
        keyObject: toHex(written.keyObject),
        commitment: toHex(written.commitment),
        chunkKey: toHex(written.chunkKey),
        baseNonce: toHex(written.baseNonce),
        headerCheck: toHex(written.header.slice(-8)),
        trailer: toHex(written.plaintext.slice(-16)),
      },
    });
    return written;
  }

  /** Adds a reject that a faulty writer sealed: one property of the recipe of `from` is another one. */
  sealed<K extends keyof Recipe>(
    id: string,
    from: string,
    place: K,
    change: { value: Recipe[K]; was: Value; now: Value },
    reject: Reject,
  ): void {
    const { object } = writeObject({ ...this.recipe(from), [place]: change.value });
    this.#family.sealed(
      id,
      from,
      { place, was: change.was, now: change.now },
      { object: pack(object) },
      reject,
    );
  }
}

/** Digests that may be released when chunk `index` of an object is the first that fails. */
export function releasedBefore(content: Uint8Array, chunkLog2: number, index: number): Digest[] {
  const chunk = 2 ** chunkLog2;
  return [
    ...NOTHING,
    ...Array.from({ length: index }, (_, i) => digest(content.subarray(0, (i + 1) * chunk))),
  ];
}

export { chunkNonce, encodeExtensions, objectKeys };
