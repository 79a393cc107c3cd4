/**
 * The messages of OPAQUE (RFC 9807, sections 4 to 6), all of fixed size. Reading one checks every group element in
 * it: 32, 64, 192, 96, 320 and 64 bytes with ristretto255-SHA512.
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';
import { opaque, struct, type Codec } from '../wire/codec.ts';
import { notAnElement } from './group.ts';
import { hashLength, OPAQUE_NONCE_LENGTH, type Suite } from './suite.ts';

const nonce = opaque(OPAQUE_NONCE_LENGTH, 'nonce');

function checked(length: number, accepts: (bytes: Bytes) => boolean): Codec<Bytes> {
  const inner = opaque(length, 'element');
  return {
    ...inner,
    read(input) {
      const bytes = inner.read(input);
      if (!accepts(bytes)) throw notAnElement();
      return bytes;
    },
  };
}

function element({ group }: Suite): Codec<Bytes> {
  return checked(group.elementLength, (bytes) => group.isElement(bytes));
}

function publicKey({ dh }: Suite): Codec<Bytes> {
  return checked(dh.publicKeyLength, (bytes) => dh.isPublicKey(bytes));
}

/** RFC 9807, section 5.1. */
export interface RegistrationRequest {
  readonly blindedMessage: Bytes;
}

/** RFC 9807, section 5.1. */
export interface RegistrationResponse {
  readonly evaluatedMessage: Bytes;
  readonly serverPublicKey: Bytes;
}

/** RFC 9807, section 5.1: what the server keeps. */
export interface RegistrationRecord {
  readonly clientPublicKey: Bytes;
  readonly maskingKey: Bytes;
  /** Envelope nonce and authentication tag (section 4.1.1). */
  readonly envelope: Bytes;
}

/** RFC 9807, section 6.1. */
export interface Ke1 {
  readonly blindedMessage: Bytes;
  readonly clientNonce: Bytes;
  readonly clientPublicKeyshare: Bytes;
}

/** KE2 without its MAC (RFC 9807, section 6.1): what the MAC and the transcript cover. */
export interface Ke2Body {
  readonly evaluatedMessage: Bytes;
  readonly maskingNonce: Bytes;
  readonly maskedResponse: Bytes;
  readonly serverNonce: Bytes;
  readonly serverPublicKeyshare: Bytes;
}

/** RFC 9807, section 6.1. */
export interface Ke2 {
  readonly body: Ke2Body;
  readonly serverMac: Bytes;
}

/** Bytes of an envelope: nonce and tag. */
export function envelopeLength(suite: Suite): number {
  return OPAQUE_NONCE_LENGTH + hashLength(suite);
}

/** Structure RegistrationRequest. */
export function registrationRequest(suite: Suite): Codec<RegistrationRequest> {
  return struct('RegistrationRequest', { blindedMessage: element(suite) });
}

/** Structure RegistrationResponse. */
export function registrationResponse(suite: Suite): Codec<RegistrationResponse> {
  return struct('RegistrationResponse', {
    evaluatedMessage: element(suite),
    serverPublicKey: publicKey(suite),
  });
}

/** Structure RegistrationRecord. */
export function registrationRecord(suite: Suite): Codec<RegistrationRecord> {
  return struct('RegistrationRecord', {
    clientPublicKey: publicKey(suite),
    maskingKey: opaque(hashLength(suite), 'masking_key'),
    envelope: opaque(envelopeLength(suite), 'envelope'),
  });
}

/** Structure KE1. */
export function ke1(suite: Suite): Codec<Ke1> {
  return struct('KE1', {
    blindedMessage: element(suite),
    clientNonce: nonce,
    clientPublicKeyshare: publicKey(suite),
  });
}

/** Structure KE2 without its last field. */
export function ke2Body(suite: Suite): Codec<Ke2Body> {
  return struct('KE2', {
    evaluatedMessage: element(suite),
    maskingNonce: nonce,
    maskedResponse: opaque(suite.dh.publicKeyLength + envelopeLength(suite), 'masked_response'),
    serverNonce: nonce,
    serverPublicKeyshare: publicKey(suite),
  });
}

/** Structure KE2. */
export function ke2(suite: Suite): Codec<Ke2> {
  return struct('KE2', {
    body: ke2Body(suite),
    serverMac: opaque(hashLength(suite), 'server_mac'),
  });
}
