import { beforeEach, describe, expect, it } from 'vitest';
import { StatusBody, type Statement } from '../../exchange/answer.ts';
import { Cancel, Delete, RegisterConfirm, RegisterFinish, type Proof } from '../../exchange/request.ts';
import { sodiumSuite } from '../../opaque/index.ts';
import { utf8 } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import type { TestAccount } from '../testing/account.ts';
import { CoreVault } from '../testing/core-vault.ts';
import { dueAt } from './changes.ts';
import { sweep } from './handle.ts';

const suite = await sodiumSuite();
const GRACE = 7 * 24 * 3600;
const ZERO = new Uint8Array(32);

let v: CoreVault;
let alice: TestAccount;
beforeEach(async () => {
  v = new CoreVault(suite, { graceSeconds: GRACE });
  alice = v.account();
  await alice.register('old', 5);
});

const version = (): number => v.record().stateVersion;
const remove = (proof?: Proof, stateVersion = version()): Promise<Statement> =>
  alice.call('delete', encode(Delete, { stateVersion }), proof);
const effectiveAt = (): number => v.record().scheduled.effectiveAt;
const cancel = (at = effectiveAt()): Promise<Statement> =>
  alice.signed('cancel', encode(Cancel, { effectiveAt: at }));
const removeAsOwner = (): Promise<Statement> =>
  alice.signed('delete', encode(Delete, { stateVersion: version() }));
const provedBy = async (password: string): Promise<Proof | undefined> => (await alice.start(password)).proof;
/** A registration up to its `finish`, and the body of its `confirm`. */
const finished = async (password: string): Promise<Awaited<ReturnType<TestAccount['prepare']>>> => {
  const registration = await alice.prepare(password, 5);
  await alice.call('register-finish', registration.finish);
  return registration;
};

