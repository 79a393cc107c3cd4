/**
 * The order in which objects come and go: told by the system, which queues what happens to a folder.
 *
 * @module
 */
import { watch } from 'node:fs';
import { same, toHex } from '../../peer/primitives.ts';
import { readObject } from '../../peer/sealed-object.ts';
import { objectKeyOf, opensUnder, type Audit, type Objects } from '../../peer/set-audit.ts';
import { Fault, readCheckpoint, type FoundCheckpoint } from '../../peer/set-reading.ts';
import { storageName } from '../../peer/set.ts';
import type { Case } from '../../runner/case.ts';
import { score } from '../../runner/score.ts';
import { observe, pause } from '../../tape/tape.ts';
import { three } from './retention.ts';
import { Rival } from './rival.ts';
import { content, require, writes, type Stage } from './stage.ts';

/** An object that came into the storage, or went. */
type Move = { readonly name: string; readonly came: boolean };

/** Milliseconds in which the system tells what has happened. */
const TELLS = 100;

/** What comes and goes while something is done; `moved` is called as it is told. */
async function moves<T>(
  stage: Stage,
  act: () => Promise<T>,
  moved: (move: Move) => void = () => undefined,
): Promise<{ readonly moves: readonly Move[]; readonly result: T }> {
  const seen: Move[] = [];
  const there = new Set(stage.objects().keys());
  const watcher = watch(stage.storage, (event, name) => {
    if (event !== 'rename' || name?.endsWith('.sro') !== true) return;
    const came = !there.delete(name);
    if (came) there.add(name);
    seen.push({ name, came });
    moved({ name, came });
  });
  try {
    const result = await act();
    await pause(TELLS);
    return { moves: observe('moves', () => seen), result };
  } finally {
    watcher.close();
  }
}

function at(seen: readonly Move[], name: string, came: boolean): number {
  return seen.findIndex((move) => move.name === name && move.came === came);
}

/** The checkpoints of a storage that open under the key. */
function checkpointsIn(objects: Objects, objectKey: Uint8Array): Map<string, FoundCheckpoint> {
  const found = new Map<string, FoundCheckpoint>();
  for (const [name, object] of objects) {
    if (opensUnder(objectKey, object)?.type !== 2) continue;
    try {
      found.set(name, readCheckpoint(readObject(object, objectKey, undefined, true).content));
    } catch (error) {
      if (!(error instanceof Fault)) throw error; // a pack
    }
  }
  return found;
}

function leavingOrder(stage: Stage, [first, second, last]: readonly Audit[], seen: readonly Move[]): void {
  const gone = [first, second].flatMap((each) => each ?? []);
  const manifests = gone.flatMap(({ copies }) => copies);
  const kept = new Set(last?.names);
  const named = new Set(gone.flatMap(({ names }) => names).filter((name) => !kept.has(name)));
  const lastManifest = Math.max(...manifests.map((name) => at(seen, name, false)));
  for (const name of named) {
    require(at(seen, name, false) > lastManifest, 'state', `${name} went before the manifests that name it`);
  }
  const mark = seen.find(({ name, came }) => came && !stage.objects().has(name));
  require(mark !== undefined && seen[0] === mark, 'state', 'something went before there was a mark');
  require(seen.at(-1)?.name === mark.name, 'state', 'the mark went before what it stands for');
}

