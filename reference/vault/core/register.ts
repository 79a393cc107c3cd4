/**
 * Registration (spec/exchange.md, "Registration"): a generation is pending until its owner confirms it, and one
 * element at most is ever evaluated under its seed before that.
 *
 * @module
 */
import { isEd25519PublicKey } from '../../crypto/ed25519.ts';
import { Registered, RegisterStarted } from '../../exchange/answer.ts';
import { RegisterConfirm, RegisterFinish, RegisterStart } from '../../exchange/request.ts';
import { label } from '../../keys/labels.ts';
import { checkRecord, checkStretch, DEFAULT_STRETCH_BOUNDS } from '../../opaque/index.ts';
import { concat, equal, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { EMPTY_SLOT, isLive, scheduledChange, type AccountRecord, type GenerationSlot } from '../record.ts';
import { goLive, scheduleReplacement } from './changes.ts';
import { say, type Decide, type Reply } from './decision.ts';
import { perform, type Step } from './effects.ts';
import { registrationResponse, sha256 } from './evaluate.ts';
import type { Fleet, OpaqueServerKey } from './fleet.ts';
import { prove } from './proofs.ts';

/** `register-start` (spec/exchange.md, "register-start"). */
export const registerStart: Decide = function* (fleet, request, record) {
  const { registrationRequest } = decode(RegisterStart, request.body);
  if (!fleet.suite.group.isElement(registrationRequest)) return say('malformed'); // 1
  const answer = function* (next: AccountRecord): Step<Reply> {
    const body = yield* started(fleet, next, registrationRequest);
    return { outcome: 'ok', body: encode(RegisterStarted, body) };
  };
  const { pending } = record;
  if (pending.state !== 'empty' && equal(pending.requestHash, sha256(registrationRequest))) {
    return { reply: () => answer(record) }; // 2
  }
  if (fleet.newOpaqueKey === undefined) return say('unsupported'); // 3
  const next = yield* begin(fleet.newOpaqueKey, record, registrationRequest); // 4
  return { record: next, reply: () => answer(next) }; // 5
};

/** The record with a new pending generation for one registration request. */
export function* begin(
  { id: opaqueKeyId, oprfKeyId }: OpaqueServerKey,
  record: AccountRecord,
  registrationRequest: Bytes,
): Step<AccountRecord> {
  const pending: GenerationSlot = {
    ...EMPTY_SLOT,
    state: 'started',
    generation: record.nextGeneration,
    nonce: yield* perform({ kind: 'random', name: 'nonce', length: 32 }),
    registrationId: yield* perform({ kind: 'random', name: 'registration_id', length: 32 }),
    oprfKeyId,
    opaqueKeyId,
    requestHash: sha256(registrationRequest),
  };
  return { ...record, nextGeneration: record.nextGeneration + 1, pending };
}

/** The answer to the one request that a pending generation was started with. */
export function* started(fleet: Fleet, record: AccountRecord, request: Bytes): Step<RegisterStarted> {
  const { registrationId, generation, oprfKeyId, opaqueKeyId } = record.pending;
  const response = yield* registrationResponse(fleet, record, request);
  return { registrationId, generation, oprfKeyId, opaqueKeyId, registrationResponse: response };
}

/** True if the policy allows a registration of these values, and its keys are keys. */
export function isAllowed(
  { policy, suite }: Fleet,
  { budget, stretch, record, ownerKey }: Omit<RegisterFinish, 'confirmHash'>,
): boolean {
  try {
    checkStretch(stretch, { floor: policy.stretch, ceiling: DEFAULT_STRETCH_BOUNDS.ceiling });
    checkRecord(suite, record);
  } catch {
    return false;
  }
  return budget <= policy.maxBudget && isEd25519PublicKey(ownerKey);
}

/** The pending generation with the values of its registration. */
export function finished(
  { policy }: Fleet,
  pending: GenerationSlot,
  values: RegisterFinish,
  recordHash: Bytes,
): GenerationSlot {
  const budget = values.budget === 0 ? policy.defaultBudget : values.budget;
  return { ...pending, ...values, state: 'finished', recordHash, budget };
}

/** `register-finish` (spec/exchange.md, "register-finish"). */
// oxlint-disable-next-line require-yield -- it asks for nothing, and is a command like the others
export const registerFinish: Decide = function* (fleet, request, record) {
  const body = decode(RegisterFinish, request.body);
  const { pending } = record;
  const recordHash = sha256(request.body);
  if (pending.state === 'empty' || !equal(pending.registrationId, body.registrationId))
    return say('conflict'); // 1
  const ok = encode(Registered, { recordHash });
  if (pending.state === 'finished') {
    return equal(pending.recordHash, recordHash) ? say('ok', ok) : say('conflict'); // 2
  }
  if (!isAllowed(fleet, body)) return say('malformed'); // 3
  return say('ok', ok, { ...record, pending: finished(fleet, pending, body, recordHash) }); // 4
};

/** `register-confirm` (spec/exchange.md, "register-confirm"). */
export const registerConfirm: Decide = function* (fleet, request, record, now) {
  const { registrationId, secret, recordHash } = decode(RegisterConfirm, request.body);
  const { active, pending, scheduled } = record;
  const names = (slot: GenerationSlot): boolean =>
    equal(slot.registrationId, registrationId) && equal(slot.recordHash, recordHash);
  const reveals = (slot: GenerationSlot): boolean =>
    equal(slot.confirmHash, sha256(concat(label('confirm'), secret)));
  const ok = encode(Registered, { recordHash });

  if (isLive(record) && names(active)) return reveals(active) ? say('ok', ok) : say('not-authorised'); // 1
  const candidate = [pending, scheduled].find((slot) => slot.state === 'finished' && names(slot)); // 2
  if (candidate === undefined) return say('conflict');
  if (!reveals(candidate)) return say('not-authorised'); // 3
  if (!isLive(record)) return say('ok', ok, goLive(fleet.policy, record, candidate, 'nothing', now)); // 4
  if (request.proof.kind === 'none') {
    const waits = scheduledChange(record) !== 'none'; // 5
    return say('scheduled', undefined, waits ? undefined : scheduleReplacement(fleet.policy, record, now));
  }
  const proof = yield* prove(fleet, request, record, now); // 6
  if (!proof.holds) return say(proof.outcome, undefined, proof.record);
  return say('ok', ok, goLive(fleet.policy, proof.record, candidate, proof.by, now)); // 7
};
