import { beforeEach, describe, expect, it } from 'vitest';
import { Recovered, RecoverStarted, RegisterStarted, Statement, StatusBody } from '../../exchange/answer.ts';
import {
  RecoverFinish,
  RecoverStart,
  RegisterConfirm,
  RegisterFinish,
  RegisterStart,
  Request,
} from '../../exchange/request.ts';
import { sodiumSuite } from '../../opaque/index.ts';
import { concat, fromHex, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { TestAccount } from '../testing/account.ts';
import { CoreVault } from '../testing/core-vault.ts';
import { BUCKET_SECONDS, CLOSED_SECONDS } from './attempts.ts';
import { sweep } from './handle.ts';

const DAY = 24 * 3600;
const suite = await sodiumSuite();

let v: CoreVault;
let alice: TestAccount;
beforeEach(() => {
  v = new CoreVault(suite);
  alice = v.account();
});
const closeAll = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await alice.recover('wrong');
};

describe('the life of an account', () => {
  it('registers, recovers, and gives back what was sealed', async () => {
    expect(await alice.recover('secret')).toMatchObject({
      outcome: 'not-registered',
      phase: 'none',
      stateVersion: 0,
    });
    const { sealedKey, ...registered } = await alice.register('secret');
    expect(registered).toMatchObject({
      outcome: 'ok',
      phase: 'active',
      generation: 1,
      budget: 10,
      remaining: 10,
      stateVersion: 3,
    });
    const begun = await alice.start('secret');
    expect(begun.answer).toMatchObject({ outcome: 'ok', remaining: 9, stateVersion: 4 });
    const recovered = await alice.finish(begun);
    expect(recovered).toMatchObject({ outcome: 'ok', remaining: 10, stateVersion: 5 });
    expect(decode(Recovered, recovered.body).sealedKey).toEqual(sealedKey);
  });

  it('counts wrong passwords and refills for the right one', async () => {
    await alice.register('secret', 5);
    await closeAll(3);
    expect(await alice.call('status')).toMatchObject({ outcome: 'ok', remaining: 2 });
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok', remaining: 5 });
  });

  it('gives one charge back and no more under a policy without refill', async () => {
    v = new CoreVault(suite, { refill: 'none' });
    alice = v.account();
    await alice.register('secret', 5);
    await closeAll(3);
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok', remaining: 2 });
  });

  // proves RCV-10
  it('is not charged for guesses while the OPAQUE keys of its registration are gone', async () => {
    await alice.register('secret', 2);
    const { fleet } = v;
    const { commits } = v.driver;
    v.fleet = { ...fleet, opaqueKeys: [] };
    for (let guess = 0; guess < 3; guess++) {
      await expect(alice.start('secret')).rejects.toMatchObject({ code: 'keys-missing' });
      await expect(alice.change('secret', 'new')).rejects.toMatchObject({ code: 'keys-missing' });
    }
    expect(v.driver.commits).toBe(commits);
    v.fleet = fleet;
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok', remaining: 2 });
  });

  // proves ATT-20
  it('destroys the key for good when the budget is spent', async () => {
    await alice.register('secret', 3);
    await closeAll(2);
    expect(await alice.recover('wrong')).toMatchObject({
      outcome: 'destroyed',
      phase: 'destroyed',
      remaining: 0,
    });
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'destroyed' });
    const { active, open, closed } = v.record();
    expect([open, closed]).toEqual([[], []]);
    expect(active).toMatchObject({
      nonce: new Uint8Array(32),
      record: new Uint8Array(0),
      sealedKey: new Uint8Array(48),
    });
  });

  it('writes nothing for reads, refusals and repeats', async () => {
    await alice.register('secret', 3);
    await alice.recover('wrong');
    const { commits } = v.driver;
    await alice.call('status');
    await alice.call('status', utf8('x'));
    await alice.call('delete');
    await alice.call('recover-start', encode(RecoverStart, { ke1: utf8('short') }));
    await alice.call(
      'recover-finish',
      encode(RecoverFinish, {
        ke1: new Uint8Array(96),
        attemptId: new Uint8Array(32),
        ke3: new Uint8Array(64),
        acknowledged: 0,
      }),
    );
    expect(v.driver.commits).toBe(commits);
  });

  it('keeps accounts apart', async () => {
    const bob = v.account('bob');
    await alice.register('secret', 3);
    await bob.register('secret', 3);
    const begun = await alice.start('secret');
    expect(await bob.finish(begun)).toMatchObject({ outcome: 'conflict', remaining: 3 });
    expect(await bob.call('status')).toMatchObject({ remaining: 3 });
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'ok' });
  });
});

