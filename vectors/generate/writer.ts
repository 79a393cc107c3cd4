/**
 * Vectors of the writer: with an injected salt, an object has exactly one encoding.
 *
 * @module
 */
import { cat, named, toHex, utf8, zeros } from '../../conformance/peer/primitives.ts';
import { TYPES, writeObject, type Extension, type TypeName } from '../../conformance/peer/sealed-object.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { digest, Family, pack } from './family.ts';
import { HELLO, KEY, salt } from './objects.ts';

interface Plan {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly requirements: string[];
  readonly content: Uint8Array;
  readonly type?: TypeName;
  readonly chunkLog2?: 14 | 16 | 18 | 20;
  readonly padding?: 'none' | 'padme';
  readonly context?: Uint8Array;
  readonly extensions?: readonly Extension[];
}

const C = 2 ** 14;
const EDGES = 'Around the end of a chunk a writer must still put the trailer whole into the final one.';

const PLANS: readonly Plan[] = [
  {
    id: 'blob',
    title: 'A short blob',
    why: 'Every step of a writer, in the smallest object.',
    requirements: ['HDR-1'],
    content: HELLO,
  },
  {
    id: 'empty',
    title: 'An object without content',
    why: 'The smallest plaintext is the trailer.',
    requirements: ['HDR-1', 'PAD-1'],
    content: zeros(0),
  },
  {
    id: 'padme',
    title: 'Padmé of a short content',
    why: 'Rounding in floating point, or over the wrong length, gives other sizes.',
    requirements: ['PAD-1'],
    content: utf8('The quick brown fox jumps over the lazy dog twice.'),
    padding: 'padme',
  },
  {
    id: 'padme-large',
    title: 'Padmé over several chunks',
    why: 'Padding is counted over content and trailer, not over chunks.',
    requirements: ['PAD-1', 'CHK-3'],
    content: zeros(100_000),
    padding: 'padme',
  },
  {
    id: 'padme-32-chunks',
    title: 'Padmé to a whole number of chunks',
    why: 'The trailer would lie across the end of a chunk; 16 more bytes keep it whole.',
    requirements: ['PAD-1'],
    content: zeros(32 * C - 100),
    padding: 'padme',
  },
  {
    id: 'records',
    title: 'Records in chunks of 64 KiB',
    why: 'Type and chunk size are in the header, and authenticated.',
    requirements: ['HDR-1'],
    content: HELLO,
    type: 'records',
    chunkLog2: 16,
  },
  {
    id: 'manifest',
    title: 'A manifest',
    why: 'Type and chunk size are in the header, and authenticated.',
    requirements: ['HDR-1'],
    content: HELLO,
    type: 'manifest',
    chunkLog2: 16,
  },
  {
    id: 'chunk-18',
    title: 'Chunks of 256 KiB',
    why: 'The size that is meant for blobs.',
    requirements: ['HDR-1'],
    content: zeros(2 ** 18 + 1),
    chunkLog2: 18,
  },
  {
    id: 'chunk-20',
    title: 'Chunks of 1 MiB',
    why: 'The largest size.',
    requirements: ['HDR-1'],
    content: HELLO,
    chunkLog2: 20,
  },
  {
    id: 'context',
    title: 'A context',
    why: 'The context is bound into the keys, with its length before it.',
    requirements: ['WRT-3'],
    content: HELLO,
    context: utf8('app.example/notes\0v2'),
  },
  {
    id: 'extension',
    title: 'A private-use extension',
    why: 'Extensions are part of what the commitment covers.',
    requirements: ['EXT-1', 'WRT-3'],
    content: HELLO,
    extensions: [{ type: 0x7f01, value: named('extension', 9) }],
  },
  {
    id: 'three-chunks',
    title: 'Three chunks',
    why: 'Nonces count from 0, and the index is XORed into the base nonce.',
    requirements: ['CHK-3', 'CHK-2'],
    content: zeros(2 * C + 1000),
  },
  ...[C - 33, C - 32, C - 31, C - 17, C - 16, C - 15, C - 1, C, C + 1].map((length) => ({
    id: `content-${length}`,
    title: `Content of ${length} bytes in chunks of ${C}`,
    why: EDGES,
    requirements: ['PAD-1', 'CHK-2'],
    content: zeros(length),
  })),
];

