/**
 * What a writer starts from: the newest generation, or a reason to write nothing.
 *
 * @module
 */
import { fresh, same, toHex } from '../../peer/primitives.ts';
import type { Audit } from '../../peer/set-audit.ts';
import { demand } from '../../peer/set-reading.ts';
import type { Case } from '../../runner/case.ts';
import { Rival } from './rival.ts';
import { content, writes, type Stage } from './stage.ts';

/** What follows `before` has it as its last ancestor, and those of it behind. */
export function requireFollows(before: Audit, after: Audit): void {
  const [was, is] = [before.manifest, after.manifest];
  demand(is.generation === was.generation + 1, `generation ${is.generation} after ${was.generation}`);
  demand(same(was.setId, is.setId) && same(was.mediaKey, is.mediaKey), 'another set id or media key');
  const expected = [
    { generation: was.generation, manifestId: was.id, commitments: was.commitments },
    ...was.ancestors,
  ];
  const plain = (ancestors: typeof expected): string =>
    JSON.stringify(
      ancestors.map(({ generation, manifestId, commitments }) => [
        generation,
        toHex(manifestId),
        ...commitments.map(toHex),
      ]),
    );
  demand(plain(is.ancestors.slice()) === plain(expected), 'other ancestors than the generation before has');
}

async function refuses(stage: Stage, ...codes: string[]): Promise<void> {
  await stage.refused('set.back-up', { folder: stage.folder }, ...codes);
}

/** Flips a bit in the only chunk of both copies; wherever their headers end. */
function ruin(stage: Stage, copies: readonly string[], at = -1): void {
  for (const name of copies) stage.damage(name, at);
}

/** Cases of beginning. */
export const startCases: readonly Case[] = [
  writes(
    {
      id: 'set-writer.generations',
      title: 'Four generations that follow each other',
      why: 'A generation that does not name those before it makes their damage look like a newer backup.',
      requirements: ['MAN-1', 'MAN-18', 'SET-8', 'SET-2'],
    },
    async (stage) => {
      stage.write('stays', content(70_000));
      let before = await stage.backUpWhole();
      for (let i = 0; i < 3; i++) {
        stage.write('changes', content(100 + i));
        const stored = stage.objects();
        const after = await stage.backUpWhole();
        requireFollows(before, after);
        stage.requireKept(stored, stage.objects());
        before = after;
      }
    },
  ),
  writes(
    {
      id: 'set-writer.foreign',
      title: 'A storage that holds the set of another key',
      why: 'What opens under no key of the writer belongs to somebody else.',
      requirements: ['SET-2', 'SET-3', 'SET-8'],
    },
    async (stage) => {
      const other = new Rival(fresh(32));
      const held = other.hold('film', content(70_000, 1));
      stage.put(held.stored, ...other.generation([held], 7).copies, other.checkpoint([held]));
      const before = stage.objects();
      stage.write('film', content(70_000, 1));
      for (let i = 0; i < 2; i++) {
        const found = await stage.backUpWhole();
        demand(found.manifest.generation === i + 1, 'the generations of another set were counted');
      }
      stage.requireKept(before, stage.objects());
    },
  ),
  writes(
    {
      id: 'set-writer.fork',
      title: 'Manifests of two sets, or two manifests of one generation, under one key',
      why: 'A third one on top of either makes the other one hard to find and easy to remove.',
      requirements: ['BAK-21'],
    },
    async (stage) => {
      const key = stage.key;
      stage.write('file', content(10));
      stage.put(...new Rival(key).generation([], 1).copies, ...new Rival(key).generation([], 2).copies);
      await refuses(stage, 'fork');
    },
  ),
  writes(
    {
      id: 'set-writer.newest-damaged',
      title: 'A newest generation of which no copy can be opened',
      why: 'Whoever goes on from the one before gives the number of a backup that is there to another.',
      requirements: ['BAK-21', 'SET-16'],
    },
    async (stage) => {
      const rival = new Rival(stage.key);
      const first = rival.generation([], 1);
      const second = rival.generation([], 2, [first.ancestor]);
      stage.put(...first.copies, ...second.copies);
      ruin(
        stage,
        second.copies.map(({ name }) => name),
      );
      stage.write('file', content(10));
      await refuses(stage, 'chunk-damaged');
    },
  ),
  writes(
    {
      id: 'set-writer.all-damaged',
      title: 'A storage in which no manifest can be read',
      why: 'A new set beside the old one hides that the old one can be mended.',
      requirements: ['BAK-21', 'SET-16'],
    },
    async (stage) => {
      stage.write('file', content(10));
      const { copies } = await stage.backUpWhole();
      ruin(stage, copies);
      await refuses(stage, 'chunk-damaged');
      ruin(stage, copies);
      ruin(stage, copies, 20);
      await refuses(stage, 'header-damaged');
    },
  ),
  writes(
    {
      id: 'set-writer.one-copy-damaged',
      title: 'A newest generation with one copy that is damaged',
      why: 'The twin is there for that: the next backup follows it, and names both copies.',
      requirements: ['MAN-1', 'BAK-21'],
    },
    async (stage) => {
      stage.write('film', content(70_000));
      const before = await stage.backUpWhole();
      stage.damage(before.copies[0] ?? '', -1);
      const stored = stage.objects();
      const after = await stage.backUpWhole();
      requireFollows(before, after);
      stage.requireKept(stored, stage.objects());
    },
  ),
  writes(
    {
      id: 'set-writer.followed-damaged',
      title: 'A newest generation whose head can be read, and nothing behind it',
      why: 'It is followed, so that its number is not given again; nobody can say what it held, so it is no ancestor.',
      requirements: ['MAN-1', 'BAK-21'],
    },
    async (stage) => {
      // Manifests of more than one chunk.
      for (let i = 0; i < 300; i++)
        stage.write(`${String(i).padStart(3, '0')}${'x'.repeat(220)}`, content(0));
      const before = await stage.backUpWhole();
      for (const name of before.copies) stage.damage(name, -1);
      const { generation } = await stage.backUp();
      const after = stage.look();
      demand(generation === 2 && after.manifest.generation === 2, 'another generation than 2');
      demand(after.manifest.ancestors.length === 0, 'an ancestor that could not be read');
      demand(same(after.manifest.setId, before.manifest.setId), 'another set id');
      stage.requireFolder(after);
    },
  ),
];
