/**
 * Answers of the channel (spec/channel.md, "Answers"; RFC 9458, section 4.4). Each has a fresh nonce, so that a
 * request may be repeated byte for byte and answered again without a key and nonce ever being used twice.
 *
 * @module
 */
import { NONCE_LENGTH, type Aead, type CryptoEngine } from '../crypto/engine.ts';
import { expand, extract } from '../crypto/hkdf.ts';
import { nodeEngine } from '../crypto/node.ts';
import type { RandomSource } from '../crypto/random.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import { concat, utf8, wipe, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { checkPlaintext, RESPONSE_NONCE_LENGTH, SealedAnswer } from './messages.ts';

/** What both sides keep of a request for its answers; `secret` is secret. */
export interface AnswerContext {
  readonly enc: Bytes;
  /** 32 bytes, exported under the label "channel-answer". */
  readonly secret: Bytes;
  /** SHA-256 of the sealed request. */
  readonly requestHash: Bytes;
}

function answerKey(
  engine: CryptoEngine,
  context: AnswerContext,
  responseNonce: Bytes,
): { readonly aead: Aead; readonly nonce: Bytes } {
  const prk = extract(engine, 'sha256', concat(context.enc, responseNonce), context.secret);
  const key = expand(engine, 'sha256', prk, utf8('key'), 32);
  const nonce = expand(engine, 'sha256', prk, utf8('nonce'), NONCE_LENGTH);
  const aead = engine.aead(key);
  wipe(prk, key);
  return { aead, nonce };
}

/** Seals an answer with injected randomness (`response_nonce`): 2096 bytes. @throws StrongroomError `malformed` */
export function sealAnswerWith(
  random: RandomSource,
  context: AnswerContext,
  plaintext: Uint8Array,
  engine: CryptoEngine = nodeEngine,
): Bytes {
  checkPlaintext(plaintext);
  const responseNonce = random('response_nonce', RESPONSE_NONCE_LENGTH);
  const { aead, nonce } = answerKey(engine, context, responseNonce);
  return encode(SealedAnswer, {
    responseNonce,
    ciphertext: aead.seal(nonce, plaintext, context.requestHash),
  });
}

/**
 * Opens an answer: 2048 bytes.
 *
 * @throws StrongroomError `bad-answer` if it is not an answer to this request, whatever the cause
 */
export function openAnswer(
  context: AnswerContext,
  bytes: Uint8Array,
  engine: CryptoEngine = nodeEngine,
): Bytes {
  let sealed: SealedAnswer;
  try {
    sealed = decode(SealedAnswer, bytes);
  } catch (cause) {
    if (!isStrongroomError(cause, 'malformed')) throw cause;
    throw new StrongroomError('bad-answer', 'the answer has not the form of one', {}, { cause });
  }
  const { aead, nonce } = answerKey(engine, context, sealed.responseNonce);
  const plaintext = aead.open(nonce, sealed.ciphertext, context.requestHash);
  if (plaintext === undefined) throw new StrongroomError('bad-answer', 'the answer does not open');
  return plaintext;
}