describe('requests that are not served', () => {
  it.each([
    [
      'an account that the caller may not speak for',
      'not-authorised',
      { kind: 'account', account: utf8('bob') },
    ],
    ['a caller whose assertion failed', 'not-authorised', { kind: 'nobody' }],
  ] as const)('%s', async (_name, outcome, caller) => {
    await alice.register('secret');
    const refused = await v.send(alice.request('status', new Uint8Array(0)), caller);
    expect(refused).toMatchObject({ outcome, phase: 'none', stateVersion: 0, budget: 0, generation: 0 });
  });

  it('serves an asserted account', async () => {
    const caller = { kind: 'account', account: utf8('alice') } as const;
    expect(await v.send(alice.request('status', new Uint8Array(0)), caller)).toMatchObject({ outcome: 'ok' });
  });

  it.each([
    ['bytes that are no request', (): Bytes => new Uint8Array(2048).fill(1)],
    [
      'another fleet',
      (): Bytes =>
        new TestAccount((bytes) => v.send(bytes), new Uint8Array(16), 'alice').request(
          'status',
          new Uint8Array(0),
        ),
    ],
    [
      'another version',
      (): Bytes => {
        const bytes = alice.request('status', new Uint8Array(0));
        bytes[0] = 2;
        return bytes;
      },
    ],
    ['a body that is too long', (): Bytes => alice.request('status', utf8('x'))],
    ['a body that is too short', (): Bytes => alice.request('recover-start', utf8(''))],
  ])('%s is malformed', async (_name, bytes) => {
    expect(await v.send(bytes())).toMatchObject({ outcome: 'malformed' });
  });

  it('a command without a number of the registry is unsupported', async () => {
    const request = decode(Request, alice.request('status', new Uint8Array(0)));
    for (const command of [0, 13, 99]) {
      expect(await v.send(encode(Request, { ...request, command }))).toMatchObject({
        outcome: 'unsupported',
      });
    }
  });
});