describe('a replacement without proof', () => {
  // proves REG-7, XCH-12, XCH-26
  it('waits for the grace period, in every answer, and writes once', async () => {
    const { confirm } = await finished('new');
    const { now, commits } = { now: v.driver.now, commits: v.driver.commits };
    const scheduled = await alice.call('register-confirm', confirm);
    expect(scheduled).toMatchObject({
      outcome: 'scheduled',
      generation: 1,
      effectiveAt: now + GRACE,
      scheduledChange: 'replacement',
      body: new Uint8Array(0),
    });
    v.driver.now += 60;
    expect(await alice.call('register-confirm', confirm)).toEqual({
      ...scheduled,
      vaultTime: now + 60,
      requestHash: expect.anything() as unknown,
    });
    expect(v.driver.commits).toBe(commits + 1);
    expect(await alice.call('status')).toMatchObject({ effectiveAt: now + GRACE, generation: 1 });
    const body = decode(StatusBody, (await alice.call('status')).body);
    expect(body.scheduledRecordHash).toEqual(decode(RegisterConfirm, confirm).recordHash);
    expect(body.pendingRecordHash).toEqual(ZERO);
  });

  // proves ATT-27, ATT-30, ATT-13
  it('takes effect at its time and not a second before, with the charges of the ledger', async () => {
    await alice.recover('wrong');
    await alice.register('new', 5);
    v.driver.now += GRACE - 1;
    expect(await alice.recover('old')).toMatchObject({ outcome: 'ok', generation: 1 });
    v.driver.now += 1;
    expect(await alice.call('status')).toMatchObject({
      generation: 2,
      effectiveAt: 0,
      scheduledChange: 'none',
      remaining: 4,
    });
    expect(await alice.recover('old')).toMatchObject({ outcome: 'wrong-password' });
    expect(await alice.recover('new')).toMatchObject({ outcome: 'ok', generation: 2 });
    expect(v.record().scheduled.state).toBe('empty');
  });

  it('keeps the old password on its own budget until then', async () => {
    await alice.register('new', 5);
    for (let i = 0; i < 3; i++) await alice.recover('wrong');
    expect(await alice.recover('old')).toMatchObject({ outcome: 'ok', remaining: 5 });
  });

  it('is not for a wrong secret', async () => {
    const { confirm } = await finished('new');
    const guess = encode(RegisterConfirm, { ...decode(RegisterConfirm, confirm), secret: ZERO });
    expect(await alice.call('register-confirm', guess)).toMatchObject({ outcome: 'not-authorised' });
    expect(v.record().scheduled.state).toBe('empty');
  });

  // proves REG-12
  it('is not pushed out of its place by another one, or by a deletion', async () => {
    await alice.register('new', 5);
    const { scheduled } = v.record();
    v.driver.now += 10;
    expect(await alice.register('newer', 5)).toMatchObject({
      outcome: 'scheduled',
      effectiveAt: scheduled.effectiveAt,
    });
    expect(await remove()).toMatchObject({ outcome: 'scheduled', scheduledChange: 'replacement' });
    expect(await remove(undefined, 1)).toMatchObject({ outcome: 'conflict' });
    expect(v.record().scheduled).toEqual(scheduled);
    expect(v.record().pending.state).toBe('finished');
  });

  it('goes live at once with a proof, whether it is pending or scheduled', async () => {
    const { confirm } = await finished('new');
    await alice.call('register-confirm', confirm);
    const proof = alice.owner('register-confirm', confirm);
    expect(await alice.call('register-confirm', confirm, proof)).toMatchObject({
      outcome: 'ok',
      generation: 2,
      scheduledChange: 'none',
    });
    expect(await alice.call('register-confirm', confirm)).toMatchObject({ outcome: 'ok', generation: 2 });
    await alice.register('thief', 5);
    expect(await alice.register('mine', 5, await provedBy('new'))).toMatchObject({
      outcome: 'ok',
      generation: 4,
      scheduledChange: 'none',
      remaining: 5,
    });
  });

  // proves REG-9
  it('keeps the ledger, the report and the counter of generations', async () => {
    await alice.recover('wrong');
    const { buckets, report } = v.record();
    await alice.register('new', 5);
    v.driver.now += GRACE;
    await alice.call('status');
    expect(v.record()).toMatchObject({ buckets, report, nextGeneration: 3 });
  });
});

describe('cancel', () => {
  // proves DEL-3
  it('erases what is scheduled, with either proof; again it changes nothing', async () => {
    await alice.register('new', 5);
    const request = encode(Cancel, { effectiveAt: effectiveAt() });
    expect(await alice.signed('cancel', request)).toMatchObject({ outcome: 'ok', scheduledChange: 'none' });
    const { commits } = v.driver;
    expect(await alice.signed('cancel', request)).toMatchObject({ outcome: 'ok' });
    expect(v.driver.commits).toBe(commits);
    await remove();
    const proof = await provedBy('old');
    const body = encode(Cancel, { effectiveAt: effectiveAt() });
    expect(await alice.call('cancel', body, proof)).toMatchObject({ outcome: 'ok', remaining: 5 });
    v.driver.now += GRACE;
    expect(await alice.recover('old')).toMatchObject({ outcome: 'ok', generation: 1 });
  });

  // proves PRF-1, PRF-2
  it('is for the owner alone', async () => {
    await remove();
    const body = encode(Cancel, { effectiveAt: effectiveAt() });
    const cancelled = async (proof?: Proof): Promise<Statement> => alice.call('cancel', body, proof);
    expect(await cancelled()).toMatchObject({ outcome: 'not-authorised' });
    expect(await cancelled(alice.owner('delete', body))).toMatchObject({ outcome: 'not-authorised' });
    expect(await cancelled(v.account().owner('cancel', body))).toMatchObject({ outcome: 'not-authorised' });
    expect(await cancelled(await provedBy('wrong'))).toMatchObject({ outcome: 'wrong-password' });
    expect(v.record()).toMatchObject({ open: [], scheduled: { state: 'deleted' } });
  });

  it('names the change that it takes back', async () => {
    await remove();
    expect(await cancel(effectiveAt() - 1)).toMatchObject({
      outcome: 'conflict',
      scheduledChange: 'deletion',
    });
    expect(await cancel()).toMatchObject({ outcome: 'ok' });
  });

  it('cannot be kept from being done by requests that nobody has to prove', async () => {
    await remove();
    const body = encode(Cancel, { effectiveAt: effectiveAt() });
    for (let i = 0; i < 10; i++) await alice.prepare('other', 5);
    expect(await alice.signed('cancel', body)).toMatchObject({ outcome: 'ok', scheduledChange: 'none' });
  });
});

