import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { systemRandom } from '../crypto/random.ts';
import { backupWith } from './backup.ts';
import { flipAt, key, objectOf, place, tamper, tree, write, type Place } from './fixture.ts';
import { openManifest, restore, verify, type BackupOptions, type BackupResult } from './index.ts';
import { SetWriter } from './set-writer.ts';
import { FolderFile } from './folder-file.ts';
import { stampOf } from './stamp.ts';

const large = (letter: string, length = 200_000): Uint8Array =>
  new Uint8Array(length).fill(letter.charCodeAt(0));

/** A backup ten seconds later, when nothing in the folder changed but a moment ago. */
const later = (at: Place, options: Partial<BackupOptions> = {}, seconds = 10): Promise<BackupResult> =>
  backupWith({ random: systemRandom, now: () => Date.now() + 1000 * seconds }, at.source, at.storage, {
    key,
    ...options,
  });

const objects = (at: Place): string[] => readdirSync(at.storage.folder).sort();

/** All of it must come back, and nothing may be wrong in the storage. */
async function requireWhole(at: Place): Promise<void> {
  await restore(at.storage, key, at.target);
  expect(tree(at.target)).toEqual(tree(at.source));
  expect(await verify(at.storage, key)).toMatchObject({ failed: [], damaged: [], copies: 2 });
  rmSync(at.target, { recursive: true });
}

const some = { 'a/small': 'small', 'a/empty': '', big: large('b'), other: large('o', 300_000) };

// proves BAK-8, BAK-11
describe('an unchanged folder', () => {
  it('is not read again: two copies of a manifest are all that is written', async () => {
    const at = place(some);
    expect(await later(at)).toMatchObject({
      sealed: { files: 4, bytes: 500_005 },
      reused: { files: 0, bytes: 0 },
    });
    const before = objects(at);
    const seen: number[] = [];
    const second = await later(at, { onProgress: ({ bytes }) => seen.push(bytes) });
    expect(second).toMatchObject({
      generation: 2,
      sealed: { files: 0, bytes: 0 },
      reused: { files: 4, bytes: 500_005 },
    });
    // Progress counts what is used again.
    expect(seen.at(-1)).toBe(500_005);
    expect(objects(at)).toHaveLength(before.length + 2);
    expect(objects(at)).toEqual(expect.arrayContaining(before));
    await requireWhole(at);
  });

  it('is known by contents where stamps say nothing', async () => {
    const at = place(some);
    // Changed a moment ago: any stamp could hide a change.
    const first = await later(at, {}, 0);
    expect((await openManifest(at.storage, key)).manifest.entries).toMatchObject(
      ['a', 'a/empty', 'a/small', 'big', 'other'].map((path) =>
        path === 'a' ? { path } : { path, stamp: new Uint8Array() },
      ),
    );
    const unchanged = vi.spyOn(SetWriter.prototype, 'unchanged');
    const second = await later(at);
    expect(unchanged.mock.results.map(({ value }) => value as boolean)).toEqual([false, false, false, false]);
    expect(second.reused).toEqual(first.sealed);
    unchanged.mockRestore();
    await requireWhole(at);
  });

  it('is read all the same with `reread`, and sealed no more', async () => {
    const at = place(some);
    const first = await later(at);
    const before = objects(at).length;
    const unchanged = vi.spyOn(SetWriter.prototype, 'unchanged');
    const second = await later(at, { reread: true });
    expect(unchanged).not.toHaveBeenCalled();
    unchanged.mockRestore();
    expect(second.reused).toEqual(first.sealed);
    expect(objects(at)).toHaveLength(before + 2);
    await requireWhole(at);
  });

  it('takes its new mode', async () => {
    const at = place({ big: large('b') });
    await later(at);
    chmodSync(join(at.source, 'big'), 0o600);
    expect((await later(at)).reused.files).toBe(1);
    const { entries } = (await openManifest(at.storage, key)).manifest;
    expect(entries).toMatchObject([{ mode: 0o600 }]);
  });
});

