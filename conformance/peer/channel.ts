/**
 * The suite's own channel (spec/channel.md): HPKE in base mode with DHKEM(X25519), written out on noble.
 *
 * @module
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { extract as hkdfExtract } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
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

const KEM_ID = cat(utf8('KEM'), unhex('0020'));
const HPKE_ID = cat(utf8('HPKE'), unhex('002000010002'));

/** Size of every request and every answer before sealing. */
export const PLAINTEXT_LENGTH = 2048;

function extract(salt: Uint8Array, ikm: Uint8Array): Bytes {
  return new Uint8Array(hkdfExtract(nobleSha256, ikm, salt));
}

function labeledExtract(id: Uint8Array, salt: Uint8Array, name: string, ikm: Uint8Array): Bytes {
  return extract(salt, cat(utf8('HPKE-v1'), id, utf8(name), ikm));
}

function labeledExpand(
  id: Uint8Array,
  prk: Uint8Array,
  name: string,
  info: Uint8Array,
  length: number,
): Bytes {
  return expand(prk, cat(be(2, length), utf8('HPKE-v1'), id, utf8(name), info), length);
}

function dh(secretKey: Uint8Array, publicKey: Uint8Array): Bytes {
  return new Uint8Array(x25519.getSharedSecret(secretKey, publicKey));
}

/** DeriveKeyPair of RFC 9180, section 7.1.3. */
export function deriveKemKeyPair(ikm: Uint8Array): { secretKey: Bytes; publicKey: Bytes } {
  const prk = labeledExtract(KEM_ID, zeros(0), 'dkp_prk', ikm);
  const secretKey = labeledExpand(KEM_ID, prk, 'sk', zeros(0), 32);
  return { secretKey, publicKey: new Uint8Array(x25519.getPublicKey(secretKey)) };
}

function sharedSecret(shared: Uint8Array, enc: Uint8Array, publicKey: Uint8Array): Bytes {
  const prk = labeledExtract(KEM_ID, zeros(0), 'eae_prk', shared);
  return labeledExpand(KEM_ID, prk, 'shared_secret', cat(enc, publicKey), 32);
}

function schedule(secret: Uint8Array, info: Uint8Array): { key: Bytes; nonce: Bytes; exported: Bytes } {
  const context = cat(
    be(1, 0),
    labeledExtract(HPKE_ID, zeros(0), 'psk_id_hash', zeros(0)),
    labeledExtract(HPKE_ID, zeros(0), 'info_hash', info),
  );
  const main = labeledExtract(HPKE_ID, secret, 'secret', zeros(0));
  const exporter = labeledExpand(HPKE_ID, main, 'exp', context, 32);
  return {
    key: labeledExpand(HPKE_ID, main, 'key', context, 32),
    nonce: labeledExpand(HPKE_ID, main, 'base_nonce', context, 12),
    exported: labeledExpand(HPKE_ID, exporter, 'sec', label('channel-answer'), 32),
  };
}

/** The fleet's channel key, as a client knows it. */
export interface ChannelKey {
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

function channelInfo(fleetId: Uint8Array, id: Uint8Array): Bytes {
  return cat(label('channel-request'), be(1, 1), be(1, 1), fleetId, id);
}

/** SealedRequest, from the seed of the ephemeral key. */
export function sealRequest(
  { fleetId, publicKey }: ChannelKey,
  plaintext: Uint8Array,
  seed: Uint8Array,
): { bytes: Bytes; context: AnswerContext } {
  const id = keyId(publicKey);
  const ephemeral = deriveKemKeyPair(seed);
  const enc = ephemeral.publicKey;
  const shared = sharedSecret(dh(ephemeral.secretKey, publicKey), enc, publicKey);
  const { key, nonce, exported } = schedule(shared, channelInfo(fleetId, id));
  const bytes = cat(be(1, 1), be(1, 1), id, prefixed(2, enc), prefixed(2, seal(key, nonce, plaintext)));
  return { bytes, context: { enc, secret: exported, requestHash: sha256(bytes) } };
}

/** The vault's side: the plaintext and the context for answers; undefined if it does not open. */
export function openRequest(
  fleetId: Uint8Array,
  secretKey: Uint8Array,
  bytes: Uint8Array,
): { plaintext: Bytes; context: AnswerContext } | undefined {
  const publicKey = new Uint8Array(x25519.getPublicKey(secretKey));
  const enc = bytes.slice(12, 44);
  const shared = sharedSecret(dh(secretKey, enc), enc, publicKey);
  const { key, nonce, exported } = schedule(shared, channelInfo(fleetId, keyId(publicKey)));
  const plaintext = unseal(key, nonce, bytes.slice(46));
  return plaintext && { plaintext, context: { enc, secret: exported, requestHash: sha256(bytes) } };
}

function answerKeys({ enc, secret }: AnswerContext, responseNonce: Uint8Array): { key: Bytes; nonce: Bytes } {
  const prk = extract(cat(enc, responseNonce), secret);
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
