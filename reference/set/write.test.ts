import {
  closeSync,
  futimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { key, place, tree, write, type Place } from './fixture.ts';
import { backup, restore, type BackupResult, type Progress } from './index.ts';
import { walk, type Skipped } from './walk.ts';

const SIZE = 4 << 20;
const content = (letter: string): Uint8Array => new Uint8Array(SIZE).fill(letter.charCodeAt(0));

/** Backs up and calls `act` each time that more of `path` was read. */
function during(at: Place, path: string, act: (progress: Progress) => void): Promise<BackupResult> {
  return backup(at.source, at.storage, {
    key,
    onProgress: (progress) => {
      if (progress.path === path) act(progress);
    },
  });
}

/** Rewrites a file in place, and sets its time of modification back, as databases and `rsync --times` do. */
function rewrite(path: string, letter: string): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, content(letter), 0, SIZE, 0);
  futimesSync(fd, 1_700_000_000, 1_700_000_000);
  closeSync(fd);
}

// proves SET-11, SET-22
describe('a file that changes while it is read, of the same length and time as before', () => {
  it('is read again', async () => {
    const at = place({ db: content('A') });
    utimesSync(join(at.source, 'db'), 1_700_000_000, 1_700_000_000);
    let done = false;
    const result = await during(at, 'db', ({ bytes }) => {
      if (done || bytes < SIZE / 2) return;
      done = true;
      rewrite(join(at.source, 'db'), 'B');
    });
    expect(result.skipped).toEqual([]);
    await restore(at.storage, key, at.target);
    expect(new Set(tree(at.target)['db'])).toEqual(new Set('B'));
  });

  it('is left out and reported if it does so each time', async () => {
    const at = place({ a: 'a', db: content('A') });
    let times = 0;
    const result = await during(at, 'db', () =>
      rewrite(join(at.source, 'db'), 'ABCDEFGH'.charAt(++times % 8)),
    );
    expect(result.skipped).toEqual([{ path: 'db', code: 'changed' }]);
    await restore(at.storage, key, at.target);
    expect(tree(at.target)).toEqual({ a: 'a' });
  });
});

// proves SET-11
it('a file that another one has replaced meanwhile is read again', async () => {
  const at = place({ a: content('A') });
  let done = false;
  await during(at, 'a', ({ bytes }) => {
    if (done || bytes === 0) return;
    done = true;
    write(at.base, 'new', content('B'));
    renameSync(join(at.base, 'new'), join(at.source, 'a'));
  });
  await restore(at.storage, key, at.target);
  expect(new Set(tree(at.target)['a'])).toEqual(new Set('B'));
});

// proves SET-14
describe('a directory in whose place a link appears', () => {
  function swapped(): Place & { readonly swap: () => void } {
    const at = place({ a: content('a'), 'd/e/f': 'inside', z: 'z' });
    write(at.base, 'outside/e/f', 'SECRET');
    const d = join(at.source, 'd');
    const swap = (): void => {
      renameSync(d, join(at.base, 'away'));
      symlinkSync('../outside', d);
    };
    return { ...at, swap };
  }

  it('is not followed after the walk', async () => {
    const at = swapped();
    let done = false;
    const result = await during(at, 'a', () => {
      if (!done) at.swap();
      done = true;
    });
    expect(result.skipped).toEqual([{ path: 'd/e/f', code: 'changed' }]);
    await restore(at.storage, key, at.target);
    expect(Object.keys(tree(at.target)).sort()).toEqual(['a', 'd/', 'd/e/', 'z']);
  });

  it('is followed neither if it comes and goes', async () => {
    const at = swapped();
    // Large, so that the link can go before all of what it leads to has been read.
    rmSync(join(at.base, 'outside'), { recursive: true });
    mkdirSync(join(at.base, 'outside'));
    write(at.base, 'outside/e/f', content('S'));
    let there = false;
    const result = await backup(at.source, at.storage, {
      key,
      onProgress: ({ path, bytes }) => {
        if (path === 'd/e/f' && !there && bytes === SIZE) {
          there = true;
          at.swap();
        } else if (there && bytes > SIZE) {
          there = false;
          rmSync(join(at.source, 'd'));
          renameSync(join(at.base, 'away'), join(at.source, 'd'));
        }
      },
    });
    expect(result.skipped).toEqual([]);
    await restore(at.storage, key, at.target);
    expect(tree(at.target)).toMatchObject({ 'd/e/f': 'inside' });
  });

  it('is not looked into during the walk', () => {
    const at = swapped();
    const skipped: Skipped[] = [];
    // The swap comes when a bad link in `d` is noted: what is in `d/e` is looked at after that.
    symlinkSync('/absolute', join(at.source, 'd/bad'));
    const push = skipped.push.bind(skipped);
    skipped.push = (...each: Skipped[]): number => {
      if (each[0]?.path === 'd/bad') at.swap();
      return push(...each);
    };
    const found = walk(at.source, skipped, () => new Uint8Array()).map(({ path }) => path);
    expect(found).not.toContain('d/e/f');
    // In whichever order the system lists `d`.
    expect(skipped.map(({ path, code }) => `${path} ${code}`).join()).toMatch(/\bd\/e(?:\/f)? changed/u);
  });
});
