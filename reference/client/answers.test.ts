import { beforeEach, describe, expect, test } from 'vitest';
import { openRequest, softwareDecapsulate } from '../channel/index.ts';
import { ed25519PublicKey, ed25519Sign } from '../crypto/ed25519.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { generateServerKeyPair, nobleSuite } from '../opaque/index.ts';
import { x25519 } from '../crypto/x25519.ts';
import {
  Answer,
  NO_REPORT,
  Outcome,
  RecoverStarted,
  RegisterStarted,
  Statement,
  StatusBody,
} from '../exchange/answer.ts';
import { Exchange } from '../exchange/assertion.ts';
import { COMMANDS, Request } from '../exchange/request.ts';
import {
  assembleDescriptor,
  DEFAULT_POLICY,
  FleetDescriptor,
  keyId,
  signDescriptor,
} from '../fleet/index.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { label } from '../keys/labels.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { decode, encode, type Codec } from '../wire/codec.ts';
import { CHEAP, CHEAP_BOUNDS } from './fixture.ts';
import {
  accountStatus,
  connect,
  memoryKeeper,
  recover,
  register,
  type Session,
  type Transport,
} from './index.ts';

/** A fleet that has all its keys and says whatever a test wants. */
class LyingFleet {
  readonly fleetId: Bytes = systemRandom('fleet_id', 16);
  readonly signer: Bytes = systemRandom('signer', 32);
  readonly receipt: Bytes = systemRandom('receipt', 32);
  readonly kem: Bytes = systemRandom('kem', 32);
  readonly opaqueId: Bytes;
  readonly commands: number[] = [];
  /** What is said instead of the truth. */
  lie: (request: Request) => Partial<Statement> = () => ({});
  /** Who signs, and in whose name. */
  signAs: { secret: Bytes; keyId: Bytes };
  /** What is signed instead of the statement that is sent. */
  signInstead: Partial<Statement> | undefined;
  readonly transport: Transport;

  constructor() {
    const opaquePublic = generateServerKeyPair(nobleSuite).publicKey;
    this.opaqueId = keyId(opaquePublic);
    this.signAs = { secret: this.receipt, keyId: keyId(ed25519PublicKey(this.receipt)) };
    const key = (publicKey: Bytes): FleetDescriptor['kemKeys'][number] => ({
      id: keyId(publicKey),
      state: 'current',
      location: 'memory',
      publicKey,
    });
    const kem = key(x25519(this.kem).publicKey);
    const descriptor: FleetDescriptor = {
      version: 1,
      fleetId: this.fleetId,
      serial: 1,
      notBefore: 0,
      notAfter: 1e11,
      channelSuite: 1,
      opaqueSuite: 1,
      level: 'software',
      kemKeys: [kem],
      receiptKeys: [key(ed25519PublicKey(this.receipt))],
      opaqueKeys: [
        {
          id: this.opaqueId,
          oprfKeyId: new Uint8Array(8),
          notAfterNew: 1e11,
          location: 'memory',
          oprfLocation: 'memory',
          publicKey: opaquePublic,
        },
      ],
      policy: { ...DEFAULT_POLICY, stretch: CHEAP },
      operator: '',
      trustDomain: '',
    };
    const signed = assembleDescriptor(descriptor, [
      signDescriptor(encode(FleetDescriptor, descriptor), this.signer),
    ]);
    const decapsulate = softwareDecapsulate([{ suite: 1, id: kem.id, secretKey: this.kem }]);
    this.transport = {
      descriptor: () => Promise.resolve(signed),
      exchange: async (body) => {
        const { sealedRequest } = decode(Exchange, body);
        const opened = await openRequest(decapsulate, this.fleetId, sealedRequest);
        return opened.sealAnswer(this.#answer(decode(Request, opened.plaintext), sealedRequest));
      },
    };
  }

  #answer(request: Request, sealed: Bytes): Bytes {
    this.commands.push(request.command);
    const statement: Statement = {
      version: 1,
      fleetId: this.fleetId,
      account: request.account,
      requestHash: nodeEngine.hash('sha256', sealed),
      vaultTime: 1000,
      stateVersion: 5,
      outcome: 'ok',
      phase: 'active',
      generation: 1,
      budget: 10,
      remaining: 9,
      retryAfter: 0,
      effectiveAt: 0,
      scheduledChange: 'none',
      report: NO_REPORT,
      body: STATUS,
      ...this.lie(request),
    };
    const signed = concat(label('answer'), encode(Statement, { ...statement, ...this.signInstead }));
    return encode(Answer, {
      statement,
      receiptKeyId: this.signAs.keyId,
      signature: ed25519Sign(this.signAs.secret, signed),
    });
  }
}

