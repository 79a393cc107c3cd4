import { describe, expect, it } from 'vitest';
import { StrongroomError } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { history } from './backups.ts';
import { codeOf } from './fixture.ts';
import { openHead, signHead } from './head.ts';
import type { HeadStore } from './head-store.ts';
import { openManifest } from './newest.ts';
import { readFiles, writeFiles, type Files } from './retention-fixture.ts';
import { MemoryStorage } from './storage-fixture.ts';

const key = BackupKey.fromBytes(new Uint8Array(32).fill(1));
const files = (content: string): Files => ({ a: content });

/** A head in memory, by compare-and-swap. */
class Keeper implements HeadStore {
  signed: Bytes | undefined;
  /** Called before each put. */
  before: () => Promise<void> | void = () => undefined;

  get(): Promise<Bytes | undefined> {
    return Promise.resolve(this.signed);
  }

  async put(next: Bytes, previous: Bytes | undefined): Promise<void> {
    await this.before();
    if (this.signed !== previous) throw new StrongroomError('conflict', 'another head');
    this.signed = next;
  }

  get generation(): number | undefined {
    return this.signed === undefined ? undefined : openHead(key, this.signed).generation;
  }
}

/** Writes n generations with a head; the storage after each. */
async function generations(
  n: number,
): Promise<{ head: Keeper; storage: MemoryStorage; after: MemoryStorage[] }> {
  const [head, storage] = [new Keeper(), new MemoryStorage()];
  const after: MemoryStorage[] = [];
  for (let i = 1; i <= n; i++) {
    await writeFiles(storage, { key, head }, files(String(i)));
    after.push(storage.copy());
  }
  return { head, storage, after };
}

describe('a backup with a head', () => {
  // proves FRS-1, FRS-13
  it('puts its own after its commit', async () => {
    const { head, storage } = await generations(1);
    const seen: string[] = [];
    storage.before = ({ operation }) => void seen.push(operation);
    head.before = async () => {
      seen.push('put head');
      // Both copies are there by now, and durable.
      const left = storage.afterCrash(() => false);
      expect((await openManifest(left, key)).copies).toHaveLength(2);
      expect(await readFiles(left, key)).toEqual(files('2'));
    };
    const done = await writeFiles(storage, { key, head }, files('2'));
    expect(done.headFault).toBeUndefined();
    expect(seen).toContain('put head');
    const { setId, generation, manifestId, created, keyEpoch } = done;
    expect(openHead(key, head.signed ?? new Uint8Array())).toEqual({
      setId,
      generation,
      manifestId,
      created,
      keyEpoch,
    });
    expect((await openManifest(storage, key, { head })).freshness).toBe('fresh');
  });

  // proves FRS-11
  it('does not follow what is stale, and writes nothing', async () => {
    const { head, after } = await generations(3);
    const older = after[1] ?? new MemoryStorage();
    const before = new Map(older.objects);
    expect(await codeOf(writeFiles(older, { key, head }, files('x')))).toBe('stale');
    expect(older.objects).toEqual(before);
    expect(head.generation).toBe(3);
  });

  // proves FRS-11
  it.each(['as new as the head', 'newer than the head'])(
    'does not follow a fork that is %s',
    async (what) => {
      const { head, after } = await generations(3);
      const fork = after[1] ?? new MemoryStorage();
      await writeFiles(fork, { key }, files('x'));
      if (what === 'newer than the head') await writeFiles(fork, { key }, files('y'));
      const before = new Map(fork.objects);
      expect(await codeOf(writeFiles(fork, { key, head }, files('z')))).toBe('fork');
      expect(fork.objects).toEqual(before);
    },
  );

  // proves FRS-12
  it('does not begin anew where a backup was', async () => {
    const { head } = await generations(1);
    const empty = new MemoryStorage();
    expect(await codeOf(writeFiles(empty, { key, head }, files('x')))).toBe('stale');
    expect(empty.objects.size).toBe(0);
  });

  // proves FRS-3
  it('does not go on with a head that does not open', async () => {
    const { head, storage } = await generations(1);
    const before = new Map(storage.objects);
    const foreign = signHead(BackupKey.generate(), openHead(key, head.signed ?? new Uint8Array()));
    for (const signed of [foreign, new Uint8Array(), new Uint8Array(132)]) {
      head.signed = signed;
      expect(await codeOf(writeFiles(storage, { key, head }, files('x')))).toBe('bad-head');
    }
    expect(storage.objects).toEqual(before);
  });

  // proves FRS-11, FRS-17
  it('follows what is named, and gives no number a second time', async () => {
    const { head, after } = await generations(4);
    const older = after[1] ?? new MemoryStorage();
    const [newest] = await history(older, key);
    const done = await writeFiles(older, { key, head, manifest: newest?.name ?? '' }, files('x'));
    expect(done.generation).toBe(5);
    expect((await openManifest(older, key, { head })).freshness).toBe('fresh');
    // The lost generations turn up again, and are older ones.
    for (const [name, bytes] of after[3]?.objects ?? []) older.objects.set(name, bytes);
    expect(await readFiles(older, key)).toEqual(files('x'));
    expect((await openManifest(older, key, { head })).freshness).toBe('fresh');
  });

  it('follows what is ahead: a backup whose head could not be put', async () => {
    const { head, storage } = await generations(1);
    await writeFiles(storage, { key }, files('2'));
    expect((await openManifest(storage, key, { head })).freshness).toBe('ahead');
    await writeFiles(storage, { key, head }, files('3'));
    expect(head.generation).toBe(3);
  });

  // proves FRS-14, FRS-15, FRS-16
  it('tells that its head could not be put, and stands', async () => {
    const { head, storage } = await generations(1);
    const other = openHead(key, head.signed ?? new Uint8Array());
    head.before = () => {
      // Another device was faster.
      head.signed = signHead(key, { ...other, generation: 9 });
    };
    const done = await writeFiles(storage, { key, head }, files('2'));
    expect(done).toMatchObject({ generation: 2, headFault: 'conflict' });
    expect(head.generation).toBe(9);
    expect(await readFiles(storage, key)).toEqual(files('2'));
  });

  // proves FRS-15, FRS-16
  it.each([
    ['disk-full', new StrongroomError('disk-full', 'full'), 'disk-full'],
    ['a failure without a code', new TypeError('network'), 'io'],
  ])('stands after %s of its keeper', async (_what, error, code) => {
    const { head, storage } = await generations(1);
    head.before = () => Promise.reject(error);
    expect(await writeFiles(storage, { key, head }, files('2'))).toMatchObject({ headFault: code });
    expect(await readFiles(storage, key)).toEqual(files('2'));
  });

  // proves FRS-8
  it('gets the head before it lists', async () => {
    const { head, storage } = await generations(2);
    const order: string[] = [];
    storage.before = ({ operation }) => void order.push(operation);
    head.get = () => {
      order.push('get head');
      return Promise.resolve(head.signed);
    };
    await writeFiles(storage, { key, head }, files('3'));
    expect(order[0]).toBe('get head');
    expect(order.filter((each) => each === 'get head')).toHaveLength(1);
  });
});
