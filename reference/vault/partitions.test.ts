import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Statement } from '../exchange/answer.ts';
import type { AnchorEntry } from '../hsm/interface.ts';
import { sodiumSuite } from '../opaque/index.ts';
import type { Entry } from '../store/interface.ts';
import { MemoryStore } from '../store/memory.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import type { PartitionState } from './observe.ts';
import { partitionOf, prefixBitsOf, type Partitions } from './partitions.ts';
import { headKey, leafKey } from './start.ts';
import { MemoryDriver } from './testing/memory-driver.ts';
import { TestState } from './testing/state.ts';

const { fleet } = new MemoryDriver({ ceiling: 10_000 }, await sodiumSuite());
const BITS = 2;

let root: string;
let folders = 0;
/** What every test begins with: two accounts in each partition, the same a little later, and their names in order. */
let first: TestState;
let older: MemoryStore;
let names: string[];
let state: TestState;
let partitions: Partitions;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'strongroom-partitions-'));
  first = await TestState.make(join(root, `${folders++}`), fleet, BITS);
  partitions = await first.open();
  names = await first.names(BITS, 2);
  await Promise.all(names.map((name) => first.account(partitions, name).register('secret', 100)));
  older = new MemoryStore(first.store);
  for (const name of names) await first.account(partitions, name).recover('wrong');
  await first.hsm.close();
});
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(async () => {
  state = await first.copy(join(root, `${folders++}`));
  partitions = await state.open();
});
afterEach(() => state.hsm.close());

const status = (name: string): Promise<Statement> => state.account(partitions, name).call('status');
const nameOf = (partition: number, which = 0): string => names[2 * partition + which] ?? '';
const failures = (): (string | undefined)[] => partitions.states.map(({ failure }) => failure);

// proves STO-34
it('a leaf is in the partition that its first bits name', () => {
  expect([0x00, 0x3f, 0x40, 0x80, 0xff].map((first) => partitionOf(Uint8Array.of(first), 2))).toEqual([
    0, 0, 1, 2, 3,
  ]);
  expect(partitionOf(Uint8Array.of(0xff), 0)).toBe(0);
  expect([0x0f, 0x10, 0xff].map((first) => partitionOf(Uint8Array.of(first), 4))).toEqual([0, 1, 15]);
});

// proves STO-34
it('an anchor that does not list the partitions of a vault is damaged', async () => {
  const entries = await state.hsm.anchor.read();
  const bits = (list: readonly (AnchorEntry | undefined)[]): Promise<number> =>
    prefixBitsOf({
      read: () => Promise.resolve(list.filter((entry) => entry !== undefined)),
      advance: () => Promise.resolve(),
    });
  expect(await bits(entries)).toBe(2);
  expect(await bits(entries.slice(0, 2))).toBe(1);
  for (const list of [[], entries.slice(0, 3), entries.toReversed(), entries.slice(1, 3)]) {
    await expect(bits(list)).rejects.toMatchObject({ code: 'anchor-damaged' });
  }
  const many = Array.from({ length: 32 }, (_, partition) => entries[0] && { ...entries[0], partition });
  expect(await bits(many.slice(0, 16))).toBe(4);
  await expect(bits(many)).rejects.toMatchObject({ code: 'anchor-damaged' });
});

describe('partitions', () => {
  it('hold their own accounts, and are all there again after a restart', async () => {
    expect(partitions.states).toEqual(
      [0, 1, 2, 3].map((number): PartitionState => ({ number, failure: undefined, accounts: 2 })),
    );
    const keys: number[] = [];
    for await (const { key } of state.store.scan(Uint8Array.of(2))) {
      keys.push(key[2] ?? 0);
      expect((key[3] ?? 0) >> 6).toBe(key[2]);
    }
    expect(keys).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    await partitions.close();
    partitions = await state.open();
    for (const name of names)
      expect(await state.account(partitions, name).recover('secret')).toMatchObject({ outcome: 'ok' });
  });

  it('move the anchor together when they commit together', async () => {
    const heads = async (): Promise<number[]> => (await state.hsm.anchor.read()).map(({ n }) => n);
    const slots = (): string[] => {
      const file = readFileSync(state.anchorFile);
      return [0, 4096].map((at) => file.toString('hex', at, at + 12));
    };
    const [numbers, nonces] = [await heads(), slots()];
    await Promise.all(partitions.serving.map((partition) => partition.heartbeat(true)));
    expect(await heads()).toEqual(numbers.map((n) => n + 1));
    expect(slots().filter((nonce, i) => nonce !== nonces[i])).toHaveLength(1);
  });

  // proves STO-35
  it('have a time of their own', async () => {
    const [zero] = partitions.serving;
    await zero?.close();
    state.seconds = 500;
    await Promise.all(partitions.serving.map((partition) => partition.heartbeat(true)));
    state.seconds = 0;
    partitions = await state.open();
    expect((await status(nameOf(0))).vaultTime).toBe(TestState.start);
    expect((await status(nameOf(1))).vaultTime).toBe(TestState.start + 500);
    expect((await status(nameOf(0, 1))).vaultTime).toBe(TestState.start);
  });

  // proves STO-17, STO-33
  it('have every answered charge wherever the power goes while several commit', async () => {
    const total = 8;
    for (let at = 1; at <= total; at++) {
      for (const when of ['before', 'after'] as const) {
        partitions = await state.open();
        const before = await Promise.all(names.map(async (name) => (await status(name)).remaining));
        partitions = await state.open({ at, when });
        const guesses = await Promise.allSettled(
          names.map((name) => state.account(partitions, name).start('guess')),
        );
        expect(partitions.serving.length).toBeLessThan(4);
        partitions = await state.open();
        expect(failures()).toEqual([undefined, undefined, undefined, undefined]);
        for (const [i, guess] of guesses.entries()) {
          const charged = (before[i] ?? 0) - (await status(names[i] ?? '')).remaining;
          expect(charged).toBeLessThanOrEqual(1);
          if (guess.status === 'fulfilled') expect(charged).toBe(1);
        }
      }
    }
  });
});

