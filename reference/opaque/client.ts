/**
 * The client's side of OPAQUE (RFC 9807). A state is kept between the two halves of a registration or a login and
 * is secret: it holds the password.
 *
 * @module
 */
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { concat, copy, equal, wipe, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { exchangeKeys } from './ake.ts';
import {
  envelopeKeys,
  maskingKey,
  maskResponse,
  randomizedPassword,
  recoverEnvelope,
  type Identities,
} from './envelope.ts';
import {
  ke1 as ke1Codec,
  ke2 as ke2Codec,
  registrationRecord,
  registrationRequest,
  registrationResponse,
} from './messages.ts';
import { notAnElement } from './group.ts';
import { blind, finalize } from './oprf.ts';
import type { Stretch } from './stretch.ts';
import { hashLength, OPAQUE_NONCE_LENGTH, type Suite } from './suite.ts';

/** What a client keeps between the halves of a registration. */
export interface RegistrationState {
  readonly password: Bytes;
  readonly blind: Bytes;
  readonly request: Bytes;
}

/** What a client keeps between the halves of a login. */
export interface LoginState {
  readonly password: Bytes;
  readonly blind: Bytes;
  readonly keyshareSecret: Bytes;
  readonly ke1: Bytes;
}

/** @throws StrongroomError `malformed` if the server has sent back what it was sent */
function refuseReflection(blinded: Uint8Array, evaluated: Uint8Array): void {
  // Such a server has evaluated nothing: anyone could guess at what follows.
  if (equal(blinded, evaluated)) {
    throw new StrongroomError('malformed', 'the element came back as it was sent', { subject: 'element' });
  }
}

/** The password as the randomized password, by way of the OPRF and the stretching. */
async function stretched(
  suite: Suite,
  stretch: Stretch,
  state: { readonly password: Bytes; readonly blind: Bytes },
  evaluated: Uint8Array,
): Promise<Bytes> {
  const output = finalize(suite.group, suite.engine, state.password, state.blind, evaluated);
  return randomizedPassword(suite, output, await stretch(output));
}

/** {@link startRegistration} with injected randomness: `blind`. */
export function startRegistrationWith(
  random: RandomSource,
  suite: Suite,
  password: Uint8Array,
): { readonly request: Bytes; readonly state: RegistrationState } {
  const blinded = blind(suite.group, random, 'blind', password);
  const request = encode(registrationRequest(suite), { blindedMessage: blinded.blindedElement });
  return { request, state: { password: copy(password), blind: blinded.blind, request } };
}

/**
 * CreateRegistrationRequest (RFC 9807, section 5.2.1).
 *
 * @param password as {@link preparePassword} makes it
 */
export function startRegistration(
  suite: Suite,
  password: Uint8Array,
): { readonly request: Bytes; readonly state: RegistrationState } {
  return startRegistrationWith(systemRandom, suite, password);
}

/** Arguments of {@link finishRegistration}. */
export interface FinishRegistrationOptions {
  readonly suite: Suite;
  readonly state: RegistrationState;
  /** RegistrationResponse as received. */
  readonly response: Uint8Array;
  /** The public key that the fleet descriptor gives the server: another one is refused. */
  readonly serverPublicKey?: Uint8Array | undefined;
  readonly stretch: Stretch;
  readonly identities?: Identities;
}

/** Results of {@link finishRegistration}. */
export interface Registered {
  /** RegistrationRecord, for the server. */
  readonly record: Bytes;
  /** Nh bytes; secret. */
  readonly exportKey: Bytes;
  readonly serverPublicKey: Bytes;
}

/** {@link finishRegistration} with injected randomness: `envelope_nonce`. */
export async function finishRegistrationWith(
  random: RandomSource,
  options: FinishRegistrationOptions,
): Promise<Registered> {
  const { suite, state, identities } = options;
  const { evaluatedMessage, serverPublicKey } = decode(registrationResponse(suite), options.response);
  refuseReflection(state.request, evaluatedMessage);
  if (options.serverPublicKey !== undefined && !equal(options.serverPublicKey, serverPublicKey)) {
    throw new StrongroomError(
      'server-authentication-failed',
      'the response holds the public key of another server',
    );
  }
  const randomized = await stretched(suite, options.stretch, state, evaluatedMessage);
  const nonce = random('envelope_nonce', OPAQUE_NONCE_LENGTH);
  const keys = envelopeKeys(suite, randomized, nonce, serverPublicKey, identities ?? {});
  const record = encode(registrationRecord(suite), {
    clientPublicKey: keys.client.publicKey,
    maskingKey: maskingKey(suite, randomized),
    envelope: concat(nonce, keys.authTag),
  });
  wipe(randomized, keys.client.secretKey);
  return { record, exportKey: keys.exportKey, serverPublicKey };
}

/**
 * FinalizeRegistrationRequest (RFC 9807, section 5.2.3).
 *
 * @throws StrongroomError `malformed`, `server-authentication-failed`
 */
export function finishRegistration(options: FinishRegistrationOptions): Promise<Registered> {
  return finishRegistrationWith(systemRandom, options);
}

/** {@link startLogin} with injected randomness: `blind`, `client_nonce`, `client_keyshare_seed`. */
export function startLoginWith(
  random: RandomSource,
  suite: Suite,
  password: Uint8Array,
): { readonly ke1: Bytes; readonly state: LoginState } {
  const blinded = blind(suite.group, random, 'blind', password);
  const clientNonce = random('client_nonce', OPAQUE_NONCE_LENGTH);
  const keyshare = suite.dh.deriveKeyPair(random('client_keyshare_seed', suite.dh.seedLength));
  const ke1 = encode(ke1Codec(suite), {
    blindedMessage: blinded.blindedElement,
    clientNonce,
    clientPublicKeyshare: keyshare.publicKey,
  });
  const state = { password: copy(password), blind: blinded.blind, keyshareSecret: keyshare.secretKey, ke1 };
  return { ke1, state };
}

/**
 * GenerateKE1 (RFC 9807, section 6.2.1).
 *
 * @param password as {@link preparePassword} makes it
 */
export function startLogin(
  suite: Suite,
  password: Uint8Array,
): { readonly ke1: Bytes; readonly state: LoginState } {
  return startLoginWith(systemRandom, suite, password);
}

/** Arguments of {@link finishLogin}. */
export interface FinishLoginOptions {
  readonly suite: Suite;
  readonly state: LoginState;
  /** KE2 as received. */
  readonly ke2: Uint8Array;
  readonly context: Uint8Array;
  /** The public key that the fleet descriptor gives the server: another one is refused. */
  readonly serverPublicKey?: Uint8Array | undefined;
  readonly stretch: Stretch;
  readonly identities?: Identities;
}

/** Results of {@link finishLogin}. */
export interface LoggedIn {
  readonly ke3: Bytes;
  /** Nx bytes; secret. */
  readonly sessionKey: Bytes;
  /** Nh bytes; secret; the one of the registration. */
  readonly exportKey: Bytes;
  readonly serverPublicKey: Bytes;
}

/**
 * GenerateKE3 (RFC 9807, section 6.2.3).
 *
 * @throws StrongroomError `malformed` if KE2 is, or if the envelope opens on a server key that is none;
 * `wrong-password` if the envelope does not open; `server-authentication-failed` if it does, and the server's key is
 * not the one that was expected, or its MAC does not verify
 */
export async function finishLogin(options: FinishLoginOptions): Promise<LoggedIn> {
  const { suite, state, identities } = options;
  const { group, dh } = suite;
  const { body, serverMac } = decode(ke2Codec(suite), options.ke2);
  refuseReflection(state.ke1.subarray(0, group.elementLength), body.evaluatedMessage);
  const randomized = await stretched(suite, options.stretch, state, body.evaluatedMessage);

  const response = maskResponse(suite, maskingKey(suite, randomized), body.maskingNonce, body.maskedResponse);
  const serverPublicKey = response.slice(0, dh.publicKeyLength);
  const envelope = response.subarray(dh.publicKeyLength);
  const { exportKey, client } = recoverEnvelope(
    suite,
    randomized,
    serverPublicKey,
    envelope,
    identities ?? {},
  );
  wipe(randomized);
  // Only now is the key more than noise: under a wrong password the mask comes off wrong.
  const { serverPublicKey: expected = serverPublicKey } = options;
  if (!dh.isPublicKey(serverPublicKey) || !equal(expected, serverPublicKey)) {
    wipe(exportKey, client.secretKey);
    if (!dh.isPublicKey(serverPublicKey)) throw notAnElement();
    throw new StrongroomError('server-authentication-failed', 'the record names the key of another server');
  }

  const keys = exchangeKeys(
    suite,
    [
      dh.diffieHellman(state.keyshareSecret, body.serverPublicKeyshare),
      dh.diffieHellman(state.keyshareSecret, serverPublicKey),
      dh.diffieHellman(client.secretKey, body.serverPublicKeyshare),
    ],
    {
      context: options.context,
      clientIdentity: identities?.client ?? client.publicKey,
      serverIdentity: identities?.server ?? serverPublicKey,
      ke1: state.ke1,
      ke2Body: options.ke2.subarray(0, -hashLength(suite)),
    },
  );
  wipe(client.secretKey);
  if (!equal(keys.serverMac, serverMac)) {
    wipe(exportKey, keys.sessionKey, keys.clientMac);
    throw new StrongroomError('server-authentication-failed', 'the MAC of the server does not verify');
  }
  return { ke3: keys.clientMac, sessionKey: keys.sessionKey, exportKey, serverPublicKey };
}
