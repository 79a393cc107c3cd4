/**
 * Vectors of the ends of an object: cuts, tails, and lengths that are known or claimed.
 *
 * @module
 */
import { zeros } from '../../conformance/peer/primitives.ts';
import type { Digest } from '../../conformance/schema/vector.ts';
import type { Family } from './family.ts';
import { HEADER, releasedBefore, SEALED, type ObjectVectors } from './objects.ts';

const whole = { field: 'object' } as const;

/** Adds them, made of the accepting vector `three`. */
export function ends(family: Family, objects: ObjectVectors): void {
  const { object } = objects.written('three');
  const { content } = objects.recipe('three');
  const before = (index: number): Digest[] => releasedBefore(content, 14, index);
  const cut = (id: string, kept: number, index: number, title: string, errors = ['truncated']): void => {
    family.cut(id, 'three', 'object', kept, {
      title,
      why: 'Truncation is told from damage, and what is left is not taken for the whole.',
      requirements: ['RDR-2'],
      errors,
      released: before(index),
    });
  };
  cut('header-only', HEADER, 0, 'Nothing follows the header');
  cut('cut-at-first-chunk', HEADER + SEALED, 1, 'The input ends after the first chunk');
  cut(
    'cut-at-second-chunk',
    HEADER + 2 * SEALED,
    2,
    'The input ends after the second chunk: all that is left is whole chunks',
  );
  cut('cut-tag', HEADER + 2 * SEALED + 15, 2, 'One byte less than a tag is left of the final chunk');
  cut(
    'cut-one-byte',
    HEADER + 2 * SEALED + 31,
    2,
    'One byte less than a trailer and a tag is left of the final chunk',
  );
  cut('cut-inside-first', HEADER + 100, 0, 'The input ends inside the first chunk', ['chunk-damaged']);
  cut('cut-final-tag', object.length - 16, 2, 'The tag of the final chunk is missing', ['chunk-damaged']);
  cut('cut-last-byte', object.length - 1, 2, 'The last byte is missing', ['chunk-damaged']);
  const trailing = (id: string, tail: Uint8Array, title: string, errors: string[]): void => {
    family.bytes(
      id,
      'three',
      { ...whole, offset: object.length, inserted: tail },
      {
        title,
        why: 'A reader that stops at the final chunk accepts what somebody appended.',
        requirements: ['CHK-5'],
        errors,
        released: before(2),
      },
    );
  };
  trailing('trailing-byte', zeros(1), 'One byte follows the object', ['chunk-damaged']);
  for (const [length, what] of [
    [12, 'a nonce'],
    [16, 'a tag'],
    [20, 'an old trailer of other formats'],
    [SEALED, 'a chunk'],
    [65_552, 'a chunk of 64 KiB'],
  ] as const) {
    trailing(`trailing-${length}`, zeros(length), `${length} zeros follow the object, as long as ${what}`, [
      'chunk-damaged',
    ]);
  }
  trailing('trailing-block', zeros(512), 'A block of zeros follows the object', ['chunk-damaged']);
  trailing(
    'trailing-whole-object',
    objects.written('two').object,
    'Another whole object follows the object',
    ['chunk-damaged'],
  );
  objects.sealed(
    'trailing-chunk',
    'three',
    'extraChunk',
    { value: zeros(100), was: null, now: 100 },
    {
      title: 'One more chunk follows the final one, sealed with the next index',
      why: 'A reader that takes the last bytes for the final chunk accepts what the writer never ended with.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
      released: before(2),
    },
  );
  trailing('trailing-object', object.slice(0, 2000), 'The beginning of another object follows the object', [
    'chunk-damaged',
  ]);
  objects.accept(
    'known-length',
    objects.recipe('three'),
    {
      title: 'An object whose length is known',
      why: 'A manifest tells the length.',
      requirements: ['RDR-1'],
    },
    { objectLength: object.length },
  );
  const known = (
    id: string,
    kept: number,
    index: number,
    tail: Uint8Array,
    error: string,
    title: string,
  ): void => {
    family.bytes(
      id,
      'known-length',
      { ...whole, offset: kept, removed: object.length - kept, inserted: tail },
      {
        title,
        why: 'With the length known, cuts and tails have names of their own.',
        requirements: ['RDR-2'],
        errors: [error],
        released: before(index),
      },
    );
  };
  known(
    'known-length-cut',
    HEADER + SEALED + 5,
    1,
    zeros(0),
    'truncated',
    'An object of known length, cut inside a chunk',
  );
  known(
    'known-length-tail',
    object.length,
    2,
    zeros(3),
    'trailing-data',
    'An object of known length, with three bytes after it',
  );
  for (const [id, length, error, index, title] of [
    ['high', object.length + 1, 'truncated', 2, 'The length that is known is one too high'],
    ['far', 2 ** 53 - 1, 'truncated', 2, 'The length that is known is 2^53 - 1'],
    ['low', object.length - 1, 'trailing-data', 2, 'The length that is known is one too low'],
    ['chunk', HEADER + SEALED, 'trailing-data', 1, 'The length that is known is that of the first chunk'],
    ['header', 40, 'trailing-data', 0, 'The length that is known ends in the header'],
    ['zero', 0, 'trailing-data', 0, 'The length that is known is zero'],
  ] as const) {
    family.value(`known-length-${id}`, 'known-length', 'objectLength', length, {
      title,
      why: 'A source or a manifest that lies about the length changes the error, and never what is accepted.',
      requirements: ['RDR-2'],
      errors: [error],
      released: before(index),
    });
  }
}