describe('registration', () => {
  it('answers the same bytes the same, and writes once', async () => {
    const { body } = (() => {
      const registrationRequest = v.driver.fleet.suite.group.multiplyBase(fromHex(`05${'00'.repeat(31)}`));
      return { body: encode(RegisterStart, { registrationRequest }) };
    })();
    const first = await alice.call('register-start', body);
    const again = await alice.call('register-start', body);
    expect(again.body).toEqual(first.body);
    expect(v.driver.commits).toBe(1);
  });

  // proves REG-5
  it('evaluates one element per seed: other bytes discard the pending generation', async () => {
    const first = await alice.prepare('secret');
    const { nonce } = v.record().pending;
    const second = await alice.prepare('secret');
    expect(second.started.registrationId).not.toEqual(first.started.registrationId);
    expect(second.started.generation).toBe(first.started.generation + 1);
    expect(v.record().pending.nonce).not.toEqual(nonce);
    expect(await alice.call('register-finish', first.finish)).toMatchObject({ outcome: 'conflict' });
    expect(await alice.call('register-finish', second.finish)).toMatchObject({ outcome: 'ok' });
    expect(await alice.call('register-confirm', first.confirm)).toMatchObject({
      outcome: 'conflict',
      phase: 'none',
    });
  });

  // proves REG-3
  it('evaluates nothing under the live seed', async () => {
    await alice.register('secret');
    const { nonce } = v.record().active;
    await alice.prepare('other');
    expect(v.record().pending.nonce).not.toEqual(nonce);
    expect(v.record().active.nonce).toEqual(nonce);
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok' });
  });

  it('repeats finish and confirm, and refuses others under the same id', async () => {
    const { started, finish, confirm } = await alice.prepare('secret');
    await alice.call('register-finish', finish);
    const { commits } = v.driver;
    expect(await alice.call('register-finish', finish)).toMatchObject({ outcome: 'ok' });
    const other = decode(RegisterFinish, finish);
    expect(
      await alice.call('register-finish', encode(RegisterFinish, { ...other, budget: 9 })),
    ).toMatchObject({ outcome: 'conflict' });
    expect(v.driver.commits).toBe(commits);
    await alice.call('register-confirm', confirm);
    expect(await alice.call('register-confirm', confirm)).toMatchObject({ outcome: 'ok', phase: 'active' });
    expect(v.driver.commits).toBe(commits + 1);
    const unknown = { ...decode(RegisterConfirm, confirm), registrationId: new Uint8Array(32) };
    expect(await alice.call('register-confirm', encode(RegisterConfirm, unknown))).toMatchObject({
      outcome: 'conflict',
    });
    const wrong = { ...decode(RegisterConfirm, confirm), secret: new Uint8Array(32) };
    expect(await alice.call('register-confirm', encode(RegisterConfirm, wrong))).toMatchObject({
      outcome: 'not-authorised',
    });
    expect(started.generation).toBe(1);
  });

  it('does not go live with a wrong secret or another record', async () => {
    const { finish, confirm } = await alice.prepare('secret');
    expect(await alice.call('register-confirm', confirm)).toMatchObject({ outcome: 'conflict' });
    await alice.call('register-finish', finish);
    const body = decode(RegisterConfirm, confirm);
    const wrong = encode(RegisterConfirm, { ...body, secret: new Uint8Array(32) });
    expect(await alice.call('register-confirm', wrong)).toMatchObject({
      outcome: 'not-authorised',
      phase: 'none',
    });
    const other = encode(RegisterConfirm, { ...body, recordHash: new Uint8Array(32) });
    expect(await alice.call('register-confirm', other)).toMatchObject({ outcome: 'conflict', phase: 'none' });
    expect(await alice.call('register-confirm', confirm)).toMatchObject({ outcome: 'ok', phase: 'active' });
  });

  it.each<[string, (body: RegisterFinish) => Partial<RegisterFinish>]>([
    ['a budget above the policy', () => ({ budget: 101 })],
    ['stretching below the floor', ({ stretch }) => ({ stretch: { ...stretch, iterations: 2 } })],
    ['stretching that no client does', ({ stretch }) => ({ stretch: { ...stretch, memoryKib: 2 ** 31 } })],
    ['an unknown algorithm', ({ stretch }) => ({ stretch: { ...stretch, algorithm: 2 } })],
    ['a short record', ({ record }) => ({ record: record.slice(1) })],
    [
      'a record whose key is no element',
      ({ record }) => ({ record: concat(new Uint8Array(32).fill(255), record.subarray(32)) }),
    ],
  ])('refuses %s', async (_name, change) => {
    const { finish, confirm } = await alice.prepare('secret');
    const body = decode(RegisterFinish, finish);
    const bad = encode(RegisterFinish, { ...body, ...change(body) });
    expect(await alice.call('register-finish', bad)).toMatchObject({ outcome: 'malformed' });
    expect(await alice.call('register-finish', finish)).toMatchObject({ outcome: 'ok' });
    expect(await alice.call('register-confirm', confirm)).toMatchObject({ outcome: 'ok' });
  });

  it('refuses an element that is none, and keeps the pending generation', async () => {
    const { finish } = await alice.prepare('secret');
    const registrationRequest = new Uint8Array(32).fill(255);
    expect(await alice.call('register-start', encode(RegisterStart, { registrationRequest }))).toMatchObject({
      outcome: 'malformed',
    });
    expect(await alice.call('register-finish', finish)).toMatchObject({ outcome: 'ok' });
  });

  it('takes the budget that is asked for, within the policy', async () => {
    expect(await alice.register('secret', 100)).toMatchObject({ outcome: 'ok', budget: 100, remaining: 100 });
  });
});

