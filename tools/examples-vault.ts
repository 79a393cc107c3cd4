/**
 * The worked examples of spec/opaque.md, spec/channel.md and spec/fleet.md, as rows of name and bytes.
 *
 * @module
 */
import { argon2Sync } from 'node:crypto';
import { sealAnswerWith } from '../reference/channel/answer.ts';
import { sealRequestWith } from '../reference/channel/client.ts';
import { dhkemSharedSecret, keySchedule } from '../reference/channel/key-schedule.ts';
import { channelInfo, channelSuite } from '../reference/channel/messages.ts';
import { ed25519PublicKey } from '../reference/crypto/ed25519.ts';
import { nodeEngine } from '../reference/crypto/node.ts';
import { p256Key } from '../reference/crypto/p256-key.ts';
import type { RandomSource } from '../reference/crypto/random.ts';
import { x25519 } from '../reference/crypto/x25519.ts';
import { FleetDescriptor, keyId, type FleetKey } from '../reference/fleet/descriptor.ts';
import { DEFAULT_POLICY } from '../reference/fleet/policy.ts';
import { assembleDescriptor, signDescriptor } from '../reference/fleet/verify.ts';
import { startLoginWith, startRegistrationWith } from '../reference/opaque/client.ts';
import { envelopeKeys, maskingKey, randomizedPassword } from '../reference/opaque/envelope.ts';
import { registrationRecord, registrationResponse } from '../reference/opaque/messages.ts';
import { finalize } from '../reference/opaque/oprf.ts';
import { preparePassword } from '../reference/opaque/password.ts';
import { credentialIdentifier, opaqueContext } from '../reference/opaque/profile.ts';
import { sealBackupKey } from '../reference/opaque/sealed-key.ts';
import {
  generateServerKeyPairWith,
  oprfSecretKey,
  oprfSeed,
  serverKe2,
  serverRegistrationResponse,
} from '../reference/opaque/server.ts';
import { DEFAULT_STRETCH } from '../reference/opaque/stretch.ts';
import { nobleSuite } from '../reference/opaque/suite.ts';
import { concat, copy, utf8, type Bytes } from '../reference/wire/bytes.ts';
import { decode, encode } from '../reference/wire/codec.ts';

/** Name and value. */
export type Row = readonly [string, Uint8Array];

const filled = (length: number, value: number): Bytes => new Uint8Array(length).fill(value);

const DRAWS: Readonly<Record<string, number>> = {
  blind: 0x01,
  envelope_nonce: 0x02,
  client_nonce: 0x03,
  client_keyshare_seed: 0x04,
  opaque_server_seed: 0x05,
  hpke_ephemeral_seed: 0x12,
  response_nonce: 0x13,
};
const random: RandomSource = (name, length) => filled(length, DRAWS[name] ?? 0xff);

const fleetId = filled(16, 0xf1);
const account = utf8('alice');
const generation = 1;

/** A registration and a login with every value between. */
export function opaqueExample(): readonly Row[] {
  const suite = nobleSuite;
  const server = generateServerKeyPairWith(random, suite);
  const [oprfKeyId, opaqueKeyId] = [filled(8, 0xa1), keyId(server.publicKey)];
  const context = opaqueContext({ suite: 1, oprfKeyId, opaqueKeyId, stretch: DEFAULT_STRETCH });
  const identifier = credentialIdentifier({ oprfKeyId, account, generation, nonce: filled(32, 0x06) });
  const seed = oprfSeed(suite, filled(64, 0x07), identifier);
  const password = preparePassword('correct horse');

  const { request, state } = startRegistrationWith(random, suite, password);
  const response = serverRegistrationResponse({ suite, seed, serverPublicKey: server.publicKey, request });
  const { evaluatedMessage } = decode(registrationResponse(suite), response);
  const oprfOutput = finalize(suite.group, suite.engine, password, state.blind, evaluatedMessage);
  const { memoryKib: memory, iterations: passes, parallelism } = DEFAULT_STRETCH;
  const nonce = filled(16, 0);
  const parameters = { message: oprfOutput, nonce, parallelism, tagLength: 64, memory, passes };
  const stretched = copy(argon2Sync('argon2id', parameters));
  const [shownOutput, shownStretched] = [copy(oprfOutput), copy(stretched)];
  const randomized = randomizedPassword(suite, oprfOutput, stretched);
  const envelopeNonce = random('envelope_nonce', 32);
  const keys = envelopeKeys(suite, randomized, envelopeNonce, server.publicKey, {});
  const record = encode(registrationRecord(suite), {
    clientPublicKey: keys.client.publicKey,
    maskingKey: maskingKey(suite, randomized),
    envelope: concat(envelopeNonce, keys.authTag),
  });

  const { ke1 } = startLoginWith(random, suite, password);
  const answered = serverKe2({
    suite,
    record,
    seed,
    serverPrivateKey: server.secretKey,
    serverPublicKey: server.publicKey,
    ke1,
    context,
    maskingNonce: filled(32, 0x08),
    serverNonce: filled(32, 0x09),
    serverKeyshareSeed: filled(32, 0x0a),
  });
  return [
    ['server public key', server.publicKey],
    ['opaque_key_id', opaqueKeyId],
    ['context', context],
    ['credential_identifier', identifier],
    ['seed', seed],
    ['oprf_key', oprfSecretKey(suite, seed)],
    ['password', password],
    ['registration request', request],
    ['registration response', response],
    ['oprf_output', shownOutput],
    ['Stretch(oprf_output)', shownStretched],
    ['randomized_password', randomized],
    ['record', record],
    ['export_key', keys.exportKey],
    ['sealed_key', sealBackupKey(keys.exportKey, filled(32, 0x0b), { fleetId, account, generation })],
    ['KE1', ke1],
    ['KE2', answered.ke2],
    ['KE3', answered.expectedClientMac],
    ['session_key', answered.sessionKey],
  ];
}

