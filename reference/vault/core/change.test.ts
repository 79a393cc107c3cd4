import { beforeEach, describe, expect, it } from 'vitest';
import { Recovered, type Statement } from '../../exchange/answer.ts';
import { ChangeFinish, ChangeStart, ChangeStarted } from '../../exchange/change.ts';
import { RecoverStart, RegisterConfirm } from '../../exchange/request.ts';
import { nobleSuite, sodiumSuite, startLogin, startRegistration } from '../../opaque/index.ts';
import { utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import type { TestAccount } from '../testing/account.ts';
import { CoreVault } from '../testing/core-vault.ts';
import { sha256 } from './evaluate.ts';

const suite = await sodiumSuite();

let v: CoreVault;
let alice: TestAccount;
beforeEach(async () => {
  v = new CoreVault(suite);
  alice = v.account();
  await alice.register('old', 5);
});

const start = (body: Bytes): Promise<Statement> => alice.call('change-start', body);
const finish = (body: Bytes): Promise<Statement> => alice.call('change-finish', body);

/** The fields of a `change-start` that nobody has seen before. */
function fresh(password: string): ChangeStart {
  const { ke1 } = startLogin(nobleSuite, utf8(password));
  return { ke1, registrationRequest: startRegistration(nobleSuite, utf8('new')).request };
}

describe('a change of the password', () => {
  // proves CHG-1, CHG-2, CHG-3
  it('charges and begins in one commit, proves and replaces in another', async () => {
    await alice.recover('wrong');
    const { commits } = v.driver;
    const change = await alice.change('old', 'new', 7);
    expect(change.answer).toMatchObject({ outcome: 'ok', generation: 1, remaining: 3 });
    expect(v.driver.commits).toBe(commits + 1);
    const changed = await finish(change.finish);
    expect(changed).toMatchObject({
      outcome: 'ok',
      generation: 2,
      budget: 7,
      remaining: 7,
      report: { failed: 1 },
    });
    expect(v.driver.commits).toBe(commits + 2);
    expect(v.record()).toMatchObject({ open: [], closed: [], pending: { state: 'empty' } });
    expect(v.record().buckets[0]).toBe(1);
    expect(await alice.recover('old')).toMatchObject({ outcome: 'wrong-password' });
    const recovered = await alice.recover('new');
    expect(decode(Recovered, recovered.body).sealedKey).toEqual(
      decode(ChangeFinish, change.finish).sealedKey,
    );
  });

  it('acknowledges a report, and is answered the same again as long as it is live', async () => {
    await alice.recover('wrong');
    const { report } = await alice.recover('old');
    const change = await alice.change('old', 'new', 0, report.serial);
    const changed = await finish(change.finish);
    expect(changed).toMatchObject({ outcome: 'ok', budget: 10, report: { failed: 0 } });
    const { commits } = v.driver;
    expect(await finish(change.finish)).toMatchObject({
      outcome: 'ok',
      body: changed.body,
      stateVersion: changed.stateVersion,
    });
    expect(v.driver.commits).toBe(commits);
    await finish((await alice.change('new', 'newer')).finish);
    expect(await finish(change.finish)).toMatchObject({ outcome: 'conflict', generation: 3 });
  });

  it('erases what was scheduled', async () => {
    await alice.register('thief', 5);
    const changed = await finish((await alice.change('old', 'new')).finish);
    expect(changed).toMatchObject({ outcome: 'ok', scheduledChange: 'none', effectiveAt: 0 });
    expect(v.record().scheduled.state).toBe('empty');
  });

  it('leaves a generation that no secret confirms', async () => {
    const change = await alice.change('old', 'new');
    await finish(change.finish);
    const { registrationId } = decode(ChangeFinish, change.finish);
    const body = { registrationId, recordHash: sha256(change.finish), secret: new Uint8Array(32) };
    expect(await alice.call('register-confirm', encode(RegisterConfirm, body))).toMatchObject({
      outcome: 'not-authorised',
    });
  });
});

describe('change-start', () => {
  it('is answered the same again, without a charge', async () => {
    const change = await alice.change('old', 'new');
    const { commits } = v.driver;
    expect(await start(change.start)).toMatchObject({
      outcome: 'ok',
      body: change.answer.body,
      remaining: 4,
    });
    expect(v.driver.commits).toBe(commits);
  });

  // proves REG-2, RCV-4
  it('with another request for the new password begins anew, under another seed, without a charge', async () => {
    const change = await alice.change('old', 'new');
    const { ke1 } = decode(ChangeStart, change.start);
    const again = await start(
      encode(ChangeStart, { ke1, registrationRequest: fresh('old').registrationRequest }),
    );
    expect(again).toMatchObject({ outcome: 'ok', remaining: 4 });
    const [first, second] = [change.answer, again].map(({ body }) => decode(ChangeStarted, body));
    expect(second?.attempt).toEqual(first?.attempt);
    expect(second?.registration.registrationId).not.toEqual(first?.registration.registrationId);
    expect(await finish(change.finish)).toMatchObject({ outcome: 'conflict' });
    expect(v.record().open).toHaveLength(1);
  });

  it('takes the attempt of a recover-start of the same KE1', async () => {
    const change = await alice.change('old', 'new');
    const { ke1 } = decode(ChangeStart, change.start);
    const recovering = await alice.call('recover-start', encode(RecoverStart, { ke1 }));
    expect(recovering).toMatchObject({ outcome: 'ok', remaining: 4 });
  });

  // proves RCV-3
  it('charges a KE1 of bad elements, and refuses bad lengths and elements of the request without a charge', async () => {
    const { ke1, registrationRequest } = decode(ChangeStart, (await alice.change('old', 'new')).start);
    const bad = new Uint8Array(ke1.length).fill(255);
    expect(await start(encode(ChangeStart, { ke1: bad, registrationRequest }))).toMatchObject({
      outcome: 'malformed',
      remaining: 3,
    });
    for (const body of [
      { ke1: ke1.slice(1), registrationRequest },
      { ke1: bad.fill(254), registrationRequest: new Uint8Array(32).fill(255) },
    ])
      expect(await start(encode(ChangeStart, body))).toMatchObject({ outcome: 'malformed', remaining: 3 });
  });

  it('waits as a guess does, and is none in a last chance', async () => {
    v = new CoreVault(suite, { delays: [0, 0, 60] });
    alice = v.account();
    await alice.register('old', 3);
    await alice.recover('wrong');
    expect((await alice.start('wrong')).answer).toMatchObject({ outcome: 'ok', retryAfter: 60 });
    const body = encode(ChangeStart, fresh('old'));
    expect(await start(body)).toMatchObject({ outcome: 'try-later', remaining: 1 });
    v.driver.now += 60;
    await alice.start('wrong');
    expect(await start(body)).toMatchObject({ outcome: 'try-later', phase: 'last-chance' });
    expect(v.record().pending.state).toBe('empty');
  });

  it('begins no registration when the time of all keys has passed, and charges nothing', async () => {
    const change = await alice.change('old', 'new');
    v.fleet = { ...v.fleet, newOpaqueKey: undefined };
    expect(await start(change.start)).toMatchObject({ outcome: 'ok', remaining: 4 });
    const body = encode(ChangeStart, fresh('old'));
    expect(await start(body)).toMatchObject({ outcome: 'unsupported', remaining: 4 });
    expect(await finish(change.finish)).toMatchObject({ outcome: 'ok' });
  });

  it('of nothing says so', async () => {
    const body = encode(ChangeStart, fresh('old'));
    expect(await v.account('bob').call('change-start', body)).toMatchObject({ outcome: 'not-registered' });
    for (let i = 0; i < 5; i++) await alice.recover('wrong');
    expect(await start(body)).toMatchObject({ outcome: 'destroyed' });
  });
});

describe('change-finish', () => {
  it('with a wrong password closes its attempt, and says so again', async () => {
    const change = await alice.change('wrong', 'new');
    expect(await finish(change.finish)).toMatchObject({
      outcome: 'wrong-password',
      generation: 1,
      remaining: 4,
    });
    const { commits } = v.driver;
    expect(await finish(change.finish)).toMatchObject({ outcome: 'wrong-password' });
    expect(v.driver.commits).toBe(commits);
    expect(v.record()).toMatchObject({ open: [], pending: { state: 'started' } });
  });

  it('with a wrong password at last destroys', async () => {
    for (let i = 0; i < 4; i++) await alice.recover('wrong');
    const change = await alice.change('wrong', 'new');
    expect(await finish(change.finish)).toMatchObject({ outcome: 'destroyed', phase: 'destroyed' });
    expect(await finish(change.finish)).toMatchObject({ outcome: 'destroyed' });
  });

  it.each<[string, Partial<ChangeFinish>]>([
    ['a budget above the policy', { budget: 255 }],
    ['an owner key that is none', { ownerKey: new Uint8Array(32) }],
    ['a record that is none', { record: new Uint8Array(192).fill(255) }],
    ['weak stretching', { stretch: { algorithm: 1, iterations: 1, memoryKib: 8, parallelism: 1 } }],
  ])('with %s is malformed, and its attempt stays open', async (_name, fault) => {
    const change = await alice.change('old', 'new');
    const bad = encode(ChangeFinish, { ...decode(ChangeFinish, change.finish), ...fault });
    expect(await finish(bad)).toMatchObject({ outcome: 'malformed' });
    expect(await finish(change.finish)).toMatchObject({ outcome: 'ok' });
  });

  it('of another attempt, another registration or other lengths changes nothing', async () => {
    const change = await alice.change('old', 'new');
    const body = decode(ChangeFinish, change.finish);
    const { commits } = v.driver;
    const zeros = new Uint8Array(32);
    for (const [fault, outcome] of [
      [{ attemptId: zeros }, 'conflict'],
      [{ registrationId: zeros }, 'conflict'],
      [{ ke1: new Uint8Array(body.ke1.length) }, 'conflict'],
      [{ ke3: zeros }, 'malformed'],
      [{ ke1: zeros }, 'malformed'],
    ] as const)
      expect(await finish(encode(ChangeFinish, { ...body, ...fault }))).toMatchObject({ outcome });
    expect(v.driver.commits).toBe(commits);
    expect(await finish(change.finish)).toMatchObject({ outcome: 'ok' });
  });

  it('after the proof was used to recover is a conflict', async () => {
    const change = await alice.change('old', 'new');
    const begun = { ke1: change.proof.ke1, answer: change.answer, proof: change.proof, right: true };
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'ok' });
    expect(await finish(change.finish)).toMatchObject({ outcome: 'conflict', generation: 1 });
  });
});
