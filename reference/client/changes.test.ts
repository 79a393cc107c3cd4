import { describe, expect, test } from 'vitest';
import { BackupKey } from '../keys/backup-key.ts';
import { cheap, NEW, OLD, ownerOf } from './account-fixture.ts';
import { refusal, startClockVault } from './fixture.ts';
import {
  accountStatus,
  cancelScheduled,
  deleteAccount,
  memoryKeeper,
  recover,
  register,
  resumeRegistration,
  unfinishedRegistration,
  type Credential,
} from './index.ts';

const GRACE = 7 * 86_400;

const owner = ownerOf('change', () => startClockVault({ graceSeconds: GRACE }));
const { open, registered, opens, codeOf } = owner;

/** The two credentials of an owner. */
const CREDENTIALS: readonly (readonly [string, (key: BackupKey) => Credential])[] = [
  ['the key', (key) => ({ key })],
  ['the password', () => ({ password: OLD, ...cheap })],
];

describe('a registration without proof', () => {
  // proves CLI-48
  test('waits, is resumed in vain before its time, and is live after it', async () => {
    const old = await registered();
    const key = BackupKey.generate();
    const keeper = memoryKeeper();
    const session = await open(keeper);
    const waits = await register(session, { key, password: NEW, unproved: true, ...cheap });
    expect(waits).toMatchObject({ generation: 2, scheduled: { change: 'replacement', wait: GRACE } });
    expect(session.scheduled).toMatchObject({ change: 'replacement', wait: GRACE });
    expect(await opens(OLD)).toBe(old.recoveryKey());
    owner.vault.pass(GRACE - 10);
    expect((await resumeRegistration(await open(keeper))).scheduled).toMatchObject({ wait: 10 });
    expect((await unfinishedRegistration(await open(keeper)))?.step).toBe('finishing');
    owner.vault.pass(10);
    const receipt = await resumeRegistration(await open(keeper));
    expect(receipt).toMatchObject({ generation: 2, scheduled: undefined });
    expect(await unfinishedRegistration(await open(keeper))).toBeUndefined();
    expect(await opens(NEW)).toBe(key.recoveryKey());
    expect(await codeOf(OLD)).toBe('wrong-password');
  });

  test('of a first key needs none', async () => {
    const key = BackupKey.generate();
    const made = await register(await open(), { key, password: OLD, unproved: true, ...cheap });
    expect(made.scheduled).toBeUndefined();
    expect(await opens(OLD)).toBe(key.recoveryKey());
  });

  test.each(CREDENTIALS)(
    'is cancelled with %s, and then resumed to a conflict',
    async (_name, credential) => {
      const old = await registered();
      const keeper = memoryKeeper();
      const key = BackupKey.generate();
      await register(await open(keeper), { key, password: NEW, unproved: true, ...cheap });
      const session = await open();
      expect(await cancelScheduled(session, { credential: credential(old) })).toMatchObject({
        change: 'replacement',
      });
      expect(session.scheduled).toBeUndefined();
      expect(await cancelScheduled(session, { credential: credential(old) })).toBeUndefined();
      owner.vault.pass(GRACE);
      expect((await refusal(resumeRegistration(await open(keeper)))).code).toBe('conflict');
      // It may be the only copy of that key.
      expect((await unfinishedRegistration(await open(keeper)))?.key?.recoveryKey()).toBe(key.recoveryKey());
      expect(await opens(OLD)).toBe(old.recoveryKey());
    },
  );

  // proves CLI-49
  test('is not taken for scheduled where somebody else has scheduled something', async () => {
    await registered();
    await register(await open(), { key: BackupKey.generate(), password: NEW, unproved: true, ...cheap });
    const keeper = memoryKeeper();
    const mine = { key: BackupKey.generate(), password: NEW, unproved: true, ...cheap };
    expect((await refusal(register(await open(keeper), mine))).code).toBe('scheduled');
    expect((await unfinishedRegistration(await open(keeper)))?.step).toBe('finishing');
    const other = await refusal(deleteAccount(await open()));
    expect(other.code).toBe('scheduled');
  });

  test('loses any answer, and is noted once', async () => {
    for (const lost of [0, 1, 2, 3]) {
      owner.account = `unproved ${lost}`;
      owner.transport.fate = () => 'deliver';
      await registered();
      const keeper = memoryKeeper();
      const key = BackupKey.generate();
      owner.transport.fate = (index) => (index === lost ? 'drop-answer' : 'deliver');
      const options = { key, password: NEW, unproved: true, ...cheap };
      expect((await refusal(register(await open(keeper), options))).code).toBe('unavailable');
      owner.transport.fate = () => 'deliver';
      const session = await open(keeper);
      const again = await unfinishedRegistration(session);
      const made = await (again?.step === 'begun' ? register(session, options) : resumeRegistration(session));
      expect(made.scheduled).toMatchObject({ change: 'replacement' });
      owner.vault.pass(GRACE);
      expect((await resumeRegistration(await open(keeper))).scheduled).toBeUndefined();
      expect(await opens(NEW)).toBe(key.recoveryKey());
    }
  });
});

