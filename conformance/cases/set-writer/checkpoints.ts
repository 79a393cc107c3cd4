/**
 * What a backup that was cut off has left: checkpoints that the suite's own writer wrote.
 *
 * @module
 */
import { manifestEntry } from '../../peer/manifest.ts';
import { fresh, same } from '../../peer/primitives.ts';
import { demand } from '../../peer/set-reading.ts';
import { storageName, type Stored } from '../../peer/set.ts';
import type { Case } from '../../runner/case.ts';
import { Rival, type Held } from './rival.ts';
import { content, require, writes, type Stage } from './stage.ts';

const FILM = content(80_000, 1);
const NOTE = content(700, 2);

/** Puts the contents of a film and a note, and both into the folder. */
function fill(stage: Stage, rival: Rival): Held[] {
  stage.write('film', FILM);
  stage.write('note', NOTE);
  const held = [rival.hold('film', FILM), rival.hold('note', NOTE)];
  stage.put(...held.map(({ stored }) => stored));
  return held;
}

function requireGone(stage: Stage, ...gone: Stored[]): void {
  for (const { name } of gone)
    require(!stage.objects().has(name), 'state', `the checkpoint ${name} is still there`);
}

function requireThere(stage: Stage, ...there: Stored[]): void {
  for (const { name } of there) require(stage.objects().has(name), 'state', `${name} was removed`);
}

/** A set of one file, so that its set id, media key and epoch are known. */
function begun(stage: Stage): Rival {
  const rival = new Rival(stage.key);
  const first = rival.hold('first', content(75_000));
  stage.write('first', content(75_000));
  stage.put(first.stored, ...rival.generation([first]).copies);
  return rival;
}

/** A checkpoint that is passed over: what it names is sealed anew, and itself stays. */
function passedOver(
  about: { id: string; title: string; why: string; requirements: string[] },
  make: (own: Rival) => { other: Rival; keyEpoch?: number },
): Case {
  return writes(about, async (stage) => {
    const { other, keyEpoch = 1 } = make(begun(stage));
    const held = fill(stage, other);
    const checkpoint = other.checkpoint(held, keyEpoch);
    stage.put(checkpoint);
    const { names } = await stage.backUpWhole();
    const used = held.filter(({ stored }) => names.includes(stored.name));
    require(used.length === 0, 'accepted-invalid', 'what the checkpoint names is used');
    requireThere(stage, checkpoint, ...held.map(({ stored }) => stored));
  });
}

