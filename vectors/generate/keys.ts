/**
 * Vectors of keys: derived keys, and the recovery key as people type it.
 *
 * @module
 */
import { expand, label, toHex } from '../../conformance/peer/primitives.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, type Reject } from './family.ts';
import { KEY, OTHER_KEY } from './objects.ts';

const groups = (toHex(KEY).match(/.{4}/gu) ?? []).join(' ');

/** The family. */
export function keys(): VectorFile {
  const family = new Family('keys', {
    feature: 'keys',
    role: 'container-reader',
    op: 'keys.parse-recovery-key',
    description: 'The recovery key as text, and the keys that are derived from a backup key.',
  });
  const hex = toHex(KEY);
  const accept = (id: string, text: string, title: string, why: string): void => {
    family.accept(id, { title, why, requirements: ['KEY-8'], input: { text }, result: { key: hex } });
  };
  accept('grouped', groups, 'Sixteen groups of four digits', 'The form in which it is printed.');
  accept('plain', hex, '64 digits without separators', 'The form in which it is pasted.');
  accept('upper', hex.toUpperCase(), 'Upper-case digits', 'Letter case does not matter.');
  accept('hyphens', groups.replaceAll(' ', '-'), 'Hyphens between the groups', 'People write hyphens.');
  accept(
    'odd-spaces',
    `  ${hex.slice(0, 3)} - ${hex.slice(3)} `,
    'Spaces and hyphens in odd places',
    'Separators may stand anywhere, also at both ends.',
  );
  family.accept(
    'format',
    {
      title: 'A backup key as text',
      why: 'What is printed must be the same everywhere, or support cannot help.',
      requirements: ['KEY-7'],
      input: { key: hex },
      result: { text: groups },
    },
    { op: 'keys.format-recovery-key' },
  );

  const reject = (title: string, why: string, position: number): Reject => ({
    title,
    why,
    requirements: ['KEY-9', 'KEY-10'],
    position,
    errors: ['invalid-recovery-key'],
  });
  const text = (id: string, now: string, position: number, title: string, why: string): void =>
    family.value(id, 'grouped', 'text', now, reject(title, why, position));
  text('short', groups.slice(0, -1), 79, '63 digits', 'A parser that pads makes another key.');
  text('long', `${groups}0`, 80, '65 digits', 'A parser that cuts hides a mistake.');
  text('empty', '', 1, 'No digits at all', 'An empty field is not a key.');
  text(
    'letter-o',
    groups.replace(/^./u, 'O'),
    1,
    'The letter O in place of a digit',
    'Only the sixteen digits count; a guess at what was meant makes another key.',
  );
  text(
    'full-width',
    groups.replace(/^./u, '\uff10'),
    1,
    'A full-width digit',
    'A parser that asks Unicode what is a digit accepts it.',
  );
  text(
    'tab',
    groups.replace(' ', '\t'),
    5,
    'A tab between two groups',
    'Spaces and hyphens are the only separators.',
  );
  text(
    'non-breaking-space',
    groups.replace(' ', '\u00a0'),
    5,
    'A no-break space between two groups',
    'Spaces and hyphens are the only separators.',
  );
  text('prefix', `0x${hex}`, 2, 'A prefix 0x', 'The parser of a number is not the parser of a recovery key.');
  text('newline', `${groups}\n`, 80, 'A line feed at the end', 'Spaces and hyphens are the only separators.');

  for (const [name, length] of [
    ['object', 32],
    ['object-name', 32],
    ['key-check', 32],
    ['owner-key', 32],
  ] as const) {
    family.accept(
      `derive-${name}`,
      {
        title: `The key derived under the label ${name}`,
        why: 'A wrong label, or one without its zero byte, is right for its maker alone.',
        requirements: ['KEY-5'],
        input: { key: hex, label: name, length },
        result: { key: toHex(expand(KEY, label(name), length)) },
      },
      { op: 'keys.derive' },
    );
  }
  for (const [id, length] of [
    ['31', 31],
    ['33', 33],
    ['0', 0],
  ] as const) {
    family.value(
      `derive-key-${id}`,
      'derive-object',
      'key',
      toHex(OTHER_KEY.slice(0, length)) + (length > 32 ? '00' : ''),
      {
        title: `A backup key of ${length} bytes`,
        why: 'A short key that is padded, or a long one that is cut, opens nothing later.',
        requirements: ['KEY-2'],
        errors: ['invalid-key'],
      },
    );
  }
  return family.file();
}