const STATUS = encode(StatusBody, {
  recordHash: new Uint8Array(32),
  pendingRegistrationId: new Uint8Array(32),
  pendingRecordHash: new Uint8Array(32),
  scheduledRecordHash: new Uint8Array(32),
  openAttempts: 0,
  erasedBy: 0,
});

let fleet: LyingFleet;
let session: Session;
beforeEach(async () => {
  fleet = new LyingFleet();
  const pins = { fleetId: fleet.fleetId, signers: [ed25519PublicKey(fleet.signer)], threshold: 1 };
  session = await connect({ transport: fleet.transport, pins, account: 'alice', keeper: memoryKeeper() });
});

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );
}

test('an honest answer is believed, and its state remembered', async () => {
  expect(await accountStatus(session)).toMatchObject({ phase: 'active', remaining: 9 });
  expect(session.state.account(session.account).version).toBe(5);
});

// proves CLI-18, CLI-19, CLI-21, CLI-22
describe('what is not believed', () => {
  test.each<[string, Partial<Statement>]>([
    ['another version', { version: 2 }],
    ['another fleet', { fleetId: new Uint8Array(16) }],
    ['another request', { requestHash: new Uint8Array(32) }],
    ['another account', { account: Uint8Array.of(1) }],
    ['no account', { account: new Uint8Array() }],
    ['more attempts left than there were', { remaining: 11 }],
    ['an empty body', { body: new Uint8Array() }],
    ['a body with something after it', { body: concat(STATUS, Uint8Array.of(0)) }],
  ])('%s', async (name, lie) => {
    fleet.lie = () => lie;
    expect(await codeOf(accountStatus(session))).toBe('bad-answer');
    if (!name.includes('body')) expect(session.state.account(session.account).version).toBe(0);
  });

  test('the same of terminal outcomes', async () => {
    fleet.lie = () => ({
      outcome: 'destroyed',
      phase: 'destroyed',
      body: new Uint8Array(),
      account: Uint8Array.of(1),
    });
    expect(await codeOf(accountStatus(session))).toBe('bad-answer');
    await session.state.saw(session.account, { version: 6 });
    fleet.lie = () => ({ outcome: 'destroyed', phase: 'destroyed', body: new Uint8Array() });
    expect(await codeOf(accountStatus(session))).toBe('stale-answer');
  });

  test('but a refusal before the record was read says what it is, and changes nothing', async () => {
    await session.state.saw(session.account, { version: 6 });
    const refusal = { body: new Uint8Array(), stateVersion: 0 };
    fleet.lie = () => ({ ...refusal, outcome: 'not-authorised' });
    expect(await codeOf(accountStatus(session))).toBe('not-authorised');
    fleet.lie = () => ({ ...refusal, outcome: 'malformed', account: new Uint8Array() });
    expect(await codeOf(accountStatus(session))).toBe('malformed');
    expect(session.state.account(session.account)).toMatchObject({ version: 6 });
    for (const lie of [
      { ...refusal, outcome: 'destroyed' as const },
      { ...refusal, outcome: 'not-authorised' as const, stateVersion: 5 },
    ]) {
      fleet.lie = () => lie;
      expect(await codeOf(accountStatus(session))).toBe('stale-answer');
    }
    fleet.lie = () => ({ ...refusal, outcome: 'not-authorised', account: new Uint8Array() });
    expect(await codeOf(accountStatus(session))).toBe('bad-answer');
  });

  test('a signature by a key that is not of the fleet, in its own name or in that of the fleet', async () => {
    const secret = systemRandom('stranger', 32);
    fleet.signAs = { secret, keyId: keyId(ed25519PublicKey(secret)) };
    expect(await codeOf(accountStatus(session))).toBe('bad-answer');
    fleet.signAs = { secret, keyId: keyId(ed25519PublicKey(fleet.receipt)) };
    expect(await codeOf(accountStatus(session))).toBe('bad-answer');
  });

  test('a signature under something else', async () => {
    for (const signInstead of [{ remaining: 8 }, { outcome: 'destroyed' }, { stateVersion: 6 }] as const) {
      fleet.signInstead = signInstead;
      expect(await codeOf(accountStatus(session))).toBe('bad-answer');
    }
  });
});

