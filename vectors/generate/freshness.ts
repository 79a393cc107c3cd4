/**
 * Vectors of comparing the newest manifest with the head of its set.
 *
 * @module
 */
import { signHead, type SetHead } from '../../conformance/peer/head.ts';
import { named, toHex } from '../../conformance/peer/primitives.ts';
import type { WrittenManifest } from '../../conformance/peer/set.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family } from './family.ts';
import { KEY, OTHER_KEY } from './objects.ts';
import { words } from './restoring.ts';
import { ALBUM, ALBUM_TREE, asked, generation, SET_ID } from './sets.ts';

const FIRST = generation(1);
const SECOND = generation(2, ALBUM, { ancestors: [FIRST.ancestor] });
const THIRD = generation(3, ALBUM, { ancestors: [SECOND.ancestor, FIRST.ancestor] });
/** A third generation that does not say what the second was. */
const GAP = generation(3, ALBUM, { ancestors: [FIRST.ancestor] }, 'generation 3 after 1');

function head(manifest: WrittenManifest, more: Partial<SetHead> = {}, key = KEY): string {
  const { generation: number, manifestId } = manifest.ancestor;
  const created = 1_800_000_000 + number;
  return toHex(
    signHead(key, { setId: SET_ID, generation: number, manifestId, created, keyEpoch: 1, ...more }),
  );
}

/** The family. */
export function freshness(): VectorFile {
  const family = new Family('freshness', {
    feature: 'set',
    role: 'set-reader',
    op: 'set.find',
    description: 'Storages and heads: whether the newest manifest of a storage is the newest there ever was.',
  });
  const storage = (...manifests: readonly WrittenManifest[]): Record<string, Value> =>
    asked([...manifests.flatMap(({ copies }) => copies), ...ALBUM.objects]);
  const accept = (
    id: string,
    input: Record<string, Value>,
    result: string,
    title: string,
    why: string,
    requirement = 'FRS-7',
  ): void =>
    family.accept(id, {
      ...words(title, why, requirement),
      input,
      result: { freshness: result },
    });
  const two = storage(FIRST, SECOND);
  accept('none', two, 'unknown', 'No head', 'What cannot be told is not called fresh.');
  accept('fresh', { ...two, head: head(SECOND) }, 'fresh', 'The head of the newest', 'Nothing is missing.');
  accept(
    'ahead',
    { ...two, head: head(FIRST) },
    'ahead',
    'The head of the generation before',
    'The head was not moved yet; nothing is missing.',
  );
  accept(
    'stale',
    { ...two, head: head(THIRD) },
    'stale',
    'The head of a newer generation',
    'A newer backup was made, and is not shown.',
  );
  accept(
    'stale-one-copy',
    { ...storage(FIRST), head: head(SECOND) },
    'stale',
    'The newest generation is removed from a storage',
    'What is left is authentic, whole, and old.',
  );
  accept(
    'gap',
    { ...storage(FIRST, GAP), head: head(SECOND) },
    'unknown',
    'The head of a generation that the newest does not name',
    'Whether the newest goes back to it cannot be told.',
  );
  accept(
    'gap-ahead',
    { ...storage(FIRST, GAP), head: head(FIRST) },
    'ahead',
    'The head of the ancestor before a gap',
    'An ancestor is found by its generation, not by its place.',
  );
  accept(
    'other-set',
    { ...two, head: head(SECOND, { setId: named('other set', 16) }) },
    'fork',
    'The head of another set',
    'Two sets have no common history.',
  );
  accept(
    'other-id',
    { ...two, head: head(SECOND, { manifestId: named('other manifest', 32) }) },
    'fork',
    'The head of another manifest of this generation',
    'Two devices wrote, and one of them is not shown.',
  );
  accept(
    'other-ancestor',
    { ...two, head: head(FIRST, { manifestId: named('other manifest', 32) }) },
    'fork',
    'The head of another manifest of an older generation',
    'The storage was set back, and a backup was added to what was left.',
  );
  accept(
    'other-set-older',
    { ...two, head: head(THIRD, { setId: named('other set', 16) }) },
    'fork',
    'The head of a higher generation of another set',
    'Generations of two sets cannot be compared.',
  );
  const [older] = FIRST.copies;
  accept(
    'named',
    { ...two, head: head(SECOND), manifest: older?.name ?? '' },
    'stale',
    'An older generation, by its name',
    'It is found, and it is said to be old.',
  );
  const rejected = (
    id: string,
    from: string,
    now: string,
    error: string,
    title: string,
    why: string,
    requirement: string,
  ): void => family.value(id, from, 'head', now, { ...words(title, why, requirement), errors: [error] });
  rejected(
    'bad-key',
    'fresh',
    head(SECOND, {}, OTHER_KEY),
    'bad-head',
    'A head that somebody else signed',
    'It is not the same as no head.',
    'FRS-3',
  );
  rejected(
    'bad-length',
    'fresh',
    head(SECOND).slice(0, -2),
    'bad-head',
    'A head that was cut',
    'It is not the same as no head.',
    'FRS-3',
  );
  rejected(
    'bad-empty',
    'fresh',
    '',
    'bad-head',
    'A head of no bytes',
    'It is not the same as no head.',
    'FRS-3',
  );
  family.flip(
    'bad-bit',
    'fresh',
    { field: 'head', offset: 23 },
    {
      ...words(
        'A head in which a bit of the generation was changed',
        'It is not the same as no head.',
        'FRS-3',
      ),
      errors: ['bad-head'],
    },
  );

  for (const what of ['list', 'verify']) {
    family.accept(
      what,
      {
        ...words(
          `A head of a newer generation, with set.${what}`,
          'Who looks must see that it is old.',
          'FRS-9',
        ),
        input: { ...two, head: head(THIRD) },
        result: { freshness: 'stale' },
      },
      { op: `set.${what}` },
    );
  }
  const restore = (
    id: string,
    input: Record<string, Value>,
    result: string,
    title: string,
    why: string,
  ): void =>
    family.accept(
      id,
      {
        ...words(title, why, 'FRS-9', 'FRS-10'),
        input,
        result: { restored: 4, freshness: result },
        tree: ALBUM_TREE,
      },
      { op: 'set.restore' },
    );
  restore(
    'restore',
    { ...two, head: head(SECOND) },
    'fresh',
    'Restoring what the head names',
    'It is restored, and it is said to be fresh.',
  );
  const named2 = { ...two, manifest: SECOND.copies[0]?.name ?? '' };
  restore(
    'restore-named',
    { ...named2, head: head(THIRD) },
    'stale',
    'Restoring an old manifest by its name',
    'The owner has decided.',
  );
  rejected(
    'restore-stale',
    'restore',
    head(THIRD),
    'stale',
    'Restoring what is old',
    'Nothing is written before the owner has decided.',
    'FRS-10',
  );
  rejected(
    'restore-fork',
    'restore',
    head(SECOND, { manifestId: named('other manifest', 32) }),
    'fork',
    'Restoring one of two histories',
    'Nothing is written before the owner has decided.',
    'FRS-10',
  );
  rejected(
    'restore-bad-head',
    'restore',
    head(SECOND, {}, OTHER_KEY),
    'bad-head',
    'Restoring with a head that somebody else signed',
    'It is not the same as no head.',
    'FRS-3',
  );
  return family.file();
}
