/**
 * Vectors of verifying sets: what is whole, what is not, and what nobody needs.
 *
 * @module
 */
import { named } from '../../conformance/peer/primitives.ts';
import type { Stored } from '../../conformance/peer/set.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family } from './family.ts';
import { words } from './restoring.ts';
import { ALBUM, ALBUM_TREE, asked, blob, file, generation, PHOTO } from './sets.ts';

/** The family. */
export function verifications(): VectorFile {
  const family = new Family('verify', {
    feature: 'set',
    role: 'set-reader',
    op: 'set.verify',
    description: 'Storages, and what a verification says of them.',
  });
  const { copies } = generation(1);
  const [hello, photo] = ALBUM.objects;
  if (hello === undefined || photo === undefined) throw new Error('two objects');
  const entries = Object.keys(ALBUM_TREE).length;
  const accept = (
    id: string,
    objects: readonly Stored[],
    said: { failed?: [path: string, code: string][]; unused?: readonly Stored[] },
    ...[title, why, requirement]: [title: string, why: string, requirement: string]
  ): void => {
    const failed = (said.failed ?? []).map(([path, code]) => ({ path, code }));
    family.accept(id, {
      ...words(title, why, requirement),
      input: asked(objects),
      result: {
        verified: entries - failed.length,
        failed,
        unused: (said.unused ?? []).map(({ name }) => name).sort(),
      },
    });
  };
  accept(
    'whole',
    [...copies, hello, photo],
    {},
    'A set without damage',
    'Nothing is reported that is not so.',
    'RST-1',
  );
  const hurt = { ...photo, object: photo.object.map((byte, i) => (i === 200 ? byte ^ 1 : byte)) };
  accept(
    'two-faults',
    [...copies, hurt],
    {
      failed: [
        ['a.txt', 'object-missing'],
        ['photos/1.jpg', 'chunk-damaged'],
      ],
    },
    'One object missing, another damaged',
    'Each file is reported, with its own code.',
    'RST-1',
  );
  const strays = [blob('stray', named('stray', 90)), blob('another stray', named('stray', 80))];
  accept(
    'strays',
    [...copies, hello, photo, ...strays],
    { unused: strays },
    'Objects that the manifest does not name',
    'They are reported, and cost nothing else.',
    'RST-12',
  );
  const newer = blob('newer photo', PHOTO);
  const second = generation(
    2,
    {
      objects: [hello, newer],
      entries: ALBUM.entries.map((one) =>
        one.path === 'photos/1.jpg' ? file('photos/1.jpg', PHOTO, [{ object: 1 }]) : one,
      ),
    },
    { ancestors: [generation(1).ancestor] },
  );
  accept(
    'older-generation',
    [...copies, ...second.copies, hello, photo, newer],
    { unused: [photo] },
    'An object of the generation before alone',
    'The newest does not need it.',
    'RST-12',
  );
  return family.file();
}
