/**
 * Vectors of records.
 *
 * @module
 */
import { be, cat, named, toHex, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import {
  begin,
  end,
  FIRST,
  fragment,
  frame,
  FULL,
  LAST,
  MIDDLE,
  record,
} from '../../conformance/peer/records.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack } from './family.ts';

const SET_ID = named('set id', 16);
const C = 2 ** 14;
const BEGIN = begin(SET_ID, 9);
const ITEM = record(0x8020, utf8('an item'));

interface Sequence {
  readonly records: readonly Bytes[];
  readonly content: Bytes;
}

function sequence(...items: readonly Bytes[]): Sequence {
  return { records: items, content: frame(C, [BEGIN, ...items, end(items)]) };
}

function items(records: readonly Bytes[]): Value {
  return records.map((one) => ({ type: (one[0] ?? 0) * 256 + (one[1] ?? 0), body: pack(one.slice(3)) }));
}

/** Records. */
export function records(): VectorFile {
  const family = new Family('records', {
    feature: 'records',
    role: 'set-reader',
    op: 'records.read',
    description:
      'Records framed in chunks of 16 KiB: fragments, their order, and the records that begin and end a sequence.',
  });
  const input = { chunkLog2: 14, known: [0x8020] };
  const accept = (
    id: string,
    content: Bytes,
    out: readonly Bytes[],
    title: string,
    why: string,
    requirements = ['REC-4'],
  ): void => {
    family.accept(id, {
      title,
      why,
      requirements,
      input: { ...input, content: pack(content) },
      result: { records: items(out) },
    });
  };
  const one = sequence(ITEM);
  accept('one', one.content, [ITEM], 'One record', 'The shortest sequence that says something.');
  accept('none', sequence().content, [], 'No record between BEGIN and END', 'An empty sequence is one.');
  const long = sequence(ITEM, record(0x8020, zeros(40_000)), ITEM);
  accept(
    'long',
    long.content,
    long.records,
    'A record over three chunks',
    'FIRST, MIDDLE and LAST must be joined, and the chunk boundaries kept.',
  );
  // BEGIN takes 33 bytes; the first record leaves so many bytes of its chunk to the second.
  const leaving = (left: number): Sequence => sequence(record(0x8020, zeros(C - 33 - 4 - 3 - left)), ITEM);
  for (const left of [3, 4, 5, 6]) {
    const { content, records: both } = leaving(left);
    accept(
      `left-${left}`,
      content,
      both,
      `A record that begins ${left} bytes before the end of a chunk`,
      'Four bytes or less are filled with zeros; five hold a fragment of one byte.',
    );
  }
  const unknown = record(0x0077, named('unknown', 9), 5);
  accept(
    'unknown',
    sequence(unknown, ITEM).content,
    [ITEM],
    'An unknown record that is not critical, with an unknown codec',
    'What is not critical is skipped, whatever it is; and it is counted.',
    ['REC-7'],
  );
  const skipped = cat(frame(C, [BEGIN]), zeros(C - frame(C, [BEGIN]).length), frame(C, [ITEM, end([ITEM])]));
  accept(
    'zeros',
    skipped,
    [ITEM],
    'Zeros to the end of a chunk between two records',
    'A writer may begin at the next chunk at any time.',
    ['REC-6'],
  );
  const parts = cat(
    frame(C, [BEGIN]),
    fragment(FIRST, ITEM.slice(0, 2)),
    fragment(MIDDLE, ITEM.slice(2, 3)),
    fragment(LAST, ITEM.slice(3)),
    frame(C, [end([ITEM])]),
  );
  accept(
    'short-fragments',
    parts,
    [ITEM],
    'A record in three fragments within one chunk',
    'A reader takes every framing that its steps take.',
    ['REC-6'],
  );
  const longest = record(0x0077, zeros(2 ** 20 - 3));
  family.accept('longest', {
    title: 'A record of 2^20 bytes, which the reader passes over',
    why: 'The bound is met.',
    requirements: ['REC-4'],
    input: { ...input, content: pack(sequence(longest).content) },
    result: { records: [] },
  });
  for (const [id, sequenceOf] of [
    ['one', one],
    ['long', long],
    ['empty', sequence()],
    ['left-4', leaving(4)],
    ['left-6', leaving(6)],
  ] as const) {
    family.accept(
      `write-${id}`,
      {
        title: `Writing the sequence ${id}`,
        why: 'There is one framing that a writer makes.',
        requirements: ['REC-1'],
        input: { chunkLog2: 14, setId: toHex(SET_ID), schema: 9, records: items(sequenceOf.records) },
        result: { content: pack(sequenceOf.content) },
      },
      { op: 'records.write', role: 'set-writer' },
    );
  }

  const sealed = (
    id: string,
    place: string,
    now: Value,
    content: Bytes,
    title: string,
    why: string,
    error = 'bad-record',
    requirement = 'REC-4',
  ): void => {
    family.sealed(
      id,
      'one',
      { place, was: 'as written', now },
      { content: pack(content) },
      { title, why, requirements: [requirement], errors: [error] },
    );
  };
  const between = (...middle: readonly Bytes[]): Bytes =>
    cat(frame(C, [BEGIN]), ...middle, frame(C, [end([ITEM])]));
  sealed(
    'no-begin',
    'BEGIN',
    'absent',
    frame(C, [ITEM, end([ITEM])]),
    'No BEGIN record',
    'What the other records mean is not known.',
  );
  sealed(
    'two-begins',
    'BEGIN',
    'twice',
    frame(C, [BEGIN, BEGIN, ITEM, end([ITEM])]),
    'Two BEGIN records',
    'Two sequences joined are no sequence.',
  );
  sealed(
    'no-end',
    'END',
    'absent',
    frame(C, [BEGIN, ITEM]),
    'No END record',
    'A sequence that was cut is not taken for the whole.',
  );
  sealed(
    'after-end',
    'after END',
    'a record',
    frame(C, [BEGIN, ITEM, end([ITEM]), ITEM]),
    'A record after END',
    'What follows the end is not part of the sequence.',
  );
  sealed(
    'end-count',
    'END.records',
    2,
    frame(C, [BEGIN, ITEM, record(0x8002, cat(be(8, 2), be(8, ITEM.length)))]),
    'END counts one record too many',
    'A record that is missing must be noticed.',
  );
  sealed(
    'end-bytes',
    'END.bytes',
    ITEM.length + 1,
    frame(C, [BEGIN, ITEM, record(0x8002, cat(be(8, 1), be(8, ITEM.length + 1)))]),
    'END counts one byte too many',
    'A record that was shortened must be noticed.',
  );
  sealed(
    'end-long',
    'END',
    'one byte longer',
    frame(C, [BEGIN, ITEM, cat(end([ITEM]), zeros(1))]),
    'END with a body that is one byte too long',
    'A structure that fills its place ends where its place ends.',
    'bad-record',
    'REC-5',
  );
  sealed(
    'volume-0',
    'BEGIN.volume',
    0,
    frame(C, [begin(SET_ID, 9, 0, 1), ITEM, end([ITEM])]),
    'Volume 0 of 1',
    'Volumes are counted from 1.',
  );
  sealed(
    'volume-2-of-1',
    'BEGIN.volume',
    2,
    frame(C, [begin(SET_ID, 9, 2, 1), ITEM, end([ITEM])]),
    'Volume 2 of 1',
    'There is no such volume.',
  );
  const critical = record(0x9999, zeros(2));
  sealed(
    'critical',
    'type of a record',
    '0x9999',
    frame(C, [BEGIN, critical, end([critical])]),
    'An unknown critical record',
    'It cannot be left out without losing the meaning.',
    'unknown-critical-record',
  );
  const codec = record(0x8020, utf8('an item'), 1);
  sealed(
    'codec',
    'codec',
    1,
    frame(C, [BEGIN, codec, end([codec])]),
    'A known record in an unknown codec',
    'A body that is not understood is not handed out.',
    'unsupported-codec',
  );
  sealed(
    'type-0',
    'type of a record',
    0,
    frame(C, [BEGIN, record(0, zeros(1)), end([record(0, zeros(1))])]),
    'A record of type 0',
    'Types 0x0000 and 0x8000 are no types.',
  );
  sealed(
    'two-bytes',
    'length of a record',
    2,
    between(fragment(FULL, ITEM.slice(0, 2))),
    'A record of two bytes',
    'A record has a type and a codec.',
  );
  sealed(
    'kind-5',
    'kind of a fragment',
    5,
    between(fragment(5, ITEM)),
    'A fragment of kind 5',
    'A value that is not named means nothing.',
  );
  sealed(
    'empty-fragment',
    'length of a fragment',
    0,
    between(fragment(FULL, zeros(0))),
    'A fragment of no bytes',
    'Fragments that bring nothing are a loop without end.',
  );
  sealed(
    'crosses-chunk',
    'length of a fragment',
    C,
    between(fragment(FULL, ITEM, C)),
    'A fragment that crosses the end of its chunk',
    'A reader that begins at the next chunk would take its middle for a beginning.',
  );
  sealed(
    'middle-first',
    'kind of a fragment',
    'MIDDLE',
    between(fragment(MIDDLE, ITEM)),
    'MIDDLE without FIRST',
    'A record without its beginning is none.',
  );
  sealed(
    'last-first',
    'kind of a fragment',
    'LAST',
    between(fragment(LAST, ITEM)),
    'LAST without FIRST',
    'A record without its beginning is none.',
  );
  sealed(
    'full-inside',
    'kind of a fragment',
    'FULL after FIRST',
    between(fragment(FIRST, ITEM.slice(0, 4)), fragment(FULL, ITEM)),
    'FULL inside a record',
    'A record without its end is none.',
  );
  sealed(
    'first-alone',
    'kind of a fragment',
    'FIRST',
    cat(frame(C, [BEGIN]), fragment(FIRST, ITEM)),
    'FIRST at the end of the content',
    'A record without its end is none, and the end is not there either.',
  );
  const tooLong = record(0x0077, zeros(2 ** 20 - 2));
  family.sealed(
    'too-long',
    'longest',
    { place: 'length of a record', was: 2 ** 20, now: 2 ** 20 + 1 },
    { content: pack(sequence(tooLong).content) },
    {
      title: 'A record of 2^20 and one bytes',
      why: 'A reader holds one record in memory, and no more.',
      requirements: ['REC-4'],
      errors: ['bad-record'],
    },
  );
  sealed(
    'not-zero',
    'zeros to the end of a chunk',
    1,
    cat(frame(C, [BEGIN]), zeros(C - frame(C, [BEGIN]).length - 1), be(1, 1), frame(C, [ITEM, end([ITEM])])),
    'Zeros to the end of a chunk that end in a one',
    'Filling is no place to hide data.',
  );
  return family.file();
}
