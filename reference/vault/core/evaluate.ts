/**
 * The OPAQUE evaluations of a vault (spec/exchange.md, "Evaluation"). All of it follows from the record and KE1, so
 * that a repeated request gets the same bytes, on any node.
 *
 * @module
 */
import { nodeEngine } from '../../crypto/node.ts';
import { StrongroomError } from '../../errors.ts';
import type { Ke3Proof } from '../../exchange/request.ts';
import { label } from '../../keys/labels.ts';
import { credentialIdentifier, opaqueContext } from '../../opaque/profile.ts';
import {
  oprfSeedInput,
  serverFinish,
  serverKe2,
  serverRegistrationResponse,
  type Ke2Result,
} from '../../opaque/server.ts';
import { hashLength, OPAQUE_NONCE_LENGTH, type Suite } from '../../opaque/suite.ts';
import { concat, equal, wipe, type Bytes } from '../../wire/bytes.ts';
import { bytes, encode, opaque, struct, u64, u8, type Codec } from '../../wire/codec.ts';
import type { AccountRecord, Attempt, GenerationSlot } from '../record.ts';
import { perform, type Step } from './effects.ts';
import type { Fleet, OpaqueServerKey } from './fleet.ts';

/** SHA-256. */
export function sha256(data: Uint8Array): Bytes {
  return nodeEngine.hash('sha256', data);
}

/** Bytes of KE1 (RFC 9807, section 6.1): two elements and a nonce. */
export function ke1Length({ group }: Suite): number {
  return 2 * group.elementLength + OPAQUE_NONCE_LENGTH;
}

/** True if KE1 and KE3 are as long as the suite has them. */
export function hasLengths(suite: Suite, { ke1, ke3 }: Ke3Proof): boolean {
  return ke1.length === ke1Length(suite) && ke3.length === hashLength(suite);
}

/** The OPAQUE keys of a generation. @throws StrongroomError `keys-missing` */
export function keyOf({ opaqueKeys }: Fleet, slot: GenerationSlot): OpaqueServerKey {
  const key = opaqueKeys.find(
    ({ id, oprfKeyId }) => equal(id, slot.opaqueKeyId) && equal(oprfKeyId, slot.oprfKeyId),
  );
  if (key === undefined)
    throw new StrongroomError('keys-missing', 'the OPAQUE keys of a registration are gone');
  return key;
}

function* oprfSeed({ suite }: Fleet, account: Bytes, slot: GenerationSlot): Step<Bytes> {
  const { oprfKeyId, generation, nonce } = slot;
  const data = oprfSeedInput(credentialIdentifier({ oprfKeyId, account, generation, nonce }));
  const block = yield* perform({ kind: 'hmac', key: 'oprf', data });
  return block.slice(0, suite.group.scalarLength);
}

/** RegistrationResponse to the one request that a pending generation answers. @throws StrongroomError `malformed` */
export function* registrationResponse(
  fleet: Fleet,
  { account, pending }: AccountRecord,
  request: Bytes,
): Step<Bytes> {
  const seed = yield* oprfSeed(fleet, account, pending);
  const serverPublicKey = keyOf(fleet, pending).publicKey;
  const response = serverRegistrationResponse({ suite: fleet.suite, seed, serverPublicKey, request });
  wipe(seed);
  return response;
}

/** What is derived from an attempt, each under a purpose of its own. */
const PURPOSES = { maskingNonce: 1, serverNonce: 2, serverKeyshareSeed: 3, attemptId: 4 } as const;

interface AttemptInput {
  readonly purpose: number;
  readonly account: Bytes;
  readonly generation: number;
  readonly seed: Bytes;
  readonly ke1Hash: Bytes;
}

const AttemptInput: Codec<AttemptInput> = struct<AttemptInput>('AttemptInput', {
  purpose: u8,
  account: bytes(1, 64, 'account'),
  generation: u64,
  seed: opaque(32, 'attempt_seed'),
  ke1Hash: opaque(32, 'ke1_hash'),
});

function* derive(account: Bytes, attempt: Attempt, purpose: keyof typeof PURPOSES): Step<Bytes> {
  const { generation, seed, ke1Hash } = attempt;
  const input = encode(AttemptInput, { purpose: PURPOSES[purpose], account, generation, seed, ke1Hash });
  const block = yield* perform({ kind: 'hmac', key: 'attempt', data: concat(label('attempt'), input) });
  return block.slice(0, 32);
}

/** The attempt id, which travels inside sealed answers alone. */
export function attemptId({ account }: AccountRecord, attempt: Attempt): Step<Bytes> {
  return derive(account, attempt, 'attemptId');
}

/** KE2 of an attempt, and what its KE3 must be. @throws StrongroomError `malformed` if KE1 holds no group elements */
export function* evaluate(
  fleet: Fleet,
  record: AccountRecord,
  attempt: Attempt,
  ke1: Bytes,
): Step<Ke2Result> {
  const { account, active } = record;
  const { oprfKeyId, opaqueKeyId, stretch } = active;
  const key = keyOf(fleet, active);
  const seed = yield* oprfSeed(fleet, account, active);
  const serverKeyshareSeed = yield* derive(account, attempt, 'serverKeyshareSeed');
  const result = serverKe2({
    suite: fleet.suite,
    record: active.record,
    seed,
    serverPrivateKey: key.secretKey,
    serverPublicKey: key.publicKey,
    ke1,
    context: opaqueContext({ suite: fleet.opaqueSuite, oprfKeyId, opaqueKeyId, stretch }),
    maskingNonce: yield* derive(account, attempt, 'maskingNonce'),
    serverNonce: yield* derive(account, attempt, 'serverNonce'),
    serverKeyshareSeed,
  });
  wipe(seed, serverKeyshareSeed, result.sessionKey);
  return result;
}

/** The open attempt of a KE1, if there is one. */
export function openAttempt({ open }: AccountRecord, ke1: Bytes): Attempt | undefined {
  const hash = sha256(ke1);
  return open.find(({ ke1Hash }) => equal(ke1Hash, hash));
}

/** Whether a KE3 proves the password of an open attempt; undefined if it belongs to none. */
export function* verify(
  fleet: Fleet,
  record: AccountRecord,
  proof: Ke3Proof,
): Step<{ readonly attempt: Attempt; readonly proved: boolean } | undefined> {
  const attempt = openAttempt(record, proof.ke1);
  if (attempt === undefined || !equal(proof.attemptId, yield* attemptId(record, attempt))) return undefined;
  const { expectedClientMac } = yield* evaluate(fleet, record, attempt, proof.ke1);
  const proved = serverFinish(proof.ke3, expectedClientMac);
  wipe(expectedClientMac);
  return { attempt, proved };
}
