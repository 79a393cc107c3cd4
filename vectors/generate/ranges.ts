/**
 * Vectors of random access: the pre-flight, ranges of the content, and where the chunks of a range lie.
 *
 * @module
 */
import { plan } from '../../conformance/peer/ranges.ts';
import { cat, named, toHex, utf8, zeros } from '../../conformance/peer/primitives.ts';
import { writeObject } from '../../conformance/peer/sealed-object.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack } from './family.ts';
import { C, HEADER, KEY, salt, SEALED, zeroCiphertext, zeroObject } from './objects.ts';
import { damage } from './range-damage.ts';
import { headers, lengths, probes } from './range-ends.ts';
import { end, flipped, object, padded, RangeVectors, three } from './range-objects.ts';

/** The family. */
export function ranges(): VectorFile {
  const family = new Family('ranges', {
    feature: 'ranges',
    role: 'container-reader',
    op: 'range.read',
    description: 'Random access: the end of an object, ranges of its content, and where they lie.',
  });
  const vectors = new RangeVectors(family);
  places(vectors);
  outside(vectors);
  damage(vectors);
  lengths(vectors);
  headers(vectors);
  probes(vectors);
  plans(family);
  return family.file();
}

/** Ranges that are read. */
function places(vectors: RangeVectors): void {
  for (const [id, offset, length, what] of [
    ['all', 0, end, 'The whole content'],
    ['first-byte', 0, 1, 'The first byte'],
    ['last-byte', end - 1, 1, 'The last byte'],
    ['before-boundary', C - 1, 1, 'The last byte of a chunk'],
    ['after-boundary', C, 1, 'The first byte of a chunk'],
    ['over-boundary', C - 5, 10, 'Ten bytes over the end of a chunk'],
    ['over-two', C - 1, C + 2, 'A whole chunk, and a byte on both sides'],
    ['whole-chunk', C, C, 'Exactly a chunk'],
    ['up-to-boundary', 100, C - 100, 'Up to the end of a chunk'],
    ['into-final', C + 7, C, 'From the middle of a chunk into the final one'],
    ['final', 2 * C, 100, 'All content of the final chunk'],
    ['empty-first', 0, 0, 'No bytes at the beginning'],
    ['empty-middle', C, 0, 'No bytes between two chunks'],
    ['empty-end', end, 0, 'No bytes at the end of the content'],
  ] as const) {
    vectors.read(id, three, [offset, length], {
      title: what,
      why: 'Ranges are off by one at the ends of chunks and of the content; an empty range is neither an error nor a chunk.',
      requirements: ['RNG-1'],
    });
  }
  vectors.read('padded', padded, [29_990, 10], {
    title: 'The end of the content before two chunks of padding',
    why: 'The content ends where the trailer says, not where the plaintext does.',
    requirements: ['RNG-1', 'RNG-7'],
  });
  const trailing = zeroObject('ranges trailing', 2, 0);
  vectors.read('trailer-alone', trailing, [2 * C - 1, 1], {
    title: 'The last byte, of content that ends with a chunk',
    why: 'The final chunk holds nothing but the trailer: a reader that looks for content in it finds none.',
    requirements: ['RNG-1'],
  });
  vectors.read('empty-content', { ...three, content: zeros(0) }, [0, 0], {
    title: 'No bytes of no content',
    why: 'The one range of an empty content.',
    requirements: ['RNG-1'],
  });
  const large = {
    key: KEY,
    salt: salt('ranges large'),
    chunkLog2: 16,
    context: utf8('ranges'),
    extensions: [{ type: 0x1a1a, value: named('grease', 5) }],
  };
  vectors.read(
    'large-chunks',
    { ...large, content: zeroCiphertext(large, 2, named('ranges large', 50)) },
    [2 ** 16 - 1, 2],
    {
      title: 'Chunks of 64 KiB, a context and an extension',
      why: 'The length of the header and of the chunks is taken from the header.',
      requirements: ['RNG-1'],
    },
    { context: toHex(large.context) },
  );
  for (const pieceLength of [1, 16, SEALED + 1]) {
    vectors.read(
      `pieces-${pieceLength}`,
      three,
      [C - 5, C + 10],
      {
        title: `A range over three chunks, from a source that gives ${pieceLength} bytes at a time`,
        why: 'A read that gives less than was asked for is no end: a reader that takes it for one spins, or loses bytes.',
        requirements: ['RNG-1'],
      },
      { pieceLength },
    );
  }
  vectors.family.accept(
    'many',
    {
      title: 'Many ranges at the same time, in no order',
      why: 'State that ranges share shows only where they meet.',
      requirements: ['RNG-2', 'RNG-1'],
      input: { key: toHex(KEY), object: pack(object), ranges: MANY.map(([at, length]) => [at, length]) },
      result: { contents: MANY.map(([at, length]) => toHex(three.content.slice(at, at + length))) },
    },
    { op: 'range.read-many' },
  );
  // Each chunk encrypts to another byte, so that a part of one in the place of another shows.
  const mixed = { key: KEY, salt: salt('ranges mixed') };
  const fills = [0x11, 0x22, 0x33].map((fill, i) =>
    zeroCiphertext(mixed, 3, zeros(0), fill).slice(i * C, (i + 1) * C),
  );
  const content = cat(...fills, named('tail of ranges mixed', 200));
  vectors.family.accept(
    'many-pieces',
    {
      title: 'Many ranges at the same time, from a source that gives 1000 bytes at a time',
      why: 'What is held of one range while the next one is read is the state that they share.',
      requirements: ['RNG-2', 'RNG-1'],
      input: {
        key: toHex(KEY),
        object: pack(writeObject({ ...mixed, content }).object),
        ranges: MANY.map(([at, length]) => [at, length]),
        pieceLength: 1000,
      },
      result: { contents: MANY.map(([at, length]) => toHex(content.slice(at, at + length))) },
    },
    { op: 'range.read-many' },
  );
  vectors.family.accept(
    'many-damaged',
    {
      title: 'Many ranges at the same time, of which some are damaged',
      why: 'One range that failed is no word about another.',
      requirements: ['RNG-2', 'RNG-5'],
      input: {
        key: toHex(KEY),
        object: pack(flipped(object, HEADER + SEALED + 9)),
        ranges: MANY.map(([at, length]) => [at, length]),
      },
      result: {
        contents: MANY.map(([at, length]) =>
          length > 0 && at < 2 * C && at + length > C
            ? 'chunk-damaged'
            : toHex(three.content.slice(at, at + length)),
        ),
      },
    },
    { op: 'range.read-many' },
  );
}

