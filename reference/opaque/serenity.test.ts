// Live against opaque-ke (compiled to WebAssembly), the library that was audited for WhatsApp's own vault.
import { client, ready, server } from '@serenity-kit/opaque';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../crypto/random.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';
import { finishLogin, finishRegistration, startLogin, startRegistration } from './client.ts';
import type { Identities } from './envelope.ts';
import { oprfSeed, serverFinish, serverKe2, serverRegistrationResponse } from './server.ts';
import { argon2idStretch, DEFAULT_STRETCH, type StretchParams } from './stretch.ts';
import { sodiumSuite } from './suite.ts';

await ready;
const suite = await sodiumSuite();
const PASSWORD = 'correct horse battery staple';
const ACCOUNT = 'alice@example.org';
const CONTEXT: Bytes = new Uint8Array(0);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const raw = (text: string): Bytes => new Uint8Array(Buffer.from(text, 'base64url'));

const cheap: StretchParams = { algorithm: 1, iterations: 1, memoryKib: 1024, parallelism: 2 };
const names = { client: 'alice', server: 'vault.example.org' };
const ids: Identities = { client: utf8(names.client), server: utf8(names.server) };

// oprf_seed (64) || server private key (32) || the public key of fake records (32)
const setup = server.createSetup();
const oprfKey = raw(setup).slice(0, 64);
const serverPrivateKey = raw(setup).slice(64, 96);
const serverPublicKey = raw(server.getPublicKey(setup));
const seed = oprfSeed(suite, oprfKey, utf8(ACCOUNT));

describe.each([
  ['cheap, no identities', cheap, undefined, undefined],
  ['cheap, with identities', cheap, ids, names],
  ['64 MiB, no identities', DEFAULT_STRETCH, undefined, undefined],
] as const)('with opaque-ke: %s', (_what, params, identities, identifiers) => {
  const { iterations, memoryKib: memory, parallelism } = params;
  const keyStretching = { 'argon2id-custom': { iterations, memory, parallelism } };
  const stretch = argon2idStretch(params);
  const ours = identities === undefined ? {} : { identities };
  const theirs = identifiers === undefined ? {} : { identifiers };
  const password = utf8(PASSWORD);

  it('our client registers and logs in at their server', async () => {
    const started = startRegistration(suite, password);
    const { registrationResponse } = server.createRegistrationResponse({
      serverSetup: setup,
      userIdentifier: ACCOUNT,
      registrationRequest: base64(started.request),
    });
    const registered = await finishRegistration({
      suite,
      state: started.state,
      response: raw(registrationResponse),
      serverPublicKey,
      stretch,
      ...ours,
    });

    const login = startLogin(suite, password);
    const { serverLoginState, loginResponse } = server.startLogin({
      serverSetup: setup,
      userIdentifier: ACCOUNT,
      registrationRecord: base64(registered.record),
      startLoginRequest: base64(login.ke1),
      ...theirs,
    });
    const finished = await finishLogin({
      suite,
      state: login.state,
      ke2: raw(loginResponse),
      context: CONTEXT,
      stretch,
      ...ours,
    });
    const { sessionKey } = server.finishLogin({
      serverLoginState,
      finishLoginRequest: base64(finished.ke3),
      ...theirs,
    });
    expect(base64(finished.sessionKey)).toBe(sessionKey);
    expect(finished.exportKey).toEqual(registered.exportKey);
    expect(finished.serverPublicKey).toEqual(serverPublicKey);
  });

  it('their client registers and logs in at our server', () => {
    const started = client.startRegistration({ password: PASSWORD });
    const response = serverRegistrationResponse({
      suite,
      seed,
      serverPublicKey,
      request: raw(started.registrationRequest),
    });
    const registered = client.finishRegistration({
      password: PASSWORD,
      registrationResponse: base64(response),
      clientRegistrationState: started.clientRegistrationState,
      keyStretching,
      ...theirs,
    });

    const login = client.startLogin({ password: PASSWORD });
    const answered = serverKe2({
      suite,
      record: raw(registered.registrationRecord),
      seed,
      serverPrivateKey,
      serverPublicKey,
      ke1: raw(login.startLoginRequest),
      context: CONTEXT,
      maskingNonce: systemRandom('masking_nonce', 32),
      serverNonce: systemRandom('server_nonce', 32),
      serverKeyshareSeed: systemRandom('server_keyshare_seed', 32),
      ...ours,
    });
    const finished = client.finishLogin({
      password: PASSWORD,
      clientLoginState: login.clientLoginState,
      loginResponse: base64(answered.ke2),
      keyStretching,
      ...theirs,
    });
    expect(finished).toBeDefined();
    expect(finished?.sessionKey).toBe(base64(answered.sessionKey));
    expect(finished?.exportKey).toBe(registered.exportKey);
    expect(serverFinish(raw(finished?.finishLoginRequest ?? ''), answered.expectedClientMac)).toBe(true);
  });
});

describe('a wrong password', () => {
  it('is refused by either client at the other server', async () => {
    const stretch = argon2idStretch(cheap);
    const started = startRegistration(suite, utf8(PASSWORD));
    const response = serverRegistrationResponse({ suite, seed, serverPublicKey, request: started.request });
    const { record } = await finishRegistration({ suite, state: started.state, response, stretch });

    const ours = startLogin(suite, utf8('wrong'));
    const { loginResponse } = server.startLogin({
      serverSetup: setup,
      userIdentifier: ACCOUNT,
      registrationRecord: base64(record),
      startLoginRequest: base64(ours.ke1),
    });
    const outcome = finishLogin({
      suite,
      state: ours.state,
      ke2: raw(loginResponse),
      context: CONTEXT,
      stretch,
    });
    await expect(outcome).rejects.toMatchObject({ code: 'wrong-password' });

    const theirs = client.startLogin({ password: 'wrong' });
    const { ke2 } = serverKe2({
      suite,
      record,
      seed,
      serverPrivateKey,
      serverPublicKey,
      ke1: raw(theirs.startLoginRequest),
      context: CONTEXT,
      maskingNonce: systemRandom('masking_nonce', 32),
      serverNonce: systemRandom('server_nonce', 32),
      serverKeyshareSeed: systemRandom('server_keyshare_seed', 32),
    });
    const finished = client.finishLogin({
      password: 'wrong',
      clientLoginState: theirs.clientLoginState,
      loginResponse: base64(ke2),
      keyStretching: { 'argon2id-custom': { iterations: 1, memory: 1024, parallelism: 2 } },
    });
    expect(finished).toBeUndefined();
  });
});