describe('delete', () => {
  // proves DEL-1
  it.each([
    ['the owner key', removeAsOwner],
    ['the KE3 of an open attempt', async (): Promise<Statement> => remove(await provedBy('old'))],
  ])('with %s: at once, and again', async (_name, deletion) => {
    await finished('new');
    expect(await deletion()).toMatchObject({ outcome: 'ok', phase: 'deleted', generation: 1 });
    const { active, pending, scheduled, open, closed } = v.record();
    expect([open, closed, pending.state, scheduled.state]).toEqual([[], [], 'empty', 'empty']);
    expect(active).toMatchObject({ sealedKey: new Uint8Array(48), nonce: ZERO, record: new Uint8Array(0) });
    const { commits } = v.driver;
    expect(await remove(undefined, 0)).toMatchObject({ outcome: 'ok', phase: 'deleted' });
    expect(v.driver.commits).toBe(commits);
    expect(await alice.recover('old')).toMatchObject({ outcome: 'not-registered' });
  });

  // proves DEL-2, ATT-30
  it('without proof: after the grace period', async () => {
    const { now } = v.driver;
    expect(await remove()).toMatchObject({
      outcome: 'scheduled',
      phase: 'active',
      effectiveAt: now + GRACE,
      scheduledChange: 'deletion',
    });
    const { commits } = v.driver;
    // The first answer was lost: the same bytes name a version that is gone.
    expect(await remove(undefined, version() - 1)).toMatchObject({ outcome: 'scheduled' });
    expect(v.driver.commits).toBe(commits);
    v.driver.now += GRACE - 1;
    expect(await alice.call('status')).toMatchObject({ phase: 'active' });
    v.driver.now += 1;
    expect(await alice.call('status')).toMatchObject({ phase: 'deleted', scheduledChange: 'none' });
  });

  it('does nothing when it is repeated after it was cancelled', async () => {
    const stateVersion = version();
    await remove();
    await cancel();
    expect(await remove(undefined, stateVersion)).toMatchObject({
      outcome: 'conflict',
      scheduledChange: 'none',
    });
  });

  it('of nothing, or of what is destroyed, says so', async () => {
    const body = encode(Delete, { stateVersion: 0 });
    expect(await v.account('bob').call('delete', body)).toMatchObject({ outcome: 'not-registered' });
    for (let i = 0; i < 5; i++) await alice.recover('wrong');
    expect(await remove()).toMatchObject({ outcome: 'destroyed' });
  });

  it('with a wrong KE3 costs that attempt, and destroys with the last one', async () => {
    expect(await remove(await provedBy('wrong'))).toMatchObject({ outcome: 'wrong-password' });
    for (let i = 0; i < 3; i++) await alice.recover('wrong');
    expect(await remove(await provedBy('wrong'))).toMatchObject({ outcome: 'destroyed', phase: 'destroyed' });
  });

  // proves ATT-12
  it('leaves the ledger: what was guessed before counts after', async () => {
    for (let i = 0; i < 3; i++) await alice.recover('wrong');
    await removeAsOwner();
    expect(await alice.register('new', 5)).toMatchObject({ outcome: 'ok', generation: 2, remaining: 2 });
  });
});

