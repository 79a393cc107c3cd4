import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnchorEntry } from '../hsm/interface.ts';
import { SoftwareHsm, softwareHsmPaths } from '../hsm/software.ts';
import { sodiumSuite } from '../opaque/index.ts';
import { MemoryStore } from '../store/memory.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';
import { readConfig } from './config.ts';
import { initVault } from './init.ts';
import type { Partition } from './partition.ts';
import type { Partitions } from './partitions.ts';
import { openRecord, prefixOf } from './record-seal.ts';
import type { AccountRecord } from './record.ts';
import { keysOf, leafKey } from './start.ts';
import { MemoryDriver } from './testing/memory-driver.ts';
import { TestState } from './testing/state.ts';
import { Vault } from './vault.ts';

const { fleet } = new MemoryDriver({ ceiling: 10_000 }, await sodiumSuite());
const NAMES = Array.from({ length: 70 }, (_, i) => `user-${i}`); // more than two rounds

let folder: string;
let state: TestState;
let partitions: Partitions;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-rekey-'));
  state = await TestState.make(folder, fleet, 0);
  partitions = await state.open();
});
afterEach(async () => {
  await state.hsm.close();
  rmSync(folder, { recursive: true });
});

const register = (names: readonly string[]): Promise<unknown> =>
  Promise.all(names.map((name) => state.account(partitions, name).register('secret', 5)));
const only = (): Partition => {
  const [partition] = partitions.serving;
  if (partition === undefined) throw new Error('no partition serves');
  return partition;
};
/** What the anchor holds, as it is now. */
async function entry(): Promise<AnchorEntry> {
  const [first] = await state.hsm.anchor.read();
  if (first === undefined) throw new Error('no entry');
  return structuredClone(first);
}
async function sealedIn(store: MemoryStore, name: string): Promise<Bytes> {
  const sealed = await store.get(leafKey(0, await state.leafOf(name)));
  if (sealed === undefined) throw new Error('no record');
  return sealed;
}
async function openIn(store: MemoryStore, name: string): Promise<AccountRecord> {
  return openRecord(keysOf(await entry()), await state.leafOf(name), await sealedIn(store, name));
}
const epochs = async (names: readonly string[]): Promise<number[]> =>
  Promise.all(names.map(async (name) => prefixOf(await sealedIn(state.store, name)).keyEpoch));