describe('replacing a live generation', () => {
  beforeEach(() => alice.register('old', 5));

  it('waits without a proof', async () => {
    expect(await alice.register('new')).toMatchObject({ outcome: 'scheduled', generation: 1 });
    expect(await alice.recover('old')).toMatchObject({ outcome: 'ok', generation: 1 });
  });

  it('with the KE3 of an open attempt: at once, with a full budget', async () => {
    await closeAll(2);
    const { proof } = await alice.start('old');
    const replaced = await alice.register('new', 5, proof);
    expect(replaced).toMatchObject({ outcome: 'ok', generation: 2, remaining: 5 });
    expect(v.record().open).toEqual([]);
    expect(await alice.recover('old')).toMatchObject({ outcome: 'wrong-password' });
    expect(await alice.recover('new')).toMatchObject({ outcome: 'ok' });
  });

  it('with the owner key: at once, but the ledger counts', async () => {
    await closeAll(2);
    const { finish, confirm } = await alice.prepare('new', 5);
    await alice.call('register-finish', finish);
    const forged = { kind: 'owner', signature: new Uint8Array(64) } as const;
    expect(await alice.call('register-confirm', confirm, forged)).toMatchObject({
      outcome: 'not-authorised',
    });
    const elsewhere = alice.owner('register-finish', confirm);
    expect(await alice.call('register-confirm', confirm, elsewhere)).toMatchObject({
      outcome: 'not-authorised',
    });
    const proof = alice.owner('register-confirm', confirm);
    expect(await alice.call('register-confirm', confirm, proof)).toMatchObject({
      outcome: 'ok',
      generation: 2,
      remaining: 3,
    });
  });

  it('a wrong KE3 closes its attempt, and replaces nothing', async () => {
    const { proof } = await alice.start('wrong');
    expect(await alice.register('new', 5, proof)).toMatchObject({ outcome: 'wrong-password', generation: 1 });
    expect(v.record().open).toEqual([]);
    // Whoever lost the first answer gets it again.
    expect(await alice.register('new', 5, proof)).toMatchObject({ outcome: 'wrong-password' });
  });

  it('a wrong KE3 as the last chance destroys', async () => {
    await closeAll(4);
    const { proof } = await alice.start('wrong');
    expect(await alice.register('new', 5, proof)).toMatchObject({ outcome: 'destroyed', phase: 'destroyed' });
    // The same bytes again must not become a registration without a proof.
    expect(v.record().pending.state).toBe('empty');
  });

  // proves ATT-9
  it('no proof of an old generation is worth anything', async () => {
    const stale = await alice.start('old');
    const { proof } = await alice.start('old');
    await alice.register('new', 5, proof);
    expect(await alice.finish(stale)).toMatchObject({ outcome: 'conflict' });
    expect(await alice.register('newer', 5, stale.proof)).toMatchObject({ outcome: 'not-authorised' });
  });

  it('erases the old generation in the commit that confirms', async () => {
    const before = v.record().active;
    const { proof } = await alice.start('old');
    await alice.register('new', 5, proof);
    const { active, pending, open, closed } = v.record();
    for (const slot of [active, pending]) {
      expect(slot.nonce).not.toEqual(before.nonce);
      expect(slot.sealedKey).not.toEqual(before.sealedKey);
    }
    expect([...open, ...closed]).toEqual([]);
  });
});

describe('the ledger', () => {
  it('outlives destruction: a new generation starts with what is left', async () => {
    await alice.register('secret', 5);
    await closeAll(5);
    expect(await alice.register('again', 10)).toMatchObject({
      outcome: 'ok',
      generation: 2,
      budget: 10,
      remaining: 5,
    });
  });

  it('leaves one guess at least, and forgets after two periods at most', async () => {
    await alice.register('secret', 5);
    await closeAll(5);
    expect(await alice.register('again', 3)).toMatchObject({ remaining: 1 });
    await alice.recover('wrong');
    v.driver.now += 30 * DAY;
    expect(await alice.register('again', 7)).toMatchObject({ remaining: 1 });
    await alice.recover('wrong');
    v.driver.now += 60 * DAY;
    expect(await alice.register('again', 3)).toMatchObject({ remaining: 3 });
  });

  it('never gives a guess back, whatever is registered', async () => {
    await alice.register('secret', 3);
    let guesses = 0;
    for (let i = 0; i < 10; i++) {
      while ((await alice.recover('wrong')).outcome === 'wrong-password') guesses++;
      guesses++; // the one that destroyed
      await alice.register('secret', 3);
    }
    // 3 of the first generation, then one for each new one.
    expect(guesses).toBe(3 + 9);
  });

  // proves ATT-11
  it('has a ceiling over all generations, which ends with its oldest period', async () => {
    v = new CoreVault(suite, { ceiling: 4 });
    alice = v.account();
    await alice.register('secret', 10);
    await closeAll(4);
    const refused = await alice.start('secret');
    expect(refused.answer).toMatchObject({ outcome: 'try-later', remaining: 6 });
    const left = BUCKET_SECONDS - (v.driver.now % BUCKET_SECONDS);
    expect(refused.answer.retryAfter).toBe(left + 11 * BUCKET_SECONDS);
    v.driver.now += refused.answer.retryAfter - 1;
    expect((await alice.start('secret')).answer.outcome).toBe('try-later');
    v.driver.now += 1;
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok' });
  });

  it('takes a charge out again when its attempt is proved, in the period of the charge', async () => {
    await alice.register('secret', 10);
    await alice.recover('wrong');
    const begun = await alice.start('secret');
    v.driver.now += BUCKET_SECONDS;
    await alice.recover('wrong');
    await alice.finish(begun);
    expect(v.record().buckets.slice(0, 3)).toEqual([1, 1, 0]);
  });
});

