/**
 * Vectors of OPAQUE: known answers of both sides, and messages that must be refused. RFC 9807 publishes none of the
 * latter, and none with real stretching.
 *
 * @module
 */
import {
  be,
  cat,
  label,
  named,
  prefixed,
  sha256,
  toHex,
  utf8,
  zeros,
  type Bytes,
} from '../../conformance/peer/primitives.ts';
import {
  answerKe2,
  blindElement,
  deriveKeyPair,
  evaluate,
  makeKe1,
  makeKe2,
  makeRecord,
  opaqueContext,
  type Stretch,
} from '../../conformance/peer/opaque.ts';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, type Reject } from './family.ts';
import { clientFaults, REAL_STRETCH, serverFaults } from './opaque-faults.ts';

/** A scalar of a name: below the group order, because its top bits are cleared. */
function scalar(name: string): Bytes {
  const bytes = named(name, 32);
  bytes[31] = (bytes[31] ?? 0) & 0x0f;
  return bytes;
}

const PASSWORD = utf8('correct horse battery staple');
const STRETCH: Stretch = { algorithm: 1, iterations: 1, memoryKib: 64, parallelism: 1 };
const SERVER = deriveKeyPair(named('opaque server seed', 32));
const NAMES = {
  oprfKeyId: named('oprf key id', 8),
  opaqueKeyId: sha256(SERVER.publicKey).slice(0, 8),
  stretch: STRETCH,
};
const SEED = named('oprf seed', 32);
const BLIND = scalar('blind');
const ENVELOPE_NONCE = named('envelope nonce', 32);
const CLIENT = {
  blind: BLIND,
  clientNonce: named('client nonce', 32),
  keyshareSeed: named('client keyshare seed', 32),
};
const VAULT = {
  maskingNonce: named('masking nonce', 32),
  serverNonce: named('server nonce', 32),
  keyshareSeed: named('server keyshare seed', 32),
};
/** The identity, an encoding that is not canonical, and one of a negative field element. */
const BAD_ELEMENTS = [
  ['identity', 'the identity', zeros(32)],
  ['not-canonical', 'not canonical', new Uint8Array(32).fill(0xff)],
  ['negative', 'the encoding of a negative field element', cat(be(1, 1), zeros(31))],
] as const;

const REQUEST = blindElement(PASSWORD, BLIND);
const RESPONSE = cat(evaluate(SEED, REQUEST), SERVER.publicKey);
const REGISTERED = makeRecord({
  password: PASSWORD,
  blind: BLIND,
  evaluated: RESPONSE.slice(0, 32),
  serverPublicKey: SERVER.publicKey,
  envelopeNonce: ENVELOPE_NONCE,
  stretch: STRETCH,
});
const KE1 = makeKe1(PASSWORD, CLIENT);

function ke2From(
  record: Uint8Array,
  seed: Uint8Array,
  { ke1 = KE1, context = opaqueContext(NAMES) }: { ke1?: Bytes; context?: Bytes } = {},
): ReturnType<typeof makeKe2> {
  const { secretKey, publicKey } = SERVER;
  return makeKe2({
    ke1,
    record,
    seed,
    serverSecretKey: secretKey,
    serverPublicKey: publicKey,
    context,
    ...VAULT,
  });
}

const stretchValue: Value = { ...STRETCH };
const names: Record<string, Value> = {
  oprfKeyId: toHex(NAMES.oprfKeyId),
  opaqueKeyId: toHex(NAMES.opaqueKeyId),
  stretch: stretchValue,
};
const clientRandom: Record<string, Value> = {
  blind: toHex(BLIND),
  client_nonce: toHex(CLIENT.clientNonce),
  client_keyshare_seed: toHex(CLIENT.keyshareSeed),
};

function reject(title: string, why: string, requirement: string, error: string): Reject {
  return { title, why, requirements: [requirement], errors: [error] };
}

