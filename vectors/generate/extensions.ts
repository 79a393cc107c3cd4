/**
 * Vectors of header extensions.
 *
 * @module
 */
import { be, cat, named, sha256, toHex, utf8, zeros } from '../../conformance/peer/primitives.ts';
import { encodeExtensions, type Extension } from '../../conformance/peer/sealed-object.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family } from './family.ts';
import { HELLO, KEY, ObjectVectors, salt } from './objects.ts';

const GREASE: Extension = { type: 0x1a1a, value: named('grease', 5) };
const SECOND: Extension = { type: 0x2a2a, value: zeros(0) };

/** The family. */
export function extensions(): VectorFile {
  const family = new Family('extensions', {
    feature: 'container',
    role: 'container-reader',
    op: 'container.open',
    description: 'Header extensions: unknown ones, their order, their lengths, and what authenticates them.',
  });
  const objects = new ObjectVectors(family);
  objects.accept(
    'grease',
    { key: KEY, salt: salt('grease'), content: HELLO, extensions: [GREASE] },
    {
      title: 'One unknown extension that is not critical',
      why: 'A reader that refuses what it need not understand makes every later extension impossible.',
      requirements: ['EXT-7'],
    },
  );
  objects.accept(
    'two',
    { key: KEY, salt: salt('two'), content: HELLO, extensions: [GREASE, SECOND] },
    {
      title: 'Two unknown extensions, the second without a value',
      why: 'A reader that stops at the first, or at an empty value, loses its place.',
      requirements: ['EXT-7', 'EXT-5'],
    },
  );
  objects.accept(
    'largest',
    { key: KEY, salt: salt('largest'), content: HELLO, extensions: [{ type: 1, value: zeros(4092) }] },
    {
      title: 'Extensions of 4096 bytes, the most there may be',
      why: 'A reader with a smaller buffer of its own refuses a valid object.',
      requirements: ['RDR-2'],
    },
  );

  objects.accept(
    'grease-long',
    { key: KEY, salt: salt('grease long'), content: HELLO, extensions: [{ ...GREASE, value: zeros(200) }] },
    {
      title: 'A GREASE extension that is longer than a writer makes it',
      why: 'No known type has a length of its own: a reader that checks the form of what it must ignore refuses it.',
      requirements: ['EXT-7'],
    },
  );
  objects.accept(
    'private',
    {
      key: KEY,
      salt: salt('private'),
      content: HELLO,
      extensions: [{ type: 0x7fff, value: utf8('private') }],
    },
    {
      title: 'A private-use extension, at the end of its range',
      why: 'The last type that is not critical.',
      requirements: ['EXT-7'],
    },
  );

  const sealed = (
    id: string,
    from: string,
    list: readonly Extension[],
    title: string,
    why: string,
    requirement: string,
    error: string,
  ): void => {
    const was = toHex(encodeExtensions(objects.recipe(from).extensions ?? []));
    const now = toHex(encodeExtensions(list));
    objects.sealed(
      id,
      from,
      'extensions',
      { value: list, was, now: now.length > 200 ? `${now.slice(0, 32)}…` : now },
      {
        title,
        why,
        requirements: [requirement],
        errors: [error],
      },
    );
  };
  sealed(
    'critical',
    'grease',
    [{ ...GREASE, type: 0x9a1a }],
    'The unknown extension is critical',
    'A reader that skips a critical extension ignores what it must understand.',
    'EXT-6',
    'unknown-critical-extension',
  );
  sealed(
    'critical-second',
    'two',
    [GREASE, { ...SECOND, type: 0xaa2a }],
    'The second unknown extension is critical',
    'A reader that looks at the first extension alone does not see it.',
    'EXT-6',
    'unknown-critical-extension',
  );
  sealed(
    'critical-first',
    'private',
    [{ type: 0x8000, value: utf8('private') }],
    'The lowest critical type',
    'A reader that asks whether the type is above 0x8000 skips it.',
    'EXT-6',
    'unknown-critical-extension',
  );
  sealed(
    'duplicate',
    'two',
    [GREASE, { ...SECOND, type: GREASE.type }],
    'The same type twice',
    'Two readers that take the first and the last value disagree.',
    'EXT-5',
    'bad-extension',
  );
  sealed(
    'descending',
    'two',
    [SECOND, GREASE],
    'Types in descending order',
    'There is one encoding of a list of extensions.',
    'EXT-5',
    'bad-extension',
  );

  const bytes = (id: string, from: string, now: Uint8Array, title: string, why: string): void => {
    const was = toHex(encodeExtensions(objects.recipe(from).extensions ?? []));
    objects.sealed(
      id,
      from,
      'extensionBytes',
      { value: now, was, now: toHex(now) },
      {
        title,
        why,
        requirements: ['EXT-4'],
        errors: ['bad-extension'],
      },
    );
  };
  const one = encodeExtensions([GREASE]);
  bytes(
    'value-overruns',
    'grease',
    cat(one.slice(0, 3), Uint8Array.of(6), one.slice(4)),
    'A value that is one byte longer than the area',
    'A reader that takes the missing byte from the commitment reads out of bounds.',
  );
  bytes(
    'stray-byte',
    'grease',
    cat(one, zeros(1)),
    'One byte after the last extension',
    'A reader that stops when less than a header is left ignores bytes that are authenticated.',
  );
  bytes(
    'stray-two',
    'grease',
    cat(one, zeros(2)),
    'Two bytes after the last extension',
    'A reader that stops when less than a header is left ignores bytes that are authenticated.',
  );
  bytes(
    'stray-three',
    'grease',
    cat(one, zeros(3)),
    'Three bytes after the last extension',
    'A reader that stops when less than a header is left ignores bytes that are authenticated.',
  );
  objects.sealed(
    'too-long',
    'largest',
    'extensions',
    { value: [{ type: 1, value: zeros(4093) }], was: 4096, now: 4097 },
    {
      title: 'Extensions of 4097 bytes',
      why: 'Without the limit, a header can make a reader buffer 64 KiB for nothing.',
      requirements: ['RDR-2'],
      errors: ['bad-extension'],
    },
  );
  family.bytes(
    'length-past-end',
    'grease',
    { field: 'object', offset: 12, removed: 2, inserted: Uint8Array.of(0x0f, 0xff) },
    {
      title: 'The length of the extensions passes the end of the input',
      why: 'A reader that reads past the end, or takes what is missing for zeros, goes on.',
      requirements: ['RDR-2'],
      errors: ['truncated'],
    },
  );
  family.flip(
    'value-flipped',
    'grease',
    { field: 'object', offset: 52 },
    {
      title: 'One bit in the value of an unknown extension is flipped',
      why: 'What is not understood is authenticated all the same.',
      requirements: ['RDR-2'],
      errors: ['header-damaged'],
    },
  );
  attacked(family, objects);
  return family.file();
}

