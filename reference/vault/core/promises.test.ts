import { beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../crypto/random.ts';
import { Answer, RecoverStarted, StatusBody, type Statement } from '../../exchange/answer.ts';
import { RegisterConfirm, RegisterFinish, RegisterStart } from '../../exchange/request.ts';
import { nobleSuite, type Suite } from '../../opaque/index.ts';
import { hex, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { AccountRecord } from '../record.ts';
import { TestAccount } from '../testing/account.ts';
import { MemoryDriver, type Paused } from '../testing/memory-driver.ts';
import type { Effect } from './effects.ts';
import { sha256 } from './evaluate.ts';
import type { Caller } from './fleet.ts';
import { handle, leafInput, type Handled } from './handle.ts';

let driver: MemoryDriver;
let alice: TestAccount;
/** What the group was asked for, each with the commits that there were by then. */
let computed: number[];

/** A suite that notes every use of its group. */
function watched(suite: Suite): Suite {
  const group = new Proxy(suite.group, {
    get(target, name: keyof Suite['group']) {
      const member = target[name];
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        computed.push(driver.commits);
        return Reflect.apply(member, target, args);
      };
    },
  });
  return { ...suite, group };
}

const begin = (plaintext: Bytes, caller: Caller = { kind: 'anyone' }): Paused<Handled> => {
  const requestHash = systemRandom('request_hash', 32);
  const step = handle(driver.fleet, { caller, requestHash, plaintext });
  return { step, turn: step.next() };
};
const statementOf = ({ answer }: Handled): Statement => decode(Answer, answer).statement;
// oxlint-disable-next-line typescript/require-await -- errors are rejections
const send = async (plaintext: Bytes, caller?: Caller): Promise<Statement> => {
  const { turn } = driver.advance(begin(plaintext, caller), () => false);
  if (turn.done !== true) throw new Error('stopped');
  return statementOf(turn.value);
};
const record = (): AccountRecord => {
  const leaf = driver.perform({ kind: 'hmac', key: 'index', data: leafInput(utf8('alice')) }) as Bytes;
  const found = driver.record(leaf);
  if (found === undefined) throw new Error('no record');
  return found;
};

beforeEach(() => {
  computed = [];
  driver = new MemoryDriver({}, watched(nobleSuite));
  alice = new TestAccount(send, driver.fleet.fleetId, 'alice');
});

describe('a guess', () => {
  // proves ATT-5, RCV-2
  it('is charged before the group, the seed or the attempt key is touched', async () => {
    await alice.register('secret', 5);
    const { commits } = driver;
    computed = [];
    const effects: Effect[] = [];
    const paused = begin(alice.request('recover-start', alice.begin('secret').body));
    driver.advance(paused, (effect) => {
      effects.push(effect);
      return false;
    });
    expect(computed.length).toBeGreaterThan(0);
    expect(new Set(computed)).toEqual(new Set([commits + 1]));
    const charged = effects.findIndex(({ kind }) => kind === 'commit');
    const keyed = effects.findIndex(
      (effect) => effect.kind === 'hmac' && (effect.key === 'oprf' || effect.key === 'attempt'),
    );
    expect(charged).toBeGreaterThanOrEqual(0);
    expect(keyed).toBeGreaterThan(charged);
  });

  // proves XCH-20, ATT-6, ATT-7, OPQ-25, RCV-7
  it('leaves its hash and a seed of its own in the record, and nothing of KE1, KE2, KE3 or the id', async () => {
    await alice.register('secret', 5);
    const fresh = alice.begin('secret');
    const { ke1 } = fresh;
    const answer = await alice.call('recover-start', fresh.body);
    const { ke2, attemptId } = decode(RecoverStarted, answer.body);
    const begun = await fresh.complete(answer);
    const ke3 = begun.proof?.ke3 ?? new Uint8Array();
    expect(begun.right).toBe(true);
    await alice.start('guess');
    const open = record().open.map(({ seed }) => hex(seed));
    expect(new Set(open).size).toBe(2);
    const parts = [ke1, ke2, ke3, attemptId].flatMap((bytes) =>
      Array.from({ length: Math.floor(bytes.length / 16) }, (_, i) =>
        hex(bytes.subarray(16 * i, 16 * i + 16)),
      ),
    );
    // Each attempt has its own masking nonce, server nonce and key share, in the first 32 bytes after the element.
    const other = decode(RecoverStarted, (await alice.start('secret')).answer.body);
    expect(hex(other.ke2.subarray(32, 64))).not.toBe(hex(ke2.subarray(32, 64)));
    for (const closed of [false, true]) {
      if (closed) await alice.finish(begun);
      const stored = hex(encode(AccountRecord, record()));
      for (const part of parts) expect(stored).not.toContain(part);
      expect(stored.includes(open[0] ?? '')).toBe(!closed);
    }
  });

  // proves ATT-10, RCV-8
  it('that is closed is remembered until four newer ones are closed', async () => {
    await alice.register('secret', 20);
    const first = await alice.start('wrong');
    expect(await alice.finish(first)).toMatchObject({ outcome: 'wrong-password' });
    for (let newer = 1; newer <= 4; newer++) {
      await alice.recover('wrong');
      const outcome = newer < 4 ? 'wrong-password' : 'conflict';
      expect(await alice.finish(first)).toMatchObject({ outcome, remaining: 19 - newer });
    }
  });
});

// proves OPQ-13
it('the stretching of a registration comes back with KE2 as it was registered', async () => {
  for (const change of [{ iterations: 4 }, { memoryKib: 131072 }, { parallelism: 5 }]) {
    const { finish, confirm } = await alice.prepare('secret');
    const body = decode(RegisterFinish, finish);
    const stretch = { ...body.stretch, ...change };
    const changed = encode(RegisterFinish, { ...body, stretch });
    expect(await alice.call('register-finish', changed)).toMatchObject({ outcome: 'ok' });
    const recordHash = sha256(changed);
    const confirmed = encode(RegisterConfirm, { ...decode(RegisterConfirm, confirm), recordHash });
    const proof = alice.owner('register-confirm', confirmed);
    expect(await alice.call('register-confirm', confirmed, proof)).toMatchObject({ outcome: 'ok' });
    const { answer, right } = await alice.start('secret');
    expect(decode(RecoverStarted, answer.body).stretch).toEqual(stretch);
    expect(right).toBe(true);
  }
});

// proves XCH-5
it('a proof that a command does not take changes nothing', async () => {
  const forged = { kind: 'owner', signature: new Uint8Array(64) } as const;
  const wrong = {
    kind: 'ke3',
    ke1: new Uint8Array(96),
    attemptId: new Uint8Array(32),
    ke3: new Uint8Array(64),
  } as const;
  const { started, finish } = await alice.prepare('secret', 5);
  await alice.call('register-finish', finish);
  for (const proof of [forged, wrong]) {
    const plain = await alice.call('status');
    const proved = await alice.call('status', new Uint8Array(0), proof);
    expect(proved).toEqual({ ...plain, requestHash: proved.requestHash });
    expect(decode(StatusBody, proved.body).pendingRegistrationId).toEqual(started.registrationId);
  }
  const registrationRequest = nobleSuite.group.multiplyBase(new Uint8Array(32).fill(1, 0, 1));
  const body = encode(RegisterStart, { registrationRequest });
  for (const proof of [forged, wrong])
    expect(await alice.call('register-start', body, proof)).toMatchObject({ outcome: 'ok' });
  await alice.register('secret', 5);
  for (const proof of [forged, wrong]) {
    const fresh = alice.begin('secret');
    const begun = await fresh.complete(await alice.call('recover-start', fresh.body, proof));
    expect(await alice.finish(begun)).toMatchObject({ outcome: 'ok', remaining: 5 });
  }
});

// proves XCH-1, XCH-9
it('a caller who may not speak for the account is told nothing of it', async () => {
  const bare = {
    phase: 'none',
    stateVersion: 0,
    generation: 0,
    budget: 0,
    remaining: 0,
    retryAfter: 0,
    report: { serial: 0, failed: 0, first: 0, last: 0 },
  };
  const callers: Caller[] = [{ kind: 'nobody' }, { kind: 'account', account: utf8('mallory') }];
  const before = await Promise.all(
    callers.map((caller) => send(alice.request('status', new Uint8Array(0)), caller)),
  );
  await alice.register('secret', 5);
  await alice.recover('wrong');
  for (const [i, caller] of callers.entries()) {
    const refused = await send(alice.request('status', new Uint8Array(0)), caller);
    expect(refused).toMatchObject({ outcome: 'not-authorised', ...bare });
    const { requestHash } = refused;
    expect(refused).toEqual({ ...before[i], requestHash });
    const { commits } = driver;
    await send(alice.request('recover-start', alice.begin('secret').body), caller);
    expect(driver.commits).toBe(commits);
  }
});
