/**
 * Vectors of channel suite 2: requests that are sealed to P-256, and descriptors with keys of it.
 *
 * @module
 */
import { p256 } from '@noble/curves/nist.js';
import { sealAnswer, sealRequest } from '../../conformance/peer/channel.ts';
import {
  encodeDescriptor,
  signDescriptor,
  signerKey,
  type Descriptor,
} from '../../conformance/peer/fleet.ts';
import { deriveKemKeyPair } from '../../conformance/peer/kem.ts';
import { deriveKeyPair } from '../../conformance/peer/opaque.ts';
import { cat, named, toHex, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { receiptKey } from '../../conformance/peer/receipt.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack, type Reject } from './family.ts';

const FLEET_ID = named('fleet id', 16);
const KEM = deriveKemKeyPair(named('kem seed', 32), 2);
const SEED = named('hpke ephemeral seed', 32);
const NONCE = named('response nonce', 32);
const REQUEST = cat(utf8('a request'), zeros(2039));
const ANSWER = cat(utf8('an answer'), zeros(2039));
const SEALED = sealRequest({ suite: 2, fleetId: FLEET_ID, publicKey: KEM.publicKey }, REQUEST, SEED);
const SEALED_ANSWER = sealAnswer(SEALED.context, ANSWER, NONCE);

/** The last bit of y flipped: x is on the curve, the point is not. */
function offCurve(publicKey: Uint8Array): Bytes {
  return Uint8Array.from(publicKey, (byte, i) => (i === 64 ? byte ^ 1 : byte));
}

/** The same point in 33 bytes. */
function compressed(publicKey: Uint8Array): Bytes {
  return new Uint8Array(p256.Point.fromBytes(publicKey).toBytes(true));
}

/** The same point in the hybrid encoding: 06 or 07, by the last bit of y. */
function hybrid(publicKey: Uint8Array): Bytes {
  return Uint8Array.from(publicKey, (byte, i) => (i === 0 ? 6 | ((publicKey[64] ?? 0) & 1) : byte));
}

/** What a client seals and opens. */
export function channelClientP256(): VectorFile {
  const family = new Family('channel-client-p256', {
    feature: 'channel-client',
    role: 'vault-client',
    op: 'channel.seal-request',
    description: 'Channel suite 2 on the side of the client: sealing requests to P-256, opening answers.',
  });
  const key = { suite: 2, fleetId: toHex(FLEET_ID), publicKey: toHex(KEM.publicKey) };
  const request = { ...key, plaintext: pack(REQUEST), inject: { hpke_ephemeral_seed: toHex(SEED) } };
  family.accept('seal', {
    title: 'Sealing a request to P-256',
    why: 'Devices hold keys of P-256: a client that knows X25519 alone has no fleet there.',
    requirements: ['CHN-1', 'CHN-13'],
    input: request,
    result: { sealedRequest: toHex(SEALED.bytes) },
    intermediates: {
      enc: toHex(SEALED.context.enc),
      secret: toHex(SEALED.context.secret),
      requestHash: toHex(SEALED.context.requestHash),
    },
  });
  family.accept(
    'open',
    {
      title: 'Opening the answer',
      why: 'The salt is enc and nonce, and enc is 65 bytes here.',
      requirements: ['CHN-13'],
      input: { ...request, answer: toHex(SEALED_ANSWER) },
      result: { plaintext: pack(ANSWER) },
    },
    { op: 'channel.open-answer' },
  );
  family.flip(
    'nonce-flipped',
    'open',
    { field: 'answer', offset: 0 },
    {
      title: 'One bit of the response nonce is flipped',
      why: 'The nonce is part of the key.',
      requirements: ['CHN-11'],
      errors: ['bad-answer'],
    },
  );
  const no = (title: string, why: string): Reject => ({
    title,
    why,
    requirements: ['CHN-14'],
    errors: ['malformed'],
  });
  family.value(
    'off-curve',
    'seal',
    'publicKey',
    toHex(offCurve(KEM.publicKey)),
    no(
      'A key that is no point of the curve',
      'Points of other curves give the private key away, bit by bit.',
    ),
  );
  family.value(
    'compressed',
    'seal',
    'publicKey',
    toHex(compressed(KEM.publicKey)),
    no('A compressed key', 'Two encodings of one key have two ids, and two keys come of them.'),
  );
  family.value(
    'hybrid',
    'seal',
    'publicKey',
    toHex(hybrid(KEM.publicKey)),
    no('A key in the hybrid encoding', 'Some libraries take it: then one key has two ids.'),
  );
  family.value(
    'x25519',
    'seal',
    'publicKey',
    toHex(deriveKemKeyPair(named('kem seed', 32)).publicKey),
    no('A key of suite 1', 'The suite of a descriptor is that of its keys.'),
  );
  return family.file();
}

/** What a vault opens and seals. */
export function channelServerP256(): VectorFile {
  const family = new Family('channel-server-p256', {
    feature: 'channel-server-p256',
    role: 'vault-server',
    op: 'channel.open-request',
    description: 'Channel suite 2 on the side of the vault: opening requests, sealing answers.',
  });
  const input = {
    suite: 2,
    fleetId: toHex(FLEET_ID),
    secretKey: toHex(KEM.secretKey),
    sealedRequest: toHex(SEALED.bytes),
  };
  family.accept('open', {
    title: 'Opening a request to P-256',
    why: 'Every step of the vault, and of HPKE.',
    requirements: ['CHN-6'],
    input,
    result: { plaintext: pack(REQUEST) },
  });
  family.accept(
    'answer',
    {
      title: 'Sealing an answer',
      why: 'The salt is enc and nonce, and enc is 65 bytes here.',
      requirements: ['CHN-9'],
      input: { ...input, plaintext: pack(ANSWER), inject: { response_nonce: toHex(NONCE) } },
      result: { answer: toHex(SEALED_ANSWER) },
    },
    { op: 'channel.seal-answer' },
  );
  const field = 'sealedRequest';
  const no = (title: string, why: string, error: string, requirement = 'CHN-14'): Reject => ({
    title,
    why,
    requirements: [requirement],
    errors: [error],
  });
  family.bytes(
    'enc-off-curve',
    'open',
    { field, offset: 12 + 64, removed: 1, inserted: offCurve(SEALED.context.enc).slice(64) },
    no(
      'An encapsulated key that is no point of the curve',
      'Points of other curves give the private key away, bit by bit.',
      'malformed',
    ),
  );
  family.bytes(
    'enc-compressed',
    'open',
    { field, offset: 10, removed: 67, inserted: cat(Uint8Array.of(0, 33), compressed(SEALED.context.enc)) },
    no('A compressed encapsulated key', 'Every value has one encoding.', 'malformed'),
  );
  family.bytes(
    'enc-hybrid',
    'open',
    { field, offset: 12, removed: 1, inserted: hybrid(SEALED.context.enc).slice(0, 1) },
    no('An encapsulated key in the hybrid encoding', 'Every value has one encoding.', 'malformed'),
  );
  family.bytes(
    'enc-infinity',
    'open',
    { field, offset: 10, removed: 67, inserted: Uint8Array.of(0, 1, 0) },
    no(
      'The point at infinity as encapsulated key',
      'The shared secret is then known to everyone.',
      'malformed',
    ),
  );
  family.bytes(
    'suite-1',
    'open',
    { field, offset: 1, removed: 1, inserted: Uint8Array.of(1) },
    no(
      'The number of suite 1 before a key of suite 2',
      'The order of the checks is fixed.',
      'malformed',
      'CHN-6',
    ),
  );
  family.flip(
    'body-flipped',
    'open',
    { field, offset: 133 },
    no(
      'One bit of the ciphertext is flipped',
      'Nothing of a request that does not open is used.',
      'channel-open-failed',
      'CHN-7',
    ),
  );
  return family.file();
}

const SIGNERS = ['first signer', 'second signer', 'third signer'].map((name) => named(name, 32));
const RECEIPTS = receiptKey(2, named('receipt key', 32));
const FLEET: Descriptor = {
  fleetId: FLEET_ID,
  serial: 5,
  notBefore: 1_800_000_000,
  notAfter: 1_900_000_000,
  channelSuite: 2,
  kemKeys: [{ publicKey: KEM.publicKey }],
  receiptKeys: [{ publicKey: RECEIPTS }],
  opaqueKeys: [
    {
      oprfKeyId: named('oprf key id', 8),
      notAfterNew: 1_900_000_000,
      publicKey: deriveKeyPair(named('opaque server seed', 32)).publicKey,
    },
  ],
  stretch: { algorithm: 1, iterations: 3, memoryKib: 65_536, parallelism: 4 },
};

function signed(descriptor: Descriptor): string {
  return toHex(signDescriptor(encodeDescriptor(descriptor), SIGNERS.slice(0, 2)));
}

/** Descriptors of fleets with keys of P-256. */
export function fleetP256(): VectorFile {
  const family = new Family('fleet-p256', {
    feature: 'fleet',
    role: 'vault-client',
    op: 'fleet.verify',
    description: 'Fleet descriptors of channel suite 2.',
  });
  const signers = SIGNERS.map((secret) => toHex(signerKey(secret)));
  family.accept('valid', {
    title: 'A fleet whose keys are of P-256',
    why: 'Fleets with their keys in devices have no other.',
    requirements: ['FLT-4', 'CHN-13'],
    input: { descriptor: signed(FLEET), signers, k: 2, now: 1_850_000_000, lastSerial: 5 },
    result: { serial: 5, fleetId: toHex(FLEET_ID), channelKey: toHex(KEM.publicKey) },
  });
  const no = (
    id: string,
    place: string,
    now: string,
    descriptor: Descriptor,
    title: string,
    why: string,
  ): void => {
    family.sealed(
      id,
      'valid',
      { place, was: 'a point, uncompressed', now },
      { descriptor: signed(descriptor) },
      {
        title,
        why,
        requirements: ['FLT-4'],
        errors: ['bad-descriptor'],
      },
    );
  };
  const kem = (publicKey: Bytes): Descriptor => ({ ...FLEET, kemKeys: [{ publicKey }] });
  const receipts = (publicKey: Bytes): Descriptor => ({ ...FLEET, receiptKeys: [{ publicKey }] });
  no(
    'kem-compressed',
    'channel key',
    'the same, compressed',
    kem(compressed(KEM.publicKey)),
    'A compressed channel key',
    'One key has one encoding, and one id.',
  );
  no(
    'kem-off-curve',
    'channel key',
    'another y',
    kem(offCurve(KEM.publicKey)),
    'A channel key that is no point of the curve',
    'What is sealed to it is sealed to nobody knows whom.',
  );
  no(
    'kem-x25519',
    'channel key',
    'a key of suite 1',
    kem(deriveKemKeyPair(named('kem seed', 32)).publicKey),
    'A channel key of suite 1',
    'The suite of a descriptor is that of its keys.',
  );
  no(
    'receipt-ed25519',
    'receipt key',
    'a key of suite 1',
    receipts(signerKey(named('receipt key', 32))),
    'A receipt key of Ed25519',
    'No answer of this fleet could be verified.',
  );
  no(
    'receipt-off-curve',
    'receipt key',
    'another y',
    receipts(offCurve(RECEIPTS)),
    'A receipt key that is no point of the curve',
    'A signature under it says nothing.',
  );
  return family.file();
}
