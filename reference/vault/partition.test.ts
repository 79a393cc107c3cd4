import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StrongroomError } from '../errors.ts';
import { Answer, type Statement } from '../exchange/answer.ts';
import { Delete } from '../exchange/request.ts';
import type { Hsm } from '../hsm/interface.ts';
import { SoftwareHsm, softwareHsmPaths, type SoftwareHsmPaths } from '../hsm/software.ts';
import { sodiumSuite } from '../opaque/index.ts';
import type { Store, Transaction } from '../store/interface.ts';
import { MemoryStore } from '../store/memory.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { run } from './core/effects.ts';
import { handle, leafInput, sweep } from './core/handle.ts';
import { openHead, sealHead } from './head.ts';
import { createPartition, Partition } from './partition.ts';
import { headKey, leafKey } from './start.ts';
import { TestAccount } from './testing/account.ts';
import { MemoryDriver } from './testing/memory-driver.ts';
import { signedBy, withAnchor } from './testing/with-hsm.ts';

const suite = await sodiumSuite();
const START = 1_700_000_000;
const rollback = { code: 'rollback-detected' };

let folder: string;
let paths: SoftwareHsmPaths;
let store: MemoryStore;
let hsm: SoftwareHsm;
let seconds: number;
let partition: Partition;
const { fleet } = new MemoryDriver({ ceiling: 1000 }, suite);

const open = (over: { store?: Store; hsm?: Hsm } = {}): Promise<Partition> =>
  Partition.open({ store, hsm, partition: 0, prefixBits: 0, monotonic: () => seconds, ...over });
const send = async (plaintext: Bytes): Promise<Statement> => {
  const call = { caller: { kind: 'anyone' }, requestHash: new Uint8Array(32), plaintext } as const;
  return decode(Answer, (await run(handle(signedBy(hsm, fleet), call), partition.handlers())).answer)
    .statement;
};
const account = (name: string): TestAccount => new TestAccount(send, fleet.fleetId, name);
const keyOf = async (name: string): Promise<Bytes> =>
  leafKey(0, await hsm.hmac('index', leafInput(utf8(name))));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-partition-'));
  paths = softwareHsmPaths(folder);
  store = new MemoryStore();
  seconds = 0;
  hsm = await SoftwareHsm.create(paths, async (hmac) => {
    const { head, entry } = await createPartition(hmac, 0, START);
    await store.commit({ conditions: [], writes: [{ key: headKey(0), value: head.bytes }] });
    return [entry];
  });
  partition = await open();
});
afterEach(async () => {
  await hsm.close();
  rmSync(folder, { recursive: true });
});