test.each([
  'wrong-password',
  'not-registered',
  'try-later',
  'scheduled',
  'conflict',
  'destroyed',
  'not-authorised',
  'malformed',
  'unsupported',
] as const)('the outcome %s is the error of that name', async (outcome) => {
  fleet.lie = () => ({ outcome, retryAfter: 90, effectiveAt: 5000, body: new Uint8Array() });
  expect(await codeOf(recover(session, { password: 'p', stretchBounds: CHEAP_BOUNDS }))).toBe(outcome);
  expect(fleet.commands).toEqual([COMMANDS['recover-start']]);
  expect(encode(Outcome, outcome)).toHaveLength(1);
});

test('how long to wait is said in words and in seconds', async () => {
  fleet.lie = () => ({ outcome: 'try-later', retryAfter: 3601, body: new Uint8Array() });
  await expect(recover(session, { password: 'p', stretchBounds: CHEAP_BOUNDS })).rejects.toMatchObject({
    details: { retryAfter: 3601 },
    message: expect.stringContaining('61 minutes') as string,
  });
});

describe('a vault with the keys of another', () => {
  const made =
    <T>(codec: Codec<T>, body: T): (() => Partial<Statement>) =>
    () => ({ body: encode(codec, body) });

  test('gets no KE3: OPAQUE keys that the descriptor does not have', async () => {
    const body = { attemptId: new Uint8Array(32), stretch: CHEAP, ke2: new Uint8Array(320) };
    for (const ids of [
      { opaqueKeyId: new Uint8Array(8), oprfKeyId: new Uint8Array(8) },
      { opaqueKeyId: fleet.opaqueId, oprfKeyId: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) },
    ]) {
      fleet.lie = made(RecoverStarted, { ...body, ...ids });
      const code = await codeOf(recover(session, { password: 'p', stretchBounds: CHEAP_BOUNDS }));
      expect(code).toBe('server-authentication-failed');
    }
    expect(fleet.commands).toEqual([COMMANDS['recover-start'], COMMANDS['recover-start']]);
  });

  test('does not make the device stretch without end, or hardly at all', async () => {
    const ids = { opaqueKeyId: fleet.opaqueId, oprfKeyId: new Uint8Array(8), attemptId: new Uint8Array(32) };
    for (const change of [
      { memoryKib: 0xffffffff },
      { iterations: 0xffffffff },
      { iterations: 0 },
      { algorithm: 0 },
    ]) {
      fleet.lie = made(RecoverStarted, {
        ...ids,
        stretch: { ...CHEAP, ...change },
        ke2: new Uint8Array(320),
      });
      const code = await codeOf(recover(session, { password: 'p', stretchBounds: CHEAP_BOUNDS }));
      expect(code).toBe('stretch-out-of-bounds');
    }
  });

  test('gets no record', async () => {
    const response = concat(ristretto(), ristretto());
    fleet.lie = made(RegisterStarted, {
      registrationId: new Uint8Array(32),
      generation: 1,
      oprfKeyId: new Uint8Array(8),
      opaqueKeyId: fleet.opaqueId,
      registrationResponse: response,
    });
    const key = BackupKey.generate();
    const code = await codeOf(register(session, { key, password: 'p', stretchBounds: CHEAP_BOUNDS }));
    expect(code).toBe('server-authentication-failed');
    expect(fleet.commands).toEqual([COMMANDS['register-start']]);
  });
});

/** The generator of ristretto255: a valid element. */
function ristretto(): Bytes {
  return new Uint8Array(
    Buffer.from('e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76', 'hex'),
  );
}