const MANY = [
  [2 * C + 5, 20],
  [0, 30],
  [C - 10, 20],
  [C, 40],
  [0, 1],
  [C + 100, 50],
  [2 * C - 1, 2],
  [end, 0],
  [0, 30],
] as const;

/** Ranges that do not lie within the content. */
function outside({ family }: RangeVectors): void {
  const why = 'A range is all there or refused: what is cut short is taken for the whole by somebody.';
  const refuse = (
    id: string,
    from: string,
    field: 'offset' | 'length',
    now: number,
    title: string,
    requirements: string[] = ['RNG-4'],
  ): void => family.value(id, from, field, now, { title, why, requirements, errors: ['bad-range'] });
  refuse('past-end', 'last-byte', 'length', 2, 'One byte more than there is');
  refuse('past-end-offset', 'last-byte', 'offset', end, 'One byte at the end of the content');
  refuse('past-end-empty', 'empty-end', 'offset', end + 1, 'No bytes behind the end of the content');
  refuse('past-end-far', 'first-byte', 'offset', 2 ** 40, 'One byte at 2^40');
  refuse('past-end-all', 'all', 'length', 3 * C, 'A whole chunk more than there is');
  refuse('into-padding', 'padded', 'length', 11, 'One byte of padding', ['RNG-4', 'RNG-7']);
  refuse('into-trailer', 'final', 'length', 116, 'The trailer as content');
  refuse('empty-content-byte', 'empty-content', 'length', 1, 'The first byte of no content');
  refuse('negative-offset', 'first-byte', 'offset', -1, 'A negative offset');
  refuse('negative-length', 'over-boundary', 'length', -1, 'A negative length');
  refuse('offset-2-53', 'empty-end', 'offset', 2 ** 53, 'An offset of 2^53');
  refuse('length-2-53', 'first-byte', 'length', 2 ** 53, 'A length of 2^53');
  refuse('sum-2-53', 'first-byte', 'offset', 2 ** 53 - 1, 'A range that ends at 2^53');
  refuse('offset-2-32', 'first-byte', 'offset', 2 ** 32, 'An offset that is 0 in 32 bits');
}

/** Where the chunks of a range lie, up to the largest object. */
function plans(family: Family): void {
  const plaintext = 2 ** 40 + 2 ** 34 + 16;
  for (const chunkLog2 of [14, 18, 20]) {
    const size = 2 ** chunkLog2;
    const objectLength = HEADER + plaintext + 16 * (Math.floor(plaintext / size) + 1);
    const layout = { headerLength: HEADER, chunkLog2, objectLength };
    const list = [
      [0, 1],
      [size - 1, 1],
      [size - 1, 2],
      [2 ** 31 - 1, 2],
      [2 ** 32 - 1, size + 2],
      [2 ** 32 + 5, 2 ** 31],
      [2 ** 40 - 1, 1],
      [0, 2 ** 40],
    ] as const;
    family.accept(
      `plan-${chunkLog2}`,
      {
        title: `Where ranges lie in the largest object of chunks of 2^${chunkLog2} bytes`,
        why: 'Offsets of 32 bits, and products of 32-bit numbers, end long before the objects do.',
        requirements: ['RNG-1', 'CNV-24'],
        input: { ...layout, ranges: list.map(([offset, length]) => [offset, length]) },
        result: { plans: list.map(([offset, length]) => ({ ...plan(layout, offset, length) })) },
      },
      { op: 'range.plan' },
    );
  }
}
