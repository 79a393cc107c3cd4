import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../crypto/random.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { hex } from '../wire/bytes.ts';
import {
  CHEAP_BOUNDS,
  faulty,
  refusal,
  startVault,
  type FaultyTransport,
  type TestVault,
} from './fixture.ts';
import {
  accountStatus,
  acknowledge,
  connect,
  httpTransport,
  memoryKeeper,
  recover,
  register,
  type Keeper,
  type Recovered,
  type Session,
} from './index.ts';
import { connectWith } from './session.ts';

let vault: TestVault;
let other: TestVault;
beforeAll(async () => {
  [vault, other] = await Promise.all([startVault({ defaultBudget: 3 }), startVault()]);
});
afterAll(async () => {
  await Promise.all([vault.stop(), other.stop()]);
});

const RIGHT = 'correct horse';
const WRONG = 'correct house';
let account = '';
let accounts = 0;
let transport: FaultyTransport;
beforeEach(() => {
  account = `account ${accounts++}`;
  transport = faulty(httpTransport(vault.url));
});

function open(keeper: Keeper = memoryKeeper()): Promise<Session> {
  return connect({ transport, pins: vault.pins, account, keeper, retryDelays: [1, 1] });
}

function enter(session: Session, password: string): Promise<Recovered> {
  return recover(session, { password, stretchBounds: CHEAP_BOUNDS });
}

async function registered(key = BackupKey.generate(), password = RIGHT): Promise<BackupKey> {
  await register(await open(), { key, password, stretchBounds: CHEAP_BOUNDS });
  transport.sent.length = 0;
  return key;
}

async function remaining(): Promise<number> {
  return (await accountStatus(await open())).remaining;
}

describe('register and recover', () => {
  test('the key comes back, on a device that knows nothing but the password', async () => {
    const key = BackupKey.generate();
    const receipt = await register(await open(), { key, password: RIGHT, stretchBounds: CHEAP_BOUNDS });
    expect(receipt).toMatchObject({ generation: 1, budget: 3, remaining: 3 });
    const session = await open();
    const status = await accountStatus(session);
    expect(hex(status.recordHash)).toBe(hex(receipt.recordHash));
    const recovered = await enter(session, RIGHT);
    expect(recovered.key.recoveryKey()).toBe(key.recoveryKey());
    expect(recovered).toMatchObject({ remaining: 3, budget: 3, report: { failed: 0 } });
  });

  test('a budget that is asked for is the one that counts', async () => {
    const key = BackupKey.generate();
    const receipt = await register(await open(), {
      key,
      password: RIGHT,
      budget: 7,
      stretchBounds: CHEAP_BOUNDS,
    });
    expect(receipt.budget).toBe(7);
  });

  // proves CLI-23, CLI-24, CLI-35
  test('a wrong password costs one attempt, by the signed word of the vault, and looks like a right one', async () => {
    await registered();
    const error = await refusal(enter(await open(), WRONG));
    expect(error).toMatchObject({ code: 'wrong-password', details: { remaining: 2 } });
    const wrongExchanges = transport.sent.length;
    transport.sent.length = 0;
    expect((await enter(await open(), RIGHT)).remaining).toBe(3);
    expect(transport.sent.length).toBe(wrongExchanges);
    expect(new Set(transport.sent.map((bytes) => bytes.length)).size).toBe(1);
  });

  // proves CLI-37, CLI-36, ATT-23
  test('failed attempts are reported until their owner was shown them', async () => {
    await registered();
    await refusal(enter(await open(), WRONG));
    const keeper = memoryKeeper();
    expect((await enter(await open(keeper), RIGHT)).report.failed).toBe(1);
    const session = await open(keeper);
    const { report } = await enter(session, RIGHT);
    expect(report.failed).toBe(1);
    await acknowledge(session, report);
    await enter(await open(keeper), RIGHT);
    expect((await enter(await open(keeper), RIGHT)).report.failed).toBe(0);
  });

  test('a spent budget destroys the key, and the right password gets nothing', async () => {
    await registered();
    expect((await refusal(enter(await open(), WRONG))).code).toBe('wrong-password');
    expect((await refusal(enter(await open(), WRONG))).details.remaining).toBe(1);
    expect((await refusal(enter(await open(), WRONG))).code).toBe('destroyed');
    expect((await refusal(enter(await open(), RIGHT))).code).toBe('destroyed');
  });

  test('an account without a key is not-registered', async () => {
    expect((await refusal(enter(await open(), RIGHT))).code).toBe('not-registered');
  });

  // proves CLI-34
  test('passwords are the same however they were typed, and impossible ones are refused before anything is sent', async () => {
    const key = await registered(undefined, 'A\u030angstro\u0308m');
    expect((await enter(await open(), '\u00c5ngstr\u00f6m')).key.recoveryKey()).toBe(key.recoveryKey());
    transport.sent.length = 0;
    expect((await refusal(enter(await open(), ''))).code).toBe('invalid-password');
    expect((await refusal(enter(await open(), 'tab\there'))).code).toBe('invalid-password');
    expect(transport.sent).toHaveLength(0);
  });
});