/** The family. */
export function writer(): VectorFile {
  const family = new Family('writer', {
    feature: 'container',
    role: 'container-writer',
    op: 'container.create',
    description:
      'What a writer makes of given content when its salt is injected: known answers, byte for byte.',
  });
  for (const plan of PLANS) {
    const { type = 'blob', chunkLog2 = 14, padding = 'none' } = plan;
    const written = writeObject({
      key: KEY,
      salt: salt(`writer ${plan.id}`),
      content: plan.content,
      type: TYPES[type],
      chunkLog2,
      padding: padding === 'padme' ? 1 : 0,
      ...(plan.context && { context: plan.context }),
      ...(plan.extensions && { extensions: plan.extensions }),
    });
    const { object } = written;
    family.accept(plan.id, {
      title: plan.title,
      why: plan.why,
      requirements: plan.requirements,
      input: {
        key: toHex(KEY),
        type,
        chunkLog2,
        padding,
        content: pack(plan.content),
        inject: { salt: toHex(salt(`writer ${plan.id}`)) },
        ...(plan.context && { context: toHex(plan.context) }),
        ...(plan.extensions && {
          extensions: plan.extensions.map((each) => ({ type: each.type, value: toHex(each.value) })),
        }),
      },
      result: { object: object.length > 1024 ? { ...digest(object) } : toHex(object) },
      intermediates: {
        keyObject: toHex(written.keyObject),
        header: toHex(written.header),
        chunkKey: toHex(written.chunkKey),
        baseNonce: toHex(written.baseNonce),
        plaintextLength: written.plaintext.length,
        trailer: toHex(written.plaintext.slice(-16)),
      },
    });
  }
  pieces(family);
  for (const [id, now] of [
    ['short', KEY.slice(0, 31)],
    ['long', cat(KEY, zeros(1))],
  ] as const) {
    family.value(`key-${id}`, 'blob', 'key', toHex(now), {
      title: `Sealing under a backup key of ${now.length} bytes`,
      why: 'A key that is padded or cut without a word is a backup that nobody opens.',
      requirements: ['KEY-2'],
      errors: ['invalid-key'],
    });
  }
  family.value(
    'context-too-long',
    'context',
    'context',
    { pieces: [{ repeat: '61', count: 65_536 }] },
    {
      title: 'A context of 65536 bytes',
      why: 'Its length has two bytes: a writer that cuts it binds the object to another context.',
      requirements: ['HDR-6'],
      errors: ['limit-exceeded'],
    },
  );
  const extensions = (
    id: string,
    list: readonly Extension[],
    requirement: string,
    title: string,
    why: string,
  ): void => {
    family.value(
      id,
      'extension',
      'extensions',
      list.map(({ type, value }) => ({ type, value: pack(value) })),
      {
        title,
        why,
        requirements: [requirement],
        errors: ['bad-extension'],
      },
    );
  };
  const one = { type: 0x7f01, value: zeros(4) };
  extensions(
    'extensions-twice',
    [one, one],
    'EXT-1',
    'The same extension twice',
    'What a reader must refuse, a writer must not make.',
  );
  extensions(
    'extensions-descending',
    [{ ...one, type: 0x7f02 }, one],
    'EXT-1',
    'Extensions in descending order',
    'What a reader must refuse, a writer must not make.',
  );
  extensions(
    'extensions-too-long',
    [{ ...one, value: zeros(4093) }],
    'EXT-2',
    'Extensions of 4097 bytes',
    'What a reader must refuse, a writer must not make.',
  );
  extensions(
    'extension-unregistered',
    [{ ...one, type: 0x0001 }],
    'EXT-3',
    'An extension that is not of the private range',
    'Numbers that are not given out yet will mean something else.',
  );
  extensions(
    'extension-critical',
    [{ ...one, type: 0xff01 }],
    'EXT-3',
    'A critical extension',
    'Nobody could read the object.',
  );
  return family.file();
}

/** The same object however the content arrives. */
function pieces(family: Family): void {
  const content = cat(zeros(C), named('pieces', 40), zeros(C + 1));
  const { object } = writeObject({ key: KEY, salt: salt('writer pieces'), content, padding: 1 });
  for (const length of [1, 16, C - 1, C, C + 1, content.length]) {
    family.accept(`pieces-${length}`, {
      title: `Content that arrives in pieces of ${length} ${length === 1 ? 'byte' : 'bytes'}`,
      why: 'A writer that takes a piece for a chunk, or loses what is left of one, is right for one way of writing alone.',
      requirements: ['WRT-3', 'CHK-1'],
      input: {
        key: toHex(KEY),
        type: 'blob',
        chunkLog2: 14,
        padding: 'padme',
        content: pack(content),
        pieceLength: length,
        inject: { salt: toHex(salt('writer pieces')) },
      },
      result: { object: { ...digest(object) } },
    });
  }
}