/** The same registration and login with the stretching that users have. */
function realStretch(family: Family): void {
  const registered = makeRecord({
    password: PASSWORD,
    blind: BLIND,
    evaluated: RESPONSE.slice(0, 32),
    serverPublicKey: SERVER.publicKey,
    envelopeNonce: ENVELOPE_NONCE,
    stretch: REAL_STRETCH,
  });
  const real = { ...NAMES, stretch: REAL_STRETCH };
  const { ke2, ke3, sessionKey } = ke2From(registered.record, SEED, { context: opaqueContext(real) });
  const why =
    'Vectors with a function that returns its input do not show whether a password is stretched at all.';
  family.accept(
    'record-stretched',
    {
      title: 'The record of a registration, stretched with the default parameters',
      why,
      requirements: ['OPQ-1'],
      input: {
        password: toHex(PASSWORD),
        response: toHex(RESPONSE),
        serverPublicKey: toHex(SERVER.publicKey),
        stretch: { ...REAL_STRETCH },
        inject: { blind: toHex(BLIND), envelope_nonce: toHex(ENVELOPE_NONCE) },
      },
      result: { record: toHex(registered.record), exportKey: toHex(registered.exportKey) },
    },
    { op: 'opaque.registration-record' },
  );
  family.accept('login-stretched', {
    title: 'A login with the default parameters',
    why,
    requirements: ['OPQ-1', 'OPQ-14'],
    input: {
      password: toHex(PASSWORD),
      ke2: toHex(ke2),
      ...names,
      stretch: { ...REAL_STRETCH },
      inject: clientRandom,
    },
    result: { ke3: toHex(ke3), sessionKey: toHex(sessionKey), exportKey: toHex(registered.exportKey) },
  });
}