describe('a key that is replaced', () => {
  test('by the same key under a new password: the owner proves it, the old password ends', async () => {
    const key = await registered();
    await register(await open(), { key, password: 'a new one', stretchBounds: CHEAP_BOUNDS });
    expect((await refusal(enter(await open(), RIGHT))).code).toBe('wrong-password');
    expect((await enter(await open(), 'a new one')).key.recoveryKey()).toBe(key.recoveryKey());
  });

  test('by another key: only with the previous one, and the old key stays until then', async () => {
    const previousKey = await registered();
    const key = BackupKey.generate();
    const options = { key, password: 'a new one', stretchBounds: CHEAP_BOUNDS };
    expect((await refusal(register(await open(), options))).code).toBe('not-authorised');
    expect((await enter(await open(), RIGHT)).key.recoveryKey()).toBe(previousKey.recoveryKey());
    await register(await open(), { ...options, previousKey });
    expect((await enter(await open(), 'a new one')).key.recoveryKey()).toBe(key.recoveryKey());
  });
});

// proves CLI-14
describe('answers that are lost', () => {
  test.each([
    ['the answer to recover-start', (index: number) => (index === 0 ? 'drop-answer' : 'deliver')],
    ['the request of recover-start', (index: number) => (index === 0 ? 'drop-request' : 'deliver')],
    ['every answer twice', (index: number) => (index % 3 === 2 ? 'deliver' : 'drop-answer')],
  ] as const)('%s: the same bytes are sent again, and charged once', async (_name, fate) => {
    await registered();
    transport.fate = fate;
    expect((await refusal(enter(await open(), WRONG))).details.remaining).toBe(2);
    const [first, second] = transport.sent;
    expect(Buffer.from(first ?? []).equals(second ?? new Uint8Array())).toBe(true);
    transport.fate = () => 'deliver';
    expect(await remaining()).toBe(2);
  });

  test('a right password whose every answer is lost twice still gets the key, and the report', async () => {
    const key = await registered();
    await refusal(enter(await open(), WRONG));
    transport.sent.length = 0;
    transport.fate = (index) => (index % 3 === 2 ? 'deliver' : 'drop-answer');
    const recovered = await enter(await open(), RIGHT);
    expect(recovered.key.recoveryKey()).toBe(key.recoveryKey());
    expect(recovered.report.failed).toBe(1);
  });

  // proves CLI-13, CLI-15, HTP-4
  test('all of them: unavailable, and the client has learnt nothing', async () => {
    await registered();
    const keeper = memoryKeeper();
    const session = await open(keeper);
    const name = `fleet-${hex(vault.pins.fleetId)}.json`;
    const before = await keeper.read(name);
    transport.fate = () => 'drop-answer';
    expect((await refusal(enter(session, RIGHT))).code).toBe('unavailable');
    expect(transport.sent).toHaveLength(3);
    expect(await keeper.read(name)).toBe(before);
  });

  test('the dummy KE3 alone: wrong-password all the same, with what was left at the start', async () => {
    await registered();
    transport.fate = (index) => (index === 0 ? 'deliver' : 'drop-request');
    expect(await refusal(enter(await open(), WRONG))).toMatchObject({
      code: 'wrong-password',
      details: { remaining: 2 },
    });
  });
});

