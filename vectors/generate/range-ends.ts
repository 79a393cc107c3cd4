/**
 * Vectors of ranges and pre-flights by what is told of an object, rightly or not: lengths, headers, and its end.
 *
 * @module
 */
import { cat, toHex, zeros } from '../../conformance/peer/primitives.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import { pack, type Words } from './family.ts';
import { C, HEADER, KEY, OTHER_KEY, SEALED } from './objects.ts';
import { end, flipped, object, padded, three, type RangeVectors } from './range-objects.ts';

/** Lengths that are known, told, or lied about. */
export function lengths(vectors: RangeVectors): void {
  const { family } = vectors;
  const known = { objectLength: object.length, contentLength: end };
  const words: Words = {
    title: 'A range of an object whose lengths are known',
    why: 'A manifest tells the lengths: nothing but the range needs to be read.',
    requirements: ['RNG-1'],
  };
  vectors.read('known', three, [C, 50], words, known);
  vectors.read(
    'known-end',
    three,
    [end - 5, 5],
    { ...words, title: 'The end of an object whose lengths are known' },
    known,
  );
  family.value('known-past-end', 'known-end', 'length', 6, {
    title: 'One byte more than the known length of the content',
    why: 'A reader that trusts the source for the end releases padding.',
    requirements: ['RNG-4'],
    errors: ['bad-range'],
  });
  family.value('content-length-wrong', 'known-end', 'contentLength', end + 1, {
    title: 'A known length of the content that the final chunk denies',
    why: 'A manifest and an object that do not agree are not one file.',
    requirements: ['RNG-6', 'RNG-7'],
    errors: ['object-mismatch'],
  });
  family.cut('known-cut', 'known', 'object', HEADER + SEALED + 50, {
    title: 'An object of known lengths that ends inside the range',
    why: 'What is missing is told from what is damaged.',
    requirements: ['RNG-6'],
    errors: ['truncated'],
  });
}

/** Headers that are given, and headers that are wrong. */
export function headers(vectors: RangeVectors): void {
  const { family } = vectors;
  const header = { prefix: toHex(object.slice(0, 48)), commitment: toHex(object.slice(48, 80)) };
  vectors.read(
    'header-given',
    three,
    [C, 50],
    {
      title: 'A header that a manifest has kept, and a destroyed one in the object',
      why: 'What is given takes the place of what was lost: the object is not asked.',
      requirements: ['RNG-1', 'RNG-6'],
    },
    { header },
    cat(zeros(HEADER), object.slice(HEADER)),
  );
  const words = { why: 'What is given is checked as what is read.', requirements: ['RNG-8', 'RNG-6'] };
  family.value(
    'header-given-wrong',
    'header-given',
    'header',
    { ...header, commitment: toHex(zeros(32)) },
    {
      ...words,
      title: 'A given commitment that is not that of the key',
      errors: ['wrong-key'],
    },
  );
  family.value(
    'header-given-version',
    'header-given',
    'header',
    { ...header, prefix: `${header.prefix.slice(0, 16)}02${header.prefix.slice(18)}` },
    {
      ...words,
      title: 'A given prefix of another version',
      errors: ['unsupported-version'],
    },
  );
  family.value('wrong-key', 'first-byte', 'key', toHex(OTHER_KEY), {
    title: 'A range under another backup key',
    why: 'The commitment comes before any chunk, for ranges too.',
    requirements: ['RDR-3', 'RNG-6'],
    errors: ['wrong-key'],
  });
  family.flip(
    'header-damaged',
    'first-byte',
    { field: 'object', offset: 20 },
    {
      title: 'A range of an object with a damaged salt',
      why: 'Accidental damage is no wrong key, for ranges too.',
      requirements: ['RNG-6'],
      errors: ['header-damaged'],
    },
  );
  family.value('key-short', 'first-byte', 'key', toHex(KEY.slice(1)), {
    title: 'A range under a key of 31 bytes',
    why: 'A key that is padded is another key.',
    requirements: ['KEY-2'],
    errors: ['invalid-key'],
  });
}

