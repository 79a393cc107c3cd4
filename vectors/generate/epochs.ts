/**
 * Vectors of sets that have changed their backup key.
 *
 * @module
 */
import { manifestEntry, manifestObject, wrappedKey } from '../../conformance/peer/manifest.ts';
import { expand, label, named, toHex, type Bytes } from '../../conformance/peer/primitives.ts';
import type { Stored, WrittenManifest } from '../../conformance/peer/set.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { HELLO, KEY, OTHER_KEY } from './objects.ts';
import { RestoreVectors, words } from './restoring.ts';
import { asked, blob, file, generation, PHOTO, restored } from './sets.ts';

/** Backup keys before the present one. */
const [OLDEST, OLDER] = [named('backup key of epoch 1', 32), named('backup key of epoch 2', 32)];
const OBJECTS: readonly Stored[] = [
  blob('sealed in epoch 1', HELLO, { key: OLDEST }, 1),
  blob('sealed in epoch 2', PHOTO, { key: OLDER }, 2),
  blob('sealed in epoch 3', HELLO, { key: KEY }, 3),
];
const ENTRIES = [
  file('1', HELLO, [{ object: 0 }]),
  file('2', PHOTO, [{ object: 1 }]),
  file('3', HELLO, [{ object: 2 }]),
];
const TREE = { 1: restored(HELLO), 2: restored(PHOTO), 3: restored(HELLO) };

function objectKey(backupKey: Uint8Array): Bytes {
  return expand(backupKey, label('object'), 32);
}

/** A set of the third epoch with these wrapped keys. */
function stored(wrapped: readonly Bytes[], objects: readonly Stored[] = OBJECTS): readonly Stored[] {
  const references = objects.map(({ reference }, i) => manifestObject(reference, i));
  const records = [...wrapped, ...references, ...ENTRIES.map(manifestEntry)];
  return [...generation(4, undefined, { keyEpoch: 3, records }).copies, ...objects];
}

/** Generations before the last change of the key: who has the new key can read those that its manifest names. */
function olderManifests({ family }: RestoreVectors): void {
  const under = { key: OLDER, keyEpoch: 2 };
  const files = { objects: OBJECTS.slice(1, 2), entries: [file('2', PHOTO, [{ object: 0 }])] };
  const before = generation(1, files, under, 'under the older key');
  const slipped = generation(2, files, under, 'slipped in under the older key');
  const now = generation(
    2,
    undefined,
    { keyEpoch: 3, ancestors: [before.ancestor], records: [wrappedKey(2, objectKey(OLDER))] },
    'under the new key',
  );
  const objects = [...before.copies, ...now.copies];
  const found = (number: number, manifest: WrittenManifest): Record<string, Value> => ({
    generation: number,
    manifestId: toHex(manifest.id),
    copies: 2,
    damaged: [],
  });
  const [copy] = before.copies;
  const [intruder] = slipped.copies;
  if (copy === undefined || intruder === undefined) throw new Error('no copy');
  family.accept(
    'older-manifest',
    {
      ...words(
        'A generation of an older backup key that the newest names',
        'It does not open under the new key, and it is no damage.',
        'SET-17',
      ),
      input: asked(objects),
      result: found(2, now),
    },
    { op: 'set.find' },
  );
  family.accept(
    'older-named',
    {
      ...words(
        'A generation of an older backup key, by its name',
        'The newest manifest names it, and has its key.',
        'RKY-3',
      ),
      input: asked([...objects, intruder], { manifest: copy.name }),
      result: { generation: 1, manifestId: toHex(before.id) },
    },
    { op: 'set.find' },
  );
  family.value('older-slipped', 'older-named', 'manifest', intruder.name, {
    ...words(
      'A manifest of an older backup key that nobody names',
      'Whoever still has an old key cannot slip one in.',
      'RKY-2',
    ),
    errors: ['wrong-key'],
  });
}

/** The family. */
export function epochs(): VectorFile {
  const vectors = new RestoreVectors('epochs', 'Sets whose objects are sealed under older backup keys.');
  const [first, second] = [wrappedKey(1, objectKey(OLDEST)), wrappedKey(2, objectKey(OLDER))];
  vectors.accept(
    'three',
    stored([first, second]),
    TREE,
    words(
      'Objects of three backup keys',
      'The newest key opens the manifest, and the manifest opens the rest.',
    ),
  );
  const wrong = (
    id: string,
    wrapped: readonly Bytes[],
    now: string,
    error: string,
    title: string,
    why: string,
    lost?: string[],
  ): void =>
    vectors.sealed(
      id,
      'three',
      {
        place: 'wrapped keys',
        was: 'of epochs 1 and 2',
        now,
        objects: stored(wrapped),
        ...(lost && { lost }),
      },
      error,
      words(title, why, lost === undefined ? 'MAN-2' : 'RST-17'),
    );
  wrong(
    'other-key',
    [wrappedKey(1, objectKey(OTHER_KEY)), second],
    'another for epoch 1',
    'wrong-key',
    'A wrapped key that is another',
    'It opens nothing; the other files come back.',
    ['1'],
  );
  wrong(
    'exchanged',
    [wrappedKey(1, objectKey(OLDER)), wrappedKey(2, objectKey(OLDEST))],
    'exchanged',
    'wrong-key',
    'Two wrapped keys that are exchanged',
    'Each opens the objects of its epoch, and no others.',
    ['1', '2'],
  );
  wrong(
    'backup-key',
    [wrappedKey(1, OLDEST), second],
    'the backup key itself for epoch 1',
    'wrong-key',
    'A backup key in place of its object key',
    'What is wrapped is not the backup key, from which more follows.',
    ['1'],
  );
  wrong(
    'missing',
    [second],
    'of epoch 2 alone',
    'bad-manifest',
    'No wrapped key for an epoch that is used',
    'The manifest is not whole.',
  );
  wrong(
    'descending',
    [second, first],
    'in descending order',
    'bad-manifest',
    'Wrapped keys in another order',
    'There is one order.',
  );
  vectors.family.value('old-backup-key', 'three', 'key', toHex(OLDER), {
    ...words(
      'The backup key of the epoch before',
      'It opens no manifest any more: it was given up.',
      'SET-15',
    ),
    errors: ['wrong-key'],
    tree: {},
  });
  vectors.sealed(
    'object-of-other-epoch',
    'three',
    {
      place: 'key epoch of an object',
      was: 1,
      now: 2,
      objects: stored(
        [first, second],
        OBJECTS.map((one, i) => (i === 0 ? { ...one, reference: { ...one.reference, keyEpoch: 2 } } : one)),
      ),
      lost: ['1'],
    },
    'wrong-key',
    words(
      'An object of epoch 1 that is said to be of epoch 2',
      'One key is tried: that of the epoch.',
      'RST-17',
    ),
  );
  olderManifests(vectors);
  return vectors.file();
}
