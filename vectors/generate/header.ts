/**
 * Vectors of the header of a sealed object: each check of the reader, in its order, with its own error.
 *
 * @module
 */
import { be, cat, toHex, utf8, xor, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { TYPES } from '../../conformance/peer/sealed-object.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { digest, Family, pack } from './family.ts';
import { foreign, rechecked } from './forged.ts';
import { HELLO, KEY, ObjectVectors, OTHER_KEY, salt } from './objects.ts';

/** The family. */
export function header(): VectorFile {
  const family = new Family('header', {
    feature: 'container',
    role: 'container-reader',
    op: 'container.open',
    description: 'Headers of sealed objects: every field, its illegal values, and the order of the checks.',
  });
  const objects = new ObjectVectors(family);

  objects.accept(
    'blob',
    { key: KEY, salt: salt('blob'), content: HELLO },
    {
      title: 'A blob of one chunk',
      why: 'The shortest way through a reader: keys, header, commitment, one chunk, trailer.',
      requirements: ['RDR-1', 'HDR-7'],
    },
  );
  objects.accept(
    'records',
    { key: KEY, salt: salt('records'), content: zeros(0), type: TYPES.records, chunkLog2: 16 },
    {
      title: 'A records object without content, in chunks of 64 KiB',
      why: 'A reader that knows only blobs, or one chunk size, refuses it.',
      requirements: ['RDR-1'],
    },
  );
  objects.accept(
    'manifest',
    { key: KEY, salt: salt('manifest'), content: HELLO, type: TYPES.manifest, chunkLog2: 16 },
    {
      title: 'An object of type manifest',
      why: 'A reader that knows only blobs refuses it.',
      requirements: ['RDR-1'],
    },
  );
  objects.accept(
    'chunk-18',
    { key: KEY, salt: salt('chunk 18'), content: HELLO, chunkLog2: 18 },
    {
      title: 'Chunks of 256 KiB',
      why: 'The size that writers take for blobs must be read.',
      requirements: ['RDR-1'],
    },
  );
  objects.accept(
    'chunk-20',
    { key: KEY, salt: salt('chunk 20'), content: HELLO, chunkLog2: 20 },
    {
      title: 'Chunks of 1 MiB',
      why: 'The largest size must be read.',
      requirements: ['RDR-1'],
    },
  );
  objects.accept(
    'context',
    { key: KEY, salt: salt('context'), content: HELLO, context: utf8('app.example/notes\0v2') },
    {
      title: 'A context, with a zero byte inside',
      why: 'A reader that ignores the context, or takes it as text that ends at a zero byte, derives other keys.',
      requirements: ['RDR-1'],
    },
  );

  const whole = { field: 'object' } as const;
  family.value('empty', 'blob', 'object', '', {
    title: 'No bytes at all',
    why: 'A reader that takes an empty file for an empty backup loses everything silently.',
    requirements: ['RDR-2'],
    errors: ['truncated'],
  });
  const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'last'];
  for (const [i, name] of ordinals.entries()) {
    family.flip(
      `magic-${name}-byte`,
      'blob',
      { ...whole, offset: i, mask: 0x80 },
      {
        title: `The ${name} byte of the magic differs in its top bit`,
        why: 'A reader that compares a part of the magic, or seven bits of each byte, goes on with something else.',
        requirements: ['RDR-2'],
        errors: ['not-an-object'],
      },
    );
  }
  family.bytes(
    'magic-text-mode',
    'blob',
    { ...whole, offset: 4, removed: 1 },
    {
      title: 'CR LF became LF on the way',
      why: 'The usual damage of a text-mode transfer; it must be told from a wrong key.',
      requirements: ['RDR-2'],
      errors: ['not-an-object'],
    },
  );
  foreign(family, objects);
  family.cut('truncated-in-magic', 'blob', 'object', 4, {
    title: 'The input ends inside the magic',
    why: 'Four right bytes are no object, but nothing that is not one either.',
    requirements: ['RDR-2'],
    errors: ['truncated'],
  });
  family.cut('truncated-in-header', 'blob', 'object', 87, {
    title: 'The input ends inside the header check',
    why: 'A reader that reads past the end, or takes what is missing for zeros, goes on.',
    requirements: ['RDR-2'],
    errors: ['truncated'],
  });
  family.cut('truncated-in-salt', 'blob', 'object', 40, {
    title: 'The input ends inside the salt',
    why: 'A reader that takes what is missing for zeros goes on.',
    requirements: ['RDR-2'],
    errors: ['truncated'],
  });

  const field = (
    id: string,
    place: 'version' | 'suite' | 'chunkLog2' | 'type',
    offset: number,
    was: number,
    now: number,
    error: string,
    requirement: string,
    why: string,
  ): void => {
    objects.sealed(
      id,
      'blob',
      place,
      { value: now, was, now },
      {
        title: `${place} ${now}, authenticated by the writer`,
        why,
        requirements: [requirement],
        errors: [error],
      },
    );
    family.bytes(
      `${id}-unsealed`,
      'blob',
      { ...whole, offset, removed: 1, inserted: Uint8Array.of(now) },
      {
        title: `${place} changed to ${now} after sealing`,
        why: 'The order of the checks is fixed: a reader that checks the header as a whole first gives another error.',
        requirements: [requirement, 'RDR-1'],
        errors: [error],
      },
    );
  };
  field('version-0', 'version', 8, 1, 0, 'unsupported-version', 'RDR-2', 'Version 0 never existed.');
  field(
    'version-2',
    'version',
    8,
    1,
    2,
    'unsupported-version',
    'RDR-2',
    'A reader that ignores the version reads formats that it does not know.',
  );
  field(
    'suite-0',
    'suite',
    9,
    1,
    0,
    'unsupported-suite',
    'RDR-2',
    'A reader that takes zero for a default has a suite that nobody specified.',
  );
  field(
    'suite-255',
    'suite',
    9,
    1,
    255,
    'unsupported-suite',
    'RDR-2',
    'A reader that ignores the suite decrypts with the wrong one.',
  );
  field(
    'suite-2',
    'suite',
    9,
    1,
    2,
    'unsupported-suite',
    'RDR-2',
    'The next suite that somebody will register: a reader of today does not know it.',
  );
  field('type-0', 'type', 11, 3, 0, 'unsupported-type', 'RDR-2', 'Type 0 does not exist.');
  field(
    'type-4',
    'type',
    11,
    3,
    4,
    'unsupported-type',
    'RDR-2',
    'Parity is reserved: a reader of version 1 does not know it.',
  );
  field('type-255', 'type', 11, 3, 255, 'unsupported-type', 'RDR-2', 'Types above 4 do not exist.');
  for (const log2 of [0, 13, 15, 17, 19, 21]) {
    objects.sealed(
      `chunk-${log2}`,
      'blob',
      'chunkLog2',
      { value: log2, was: 14, now: log2 },
      {
        title: `Chunks of 2^${log2} bytes, authenticated by the writer`,
        why: 'Only four sizes exist; a reader that takes any power of two has more formats than the specification.',
        requirements: ['RDR-2'],
        errors: ['unsupported-chunk-size'],
      },
    );
  }
  family.bytes(
    'chunk-255',
    'blob',
    { ...whole, offset: 10, removed: 1, inserted: Uint8Array.of(255) },
    {
      title: 'Chunks of 2^255 bytes',
      why: 'A reader that allocates on the word of the header falls over.',
      requirements: ['RDR-2', 'RDR-1', 'RDR-6'],
      errors: ['unsupported-chunk-size'],
    },
  );
  for (let bit = 0; bit < 16; bit++) {
    const now = 2 ** bit;
    objects.sealed(
      `reserved-${bit === 15 ? 'high' : bit === 0 ? 'low' : `bit-${bit}`}`,
      'blob',
      'reserved',
      { value: now, was: 0, now },
      {
        title: `Reserved bit ${bit} is set, authenticated by the writer`,
        why: 'A reader that ignores reserved bytes cannot be told later what they mean.',
        requirements: ['RDR-2'],
        errors: ['reserved-not-zero'],
      },
    );
  }
  family.bytes(
    'reserved-cut',
    'blob',
    { ...whole, offset: 14, removed: 'rest', inserted: be(1, 1) },
    {
      title: 'An object that ends with the first of two reserved bytes, which is not zero',
      why: 'Each byte is looked at as soon as it is there, however few follow.',
      requirements: ['RDR-2'],
      errors: ['reserved-not-zero'],
    },
  );
  family.flip(
    'reserved-unsealed',
    'blob',
    { ...whole, offset: 15 },
    {
      title: 'A reserved bit was set after sealing',
      why: 'The order of the checks is fixed: a reader that serialises the header anew before it checks would accept this.',
      requirements: ['RDR-2', 'RDR-1'],
      errors: ['reserved-not-zero'],
    },
  );

  family.flip(
    'salt-flipped',
    'blob',
    { ...whole, offset: 16 },
    {
      title: 'One bit of the salt is flipped',
      why: 'Accidental damage of the header must not be called a wrong key.',
      requirements: ['RDR-2'],
      errors: ['header-damaged'],
    },
  );
  family.flip(
    'commitment-first-byte',
    'blob',
    { ...whole, offset: 48 },
    {
      title: 'One bit of the first byte of the commitment is flipped',
      why: 'Accidental damage of the header must not be called a wrong key.',
      requirements: ['RDR-2'],
      errors: ['header-damaged'],
    },
  );
  family.flip(
    'header-check-last-byte',
    'blob',
    { ...whole, offset: 87 },
    {
      title: 'One bit of the last byte of the header check is flipped',
      why: 'A reader that compares a part of the header check does not see it.',
      requirements: ['RDR-2'],
      errors: ['header-damaged'],
    },
  );
  family.flip(
    'type-flipped',
    'blob',
    { ...whole, offset: 11 },
    {
      title: 'Type blob became records after sealing',
      why: 'The type is authenticated: a reader that does not check the header reads a blob as records.',
      requirements: ['RDR-2'],
      errors: ['header-damaged'],
    },
  );

  rechecked(family, objects);

  for (const [id, now] of [
    ['short', KEY.slice(0, 31)],
    ['long', cat(KEY, zeros(1))],
    ['missing', zeros(0)],
  ] as const) {
    family.value(`key-${id}`, 'blob', 'key', toHex(now), {
      title: `A backup key of ${now.length} bytes`,
      why: 'A short key that is padded, or a long one that is cut, is another key, or the right one by accident.',
      requirements: ['KEY-2'],
      errors: ['invalid-key'],
    });
  }
  const { keyObject } = objects.written('blob');
  family.accept('object-key', {
    title: 'The object key in place of the backup key',
    why: 'Objects of a backup key that was given up are opened with what a newer set has kept of it.',
    requirements: ['KEY-12'],
    input: { objectKey: toHex(keyObject), object: pack(objects.written('blob').object) },
    result: { type: 'blob', contentLength: HELLO.length },
    released: digest(HELLO),
  });
  const objectKey = (id: string, now: Uint8Array, title: string, requirement: string, error: string): void =>
    family.value(`object-key-${id}`, 'object-key', 'objectKey', toHex(now), {
      title,
      why: 'An object key is checked as a backup key is, and is none.',
      requirements: [requirement],
      errors: [error],
    });
  objectKey('short', keyObject.slice(1), 'An object key of 31 bytes', 'KEY-11', 'invalid-key');
  objectKey('long', cat(keyObject, zeros(1)), 'An object key of 33 bytes', 'KEY-11', 'invalid-key');
  objectKey('is-backup-key', KEY, 'The backup key given as object key', 'RDR-3', 'wrong-key');
  family.value('wrong-key', 'blob', 'key', toHex(OTHER_KEY), {
    title: 'Another backup key',
    why: 'A wrong key is told from damage, and releases nothing.',
    requirements: ['RDR-3'],
    errors: ['wrong-key'],
  });
  family.value('wrong-context', 'context', 'context', toHex(utf8('app.example/notes\0v3')), {
    title: 'A context that differs after a zero byte',
    why: 'A reader that takes the context as text that ends at a zero byte accepts it.',
    requirements: ['RDR-3', 'RDR-2'],
    errors: ['wrong-key'],
  });
  family.value('context-case', 'context', 'context', toHex(utf8('App.example/notes\0v2')), {
    title: 'A context that differs in case',
    why: 'Contexts are bytes: a reader that folds case joins what the application keeps apart.',
    requirements: ['RDR-3', 'RDR-2'],
    errors: ['wrong-key'],
  });
  family.value('context-missing', 'context', 'context', '', {
    title: 'No context for an object that has one',
    why: 'A reader that ignores the context accepts it.',
    requirements: ['RDR-3', 'RDR-2'],
    errors: ['wrong-key'],
  });
  const context = utf8('app.example/notes\0v2');
  for (const [id, now, what] of [
    ['longer', cat(context, zeros(1)), 'with a zero byte more'],
    ['shorter', context.slice(0, -1), 'that lacks its last byte'],
  ] as const) {
    family.value(`context-${id}`, 'context', 'context', toHex(now), {
      title: `A context ${what}`,
      why: 'The length of the context is part of what is hashed: no byte moves over its ends.',
      requirements: ['RDR-3', 'RDR-2'],
      errors: ['wrong-key'],
    });
  }
  objects.sealed(
    'token',
    'blob',
    'token',
    { value: utf8('token'), was: '', now: toHex(utf8('token')) },
    {
      title: 'Sealed with a token, which version 1 does not have',
      why: 'The token is empty: a reader that takes what stands there for optional opens what it was given no token for.',
      requirements: ['RDR-3', 'RDR-2'],
      errors: ['wrong-key'],
    },
  );
  objects.sealed(
    'context-unused',
    'context',
    'context',
    { value: zeros(0), was: toHex(context), now: '' },
    {
      title: 'Sealed without the context that the reader is given',
      why: 'A reader that falls back to no context opens an object that was bound to nothing.',
      requirements: ['RDR-3', 'RDR-2'],
      errors: ['wrong-key'],
    },
  );
  objects.sealed(
    'slices-swapped',
    'blob',
    'slices',
    {
      value: ['chunkKey', 'commitment', 'baseNonce'],
      was: 'commitment, key, base nonce',
      now: 'key, commitment, base nonce',
    },
    {
      title: 'Commitment and key have changed places in the key schedule',
      why: 'The header would then hold the key of the chunks.',
      requirements: ['HDR-7', 'RDR-3'],
      errors: ['wrong-key'],
    },
  );
  objects.sealed(
    'sibling-label',
    'blob',
    'labelName',
    { value: 'object-name', was: 'object', now: 'object-name' },
    {
      title: 'Sealed under the key of a sibling label',
      why: 'Keys for different uses are kept apart by their labels.',
      requirements: ['KEY-5', 'RDR-3'],
      errors: ['wrong-key'],
    },
  );

  const { commitment } = objects.written('blob');
  const forged: readonly (readonly [string, string, Bytes])[] = [
    ['last-byte', 'differs in its last byte', xor(commitment, be(32, 1))],
    ['second-half', 'differs in its second half', cat(commitment.slice(0, 16), zeros(16))],
    ['zero', 'is zero', zeros(32)],
    ...Array.from(
      { length: 31 },
      (_, i) =>
        [`byte-${i}`, `differs in byte ${i}`, xor(commitment, be(32, 1n << BigInt(8 * (31 - i))))] as const,
    ),
  ];
  for (const [id, what, value] of forged) {
    objects.sealed(
      `commitment-${id}`,
      'blob',
      'forgedCommitment',
      { value, was: toHex(commitment), now: toHex(value) },
      {
        title: `The commitment ${what}; the header check is right`,
        why: 'A reader that compares a part of the commitment, or trusts the unkeyed header check, opens it.',
        requirements: ['HDR-7', 'RDR-3'],
        errors: ['wrong-key'],
      },
    );
  }
  return family.file();
}