describe('an attempt', () => {
  beforeEach(() => alice.register('secret', 5));

  it('gets the same KE2 for the same KE1, uncharged, even while others must wait', async () => {
    const { body } = alice.begin('secret');
    const first = await alice.call('recover-start', body);
    const again = await alice.call('recover-start', body);
    expect(again).toEqual({ ...first, requestHash: again.requestHash });
    expect(again.remaining).toBe(4);
  });

  it('charges a malformed element, once for the same bytes, but not a wrong length', async () => {
    const body = encode(RecoverStart, { ke1: new Uint8Array(96).fill(255) });
    expect(await alice.call('recover-start', body)).toMatchObject({ outcome: 'malformed', remaining: 4 });
    expect(await alice.call('recover-start', body)).toMatchObject({ outcome: 'malformed', remaining: 4 });
    const short = encode(RecoverStart, { ke1: new Uint8Array(95) });
    expect(await alice.call('recover-start', short)).toMatchObject({ outcome: 'malformed', remaining: 4 });
  });

  // proves ATT-10
  it('answers the same KE3 the same, right or wrong, for a day', async () => {
    for (const [password, outcome] of [
      ['secret', 'ok'],
      ['wrong', 'wrong-password'],
    ] as const) {
      const begun = await alice.start(password);
      const first = await alice.finish(begun);
      expect(first.outcome).toBe(outcome);
      v.driver.now += CLOSED_SECONDS - 1;
      const again = await alice.finish(begun);
      expect(again).toEqual({ ...first, requestHash: again.requestHash, vaultTime: again.vaultTime });
      v.driver.now += 1;
      expect(await alice.finish(begun)).toMatchObject({
        outcome: 'conflict',
        stateVersion: first.stateVersion,
      });
    }
  });

  it('changes nothing for an unknown id, another KE3 after closing, or a KE3 of the wrong length', async () => {
    const begun = await alice.start('secret');
    if (begun.proof === undefined) throw new Error('no KE2');
    const { kind: _, ...proof } = begun.proof;
    const finish = (change: object): Promise<Statement> =>
      alice.call('recover-finish', encode(RecoverFinish, { ...proof, acknowledged: 0, ...change }));
    expect(await finish({ attemptId: new Uint8Array(32) })).toMatchObject({ outcome: 'conflict' });
    expect(await finish({ ke1: new Uint8Array(96) })).toMatchObject({ outcome: 'conflict' });
    expect(await finish({ ke3: new Uint8Array(63) })).toMatchObject({ outcome: 'malformed' });
    expect(await finish({})).toMatchObject({ outcome: 'ok' });
    expect(await finish({ ke3: new Uint8Array(64) })).toMatchObject({ outcome: 'conflict', remaining: 5 });
  });

  it('may be open four times; the oldest gives way and stays charged', async () => {
    const begun = [];
    for (let i = 0; i < 4; i++) begun.push(await alice.start('secret'));
    expect(decode(StatusBody, (await alice.call('status')).body).openAttempts).toBe(4);
    const [oldest, second] = begun;
    if (oldest === undefined || second === undefined) throw new Error('none');
    await alice.start('wrong'); // the fifth charge: last chance
    expect(await alice.finish(oldest)).toMatchObject({ outcome: 'conflict', remaining: 0 });
    expect(await alice.finish(second)).toMatchObject({ outcome: 'ok', remaining: 5 });
  });

  it('refunds once: what a refill has paid back is not paid again', async () => {
    const [first, second] = [await alice.start('secret'), await alice.start('secret')];
    expect(await alice.finish(first)).toMatchObject({ remaining: 5 });
    await closeAll(2);
    expect(v.record().open).toHaveLength(1);
    expect(v.record().open[0]).toMatchObject({ refundable: 0 });
    expect(await alice.finish(second)).toMatchObject({ outcome: 'ok', remaining: 5 });
  });

  // proves RCV-7
  it('wipes the seed of a closed attempt', async () => {
    const begun = await alice.start('wrong');
    const [open] = v.record().open;
    await alice.finish(begun);
    expect(v.record().open).toEqual([]);
    expect(JSON.stringify(v.record())).not.toContain(JSON.stringify(open?.seed));
  });

  it('gives every attempt its own nonces and id, and none of them is stored', async () => {
    const [a, b] = [await alice.start('secret'), await alice.start('secret')];
    const [x, y] = [a, b].map(({ answer }) => decode(RecoverStarted, answer.body));
    expect(x?.attemptId).not.toEqual(y?.attemptId);
    expect(x?.ke2.slice(32, 64)).not.toEqual(y?.ke2.slice(32, 64));
  });
});

