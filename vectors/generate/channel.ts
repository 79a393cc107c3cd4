/**
 * Vectors of the channel: sealed requests and answers, and what must not open.
 *
 * @module
 */
import { openRequest, sealAnswer, sealRequest } from '../../conformance/peer/channel.ts';
import { deriveKemKeyPair } from '../../conformance/peer/kem.ts';
import { cat, named, toHex, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack, type Reject } from './family.ts';

const FLEET_ID = named('fleet id', 16);
const KEM = deriveKemKeyPair(named('kem seed', 32));
const SEED = named('hpke ephemeral seed', 32);
const NONCE = named('response nonce', 32);

function padded(text: string): Bytes {
  return cat(utf8(text), zeros(2048 - text.length));
}

const REQUEST = padded('a request');
const ANSWER = padded('an answer');
const SEALED = sealRequest({ fleetId: FLEET_ID, publicKey: KEM.publicKey }, REQUEST, SEED);
const SEALED_ANSWER = sealAnswer(SEALED.context, ANSWER, NONCE);

/** What a client seals and opens. */
export function channelClient(): VectorFile {
  const family = new Family('channel-client', {
    feature: 'channel-client',
    role: 'vault-client',
    op: 'channel.open-answer',
    description: 'The channel on the side of the client: sealing requests, opening answers.',
  });
  const key = { suite: 1, fleetId: toHex(FLEET_ID), publicKey: toHex(KEM.publicKey) };
  const request = { ...key, plaintext: pack(REQUEST), inject: { hpke_ephemeral_seed: toHex(SEED) } };
  family.accept(
    'seal',
    {
      title: 'Sealing a request',
      why: 'Another info, or another order of the fields, opens nowhere.',
      requirements: ['CHN-1', 'CHN-3'],
      input: request,
      result: { sealedRequest: toHex(SEALED.bytes) },
      intermediates: {
        enc: toHex(SEALED.context.enc),
        secret: toHex(SEALED.context.secret),
        requestHash: toHex(SEALED.context.requestHash),
      },
    },
    { op: 'channel.seal-request' },
  );
  family.accept('open', {
    title: 'Opening the answer to a request',
    why: 'The key comes from the exported secret and from the nonce of the answer; the hash of the request is bound.',
    requirements: ['CHN-5'],
    input: { ...request, answer: toHex(SEALED_ANSWER) },
    result: { plaintext: pack(ANSWER) },
  });
  const no = (title: string, why: string): Reject => ({
    title,
    why,
    requirements: ['CHN-11'],
    errors: ['bad-answer'],
  });
  family.flip(
    'nonce-flipped',
    'open',
    { field: 'answer', offset: 0 },
    no('One bit of the response nonce is flipped', 'The nonce is part of the key.'),
  );
  family.flip(
    'body-flipped',
    'open',
    { field: 'answer', offset: 40 },
    no('One bit of the answer is flipped', 'Nothing of an answer that does not open is used.'),
  );
  family.flip(
    'tag-flipped',
    'open',
    { field: 'answer', offset: -1 },
    no('One bit of the tag is flipped', 'The tag is sixteen bytes, all of them.'),
  );
  family.cut('short', 'open', 'answer', 2095, no('One byte short', 'All answers have one size.'));
  family.bytes(
    'long',
    'open',
    { field: 'answer', offset: 2096, inserted: zeros(1) },
    no('One byte long', 'All answers have one size.'),
  );
  family.value('empty', 'open', 'answer', '', no('No answer at all', 'Silence is not an outcome.'));
  const another = sealRequest(
    { fleetId: FLEET_ID, publicKey: KEM.publicKey },
    padded('another request'),
    SEED,
  );
  family.sealed(
    'other-request',
    'open',
    { place: 'request that is answered', was: 'this one', now: 'another one with the same ephemeral key' },
    { answer: toHex(sealAnswer(another.context, ANSWER, NONCE)) },
    no(
      'The answer to another request',
      'The hash of the sealed request is bound: without it, answers could be exchanged.',
    ),
  );
  family.sealed(
    'without-hash',
    'open',
    { place: 'associated data', was: 'request hash', now: 'zeros' },
    { answer: toHex(sealAnswer({ ...SEALED.context, requestHash: zeros(32) }, ANSWER, NONCE)) },
    no('Sealed without the hash of the request', 'The hash of the sealed request is bound.'),
  );
  family.value('seal-suite-9', 'seal', 'suite', 9, {
    title: 'A suite that does not exist',
    why: 'A client that takes it for suite 1 seals to a key of another kind.',
    requirements: ['CHN-2'],
    errors: ['unsupported-suite'],
  });
  family.value('seal-short', 'seal', 'plaintext', pack(REQUEST.slice(0, 2047)), {
    title: 'A plaintext of 2047 bytes',
    why: 'The size of a request tells what it asks for.',
    requirements: ['CHN-3'],
    errors: ['malformed'],
  });
  return family.file();
}

