import { describe, expect, it } from 'vitest';
import vectors from '../../vectors/rfc/rfc9807.json' with { type: 'json' };
import { nobleEngine } from '../crypto/noble.ts';
import type { RandomSource } from '../crypto/random.ts';
import { concat, equal, fromHex, hex, type Bytes } from '../wire/bytes.ts';
import { decode } from '../wire/codec.ts';
import { deriveKeys, preamble } from './ake.ts';
import { finishLogin, finishRegistrationWith, startLoginWith, startRegistrationWith } from './client.ts';
import { nobleCurve25519 } from './curve25519.ts';
import { maskingKey, randomizedPassword } from './envelope.ts';
import { nobleP256, nobleRistretto255 } from './noble-group.ts';
import { finalize } from './oprf.ts';
import { ke1 as ke1Codec, ke2 as ke2Codec, registrationRecord, registrationResponse } from './messages.ts';
import {
  checkRecord,
  fakeRecord,
  oprfSecretKey,
  oprfSeed,
  serverFinish,
  serverKe2,
  serverRegistrationResponse,
} from './server.ts';
import { identityStretch } from './stretch.ts';
import { hashLength, nobleSuite, opaqueExpand, sodiumSuite, suiteOf, type Suite } from './suite.ts';

/** Implementation, Group of the vectors, suite. */
const suites: [string, string, Suite][] = [
  ['noble', 'ristretto255', nobleSuite],
  ['libsodium', 'ristretto255', await sodiumSuite()],
  ['libsodium over noble hashes', 'ristretto255', await sodiumSuite(nobleEngine)],
  ['noble', 'curve25519', suiteOf(nobleRistretto255, nobleEngine, nobleCurve25519)],
  ['noble', 'P256_XMD:SHA-256_SSWU_RO_', suiteOf(nobleP256)],
];

it('every vector has a suite that runs it', () => {
  const groups = new Set(suites.map(([, group]) => group));
  expect(new Set(vectors.cases.map((row) => row.group))).toEqual(groups);
});

type Values = Readonly<Record<string, string>>;