// proves BAK-8, BAK-10
describe('a file that changed', () => {
  it.each([
    ['a small', 100],
    ['a large', 200_000],
  ])('%s one, of the same length and time as before, is sealed again', async (_what, length) => {
    const at = place({ db: large('A', length), rest: large('r') });
    const time = 1_700_000_000;
    utimesSync(join(at.source, 'db'), time, time);
    await later(at);
    write(at.source, 'db', large('B', length));
    utimesSync(join(at.source, 'db'), time, time);
    expect(await later(at)).toMatchObject({ sealed: { files: 1, bytes: length }, reused: { files: 1 } });
    await requireWhole(at);
  });

  it('back to what it was in the last generation is not sealed again', async () => {
    const at = place({ a: large('A') });
    await later(at);
    write(at.source, 'a', large('A'));
    const before = objects(at).length;
    expect(await later(at)).toMatchObject({ sealed: { files: 0 }, reused: { files: 1 } });
    // It was sealed as it was read, and thrown away.
    expect(objects(at)).toHaveLength(before + 2);
    await requireWhole(at);
  });

  it('that is gone is not in the next generation, and stays in the last', async () => {
    const at = place(some);
    await later(at);
    const [first = ''] = (await openManifest(at.storage, key)).copies;
    rmSync(join(at.source, 'big'));
    rmSync(join(at.source, 'a'), { recursive: true });
    expect(await later(at)).toMatchObject({ entries: 1, reused: { files: 1 } });
    await requireWhole(at);
    await restore(at.storage, key, at.target, { manifest: first });
    expect(Object.keys(tree(at.target)).sort()).toEqual(['a/', 'a/empty', 'a/small', 'big', 'other']);
  });
});

// proves BAK-7, BAK-10
describe('a content that is known', () => {
  it('under another path, or under several, is not sealed again', async () => {
    const at = place(some);
    await later(at);
    const before = objects(at).length;
    mkdirSync(join(at.source, 'new'));
    renameSync(join(at.source, 'big'), join(at.source, 'new/big'));
    copyFileSync(join(at.source, 'other'), join(at.source, 'copy'));
    copyFileSync(join(at.source, 'a/small'), join(at.source, 'new/small'));
    expect(await later(at)).toMatchObject({ sealed: { files: 0 }, reused: { files: 6 } });
    expect(objects(at)).toHaveLength(before + 2);
    await requireWhole(at);
  });

  it('of this very run is not sealed again', async () => {
    const at = place({ a: large('x'), b: large('x'), c: large('y'), d: 'same', e: 'same' });
    expect(await later(at)).toMatchObject({ sealed: { files: 3 }, reused: { files: 2 } });
    await requireWhole(at);
  });

  it.each([
    ['removed', (at: Place, name: string): void => rmSync(join(at.storage.folder, name))],
    ['cut', (at: Place, name: string): void => tamper(at, name, (bytes) => bytes.subarray(0, -1))],
    ['damaged in its header', (at: Place, name: string): void => tamper(at, name, flipAt(20))],
  ])('but whose object was %s is sealed again', async (_what, harm) => {
    const at = place({ 'a/small': 'small', big: large('b') });
    await later(at);
    const [small, big] = [await objectOf(at, 'a/small'), await objectOf(at, 'big')];
    harm(at, small);
    harm(at, big);
    expect(await later(at)).toMatchObject({ sealed: { files: 2 }, reused: { files: 0 } });
    for (const name of [small, big]) rmSync(join(at.storage.folder, name), { force: true });
    await requireWhole(at);
  });
});