// proves CLI-16, CLI-17
describe('a vault that is not the right one costs no attempt', () => {
  const year = 365 * 24 * 3600;
  const now = (): number => Math.floor(Date.now() / 1000);

  test.each([
    ['years ahead', 2 * year, 'descriptor-expired'],
    ['a day behind', -24 * 3600, 'descriptor-not-yet-valid'],
  ] as const)('a clock %s: the message names the clock', async (_name, offset, code) => {
    await registered();
    const clock = now() + offset;
    const options = { transport, pins: vault.pins, account };
    const error = await refusal(connectWith(systemRandom, options, () => clock));
    expect(error.code).toBe(code);
    expect(error.message).toContain(new Date(clock * 1000).toISOString());
    expect(transport.sent).toHaveLength(0);
    expect(await remaining()).toBe(3);
  });

  // proves CLI-1, CLI-2
  test('another fleet at the address', async () => {
    const wrong = httpTransport(other.url);
    const error = await refusal(connect({ transport: wrong, pins: vault.pins, account }));
    expect(error.code).toBe('descriptor-not-trusted');
    const pins = { ...other.pins, fleetId: vault.pins.fleetId };
    expect((await refusal(connect({ transport: wrong, pins, account }))).code).toBe('wrong-fleet');
  });

  test('too few signers that are known', async () => {
    const [known] = vault.pins.signers;
    const [stranger] = other.pins.signers;
    if (known === undefined || stranger === undefined) throw new Error('no signers');
    const pins = { ...vault.pins, signers: [known, stranger] };
    expect((await refusal(connect({ transport, pins, account }))).code).toBe('descriptor-not-trusted');
    await connect({ transport, pins: { ...pins, threshold: 1 }, account });
  });

  // proves CLI-4, FLT-8
  test('an older descriptor than one seen before', async () => {
    const keeper = memoryKeeper();
    await open(keeper);
    const name = `fleet-${hex(vault.pins.fleetId)}.json`;
    await keeper.write(name, JSON.stringify({ version: 1, serial: 2, accounts: {} }));
    expect((await refusal(open(keeper))).code).toBe('descriptor-rollback');
    const twin = { version: 1, serial: 1, descriptor: '00'.repeat(32), accounts: {} };
    await keeper.write(name, JSON.stringify(twin));
    expect((await refusal(open(keeper))).code).toBe('descriptor-rollback');
    expect(await keeper.read(name)).toBe(JSON.stringify(twin));
  });

  // proves CLI-32, CLI-33
  test('stretching that this device does not do: refused before it is done, or anything is registered', async () => {
    const key = BackupKey.generate();
    expect((await refusal(register(await open(), { key, password: RIGHT }))).code).toBe(
      'stretch-out-of-bounds',
    );
    expect(transport.sent).toHaveLength(0);
    await registered();
    expect((await refusal(recover(await open(), { password: RIGHT }))).code).toBe('stretch-out-of-bounds');
  });
});

// proves CLI-20
describe('answers that are not the answer', () => {
  test('changed on the way: bad-answer, and the client has learnt nothing', async () => {
    await registered();
    const exchange = transport.exchange.bind(transport);
    for (const at of [0, 31, 32, 1000, 2095]) {
      const keeper = memoryKeeper();
      const session = await open(keeper);
      const before = await keeper.read(`fleet-${hex(vault.pins.fleetId)}.json`);
      transport.exchange = async (...args) => {
        const answer = await exchange(...args);
        answer[at] = (answer[at] ?? 0) ^ 1;
        return answer;
      };
      expect((await refusal(accountStatus(session))).code).toBe('bad-answer');
      expect(await keeper.read(`fleet-${hex(vault.pins.fleetId)}.json`)).toBe(before);
    }
  });

  // proves CLI-19, CLI-21
  test('one of an earlier request, a short one, an empty one', async () => {
    await registered();
    const exchange = transport.exchange.bind(transport);
    const old: Uint8Array<ArrayBuffer>[] = [];
    transport.exchange = async (...args) => {
      old.push(await exchange(...args));
      return old[0]?.slice() ?? new Uint8Array();
    };
    const session = await open();
    await accountStatus(session);
    expect((await refusal(accountStatus(session))).code).toBe('bad-answer');
    for (const answer of [new Uint8Array(), new Uint8Array(100), new Uint8Array(2096)]) {
      transport.exchange = () => Promise.resolve(answer);
      expect((await refusal(accountStatus(session))).code).toBe('bad-answer');
    }
  });

  // proves CLI-5
  test('one of an older state: stale-answer, not terminal', async () => {
    await registered();
    const keeper = memoryKeeper();
    const session = await open(keeper);
    await session.state.saw(session.account, { version: 1000 });
    expect((await refusal(enter(session, RIGHT))).code).toBe('stale-answer');
    expect((await refusal(enter(await open(keeper), RIGHT))).code).toBe('stale-answer');
  });
});

test('an attempt that is stopped says so', async () => {
  await registered();
  const session = await open();
  const controller = new AbortController();
  controller.abort();
  const { signal } = controller;
  const options = { password: RIGHT, stretchBounds: CHEAP_BOUNDS, signal };
  expect((await refusal(recover(session, options))).code).toBe('cancelled');
});

test('a fleet of channel suite 2 is asked as one of suite 1 is', async () => {
  const second = await startVault({}, 2);
  try {
    transport = faulty(httpTransport(second.url));
    const enterAt = (): Promise<Session> =>
      connect({ transport, pins: second.pins, account, keeper: memoryKeeper(), retryDelays: [1, 1] });
    const key = BackupKey.generate();
    const session = await enterAt();
    expect(session.descriptor.channelSuite).toBe(2);
    await register(session, { key, password: RIGHT, stretchBounds: CHEAP_BOUNDS });
    transport.fate = (index) => (index % 2 === 0 ? 'drop-answer' : 'deliver');
    expect((await refusal(enter(await enterAt(), WRONG))).code).toBe('wrong-password');
    expect((await enter(await enterAt(), RIGHT)).key.recoveryKey()).toBe(key.recoveryKey());
  } finally {
    await second.stop();
  }
});