/** Reads the values of a vector by name; a name that is not there fails the test. */
function reader(values: Values): (name: string) => Bytes {
  return (name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the vector has no ${name}`);
    return fromHex(value);
  };
}

function identities(inputs: Values): { client?: Bytes; server?: Bytes } {
  const { client_identity: client, server_identity: server } = inputs;
  return {
    ...(client === undefined ? {} : { client: fromHex(client) }),
    ...(server === undefined ? {} : { server: fromHex(server) }),
  };
}

describe.each(suites)('RFC 9807 on %s, %s', (_name, key, suite) => {
  const mine = vectors.cases.filter((row) => row.group === key);
  const real = mine.filter((row) => !row.fake);
  const fake = mine.filter((row) => row.fake);

  it('has two real vectors and a fake one', () => expect([real.length, fake.length]).toEqual([2, 1]));

  it.each(mine)('$section is of its OPRF and has its lengths', (row) => {
    const input = reader(row.inputs);
    const { publicKeyLength, secretKeyLength, seedLength } = suite.dh;
    expect(row.suite).toBe(suite.group.identifier);
    expect(input('server_public_key')).toHaveLength(publicKeyLength);
    expect(input('server_private_key')).toHaveLength(secretKeyLength);
    expect(input('server_keyshare_seed')).toHaveLength(seedLength);
  });

  it.each(real)('$section: $name', async (row) => {
    const input = reader(row.inputs);
    const middle = reader(row.intermediates);
    const output = reader(row.outputs);
    const ids = identities(row.inputs);
    const context = fromHex(row.context);
    const password = input('password');
    const serverPublicKey = input('server_public_key');

    const draw =
      (blind: string): RandomSource =>
      (name) =>
        input(name === 'blind' ? blind : name);

    // Registration
    const started = startRegistrationWith(draw('blind_registration'), suite, password);
    expect(hex(started.request)).toBe(hex(output('registration_request')));
    const seed = oprfSeed(suite, input('oprf_seed'), input('credential_identifier'));
    expect(hex(oprfSecretKey(suite, seed))).toBe(hex(middle('oprf_key')));
    const response = serverRegistrationResponse({ suite, seed, serverPublicKey, request: started.request });
    expect(hex(response)).toBe(hex(output('registration_response')));
    const registered = await finishRegistrationWith(draw(''), {
      suite,
      state: started.state,
      response,
      serverPublicKey,
      stretch: identityStretch,
      identities: ids,
    });
    expect(hex(registered.record)).toBe(hex(output('registration_upload')));
    expect(hex(registered.exportKey)).toBe(hex(output('export_key')));
    expect(hex(registered.serverPublicKey)).toBe(hex(serverPublicKey));
    expect(() => checkRecord(suite, registered.record)).not.toThrow();

    // What lies between
    const record = decode(registrationRecord(suite), registered.record);
    expect(hex(record.clientPublicKey)).toBe(hex(middle('client_public_key')));
    expect(hex(record.maskingKey)).toBe(hex(middle('masking_key')));
    expect(hex(record.envelope)).toBe(hex(middle('envelope')));
    const { evaluatedMessage } = decode(registrationResponse(suite), response);
    const oprf = finalize(suite.group, suite.engine, password, started.state.blind, evaluatedMessage);
    const randomized = randomizedPassword(suite, oprf, await identityStretch(oprf));
    expect(hex(randomized)).toBe(hex(middle('randomized_password')));
    expect(hex(maskingKey(suite, randomized))).toBe(hex(middle('masking_key')));
    const nonce = input('envelope_nonce');
    expect(hex(opaqueExpand(suite, randomized, nonce, 'AuthKey', hashLength(suite)))).toBe(
      hex(middle('auth_key')),
    );

    // Login
    const login = startLoginWith(draw('blind_login'), suite, password);
    expect(hex(login.ke1)).toBe(hex(output('ke1')));
    const answered = serverKe2({
      suite,
      record: registered.record,
      seed,
      serverPrivateKey: input('server_private_key'),
      serverPublicKey,
      ke1: login.ke1,
      context,
      identities: ids,
      maskingNonce: input('masking_nonce'),
      serverNonce: input('server_nonce'),
      serverKeyshareSeed: input('server_keyshare_seed'),
    });
    expect(hex(answered.ke2)).toBe(hex(output('ke2')));
    expect(hex(answered.sessionKey)).toBe(hex(output('session_key')));
    const finished = await finishLogin({
      suite,
      state: login.state,
      ke2: answered.ke2,
      context,
      stretch: identityStretch,
      identities: ids,
    });
    expect(hex(finished.ke3)).toBe(hex(output('ke3')));
    expect(hex(finished.sessionKey)).toBe(hex(output('session_key')));
    expect(hex(finished.exportKey)).toBe(hex(output('export_key')));
    expect(serverFinish(finished.ke3, answered.expectedClientMac)).toBe(true);

    // The key schedule, from the server's secrets
    const ke1 = decode(ke1Codec(suite), login.ke1);
    const ke2 = decode(ke2Codec(suite), answered.ke2);
    const keyshare = suite.dh.deriveKeyPair(input('server_keyshare_seed'));
    expect(equal(keyshare.publicKey, ke2.body.serverPublicKeyshare)).toBe(true);
    const seen = preamble({
      context,
      clientIdentity: ids.client ?? record.clientPublicKey,
      serverIdentity: ids.server ?? serverPublicKey,
      ke1: login.ke1,
      ke2Body: answered.ke2.subarray(0, -hashLength(suite)),
    });
    const { group, dh, engine } = suite;
    const ikm = concat(
      dh.diffieHellman(keyshare.secretKey, ke1.clientPublicKeyshare),
      dh.diffieHellman(input('server_private_key'), ke1.clientPublicKeyshare),
      dh.diffieHellman(keyshare.secretKey, record.clientPublicKey),
    );
    const keys = deriveKeys(suite, ikm, engine.hash(group.hash, seen));
    expect(hex(keys.handshakeSecret)).toBe(hex(middle('handshake_secret')));
    expect(hex(keys.serverMacKey)).toBe(hex(middle('server_mac_key')));
    expect(hex(keys.clientMacKey)).toBe(hex(middle('client_mac_key')));
    expect(hex(keys.sessionKey)).toBe(hex(output('session_key')));
  });

  it.each(fake)('$section: $name', (row) => {
    const input = reader(row.inputs);
    const answered = serverKe2({
      suite,
      record: fakeRecord(suite, input('client_public_key'), input('masking_key')),
      seed: oprfSeed(suite, input('oprf_seed'), input('credential_identifier')),
      serverPrivateKey: input('server_private_key'),
      serverPublicKey: input('server_public_key'),
      ke1: input('KE1'),
      context: fromHex(row.context),
      identities: identities(row.inputs),
      maskingNonce: input('masking_nonce'),
      serverNonce: input('server_nonce'),
      serverKeyshareSeed: input('server_keyshare_seed'),
    });
    expect(hex(answered.ke2)).toBe(row.outputs.ke2);
  });
});
