/**
 * Vectors of finding the newest manifest of a storage.
 *
 * @module
 */
import { named, toHex, utf8, zeros } from '../../conformance/peer/primitives.ts';
import type { Stored, WrittenManifest } from '../../conformance/peer/set.ts';
import { TYPES } from '../../conformance/peer/sealed-object.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack } from './family.ts';
import { OTHER_KEY } from './objects.ts';
import { ALBUM, asked, blob, generation, SET_ID, storage } from './sets.ts';

const FIRST = generation(1);
const SECOND = generation(2, ALBUM, { ancestors: [FIRST.ancestor] });
/** The second generation is gone: it was pruned. */
const THIRD = generation(3, ALBUM, { ancestors: [FIRST.ancestor] });
const FILES = ALBUM.objects;

/** An object that is stored with other bytes. */
function changed(stored: Stored, change: (object: Uint8Array) => Uint8Array): Stored {
  return { ...stored, object: new Uint8Array(change(stored.object)) };
}

/** The object with one bit of the byte at `offset` flipped; from the end if it is negative. */
function flipped(stored: Stored, offset: number): Stored {
  return changed(stored, (object) =>
    object.map((byte, i) => (i === (offset < 0 ? object.length + offset : offset) ? byte ^ 1 : byte)),
  );
}

/** First and second copy. */
function copies({ copies: [first, second] }: WrittenManifest): [Stored, Stored] {
  if (first === undefined || second === undefined) throw new Error('not two copies');
  return [first, second];
}

/** Where in an object something is damaged. */
const HEADER = 20;
const BODY = 100;