/** Extensions that somebody without the key changed: the header check is right again, the commitment is not. */
function attacked(family: Family, objects: ObjectVectors): void {
  const { header } = objects.written('grease');
  const area = encodeExtensions([GREASE]);
  const tail = header.slice(48 + area.length, -8);
  const change = (id: string, now: Uint8Array, title: string, requirement: string, error: string): void => {
    const bound = cat(header.slice(0, 12), be(2, now.length), header.slice(14, 48), now, tail);
    const inserted = cat(bound, sha256(bound).slice(0, 8)).slice(12);
    family.bytes(
      id,
      'grease',
      { field: 'object', offset: 12, removed: header.length - 12, inserted },
      {
        title: `${title}, and the header check made anew`,
        why: 'What is ignored is authenticated all the same: nobody but the writer adds, removes or changes it.',
        requirements: [requirement, 'RDR-1'],
        errors: [error],
      },
    );
  };
  change('removed', zeros(0), 'The extension was removed', 'HDR-7', 'wrong-key');
  change('added', cat(area, encodeExtensions([SECOND])), 'An extension was added', 'HDR-7', 'wrong-key');
  change(
    'made-critical',
    cat(Uint8Array.of(0x9a), area.slice(1)),
    'The extension was made critical',
    'EXT-6',
    'unknown-critical-extension',
  );
  family.flip(
    'critical-flipped',
    'grease',
    { field: 'object', offset: 48, mask: 0x80 },
    {
      title: 'The bit that makes an extension critical is flipped',
      why: 'Damage of the header is found before anything is made of it: this is no reason to update the reader.',
      requirements: ['RDR-2', 'RDR-1'],
      errors: ['header-damaged'],
    },
  );
}
