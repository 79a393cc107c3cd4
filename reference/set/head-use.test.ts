import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { codeOf, key, place, tree, write, type Place } from './fixture.ts';
import type { Freshness } from './freshness.ts';
import { signHead } from './head.ts';
import type { HeadStore } from './head-store.ts';
import { backup, DirectoryStorage, history, list, openManifest, restore, verify } from './index.ts';
import type { Stored } from './storage.ts';

/** A head in memory. */
function keeper(signed?: Bytes): HeadStore {
  return { get: () => Promise.resolve(signed), put: () => Promise.reject(new Error('not put here')) };
}

/** The head of what is the newest backup now. */
async function headOf({ storage }: Place): Promise<Bytes> {
  const { manifest, id } = await openManifest(storage, key);
  return signHead(key, { ...manifest, manifestId: id });
}

/** The storage as it is now, to be shown later. */
function copyOf({ base, storage }: Place, name: string): DirectoryStorage {
  cpSync(storage.folder, join(base, name), { recursive: true });
  return new DirectoryStorage(join(base, name));
}

/** Three generations, the head of each, and the storage after each. */
async function history3(): Promise<{ at: Place; heads: Bytes[]; storages: DirectoryStorage[] }> {
  const at = place({ a: '0' });
  const heads: Bytes[] = [];
  const storages: DirectoryStorage[] = [];
  for (const generation of ['1', '2', '3']) {
    write(at.source, 'a', generation);
    await backup(at.source, at.storage, { key });
    heads.push(await headOf(at));
    storages.push(copyOf(at, `after-${generation}`));
  }
  return { at, heads, storages };
}

const none = new Uint8Array();

describe('a reader that has a head', () => {
  // proves FRS-9, FRS-10
  it.each<[string, number | undefined, number, Freshness]>([
    ['nothing', undefined, 2, 'unknown'],
    ['the newest', 2, 2, 'fresh'],
    ['the one before', 1, 2, 'ahead'],
    ['the first of three', 0, 2, 'ahead'],
    ['one that the storage no longer shows', 2, 1, 'stale'],
    ['one that the storage no longer shows, by far', 2, 0, 'stale'],
  ])('that names %s reports it, and restores nothing that is stale', async (_what, named, shown, result) => {
    const { at, heads, storages } = await history3();
    const head = keeper(named === undefined ? undefined : heads[named]);
    const storage = storages[shown] ?? at.storage;
    expect((await verify(storage, key, { head })).freshness).toBe(result);
    expect((await list(storage, key, { head })).freshness).toBe(result);
    const restored = restore(storage, key, at.target, { head });
    if (result === 'stale') {
      expect(await codeOf(restored)).toBe('stale');
      expect(existsSync(at.target)).toBe(false);
    } else {
      expect((await restored).freshness).toBe(result);
      expect(tree(at.target)).toEqual({ a: '3' });
    }
    expect((await verify(storage, key)).freshness).toBe('unknown');
  });

  // proves FRS-10
  it('restores what is stale if it is named, and says so', async () => {
    const { at, heads, storages } = await history3();
    const storage = storages[1] ?? at.storage;
    const [newest] = await history(storage, key);
    const head = keeper(heads[2]);
    const report = await restore(storage, key, at.target, { head, manifest: newest?.name ?? '' });
    expect(report).toMatchObject({ freshness: 'stale', generation: 2 });
    expect(tree(at.target)).toEqual({ a: '2' });
  });

  // proves FRS-10
  it('tells a fork: another generation 3, another set, and a generation 4 on another 3', async () => {
    const { at, heads, storages } = await history3();
    const head = keeper(heads[2]);
    const other = storages[1] ?? at.storage;
    write(at.source, 'a', 'other');
    await backup(at.source, other, { key });
    expect(await codeOf(restore(other, key, at.target, { head }))).toBe('fork');
    await backup(at.source, other, { key });
    expect(await codeOf(restore(other, key, at.target, { head }))).toBe('fork');
    expect((await verify(other, key, { head })).freshness).toBe('fork');
    const fresh = place({ a: 'set' });
    await backup(fresh.source, fresh.storage, { key });
    expect(await codeOf(restore(fresh.storage, key, at.target, { head }))).toBe('fork');
    expect(existsSync(at.target)).toBe(false);
  });

  // proves FRS-3
  it('does not go on with a head of another key, or with what is none', async () => {
    const { at } = await history3();
    const { manifest, id } = await openManifest(at.storage, key);
    const foreign = signHead(BackupKey.generate(), { ...manifest, manifestId: id });
    for (const signed of [foreign, none]) {
      const head = keeper(signed);
      expect(await codeOf(restore(at.storage, key, at.target, { head }))).toBe('bad-head');
      expect(await codeOf(verify(at.storage, key, { head }))).toBe('bad-head');
      expect(await codeOf(list(at.storage, key, { head }))).toBe('bad-head');
    }
    expect(existsSync(at.target)).toBe(false);
  });

  // proves FRS-8
  it('is not misled by a backup that ends between its two looks', async () => {
    const at = place({ a: '1' });
    await backup(at.source, at.storage, { key });
    let signed = await headOf(at);
    const head: HeadStore = { ...keeper(), get: () => Promise.resolve(signed) };
    let isDone = false;
    class Slow extends DirectoryStorage {
      override async *list(): ReturnType<DirectoryStorage['list']> {
        const before: Stored[] = [];
        for await (const each of super.list()) before.push(each);
        if (!isDone) {
          isDone = true;
          await backup(at.source, at.storage, { key });
          signed = await headOf(at);
        }
        yield* before;
      }
    }
    // The list is the one before the second backup; a head that is got after it would be newer than all that it shows.
    const report = await verify(new Slow(at.storage.folder), key, { head });
    expect(report.freshness).toBe('fresh');
    expect(readdirSync(at.storage.folder).length).toBeGreaterThan(3);
  });
});
