/**
 * Suites and structures of the channel (spec/channel.md): requests and answers of one size each, whatever they say.
 *
 * @module
 */
import { TAG_LENGTH } from '../crypto/engine.ts';
import { isP256PublicKey } from '../crypto/p256.ts';
import { StrongroomError } from '../errors.ts';
import { label } from '../keys/labels.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { bytes, encode, opaque, struct, u8, type Codec } from '../wire/codec.ts';
import type { HpkeIds } from './key-schedule.ts';

/** Version of the channel. */
export const CHANNEL_VERSION = 1;
/** Bytes of every request and of every answer before sealing. */
export const CHANNEL_PLAINTEXT = 2048;
/** Bytes of the nonce of an answer: the larger of Nk and Nn. */
export const RESPONSE_NONCE_LENGTH = 32;

const SEALED_LENGTH = CHANNEL_PLAINTEXT + TAG_LENGTH;

/** One suite of the registry. */
export interface ChannelSuite {
  readonly ids: HpkeIds;
  /** Bytes of an encapsulated key: Nenc of RFC 9180. */
  readonly encLength: number;
  /** True for what the suite takes as a public key, of Npk bytes (RFC 9180). */
  readonly isPublicKey: (bytes: Uint8Array) => boolean;
}

const SUITES: ReadonlyMap<number, ChannelSuite> = new Map([
  // DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM
  [1, { ids: { kem: 0x20, kdf: 1, aead: 2 }, encLength: 32, isPublicKey: ({ length }) => length === 32 }],
  // DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM
  [2, { ids: { kem: 0x10, kdf: 1, aead: 2 }, encLength: 65, isPublicKey: isP256PublicKey }],
]);

/** A suite by its number. @throws StrongroomError `unsupported-suite` */
export function channelSuite(number: number): ChannelSuite {
  const suite = SUITES.get(number);
  if (suite === undefined) throw new StrongroomError('unsupported-suite', `channel suite ${number}`);
  return suite;
}

/** A request as it travels: 2110 bytes in suite 1, 2143 in suite 2. */
export interface SealedRequest {
  readonly version: number;
  readonly suite: number;
  /** 8 bytes. */
  readonly kemKeyId: Bytes;
  readonly enc: Bytes;
  readonly ciphertext: Bytes;
}

/** Structure SealedRequest. */
export const SealedRequest: Codec<SealedRequest> = struct<SealedRequest>('SealedRequest', {
  version: u8,
  suite: u8,
  kemKeyId: opaque(8, 'kem_key_id'),
  enc: bytes(1, 0xffff, 'enc'),
  ciphertext: bytes(SEALED_LENGTH, SEALED_LENGTH, 'ciphertext'),
});

/** An answer as it travels: 2096 bytes. */
export interface SealedAnswer {
  readonly responseNonce: Bytes;
  readonly ciphertext: Bytes;
}

/** Structure SealedAnswer. */
export const SealedAnswer: Codec<SealedAnswer> = struct<SealedAnswer>('SealedAnswer', {
  responseNonce: opaque(RESPONSE_NONCE_LENGTH, 'response_nonce'),
  ciphertext: opaque(SEALED_LENGTH, 'ciphertext'),
});

interface ChannelInfo {
  readonly version: number;
  readonly suite: number;
  readonly fleetId: Bytes;
  readonly kemKeyId: Bytes;
}

const ChannelInfo: Codec<ChannelInfo> = struct<ChannelInfo>('ChannelInfo', {
  version: u8,
  suite: u8,
  fleetId: opaque(16, 'fleet_id'),
  kemKeyId: opaque(8, 'kem_key_id'),
});

/** HPKE's `info`: label and structure, so that a request opens at one fleet, under one key, in one version. */
export function channelInfo(suite: number, fleetId: Bytes, kemKeyId: Bytes): Bytes {
  const info = encode(ChannelInfo, { version: CHANNEL_VERSION, suite, fleetId, kemKeyId });
  return concat(label('channel-request'), info);
}

/** Checks the size before sealing. @throws StrongroomError `malformed` */
export function checkPlaintext(plaintext: Uint8Array): void {
  if (plaintext.length !== CHANNEL_PLAINTEXT) {
    throw new StrongroomError(
      'malformed',
      `a plaintext of ${plaintext.length} bytes, not ${CHANNEL_PLAINTEXT}`,
    );
  }
}
