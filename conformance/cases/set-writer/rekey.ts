/**
 * Going on under a new backup key.
 *
 * @module
 */
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fresh, same, toHex, type Bytes } from '../../peer/primitives.ts';
import { readObject } from '../../peer/sealed-object.ts';
import { objectKeyOf, opensUnder, type Audit, type Objects } from '../../peer/set-audit.ts';
import { demand, readCheckpoint } from '../../peer/set-reading.ts';
import type { Case } from '../../runner/case.ts';
import { three } from './retention.ts';
import { Rival } from './rival.ts';
import { content, require, writes, type Stage } from './stage.ts';
import { requireFollows } from './start.ts';

function rekeying(
  about: { id: string; title: string; why: string; requirements: string[] },
  play: (stage: Stage) => Promise<void>,
): Case {
  return writes({ ...about, feature: 'rekey' }, play);
}

/** Changes the key; the generation under the new one. */
async function rekey(stage: Stage, key: Bytes, newKey: Bytes): Promise<Audit> {
  const answer = await stage.ask('set.rekey', { key: toHex(key), newKey: toHex(newKey) });
  const found = stage.look(newKey);
  const { generation, keyEpoch } = found.manifest;
  const agrees = answer['generation'] === generation && answer['keyEpoch'] === keyEpoch;
  require(agrees, 'wrong-output', 'another generation or epoch than the manifest has');
  return found;
}

/** The same entries in the same objects, under a key of one epoch more. */
function requireCarried(before: Audit, after: Audit, oldKey: Bytes): void {
  requireFollows(before, after);
  const [was, is] = [before.manifest, after.manifest];
  demand(is.keyEpoch === was.keyEpoch + 1, `key epoch ${is.keyEpoch} after ${was.keyEpoch}`);
  const expected = [...was.wrapped, { keyEpoch: was.keyEpoch, objectKey: objectKeyOf(oldKey) }];
  const plain = (keys: typeof expected): string =>
    JSON.stringify(keys.map((each) => [each.keyEpoch, toHex(each.objectKey)]));
  demand(plain(is.wrapped.slice()) === plain(expected), 'other wrapped keys than those of all older epochs');
  const names = (audit: Audit): string => audit.names.toSorted().join();
  demand(names(before) === names(after), 'other objects than before');
  const entries = (audit: Audit): string =>
    JSON.stringify(
      audit.manifest.entries.map(({ path, kind, mode, modified, target, mediaId, stamp }) => [
        path,
        kind,
        mode,
        String(modified),
        target,
        toHex(mediaId),
        toHex(stamp),
      ]),
    );
  demand(entries(before) === entries(after), 'other entries than before');
}

/** The objects that came into the storage, without the mark under the old key, which a change leaves. */
function added(stage: Stage, before: Objects, oldKey: Bytes): string[] {
  const all = [...stage.objects()].filter(([name]) => !before.has(name));
  const others = all.filter(([, object]) => !isMark(object, oldKey)).map(([name]) => name);
  require(others.length < all.length, 'state', 'no mark under the old key');
  return others;
}

function isMark(object: Bytes, key: Bytes): boolean {
  if (opensUnder(objectKeyOf(key), object)?.type !== 2) return false;
  const { objects, entries } = readCheckpoint(readObject(object, key).content);
  return objects.length === 0 && entries.length === 0;
}

