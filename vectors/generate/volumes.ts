/**
 * Vectors of files in several volumes.
 *
 * @module
 */
import { cat, named } from '../../conformance/peer/primitives.ts';
import type { Part } from '../../conformance/peer/manifest.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { RestoreVectors, stored, words } from './restoring.ts';
import { blob, file, restored, type Files } from './sets.ts';

const PIECES = ['first', 'second', 'third'].map((name) => named(`${name} volume`, 100));
const FILM = cat(...PIECES);
const VOLUMES = PIECES.map((piece, i) => blob(`volume ${i + 1}`, piece));

function film(parts: readonly Part[], contentLength = FILM.length): Files {
  return { objects: VOLUMES, entries: [file('film', FILM, parts, { contentLength })] };
}

/** The family. */
export function volumes(): VectorFile {
  const vectors = new RestoreVectors(
    'volumes',
    'Files that are cut into several objects: their order, gaps, and what is there twice.',
  );
  const numbers = (...objects: readonly number[]): Part[] => objects.map((object) => ({ object }));
  const [one, two, three] = VOLUMES;
  if (one === undefined || two === undefined || three === undefined) throw new Error('three volumes');
  vectors.accept(
    'three',
    stored(film(numbers(0, 1, 2))),
    { film: restored(FILM) },
    words('A file in three volumes', 'Their contents, one after the other, are the file.'),
  );
  const lost = ['film'];
  vectors.object(
    'gap',
    'three',
    { of: two, now: null, lost },
    'object-missing',
    words('A volume that is not there', 'The file is not restored without its middle.'),
  );
  vectors.object(
    'last-missing',
    'three',
    { of: three, now: null, lost },
    'object-missing',
    words('The last volume is not there', 'What is there is not the file.'),
  );
  vectors.object(
    'exchanged',
    'three',
    { of: two, now: one.object, lost },
    'object-mismatch',
    words(
      'A volume in the place of another',
      'It is of the same length and key; the manifest knows which one goes there.',
    ),
  );
  const sealed = (
    id: string,
    parts: readonly Part[],
    error: string,
    title: string,
    why: string,
    all = false,
  ): void =>
    vectors.sealed(
      id,
      'three',
      {
        place: 'parts of a file',
        was: [0, 1, 2],
        now: parts.map(({ object }) => object),
        objects: stored(film(parts)),
        ...(all && { lost }),
      },
      error,
      words(title, why, all ? 'RST-1' : 'MAN-2'),
    );
  sealed(
    'reordered',
    numbers(0, 2, 1),
    'object-mismatch',
    'Volumes in another order',
    'Lengths and objects are right; only the identity of the content shows it.',
    true,
  );
  sealed(
    'left-out',
    numbers(0, 2),
    'bad-manifest',
    'A volume that is left out',
    'The lengths do not add up.',
  );
  sealed(
    'twice',
    numbers(0, 1, 1),
    'bad-manifest',
    'A volume twice',
    'No content has two places in one file.',
  );
  sealed(
    'not-there',
    numbers(0, 1, 3),
    'bad-manifest',
    'A number that no object has',
    'Objects are counted from 0.',
  );
  return vectors.file();
}