/** Pre-flights. */
export function probes(vectors: RangeVectors): void {
  const { family } = vectors;
  const why =
    'An upload can be checked by its end, before its gigabytes are fetched: it ends where it does, or it is refused.';
  const words = (title: string): Words => ({ title, why, requirements: ['RNG-7', 'RNG-8'] });
  vectors.probe('probe', three, words('A pre-flight'));
  vectors.probe('probe-padded', padded, words('A pre-flight of an object with padding'));
  vectors.probe(
    'probe-empty',
    { ...three, content: zeros(0) },
    words('A pre-flight of an object without content'),
  );
  vectors.probe(
    'probe-damaged',
    three,
    words('A pre-flight of an object whose first chunk is damaged'),
    {},
    flipped(object, HEADER),
  );
  vectors.probe('probe-known', three, words('A pre-flight of an object whose lengths are known'), {
    objectLength: object.length,
    contentLength: end,
  });
  vectors.probe('probe-source', three, words('A pre-flight with a source that says its length'), {
    sourceLength: object.length,
  });

  const reject = (title: string, error: string): Words & { errors: string[] } => ({
    ...words(title),
    errors: [error],
  });
  const cut = (id: string, kept: number, error: string, title: string): void =>
    family.cut(`probe-${id}`, 'probe', 'object', kept, reject(title, error));
  cut('header-only', HEADER, 'truncated', 'A pre-flight of a header alone');
  cut('in-header', 50, 'truncated', 'A pre-flight of a part of a header');
  cut('nothing', 0, 'truncated', 'A pre-flight of nothing');
  cut('at-chunk', HEADER + SEALED, 'truncated', 'A pre-flight of whole chunks alone');
  cut(
    '31-bytes',
    HEADER + 2 * SEALED + 31,
    'truncated',
    'A pre-flight of an object with one byte too few for a trailer',
  );
  cut('one-byte', object.length - 1, 'chunk-damaged', 'A pre-flight of an object whose last byte is missing');
  family.bytes(
    'probe-tail',
    'probe',
    { field: 'object', offset: object.length, inserted: zeros(1) },
    reject('A pre-flight of an object that a byte follows', 'chunk-damaged'),
  );
  family.flip(
    'probe-flipped',
    'probe',
    { field: 'object', offset: object.length - 20 },
    reject('A pre-flight of a damaged end', 'chunk-damaged'),
  );
  family.value(
    'probe-known-low',
    'probe-known',
    'objectLength',
    object.length - 1,
    reject('A pre-flight of an object that is longer than is known', 'trailing-data'),
  );
  family.value(
    'probe-known-high',
    'probe-known',
    'objectLength',
    object.length + 1,
    reject('A pre-flight of an object that is shorter than is known', 'truncated'),
  );
  family.value(
    'probe-content-wrong',
    'probe-known',
    'contentLength',
    end - 1,
    reject('A pre-flight of an object whose content has another length than is known', 'object-mismatch'),
  );
  for (const [id, length, error, what] of [
    ['more', object.length + 1, 'truncated', 'one byte more than there is'],
    ['chunk-more', object.length + SEALED, 'truncated', 'a chunk more than there is'],
    ['less', object.length - 1, 'chunk-damaged', 'one byte less than there is'],
    ['chunk-less', object.length - SEALED, 'chunk-damaged', 'a chunk less than there is'],
    ['2-52', 2 ** 52, 'limit-exceeded', '2^52'],
    ['zero', 0, 'truncated', 'zero'],
  ] as const)
    family.value(
      `probe-source-${id}`,
      'probe-source',
      'sourceLength',
      length,
      reject(`A source that says its length is ${what}`, error),
    );

  const sealed = (
    id: string,
    place: 'trailerScheme' | 'trailerLength',
    value: number,
    error: string,
    title: string,
  ): void =>
    family.sealed(
      `probe-${id}`,
      'probe',
      { place, was: place === 'trailerScheme' ? 0 : end, now: value },
      {
        object: pack(
          writeObject({ ...three, [place]: place === 'trailerLength' ? BigInt(value) : value }).object,
        ),
      },
      reject(title, error),
    );
  sealed(
    'scheme',
    'trailerScheme',
    2,
    'bad-trailer',
    'A pre-flight of an object with an unknown padding scheme',
  );
  sealed(
    'length',
    'trailerLength',
    end - 1,
    'bad-padding',
    'A pre-flight of an object whose content length is one short',
  );
  sealed(
    'length-long',
    'trailerLength',
    end + 17,
    'bad-trailer',
    'A pre-flight of an object whose content length passes the trailer',
  );
}
