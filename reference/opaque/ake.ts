/**
 * The 3DH key exchange (RFC 9807, section 6.4): transcript, key schedule and MACs of both sides.
 *
 * @module
 */
import { concat, utf8, wipe, type Bytes } from '../wire/bytes.ts';
import { bytes, encode, struct, u16, type Codec } from '../wire/codec.ts';
import { expand } from '../crypto/hkdf.ts';
import { prefixed } from './oprf.ts';
import { hashLength, opaqueExtract, type Suite } from './suite.ts';

/** What both sides of one exchange have seen. */
export interface Transcript {
  readonly context: Uint8Array;
  readonly clientIdentity: Uint8Array;
  readonly serverIdentity: Uint8Array;
  readonly ke1: Uint8Array;
  /** KE2 without its MAC: credential response, server nonce and server keyshare. */
  readonly ke2Body: Uint8Array;
}

/** The results of the key exchange. */
export interface AkeKeys {
  readonly serverMac: Bytes;
  readonly clientMac: Bytes;
  /** Nx bytes. */
  readonly sessionKey: Bytes;
}

interface CustomLabel {
  readonly length: number;
  readonly label: Bytes;
  readonly context: Bytes;
}

const customLabel: Codec<CustomLabel> = struct('CustomLabel', {
  length: u16,
  label: bytes(8, 255),
  context: bytes(0, 255),
});

/** Derive-Secret (RFC 9807, section 6.4.2.1). */
export function deriveSecret(suite: Suite, secret: Uint8Array, label: string, transcriptHash: Bytes): Bytes {
  const length = hashLength(suite);
  const info = encode(customLabel, { length, label: utf8(`OPAQUE-${label}`), context: transcriptHash });
  return expand(suite.engine, suite.group.hash, secret, info, length);
}

/** Preamble (RFC 9807, section 6.4.2.1). */
export function preamble(transcript: Transcript): Bytes {
  return concat(
    utf8('OPAQUEv1-'),
    prefixed(transcript.context),
    prefixed(transcript.clientIdentity),
    transcript.ke1,
    prefixed(transcript.serverIdentity),
    transcript.ke2Body,
  );
}

/** DeriveKeys (RFC 9807, section 6.4.2.2): the MAC keys Km2 and Km3, and the session key. */
export function deriveKeys(
  suite: Suite,
  ikm: Uint8Array,
  preambleHash: Bytes,
): {
  readonly handshakeSecret: Bytes;
  readonly serverMacKey: Bytes;
  readonly clientMacKey: Bytes;
  readonly sessionKey: Bytes;
} {
  const prk = opaqueExtract(suite, ikm);
  const handshakeSecret = deriveSecret(suite, prk, 'HandshakeSecret', preambleHash);
  const sessionKey = deriveSecret(suite, prk, 'SessionKey', preambleHash);
  const none: Bytes = new Uint8Array(0);
  const serverMacKey = deriveSecret(suite, handshakeSecret, 'ServerMAC', none);
  const clientMacKey = deriveSecret(suite, handshakeSecret, 'ClientMAC', none);
  wipe(prk);
  return { handshakeSecret, serverMacKey, clientMacKey, sessionKey };
}

/** Both MACs and the session key from the three Diffie-Hellman results, which are wiped. */
export function exchangeKeys(suite: Suite, dh: readonly Bytes[], transcript: Transcript): AkeKeys {
  const { engine, group } = suite;
  const seen = preamble(transcript);
  const ikm = concat(...dh);
  const seenHash = engine.hash(group.hash, seen);
  const keys = deriveKeys(suite, ikm, seenHash);
  const serverMac = engine.hmac(group.hash, keys.serverMacKey, seenHash);
  const clientMac = engine.hmac(
    group.hash,
    keys.clientMacKey,
    engine.hash(group.hash, concat(seen, serverMac)),
  );
  wipe(ikm, ...dh, keys.handshakeSecret, keys.serverMacKey, keys.clientMacKey);
  return { serverMac, clientMac, sessionKey: keys.sessionKey };
}