describe('waits', () => {
  it('follows the ladder of the policy, and repeats are free', async () => {
    v = new CoreVault(suite, { delays: [0, 0, 60, 600] });
    alice = v.account();
    await alice.register('secret', 10);
    await closeAll(1);
    const begun = await alice.start('wrong');
    expect(begun.answer).toMatchObject({ outcome: 'ok', retryAfter: 60 });
    const refused = await alice.start('wrong');
    expect(refused.answer).toMatchObject({ outcome: 'try-later', retryAfter: 60, remaining: 8 });
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'wrong-password' });
    v.driver.now += 59;
    expect((await alice.start('wrong')).answer).toMatchObject({ outcome: 'try-later', retryAfter: 1 });
    v.driver.now += 1;
    expect((await alice.start('wrong')).answer).toMatchObject({ outcome: 'ok', retryAfter: 600 });
    v.driver.now += 600;
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok', retryAfter: 0 });
  });

  it('waits before the first attempt of a generation that starts with charges', async () => {
    v = new CoreVault(suite, { delays: [0, 0, 0, 60] });
    alice = v.account();
    await alice.register('secret', 2);
    await closeAll(2);
    expect(await alice.register('again', 5)).toMatchObject({ remaining: 3, retryAfter: 0 });
    await alice.recover('wrong');
    expect((await alice.start('secret')).answer).toMatchObject({ outcome: 'try-later', retryAfter: 60 });
  });
});

