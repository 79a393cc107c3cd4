/**
 * Vectors of passwords, of the bounds of stretching, and of the sealed key.
 *
 * @module
 */
import { named, toHex, utf8 } from '../../conformance/peer/primitives.ts';
import { sealKey } from '../../conformance/peer/opaque.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, type Reject } from './family.ts';
import { KEY } from './objects.ts';

/** The family. */
export function passwords(): VectorFile {
  const family = new Family('passwords', {
    feature: 'opaque-client',
    role: 'vault-client',
    op: 'opaque.prepare-password',
    description: 'Passwords as bytes, the parameters of stretching, and the key that the vault keeps.',
  });
  const same = (
    id: string,
    text: string,
    title: string,
    why: string,
    requirement = 'OPQ-9',
    to = text,
  ): void => {
    family.accept(id, {
      title,
      why,
      requirements: [requirement],
      input: { text: toHex(utf8(text)) },
      result: { password: toHex(utf8(to)) },
    });
  };
  same('ascii', 'correct horse battery staple', 'Plain words', 'The usual case.', 'OPQ-8');
  same('pin', '004711', 'A PIN with leading zeros', 'A PIN that was read as a number loses them.', 'OPQ-10');
  same('spaces', '  two spaces  ', 'Spaces at both ends', 'What is trimmed here is typed there.');
  same('case', 'PaSsWoRd', 'Upper and lower case', 'What is folded here is not folded there.');
  same('long', 'a'.repeat(100), 'A hundred letters', 'Passwords are not cut at 72 bytes, or at all.');
  same(
    'composed',
    'cafe\u0301',
    'A letter and a combining accent',
    'One keyboard composes, another does not: both are the same password.',
    'OPQ-8',
    'caf\u00e9',
  );
  same(
    'wide-space',
    'a\u3000b',
    'An ideographic space',
    'Every space becomes the ASCII one.',
    'OPQ-8',
    'a b',
  );
  same(
    'no-break-space',
    'a\u00a0b',
    'A no-break space',
    'Every space becomes the ASCII one.',
    'OPQ-8',
    'a b',
  );
  same(
    'not-compatible',
    '\ufb01',
    'A ligature stays one',
    'Compatibility forms are not folded: NFKC is another normalisation.',
    'OPQ-8',
  );
  same(
    'emoji',
    '\u{1f511}\u{1f3e0}',
    'Two emoji',
    'Characters outside the first plane are characters.',
    'OPQ-8',
  );
  const refuse = (id: string, text: string, title: string, why: string): void => {
    family.value(id, 'ascii', 'text', toHex(utf8(text)), {
      title,
      why,
      requirements: ['OPQ-8'],
      errors: ['invalid-password'],
    });
  };
  refuse('empty', '', 'No characters', 'An empty password protects nothing.');
  refuse('tab', 'a\tb', 'A tab inside', 'Controls cannot be typed alike everywhere.');
  refuse(
    'newline',
    'password\n',
    'A line feed at the end',
    'It comes from a file or a pipe, never from a keyboard.',
  );
  refuse('nul', 'a\0b', 'A zero byte', 'Libraries in C end the password there.');
  refuse('zero-width', 'a\u200bb', 'A zero-width space', 'Nobody sees it, and nobody can type it again.');
  refuse('private-use', '\ue000', 'A private-use character', 'It is another one on another device.');

  const bounds = (id: string, change: Record<string, number>, title: string, why: string): void => {
    family.value(
      id,
      'stretch',
      'stretch',
      { algorithm: 1, iterations: 3, memoryKib: 65_536, parallelism: 4, ...change },
      { title, why, requirements: ['OPQ-11'], errors: ['stretch-out-of-bounds'] },
    );
  };
  family.accept(
    'stretch',
    {
      title: 'The parameters that registrations have',
      why: 'A client must accept what the specification recommends.',
      requirements: ['OPQ-11'],
      input: { stretch: { algorithm: 1, iterations: 3, memoryKib: 65_536, parallelism: 4 } },
      result: { accepted: true },
    },
    { op: 'opaque.check-stretch' },
  );
  bounds(
    'stretch-algorithm',
    { algorithm: 2 },
    'An unknown algorithm',
    'A client that ignores it stretches otherwise than at registration.',
  );
  bounds(
    'stretch-memory-low',
    { memoryKib: 8 },
    'Eight KiB of memory',
    'A vault that lowers the cost makes guessing cheap.',
  );
  bounds(
    'stretch-iterations-low',
    { iterations: 0 },
    'No pass at all',
    'A vault that lowers the cost makes guessing cheap.',
  );
  bounds(
    'stretch-memory-high',
    { memoryKib: 2 ** 32 - 1 },
    'Four TiB of memory',
    'A vault must not be able to bring the device down.',
  );
  bounds(
    'stretch-iterations-high',
    { iterations: 2 ** 32 - 1 },
    'Four thousand million passes',
    'A vault must not be able to stall the device.',
  );
  bounds(
    'stretch-lanes-high',
    { parallelism: 65_535 },
    '65535 lanes',
    'A vault must not be able to bring the device down.',
  );

  for (const [id, change, what] of [
    ['memory-floor', { memoryKib: 65_535 }, 'one KiB below the floor'],
    ['iterations-floor', { iterations: 2 }, 'one pass below the floor'],
    ['lanes-floor', { parallelism: 0 }, 'no lane at all'],
    ['memory-ceiling', { memoryKib: 1_048_577 }, 'one KiB above the ceiling'],
    ['iterations-ceiling', { iterations: 11 }, 'one pass above the ceiling'],
    ['lanes-ceiling', { parallelism: 17 }, 'one lane above the ceiling'],
  ] as const)
    bounds(
      `stretch-${id}`,
      change,
      `Stretching with ${what}`,
      'A bound that is off by one is another bound.',
    );
  for (const [id, numbers, what] of [
    ['floor', { iterations: 3, memoryKib: 65_536, parallelism: 1 }, 'The least'],
    ['ceiling', { iterations: 10, memoryKib: 1_048_576, parallelism: 16 }, 'The most'],
  ] as const)
    family.accept(
      `stretch-at-${id}`,
      {
        title: `${what} that a client computes with`,
        why: 'Both bounds are inside.',
        requirements: ['OPQ-11'],
        input: { stretch: { algorithm: 1, ...numbers } },
        result: { accepted: true },
      },
      { op: 'opaque.check-stretch' },
    );

  const exportKey = named('export key', 64);
  const binding = { fleetId: named('fleet id', 16), account: utf8('alice'), generation: 7 };
  const bound = {
    exportKey: toHex(exportKey),
    fleetId: toHex(binding.fleetId),
    account: toHex(binding.account),
    generation: 7,
  };
  const sealed = sealKey(exportKey, KEY, binding);
  family.accept(
    'seal-key',
    {
      title: 'Sealing a backup key',
      why: 'Another label or binding is right for its maker alone.',
      requirements: ['OPQ-26'],
      input: { ...bound, backupKey: toHex(KEY) },
      result: { sealedKey: toHex(sealed) },
    },
    { op: 'opaque.seal-key' },
  );
  family.accept(
    'open-key',
    {
      title: 'Opening a sealed key',
      why: 'The last step of a recovery.',
      requirements: ['OPQ-27'],
      input: { ...bound, sealedKey: toHex(sealed) },
      result: { backupKey: toHex(KEY) },
    },
    { op: 'opaque.open-key' },
  );
  const bad = (title: string, why: string): Reject => ({
    title,
    why,
    requirements: ['OPQ-27', 'OPQ-28'],
    errors: ['bad-sealed-key'],
  });
  family.value(
    'key-other-account',
    'open-key',
    'account',
    toHex(utf8('alicf')),
    bad('The sealed key of another account', 'A vault that swaps two keys must be found out.'),
  );
  family.value(
    'key-other-generation',
    'open-key',
    'generation',
    8,
    bad('The sealed key of another generation', 'A vault that serves an old key must be found out.'),
  );
  family.value(
    'key-other-fleet',
    'open-key',
    'fleetId',
    toHex(named('other fleet', 16)),
    bad('The sealed key of another fleet', 'A registration belongs to one fleet.'),
  );
  family.flip(
    'key-flipped',
    'open-key',
    { field: 'sealedKey', offset: 0 },
    bad('One bit is flipped', 'A key that is not authentic is no key; and the password was right.'),
  );
  family.cut('key-short', 'open-key', 'sealedKey', 47, bad('One byte short', 'A sealed key is 48 bytes.'));
  return family.file();
}