/** What a vault opens and seals. */
export function channelServer(): VectorFile {
  const family = new Family('channel-server', {
    feature: 'channel-server',
    role: 'vault-server',
    op: 'channel.open-request',
    description: 'The channel on the side of the vault: opening requests, sealing answers.',
  });
  const input = {
    suite: 1,
    fleetId: toHex(FLEET_ID),
    secretKey: toHex(KEM.secretKey),
    sealedRequest: toHex(SEALED.bytes),
  };
  if (openRequest(FLEET_ID, KEM.secretKey, SEALED.bytes) === undefined)
    throw new Error('the request of the vectors does not open');
  family.accept('open', {
    title: 'Opening a request',
    why: 'Every step of the vault, and of HPKE.',
    requirements: ['CHN-6'],
    input,
    result: { plaintext: pack(REQUEST) },
  });
  family.accept(
    'answer',
    {
      title: 'Sealing an answer',
      why: 'The key comes from the exported secret and from the nonce of the answer; the hash of the request is bound.',
      requirements: ['CHN-9'],
      input: { ...input, plaintext: pack(ANSWER), inject: { response_nonce: toHex(NONCE) } },
      result: { answer: toHex(SEALED_ANSWER) },
    },
    { op: 'channel.seal-answer' },
  );
  const no = (title: string, why: string, errors: string[], requirement = 'CHN-6'): Reject => ({
    title,
    why,
    requirements: [requirement],
    errors,
  });
  const field = 'sealedRequest';
  family.bytes(
    'version-2',
    'open',
    { field, offset: 0, removed: 1, inserted: Uint8Array.of(2) },
    no('Version 2', 'The order of the checks is fixed.', ['unsupported-version']),
  );
  family.bytes(
    'suite-9',
    'open',
    { field, offset: 1, removed: 1, inserted: Uint8Array.of(9) },
    no('A suite that does not exist', 'The order of the checks is fixed.', ['unsupported-suite'], 'CHN-2'),
  );
  family.flip(
    'unknown-key',
    'open',
    { field, offset: 2 },
    no('A key that the vault does not have', 'A vault that tries all its keys does not notice.', [
      'unknown-channel-key',
    ]),
  );
  family.flip(
    'enc-flipped',
    'open',
    { field, offset: 20 },
    no(
      'One bit of the encapsulated key is flipped',
      'Another shared secret opens nothing.',
      ['channel-open-failed'],
      'CHN-7',
    ),
  );
  family.flip(
    'body-flipped',
    'open',
    { field, offset: 100 },
    no(
      'One bit of the ciphertext is flipped',
      'Nothing of a request that does not open is used.',
      ['channel-open-failed'],
      'CHN-7',
    ),
  );
  family.bytes(
    'enc-zero',
    'open',
    { field, offset: 12, removed: 32, inserted: zeros(32) },
    no('The encapsulated key is the point of order 1', 'The shared secret is then known to everyone.', [
      'malformed',
      'channel-open-failed',
    ]),
  );
  family.value(
    'other-fleet',
    'open',
    'fleetId',
    toHex(named('other fleet', 16)),
    no('A request to another fleet', 'The fleet is part of the info.', ['channel-open-failed'], 'CHN-7'),
  );
  family.cut(
    'short',
    'open',
    field,
    SEALED.bytes.length - 1,
    no('One byte short', 'All requests have one size.', ['malformed']),
  );
  family.bytes(
    'long',
    'open',
    { field, offset: SEALED.bytes.length, inserted: zeros(1) },
    no(
      'One byte long',
      'A structure that fills its place ends where its place ends.',
      ['malformed'],
      'CNV-6',
    ),
  );
  family.value(
    'answer-short',
    'answer',
    'plaintext',
    pack(ANSWER.slice(0, 2047)),
    no('An answer of 2047 bytes', 'The size of an answer tells what it says.', ['malformed'], 'CHN-9'),
  );
  return family.file();
}