/** Cases of new keys. */
export const rekeyCases: readonly Case[] = [
  rekeying(
    {
      id: 'set-writer.rekey',
      title: 'A new backup key, and another one after that',
      why: 'A new key that does not open what the old one sealed has lost the backup; one that uploads it anew takes days.',
      requirements: ['RKY-5', 'RKY-6', 'RKY-10', 'MAN-1', 'SET-8'],
    },
    async (stage) => {
      const [, , first] = await three(stage);
      if (first === undefined) return;
      let [before, key] = [first, stage.key];
      for (let i = 0; i < 2; i++) {
        const newKey = fresh(32);
        const stored = stage.objects();
        const after = await rekey(stage, key, newKey);
        requireCarried(before, after, key);
        stage.requireKept(stored, stage.objects());
        const more = added(stage, stored, key).length;
        require(more === 2, 'state', `${more} objects are new, not 2`);
        stage.requireFolder(stage.look(key));
        [before, key] = [after, newKey];
      }
    },
  ),
  rekeying(
    {
      id: 'set-writer.rekey-and-go-on',
      title: 'A backup under a new key',
      why: 'What is used again stays under its own key, and what is new is closed to the old one.',
      requirements: ['RKY-6', 'RKY-1', 'BAK-20'],
    },
    async (stage) => {
      stage.write('film', content(70_000, 1));
      stage.write('note', content(300, 1));
      const first = await stage.backUpWhole();
      const oldKey = stage.key;
      const newKey = fresh(32);
      const second = await rekey(stage, oldKey, newKey);
      stage.write('new', content(80_000, 2));
      const before = stage.objects();
      await stage.ask('set.back-up', { folder: stage.folder, key: toHex(newKey) });
      const third = stage.look(newKey);
      stage.requireFolder(third);
      requireFollows(second, third);
      demand(third.manifest.keyEpoch === 2, 'another key epoch');
      const epochs = third.manifest.wrapped.map(({ keyEpoch }) => keyEpoch);
      demand(epochs.join() === '1', 'the old object key is not in the manifest any more');
      demand(
        first.names.every((name) => third.names.includes(name)),
        'what is there was sealed again',
      );
      const more = stage.objects().size - before.size;
      require(more === 3, 'state', `${more} objects are new, not 3`);
      const made = third.manifest.objects.filter(({ keyEpoch }) => keyEpoch === 2);
      demand(made.length === 1, 'the new content is not under the new key');
    },
  ),
  rekeying(
    {
      id: 'set-writer.rekey-again',
      title: 'A change of the key with the same keys a second time',
      why: 'Whoever is not sure that it was done asks again; a second change must not come of it.',
      requirements: ['RKY-9'],
    },
    async (stage) => {
      stage.write('film', content(70_000, 1));
      await stage.backUpWhole();
      const newKey = fresh(32);
      const first = await rekey(stage, stage.key, newKey);
      const stored = stage.objects();
      const second = await rekey(stage, stage.key, newKey);
      demand(same(first.manifest.id, second.manifest.id), 'another generation');
      stage.requireKept(stored, stage.objects());
      const more = added(stage, stored, stage.key).length;
      require(more === 0, 'state', `${more} objects are new`);
    },
  ),
  rekeying(
    {
      id: 'set-writer.rekey-cut-off',
      title: 'A change of the key of which one copy was committed',
      why: 'With one copy the new key hangs on one object: the change is finished, in a generation of the same epoch.',
      requirements: ['RKY-9', 'RKY-5'],
    },
    async (stage) => {
      stage.write('film', content(70_000, 1));
      await stage.backUpWhole();
      const newKey = fresh(32);
      const first = await rekey(stage, stage.key, newKey);
      unlinkSync(join(stage.storage, first.copies[1] ?? ''));
      const second = await rekey(stage, stage.key, newKey);
      requireFollows(first, second);
      demand(second.manifest.keyEpoch === 2, 'another key epoch');
      stage.requireFolder(second);
    },
  ),
  rekeying(
    {
      id: 'set-writer.rekey-refused',
      title: 'The old key as the new one, a new key of another set, and an object that is gone',
      why: 'A key is changed for a set that is whole, or not at all.',
      requirements: ['RKY-5'],
    },
    async (stage) => {
      stage.write('film', content(70_000, 1));
      const { objectOf } = await stage.backUpWhole();
      const refuses = async (newKey: Bytes, code: string): Promise<void> =>
        stage.refused('set.rekey', { newKey: toHex(newKey) }, code);
      await refuses(stage.key, 'invalid-key');
      const other = new Rival(fresh(32));
      stage.put(...other.generation([]).copies);
      await refuses(other.key, 'fork');
      unlinkSync(join(stage.storage, objectOf.get('film') ?? ''));
      await refuses(fresh(32), 'object-missing');
    },
  ),
];