/** What a client sends, and what it refuses. */
export function opaqueClient(): VectorFile {
  const family = new Family('opaque-client', {
    feature: 'opaque-client',
    role: 'vault-client',
    op: 'opaque.ke3',
    description:
      'The client of OPAQUE: requests, records, KE3, and the answers of a vault that it must refuse.',
  });
  family.accept(
    'request',
    {
      title: 'The registration request of a password',
      why: 'Another hash to the group, or another domain separation, is right for its maker alone.',
      requirements: ['OPQ-1'],
      input: { password: toHex(PASSWORD), inject: { blind: toHex(BLIND) } },
      result: { request: toHex(REQUEST) },
    },
    { op: 'opaque.registration-request' },
  );
  family.accept(
    'record',
    {
      title: 'The record of a registration',
      why: 'Stretching, identities and envelope must be those of the specification, or no other client can log in.',
      requirements: ['OPQ-1', 'OPQ-4'],
      input: {
        password: toHex(PASSWORD),
        response: toHex(RESPONSE),
        serverPublicKey: toHex(SERVER.publicKey),
        stretch: stretchValue,
        inject: { blind: toHex(BLIND), envelope_nonce: toHex(ENVELOPE_NONCE) },
      },
      result: { record: toHex(REGISTERED.record), exportKey: toHex(REGISTERED.exportKey) },
    },
    { op: 'opaque.registration-record' },
  );
  family.accept(
    'ke1',
    {
      title: 'KE1 of a password',
      why: 'The order of its fields, and the key pair from its seed.',
      requirements: ['OPQ-1'],
      input: { password: toHex(PASSWORD), inject: clientRandom },
      result: { ke1: toHex(KE1) },
    },
    { op: 'opaque.ke1' },
  );
  const { ke2 } = ke2From(REGISTERED.record, SEED);
  const answered = answerKe2({ password: PASSWORD, ...CLIENT, ke1: KE1, ke2, names: NAMES });
  if (answered === undefined) throw new Error('the login of the vectors fails');
  family.accept('login', {
    title: 'A login with the right password',
    why: 'Every step of a client, and the context that both sides bind.',
    requirements: ['OPQ-1', 'OPQ-14'],
    input: { password: toHex(PASSWORD), ke2: toHex(ke2), ...names, inject: clientRandom },
    result: {
      ke3: toHex(answered.ke3),
      sessionKey: toHex(answered.sessionKey),
      exportKey: toHex(answered.exportKey),
    },
    intermediates: { context: toHex(opaqueContext(NAMES)), ke1: toHex(KE1) },
  });

  family.accept('login-server', {
    title: 'A login at a vault whose key is told',
    why: 'What comes out of the envelope is compared with the descriptor.',
    requirements: ['OPQ-1', 'FLT-11'],
    input: {
      password: toHex(PASSWORD),
      ke2: toHex(ke2),
      serverPublicKey: toHex(SERVER.publicKey),
      ...names,
      inject: clientRandom,
    },
    result: { ke3: toHex(answered.ke3), exportKey: toHex(answered.exportKey) },
  });
  family.value(
    'login-other-server',
    'login-server',
    'serverPublicKey',
    toHex(deriveKeyPair(named('another server', 32)).publicKey),
    reject(
      'The record names another key than the descriptor',
      'A record that was registered with somebody else must not pass for one of this fleet.',
      'FLT-11',
      'server-authentication-failed',
    ),
  );
  realStretch(family);
  for (const [id, what, bytes] of BAD_ELEMENTS) {
    family.bytes(
      `record-${id}`,
      'record',
      { field: 'response', offset: 0, removed: 32, inserted: bytes },
      reject(
        `The evaluated element is ${what}`,
        'A client that goes on gives away what its password hashes to.',
        'OPQ-2',
        'malformed',
      ),
    );
    family.bytes(
      `login-${id}`,
      'login',
      { field: 'ke2', offset: 0, removed: 32, inserted: bytes },
      reject(
        `The evaluated element of KE2 is ${what}`,
        'A client that goes on gives away what its password hashes to.',
        'OPQ-2',
        'malformed',
      ),
    );
    family.bytes(
      `login-keyshare-${id}`,
      'login',
      { field: 'ke2', offset: 224, removed: 32, inserted: bytes },
      reject(
        `The keyshare of KE2 is ${what}`,
        'A client that does not check every element agrees on a key that everyone knows.',
        'OPQ-7',
        'malformed',
      ),
    );
  }
  family.bytes(
    'record-reflected',
    'record',
    { field: 'response', offset: 0, removed: 32, inserted: REQUEST },
    reject(
      'The vault sends the blinded element back',
      'The key of the OPRF is then 1: whoever has the record can guess at it alone.',
      'OPQ-17',
      'malformed',
    ),
  );
  family.bytes(
    'login-reflected',
    'login',
    { field: 'ke2', offset: 0, removed: 32, inserted: REQUEST },
    reject(
      'KE2 carries the blinded element back',
      'The key of the OPRF is then 1: the answer tells nothing of the registration.',
      'OPQ-17',
      'malformed',
    ),
  );
  family.bytes(
    'record-other-server',
    'record',
    {
      field: 'response',
      offset: 32,
      removed: 32,
      inserted: deriveKeyPair(named('another server', 32)).publicKey,
    },
    reject(
      'The response carries the key of another server',
      'A client that takes the key from the message registers with whoever answers.',
      'OPQ-18',
      'server-authentication-failed',
    ),
  );
  family.cut(
    'record-short',
    'record',
    'response',
    63,
    reject('A response that is one byte short', 'Messages have one length.', 'OPQ-6', 'malformed'),
  );
  family.bytes(
    'record-long',
    'record',
    { field: 'response', offset: 64, inserted: zeros(1) },
    reject('A response that is one byte long', 'Messages have one length.', 'OPQ-6', 'malformed'),
  );
  family.cut(
    'login-short',
    'login',
    'ke2',
    319,
    reject('KE2 that is one byte short', 'Messages have one length.', 'OPQ-6', 'malformed'),
  );
  family.bytes(
    'login-long',
    'login',
    { field: 'ke2', offset: 320, inserted: zeros(1) },
    reject('KE2 that is one byte long', 'Messages have one length.', 'OPQ-6', 'malformed'),
  );
  family.value(
    'wrong-password',
    'login',
    'password',
    toHex(utf8('Correct horse battery staple')),
    reject(
      'A password that differs in case',
      'Passwords are not folded; and a wrong one is told from everything else.',
      'OPQ-19',
      'wrong-password',
    ),
  );
  family.flip(
    'masked-response-flipped',
    'login',
    { field: 'ke2', offset: 191 },
    reject(
      'One bit of the masked response is flipped',
      'The envelope does not open: a client that skips its tag goes on.',
      'OPQ-19',
      'wrong-password',
    ),
  );
  family.sealed(
    'other-seed',
    'login',
    { place: 'OPRF seed', was: toHex(SEED), now: toHex(named('another seed', 32)) },
    { ke2: toHex(ke2From(REGISTERED.record, named('another seed', 32)).ke2) },
    reject(
      'KE2 was evaluated under the seed of another registration',
      'The envelope does not open under it.',
      'OPQ-19',
      'wrong-password',
    ),
  );
  const fake = cat(
    deriveKeyPair(named('fake client', 32)).publicKey,
    named('fake masking key', 64),
    zeros(96),
  );
  family.sealed(
    'fake-record',
    'login',
    { place: 'record', was: 'registered', now: 'fake record of RFC 9807, section 6.3.2.2' },
    { ke2: toHex(ke2From(fake, SEED).ke2) },
    reject(
      'KE2 was made from the record of an account that does not exist',
      'A client must end here as with a wrong password; RFC 9807 has no vector for it.',
      'OPQ-19',
      'wrong-password',
    ),
  );
  family.flip(
    'server-mac-flipped',
    'login',
    { field: 'ke2', offset: 319 },
    reject(
      'One bit of the last byte of the MAC of the vault is flipped',
      'A client that does not verify the vault gives KE3 to anyone.',
      'OPQ-20',
      'server-authentication-failed',
    ),
  );
  family.flip(
    'server-nonce-flipped',
    'login',
    { field: 'ke2', offset: 192 },
    reject(
      'One bit of the nonce of the vault is flipped',
      'The transcript covers it.',
      'OPQ-20',
      'server-authentication-failed',
    ),
  );
  family.value(
    'other-oprf-key-id',
    'login',
    'oprfKeyId',
    toHex(named('other id', 8)),
    reject(
      'Another OPRF key id',
      'The context binds the key ids: a client that leaves it out does not notice.',
      'OPQ-14',
      'server-authentication-failed',
    ),
  );
  family.value(
    'other-opaque-key-id',
    'login',
    'opaqueKeyId',
    toHex(named('other id', 8)),
    reject(
      'Another OPAQUE key id',
      'The context binds the key ids: a client that leaves it out does not notice.',
      'OPQ-14',
      'server-authentication-failed',
    ),
  );
  const otherAccount = named('seed of another account', 32);
  const ofOther = makeRecord({
    password: PASSWORD,
    blind: BLIND,
    evaluated: evaluate(otherAccount, REQUEST),
    serverPublicKey: SERVER.publicKey,
    envelopeNonce: named('another envelope nonce', 32),
    stretch: STRETCH,
  });
  clientFaults(family, {
    ke2,
    stretch: STRETCH,
    names: NAMES,
    under: (context) => ke2From(REGISTERED.record, SEED, { context }).ke2,
    replayed: ke2From(REGISTERED.record, SEED, {
      ke1: makeKe1(PASSWORD, { ...CLIENT, clientNonce: named('earlier nonce', 32) }),
    }).ke2,
    // The answer to this KE1 from the record of the other: its element is under the seed of this account.
    ofOther: ke2From(ofOther.record, SEED).ke2,
    element: deriveKeyPair(named('another element', 32)).publicKey,
  });
  return family.file();
}