/** Cases of orders. */
export const orderCases: readonly Case[] = [
  writes(
    {
      id: 'set-writer.prune-order',
      title: 'The order in which old generations go',
      why: 'Cut off in the middle, the other order leaves manifests whose objects are gone.',
      requirements: ['PRN-5', 'PRN-1'],
      feature: 'prune',
    },
    async (stage) => {
      const audits = await three(stage);
      const params = { key: toHex(stage.key), keep: 1 };
      const { moves: seen } = await moves(stage, () => stage.ask('set.prune', params));
      leavingOrder(stage, audits, seen);
    },
  ),
  writes(
    {
      id: 'set-writer.checkpoint-last',
      title: 'The checkpoint of what a backup has sealed, before its manifest',
      why: 'Who removes old generations beside it takes what no manifest names for rubbish.',
      requirements: ['PRN-7', 'SET-5'],
    },
    async (stage) => {
      for (let i = 0; i < 3; i++) stage.write(`film-${i}`, content(80_000, i));
      const { moves: seen, result } = await moves(stage, () => stage.backUpWhole());
      const sealed = Math.max(...result.names.map((name) => at(seen, name, true)));
      const manifest = Math.min(...result.copies.map((name) => at(seen, name, true)));
      require(sealed < manifest, 'state', 'a manifest came before an object that it names');
      const between = seen.slice(sealed + 1, manifest).filter(({ came }) => came);
      const checkpoint = between.find(({ name }) => !stage.objects().has(name));
      require(checkpoint !== undefined, 'state', 'no checkpoint came between the objects and the manifest');
      const left = at(seen, checkpoint.name, false);
      const both = Math.max(...result.copies.map((name) => at(seen, name, true)));
      require(left > both, 'state', 'the checkpoint went before the manifest was there');
    },
  ),
  writes(
    {
      id: 'set-writer.mark-appears',
      title: 'A mark that appears while a backup is made',
      why: 'What the backup has sealed by then may be gone before its manifest names it.',
      requirements: ['PRN-8'],
    },
    async (stage) => {
      const rival = new Rival(stage.key);
      const first = rival.hold('first', content(75_000));
      stage.put(first.stored, ...rival.generation([first]).copies);
      for (let i = 0; i < 40; i++) stage.write(`film-${i}`, content(2 ** 17, i));
      const mark = rival.checkpoint([]);
      let put = false;
      const { result: outcome } = await moves(
        stage,
        () => stage.adapter.call('set.back-up', { ...stage.params() }),
        () => {
          if (!put) stage.put(mark);
          put = true;
        },
      );
      const { status } = score({ outcome: 'reject', errors: ['object-missing'] }, outcome, undefined);
      require(status === 'pass', 'accepted-invalid', 'a generation beside a mark that came meanwhile');
      require(stage.look().manifest.generation === 1, 'state', 'a generation was committed');
    },
  ),
  writes(
    {
      id: 'set-writer.cancelled',
      title: 'A backup that is stopped, and begun again',
      why: 'Who stops a backup of a whole day begins at its end the next time, or never makes one.',
      requirements: ['BAK-17', 'BAK-13', 'CNV-23', 'BAK-2'],
      feature: 'cancel',
    },
    async (stage) => {
      for (let i = 0; i < 40; i++) stage.write(`film-${i}`, content(2 ** 17, i));
      const outcome = await stage.adapter.call('set.back-up', { ...stage.params(), cancelAfter: 3 });
      const { status } = score({ outcome: 'reject', errors: ['cancelled'] }, outcome, undefined);
      require(status === 'pass', 'wrong-error', 'a backup that was stopped does not say so');
      const objects = stage.objects();
      const checkpoints = checkpointsIn(objects, objectKeyOf(stage.key));
      const named = new Set(
        [...checkpoints.values()].flatMap((each) =>
          each.objects.map(({ commitment }) => storageName(commitment)),
        ),
      );
      require(named.size >= 3, 'state', `checkpoints name ${named.size} of the objects that were committed`);
      for (const name of named)
        require(objects.has(name), 'state', `a checkpoint names ${name}, which is not there`);
      for (const name of objects.keys())
        require(named.has(name) || checkpoints.has(name), 'state', `nothing names ${name}`);
      const { names, manifest } = await stage.backUpWhole();
      for (const name of named) require(names.includes(name), 'state', `${name} was sealed again`);
      const [found] = checkpoints.values();
      require(found !== undefined && same(found.setId, manifest.setId), 'wrong-output', 'another set id');
    },
  ),
];
