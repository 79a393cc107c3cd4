import { describe, expect, it } from 'vitest';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { concat, equal, hex, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { finishLogin, finishRegistration, startLogin, startRegistration } from './client.ts';
import type { KeyPair } from './dh.ts';
import { envelopeKeys, maskingKey, randomizedPassword } from './envelope.ts';
import { registrationRecord, registrationResponse } from './messages.ts';
import { finalize } from './oprf.ts';
import {
  checkRecord,
  fakeRecord,
  generateServerKeyPair,
  oprfSeed,
  serverFinish,
  serverKe2,
  serverRegistrationResponse,
  type Ke2Result,
} from './server.ts';
import { preparePassword } from './password.ts';
import { identityStretch } from './stretch.ts';
import { nobleSuite, sodiumSuite, type Suite } from './suite.ts';

const sodium = await sodiumSuite();
const oprfKey = systemRandom('oprf_key', 64);
const context = Uint8Array.of(1, 2, 3);
const fixed = { maskingNonce: systemRandom('n', 32), serverNonce: systemRandom('n', 32) };

interface Account {
  readonly suite: Suite;
  readonly server: KeyPair;
  readonly seed: Bytes;
  readonly record: Bytes;
  readonly exportKey: Bytes;
  readonly password: Bytes;
}

async function register(text: string, name: string, suite: Suite = sodium): Promise<Account> {
  const password = preparePassword(text);
  const server = generateServerKeyPair(suite);
  const seed = oprfSeed(suite, oprfKey, new TextEncoder().encode(name));
  const { request, state } = startRegistration(suite, password);
  const response = serverRegistrationResponse({ suite, seed, serverPublicKey: server.publicKey, request });
  const { record, exportKey } = await finishRegistration({
    suite,
    state,
    response,
    stretch: identityStretch,
  });
  return { suite, server, seed, record, exportKey, password };
}

function answer(account: Account, ke1: Bytes, record: Bytes = account.record): Ke2Result {
  return serverKe2({
    suite: account.suite,
    record,
    seed: account.seed,
    serverPrivateKey: account.server.secretKey,
    serverPublicKey: account.server.publicKey,
    ke1,
    context,
    serverKeyshareSeed: nodeEngine.hash('sha256', ke1),
    ...fixed,
  });
}

/** The code with which a login ends. */
async function codeOf(login: Promise<unknown>): Promise<string> {
  try {
    await login;
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function flipped(bytes: Bytes, at: number): Bytes {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

const account = await register('correct horse', 'alice');
const { ke1, state } = startLogin(sodium, account.password);
const good = answer(account, ke1);
const finish = (ke2: Bytes, used: Bytes = context): ReturnType<typeof finishLogin> =>
  finishLogin({ suite: sodium, state, ke2, context: used, stretch: identityStretch });

describe('a login', () => {
  it('yields the export key of the registration and one session key on both sides', async () => {
    const finished = await finish(good.ke2);
    expect(equal(finished.exportKey, account.exportKey)).toBe(true);
    expect(equal(finished.sessionKey, good.sessionKey)).toBe(true);
    expect(equal(finished.serverPublicKey, account.server.publicKey)).toBe(true);
    expect(serverFinish(finished.ke3, good.expectedClientMac)).toBe(true);
  });

  it('works with a record and a KE1 of the other engine', async () => {
    const other = await register('correct horse', 'alice', nobleSuite);
    const onNoble = startLogin(nobleSuite, other.password);
    const answered = answer({ ...other, suite: sodium }, onNoble.ke1);
    const finished = await finishLogin({
      suite: nobleSuite,
      state: onNoble.state,
      ke2: answered.ke2,
      context,
      stretch: identityStretch,
    });
    expect(equal(finished.exportKey, other.exportKey)).toBe(true);
    expect(serverFinish(finished.ke3, answered.expectedClientMac)).toBe(true);
  });

  it('is answered the same from the same inputs', () => {
    expect(answer(account, ke1)).toEqual(good);
  });

  it('leaves the arguments of the server as they were', () => {
    const before = [account.record, account.seed, account.server.secretKey, ke1].map(hex);
    answer(account, ke1);
    expect([account.record, account.seed, account.server.secretKey, ke1].map(hex)).toEqual(before);
  });

  it('can be finished again with the same state', async () => {
    expect(await finish(good.ke2)).toEqual(await finish(good.ke2));
  });

  it('tells a wrong password', async () => {
    for (const wrong of ['correct horsf', 'correct horse ', 'Correct horse', 'c']) {
      const login = startLogin(sodium, preparePassword(wrong));
      const { ke2 } = answer(account, login.ke1);
      const outcome = finishLogin({
        suite: sodium,
        state: login.state,
        ke2,
        context,
        stretch: identityStretch,
      });
      expect(await codeOf(outcome)).toBe('wrong-password');
    }
  });

  it('judges the key of the server after the password, and before its MAC', async () => {
    const other = generateServerKeyPair(sodium).publicKey;
    const password = preparePassword('correct horse');
    const expecting = (serverPublicKey: Bytes, text = password, used = context): Promise<string> => {
      const login = startLogin(sodium, text);
      const { ke2 } = answer(account, login.ke1);
      const options = { suite: sodium, state: login.state, ke2, context: used, serverPublicKey };
      return codeOf(finishLogin({ ...options, stretch: identityStretch }));
    };
    expect(await expecting(account.server.publicKey)).toBe('ok');
    expect(await expecting(other)).toBe('server-authentication-failed');
    for (let i = 0; i < 8; i++) {
      // Most keys that a wrong mask yields are no elements.
      expect(await expecting(other, preparePassword(`wrong ${i}`))).toBe('wrong-password');
    }
  });

  it('opens on a key that is none only if it was registered so, and is malformed then', async () => {
    const serverPublicKey = new Uint8Array(32).fill(0xff);
    const password = preparePassword('correct horse');
    const login = startLogin(sodium, password);
    const { evaluatedMessage } = decode(
      registrationResponse(sodium),
      serverRegistrationResponse({
        suite: sodium,
        seed: account.seed,
        serverPublicKey: account.server.publicKey,
        request: login.ke1.slice(0, 32),
      }),
    );
    const output = finalize(sodium.group, nodeEngine, password, login.state.blind, evaluatedMessage);
    const randomized = randomizedPassword(sodium, output, await identityStretch(output));
    const nonce = new Uint8Array(32);
    const keys = envelopeKeys(sodium, randomized, nonce, serverPublicKey, {});
    const record = encode(registrationRecord(sodium), {
      clientPublicKey: keys.client.publicKey,
      maskingKey: maskingKey(sodium, randomized),
      envelope: concat(nonce, keys.authTag),
    });
    const server = { ...account.server, publicKey: serverPublicKey };
    const { ke2 } = answer({ ...account, server }, login.ke1, record);
    const options = { suite: sodium, state: login.state, ke2, context, stretch: identityStretch };
    expect(await codeOf(finishLogin(options))).toBe('malformed');
    expect(await codeOf(finishLogin({ ...options, serverPublicKey: account.server.publicKey }))).toBe(
      'malformed',
    );
  });

  it('tells another context from a wrong password', async () => {
    expect(await codeOf(finish(good.ke2, new Uint8Array(0)))).toBe('server-authentication-failed');
  });

  it('does not open with the record of another account', async () => {
    const other = await register('correct horse', 'bob');
    expect(await codeOf(finish(answer(account, ke1, other.record).ke2))).toBe('wrong-password');
  });

  it('cannot tell a fake record from a wrong password', async () => {
    const record = fakeRecord(sodium, generateServerKeyPair(sodium).publicKey, systemRandom('m', 64));
    const { ke2 } = answer(account, ke1, record);
    expect(ke2).toHaveLength(good.ke2.length);
    expect(await codeOf(finish(ke2))).toBe('wrong-password');
  });

  it('refuses a server with another key', async () => {
    const impostor = { ...account, server: generateServerKeyPair(sodium) };
    expect(await codeOf(finish(answer(impostor, ke1).ke2))).toBe('wrong-password');
    // The right public key without its secret
    const half = { ...impostor.server, publicKey: account.server.publicKey };
    expect(await codeOf(finish(answer({ ...account, server: half }, ke1).ke2))).toBe(
      'server-authentication-failed',
    );
  });

  it('refuses the KE2 of another KE1', async () => {
    const other = startLogin(sodium, account.password);
    expect(await codeOf(finish(answer(account, other.ke1).ke2))).not.toBe('ok');
  });
});

describe('changed bytes', () => {
  it('of KE2 are refused, each for its reason', async () => {
    const codes: string[] = [];
    for (let at = 0; at < good.ke2.length; at++) codes.push(await codeOf(finish(flipped(good.ke2, at))));
    // evaluated element | masking nonce and masked response | server nonce | keyshare | MAC
    const count = (from: number, to: number): string[] => [...new Set(codes.slice(from, to))].sort();
    expect(['malformed', 'wrong-password']).toEqual(expect.arrayContaining(count(0, 32)));
    expect(count(32, 192)).toEqual(['wrong-password']);
    expect(count(192, 224)).toEqual(['server-authentication-failed']);
    expect(['malformed', 'server-authentication-failed']).toEqual(expect.arrayContaining(count(224, 256)));
    expect(count(256, 320)).toEqual(['server-authentication-failed']);
  });

  it('of a stored record are refused', async () => {
    for (let at = 0; at < account.record.length; at++) {
      const login = async (): ReturnType<typeof finishLogin> =>
        finish(answer(account, ke1, flipped(account.record, at)).ke2);
      expect(await codeOf(Promise.resolve().then(login)), `byte ${at}`).not.toBe('ok');
    }
  });

  it('of KE3 are refused', async () => {
    const { ke3 } = await finish(good.ke2);
    for (let at = 0; at < ke3.length; at++) {
      expect(serverFinish(flipped(ke3, at), good.expectedClientMac)).toBe(false);
    }
    expect(() => serverFinish(ke3.subarray(1), good.expectedClientMac)).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('of KE1 never give a KE2 that the client takes', async () => {
    for (let at = 0; at < ke1.length; at++) {
      const login = async (): ReturnType<typeof finishLogin> => finish(answer(account, flipped(ke1, at)).ke2);
      expect(await codeOf(Promise.resolve().then(login)), `byte ${at}`).not.toBe('ok');
    }
  });
});

describe.each([
  ['libsodium', sodium],
  ['noble', nobleSuite],
])('malformed messages on %s', (_name, suite) => {
  const server = generateServerKeyPair(suite);
  const seed = new Uint8Array(32).fill(7);
  const zeros = new Uint8Array(32);
  const codeOfCall = (call: () => unknown): Promise<string> => codeOf(Promise.resolve().then(call));

  it.each([
    ['identity', zeros],
    ['not canonical', new Uint8Array(32).fill(255)],
    ['too short', new Uint8Array(31).fill(2)],
    ['too long', new Uint8Array(33).fill(2)],
    ['empty', new Uint8Array(0)],
  ])('registration request: %s', async (_what, request) => {
    const call = (): Bytes =>
      serverRegistrationResponse({ suite, seed, serverPublicKey: server.publicKey, request });
    expect(await codeOfCall(call)).toBe('malformed');
  });

  it('a record or a server key that is no element is refused when it arrives', async () => {
    const record = concat(zeros, account.record.subarray(32));
    expect(await codeOfCall(() => checkRecord(suite, record))).toBe('malformed');
    expect(await codeOfCall(() => checkRecord(suite, account.record.subarray(1)))).toBe('malformed');
    expect(await codeOfCall(() => checkRecord(suite, account.record))).toBe('ok');

    const { request, state: started } = startRegistration(suite, account.password);
    const response = serverRegistrationResponse({ suite, seed, serverPublicKey: server.publicKey, request });
    response.set(zeros, 32);
    const outcome = finishRegistration({ suite, state: started, response, stretch: identityStretch });
    expect(await codeOf(outcome)).toBe('malformed');
  });

  it.each([
    ['blinded element', 0],
    ['client keyshare', 64],
  ])('KE1 with the identity as %s', async (_what, at) => {
    const bad = startLogin(suite, Uint8Array.of(1)).ke1;
    bad.set(zeros, at);
    const call = (): unknown =>
      serverKe2({
        suite,
        record: account.record,
        seed,
        serverPrivateKey: server.secretKey,
        serverPublicKey: server.publicKey,
        ke1: bad,
        context,
        serverKeyshareSeed: seed,
        ...fixed,
      });
    expect(await codeOfCall(call)).toBe('malformed');
  });

  it('KE2 with the identity in place of an element', async () => {
    const login = startLogin(suite, account.password);
    const { ke2 } = answer({ ...account, suite }, login.ke1);
    for (const at of [0, 224]) {
      const bad = concat(ke2.subarray(0, at), zeros, ke2.subarray(at + 32));
      const outcome = finishLogin({
        suite,
        state: login.state,
        ke2: bad,
        context,
        stretch: identityStretch,
      });
      expect(await codeOf(outcome)).toBe('malformed');
    }
  });

  it('an element that comes back as it was sent is refused at registration', async () => {
    const { request, state: started } = startRegistration(suite, account.password);
    const response = concat(request, server.publicKey);
    const outcome = finishRegistration({ suite, state: started, response, stretch: identityStretch });
    expect(await codeOf(outcome)).toBe('malformed');
  });

  it('a reflected KE1 is not a KE2', async () => {
    const login = startLogin(suite, account.password);
    const { ke2 } = answer({ ...account, suite }, login.ke1);
    const reflectedElement = concat(login.ke1.subarray(0, 32), ke2.subarray(32));
    const reflectedShare = concat(ke2.subarray(0, 224), login.ke1.subarray(64), ke2.subarray(256));
    for (const [bad, code] of [
      [reflectedElement, 'malformed'],
      [reflectedShare, 'server-authentication-failed'],
      [login.ke1, 'malformed'],
    ] as const) {
      const outcome = finishLogin({
        suite,
        state: login.state,
        ke2: bad,
        context,
        stretch: identityStretch,
      });
      expect(await codeOf(outcome)).toBe(code);
    }
  });

  it('a registration response of another server is refused before stretching', async () => {
    const { request, state: started } = startRegistration(suite, account.password);
    const response = serverRegistrationResponse({ suite, seed, serverPublicKey: server.publicKey, request });
    const finished = (received: Bytes): Promise<string> =>
      codeOf(
        finishRegistration({
          suite,
          state: started,
          response: received,
          serverPublicKey: account.server.publicKey,
          stretch: () => Promise.reject(new Error('stretched')),
        }),
      );
    expect(await finished(response)).toBe('server-authentication-failed');
    // Of two faults the first step's is told.
    expect(await finished(concat(request, response.subarray(32)))).toBe('malformed');
  });
});