describe('a partition', () => {
  it('has everything again after a restart', async () => {
    await account('alice').register('secret', 5);
    await account('alice').recover('wrong');
    await partition.close();
    await expect(send(account('alice').request('status', new Uint8Array(0)))).rejects.toMatchObject({
      code: 'not-ready',
    });
    partition = await open();
    expect(await account('alice').call('status')).toMatchObject({ phase: 'active', remaining: 4 });
    expect(await account('alice').recover('secret')).toMatchObject({ outcome: 'ok' });
  });

  it('commits many accounts at once, and moves the anchor once for all of them', async () => {
    const [before] = await hsm.anchor.read();
    const names = Array.from({ length: 40 }, (_, i) => `user-${i}`);
    await Promise.all(names.map((name) => account(name).register('secret', 5)));
    const [after] = await hsm.anchor.read();
    expect((after?.n ?? 0) - (before?.n ?? 0)).toBeLessThan(60); // 120 commits
    const states = await Promise.all(names.map((name) => account(name).call('status')));
    expect(states.every(({ phase }) => phase === 'active')).toBe(true);
    partition = await open();
    expect(await account('user-17').recover('secret')).toMatchObject({ outcome: 'ok' });
  });

  it('charges concurrent guesses at one account one by one', async () => {
    await account('alice').register('secret', 20);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => account('alice').start(`guess ${i}`)),
    );
    const remaining = answers.map(({ answer }) => answer.remaining).sort((a, b) => a - b);
    expect(remaining).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  // proves STO-26
  it('refuses a record that breaks an invariant, and serves on', async () => {
    await account('alice').register('secret', 5);
    await account('bob').register('secret', 5);
    const leaf = await hsm.hmac('index', leafInput(utf8('alice')));
    const { record, token } = await partition.load(leaf);
    if (record === undefined) throw new Error('no record');
    const broken = { ...record, shown: record.report.failed + 1 };
    const beside = account('bob').start('guess');
    await expect(partition.commit(leaf, token, broken)).rejects.toMatchObject({ code: 'record-invalid' });
    expect((await beside).answer).toMatchObject({ outcome: 'ok', remaining: 4 });
    expect(partition.failure).toBeUndefined();
    expect(await partition.commit(leaf, token, record)).toBe(true);
  });

  // proves ATT-2
  it('counts only the time that it has run', async () => {
    expect(partition.now()).toBe(START);
    seconds = 100.9;
    expect(partition.now()).toBe(START + 100);
    await partition.close();
    seconds = 5000;
    partition = await open();
    expect(partition.now()).toBe(START + 100);
  });

  // proves ATT-4
  it('waits for deadlines again after a restart, and persists its time meanwhile', async () => {
    await account('alice').register('secret', 1);
    await account('alice').start('secret');
    partition = await open();
    expect(partition.overdue(partition.now() + 599)).toEqual([]);
    const [leaf] = partition.overdue(partition.now() + 600);
    if (leaf === undefined) throw new Error('no deadline');
    seconds += 59;
    const [before] = await hsm.anchor.read();
    await partition.heartbeat();
    expect((await hsm.anchor.read())[0]).toEqual(before);
    seconds += 1;
    await partition.heartbeat();
    partition = await open();
    expect(partition.overdue(partition.now() + 540)).toHaveLength(1);
    seconds += 540;
    await run(sweep(fleet, leaf), partition.handlers());
    expect(partition.overdue(Infinity)).toEqual([]);
    expect(await account('alice').call('status')).toMatchObject({ phase: 'destroyed' });
  });

  // proves ATT-4, ATT-28
  it('waits for scheduled changes again after a restart, and persists its time meanwhile', async () => {
    const alice = account('alice');
    const { stateVersion } = await alice.register('secret', 1);
    const { graceSeconds } = fleet.policy;
    const removed = await alice.call('delete', encode(Delete, { stateVersion }));
    expect(removed).toMatchObject({ outcome: 'scheduled', effectiveAt: partition.now() + graceSeconds });
    partition = await open();
    seconds += 60;
    await partition.heartbeat();
    partition = await open();
    expect(partition.overdue(removed.effectiveAt - 1)).toEqual([]);
    const [leaf] = partition.overdue(removed.effectiveAt);
    if (leaf === undefined) throw new Error('nothing waits');
    seconds += graceSeconds - 60;
    await run(sweep(fleet, leaf), partition.handlers());
    expect(partition.overdue(Infinity)).toEqual([]);
    expect(await alice.call('status')).toMatchObject({ phase: 'deleted' });
  });
});

describe('a crash between store and anchor', () => {
  /** An HSM whose anchor cannot be moved any more. */
  const stuck = (): Hsm => withAnchor(hsm, { advance: () => Promise.reject(new Error('power is gone')) });

  it('answers nothing, and is finished at the next start: the charge stays', async () => {
    await account('alice').register('secret', 5);
    partition = await open({ hsm: stuck() });
    await expect(account('alice').start('guess')).rejects.toMatchObject({ code: 'store-failed' });
    await expect(account('alice').call('status')).rejects.toMatchObject({ code: 'store-failed' });
    const [before] = await hsm.anchor.read();
    partition = await open();
    const [after] = await hsm.anchor.read();
    expect(after?.n).toBe((before?.n ?? 0) + 1);
    expect(await account('alice').call('status')).toMatchObject({ remaining: 4 });
  });

  it('may happen again while it is being finished', async () => {
    await account('alice').register('secret', 5);
    partition = await open({ hsm: stuck() });
    await account('alice')
      .start('guess')
      .catch(() => {});
    await expect(open({ hsm: stuck() })).rejects.toThrow('power is gone');
    partition = await open();
    expect(await account('alice').call('status')).toMatchObject({ remaining: 4 });
  });

  it('is not an excuse for a head that follows another one', async () => {
    await account('alice').register('secret', 5);
    const hmac: Hsm['hmac'] = (...args) => hsm.hmac(...args);
    const { body } = await openHead(hmac, (await store.get(headKey(0))) ?? new Uint8Array(0));
    const head = await sealHead(hmac, { ...body, n: body.n + 1, prev: new Uint8Array(32) });
    await store.commit({ conditions: [], writes: [{ key: headKey(0), value: head.bytes }] });
    await expect(open()).rejects.toMatchObject(rollback);
  });
});