/** What a vault answers, and what it refuses. */
export function opaqueServer(): VectorFile {
  const family = new Family('opaque-server', {
    feature: 'opaque-server',
    role: 'vault-server',
    op: 'opaque.ke2',
    description:
      'The server of OPAQUE: seeds, responses, KE2, and the messages of a client that it must refuse.',
  });
  const account = utf8('alice');
  const nonce = named('credential nonce', 32);
  const oprfKey = named('oprf key', 64);
  const credential = cat(label('credential'), NAMES.oprfKeyId, prefixed(1, account), be(8, 3), nonce);
  const seed = new Uint8Array(hmac(sha512, oprfKey, cat(credential, utf8('OprfKey'), be(1, 1)))).slice(0, 32);
  family.accept(
    'seed',
    {
      title: 'The OPRF seed of a registration',
      why: 'Account, generation and nonce are encoded, not joined: otherwise two registrations could share a seed.',
      requirements: ['OPQ-15'],
      input: {
        oprfKey: toHex(oprfKey),
        oprfKeyId: toHex(NAMES.oprfKeyId),
        account: toHex(account),
        generation: 3,
        nonce: toHex(nonce),
      },
      result: { seed: toHex(seed) },
      intermediates: { credentialIdentifier: toHex(credential) },
    },
    { op: 'opaque.seed' },
  );
  family.accept(
    'response',
    {
      title: 'The response to a registration request',
      why: 'Another derivation of the key from the seed is right for its maker alone.',
      requirements: ['OPQ-1'],
      input: { seed: toHex(SEED), serverPublicKey: toHex(SERVER.publicKey), request: toHex(REQUEST) },
      result: { response: toHex(RESPONSE) },
    },
    { op: 'opaque.registration-response' },
  );
  const { ke2, ke3, sessionKey } = ke2From(REGISTERED.record, SEED);
  family.accept('ke2', {
    title: 'KE2, and the KE3 that it asks for',
    why: 'Every step of a server, and the context that both sides bind.',
    requirements: ['OPQ-1', 'OPQ-14'],
    input: {
      record: toHex(REGISTERED.record),
      seed: toHex(SEED),
      serverPrivateKey: toHex(SERVER.secretKey),
      serverPublicKey: toHex(SERVER.publicKey),
      ke1: toHex(KE1),
      ...names,
      inject: {
        masking_nonce: toHex(VAULT.maskingNonce),
        server_nonce: toHex(VAULT.serverNonce),
        server_keyshare_seed: toHex(VAULT.keyshareSeed),
      },
    },
    result: { ke2: toHex(ke2), ke3: toHex(ke3), sessionKey: toHex(sessionKey) },
  });
  for (const [id, what, bytes] of BAD_ELEMENTS) {
    const why =
      'A server that multiplies it tells something of its key, or agrees on a key that everyone knows.';
    family.bytes(
      `request-${id}`,
      'response',
      { field: 'request', offset: 0, removed: 32, inserted: bytes },
      reject(`The element of a registration request is ${what}`, why, 'OPQ-2', 'malformed'),
    );
    family.bytes(
      `ke1-${id}`,
      'ke2',
      { field: 'ke1', offset: 0, removed: 32, inserted: bytes },
      reject(`The blinded element of KE1 is ${what}`, why, 'OPQ-23', 'malformed'),
    );
    family.bytes(
      `ke1-keyshare-${id}`,
      'ke2',
      { field: 'ke1', offset: 64, removed: 32, inserted: bytes },
      reject(`The keyshare of KE1 is ${what}`, why, 'OPQ-23', 'malformed'),
    );
    family.bytes(
      `record-${id}`,
      'ke2',
      { field: 'record', offset: 0, removed: 32, inserted: bytes },
      reject(`The public key in a record is ${what}`, why, 'OPQ-23', 'malformed'),
    );
  }
  for (const [field, from, length] of [
    ['request', 'response', 32],
    ['ke1', 'ke2', 96],
    ['record', 'ke2', 192],
  ] as const) {
    family.cut(
      `${field}-short`,
      from,
      field,
      length - 1,
      reject(`The ${field} is one byte short`, 'Messages have one length.', 'OPQ-6', 'malformed'),
    );
    family.bytes(
      `${field}-long`,
      from,
      { field, offset: length, inserted: zeros(1) },
      reject(`The ${field} is one byte long`, 'Messages have one length.', 'OPQ-6', 'malformed'),
    );
  }
  serverFaults(family, deriveKeyPair(named('another element', 32)).publicKey);
  return family.file();
}
