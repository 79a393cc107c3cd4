import { describe, expect, test } from 'vitest';
import { BackupKey } from '../keys/backup-key.ts';
import { hex } from '../wire/bytes.ts';
import { cheap, NEW, OLD, ownerOf } from './account-fixture.ts';
import { dyingKeeper, refusal, startClockVault } from './fixture.ts';
import {
  abandonRegistration,
  accountStatus,
  changePassword,
  memoryKeeper,
  register,
  resumeRegistration,
  unfinishedRegistration,
  type Keeper,
} from './index.ts';

const owner = ownerOf('change', startClockVault);
const { open, registered, opens, codeOf } = owner;

describe('a new password', () => {
  test.each([true, false])('takes the place of the old one (device has the key: %s)', async (withKey) => {
    const key = await registered();
    const session = await open();
    const change = await changePassword(session, {
      password: OLD,
      newPassword: NEW,
      ...(withKey ? { key } : {}),
      ...cheap,
    });
    expect(change).toMatchObject({ generation: 2, budget: 10, remaining: 10 });
    expect(hex((await accountStatus(session)).recordHash)).toBe(hex(change.recordHash));
    expect(await opens(NEW)).toBe(key.recoveryKey());
    expect(await codeOf(OLD)).toBe('wrong-password');
    expect(await unfinishedRegistration(session)).toBeUndefined();
  });

  test('keeps the budget, and reports what others have tried', async () => {
    const key = BackupKey.generate();
    await register(await open(), { key, password: OLD, budget: 7, ...cheap });
    await codeOf('a guess');
    const change = await changePassword(await open(), { password: OLD, newPassword: NEW, ...cheap });
    expect(change).toMatchObject({ budget: 7, remaining: 7, report: { failed: 1 } });
  });

  // proves CLI-52
  test('with a key that is not the registered one: nothing is charged, nothing changes', async () => {
    const key = await registered();
    const options = { password: OLD, newPassword: NEW, key: BackupKey.generate(), ...cheap };
    expect((await refusal(changePassword(await open(), options))).code).toBe('not-authorised');
    expect((await accountStatus(await open())).remaining).toBe(10);
    expect(await opens(OLD)).toBe(key.recoveryKey());
  });

  test('with a wrong old one, or impossible new ones', async () => {
    const key = await registered();
    const wrong = { password: 'a guess', newPassword: NEW, key, ...cheap };
    expect(await refusal(changePassword(await open(), wrong))).toMatchObject({
      code: 'wrong-password',
      details: { remaining: 9 },
    });
    owner.transport.sent.length = 0;
    const impossible = { password: OLD, newPassword: 'tab\there', key, ...cheap };
    expect((await refusal(changePassword(await open(), impossible))).code).toBe('invalid-password');
    const budget = { password: OLD, newPassword: NEW, key, budget: 101, ...cheap };
    expect((await refusal(changePassword(await open(), budget))).code).toBe('usage');
    expect(owner.transport.sent).toHaveLength(0);
    expect(await opens(OLD)).toBe(key.recoveryKey());
  });

  // proves CLI-53
  test('whose every request or answer is lost, in turn: one password opens, and the journal ends', async () => {
    const ways = new Set<string>();
    for (const fate of ['drop-request', 'drop-answer'] as const) {
      for (let lost = 0; ; lost++) {
        owner.account = `changed ${fate} ${lost}`;
        owner.transport.fate = () => 'deliver';
        const key = await registered();
        const keeper = memoryKeeper();
        owner.transport.fate = (index) => (index === lost ? fate : 'deliver');
        await changePassword(await open(keeper), { password: OLD, newPassword: NEW, ...cheap }).catch(
          () => undefined,
        );
        const reached = owner.transport.sent.length > lost;
        owner.transport.fate = () => 'deliver';
        const left = await unfinishedRegistration(await open(keeper));
        if (left !== undefined) {
          // Nothing else may begin before it is known which password is the one.
          const next = { password: OLD, newPassword: NEW, ...cheap };
          expect((await refusal(changePassword(await open(keeper), next))).code).toBe(
            'registration-unfinished',
          );
          expect(await resumeRegistration(await open(keeper))).toMatchObject({ generation: 2 });
        }
        const [valid, invalid] = left === undefined && reached ? [OLD, NEW] : [NEW, OLD];
        expect(await opens(valid)).toBe(key.recoveryKey());
        expect(await codeOf(invalid)).toBe('wrong-password');
        expect(await unfinishedRegistration(await open(keeper))).toBeUndefined();
        ways.add(`${fate} ${left?.step ?? 'nothing'}`);
        if (!reached) break;
      }
    }
    expect(ways).toEqual(
      new Set([
        'drop-request changing',
        'drop-answer changing',
        'drop-request nothing',
        'drop-answer nothing',
      ]),
    );
  });

  test('that is cut off by a loss of power at every write, before or after', async () => {
    const ways = new Set<string>();
    for (const when of ['before', 'after'] as const) {
      for (let step = 0; ; step++) {
        owner.account = `power ${when} ${step}`;
        const key = await registered();
        const { keeper, survivor, dead } = dyingKeeper(step, when);
        const options = { password: OLD, newPassword: NEW, ...cheap };
        const session = await open(keeper).catch(() => undefined);
        if (session !== undefined) await changePassword(session, options).catch(() => undefined);
        const left = await unfinishedRegistration(await open(survivor));
        if (left !== undefined) await resumeRegistration(await open(survivor));
        const { generation } = await accountStatus(await open(survivor));
        expect(await opens(generation === 2 ? NEW : OLD)).toBe(key.recoveryKey());
        expect(await unfinishedRegistration(await open(survivor))).toBeUndefined();
        ways.add(`${left?.step ?? 'nothing'} ${generation}`);
        if (!dead()) break;
      }
    }
    expect(ways).toEqual(new Set(['nothing 1', 'changing 2', 'nothing 2']));
  });

  test('that was overtaken ends in a conflict, and the journal with it', async () => {
    const key = await registered();
    const keeper = memoryKeeper();
    owner.transport.fate = (index) => (index === 2 ? 'drop-request' : 'deliver');
    const options = { password: OLD, newPassword: NEW, key, ...cheap };
    expect((await refusal(changePassword(await open(keeper), options))).code).toBe('unavailable');
    owner.transport.fate = () => 'deliver';
    await changePassword(await open(), { password: OLD, newPassword: 'a third', ...cheap });
    expect((await refusal(resumeRegistration(await open(keeper)))).code).toBe('conflict');
    expect(await unfinishedRegistration(await open(keeper))).toBeUndefined();
    expect(await opens('a third')).toBe(key.recoveryKey());
  });

  test('whose journal says nothing of either password', async () => {
    const key = await registered();
    const keeper = memoryKeeper();
    const texts: string[] = [];
    const spying: Keeper = { ...keeper, write: (name, text) => (texts.push(text), keeper.write(name, text)) };
    await changePassword(await open(spying), { password: OLD, newPassword: NEW, key, ...cheap });
    expect(texts.join()).toContain('"step":"changing"');
    for (const secret of [OLD, NEW, key.recoveryKey().replaceAll(' ', '')]) {
      expect(texts.join()).not.toContain(secret);
      expect(texts.join()).not.toContain(Buffer.from(secret).toString('hex'));
    }
    await abandonRegistration(await open(spying));
  });

  test('does not take the place of a registration that was cut off, nor of its key', async () => {
    const keeper = memoryKeeper();
    owner.transport.fate = (index) => (index === 0 ? 'drop-answer' : 'deliver');
    const key = BackupKey.generate();
    await refusal(register(await open(keeper), { key, password: OLD, ...cheap }));
    const options = { password: OLD, newPassword: NEW, ...cheap };
    expect((await refusal(changePassword(await open(keeper), options))).code).toBe('registration-unfinished');
    expect((await unfinishedRegistration(await open(keeper)))?.key?.recoveryKey()).toBe(key.recoveryKey());
  });
});
