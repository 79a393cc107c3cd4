/**
 * OPAQUE on both groups, and key stretching on both implementations.
 *
 * @module
 */
import { systemRandom } from '../reference/crypto/random.ts';
import {
  argon2idStretch,
  DEFAULT_STRETCH,
  finishRegistration,
  generateServerKeyPair,
  identityStretch,
  nobleArgon2idStretch,
  nobleSuite,
  serverKe2,
  serverRegistrationResponse,
  sodiumSuite,
  startLogin,
  startRegistration,
  type Suite,
} from '../reference/opaque/index.ts';
import { utf8 } from '../reference/wire/bytes.ts';
import { measure, type Row, type Task } from './harness.ts';

/** A function that answers the same KE1 of a registered client again and again, as a vault's core does. */
export async function ke2Of(suite: Suite): Promise<() => unknown> {
  const password = utf8('correct horse battery staple');
  const server = generateServerKeyPair(suite);
  const seed = systemRandom('seed', suite.group.scalarLength);
  const registration = startRegistration(suite, password);
  const response = serverRegistrationResponse({
    suite,
    seed,
    serverPublicKey: server.publicKey,
    request: registration.request,
  });
  const { record } = await finishRegistration({
    suite,
    state: registration.state,
    response,
    stretch: identityStretch,
  });
  const { ke1 } = startLogin(suite, password);
  const fixed = {
    maskingNonce: systemRandom('masking_nonce', 32),
    serverNonce: systemRandom('server_nonce', 32),
    serverKeyshareSeed: systemRandom('server_keyshare_seed', suite.group.scalarLength),
  };
  return () =>
    serverKe2({
      suite,
      record,
      seed,
      serverPrivateKey: server.secretKey,
      serverPublicKey: server.publicKey,
      ke1,
      context: utf8('bench'),
      ...fixed,
    });
}

/** KE2 and KE1 on both groups. */
export async function opaque(time: number): Promise<Row[]> {
  const sodium = await sodiumSuite();
  const password = utf8('correct horse battery staple');
  return measure(
    'OPAQUE, one thread',
    [
      { name: 'KE2 (server), noble', run: await ke2Of(nobleSuite) },
      { name: 'KE2 (server), libsodium', run: await ke2Of(sodium), against: 'KE2 (server), noble' },
      { name: 'KE1 (client), noble', run: () => startLogin(nobleSuite, password) },
      {
        name: 'KE1 (client), libsodium',
        run: () => startLogin(sodium, password),
        against: 'KE1 (client), noble',
      },
    ],
    time,
  );
}

/** Argon2id with the parameters of a registration: what one guess costs to who has broken a vault. */
export async function stretching(time: number): Promise<Row[]> {
  const input = new Uint8Array(64);
  const tasks: readonly Task[] = [
    { name: 'Argon2id 64 MiB t=3 p=4, noble', run: () => nobleArgon2idStretch(DEFAULT_STRETCH)(input) },
    {
      name: 'Argon2id 64 MiB t=3 p=4, OpenSSL',
      run: () => argon2idStretch(DEFAULT_STRETCH)(input),
      against: 'Argon2id 64 MiB t=3 p=4, noble',
    },
  ];
  return measure('key stretching', tasks, time, 1);
}
