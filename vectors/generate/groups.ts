/**
 * Vectors of groups: records that are compressed together.
 *
 * @module
 */
import { deflate, literals, type Step } from '../../conformance/peer/deflate.ts';
import { group, GROUP, grouped, rawGroup } from '../../conformance/peer/group.ts';
import { be, cat, named, unhex, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { begin, end, frame, record } from '../../conformance/peer/records.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { digest, Family, pack } from './family.ts';

const C = 2 ** 14;
const ITEM = 0x8020;
const BEGIN = begin(named('set id', 16), 9);
const ONE = record(ITEM, utf8('one of two items'));
const TWO = record(ITEM, utf8('two of two items'));
const BOTH = [ONE, TWO];
const RAW = grouped(BOTH);
const LIMIT = 2 ** 20;

/** Sentences, and how a compressor of the usual kind (zlib, level 9) packs them: in a block with codes of its own. */
const WORDS = 'the quick brown fox jumps over a lazy dog and then it sleeps until noon again'.split(' ');
const SENTENCES: readonly Bytes[] = Array.from({ length: 60 }, (_, i) => {
  const words = WORDS.map((_word, k) => WORDS[(i * k * 7 + k) % WORDS.length] ?? '');
  return record(ITEM, utf8(`${i}: ${words.join(' ')}`));
});
const SENTENCES_RAW = grouped(SENTENCES);
const SENTENCES_PACKED = unhex(
  'b594cb72d4301045f529fd09b61e7eb0871f800dd9093c04c1440e194f78ace6d3a9eedb1eb6538c7a914a55a23e7daf6d1de7de5fc8756f68fb7aa01fe7f2f93b7d7a597f56fab2fea26fe7a7e713adaf8717ca74cc7f7ed3b23e52ae0b9fae54363a1d0f87e7139deb568e54d7b5527ecca53af7f642ae079567fef3b793741e1c216309f6e9f2b2210ee7e259099a111b0db80b5a4943508352770c0e3040566052c0b71d0335828a80322d71700ccf57e6ca260c090924eae916ee9239b7731f2fe412a8a0f09c1ebbef8f483c805d36ca1a50472438b2a10e4ff2a3c47bae8b02115cba721d50475031aee7f6377b6d29a0db8e813ae93bab8b8e944da790306b1826a08b7038b4b2e481cb5eae87ef7406f58e1fe73ef0f7aed7481e9cec906dba9943481a04939b2461b3864791b2eddf435d14abf74888ff5e275a661dc3cc6dc714abd74a32e202491c7d0b75018963330119b1460aea0ab4c95436e71e18abf74affcda3d73b72c71f35b35e2f0e9525e37e5f243ad249211e2c1b2a2022d8125dda4a21c5a6eb17b0f797418680b9afb9f1986287e65a7dc7d8b1815725dfd45cac829d9b9b95b1be6bae56fe5e7d6fe456c9ec9bcb55b0a1b95d051b9beb95bf579f1af9d50f267ef5a3895ffd64e2573f1bfa3574267e0dbd895f8337f16b088dfc1aa2895f4332f16b184cfc1a4643bf86c9c4af6136f16bec4cfc1afb467e8ddec4af3198f8354613bfc664e8d73898f8358e267e8d93895fe3dcc8afa933f16bea4dfc9abc895f5330f46b8a267e4dc9c4af6930f16b1a1bf9354d267e4d7363bffe05',
);

function content(records: readonly Bytes[], counted: readonly Bytes[]): Bytes {
  return frame(C, [BEGIN, ...records, end(counted)]);
}

function stored(bytes: Uint8Array): Bytes {
  return deflate([{ stored: bytes }]);
}

/** Adler-32 (RFC 1950). */
function adler(bytes: Uint8Array): Bytes {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return cat(be(2, b), be(2, a));
}

/** Groups. */
export function groups(): VectorFile {
  const family = new Family('groups', {
    feature: 'records',
    role: 'set-reader',
    op: 'records.read',
    description: 'Records that are compressed together with raw DEFLATE, in chunks of 16 KiB.',
  });
  const input = { chunkLog2: 14, known: [ITEM] };
  const accept = (
    id: string,
    records: readonly Bytes[],
    out: readonly Bytes[],
    title: string,
    why: string,
    counted: readonly Bytes[] = out,
  ): void => {
    family.accept(id, {
      title,
      why,
      requirements: ['REC-13'],
      input: { ...input, content: pack(content(records, counted)) },
      result: {
        records: out.map((one) => {
          const body = one.slice(3);
          return { type: ITEM, body: body.length > 1000 ? { ...digest(body) } : pack(body) };
        }),
      },
    });
  };
  accept(
    'two',
    [group(BOTH)],
    BOTH,
    'Two records in a group',
    'What END counts are the records in the group.',
  );
  accept(
    'plain',
    [rawGroup(0, RAW.length, RAW)],
    BOTH,
    'A group that is not compressed',
    'Codec 0 is a codec of groups too.',
  );
  accept(
    'stored',
    [rawGroup(1, RAW.length, stored(RAW))],
    BOTH,
    'A group in a stored block',
    'A compressor does not have to find anything.',
  );
  accept(
    'blocks',
    [
      rawGroup(
        1,
        RAW.length,
        deflate([
          { stored: RAW.slice(0, 5) },
          { steps: literals(RAW.slice(5, 30)) },
          { stored: zeros(0) },
          { steps: literals(RAW.slice(30)) },
        ]),
      ),
    ],
    BOTH,
    'A group in four blocks, one of them empty',
    'A stream has blocks of every kind, in any order.',
  );
  accept(
    'dynamic',
    [rawGroup(1, SENTENCES_RAW.length, SENTENCES_PACKED)],
    SENTENCES,
    'A group in a block with codes of its own',
    'What compressors write as a rule.',
  );
  accept(
    'mixed',
    [ONE, group([TWO]), ONE, group(BOTH)],
    [ONE, TWO, ONE, ONE, TWO],
    'Records, and groups between them',
    'The order is that of the content.',
  );
  accept(
    'skipped',
    [group([record(0x0077, named('unknown', 9)), ONE])],
    [ONE],
    'An unknown record that is not critical in a group',
    'It is skipped and counted as elsewhere.',
    [record(0x0077, named('unknown', 9)), ONE],
  );
  const far = cat(...['no runs', 'here'].map((name) => named(name, 8160)));
  const large = [record(ITEM, far), TWO];
  accept(
    'over-chunks',
    [rawGroup(0, grouped(large).length, grouped(large))],
    large,
    'A group over two chunks',
    'A group is a record like others to the framing.',
  );
  const whole = [record(0x0077, zeros(LIMIT - 6))];
  accept(
    'limit',
    [group(whole)],
    [],
    'A group of 2^20 bytes before compression, which the reader passes over',
    'The bound is met, and the ratio is that of a thousand to one.',
    whole,
  );

  const no = (
    id: string,
    place: string,
    now: Value,
    records: readonly Bytes[],
    title: string,
    why: string,
    error = 'bad-record',
    requirement = 'REC-13',
    counted: readonly Bytes[] = BOTH,
  ): void => {
    family.sealed(
      id,
      'two',
      { place, was: 'as written', now },
      { content: pack(content(records, counted)) },
      { title, why, requirements: [requirement], errors: [error] },
    );
  };
  const packed = deflate([{ steps: literals(RAW) }]);
  const flood: Step[] = [...literals(RAW), 0];
  for (let made = 0; made < 4 * LIMIT; made += 258) flood.push({ length: 258, distance: 1 });
  const tooMuch = [record(ITEM, zeros(LIMIT - 5))];
  no(
    'bomb',
    'data of the group',
    '4 MiB of zeros after the records',
    [rawGroup(1, RAW.length, deflate([{ steps: flood }]))],
    'Data that decompresses to far more than it says',
    'A reader that decompresses first and compares afterwards can be made to fill its memory.',
    'bad-record',
    'REC-14',
  );
  no(
    'bomb-declared',
    'raw_length',
    LIMIT + 1,
    [group(tooMuch)],
    'A group of more than 2^20 bytes',
    'The bound of a record is the bound of a group, whatever it says of itself.',
    'bad-record',
    'REC-13',
    tooMuch,
  );
  no(
    'length-huge',
    'raw_length',
    2 ** 32 - 1,
    [rawGroup(1, 2 ** 32 - 1, packed)],
    'A group that says that it has 4 GiB',
    'A length is compared with its bound before memory is taken.',
  );
  no(
    'length-short',
    'raw_length',
    RAW.length - 1,
    [rawGroup(1, RAW.length - 1, packed)],
    'A group that has one byte more than it says',
    'The length must be right to the byte.',
  );
  no(
    'length-long',
    'raw_length',
    RAW.length + 1,
    [rawGroup(1, RAW.length + 1, packed)],
    'A group that has one byte less than it says',
    'The length must be right to the byte.',
  );
  no(
    'plain-length',
    'raw_length',
    RAW.length + 1,
    [rawGroup(0, RAW.length + 1, RAW)],
    'A group that is not compressed, and is shorter than it says',
    'The length must be right without compression too.',
  );
  no(
    'empty',
    'group',
    'empty',
    [rawGroup(0, 0, zeros(0))],
    'An empty group',
    'It says nothing.',
    'bad-record',
    'REC-13',
    [],
  );
  no(
    'no-length',
    'raw_length',
    'absent',
    [record(GROUP, zeros(3), 0)],
    'A group of three bytes',
    'There is no room for its length.',
    'bad-record',
    'REC-13',
    [],
  );
  no(
    'trailing',
    'after the data',
    'one byte',
    [rawGroup(1, RAW.length, cat(packed, zeros(1)))],
    'A byte after the end of the data',
    'What nobody reads can say anything.',
  );
  no(
    'concatenated',
    'after the data',
    'a second stream',
    [rawGroup(1, RAW.length, cat(stored(grouped([ONE])), stored(grouped([TWO]))))],
    'Two streams, one after the other',
    'Some decompressors go on with the next stream, others do not.',
  );
  no(
    'truncated',
    'data of the group',
    'without its last block',
    [rawGroup(1, RAW.length, deflate([{ stored: RAW }], true))],
    'Data without a last block',
    'All bytes are there, and the end is not: it was cut.',
  );
  no(
    'cut',
    'data of the group',
    'without its last byte',
    [rawGroup(1, RAW.length, packed.slice(0, -1))],
    'Data without its last byte',
    'A decompressor that is given no more gives out what it has.',
  );
  no(
    'before-start',
    'data of the group',
    'a copy from before its start',
    [
      group([ONE]),
      rawGroup(
        1,
        3 + TWO.length,
        deflate([{ steps: [...literals(grouped([TWO]).slice(0, 6)), { length: 3, distance: 7 }] }]),
      ),
    ],
    'A copy from before the start of the data',
    'It would be taken from the group before: groups stand alone.',
  );
  // The second group needs the bytes of the first one as a dictionary: "of two items" is in both.
  const across = grouped([TWO]);
  const shared = utf8(' of two items').length;
  no(
    'across',
    'data of the group',
    'a copy from the group before',
    [
      group([ONE]),
      rawGroup(
        1,
        across.length,
        deflate([
          { steps: [...literals(across.slice(0, -shared)), { length: shared, distance: across.length }] },
        ]),
      ),
    ],
    'A copy from the group before',
    'A decompressor that is not begun anew would take it; one lost group would cost all after it.',
  );
  no(
    'reserved-block',
    'data of the group',
    'a block of type 3',
    [rawGroup(1, RAW.length, cat(Uint8Array.of(7), RAW))],
    'A block of a type that does not exist',
    'Data that means nothing is not skipped.',
  );
  no(
    'stored-length',
    'data of the group',
    'a stored block whose length does not check',
    [rawGroup(1, RAW.length, cat(Uint8Array.of(1, RAW.length, 0, 0, 0), RAW))],
    'A stored block whose two lengths do not belong together',
    'The stream is checked as its specification says.',
  );
  no(
    'zlib',
    'data of the group',
    'in the format of zlib',
    [rawGroup(1, RAW.length, cat(Uint8Array.of(0x78, 0x01), packed, adler(RAW)))],
    'Data in the format of zlib',
    'There is one format, without a header and without a checksum.',
  );
  for (const codec of [2, 3, 255]) {
    no(
      `codec-${codec}`,
      'codec',
      codec,
      [rawGroup(codec, RAW.length, packed)],
      `A group in codec ${codec}`,
      'A body that is not understood is not guessed at.',
      'unsupported-codec',
    );
  }
  no(
    'codec-elsewhere',
    'codec',
    1,
    [record(ITEM, deflate([{ steps: literals(ONE.slice(3)) }]), 1), TWO],
    'A known record that is compressed by itself',
    'Only groups are compressed.',
    'unsupported-codec',
  );
  const inner = (
    id: string,
    raw: Bytes,
    title: string,
    why: string,
    error = 'bad-record',
    now: Value = id,
  ): void => no(id, 'records of the group', now, [rawGroup(1, raw.length, stored(raw))], title, why, error);
  inner(
    'codec-inside',
    grouped([record(ITEM, utf8('x'), 1), TWO]),
    'A record of codec 1 in a group',
    'What is in a group is not compressed again.',
    'unsupported-codec',
  );
  inner('nested', grouped([group(BOTH)]), 'A group in a group', 'Groups in groups are bombs in bombs.');
  inner('begin-inside', grouped([BEGIN, ...BOTH]), 'BEGIN in a group', 'A group is no sequence.');
  inner(
    'end-inside',
    grouped([...BOTH, end(BOTH)]),
    'END in a group',
    'The end must be seen without decompressing.',
  );
  inner(
    'critical-inside',
    grouped([ONE, record(0x9999, zeros(2))]),
    'An unknown critical record in a group',
    'It cannot be left out without losing the meaning.',
    'unknown-critical-record',
  );
  inner(
    'type-0-inside',
    grouped([ONE, record(0, zeros(2))]),
    'A record of type 0 in a group',
    'Types 0x0000 and 0x8000 are no types.',
  );
  inner(
    'two-bytes-inside',
    cat(grouped([ONE]), be(3, 2), zeros(2)),
    'A record of two bytes in a group',
    'A record has a type and a codec.',
  );
  inner(
    'zero-inside',
    cat(RAW, be(3, 0)),
    'A record of no bytes in a group',
    'Records that are nothing are a loop without end.',
  );
  inner(
    'past-end',
    cat(grouped([ONE]), be(3, TWO.length + 1), TWO),
    'A record that passes the end of its group',
    'Its last byte would be taken from somewhere else.',
  );
  inner(
    'length-cut',
    cat(RAW, zeros(2)),
    'A group that ends in two bytes of a length',
    'A group is records, one after the other, and nothing else.',
  );
  no(
    'counted-as-one',
    'END.records',
    1,
    [group(BOTH)],
    'END that counts the group, not the records in it',
    'A record that is missing in a group must be noticed.',
    'bad-record',
    'REC-13',
    [group(BOTH)],
  );
  return family.file();
}
