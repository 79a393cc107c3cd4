/**
 * The suite's own channel (spec/channel.md): HPKE in base mode, written out on the KEMs of kem.ts.
 *
 * @module
 */
import { extract as hkdfExtract } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { decapsulate, encapsulate, kemOf, labeledExpand, labeledExtract, type ChannelSuite } from './kem.ts';
import {
  be,
  cat,
  expand,
  label,
  prefixed,
  seal,
  sha256,
  unhex,
  unseal,
  utf8,
  zeros,
  type Bytes,
} from './primitives.ts';

/** Size of every request and every answer before sealing. */
export const PLAINTEXT_LENGTH = 2048;

function schedule(
  suite: ChannelSuite,
  secret: Uint8Array,
  info: Uint8Array,
): { key: Bytes; nonce: Bytes; exported: Bytes } {
  const id = cat(utf8('HPKE'), kemOf(suite).id, unhex('00010002'));
  const context = cat(
    be(1, 0),
    labeledExtract(id, zeros(0), 'psk_id_hash', zeros(0)),
    labeledExtract(id, zeros(0), 'info_hash', info),
  );
  const main = labeledExtract(id, secret, 'secret', zeros(0));
  const exporter = labeledExpand(id, main, 'exp', context, 32);
  return {
    key: labeledExpand(id, main, 'key', context, 32),
    nonce: labeledExpand(id, main, 'base_nonce', context, 12),
    exported: labeledExpand(id, exporter, 'sec', label('channel-answer'), 32),
  };
}

/** The fleet's channel key, as a client knows it. */
export interface ChannelKey {
  /** 1 unless told. */
  readonly suite?: ChannelSuite;
  readonly fleetId: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Name of a public key. */
export function keyId(publicKey: Uint8Array): Bytes {
  return sha256(publicKey).slice(0, 8);
}

/** What both sides keep of a request for its answers. */
export interface AnswerContext {
  readonly enc: Bytes;
  readonly secret: Bytes;
  readonly requestHash: Bytes;
}

function channelInfo(suite: ChannelSuite, fleetId: Uint8Array, id: Uint8Array): Bytes {
  return cat(label('channel-request'), be(1, 1), be(1, suite), fleetId, id);
}

/** SealedRequest, from the seed of the ephemeral key. */
export function sealRequest(
  { suite = 1, fleetId, publicKey }: ChannelKey,
  plaintext: Uint8Array,
  seed: Uint8Array,
): { bytes: Bytes; context: AnswerContext } {
  const id = keyId(publicKey);
  const { enc, shared } = encapsulate(suite, publicKey, seed);
  const { key, nonce, exported } = schedule(suite, shared, channelInfo(suite, fleetId, id));
  const bytes = cat(be(1, 1), be(1, suite), id, prefixed(2, enc), prefixed(2, seal(key, nonce, plaintext)));
  return { bytes, context: { enc, secret: exported, requestHash: sha256(bytes) } };
}

/** The vault's side: the plaintext and the context for answers; undefined if it does not open. */
export function openRequest(
  fleetId: Uint8Array,
  secretKey: Uint8Array,
  bytes: Uint8Array,
  suite: ChannelSuite = 1,
): { plaintext: Bytes; context: AnswerContext } | undefined {
  const { encLength, publicKey } = kemOf(suite);
  const enc = new Uint8Array(bytes.slice(12, 12 + encLength));
  const shared = decapsulate(suite, secretKey, enc);
  const { key, nonce, exported } = schedule(
    suite,
    shared,
    channelInfo(suite, fleetId, keyId(publicKey(secretKey))),
  );
  const plaintext = unseal(key, nonce, bytes.slice(12 + encLength + 2));
  return plaintext && { plaintext, context: { enc, secret: exported, requestHash: sha256(bytes) } };
}

function answerKeys({ enc, secret }: AnswerContext, responseNonce: Uint8Array): { key: Bytes; nonce: Bytes } {
  const prk = new Uint8Array(hkdfExtract(nobleSha256, secret, cat(enc, responseNonce)));
  return { key: expand(prk, utf8('key'), 32), nonce: expand(prk, utf8('nonce'), 12) };
}

/** SealedAnswer. */
export function sealAnswer(context: AnswerContext, plaintext: Uint8Array, responseNonce: Uint8Array): Bytes {
  const { key, nonce } = answerKeys(context, responseNonce);
  return cat(responseNonce, seal(key, nonce, plaintext, context.requestHash));
}

/** The plaintext of an answer; undefined if it is not an answer to this request. */
export function openAnswer(context: AnswerContext, bytes: Uint8Array): Bytes | undefined {
  const { key, nonce } = answerKeys(context, bytes.slice(0, 32));
  return unseal(key, nonce, bytes.slice(32), context.requestHash);
}
