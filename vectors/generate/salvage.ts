/**
 * Vectors of salvaging one object: which chunks are found where, and what of the content comes out.
 *
 * @module
 */
import { cat, named, toHex, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { storageName } from '../../conformance/peer/set.ts';
import { writeObject, type Recipe } from '../../conformance/peer/sealed-object.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { digest, Family, pack, type Words } from './family.ts';
import { C, HEADER, KEY, OTHER_KEY, salt, SEALED, zeroObject } from './objects.ts';

const FULL = 4;
const RECIPE: Recipe = zeroObject('salvage', FULL, 100);
const WRITTEN = writeObject(RECIPE);
const { object, commitment, header } = WRITTEN;
const LENGTH = RECIPE.content.length;
const NOISE = named('inserted', 32);

type Range = readonly [start: number, end: number];

/** Where chunk `index` begins. */
const at = (index: number): number => HEADER + index * SEALED;

/** What a manifest would say of an object. */
function reference(written: typeof WRITTEN, { content }: Recipe): Record<string, Value> {
  return {
    prefix: toHex(written.header.slice(0, -40)),
    commitment: toHex(written.commitment),
    length: written.object.length,
    contentLength: content.length,
  };
}

function flipped(bytes: Uint8Array, offset: number): Bytes {
  const out = cat(bytes);
  out[offset] = (out[offset] ?? 0) ^ 1;
  return out;
}

function inserted(bytes: Uint8Array, offset: number, what: Uint8Array): Bytes {
  return cat(bytes.slice(0, offset), what, bytes.slice(offset));
}

function removed(bytes: Uint8Array, offset: number, length: number): Bytes {
  return cat(bytes.slice(0, offset), bytes.slice(offset + length));
}

/** What is expected, where it is not as in an object without damage. */
interface Left {
  readonly recovered?: readonly Range[];
  readonly shifts?: readonly (readonly [number, number, number])[];
  readonly tail?: 'invalid' | 'missing';
  /** Absent: known; undefined: not. */
  readonly chunks?: number | undefined;
  readonly contentLength?: number | undefined;
  readonly contents?: readonly Range[];
  readonly limited?: boolean;
  readonly whole?: boolean;
}

/** Content of chunks. */
function contentOf(chunks: readonly Range[]): Range[] {
  return chunks.map(([start, end]): Range => [start * C, Math.min(LENGTH, end * C)]);
}

/** Vectors of salvaging an object. */
export function salvageVectors(): VectorFile {
  const family = new Family('salvage', {
    feature: 'salvage',
    role: 'container-reader',
    op: 'salvage.object',
    description: 'What is left of damaged objects: chunks in their place and elsewhere, headers, ends.',
  });
  const left = (
    id: string,
    bytes: Bytes,
    words: Words,
    result: Left,
    more: Record<string, Value> = {},
  ): void => {
    const recovered = result.recovered ?? [[0, FULL + 1]];
    const contents = result.contents ?? contentOf(recovered);
    const chunks = 'chunks' in result ? result.chunks : FULL + 1;
    const contentLength = 'contentLength' in result ? result.contentLength : LENGTH;
    family.accept(id, {
      ...words,
      input: { key: toHex(KEY), object: pack(bytes), ...more },
      result: {
        header: 'known',
        whole: result.whole ?? false,
        tail: result.tail ?? 'verified',
        ...(chunks !== undefined && { chunks }),
        ...(contentLength !== undefined && { contentLength }),
        recovered: recovered.map((each) => [...each]),
        shifts: (result.shifts ?? []).map((each) => [...each]),
        limited: result.limited ?? false,
        contents: contents.map((each) => [...each]),
      },
      released: digest(cat(...contents.map(([start, end]) => RECIPE.content.slice(start, end)))),
    });
  };
  const words = (title: string, why: string, ...requirements: string[]): Words => ({
    title,
    why,
    requirements: requirements.length === 0 ? ['SLV-10'] : requirements,
  });
  const named_ = { reference: reference(WRITTEN, RECIPE) };

  left('whole', object, words('An object without damage', 'There is nothing to search.', 'SLV-10', 'SLV-1'), {
    whole: true,
  });
  for (const [id, index] of [
    ['first', 0],
    ['middle', 2],
  ] as const) {
    left(
      `flip-${id}`,
      flipped(object, at(index) + 7),
      words(
        `A changed bit in the ${id} chunk`,
        'It costs this chunk and no other, and is never put out.',
        'SLV-3',
        'SLV-14',
      ),
      {
        recovered:
          index === 0
            ? [[1, FULL + 1]]
            : [
                [0, index],
                [index + 1, FULL + 1],
              ],
      },
    );
  }
  const noEnd = { recovered: [[0, FULL]] as const, tail: 'missing', chunks: undefined } as const;
  left(
    'flip-final',
    flipped(object, object.length - 1),
    words(
      'A changed bit in the final chunk, and nobody who knows the length',
      'What is in the full chunks is content up to its last byte that is not zero.',
      'SLV-13',
    ),
    { ...noEnd, contentLength: undefined },
  );
  left(
    'flip-final-reference',
    flipped(object, object.length - 1),
    words('The same with the reference of a manifest', 'It tells how long the content was.', 'SLV-13'),
    { ...noEnd, chunks: FULL + 1 },
    named_,
  );
  const ending: Recipe = {
    key: KEY,
    salt: salt('zeros'),
    content: cat(named('start', 500), zeros(2 * C - 500)),
  };
  const zeroEnd = writeObject(ending);
  family.accept('zeros', {
    ...words(
      'A content that ends with zeros, and its final chunk is gone',
      'They could be padding.',
      'SLV-13',
    ),
    input: { key: toHex(KEY), object: pack(zeroEnd.object.slice(0, at(2))) },
    result: {
      header: 'known',
      whole: false,
      tail: 'missing',
      recovered: [[0, 2]],
      shifts: [],
      limited: false,
      contents: [[0, 500]],
    },
    released: digest(named('start', 500)),
  });
  left(
    'header-check',
    flipped(object, HEADER - 1),
    words('A header check that is damaged', 'The commitment says more.', 'SLV-7'),
    {},
  );
  left(
    'header-commitment',
    cat(header.slice(0, 48), zeros(40), object.slice(HEADER)),
    words(
      'A commitment that is gone, and the name of the object',
      'The name is made of the commitment.',
      'SLV-7',
    ),
    {},
    { name: storageName(commitment) },
  );
  const noHeader = (id: string, bytes: Bytes, found: string, said: Words): void =>
    family.accept(id, {
      ...said,
      input: { key: toHex(KEY), object: pack(bytes) },
      result: { header: found },
      released: digest(zeros(0)),
    });
  noHeader(
    'header-salt',
    flipped(object, 20),
    'none',
    words('A changed bit in the salt', 'Without the salt there is no key.', 'SLV-7'),
  );
  const foreign = writeObject({ ...RECIPE, key: OTHER_KEY });
  noHeader(
    'other-key',
    foreign.object.slice(0, at(1)),
    'other-key',
    words('An object of another key', 'It is left alone, and is no damage.', 'SLV-8'),
  );
  const shifted = (by: number): Left => ({
    shifts: [
      [0, FULL, by],
      [FULL, FULL + 1, by],
    ],
  });
  left(
    'header-destroyed',
    cat(zeros(HEADER), object.slice(HEADER)),
    words(
      'A header of zeros, and the reference of a manifest',
      'The copy in the manifest takes its place.',
      'SLV-9',
    ),
    {},
    named_,
  );
  left(
    'header-cut',
    object.slice(HEADER),
    words('No header at all, and the reference of a manifest', 'Chunks begin elsewhere.', 'SLV-9', 'SLV-10'),
    shifted(-HEADER),
    named_,
  );
  left(
    'header-late',
    cat(NOISE, object),
    words(
      'Bytes before the header, and the reference of a manifest',
      'Chunks begin elsewhere.',
      'SLV-9',
      'SLV-10',
    ),
    shifted(NOISE.length),
    named_,
  );
  const cutTwo = {
    recovered: [
      [0, 2],
      [3, FULL + 1],
    ] as const,
  };
  left(
    'inserted',
    inserted(object, at(2) + 9, NOISE),
    words('Bytes that were inserted into a chunk', 'What is behind them is found where it is now.'),
    {
      ...cutTwo,
      shifts: [
        [3, FULL, 32],
        [FULL, FULL + 1, 32],
      ],
    },
  );
  left(
    'removed',
    removed(object, at(2) + 9, 1),
    words('A byte that was removed from a chunk', 'What is behind it is found where it is now.'),
    {
      ...cutTwo,
      shifts: [
        [3, FULL, -1],
        [FULL, FULL + 1, -1],
      ],
    },
  );
  left(
    'removed-chunk',
    removed(object, at(1), SEALED),
    words('A chunk that was removed', 'The others keep their indices.'),
    {
      recovered: [
        [0, 1],
        [2, FULL + 1],
      ],
      shifts: [
        [2, FULL, -SEALED],
        [FULL, FULL + 1, -SEALED],
      ],
    },
  );
  left(
    'swapped',
    cat(
      object.slice(0, at(1)),
      object.slice(at(3), at(4)),
      object.slice(at(2), at(3)),
      object.slice(at(1), at(2)),
      object.slice(at(4)),
    ),
    words('Two chunks that were exchanged', 'Each is put out in its place.'),
    {
      shifts: [
        [1, 2, 2 * SEALED],
        [3, 4, -2 * SEALED],
      ],
    },
  );
  left(
    'copied-over',
    cat(object.slice(0, at(3)), object.slice(at(1), at(2)), object.slice(at(4))),
    words('A chunk in the place of another', 'It is there once, and the other is lost.', 'SLV-10', 'SLV-4'),
    {
      recovered: [
        [0, 3],
        [4, FULL + 1],
      ],
    },
  );
  left(
    'copy-behind',
    inserted(object, at(4), object.slice(at(1), at(2))),
    words(
      'A copy of a chunk before the final one',
      'The one in its place counts, and the end is behind the copy.',
    ),
    { shifts: [[FULL, FULL + 1, SEALED]] },
    named_,
  );
  left(
    'trailing',
    cat(object, NOISE, zeros(SEALED)),
    words('Bytes behind the end', 'The final chunk is found by its length.'),
    {},
  );
  const other = writeObject(zeroObject('salvage other', FULL, 100));
  left(
    'other-object',
    other.object,
    words(
      'An object of the same key in the place of the one that a manifest names',
      'It is not taken for it.',
      'SLV-4',
    ),
    { recovered: [], tail: 'missing' },
    named_,
  );
  left(
    'spliced',
    cat(object.slice(0, at(1)), other.object.slice(at(1), at(2)), object.slice(at(2))),
    words('A chunk of another object of the same key', 'It does not open here.', 'SLV-4'),
    {
      recovered: [
        [0, 1],
        [2, FULL + 1],
      ],
    },
  );
  left(
    'limit',
    inserted(object, at(2) + 9, NOISE),
    words('A search that is given up one offset too early', 'The limit is the same for everyone.', 'SLV-11'),
    { recovered: [[0, 2]], tail: 'missing', chunks: undefined, contentLength: undefined, limited: true },
    { searchLimit: SEALED + 32 },
  );
  left(
    'limit-enough',
    inserted(object, at(2) + 9, NOISE),
    words(
      'A search that is just long enough',
      'The offset at which a chunk is found was not searched in vain.',
      'SLV-11',
    ),
    {
      ...cutTwo,
      shifts: [
        [3, FULL, 32],
        [FULL, FULL + 1, 32],
      ],
    },
    { searchLimit: SEALED + 33 },
  );
  const long = zeroObject('salvage long', 1026, 10);
  const longWritten = writeObject(long);
  for (const [id, gone, found] of [
    ['reach', 1024, [[1024, 1027]]],
    ['beyond-reach', 1025, []],
  ] as const) {
    family.accept(id, {
      ...words(
        id === 'reach'
          ? '1024 chunks that are gone before others'
          : '1025 chunks that are gone before others',
        'Indices are looked for up to 1024 from the one that is expected.',
        'SLV-12',
      ),
      input: { key: toHex(KEY), object: pack(removed(longWritten.object, HEADER, gone * SEALED)) },
      result:
        found.length > 0
          ? {
              header: 'known',
              whole: false,
              tail: 'verified',
              chunks: 1027,
              contentLength: long.content.length,
              recovered: found.map((each) => [...each]),
              shifts: [
                [1024, 1026, -gone * SEALED],
                [1026, 1027, -gone * SEALED],
              ],
              limited: false,
              contents: [[1024 * C, long.content.length]],
            }
          : {
              header: 'known',
              whole: false,
              tail: 'missing',
              recovered: [],
              shifts: [],
              limited: false,
              contents: [],
            },
      released: digest(found.length > 0 ? long.content.slice(1024 * C) : zeros(0)),
    });
  }
  return family.file();
}