/** Cases of checkpoints. */
export const checkpointCases: readonly Case[] = [
  writes(
    {
      id: 'set-writer.checkpoint-adopted',
      title: 'A checkpoint of a first backup that was cut off',
      why: 'A first backup of a large folder that begins anew after each cut is never done.',
      requirements: ['BAK-20', 'BAK-19', 'BAK-14'],
    },
    async (stage) => {
      const rival = new Rival(stage.key);
      const held = fill(stage, rival);
      const checkpoint = rival.checkpoint(held);
      stage.put(checkpoint);
      const { manifest, names } = await stage.backUpWhole();
      demand(same(manifest.setId, rival.setId), 'another set id than that of the checkpoint');
      demand(same(manifest.mediaKey, rival.mediaKey), 'another media key than that of the checkpoint');
      demand(manifest.generation === 1, 'another generation than 1');
      const used = held.filter(({ stored }) => names.includes(stored.name));
      require(used.length === 2 && names.length === 2, 'state', 'what the checkpoint names was stored again');
      requireGone(stage, checkpoint);
    },
  ),
  writes(
    {
      id: 'set-writer.checkpoint-used',
      title: 'Two checkpoints of a set that goes on',
      why: 'They are found among all objects that no manifest names, and are of no use after the backup.',
      requirements: ['BAK-20', 'BAK-19'],
    },
    async (stage) => {
      const rival = begun(stage);
      const held = fill(stage, rival);
      const checkpoints = held.map((each) => rival.checkpoint([each]));
      stage.put(...checkpoints);
      const { names, strays } = await stage.backUpWhole();
      const used = held.filter(({ stored }) => names.includes(stored.name));
      require(used.length === 2 && names.length === 3, 'state', 'what a checkpoint names was stored again');
      requireGone(stage, ...checkpoints);
      require(strays.length === 0, 'state', `${strays.join(', ')} belongs to nothing`);
    },
  ),
  passedOver(
    {
      id: 'set-writer.checkpoint-of-other-set',
      title: 'A checkpoint of another set under the same key',
      why: 'Its writer may still be at work, and its packs say that they belong to another set.',
      requirements: ['BAK-14'],
    },
    ({ key, mediaKey }) => ({ other: new Rival(key, fresh(16), mediaKey) }),
  ),
  passedOver(
    {
      id: 'set-writer.checkpoint-of-other-media-key',
      title: 'A checkpoint whose media ids are of another media key',
      why: 'Taken over, they make a manifest whose files no reader accepts.',
      requirements: ['BAK-14'],
    },
    ({ key, setId }) => ({ other: new Rival(key, setId, fresh(32)) }),
  ),
  passedOver(
    {
      id: 'set-writer.checkpoint-of-other-epoch',
      title: 'A checkpoint of another key epoch',
      why: 'What it names would be opened with another key than the one that sealed it.',
      requirements: ['BAK-14'],
    },
    (own) => ({ other: own, keyEpoch: 2 }),
  ),
  writes(
    {
      id: 'set-writer.checkpoint-wrong',
      title: 'Checkpoints that cannot be read, and one whose records are not right',
      why: 'A checkpoint saves work; one that is damaged costs work, and never the backup.',
      requirements: ['BAK-15', 'BAK-18'],
    },
    async (stage) => {
      const rival = begun(stage);
      const held = fill(stage, rival);
      const directory = manifestEntry({ kind: 'directory', path: 'd' });
      const wrong = rival.checkpoint(held, 1, [directory]);
      const damaged = rival.checkpoint(held);
      stage.put(wrong, damaged);
      stage.damage(damaged.name, -20);
      const { names } = await stage.backUpWhole();
      const used = held.filter(({ stored }) => names.includes(stored.name));
      require(used.length === 0, 'accepted-invalid', 'what a wrong checkpoint names is used');
    },
  ),
  writes(
    {
      id: 'set-writer.checkpoint-object-missing',
      title: 'A checkpoint that names an object which is gone, and one that is cut',
      why: 'What a checkpoint says was true when it was written; the list says what is true now.',
      requirements: ['BAK-7'],
    },
    async (stage) => {
      const rival = begun(stage);
      stage.write('film', FILM);
      stage.write('note', NOTE);
      const [gone, cut] = [rival.hold('film', FILM), rival.hold('note', NOTE)];
      stage.overwrite(cut.stored.name, cut.stored.object.slice(0, -1));
      stage.put(rival.checkpoint([gone, cut]));
      const { names } = await stage.backUpWhole();
      const used = [gone, cut].filter(({ stored }) => names.includes(storageName(stored.commitment)));
      require(used.length === 0, 'accepted-invalid', 'an object that is not there is named');
    },
  ),
  writes(
    {
      id: 'set-writer.mark',
      title: 'A mark of somebody who removes old generations, beside a checkpoint',
      why: 'What the checkpoint names may be about to be removed; what the backup seals itself is not.',
      requirements: ['PRN-9', 'BAK-19'],
    },
    async (stage) => {
      const rival = begun(stage);
      const held = fill(stage, rival);
      const [mark, checkpoint] = [rival.checkpoint([]), rival.checkpoint(held)];
      stage.put(mark, checkpoint);
      const { names } = await stage.backUpWhole();
      const used = held.filter(({ stored }) => names.includes(stored.name));
      require(used.length === 0, 'accepted-invalid', 'what a checkpoint names is used beside a mark');
      requireGone(stage, mark, checkpoint);
    },
  ),
];
