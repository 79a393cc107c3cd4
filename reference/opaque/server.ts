/**
 * The server's side of OPAQUE (RFC 9807). Every function is a function of its arguments alone: a vault derives keys
 * and nonces in its HSM and can compute the same KE2 again.
 *
 * @module
 */
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { concat, equal, utf8, wipe, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { exchangeKeys } from './ake.ts';
import type { KeyPair } from './dh.ts';
import { maskResponse, type Identities } from './envelope.ts';
import {
  envelopeLength,
  ke1 as ke1Codec,
  ke2Body as ke2BodyCodec,
  registrationRecord,
  registrationRequest,
  registrationResponse,
} from './messages.ts';
import { blindEvaluate, deriveScalar } from './oprf.ts';
import type { Suite } from './suite.ts';

/**
 * The input to the one HMAC that yields the OPRF seed of a registration:
 * `seed = HMAC(oprf_seed, credential_identifier || "OprfKey" || 0x01)[0:Nok]`, which is HKDF-Expand as RFC 9807,
 * section 5.2.2, has it. An HSM computes it without letting go of the key.
 */
export function oprfSeedInput(credentialIdentifier: Uint8Array): Bytes {
  return concat(credentialIdentifier, utf8('OprfKey'), Uint8Array.of(1));
}

/**
 * The seed of a registration (Nok bytes), where the OPRF key is in memory.
 *
 * @param oprfKey `oprf_seed` of RFC 9807: 64 bytes
 */
export function oprfSeed(suite: Suite, oprfKey: Uint8Array, credentialIdentifier: Uint8Array): Bytes {
  const block = suite.engine.hmac(suite.group.hash, oprfKey, oprfSeedInput(credentialIdentifier));
  return block.slice(0, suite.group.scalarLength);
}

/** `oprf_key`, the scalar of a registration, from its seed (RFC 9807, section 5.2.2). */
export function oprfSecretKey(suite: Suite, seed: Uint8Array): Bytes {
  return deriveScalar(suite.group, seed, utf8('OPAQUE-DeriveKeyPair'));
}

function evaluate(suite: Suite, seed: Uint8Array, blinded: Uint8Array): Bytes {
  const key = oprfSecretKey(suite, seed);
  const evaluated = blindEvaluate(suite.group, key, blinded);
  wipe(key);
  return evaluated;
}

/** A server's long-term key pair from fresh randomness (`opaque_server_seed`). */
export function generateServerKeyPairWith(random: RandomSource, suite: Suite): KeyPair {
  return suite.dh.deriveKeyPair(random('opaque_server_seed', suite.dh.seedLength));
}

/** A server's long-term key pair. */
export function generateServerKeyPair(suite: Suite): KeyPair {
  return generateServerKeyPairWith(systemRandom, suite);
}

/** Arguments of {@link serverRegistrationResponse}. */
export interface RegistrationResponseOptions {
  readonly suite: Suite;
  /** Seed of this registration, Nok bytes ({@link oprfSeedInput}). */
  readonly seed: Uint8Array;
  readonly serverPublicKey: Bytes;
  /** RegistrationRequest as received. */
  readonly request: Uint8Array;
}

/** CreateRegistrationResponse (RFC 9807, section 5.2.2). @throws StrongroomError `malformed` */
export function serverRegistrationResponse(options: RegistrationResponseOptions): Bytes {
  const { suite, seed, serverPublicKey } = options;
  const { blindedMessage } = decode(registrationRequest(suite), options.request);
  const evaluatedMessage = evaluate(suite, seed, blindedMessage);
  return encode(registrationResponse(suite), { evaluatedMessage, serverPublicKey });
}

/** A client's record as received, checked. @throws StrongroomError `malformed` */
export function checkRecord(suite: Suite, record: Uint8Array): void {
  decode(registrationRecord(suite), record);
}

/**
 * The record of an account that does not exist (RFC 9807, section 6.3.2.2): KE2 made from it cannot be told from
 * one of a real account with another password.
 *
 * @param clientPublicKey the public key of a random key pair
 * @param maskingKey Nh random bytes, the same for each question about the same name
 */
export function fakeRecord(suite: Suite, clientPublicKey: Bytes, maskingKey: Bytes): Bytes {
  const envelope = new Uint8Array(envelopeLength(suite));
  return encode(registrationRecord(suite), { clientPublicKey, maskingKey, envelope });
}

/** Arguments of {@link serverKe2}. */
export interface Ke2Options {
  readonly suite: Suite;
  /** RegistrationRecord of the account, or a {@link fakeRecord}. */
  readonly record: Uint8Array;
  /** Seed of the registration, Nok bytes. */
  readonly seed: Uint8Array;
  readonly serverPrivateKey: Uint8Array;
  readonly serverPublicKey: Uint8Array;
  /** KE1 as received. */
  readonly ke1: Uint8Array;
  readonly context: Uint8Array;
  readonly identities?: Identities;
  /** 32 bytes. */
  readonly maskingNonce: Bytes;
  /** 32 bytes. */
  readonly serverNonce: Bytes;
  /** Nseed bytes. */
  readonly serverKeyshareSeed: Uint8Array;
}

/** Results of {@link serverKe2}. */
export interface Ke2Result {
  readonly ke2: Bytes;
  /** What KE3 must be: for {@link serverFinish}. */
  readonly expectedClientMac: Bytes;
  /** Nx bytes; valid once KE3 has verified. */
  readonly sessionKey: Bytes;
}

/** GenerateKE2 (RFC 9807, section 6.2.2). @throws StrongroomError `malformed` if KE1 or the record is */
export function serverKe2(options: Ke2Options): Ke2Result {
  const { suite, serverPrivateKey, serverPublicKey, maskingNonce, serverNonce, identities } = options;
  const { dh } = suite;
  const request = decode(ke1Codec(suite), options.ke1);
  const record = decode(registrationRecord(suite), options.record);

  const evaluatedMessage = evaluate(suite, options.seed, request.blindedMessage);
  const maskedResponse = maskResponse(
    suite,
    record.maskingKey,
    maskingNonce,
    concat(serverPublicKey, record.envelope),
  );
  const keyshare = dh.deriveKeyPair(options.serverKeyshareSeed);
  const body = {
    evaluatedMessage,
    maskingNonce,
    maskedResponse,
    serverNonce,
    serverPublicKeyshare: keyshare.publicKey,
  };
  const ke2Body = encode(ke2BodyCodec(suite), body);

  const keys = exchangeKeys(
    suite,
    [
      dh.diffieHellman(keyshare.secretKey, request.clientPublicKeyshare),
      dh.diffieHellman(serverPrivateKey, request.clientPublicKeyshare),
      dh.diffieHellman(keyshare.secretKey, record.clientPublicKey),
    ],
    {
      context: options.context,
      clientIdentity: identities?.client ?? record.clientPublicKey,
      serverIdentity: identities?.server ?? serverPublicKey,
      ke1: options.ke1,
      ke2Body,
    },
  );
  wipe(keyshare.secretKey, record.maskingKey);
  return {
    ke2: concat(ke2Body, keys.serverMac),
    expectedClientMac: keys.clientMac,
    sessionKey: keys.sessionKey,
  };
}

/**
 * ServerFinish (RFC 9807, section 6.2.4), in constant time.
 *
 * @returns true if KE3 proves the password
 * @throws StrongroomError `malformed` if KE3 is not as long as a MAC
 */
export function serverFinish(ke3: Uint8Array, expectedClientMac: Uint8Array): boolean {
  if (ke3.length !== expectedClientMac.length) {
    throw new StrongroomError('malformed', `KE3 of ${ke3.length} bytes`, { subject: 'KE3' });
  }
  return equal(ke3, expectedClientMac);
}