/** A request of zeros and an answer of zeros: sealed by the client, its secrets as the vault has them. */
export async function channelExample(suite: 1 | 2): Promise<readonly Row[]> {
  const recipient = (suite === 1 ? x25519 : p256Key)(filled(32, 0x11));
  const key = { suite, fleetId, id: keyId(recipient.publicKey), publicKey: recipient.publicKey };
  const { bytes: request, context } = await sealRequestWith(random, key, filled(2048, 0));
  const { ids, encLength } = channelSuite(suite);
  const info = channelInfo(suite, fleetId, key.id);
  const { enc } = context;
  const shared = dhkemSharedSecret(nodeEngine, ids.kem, recipient.agree(enc), enc, recipient.publicKey);
  const keys = keySchedule(nodeEngine, ids, shared, info);
  const answer = sealAnswerWith(random, context, filled(2048, 0));
  return [
    ['public key', recipient.publicKey],
    ['kem_key_id', key.id],
    ['enc', enc],
    ['info', info],
    ['shared_secret', shared],
    ['key', keys.key],
    ['base_nonce', keys.baseNonce],
    ['secret', context.secret],
    [`request[0:${46 + encLength}]`, request.subarray(0, 46 + encLength)],
    ['request tag', request.subarray(-16)],
    ['request_hash', context.requestHash],
    ['answer[0:64]', answer.subarray(0, 64)],
    ['answer tag', answer.subarray(-16)],
  ];
}

/** A descriptor with one key of each kind and one signature. */
export function fleetExample(): readonly Row[] {
  const key = (publicKey: Bytes): FleetKey => ({
    id: keyId(publicKey),
    state: 'current',
    location: 'memory',
    publicKey,
  });
  const opaque = generateServerKeyPairWith(random, nobleSuite).publicKey;
  const descriptor: FleetDescriptor = {
    version: 1,
    fleetId,
    serial: 1,
    notBefore: 1_800_000_000,
    notAfter: 1_900_000_000,
    channelSuite: 1,
    opaqueSuite: 1,
    level: 'software',
    kemKeys: [key(x25519(filled(32, 0x11)).publicKey)],
    receiptKeys: [key(ed25519PublicKey(filled(32, 0x14)))],
    opaqueKeys: [
      {
        id: keyId(opaque),
        oprfKeyId: filled(8, 0xa1),
        notAfterNew: 1_900_000_000,
        location: 'memory',
        oprfLocation: 'memory',
        publicKey: opaque,
      },
    ],
    policy: DEFAULT_POLICY,
    operator: 'Example',
    trustDomain: 'example.org',
  };
  const bytes = encode(FleetDescriptor, descriptor);
  const secret = filled(32, 0x15);
  const signature = signDescriptor(bytes, secret);
  return [
    ['signer public key', ed25519PublicKey(secret)],
    ['signer_id', signature.signerId],
    ['descriptor', bytes],
    ['signature', signature.signature],
    ['SignedDescriptor', assembleDescriptor(descriptor, [signature])],
  ];
}