describe('the data key of a partition', () => {
  // proves STO-29, STO-31, STO-32
  it('once replaced opens no copy of the store from before, and did until then', async () => {
    await register(['alice', 'bob']);
    const copy = new MemoryStore(state.store);
    for (let i = 0; i < 5; i++) await state.account(partitions, 'alice').recover('wrong');
    expect(await state.account(partitions, 'alice').call('status')).toMatchObject({ phase: 'destroyed' });
    const before = await entry();
    // Whoever has the old copy and what the vault has now: the destroyed key is still there.
    expect((await openIn(copy, 'alice')).active).toMatchObject({ state: 'active', charged: 0 });
    expect((await openIn(state.store, 'alice')).active.state).toBe('destroyed');
    state.seconds = 3600;
    await only().rekey();
    for (const name of ['alice', 'bob']) {
      await expect(openIn(copy, name)).rejects.toMatchObject({ code: 'record-invalid' });
      expect((await openIn(state.store, name)).account).toEqual(utf8(name));
    }
    const after = await entry();
    expect(after).toMatchObject({ current: { epoch: 2, since: TestState.start + 3600 }, next: undefined });
    expect(after.current.key).not.toEqual(before.current.key);
    partitions = await state.open();
    expect(await state.account(partitions, 'bob').recover('secret')).toMatchObject({ outcome: 'ok' });
    expect(await state.account(partitions, 'alice').call('status')).toMatchObject({ phase: 'destroyed' });
  });

  // proves STO-29
  it('is due a day after it was made, by the time that the vault has run', async () => {
    expect(only().rekeyDue(86_400)).toBe(false);
    state.seconds = 86_399;
    expect(only().rekeyDue(86_400)).toBe(false);
    state.seconds = 86_400;
    expect(only().rekeyDue(86_400)).toBe(true);
    await only().rekey();
    expect(only().rekeyDue(86_400)).toBe(false);
    await partitions.close();
    state.seconds = 0;
    partitions = await state.open();
    expect(only().rekeyDue(86_400)).toBe(false);
    state.seconds = 86_400;
    expect(only().rekeyDue(86_400)).toBe(true);
  });

  it('is replaced beside the traffic, which it does not change and is not lost by', async () => {
    await register(NAMES);
    const versions = await Promise.all(
      NAMES.map(async (name) => (await state.account(partitions, name).call('status')).stateVersion),
    );
    const done = { yet: false };
    const replaced = only()
      .rekey()
      .then(() => (done.yet = true));
    let guesses = 0;
    while (!done.yet) {
      const name = NAMES[guesses++ % 7] ?? '';
      expect(await state.account(partitions, name).recover('secret')).toMatchObject({ outcome: 'ok' });
    }
    await replaced;
    await register(['newcomer']);
    expect(guesses).toBeGreaterThan(1);
    expect(new Set(await epochs([...NAMES, 'newcomer']))).toEqual(new Set([2]));
    for (const [i, name] of NAMES.entries()) {
      const { stateVersion, remaining } = await state.account(partitions, name).call('status');
      expect(remaining).toBe(5);
      if (i >= 7) expect(stateVersion).toBe(versions[i]);
    }
    partitions = await state.open();
    expect(partitions.failure).toBeUndefined();
  });

  // proves STO-12, STO-31
  it('is not what a decision is sealed under that was made before its replacement and committed after', async () => {
    await register(['alice']);
    const leaf = await state.leafOf('alice');
    const { record, token } = await only().load(leaf);
    if (record === undefined) throw new Error('no record');
    const moved: number[] = [];
    const { anchor } = state.hsm;
    const advance = anchor.advance.bind(anchor);
    let committed: Promise<boolean> | undefined;
    anchor.advance = async (changes) => {
      // The first change of keys is under way: the vault still knows the old key alone.
      committed ??= only().commit(leaf, token, { ...record, stateVersion: record.stateVersion + 1 });
      await new Promise((resolve) => setTimeout(resolve, 5));
      moved.push(changes[0]?.to.next?.epoch ?? 0);
      return advance(changes);
    };
    await only().rekey();
    expect(await committed).toBe(true);
    expect(moved[0]).toBe(2);
    expect(await epochs(['alice'])).toEqual([2]);
    expect(await openIn(state.store, 'alice')).toMatchObject({ stateVersion: record.stateVersion + 1 });
  });

  // proves STO-33
  it('is replaced in the end, and nothing is lost, wherever the replacement is interrupted', async () => {
    await register(NAMES);
    const base = new MemoryStore(state.store);
    partitions = await state.open();
    await only().rekey();
    const total = state.writes;
    expect(total).toBeGreaterThan(6); // two of keys, and two of each round
    let { epoch } = (await entry()).current;
    for (let at = 1; at <= total; at++) {
      for (const when of ['before', 'after'] as const) {
        partitions = await state.open({ at, when });
        const replaced = only().rekey();
        await expect(replaced).rejects.toMatchObject({ code: 'store-failed' });
        expect(partitions.failure).toMatchObject({ code: 'store-failed' });
        partitions = await state.open();
        expect(partitions.failure).toBeUndefined();
        expect(await state.account(partitions, 'user-1').recover('secret')).toMatchObject({ outcome: 'ok' });
        // After the last write nothing is left to do, although nobody has heard of it.
        const finished = at === total && when === 'after';
        const begun = at > 1 || when === 'after';
        expect(only().rekeyDue(86_400)).toBe(begun && !finished);
        if (!finished) await only().rekey();
        const present = await entry();
        expect(present).toMatchObject({ current: { epoch: ++epoch }, next: undefined });
        expect(new Set(await epochs(NAMES))).toEqual(new Set([epoch]));
      }
    }
    await expect(openIn(base, 'user-1')).rejects.toMatchObject({ code: 'record-invalid' });
  });

  // proves STO-33
  it('goes on being replaced after an ordinary stop', async () => {
    await register(NAMES);
    const replaced = only().rekey();
    await new Promise((resolve) => setTimeout(resolve, 0));
    await partitions.close();
    await replaced;
    partitions = await state.open();
    expect((await entry()).next).toMatchObject({ epoch: 2 });
    expect(only().rekeyDue(86_400)).toBe(true);
    await only().rekey();
    expect(new Set(await epochs(NAMES))).toEqual(new Set([2]));
    expect((await entry()).next).toBeUndefined();
  });
});

// proves STO-29
it('a vault replaces the keys of all its partitions once a day by itself, and at once when it is told', async () => {
  const at = join(folder, 'vault');
  await initVault({ folder: at, partitionBits: 1 });
  const config = await readConfig(at);
  const read = (path: string): Bytes => new Uint8Array(readFileSync(path));
  let seconds = 0;
  const epochs: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const vault = await Vault.open({
    store: await SqliteStore.open(config.store),
    hsm: await SoftwareHsm.open({ ...softwareHsmPaths(at) }),
    descriptor: read(config.descriptor),
    opaqueKeys: read(config.opaqueKeys),
    monotonic: () => seconds,
    observe: {
      rekeyed: ({ partition, epoch }) => {
        epochs.push(`${partition}: ${epoch}`);
        if (epochs.length === 4) resolve();
      },
    },
  });
  await vault.rekey();
  expect(epochs).toEqual(['0: 2', '1: 2']);
  seconds = 86_400;
  await promise;
  expect(epochs.slice(2).sort()).toEqual(['0: 3', '1: 3']);
  await vault.close();
});
