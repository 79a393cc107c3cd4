/**
 * Vectors of reading one record alone, by its range.
 *
 * @module
 */
import { cat, named, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { group } from '../../conformance/peer/group.ts';
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
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack } from './family.ts';

const C = 2 ** 14;
const ITEM = 0x8020;

/** The family. */
export function recordRanges(): VectorFile {
  const family = new Family('record-ranges', {
    feature: 'records',
    role: 'set-reader',
    op: 'records.read-range',
    description: 'The content of one range of a records object in chunks of 16 KiB, and the record in it.',
  });
  const before = frame(C, [begin(named('set id', 16), 9)]);
  const one = record(ITEM, utf8('the one'));
  const two = record(ITEM, utf8('the other'));
  const accept = (
    id: string,
    position: number,
    content: Bytes,
    body: Bytes,
    title: string,
    why: string,
  ): void =>
    family.accept(id, {
      title,
      why,
      requirements: ['REC-11'],
      input: { chunkLog2: 14, type: ITEM, position, content: pack(content) },
      result: { body: pack(body) },
    });
  const whole = fragment(FULL, one);
  accept(
    'one',
    before.length,
    whole,
    one.slice(3),
    'A record in one fragment',
    'The usual case of a small file.',
  );
  const parts = cat(fragment(FIRST, one.slice(0, 4)), fragment(LAST, one.slice(4)));
  accept(
    'two-fragments',
    C - 8,
    parts,
    one.slice(3),
    'A record over the end of a chunk',
    'Where a chunk ends is known from the position.',
  );
  const long = record(ITEM, zeros(2 * C));
  const filled = frame(C, [record(ITEM, zeros(C - 4 - 3 - 3)), long]);
  accept(
    'filled',
    C,
    filled.slice(C),
    long.slice(3),
    'A record over three chunks, from the start of a chunk',
    'FIRST, MIDDLE and LAST must be joined.',
  );
  accept(
    'zeros-inside',
    C - 8 - 2,
    cat(fragment(FIRST, one.slice(0, 4)), zeros(2), fragment(LAST, one.slice(4))),
    one.slice(3),
    'Zeros up to the end of a chunk inside a record',
    'They belong to the range, and not to the record.',
  );

  const no = (id: string, content: Bytes, title: string, why: string, error = 'bad-record'): void =>
    family.sealed(
      id,
      'one',
      { place: 'content of the range', was: 'one record', now: id },
      { content: pack(content) },
      { title, why, requirements: ['REC-11'], errors: [error] },
    );
  no('short', whole.slice(0, -1), 'A range one byte too short', 'A record without its end is none.');
  no('long', cat(whole, zeros(1)), 'A range one byte too long', 'What follows the record is of another one.');
  no('late', whole.slice(1), 'A range that begins one byte late', 'What is read is no fragment.');
  no('early', cat(zeros(1), whole), 'A range that begins with a zero', 'The rest of a chunk is no record.');
  no('empty', zeros(0), 'An empty range', 'It holds no record.');
  no('two', cat(whole, fragment(FULL, two)), 'A range of two records', 'Which of them is meant?');
  no(
    'other-type',
    fragment(FULL, record(0x8021, utf8('the one'))),
    'A record of another type',
    'It means something else.',
  );
  no('begin', before, 'The range of BEGIN', 'It is no file.');
  no('end', fragment(FULL, end([one])), 'The range of END', 'It is no file.');
  no(
    'group',
    fragment(FULL, group([one])),
    'The range of a group',
    'A record in a group has no range of its own.',
  );
  no(
    'codec',
    fragment(FULL, record(ITEM, utf8('the one'), 1)),
    'A record in a codec',
    'A body that is not understood is not handed out.',
    'unsupported-codec',
  );
  no('middle', fragment(MIDDLE, one), 'A part of a record', 'A record without its beginning is none.');
  no('first', fragment(FIRST, one), 'The beginning of a record', 'A record without its end is none.');
  no(
    'crosses',
    fragment(FULL, cat(one, zeros(C))),
    'A fragment that crosses the end of its chunk',
    'Where a chunk ends is known from the position.',
  );
  no(
    'two-bytes',
    fragment(FULL, one.slice(0, 2)),
    'A record of two bytes',
    'A record has a type and a codec.',
  );
  family.sealed(
    'zeros-first',
    'two-fragments',
    { place: 'content of the range', was: 'a record', now: 'zeros to the end of the chunk, and a record' },
    { content: pack(cat(zeros(8), whole)) },
    {
      title: 'Zeros up to the end of a chunk before the record',
      why: 'The record begins where the range says, or not at all.',
      requirements: ['REC-11'],
      errors: ['bad-record'],
    },
  );
  family.value('position', 'two-fragments', 'position', C - 4, {
    title: 'A range at another position',
    why: 'The same bytes mean something else where a chunk ends elsewhere.',
    requirements: ['REC-11'],
    errors: ['bad-record'],
  });
  return family.file();
}
