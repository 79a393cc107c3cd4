import { beforeEach, describe, expect, test } from 'vitest';
import { BackupKey } from '../keys/backup-key.ts';
import { openHead, signHead, type SetHead } from '../set/head.ts';
import type { HeadStore } from '../set/head-store.ts';
import { rekey, verify } from '../set/index.ts';
import { writeFiles } from '../set/retention-fixture.ts';
import { MemoryStorage } from '../set/storage-fixture.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { OLD, ownerOf } from './account-fixture.ts';
import { CHEAP_BOUNDS, refusal, startClockVault } from './fixture.ts';
import { deleteAccount, memoryKeeper, register, vaultHeadStore, type Session } from './index.ts';

const password = OLD;
const owner = ownerOf('head', startClockVault);
let key: BackupKey;
beforeEach(async () => {
  key = await owner.registered();
});

const open = (retryDelays: readonly number[] = []): Promise<Session> =>
  owner.open(memoryKeeper(), retryDelays);

async function store(of: BackupKey = key, retryDelays: readonly number[] = []): Promise<HeadStore> {
  return vaultHeadStore(await open(retryDelays), of);
}

function headOf(generation: number): Bytes {
  const head: SetHead = {
    setId: new Uint8Array(16).fill(1),
    generation,
    manifestId: new Uint8Array(32).fill(generation),
    created: generation,
    keyEpoch: 1,
  };
  return signHead(key, head);
}

describe('a vault that keeps a head', () => {
  // proves CLI-55
  test('keeps none, then the one that was put, for every device of the owner and nobody else', async () => {
    const [one, two] = [await store(), await store()];
    expect(await one.get()).toBeUndefined();
    await one.put(headOf(1), undefined);
    expect(await two.get()).toEqual(headOf(1));
    await two.put(headOf(2), headOf(1));
    expect(await one.get()).toEqual(headOf(2));
    const stranger = await store(BackupKey.generate());
    expect((await refusal(stranger.get())).code).toBe('not-authorised');
    expect((await refusal(stranger.put(headOf(9), headOf(2)))).code).toBe('not-authorised');
    expect(await one.get()).toEqual(headOf(2));
  });

  // proves FRS-4
  test('lets one of two devices put the next', async () => {
    const first = await store();
    await first.put(headOf(1), undefined);
    for (let generation = 2; generation < 12; generation += 2) {
      const present = await first.get();
      const next = [headOf(generation), headOf(generation + 1)];
      const put = await Promise.allSettled(next.map(async (head) => (await store()).put(head, present)));
      const lost = put.filter(({ status }) => status === 'rejected');
      expect(lost).toHaveLength(1);
      expect(lost[0]).toMatchObject({ reason: { code: 'conflict' } });
      const kept = await first.get();
      const winner = next[put.findIndex(({ status }) => status === 'fulfilled')];
      expect(kept !== undefined && winner !== undefined && equal(kept, winner)).toBe(true);
    }
  });

  test('puts once what is sent again because its answer was lost', async () => {
    owner.transport.fate = (index) => (index === 0 ? 'drop-answer' : 'deliver');
    await (await store(key, [1])).put(headOf(1), undefined);
    expect(owner.transport.sent).toHaveLength(2);
    const device = await store();
    owner.transport.fate = (index) => (index === 2 ? 'drop-answer' : 'deliver');
    expect((await refusal(device.put(headOf(2), headOf(1)))).code).toBe('unavailable');
    await device.put(headOf(2), headOf(1));
    expect(await device.get()).toEqual(headOf(2));
  });

  test('keeps it beyond the key, and gives it to the owner of that key', async () => {
    await (await store()).put(headOf(1), undefined);
    await deleteAccount(await open(), { credential: { key } });
    expect(await (await store()).get()).toEqual(headOf(1));
    expect((await refusal((await store(BackupKey.generate())).get())).code).toBe('not-authorised');
  });

  test('says that nobody is registered', async () => {
    owner.account = 'nobody';
    expect((await refusal((await store()).get())).code).toMatch(/^not-(registered|authorised)$/u);
    expect((await refusal((await store()).put(headOf(1), undefined))).code).toBe('not-registered');
  });
});

describe('freshness over the vault', () => {
  test('an older storage is found out, on a device that knows only the key', async () => {
    const storage = new MemoryStorage();
    await writeFiles(storage, { key, head: await store() }, { a: '1' });
    const older = storage.copy();
    await writeFiles(storage, { key, head: await store() }, { a: '2' });
    expect((await verify(storage, key, { head: await store() })).freshness).toBe('fresh');
    expect((await verify(older, key, { head: await store() })).freshness).toBe('stale');
    const next = writeFiles(older, { key, head: await store() }, { a: '3' });
    expect((await refusal(next)).code).toBe('stale');
    // Without the vault it would have passed.
    expect((await verify(older, key)).freshness).toBe('unknown');
  });

  test('two devices that back up at once: one head is put, and the other is told', async () => {
    const storage = new MemoryStorage();
    await writeFiles(storage, { key, head: await store() }, { a: '1' });
    const raced = await store();
    let overtaken = false;
    const slow: HeadStore = {
      get: () => raced.get(),
      async put(next, previous) {
        if (!overtaken) {
          overtaken = true;
          await writeFiles(storage.copy(), { key, head: await store() }, { a: 'other' });
        }
        return raced.put(next, previous);
      },
    };
    expect(await writeFiles(storage, { key, head: slow }, { a: '2' })).toMatchObject({
      headFault: 'conflict',
    });
    const signed = await raced.get();
    expect(signed && openHead(key, signed).generation).toBe(3);
  });

  test('goes on under a new key that is registered in step 10', async () => {
    const storage = new MemoryStorage();
    await writeFiles(storage, { key, head: await store() }, { a: '1' });
    const next = BackupKey.generate();
    const session = await open();
    const beforeConfirm = async (): Promise<void> => {
      expect(await rekey(storage, key, next, { head: await store() })).toMatchObject({
        headFault: undefined,
      });
    };
    const options = { key: next, previousKey: key, password, beforeConfirm, stretchBounds: CHEAP_BOUNDS };
    await register(session, options);
    expect((await refusal((await store()).get())).code).toBe('not-authorised');
    expect((await verify(storage, next, { head: await store(next) })).freshness).toBe('fresh');
  });
});