describe('what is due', () => {
  // proves ATT-28
  it('is done by the sweeper, once, at the time that the record names', async () => {
    expect(dueAt(v.record())).toBeUndefined();
    await remove();
    expect(dueAt(v.record())).toBe(v.driver.now + GRACE);
    const { commits } = v.driver;
    v.driver.run(sweep(v.fleet, v.leaf()));
    expect(v.driver.commits).toBe(commits);
    v.driver.now += GRACE;
    v.driver.run(sweep(v.fleet, v.leaf()));
    v.driver.run(sweep(v.fleet, v.leaf()));
    expect(v.driver.commits).toBe(commits + 1);
    expect(v.record().active.state).toBe('deleted');
    expect(dueAt(v.record())).toBeUndefined();
  });

  it('is a last chance before anything else, whichever time is the earlier', async () => {
    await alice.register('new', 5);
    v.driver.now += GRACE - 300;
    for (let i = 0; i < 4; i++) await alice.recover('wrong');
    await alice.start('wrong');
    expect(dueAt(v.record())).toBe(v.driver.now + 300);
    v.driver.now += 600;
    expect(await alice.call('status')).toMatchObject({ phase: 'destroyed', scheduledChange: 'none' });
    expect(v.record().scheduled.state).toBe('empty');
  });

  it('can end a last chance that is not over', async () => {
    await alice.register('new', 5);
    v.driver.now += GRACE - 300;
    for (let i = 0; i < 4; i++) await alice.recover('wrong');
    await alice.start('wrong');
    v.driver.now += 300;
    expect(await alice.call('status')).toMatchObject({ phase: 'active', generation: 2, remaining: 1 });
  });
});

describe('erased_by', () => {
  const erasedBy = async (): Promise<number> =>
    decode(StatusBody, (await alice.call('status')).body).erasedBy;

  // proves STA-2
  it('is two days after the end of a key, and nothing at level software', async () => {
    const { now } = v.driver;
    await removeAsOwner();
    v.driver.now += 5;
    expect(await erasedBy()).toBe(0);
    v.fleet = { ...v.fleet, level: 'custody' };
    expect(await erasedBy()).toBe(now + 172_800);
    await alice.register('new', 5);
    expect(await erasedBy()).toBe(0);
  });
});

describe('a registration', () => {
  // proves REG-6
  it.each([
    ['zeros', ZERO],
    ['a point of small order', Uint8Array.from([1, ...ZERO.subarray(1)])],
    ['no canonical encoding', new Uint8Array(32).fill(255)],
  ])('with an owner key that is %s is malformed', async (_name, ownerKey) => {
    const { finish } = await alice.prepare('new', 5);
    const bad = encode(RegisterFinish, { ...decode(RegisterFinish, finish), ownerKey });
    expect(await alice.call('register-finish', bad)).toMatchObject({ outcome: 'malformed' });
    expect(await alice.call('register-finish', finish)).toMatchObject({ outcome: 'ok' });
  });

  // proves FLT-10, REG-1
  it('does not begin when the time of all keys has passed; one that has begun is answered again', async () => {
    const { newOpaqueKey } = v.fleet;
    v.fleet = { ...v.fleet, newOpaqueKey: undefined };
    await expect(alice.prepare('new')).rejects.toMatchObject({ code: 'malformed' });
    expect(v.record().pending.state).toBe('empty');
    expect(await alice.recover('old')).toMatchObject({ outcome: 'ok' });
    v.fleet = { ...v.fleet, newOpaqueKey };
    const { finish } = await alice.prepare('new');
    v.fleet = { ...v.fleet, newOpaqueKey: undefined };
    expect(await alice.call('register-finish', finish)).toMatchObject({ outcome: 'ok' });
    expect(await alice.call('status', utf8('x'))).toMatchObject({ outcome: 'malformed' });
  });
});