/** The family. */
export function find(): VectorFile {
  const family = new Family('find', {
    feature: 'set',
    role: 'set-reader',
    op: 'set.find',
    description:
      'Storages, and the manifest that is the newest of them: copies, older generations, damage, strangers, forks.',
  });
  const [one, twin] = copies(FIRST);
  const [two, second] = copies(SECOND);
  const accept = (
    id: string,
    objects: readonly Stored[],
    found: WrittenManifest,
    state: { copies?: number; damaged?: readonly [Stored, string][]; more?: Record<string, Value> },
    title: string,
    why: string,
    requirement = 'SET-15',
  ): void => {
    const damaged = (state.damaged ?? [])
      .map(([{ name }, code]) => ({ name, code }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    family.accept(id, {
      title,
      why,
      requirements: [requirement],
      input: asked(objects, state.more),
      result: {
        setId: toHex(SET_ID),
        generation: found.ancestor.generation,
        manifestId: toHex(found.id),
        copies: state.copies ?? 2,
        freshness: 'unknown',
        damaged,
      },
    });
  };
  const whole = [...FIRST.copies, ...FILES];
  accept('one', whole, FIRST, {}, 'One generation', 'The first backup of a set.');
  const both = [...whole, ...SECOND.copies];
  accept('two', both, SECOND, {}, 'Two generations', 'The highest generation is the newest.');
  accept(
    'pruned',
    [...whole, ...THIRD.copies],
    THIRD,
    {},
    'Two generations, and one between them that is gone',
    'Generations are removed without a sign of damage.',
  );
  accept(
    'one-copy',
    [one, ...FILES],
    FIRST,
    { copies: 1 },
    'One copy',
    'The other is lost: it is used, and said.',
    'SET-18',
  );
  accept(
    'before-manifest',
    [...whole, blob('object of generation 2', named('new photo', 200))],
    FIRST,
    {},
    'An object of a generation whose manifest was not written',
    'A backup that was cut off has not happened; the generation before it counts.',
  );
  for (const [id, damage, code, title] of [
    ['copy-body', (s: Stored) => flipped(s, BODY), 'chunk-damaged', 'a bit of its content changed'],
    ['copy-header', (s: Stored) => flipped(s, HEADER), 'header-damaged', 'a bit of its salt changed'],
    [
      'copy-zeros',
      (s: Stored) => changed(s, (o) => zeros(o.length)),
      'not-an-object',
      'zeros in place of it',
    ],
    ['copy-cut', (s: Stored) => changed(s, (o) => o.slice(0, 60)), 'truncated', 'its first 60 bytes alone'],
    ['copy-empty', (s: Stored) => changed(s, () => zeros(0)), 'truncated', 'nothing in it'],
  ] as const) {
    const bad = damage(second);
    accept(
      id,
      [...whole, two, bad],
      SECOND,
      { copies: 1, damaged: [[bad, code]] },
      `The second copy of the newest with ${title}`,
      'The other copy names it, so it is known not to be a newer one; and the owner is told.',
      'SET-17',
    );
  }
  const [photo] = FILES;
  if (photo === undefined) throw new Error('no file');
  const lost = flipped(photo, HEADER);
  accept(
    'file-header',
    [...FIRST.copies, lost, ...FILES.slice(1)],
    FIRST,
    { damaged: [[lost, 'header-damaged']] },
    'An object of a file whose header is damaged',
    'The manifest names it, so it is no newer manifest.',
    'SET-17',
  );
  accept(
    'first-copy-alone',
    [...whole, two],
    SECOND,
    { copies: 1 },
    'One copy of the newest, beside two of the generation before',
    'A backup that was cut off between the copies has happened.',
    'SET-18',
  );
  const noted = blob('checkpoint', named('records of a checkpoint', 200), {
    type: TYPES.records,
    chunkLog2: 16,
  });
  accept(
    'checkpoint',
    [...whole, noted],
    FIRST,
    {},
    'An object of type records that no manifest names',
    'A backup that was cut off leaves it for the next one; to a reader it is nothing.',
    'RST-12',
  );
  const foreign = generation(7, ALBUM, { key: OTHER_KEY, setId: named('other set', 16) }, 'other key');
  accept(
    'other-key',
    [...whole, ...foreign.copies],
    FIRST,
    { damaged: foreign.copies.map((each): [Stored, string] => [each, 'wrong-key']) },
    'A set of another key in the same storage',
    'Its generation says nothing about this set.',
  );
  accept(
    'blob-as-manifest',
    [...whole, blob('content of a manifest', generation(9, ALBUM, {}, 'in a blob').content)],
    FIRST,
    {},
    'A file whose content is a manifest of generation 9',
    'Somebody sent it to the owner, and it was backed up: it is a file.',
    'SET-19',
  );
  const asRecords = generation(9, ALBUM, { type: TYPES.records }, 'as records');
  accept(
    'records-as-manifest',
    [...whole, ...asRecords.copies],
    FIRST,
    {},
    'Objects of type records whose content is a manifest of generation 9',
    'The type is in the header, not in the content.',
    'SET-19',
  );
  const renamed = { ...two, name: blob('another', utf8('x')).name };
  accept(
    'renamed',
    [...whole, renamed],
    FIRST,
    { damaged: [[renamed, 'object-mismatch']] },
    'A newer manifest under the name of another object',
    'A name that does not fit is reported; the object is not used.',
    'SET-4',
  );
  const oldBad = flipped(one, BODY);
  accept(
    'old-damaged',
    [oldBad, twin, ...FILES, ...SECOND.copies],
    SECOND,
    { damaged: [[oldBad, 'chunk-damaged']] },
    'A damaged manifest that the newest names as its ancestor',
    'It is known to be older, and does not stop a restore.',
    'SET-16',
  );
  const twinBad = flipped(twin, BODY);
  accept(
    'old-both-damaged',
    [oldBad, twinBad, ...FILES, ...SECOND.copies],
    SECOND,
    {
      damaged: [
        [oldBad, 'chunk-damaged'],
        [twinBad, 'chunk-damaged'],
      ],
    },
    'Both manifests of the generation before damaged',
    'The newest names both as its ancestor: they are not newer.',
    'SET-16',
  );
  const noObject = { ...two, object: utf8('notes') };
  accept(
    'other-names',
    [
      ...whole,
      { ...noObject, name: 'notes.txt' },
      { ...noObject, name: two.name.toUpperCase() },
      { ...noObject, name: `${two.name}.tmp` },
    ],
    FIRST,
    {},
    'Files whose names are not those of objects',
    'Notes of the owner and temporary files are none of the set.',
    'SET-3',
  );
  accept(
    'named-older',
    both,
    FIRST,
    { more: { manifest: one.name } },
    'The older of two generations, by its name',
    'A caller can go back.',
  );
  const other = generation(1, ALBUM, { setId: named('second set', 16) }, 'second set');
  accept(
    'named-of-two-sets',
    [...whole, ...other.copies],
    FIRST,
    { more: { manifest: one.name } },
    'One of two sets, by the name of its manifest',
    'The owner says which.',
  );
  const unread = generation(9, ALBUM, {}, 'unreadable');
  const [unreadable] = copies(unread);
  const bad = flipped(unreadable, BODY);
  accept(
    'named-beside-unreadable',
    [...both, bad],
    SECOND,
    { more: { manifest: two.name }, damaged: [[bad, 'chunk-damaged']] },
    'A generation by its name, beside a manifest that cannot be read',
    'Whether to go back behind it is for the owner to say.',
  );

  const no = (
    id: string,
    from: string,
    change: { object: Stored; now: Uint8Array | null },
    error: string,
    title: string,
    why: string,
    requirement = 'SET-16',
  ): void => {
    const { object, now } = change;
    family.value(id, from, `storage/${object.name}`, now === null ? null : pack(now), {
      title,
      why,
      requirements: [requirement],
      errors: [error],
    });
  };
  const add = (object: Stored): { object: Stored; now: Uint8Array } => ({ object, now: object.object });
  no(
    'empty',
    'one-copy',
    { object: one, now: null },
    'no-backup',
    'No manifest at all',
    'Objects without a manifest are no backup.',
    'SET-15',
  );
  family.value('wrong-key', 'one', 'key', toHex(OTHER_KEY), {
    title: 'Another key',
    why: 'Manifests are there, and none opens: it is the key, not the storage.',
    requirements: ['SET-15'],
    errors: ['wrong-key'],
  });
  for (const [id, damage, code, title] of [
    ['copy-body', (s: Stored) => flipped(s, BODY), 'chunk-damaged', 'changed'],
    ['copy-header', (s: Stored) => flipped(s, HEADER), 'header-damaged', 'with a damaged header'],
    ['copy-zeros', (s: Stored) => changed(s, (o) => zeros(o.length)), 'not-an-object', 'overwritten'],
    ['copy-cut', (s: Stored) => changed(s, (o) => o.slice(0, 60)), 'truncated', 'cut'],
  ] as const) {
    no(
      `both-${id.slice(5)}`,
      id,
      add(damage(two)),
      code,
      `Both copies of the newest ${title}`,
      'An older generation must not pass for the newest without a word.',
    );
  }
  no(
    'unreadable-newer',
    'two',
    add(bad),
    'chunk-damaged',
    'A manifest that cannot be read, and that no manifest names',
    'It may be newer than all others.',
  );
  no(
    'unreadable-header',
    'two',
    add(flipped(unreadable, HEADER)),
    'header-damaged',
    'An object whose header cannot be read, and that no manifest names',
    'It may be a newer manifest.',
  );
  no(
    'unreadable-beside-pruned',
    'pruned',
    add(bad),
    'chunk-damaged',
    'A manifest that cannot be read, where a generation is missing',
    'A reader that counts what is missing would take it for the one that is gone.',
  );
  no(
    'two-sets',
    'one',
    add(copies(other)[0]),
    'fork',
    'Manifests of two sets',
    'Which of them is meant only the owner knows.',
    'SET-15',
  );
  const fork = generation(
    2,
    { ...ALBUM, entries: ALBUM.entries.slice(0, 1) },
    { ancestors: [FIRST.ancestor] },
    'fork',
  );
  no(
    'two-newest',
    'two',
    add(copies(fork)[0]),
    'fork',
    'Two manifests of the newest generation',
    'Two devices wrote at the same time, or one of them was set back.',
    'SET-15',
  );
  const unsorted = { ...ALBUM, entries: ALBUM.entries.toReversed() };
  const broken = generation(2, unsorted, { ancestors: [FIRST.ancestor] }).copies;
  family.sealed(
    'newest-invalid',
    'two',
    { place: 'order of entries in the newest', was: 'ascending', now: 'descending' },
    { storage: storage(...whole, ...broken) },
    {
      title: 'A newest generation that breaks a rule, in both copies',
      why: 'What a faulty writer left is not passed over for what came before.',
      requirements: ['SET-16'],
      errors: ['bad-manifest'],
    },
  );
  const [small] = generation(2, ALBUM, { chunkLog2: 14, ancestors: [FIRST.ancestor] }, 'small chunks').copies;
  if (small !== undefined) {
    no(
      'small-chunks',
      'one',
      add(small),
      'bad-manifest',
      'A newer manifest in chunks of 16 KiB',
      'Its first chunk is read alone: its size must be known.',
      'MAN-7',
    );
  }
  family.value('named-missing', 'named-older', 'manifest', `${'a'.repeat(32)}.sro`, {
    title: 'A manifest by a name that is not there',
    why: 'What was asked for is not replaced by something else.',
    requirements: ['SET-15'],
    errors: ['object-missing'],
  });
  return family.file();
}
