/**
 * The messages of OPAQUE (RFC 9807, sections 4 to 6), all of fixed size. Reading one checks every group element in
 * it: 32, 64, 192, 96, 320 and 64 bytes with ristretto255-SHA512.
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';
import { opaque, struct, type Codec } from '../wire/codec.ts';
import { notAnElement, type Group } from './group.ts';
import { hashLength, OPAQUE_NONCE_LENGTH, type Suite } from './suite.ts';

const nonce = opaque(OPAQUE_NONCE_LENGTH, 'nonce');

function element(group: Group): Codec<Bytes> {
  const inner = opaque(group.elementLength, 'element');
  return {
    ...inner,
    read(input) {
      const bytes = inner.read(input);
      if (!group.isElement(bytes)) throw notAnElement();
      return bytes;
    },
  };
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
  /** Envelope nonce and authentication tag (section 4.1.2). */
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
  return struct('RegistrationRequest', { blindedMessage: element(suite.group) });
}

/** Structure RegistrationResponse. */
export function registrationResponse(suite: Suite): Codec<RegistrationResponse> {
  return struct('RegistrationResponse', {
    evaluatedMessage: element(suite.group),
    serverPublicKey: element(suite.group),
  });
}

/** Structure RegistrationRecord. */
export function registrationRecord(suite: Suite): Codec<RegistrationRecord> {
  return struct('RegistrationRecord', {
    clientPublicKey: element(suite.group),
    maskingKey: opaque(hashLength(suite), 'masking_key'),
    envelope: opaque(envelopeLength(suite), 'envelope'),
  });
}

/** Structure KE1. */
export function ke1(suite: Suite): Codec<Ke1> {
  return struct('KE1', {
    blindedMessage: element(suite.group),
    clientNonce: nonce,
    clientPublicKeyshare: element(suite.group),
  });
}

/** Structure KE2 without its last field. */
export function ke2Body(suite: Suite): Codec<Ke2Body> {
  return struct('KE2', {
    evaluatedMessage: element(suite.group),
    maskingNonce: nonce,
    maskedResponse: opaque(suite.group.elementLength + envelopeLength(suite), 'masked_response'),
    serverNonce: nonce,
    serverPublicKeyshare: element(suite.group),
  });
}

/** Structure KE2. */
export function ke2(suite: Suite): Codec<Ke2> {
  return struct('KE2', {
    body: ke2Body(suite),
    serverMac: opaque(hashLength(suite), 'server_mac'),
  });
}