describe('a partition whose state was changed', () => {
  const BAD = 1;
  let leaves: Bytes[];
  beforeEach(async () => {
    leaves = await Promise.all([0, 1].map((which) => state.leafOf(nameOf(BAD, which))));
  });
  const valueOf = async (from: MemoryStore, key: Uint8Array): Promise<Bytes> => {
    const value = await from.get(key);
    if (value === undefined) throw new Error('no value');
    return value;
  };
  const record = (which: number): Bytes => leafKey(BAD, leaves[which] ?? new Uint8Array(0));
  const write = (...writes: Entry[]): Promise<boolean> => state.store.commit({ conditions: [], writes });
  /** The store without one key. */
  const without = async (key: Uint8Array): Promise<void> => {
    const less = new MemoryStore();
    for await (const entry of state.store.scan(new Uint8Array(0)))
      if (concat(entry.key).join() !== key.join()) await less.commit({ conditions: [], writes: [entry] });
    state.store = less;
  };
  const flip = (value: Bytes, at: number): Bytes => value.with(at, (value[at] ?? 0) ^ 1);

  const faults: [string, () => Promise<unknown>][] = [
    [
      'all of it older',
      async () => {
        const prefixes = [headKey(BAD), leafKey(BAD, new Uint8Array(0))];
        for (const prefix of prefixes) for await (const entry of older.scan(prefix)) await write(entry);
      },
    ],
    ['one record older', async () => write({ key: record(0), value: await valueOf(older, record(0)) })],
    ['its head older', async () => write({ key: headKey(BAD), value: await valueOf(older, headKey(BAD)) })],
    [
      'the head of another partition',
      async () => write({ key: headKey(BAD), value: await valueOf(state.store, headKey(BAD + 1)) }),
    ],
    ['no head', () => without(headKey(BAD))],
    ['a leaf removed', () => without(record(0))],
    [
      'a leaf added',
      async () => {
        const key = leafKey(BAD, new Uint8Array(32).fill(0x55));
        await write({ key, value: await valueOf(state.store, record(0)) });
      },
    ],
    [
      'a leaf of another partition added',
      async () => {
        const leaf = await state.leafOf(nameOf(BAD + 1));
        await write({ key: leafKey(BAD, leaf), value: await valueOf(state.store, leafKey(BAD + 1, leaf)) });
      },
    ],
    ...[0, 31, 33, 64].map((length): [string, () => Promise<unknown>] => [
      `a leaf of ${length} bytes added`,
      async () => {
        const value = await valueOf(state.store, record(0));
        const name = concat(await state.leafOf(nameOf(BAD)), new Uint8Array(32)).subarray(0, length);
        await write({ key: leafKey(BAD, name), value });
      },
    ]),
    [
      'two records swapped',
      async () => {
        const [a, b] = [await valueOf(state.store, record(0)), await valueOf(state.store, record(1))];
        await write({ key: record(0), value: b }, { key: record(1), value: a });
      },
    ],
    ...[0, 7, 20, 2000, 4095].map((at): [string, () => Promise<unknown>] => [
      `one bit of byte ${at} of a record`,
      async () => write({ key: record(0), value: flip(await valueOf(state.store, record(0)), at) }),
    ]),
    ...[1, 9, 50, 121].map((at): [string, () => Promise<unknown>] => [
      `one bit of byte ${at} of its head`,
      async () => write({ key: headKey(BAD), value: flip(await valueOf(state.store, headKey(BAD)), at) }),
    ]),
    [
      'a record cut short',
      async () => write({ key: record(0), value: (await valueOf(state.store, record(0))).slice(0, 100) }),
    ],
  ];

  // proves STO-22, STO-36
  it.each(faults)('(%s) is not served, and the others are', async (_name, tamper) => {
    await tamper();
    partitions = await state.open();
    const refused = 'rollback-detected';
    expect(failures()).toEqual([undefined, refused, undefined, undefined]);
    expect(partitions.failure).toBeUndefined();
    for (const which of [0, 1])
      await expect(status(nameOf(BAD, which))).rejects.toMatchObject({ code: refused });
    for (const other of [0, 2, 3])
      expect(await state.account(partitions, nameOf(other)).recover('secret')).toMatchObject({
        outcome: 'ok',
      });
    expect(await status(nameOf(BAD + 1))).toMatchObject({ remaining: 100 });
  });

  // proves STO-24, STO-36
  it('while it is being served ends its service alone', async () => {
    partitions = await state.open();
    await write({ key: record(0), value: await valueOf(older, record(0)) });
    await expect(status(nameOf(BAD))).rejects.toMatchObject({ code: 'rollback-detected' });
    expect(failures()).toEqual([undefined, 'rollback-detected', undefined, undefined]);
    await expect(state.account(partitions, nameOf(BAD, 1)).start('secret')).rejects.toMatchObject({
      code: 'rollback-detected',
    });
    for (const other of [0, 2, 3])
      expect(await state.account(partitions, nameOf(other)).recover('secret')).toMatchObject({
        outcome: 'ok',
      });
  });

  it('in all partitions leaves none, and the vault says why', async () => {
    state.store = older;
    partitions = await state.open();
    expect(new Set(failures())).toEqual(new Set(['rollback-detected']));
    expect(partitions.failure).toMatchObject({ code: 'rollback-detected' });
    await expect(status(nameOf(0))).rejects.toMatchObject({ code: 'rollback-detected' });
  });
});
