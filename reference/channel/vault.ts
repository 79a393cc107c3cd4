/**
 * The vault's side of the channel (spec/channel.md, "Opening a request").
 *
 * @module
 */
import { type CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { p256Key } from '../crypto/p256-key.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { x25519 } from '../crypto/x25519.ts';
import { StrongroomError } from '../errors.ts';
import { label } from '../keys/labels.ts';
import { hex, wipe, type Bytes } from '../wire/bytes.ts';
import { decode } from '../wire/codec.ts';
import { sealAnswerWith, type AnswerContext } from './answer.ts';
import { dhkemSharedSecret, exportSecret, keySchedule } from './key-schedule.ts';
import { CHANNEL_VERSION, channelInfo, channelSuite, SealedRequest } from './messages.ts';

/**
 * The KEM's shared secret, from wherever the key lives.
 *
 * @throws StrongroomError `unknown-channel-key` if there is no such key, `malformed` if `enc` is not a public key
 */
export type Decapsulate = (suite: number, kemKeyId: Bytes, enc: Bytes) => Promise<Bytes>;

/** A request that opened. */
export interface OpenedRequest {
  /** 2048 bytes. */
  readonly plaintext: Bytes;
  /** What its answers are sealed under; holds the hash of the sealed request. */
  readonly context: AnswerContext;
  /** Seals an answer of 2048 bytes: 2096 bytes, different each time. */
  sealAnswer(plaintext: Uint8Array): Bytes;
}

/** `openRequest` with injected randomness: `response_nonce`. */
export async function openRequestWith(
  random: RandomSource,
  decapsulate: Decapsulate,
  fleetId: Bytes,
  bytes: Uint8Array,
  engine: CryptoEngine = nodeEngine,
): Promise<OpenedRequest> {
  if (bytes.length > 0 && bytes[0] !== CHANNEL_VERSION) {
    throw new StrongroomError('unsupported-version', `channel version ${bytes[0]}`);
  }
  const request = decode(SealedRequest, bytes);
  const { ids, encLength } = channelSuite(request.suite);
  if (request.enc.length !== encLength) {
    throw new StrongroomError('malformed', `enc of ${request.enc.length} bytes`, { subject: 'enc' });
  }
  const sharedSecret = await decapsulate(request.suite, request.kemKeyId, request.enc);
  const info = channelInfo(request.suite, fleetId, request.kemKeyId);
  const keys = keySchedule(engine, ids, sharedSecret, info);
  const plaintext = engine.aead(keys.key).open(keys.baseNonce, request.ciphertext);
  const context = {
    enc: request.enc,
    secret: exportSecret(engine, ids, keys.exporterSecret, label('channel-answer'), 32),
    requestHash: engine.hash('sha256', bytes),
  };
  wipe(sharedSecret, keys.key, keys.exporterSecret);
  if (plaintext === undefined) {
    throw new StrongroomError('channel-open-failed', 'the request does not open');
  }
  return { plaintext, context, sealAnswer: (answer) => sealAnswerWith(random, context, answer, engine) };
}

/**
 * Opens a sealed request.
 *
 * @throws StrongroomError `unsupported-version`, `unsupported-suite`, `malformed`, `unknown-channel-key`,
 * `channel-open-failed`
 */
export function openRequest(
  decapsulate: Decapsulate,
  fleetId: Bytes,
  bytes: Uint8Array,
): Promise<OpenedRequest> {
  return openRequestWith(systemRandom, decapsulate, fleetId, bytes);
}

/** A channel key in memory. */
export interface SoftwareChannelKey {
  /** Number of its suite. */
  readonly suite: 1 | 2;
  /** 8 bytes. */
  readonly id: Bytes;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
}

/** Decapsulates with keys in memory, which may be wiped after the call. */
export function softwareDecapsulate(
  keys: readonly SoftwareChannelKey[],
  engine: CryptoEngine = nodeEngine,
): Decapsulate {
  const byId = new Map(
    keys.map(({ suite, id, secretKey }) => [
      `${suite} ${hex(id)}`,
      suite === 1 ? x25519(secretKey) : p256Key(secretKey),
    ]),
  );
  return (suite, kemKeyId, enc) =>
    new Promise((resolve) => {
      const { ids } = channelSuite(suite);
      const key = byId.get(`${suite} ${hex(kemKeyId)}`);
      if (key === undefined) throw new StrongroomError('unknown-channel-key', `no key ${hex(kemKeyId)}`);
      const dh = key.agree(enc);
      resolve(dhkemSharedSecret(engine, ids.kem, dh, enc, key.publicKey));
      wipe(dh);
    });
}
