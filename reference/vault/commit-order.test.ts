import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NONCE_LENGTH } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { Answer, type Statement } from '../exchange/answer.ts';
import type { Hsm } from '../hsm/interface.ts';
import { SoftwareHsm, softwareHsmPaths } from '../hsm/software.ts';
import { label } from '../keys/labels.ts';
import { sodiumSuite } from '../opaque/index.ts';
import type { Store } from '../store/interface.ts';
import { MemoryStore } from '../store/memory.ts';
import { concat, equal, hex, utf8, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { run } from './core/effects.ts';
import { sha256 } from './core/evaluate.ts';
import { handle, leafInput } from './core/handle.ts';
import { openHead, sealHead } from './head.ts';
import { createPartition, Partition } from './partition.ts';
import { headKey, leafKey } from './start.ts';
import { openRecord } from './record-seal.ts';
import { AccountRecord } from './record.ts';
import { TestAccount } from './testing/account.ts';
import { MemoryDriver } from './testing/memory-driver.ts';
import { signedBy, withAnchor } from './testing/with-hsm.ts';
import { Tree } from './tree.ts';

const suite = await sodiumSuite();
const { fleet } = new MemoryDriver({ ceiling: 1000 }, suite);
const rollback = { code: 'rollback-detected' };

let folder: string;
let store: MemoryStore;
let hsm: SoftwareHsm;
let partition: Partition;

/** The parts of a partition, one of them in another form. */
async function openWith(over: Partial<Store> = {}, anchor: Partial<Hsm['anchor']> = {}): Promise<void> {
  const own: Store = {
    get: (key) => store.get(key),
    commit: (transaction) => store.commit(transaction),
    scan: (prefix) => store.scan(prefix),
    close: () => store.close(),
    ...over,
  };
  const device = withAnchor(hsm, anchor);
  partition = await Partition.open({ store: own, hsm: device, partition: 0, prefixBits: 0 });
}
const send = async (plaintext: Bytes): Promise<Statement> => {
  const call = { caller: { kind: 'anyone' }, requestHash: new Uint8Array(32), plaintext } as const;
  return decode(Answer, (await run(handle(signedBy(hsm, fleet), call), partition.handlers())).answer)
    .statement;
};
const account = (name: string): TestAccount => new TestAccount(send, fleet.fleetId, name);
const leafOf = (name: string): Promise<Bytes> => hsm.hmac('index', leafInput(utf8(name)));
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-order-'));
  store = new MemoryStore();
  hsm = await SoftwareHsm.create(softwareHsmPaths(folder), async (hmac) => {
    const { head, entry } = await createPartition(hmac, 0, 1_700_000_000);
    await store.commit({ conditions: [], writes: [{ key: headKey(0), value: head.bytes }] });
    return [entry];
  });
  await openWith();
  await account('alice').register('secret', 5);
  await account('bob').register('secret', 5);
});
afterEach(async () => {
  vi.useRealTimers();
  await hsm.close();
  rmSync(folder, { recursive: true });
});

describe('a commit', () => {
  // proves STO-17, STO-18, STO-19
  it('is answered, and followed by another, only after the anchor has moved', async () => {
    const waiting: (() => void)[] = [];
    let written = 0;
    await openWith(
      {
        commit(transaction) {
          written++;
          return store.commit(transaction);
        },
      },
      {
        async advance(moves) {
          await new Promise<void>((resolve) => waiting.push(resolve));
          await hsm.anchor.advance(moves);
        },
      },
    );
    const answered: string[] = [];
    const note = (what: string, answer: Promise<unknown>): Promise<unknown> =>
      answer.then(() => answered.push(what));
    const guess = note('guess', account('alice').start('guess'));
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    // The record of the guess is in the store by now, so that a reader could already see it.
    const status = note('status', account('alice').call('status'));
    const other = note('other', account('bob').start('guess'));
    await settle();
    expect(answered).toEqual([]);
    expect(written).toBe(1);
    waiting[0]?.();
    await Promise.all([guess, status]);
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    expect([written, answered.includes('other')]).toEqual([2, false]);
    waiting[1]?.();
    await other;
    expect(await account('alice').call('status')).toMatchObject({ remaining: 4 });
  });

  // proves RCV-6, XCH-8, XCH-14
  it('that does not reach the anchor gives away no sealed key, for a right KE3 either', async () => {
    const begun = await account('alice').start('secret');
    expect(begun.right).toBe(true);
    await openWith({}, { advance: () => Promise.reject(new Error('power is gone')) });
    await expect(account('alice').finish(begun)).rejects.toMatchObject({ code: 'store-failed' });
  });

  // proves STO-10, STO-11, STO-12
  it('seals every record in 4096 bytes, under a salt of its own and the key in the anchor', async () => {
    const leaf = await leafOf('alice');
    const key = leafKey(0, leaf);
    const written: Bytes[] = [];
    await openWith({
      commit(transaction) {
        for (const each of transaction.writes)
          if (equal(each.key, key)) written.push(new Uint8Array(each.value));
        return store.commit(transaction);
      },
    });
    for (let i = 0; i < 4; i++) await account('alice').recover('secret');
    const [entry] = await hsm.anchor.read();
    if (entry === undefined) throw new Error('no entry');
    expect(written).toHaveLength(8);
    expect(new Set(written.map((sealed) => hex(sealed.subarray(8, 40)))).size).toBe(8);
    for (const sealed of written) {
      expect(sealed).toHaveLength(4096);
      expect(openRecord([entry.current], leaf, sealed).account).toEqual(utf8('alice'));
    }
  });

  // proves STO-20
  it('on a head of somebody else ends the service', async () => {
    await openWith({ commit: () => Promise.resolve(false) });
    await expect(account('alice').start('guess')).rejects.toMatchObject(rollback);
    expect(partition.failure).toMatchObject(rollback);
    await expect(account('bob').call('status')).rejects.toMatchObject(rollback);
  });
});

