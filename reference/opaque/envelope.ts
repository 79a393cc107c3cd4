/**
 * The envelope (RFC 9807, section 4): keys that the stretched output of the OPRF yields, and the tag by which a
 * client knows its password.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { concat, equal, wipe, type Bytes } from '../wire/bytes.ts';
import type { KeyPair } from './dh.ts';
import { prefixed } from './oprf.ts';
import { hashLength, opaqueExpand, opaqueExtract, OPAQUE_NONCE_LENGTH, type Suite } from './suite.ts';

/** Names that both sides authenticate; a missing one is the public key of that side. */
export interface Identities {
  readonly client?: Uint8Array | undefined;
  readonly server?: Uint8Array | undefined;
}

/** Extract("", oprf_output || Stretch(oprf_output)) (RFC 9807, sections 5.2.3 and 6.3.2.3). */
export function randomizedPassword(suite: Suite, oprfOutput: Bytes, stretched: Bytes): Bytes {
  const ikm = concat(oprfOutput, stretched);
  const out = opaqueExtract(suite, ikm);
  wipe(ikm, oprfOutput, stretched);
  return out;
}

/** The key with which the server's half of KE2 is masked: Nh bytes. */
export function maskingKey(suite: Suite, randomized: Uint8Array): Bytes {
  return opaqueExpand(suite, randomized, new Uint8Array(0), 'MaskingKey', hashLength(suite));
}

/** What the randomized password and the envelope nonce yield. */
export interface EnvelopeKeys {
  /** Nh bytes; the client's secret for {@link sealed-key}. */
  readonly exportKey: Bytes;
  readonly client: KeyPair;
  readonly authTag: Bytes;
}

/** The common part of Store and Recover (RFC 9807, sections 4.1.2 and 4.1.3). */
export function envelopeKeys(
  suite: Suite,
  randomized: Uint8Array,
  envelopeNonce: Uint8Array,
  serverPublicKey: Uint8Array,
  identities: Identities,
): EnvelopeKeys {
  const length = hashLength(suite);
  const authKey = opaqueExpand(suite, randomized, envelopeNonce, 'AuthKey', length);
  const exportKey = opaqueExpand(suite, randomized, envelopeNonce, 'ExportKey', length);
  const seed = opaqueExpand(suite, randomized, envelopeNonce, 'PrivateKey', suite.dh.seedLength);
  const client = suite.dh.deriveKeyPair(seed);
  const credentials = concat(
    serverPublicKey,
    prefixed(identities.server ?? serverPublicKey),
    prefixed(identities.client ?? client.publicKey),
  );
  const authTag = suite.engine.hmac(suite.group.hash, authKey, concat(envelopeNonce, credentials));
  wipe(authKey, seed);
  return { exportKey, client, authTag };
}

/**
 * Recover (RFC 9807, section 4.1.3).
 *
 * @throws StrongroomError `wrong-password` if the envelope was not made with this password
 */
export function recoverEnvelope(
  suite: Suite,
  randomized: Uint8Array,
  serverPublicKey: Uint8Array,
  envelope: Uint8Array,
  identities: Identities,
): EnvelopeKeys {
  const nonce = envelope.subarray(0, OPAQUE_NONCE_LENGTH);
  const keys = envelopeKeys(suite, randomized, nonce, serverPublicKey, identities);
  if (!equal(keys.authTag, envelope.subarray(OPAQUE_NONCE_LENGTH))) {
    wipe(keys.exportKey, keys.client.secretKey);
    throw new StrongroomError('wrong-password', 'the envelope does not open with this password');
  }
  return keys;
}

/** The pad under which the server's public key and the envelope travel (RFC 9807, section 6.3.2.2). */
export function maskResponse(
  suite: Suite,
  key: Uint8Array,
  maskingNonce: Uint8Array,
  response: Uint8Array,
): Bytes {
  const pad = opaqueExpand(suite, key, maskingNonce, 'CredentialResponsePad', response.length);
  return pad.map((byte, i) => byte ^ (response[i] ?? 0));
}
