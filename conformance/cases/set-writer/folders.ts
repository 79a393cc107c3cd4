/**
 * What a writer makes of a folder: what it leaves out and says so, stamps, and files that change meanwhile.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { be, same, sha256, toHex, unhex, utf8, type Bytes } from '../../peer/primitives.ts';
import { demand } from '../../peer/set-reading.ts';
import type { Case } from '../../runner/case.ts';
import { now, observe } from '../../tape/tape.ts';
import { content, require, writes, writesAged, type LeftOut, type Stage } from './stage.ts';

/** A name that is not UTF-8; nothing where the file system takes no such name. */
function writeForeignName(stage: Stage): LeftOut[] {
  try {
    writeFileSync(Buffer.concat([Buffer.from(join(stage.folder, 'x')), Buffer.of(0xff)]), 'x');
    return [{ path: 'x\ufffd', code: 'unsafe-path' }];
  } catch {
    return [];
  }
}

/** A pipe; nothing where there are none. */
function writePipe(stage: Stage): LeftOut[] {
  if (process.platform === 'win32') return [];
  execFileSync('mkfifo', [join(stage.folder, 'pipe')]);
  return [{ path: 'pipe', code: 'unsupported-file' }];
}

/** A stamp (spec/backup.md, "Using again"). */
export function stampOf(place: string): Bytes {
  const stamp = observe({ stamp: place }, () => {
    const { ino, size, mtimeNs, ctimeNs } = lstatSync(place, { bigint: true });
    const times = [mtimeNs, ctimeNs].map((time) => be(8, BigInt.asUintN(64, time)));
    return toHex(sha256(be(8, ino), be(8, size), ...times).slice(0, 16));
  });
  return unhex(stamp);
}

/** Cases of folders. */
export const folderCases: readonly Case[] = [
  writes(
    {
      id: 'set-writer.left-out',
      title: 'Links out of the folder, a pipe, a name that is not UTF-8',
      why: 'What is left out must be told, must not hang the backup, and must not come in through a link.',
      requirements: ['SET-10', 'SET-14', 'SET-21', 'MAN-10'],
    },
    async (stage) => {
      const outside = join(stage.storage, '..', 'outside');
      mkdirSync(outside);
      writeFileSync(join(outside, 'secret'), 'not in the folder');
      stage.write('deep/file', content(10));
      stage.write('film', content(70_000));
      symlinkSync(outside, join(stage.folder, 'absolute'));
      symlinkSync('../outside', join(stage.folder, 'out'));
      symlinkSync('../../outside/secret', join(stage.folder, 'deep/out'));
      symlinkSync('deep/../../outside', join(stage.folder, 'around'));
      symlinkSync('..', join(stage.folder, 'deep/in'));
      const expected = [
        { path: 'absolute', code: 'unsafe-path' },
        { path: 'around', code: 'unsafe-path' },
        { path: 'deep/out', code: 'unsafe-path' },
        { path: 'out', code: 'unsafe-path' },
        ...writePipe(stage),
        ...writeForeignName(stage),
      ];
      const { skipped } = await stage.backUp();
      const text = JSON.stringify(skipped);
      require(text === JSON.stringify(expected), 'wrong-output', `left out: ${text}`);
      const { entries } = stage.look();
      const paths = ['deep', 'deep/file', 'deep/in', 'film'];
      demand([...entries.keys()].join() === paths.join(), `the entries are ${[...entries.keys()].join()}`);
    },
  ),
  writes(
    {
      id: 'set-writer.storage-inside',
      title: 'A storage that lies in the folder that is backed up',
      why: 'A backup of itself grows without end, and takes its own half-written objects for files.',
      requirements: ['SET-13'],
    },
    async (stage) => {
      stage.write('file', content(10));
      const inside = join(stage.folder, 'storage');
      mkdirSync(inside);
      await stage.refused('set.back-up', { folder: stage.folder, storage: inside }, 'unsafe-path');
      symlinkSync(basename(stage.folder), join(stage.folder, '..', 'another-way'));
      const around = join(stage.folder, '..', 'another-way');
      await stage.refused('set.back-up', { folder: around, storage: inside }, 'unsafe-path');
    },
  ),
  writesAged(
    {
      id: 'set-writer.stamps',
      title: 'Stamps of files, old and new',
      why: 'A stamp of a file that can still change unseen makes the next backup miss the change.',
      requirements: ['BAK-9', 'SET-22'],
    },
    (stage) => {
      for (const path of ['old', 'older/file']) stage.write(path, content(100, path.length));
      stage.write('film', content(70_000));
      for (const path of ['old', 'film']) utimesSync(join(stage.folder, path), 5, 1_700_000_000);
    },
    async (stage) => {
      stage.write('new', content(101));
      const began = now();
      const { entries } = await stage.backUpWhole();
      for (const path of ['old', 'older/file', 'film']) {
        const stamp = entries.get(path)?.stamp ?? utf8('');
        const expected = stampOf(join(stage.folder, path));
        demand(same(stamp, expected), `${path} has the stamp "${toHex(stamp)}", not ${toHex(expected)}`);
      }
      // On a machine that is too slow for it the file has become old meanwhile.
      if (now() - began < 1900)
        demand(entries.get('new')?.stamp.length === 0, 'a file that was just written has a stamp');
    },
  ),
  writes(
    {
      id: 'set-writer.changing',
      title: 'A file that changes while it is read',
      why: 'Half of the old content and half of the new one is a file that never was.',
      requirements: ['SET-11', 'SET-10'],
    },
    async (stage) => {
      const length = 24 * 2 ** 20;
      stage.write('busy', content(length));
      stage.write('calm', content(70_000));
      const file = openSync(join(stage.folder, 'busy'), 'r+');
      let count = 0;
      const change = (): void => {
        const mark = be(8, ++count);
        writeSync(file, mark, 0, 8, length - 8);
        writeSync(file, mark, 0, 8, 0);
      };
      change();
      const timer = setInterval(change, 1);
      const { skipped } = await stage.backUp().finally(() => {
        clearInterval(timer);
        closeSync(file);
      });
      const { contents } = stage.look();
      demand(same(contents.get('calm') ?? utf8(''), content(70_000)), 'the other file is not as it was');
      const stored = contents.get('busy');
      const told = JSON.stringify(skipped);
      const expected = JSON.stringify(stored === undefined ? [{ path: 'busy', code: 'changed' }] : []);
      require(told === expected, 'wrong-output', `left out: ${told}`);
      const isOne = stored === undefined || same(stored.slice(0, 8), stored.slice(-8));
      require(isOne, 'wrong-output', 'a content that the file never had');
    },
  ),
  writesAged(
    {
      id: 'set-writer.restored-time',
      title: 'A file whose content changed and whose time of modification was set back',
      why: 'Whoever sets one time back cannot set the other; a writer that looks at one alone keeps the old content for ever.',
      requirements: ['BAK-8', 'SET-22'],
    },
    (stage) => writeDated(stage, 0),
    async (stage) => {
      await stage.backUpWhole();
      writeDated(stage, 1);
      await stage.backUpWhole();
    },
  ),
];

/** Writes two files, and sets their time of modification back. */
function writeDated(stage: Stage, seed: number): void {
  for (const [path, length] of Object.entries({ small: 100, large: 70_000 })) {
    stage.write(path, content(length, seed));
    utimesSync(join(stage.folder, path), 1_700_000_000, 1_700_000_000);
  }
}