// proves BAK-12
describe('a damaged object that the storage lists in its length', () => {
  const harmed = async (): Promise<Place> => {
    const at = place({ small: 'small', big: large('b'), other: large('o') });
    await later(at);
    for (const path of ['small', 'big']) tamper(at, await objectOf(at, path), flipAt(-1));
    return at;
  };

  it('is used again as long as nobody looks', async () => {
    const at = await harmed();
    expect(await later(at)).toMatchObject({ sealed: { files: 0 }, reused: { files: 3 } });
    expect((await verify(at.storage, key)).failed).toHaveLength(2);
  });

  it('is sealed anew with `check`', async () => {
    const at = await harmed();
    expect(await later(at, { check: true })).toMatchObject({ sealed: { files: 2 }, reused: { files: 1 } });
    await requireWhole(at);
  });
});

// proves BAK-6
describe('volumes', () => {
  it.each([
    [350_000, [100_000, 100_000, 100_000, 50_000]],
    [200_000, [100_000, 100_000]],
    [100_000, [100_000]],
    [100_001, [100_000, 1]],
  ])('cut %i bytes of content', async (length, lengths) => {
    const content = Uint8Array.from({ length }, (_, i) => (i >> 8) ^ i);
    const at = place({ movie: content });
    await later(at, { volumeLength: 100_000 });
    const { objects: named, entries } = (await openManifest(at.storage, key)).manifest;
    expect(named.map(({ contentLength }) => contentLength)).toEqual(lengths);
    expect(entries).toMatchObject([{ parts: lengths.map((_, object) => ({ object, range: undefined })) }]);
    await requireWhole(at);
    // Used again as they are, whatever the limit is now.
    expect(await later(at)).toMatchObject({ sealed: { files: 0 }, reused: { files: 1 } });
    await requireWhole(at);
  });

  it('of a file that changed while it was read are removed', async () => {
    const at = place({ log: large('l', 400_000) });
    const { skipped } = await later(at, {
      volumeLength: 100_000,
      onProgress: ({ path }) => {
        if (path === 'log') utimesSync(join(at.source, 'log'), Math.random() * 1e9, 1);
      },
    });
    expect(skipped).toEqual([{ path: 'log', code: 'changed' }]);
    expect(objects(at)).toHaveLength(2);
  });
});

// proves BAK-9
describe('a stamp', () => {
  const state = { ino: 1n, size: 2n, mtimeNs: -3n, ctimeNs: 4_000_000_000n };

  it('depends on each of its parts', () => {
    const now = 1e12;
    const stamps = [
      state,
      { ...state, ino: 2n },
      { ...state, size: 3n },
      { ...state, mtimeNs: -4n },
      { ...state, ctimeNs: 4_000_000_001n },
    ].map((each) => Buffer.from(stampOf(each, now)).toString('hex'));
    expect(new Set(stamps).size).toBe(5);
    // SHA-256 of 0000000000000001 0000000000000002 fffffffffffffffd 00000000ee6b2800
    expect(stamps[0]).toBe('748d2e31ffffdbafdf919145523d653c');
  });

  it.each([
    [5999, 0],
    [6000, 16],
    [0, 0],
  ])('of a change at 4000 ms is, at %i ms, %i bytes long', (now, length) => {
    expect(stampOf(state, now)).toHaveLength(length);
  });

  // proves BAK-8
  it('is empty if the file changes between the clock and the look', () => {
    const at = place({ a: 'a' });
    const before = statSync(join(at.source, 'a')).ctimeMs;
    const now = (): number => {
      while (Date.now() < before + 50);
      write(at.source, 'a', 'b');
      return before + 2001;
    };
    const work = { folder: at.source, buffer: new Uint8Array(9), onBytes: () => undefined, now };
    const file = FolderFile.open(work, 'a');
    file.close();
    expect(file.meta.stamp).toHaveLength(0);
  });

  it('of the file system is not of the future', () => {
    const at = place({ a: 'a' });
    const stat = statSync(join(at.source, 'a'), { bigint: true });
    expect(stampOf(stat, Date.now())).toHaveLength(0);
    expect(stampOf(stat, Date.now() + 3000)).toHaveLength(16);
  });
});
