/**
 * Removing old generations.
 *
 * @module
 */
import { fresh, toHex, type Bytes } from '../../peer/primitives.ts';
import type { Audit } from '../../peer/set-audit.ts';
import type { Case } from '../../runner/case.ts';
import { Rival } from './rival.ts';
import { content, require, writes, type Stage } from './stage.ts';
import { requireFollows } from './start.ts';

/** Three generations: one file stays, one changes each time. */
export async function three(stage: Stage): Promise<Audit[]> {
  const found: Audit[] = [];
  stage.write('stays', content(70_000, 1));
  stage.write('note', content(300, 1));
  for (let i = 0; i < 3; i++) {
    stage.write('changes', content(70_000, 10 + i));
    stage.write(`small-${i}`, content(300, 20 + i));
    found.push(await stage.backUpWhole());
  }
  return found;
}

async function prune(stage: Stage, keep: number): Promise<void> {
  const { kept } = await stage.ask('set.prune', { key: toHex(stage.key), keep });
  const expected = JSON.stringify(Array.from({ length: keep }, (_, i) => 3 - i));
  require(JSON.stringify(kept) === expected, 'wrong-output', `kept: ${JSON.stringify(kept)}`);
}

/** Exactly these generations and those files of other people are left. */
function requireLeft(
  stage: Stage,
  before: ReadonlyMap<string, Bytes>,
  audits: readonly Audit[],
  others: readonly string[] = [],
): void {
  const expected = new Set([...audits.flatMap(({ copies, names }) => [...copies, ...names]), ...others]);
  const after = stage.objects();
  stage.requireKept(before, after, expected);
  for (const name of after.keys()) require(expected.has(name), 'state', `${name} was not removed`);
}

async function refuses(stage: Stage, code: string, keep = 1): Promise<void> {
  await stage.refused('set.prune', { keep }, code);
}

function pruning(
  about: { id: string; title: string; why: string; requirements: string[] },
  play: (stage: Stage) => Promise<void>,
): Case {
  return writes({ ...about, feature: 'prune' }, play);
}

/** Cases of old generations. */
export const retentionCases: readonly Case[] = [
  pruning(
    {
      id: 'set-writer.prune-one',
      title: 'Three generations, of which one stays',
      why: 'What the newest one names was partly made for the oldest: removed with that, it is lost.',
      requirements: ['PRN-1', 'PRN-3', 'PRN-4'],
    },
    async (stage) => {
      const other = new Rival(fresh(32));
      const foreign = other.hold('film', content(70_000, 9));
      const theirs = [foreign.stored, ...other.generation([foreign]).copies, other.checkpoint([foreign])];
      stage.put(...theirs);
      const stray = new Rival(stage.key).hold('stray', content(80_000));
      stage.put(stray.stored);
      const [, , last] = await three(stage);
      const before = stage.objects();
      await prune(stage, 1);
      requireLeft(
        stage,
        before,
        last === undefined ? [] : [last],
        theirs.map(({ name }) => name),
      );
      stage.requireFolder(stage.look());
    },
  ),
  pruning(
    {
      id: 'set-writer.prune-two',
      title: 'Three generations, of which two stay, and then a backup',
      why: 'Every kept generation has to be whole, not only the newest one.',
      requirements: ['PRN-1', 'PRN-3'],
    },
    async (stage) => {
      const [, second, third] = await three(stage);
      const before = stage.objects();
      await prune(stage, 2);
      requireLeft(
        stage,
        before,
        [second, third].flatMap((each) => each ?? []),
      );
      stage.look(stage.key, 2);
      stage.write('changes', content(70_000, 50));
      if (third !== undefined) requireFollows(third, await stage.backUpWhole());
    },
  ),
  pruning(
    {
      id: 'set-writer.prune-unreadable',
      title: 'An object with a damaged header that nobody names',
      why: 'It may be a manifest, and what only it names would be gone.',
      requirements: ['PRN-2'],
    },
    async (stage) => {
      await three(stage);
      const { stored } = new Rival(stage.key).hold('stray', content(80_000));
      stage.put(stored);
      stage.damage(stored.name, 30);
      await refuses(stage, 'header-damaged');
    },
  ),
  pruning(
    {
      id: 'set-writer.prune-kept-unreadable',
      title: 'A generation that is to stay, and of which no copy can be read',
      why: 'Whoever takes it for dropped removes all that a recovery of its copies would need.',
      requirements: ['PRN-6', 'PRN-2'],
    },
    async (stage) => {
      const [, second] = await three(stage);
      for (const name of second?.copies ?? []) stage.damage(name, -20);
      await refuses(stage, 'chunk-damaged', 2);
    },
  ),
  pruning(
    {
      id: 'set-writer.prune-unfinished',
      title: 'A checkpoint that names something',
      why: 'A backup is under way, and what it has sealed looks like what a crash left behind.',
      requirements: ['PRN-2', 'PRN-1'],
    },
    async (stage) => {
      const [, , last] = await three(stage);
      const { setId, mediaKey } = last?.manifest ?? { setId: fresh(16), mediaKey: fresh(32) };
      const rival = new Rival(stage.key, setId, mediaKey);
      const held = rival.hold('new', content(80_000));
      stage.put(held.stored, rival.checkpoint([held]));
      await refuses(stage, 'backup-unfinished');
    },
  ),
];
