/**
 * Contents that are used again, and those that must not be.
 *
 * @module
 */
import { mkdirSync, renameSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../peer/primitives.ts';
import type { Audit } from '../../peer/set-audit.ts';
import { demand } from '../../peer/set-reading.ts';
import type { Case } from '../../runner/case.ts';
import { stampOf } from './folders.ts';
import { Rival } from './rival.ts';
import { content, require, writes, writesAged, type Options, type Stage } from './stage.ts';

/** A film, a photo and two notes that are equal. */
function fill(stage: Stage): void {
  stage.write('film', content(200_000, 1));
  stage.write('photo', content(70_000, 2));
  stage.write('note', content(500, 3));
  stage.write('copy', content(500, 3));
}

/** Backs up once more: nothing but two copies of a manifest may be new. */
async function requireNothingNew(stage: Stage, options: Options = {}): Promise<Audit> {
  const before = stage.objects();
  const after = await stage.backUpWhole(options);
  const added = [...stage.objects().keys()].filter((name) => !before.has(name));
  require(added.length === 2 &&
    added.every((name) => after.copies.includes(name)), 'state', `${added.length} objects are new, not 2`);
  return after;
}

/** What happens to an object, and that it is not used again. */
function spoiled(
  about: { id: string; title: string; why: string; feature?: string; requirements: string[] },
  spoil: (stage: Stage, name: string) => void,
  options: Options = {},
): Case {
  return writes(about, async (stage) => {
    fill(stage);
    const before = await stage.backUpWhole();
    for (const path of ['film', 'note']) spoil(stage, before.objectOf.get(path) ?? '');
    const stored = stage.objects();
    const after = await stage.backUpWhole(options);
    stage.requireKept(stored, stage.objects());
    for (const path of ['film', 'note'])
      demand(after.objectOf.get(path) !== before.objectOf.get(path), `${path} is where it was`);
    demand(after.objectOf.get('photo') === before.objectOf.get('photo'), 'photo was stored again');
  });
}

/** Cases of contents that are known. */
export const reuseCases: readonly Case[] = [
  writes(
    {
      id: 'set-writer.nothing-new',
      title: 'A second backup of a folder that nobody changed',
      why: 'Whoever uploads everything again each night soon makes no backups any more.',
      requirements: ['BAK-20', 'SET-8'],
    },
    async (stage) => {
      fill(stage);
      const first = await stage.backUpWhole();
      const second = await requireNothingNew(stage);
      const names = (audit: Audit): string => audit.names.toSorted().join();
      demand(names(first) === names(second), 'other objects than before');
    },
  ),
  writes(
    {
      id: 'set-writer.moved',
      title: 'Files that were moved, copied and touched',
      why: 'A content is the same wherever it lies and whenever it was written.',
      requirements: ['BAK-20', 'BAK-10'],
    },
    async (stage) => {
      fill(stage);
      await stage.backUpWhole();
      mkdirSync(join(stage.folder, 'album'));
      renameSync(join(stage.folder, 'film'), join(stage.folder, 'album/film'));
      renameSync(join(stage.folder, 'note'), join(stage.folder, 'album/note'));
      stage.write('twin', content(70_000, 2));
      stage.write('photo', content(70_000, 2));
      await requireNothingNew(stage);
    },
  ),
  writes(
    {
      id: 'set-writer.same-length',
      title: 'Other contents of the lengths of known ones',
      why: 'Two contents are equal if their media ids are, and for no other reason.',
      requirements: ['BAK-10', 'BAK-8'],
    },
    async (stage) => {
      fill(stage);
      await stage.backUpWhole();
      stage.write('film', content(200_000, 7));
      stage.write('other-film', content(200_000, 8));
      stage.write('note', content(500, 9));
      stage.write('other-note', content(500, 10));
      await stage.backUpWhole();
    },
  ),
  spoiled(
    {
      id: 'set-writer.object-missing',
      title: 'Objects that are gone from the storage',
      why: 'A manifest that names what is not there is a backup without these files.',
      requirements: ['BAK-7', 'BAK-1'],
    },
    (stage, name) => unlinkSync(join(stage.storage, name)),
  ),
  spoiled(
    {
      id: 'set-writer.object-cut',
      title: 'Objects that are shorter than they were',
      why: 'A list tells the length of each object: what is cut can be seen without reading it.',
      requirements: ['BAK-7'],
    },
    (stage, name) => truncateSync(join(stage.storage, name), (stage.objects().get(name)?.length ?? 0) - 1),
  ),
  spoiled(
    {
      id: 'set-writer.object-header',
      title: 'Objects with damaged headers',
      why: 'The scan reads every header, so what it notes as damaged is known to be of no use.',
      requirements: ['BAK-7'],
    },
    (stage, name) => stage.damage(name, 30),
  ),
  spoiled(
    {
      id: 'set-writer.object-body',
      title: 'Objects with damage that only reading finds, and a backup that checks',
      why: 'Damage of what is never read again is found when it is needed, unless somebody asks before.',
      requirements: ['BAK-12', 'BAK-7'],
      feature: 'check',
    },
    (stage, name) => stage.damage(name, -20),
    { check: true },
  ),
  writesAged(
    {
      id: 'set-writer.stamp-elsewhere',
      title: 'Stamps that say nothing: of another path, of another time, and empty ones',
      why: 'What was not read is not known: a stamp counts for its own path alone, and an empty one not at all.',
      requirements: ['BAK-8'],
    },
    (stage) => {
      for (const path of ['moved', 'other', 'plain']) stage.write(path, content(90_000, 1));
    },
    async (stage) => {
      stage.write('empty', content(90_001, 1));
      const rival = new Rival(stage.key);
      const stamp = (path: string): Uint8Array => stampOf(join(stage.folder, path));
      const wrong = stamp('other');
      wrong[0] = (wrong[0] ?? 0) ^ 1;
      const held = [
        rival.hold('away', content(90_000, 2), stamp('moved')),
        rival.hold('other', content(90_000, 3), wrong),
        rival.hold('plain', content(90_000, 4)),
        rival.hold('empty', content(90_001, 5)),
      ];
      stage.put(...held.map(({ stored }) => stored), ...rival.generation(held).copies);
      await stage.backUpWhole();
    },
  ),
  writesAged(
    {
      id: 'set-writer.reread',
      title: 'A file that is not what its stamp says, and a backup that rereads',
      why: 'Who can set the clock, or write to the disk under the file system, changes a file and no stamp.',
      requirements: ['BAK-11'],
      feature: 'reread',
    },
    (stage) => {
      for (const path of ['film', 'note']) stage.write(path, content(path === 'film' ? 90_000 : 900, 1));
    },
    async (stage) => {
      const rival = new Rival(stage.key);
      const held = ['film', 'note'].map((path) =>
        rival.hold(path, content(path === 'film' ? 90_000 : 900, 2), stampOf(join(stage.folder, path))),
      );
      stage.put(...held.map(({ stored }) => stored), ...rival.generation(held).copies);
      const found = await stage.backUpWhole({ reread: true });
      demand(toHex(found.manifest.setId) === toHex(rival.setId), 'another set');
      await requireNothingNew(stage, { reread: true });
    },
  ),
];