describe('the last chance', () => {
  beforeEach(async () => {
    await alice.register('secret', 3);
    await closeAll(2);
  });

  it('restores the account for a right last guess', async () => {
    const begun = await alice.start('secret');
    expect(begun.answer).toMatchObject({
      outcome: 'ok',
      phase: 'last-chance',
      remaining: 0,
      retryAfter: 600,
    });
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'ok', phase: 'active', remaining: 3 });
  });

  it('restores it one guess short without refill', async () => {
    v = new CoreVault(suite, { refill: 'none' });
    alice = v.account();
    await alice.register('secret', 3);
    await closeAll(2);
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok', phase: 'active', remaining: 1 });
  });

  it('begins no other attempt, and repeats the open ones', async () => {
    const fresh = alice.begin('secret');
    const { body } = fresh;
    const begun = await fresh.complete(await alice.call('recover-start', body));
    v.driver.now += 100;
    expect((await alice.start('secret')).answer).toMatchObject({
      outcome: 'try-later',
      phase: 'last-chance',
      retryAfter: 500,
    });
    expect(await alice.call('recover-start', body)).toMatchObject({ outcome: 'ok', phase: 'last-chance' });
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'ok' });
  });

  it('is not ended by an unknown attempt id, a status, or another wrong attempt while one is open', async () => {
    const other = await v.account().start('wrong'); // third charge
    expect(other.answer.phase).toBe('last-chance');
    await alice.call(
      'recover-finish',
      encode(RecoverFinish, {
        ke1: other.ke1,
        attemptId: new Uint8Array(32),
        ke3: new Uint8Array(64),
        acknowledged: 0,
      }),
    );
    expect(await alice.call('status')).toMatchObject({ phase: 'last-chance' });
  });

  it('lasts while any attempt is open', async () => {
    v = new CoreVault(suite);
    alice = v.account();
    await alice.register('secret', 3);
    const [good, bad, worse] = [
      await alice.start('secret'),
      await alice.start('wrong'),
      await alice.start('wrong'),
    ];
    expect(await alice.finish(bad)).toMatchObject({ outcome: 'wrong-password', phase: 'last-chance' });
    expect(await alice.finish(worse)).toMatchObject({ outcome: 'wrong-password', phase: 'last-chance' });
    expect(await alice.finish(good)).toMatchObject({ outcome: 'ok', phase: 'active', remaining: 3 });
  });

  it('ends with its last wrong KE3, and the same bytes are told so again', async () => {
    const begun = await alice.start('wrong');
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'destroyed', phase: 'destroyed' });
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'destroyed' });
  });

  // proves ATT-17
  it('ends at its deadline: at the first event, even for the right KE3', async () => {
    const begun = await alice.start('secret');
    v.driver.now += 600;
    const commits = v.driver.commits;
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'destroyed', remaining: 0 });
    expect(v.driver.commits).toBe(commits + 1);
    expect(v.record().active.state).toBe('destroyed');
  });

  it.each(['status', 'get-head'] as const)(
    'ends at its deadline by %s too, and not a second before',
    async (command) => {
      await alice.start('secret');
      v.driver.now += 599;
      expect(await alice.call(command)).toMatchObject({ phase: 'last-chance', retryAfter: 1 });
      v.driver.now += 1;
      expect(await alice.call(command)).toMatchObject({ phase: 'destroyed' });
    },
  );

  it('is ended by the sweeper, which touches nothing else', async () => {
    await alice.start('secret');
    const { commits } = v.driver;
    v.driver.run(sweep(v.driver.fleet, v.leaf()));
    v.driver.run(sweep(v.driver.fleet, v.leaf('nobody')));
    expect(v.driver.commits).toBe(commits);
    v.driver.now += 600;
    v.driver.run(sweep(v.driver.fleet, v.leaf()));
    v.driver.run(sweep(v.driver.fleet, v.leaf()));
    expect(v.driver.commits).toBe(commits + 1);
    expect(v.record().active.state).toBe('destroyed');
  });
});

describe('the report of failed attempts', () => {
  beforeEach(() => alice.register('secret', 10));

  it('is repeated until a proof acknowledges its serial', async () => {
    await closeAll(2);
    const first = await alice.recover('secret');
    expect(first.report).toMatchObject({ serial: 1, failed: 2, first: v.driver.now });
    const again = await alice.recover('secret');
    expect(again.report).toMatchObject({ serial: 2, failed: 2 });
    const after = await alice.recover('secret', again.report.serial);
    expect(after.report).toEqual({ serial: 3, failed: 0, first: 0, last: 0 });
  });

  it('is not acknowledged by a wrong KE3, and keeps what came later', async () => {
    await closeAll(1);
    const { report } = await alice.recover('secret');
    expect(await alice.recover('wrong', report.serial)).toMatchObject({ report: { failed: 2 } });
    expect((await alice.recover('secret', report.serial)).report).toMatchObject({ failed: 1 });
  });

  it('is not shortened by an attempt that it does not count any more', async () => {
    const old = await alice.start('secret');
    const { report } = await alice.recover('secret');
    expect((await alice.recover('secret', report.serial)).report.failed).toBe(0);
    await alice.recover('wrong');
    expect((await alice.finish(old)).report.failed).toBe(1);
  });

  it('survives a new registration', async () => {
    await closeAll(2);
    const { proof } = await alice.start('secret');
    expect(await alice.register('new', 10, proof)).toMatchObject({ report: { failed: 2 } });
  });
});

describe('status', () => {
  it('names the live and the pending registration', async () => {
    const { started, finish } = await alice.prepare('secret');
    await alice.call('register-finish', finish);
    const body = decode(StatusBody, (await alice.call('status')).body);
    expect(body.pendingRegistrationId).toEqual(started.registrationId);
    expect(body.pendingRecordHash).not.toEqual(new Uint8Array(32));
    expect(body.recordHash).toEqual(new Uint8Array(32));
  });

  it('never says what a registration response said', async () => {
    const { started } = await alice.prepare('secret');
    const { body } = await alice.call('status');
    expect(decode(StatusBody, body).pendingRegistrationId).toEqual(started.registrationId);
    expect(() => decode(RegisterStarted, body)).toThrow();
  });
});