// proves STO-9, STO-21, ATT-24, ATT-25
it('an authentic record that breaks an invariant is not served, whoever sealed it', async () => {
  const leaf = await leafOf('alice');
  await partition.close();
  const [entry] = await hsm.anchor.read();
  const head = await openHead((...args) => hsm.hmac(...args), (await store.get(headKey(0))) ?? leaf);
  const sealed = await store.get(leafKey(0, leaf));
  if (entry === undefined || sealed === undefined) throw new Error('no record');
  /** The store one commit ahead, as a vault would leave it that checks nothing. */
  const write = async (change: (record: AccountRecord) => AccountRecord): Promise<void> => {
    const record = change(openRecord([entry.current], leaf, sealed));
    const prefix = sealed.subarray(0, 40);
    const key = nodeEngine.hmac(
      'sha256',
      entry.current.key,
      concat(label('record'), prefix.subarray(8), leaf),
    );
    const plaintext = new Uint8Array(4096 - 40 - 16);
    plaintext.set(encode(AccountRecord, record));
    const value = concat(
      prefix,
      nodeEngine.aead(key).seal(new Uint8Array(NONCE_LENGTH), plaintext, concat(leaf, prefix)),
    );
    await store.commit({ conditions: [], writes: [{ key: leafKey(0, leaf), value }] });
    const tree = new Tree(0);
    for (const name of ['alice', 'bob']) {
      const index = await leafOf(name);
      tree.set([{ index, hash: sha256((await store.get(leafKey(0, index))) ?? leaf) }]);
    }
    const body = { ...head.body, n: head.body.n + 1, prev: head.hash, root: tree.root };
    const next = await sealHead((...args) => hsm.hmac(...args), body);
    await store.commit({ conditions: [], writes: [{ key: headKey(0), value: next.bytes }] });
  };
  for (const fault of [{ shown: 1 }, { nextGeneration: 1 }, { account: utf8('mallory') }]) {
    await write((record) => ({ ...record, ...fault }));
    await expect(openWith()).rejects.toMatchObject({ code: 'record-invalid' });
  }
  await write((record) => record);
  await openWith();
  expect(await account('alice').call('status')).toMatchObject({ outcome: 'ok', remaining: 5 });
});

// proves STO-13, STO-14, STO-24
it('a record that is gone while it is being served is not taken for an account without one', async () => {
  const key = leafKey(0, await leafOf('alice'));
  await openWith({ get: async (each) => (equal(each, key) ? undefined : store.get(each)) });
  await expect(account('alice').start('secret')).rejects.toMatchObject(rollback);
  expect(partition.failure).toMatchObject(rollback);
});

// proves ATT-3
it('the clock on the wall ends no wait and no last chance', async () => {
  await account('carol').register('secret', 1);
  const begun = await account('carol').start('secret');
  const before = partition.now();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * 365 * 86_400_000 });
  expect(partition.now() - before).toBeLessThan(60);
  expect(partition.overdue(partition.now())).toEqual([]);
  expect(await account('carol').call('status')).toMatchObject({ phase: 'last-chance' });
  expect(await account('carol').finish(begun)).toMatchObject({ outcome: 'ok', phase: 'active' });
});
