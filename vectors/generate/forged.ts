/**
 * Vectors of the header that are not about one field: things that are no objects, and what an attacker can do.
 *
 * @module
 */
import { cat, sha256, toHex, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { pack, type Family } from './family.ts';
import type { ObjectVectors } from './objects.ts';

/** Things that are no objects, made of the blob in one piece. */
export function foreign(family: Family, objects: ObjectVectors): void {
  const { object } = objects.written('blob');
  const start = (...bytes: number[]): Bytes => cat(Uint8Array.from(bytes), zeros(60));
  for (const [id, title, now] of [
    [
      'high-bits-stripped',
      'The whole object went through a seven-bit transport',
      object.map((byte) => byte & 0x7f),
    ],
    ['text-hex', 'The object as hexadecimal text', utf8(toHex(object))],
    ['text-base64', 'The object as Base64 text', utf8(Buffer.from(object).toString('base64'))],
    ['leading-bom', 'A byte order mark before the object', cat(Uint8Array.of(0xef, 0xbb, 0xbf), object)],
    ['leading-zero', 'A zero byte before the object', cat(zeros(1), object)],
    ['leading-newline', 'A line feed before the object', cat(utf8('\n'), object)],
    ['foreign-gzip', 'A gzip file', start(0x1f, 0x8b, 8, 0)],
    ['foreign-zip', 'A ZIP file', start(0x50, 0x4b, 3, 4)],
    ['foreign-sqlite', 'An SQLite database', cat(utf8('SQLite format 3\0'), zeros(84))],
    ['foreign-json', 'Plaintext JSON', utf8('{"messages":[{"text":"this was never encrypted"}]}')],
    [
      'foreign-png',
      'A PNG picture, whose magic has the same form',
      start(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
    ],
  ] as const) {
    family.value(id, 'blob', 'object', pack(now), {
      title,
      why: 'What is no object is never passed through as content, and never called damaged.',
      requirements: ['RDR-2', 'RDR-3'],
      errors: ['not-an-object'],
    });
  }
}

/** Changes that an attacker makes, who can compute the header check but not the commitment. */
export function rechecked(family: Family, objects: ObjectVectors): void {
  const change = (
    id: string,
    from: string,
    at: number,
    now: readonly number[],
    title: string,
    why: string,
    error = 'wrong-key',
    requirement = 'HDR-7',
  ): void => {
    const { header } = objects.written(from);
    const bound = header.slice(0, -8);
    bound.set(now, at);
    const inserted = cat(bound, sha256(bound).slice(0, 8)).slice(at);
    family.bytes(
      id,
      from,
      { field: 'object', offset: at, removed: inserted.length, inserted },
      {
        title: `${title}, and the header check made anew`,
        why,
        requirements: [requirement, 'RDR-1'],
        errors: [error],
      },
    );
  };
  const why = 'The header check has no key: only the commitment tells who wrote the header.';
  change('downgrade', 'records', 10, [14], 'Chunks of 64 KiB became chunks of 16 KiB', why);
  change('type-forged', 'blob', 11, [2], 'Type blob became records', why);
  change('salt-forged', 'blob', 16, [0], 'The first byte of the salt became 0', why);
  family.bytes(
    'downgrade-unchecked',
    'records',
    { field: 'object', offset: 10, removed: 1, inserted: Uint8Array.of(14) },
    {
      title: 'Chunks of 64 KiB became chunks of 16 KiB, and nothing else',
      why: 'Accidental damage of the header must not be called a wrong key, nor damage of a chunk.',
      requirements: ['RDR-2'],
      errors: ['header-damaged'],
    },
  );
  family.bytes(
    'header-twice',
    'blob',
    { field: 'object', offset: 88, inserted: objects.written('blob').header },
    {
      title: 'The header stands twice',
      why: 'An upload that was resumed one step too early; what follows the header is chunks, and nothing else.',
      requirements: ['CHK-5'],
      errors: ['chunk-damaged'],
    },
  );
}