describe('a store that was changed is not served', () => {
  let older: MemoryStore;
  beforeEach(async () => {
    await account('alice').register('secret', 5);
    await account('bob').register('secret', 5);
    older = new MemoryStore(store);
    await account('alice').recover('wrong');
    await partition.close();
  });
  const write = (target: Store, ...writes: Transaction['writes']): Promise<boolean> =>
    target.commit({ conditions: [], writes });
  const valueOf = async (from: Store, key: Bytes): Promise<Bytes> =>
    (await from.get(key)) ?? new Uint8Array(0);

  it('an older copy of all of it', async () => {
    await expect(open({ store: older })).rejects.toMatchObject(rollback);
  });

  it('an older copy of one record', async () => {
    const key = await keyOf('alice');
    await write(store, { key, value: await valueOf(older, key) });
    await expect(open()).rejects.toMatchObject(rollback);
  });

  // proves STO-13
  it('two records that have changed places', async () => {
    const [a, b] = [await keyOf('alice'), await keyOf('bob')];
    const [x, y] = [await valueOf(store, a), await valueOf(store, b)];
    await write(store, { key: a, value: y }, { key: b, value: x });
    await expect(open()).rejects.toMatchObject(rollback);
  });

  it('an older head, a damaged head, a head of nobody, no head', async () => {
    const key = headKey(0);
    const head = await valueOf(store, key);
    await write(store, { key, value: await valueOf(older, key) });
    await expect(open()).rejects.toMatchObject(rollback);
    const damaged = new Uint8Array(head);
    damaged[50] = (damaged[50] ?? 0) ^ 1;
    await write(store, { key, value: damaged });
    await expect(open()).rejects.toMatchObject(rollback);
    for (const value of [head.slice(1), new Uint8Array(5), new Uint8Array(122).fill(255)]) {
      await write(store, { key, value });
      await expect(open()).rejects.toMatchObject(rollback);
    }
    await expect(open({ store: new MemoryStore() })).rejects.toMatchObject(rollback);
  });

  // proves STO-14
  it('a record more, or a record less', async () => {
    const key = await keyOf('mallory');
    const more = new MemoryStore(store);
    await write(more, { key, value: await valueOf(store, await keyOf('alice')) });
    await expect(open({ store: more })).rejects.toMatchObject(rollback);
    const less = new MemoryStore();
    for (const known of [headKey(0), await keyOf('alice')])
      await write(less, { key: known, value: await valueOf(store, known) });
    await expect(open({ store: less })).rejects.toMatchObject(rollback);
  });

  it('an older anchor beside the newest store', async () => {
    partition = await open();
    copyFileSync(paths.anchor, `${paths.anchor}.old`);
    await account('alice').recover('wrong');
    await account('alice').recover('wrong');
    await hsm.close();
    copyFileSync(`${paths.anchor}.old`, paths.anchor);
    hsm = await SoftwareHsm.open(paths);
    await expect(open()).rejects.toMatchObject(rollback);
  });

  // proves STO-24
  it('while it is being served: nothing is answered any more', async () => {
    partition = await open();
    const key = await keyOf('alice');
    await write(store, { key, value: await valueOf(older, key) });
    await expect(account('alice').call('status')).rejects.toMatchObject(rollback);
    expect(partition.failure).toMatchObject(rollback);
    await expect(account('bob').call('status')).rejects.toMatchObject(rollback);
  });

  // proves STO-20
  it('by another writer: the commit fails, and is not answered', async () => {
    partition = await open();
    const key = headKey(0);
    await write(store, { key, value: await valueOf(older, key) });
    await expect(account('alice').start('guess')).rejects.toMatchObject(rollback);
  });
});

describe('a store that fails', () => {
  it.each(['before', 'after'] as const)(
    '%s it has written: no answer, not ready, no charge lost',
    async (when) => {
      await account('alice').register('secret', 5);
      const failing: Store = {
        get: (key) => store.get(key),
        scan: (prefix) => store.scan(prefix),
        close: () => store.close(),
        async commit(transaction) {
          if (when === 'after') await store.commit(transaction);
          throw new StrongroomError('disk-full', 'no space left');
        },
      };
      partition = await open({ store: failing });
      const results = await Promise.allSettled(['a', 'b', 'c'].map((guess) => account('alice').start(guess)));
      expect(
        results.map((result) => result.status === 'rejected' && (result.reason as StrongroomError).code),
      ).toEqual(['disk-full', 'disk-full', 'disk-full']);
      expect(partition.failure?.code).toBe('disk-full');
      partition = await open();
      const { remaining } = await account('alice').call('status');
      expect(remaining).toBe(when === 'after' ? 4 : 5);
    },
  );
});