describe('step 10', () => {
  // proves REG-10, CLI-54
  test('runs before the confirmation, and a failure is made good when it is resumed', async () => {
    const old = await registered();
    const keeper = memoryKeeper();
    const key = BackupKey.generate();
    const steps: string[] = [];
    const failing = async (): Promise<void> => {
      steps.push(`${(await accountStatus(await open())).generation}`);
      throw new Error('the disk is gone');
    };
    const options = { key, previousKey: old, password: NEW, ...cheap };
    await expect(register(await open(keeper), { ...options, beforeConfirm: failing })).rejects.toThrow(
      'disk',
    );
    expect(await opens(OLD)).toBe(old.recoveryKey());
    const session = await open(keeper);
    expect(await unfinishedRegistration(session)).toMatchObject({ step: 'finishing', prepare: true });
    expect((await refusal(resumeRegistration(session))).code).toBe('registration-unfinished');
    const working = async (): Promise<void> => {
      steps.push(`${(await accountStatus(await open())).generation}`);
    };
    expect(await resumeRegistration(session, { beforeConfirm: working })).toMatchObject({ generation: 2 });
    expect(steps).toEqual(['1', '1']);
    expect(await opens(NEW)).toBe(key.recoveryKey());
  });
});

describe('deletion', () => {
  // proves CLI-50
  test.each(CREDENTIALS)('with %s: at once, whatever answer is lost', async (_name, credential) => {
    for (let lost = 0; ; lost++) {
      owner.account = `delete ${_name} ${lost}`;
      owner.transport.fate = () => 'deliver';
      const key = await registered();
      owner.transport.fate = (index) => (index === lost ? 'drop-answer' : 'deliver');
      const first = await deleteAccount(await open(), { credential: credential(key) }).catch(() => undefined);
      const reached = owner.transport.sent.length > lost;
      owner.transport.fate = () => 'deliver';
      const ended = first ?? (await deleteAccount(await open(), { credential: credential(key) }));
      expect(ended).toEqual({ scheduled: undefined });
      expect((await accountStatus(await open())).phase).toBe('deleted');
      expect(await codeOf(OLD)).toBe('not-registered');
      if (!reached) break;
    }
    expect.hasAssertions();
  });

  test('without proof: after the grace period, and not if the owner cancels it', async () => {
    const key = await registered();
    expect(await deleteAccount(await open())).toMatchObject({
      scheduled: { change: 'deletion', wait: GRACE },
    });
    owner.vault.pass(100);
    const again = await deleteAccount(await open());
    expect(again).toMatchObject({ scheduled: { wait: GRACE - 100 } });
    expect((await accountStatus(await open())).scheduled).toMatchObject({ change: 'deletion' });
    await cancelScheduled(await open(), { credential: { key } });
    owner.vault.pass(GRACE);
    expect(await opens(OLD)).toBe(key.recoveryKey());
    await deleteAccount(await open());
    owner.vault.pass(GRACE);
    expect(await codeOf(OLD)).toBe('not-registered');
    expect(await deleteAccount(await open())).toEqual({ scheduled: undefined });
  });

  test("with what is not the owner's: nothing happens", async () => {
    const key = await registered();
    const wrongKey = { credential: { key: BackupKey.generate() } };
    expect((await refusal(deleteAccount(await open(), wrongKey))).code).toBe('not-authorised');
    const wrongPassword = { credential: { password: NEW, ...cheap } };
    expect(await refusal(deleteAccount(await open(), wrongPassword))).toMatchObject({
      code: 'wrong-password',
      details: { remaining: 9 },
    });
    await deleteAccount(await open());
    expect((await refusal(cancelScheduled(await open(), wrongKey))).code).toBe('not-authorised');
    expect((await refusal(cancelScheduled(await open(), wrongPassword))).code).toBe('wrong-password');
    expect((await accountStatus(await open())).scheduled).toMatchObject({ change: 'deletion' });
    expect(await opens(OLD)).toBe(key.recoveryKey());
  });

  test('of nothing says so', async () => {
    expect((await refusal(deleteAccount(await open()))).code).toBe('not-registered');
    expect(
      await cancelScheduled(await open(), { credential: { key: BackupKey.generate() } }),
    ).toBeUndefined();
  });

  // proves CLI-51
  test('goes through while others make attempts', async () => {
    const key = await registered();
    const attacker = await open();
    const exchange = owner.transport.exchange.bind(owner.transport);
    let bumps = 0;
    // Between what the owner sees and what the owner sends, another attempt moves the version on.
    owner.transport.exchange = async (body, signal) => {
      if (owner.transport.sent.length === 1 && bumps++ === 0) {
        await recover(attacker, { password: NEW, ...cheap }).catch(() => undefined);
      }
      return exchange(body, signal);
    };
    owner.transport.sent.length = 0;
    expect(await deleteAccount(await open(), { credential: { key } })).toEqual({ scheduled: undefined });
    expect(bumps).toBeGreaterThan(1);
  });

  test('is cancelled by one request, whatever others begin meanwhile', async () => {
    const key = await registered();
    await deleteAccount(await open());
    const attacker = await open();
    const exchange = owner.transport.exchange.bind(owner.transport);
    const session = await open();
    let [asked, attacking] = [0, false];
    // The state version moves before every request of the owner.
    owner.transport.exchange = async (body, signal) => {
      if (!attacking) {
        [asked, attacking] = [asked + 1, true];
        await recover(attacker, { password: NEW, ...cheap }).catch(() => undefined);
        attacking = false;
      }
      return exchange(body, signal);
    };
    expect(await cancelScheduled(session, { credential: { key } })).toMatchObject({ change: 'deletion' });
    expect(asked).toBe(2);
    expect((await accountStatus(await open())).scheduled).toBeUndefined();
  });

  test('that somebody puts in the place of another one is not cancelled, and the password costs nothing', async () => {
    const key = await registered();
    await deleteAccount(await open());
    const [session, other] = [await open(), await open()];
    const exchange = owner.transport.exchange.bind(owner.transport);
    let requests = 0;
    owner.transport.exchange = async (body, signal) => {
      if (++requests === 3) {
        owner.transport.exchange = exchange;
        await cancelScheduled(other, { credential: { key } });
        owner.vault.pass(5);
        await deleteAccount(other);
      }
      return exchange(body, signal);
    };
    const credential = { password: OLD, ...cheap };
    expect((await refusal(cancelScheduled(session, { credential }))).code).toBe('conflict');
    const { scheduled, remaining } = await accountStatus(await open());
    expect(scheduled).toMatchObject({ change: 'deletion' });
    expect(remaining).toBe(10);
  });

  test('is not cancelled once it has taken effect', async () => {
    const key = await registered();
    await deleteAccount(await open());
    const session = await open();
    const exchange = owner.transport.exchange.bind(owner.transport);
    owner.transport.sent.length = 0;
    owner.transport.exchange = (body, signal) => {
      if (owner.transport.sent.length === 1) owner.vault.pass(GRACE);
      return exchange(body, signal);
    };
    expect((await refusal(cancelScheduled(session, { credential: { key } }))).code).toBe('conflict');
  });
});
