/**
 * Registration (spec/exchange.md, "Registration"): a generation is pending until its owner confirms it, and one
 * element at most is ever evaluated under its seed before that.
 *
 * @module
 */
import { ed25519Verify } from '../../crypto/ed25519.ts';
import { Registered, RegisterStarted, type Outcome } from '../../exchange/answer.ts';
import {
  Ke3Proof,
  OwnerStatement,
  RegisterConfirm,
  RegisterFinish,
  RegisterStart,
  type Request,
} from '../../exchange/request.ts';
import { label } from '../../keys/labels.ts';
import { checkRecord, checkStretch, DEFAULT_STRETCH_BOUNDS } from '../../opaque/index.ts';
import { concat, equal, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { EMPTY_SLOT, isLive, type AccountRecord, type GenerationSlot } from '../record.ts';
import { closedBy, delayAfter, recentCharges, refund, reject } from './attempts.ts';
import { say, type Decide, type Reply } from './decision.ts';
import { perform, type Step } from './effects.ts';
import { hasLengths, registrationResponse, sha256, verify } from './evaluate.ts';
import type { Fleet } from './fleet.ts';

/** `register-start` (spec/exchange.md, "register-start"). */
export const registerStart: Decide = function* (fleet, request, record) {
  const { registrationRequest } = decode(RegisterStart, request.body);
  if (!fleet.suite.group.isElement(registrationRequest)) return say('malformed'); // 1
  const requestHash = sha256(registrationRequest);
  if (record.pending.state !== 'empty' && equal(record.pending.requestHash, requestHash)) {
    return { reply: () => started(fleet, record, registrationRequest) }; // 2
  }
  const [{ id: opaqueKeyId, oprfKeyId }] = fleet.opaqueKeys;
  const pending: GenerationSlot = {
    ...EMPTY_SLOT,
    state: 'started',
    generation: record.nextGeneration,
    nonce: yield* perform({ kind: 'random', name: 'nonce', length: 32 }),
    registrationId: yield* perform({ kind: 'random', name: 'registration_id', length: 32 }),
    oprfKeyId,
    opaqueKeyId,
    requestHash,
  };
  const next = { ...record, nextGeneration: record.nextGeneration + 1, pending }; // 3
  return { record: next, reply: () => started(fleet, next, registrationRequest) };
};

/** The answer to the one request that a pending generation was started with. */
function* started(fleet: Fleet, record: AccountRecord, request: Bytes): Step<Reply> {
  const { registrationId, generation, oprfKeyId, opaqueKeyId } = record.pending;
  const response = yield* registrationResponse(fleet, record, request);
  const body = { registrationId, generation, oprfKeyId, opaqueKeyId, registrationResponse: response };
  return { outcome: 'ok', body: encode(RegisterStarted, body) };
}

/** Throws `malformed` or `stretch-out-of-bounds` for a registration that the policy does not allow. */
function checkRegistration({ policy, suite }: Fleet, { budget, stretch, record }: RegisterFinish): void {
  checkStretch(stretch, { floor: policy.stretch, ceiling: DEFAULT_STRETCH_BOUNDS.ceiling });
  checkRecord(suite, record);
  if (budget > policy.maxBudget) throw new RangeError(`budget ${budget}`);
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
  try {
    checkRegistration(fleet, body); // 3
  } catch {
    return say('malformed');
  }
  const { registrationId: _, budget, ...kept } = body;
  const finished: GenerationSlot = {
    ...pending,
    ...kept,
    state: 'finished',
    recordHash,
    budget: budget === 0 ? fleet.policy.defaultBudget : budget,
  };
  return say('ok', ok, { ...record, pending: finished }); // 4
};

/** `register-confirm` (spec/exchange.md, "register-confirm"). */
export const registerConfirm: Decide = function* (fleet, request, record, now) {
  const { registrationId, secret, recordHash } = decode(RegisterConfirm, request.body);
  const { active, pending } = record;
  const names = (slot: GenerationSlot): boolean =>
    equal(slot.registrationId, registrationId) && equal(slot.recordHash, recordHash);
  const reveals = (slot: GenerationSlot): boolean =>
    equal(slot.confirmHash, sha256(concat(label('confirm'), secret)));
  const ok = encode(Registered, { recordHash });

  if (isLive(record) && names(active)) return reveals(active) ? say('ok', ok) : say('not-authorised'); // 1
  if (pending.state !== 'finished' || !names(pending)) return say('conflict'); // 2
  if (!reveals(pending)) return say('not-authorised'); // 3
  const proof = yield* prove(fleet, request, record, now); // 4
  if (!proof.proved) return say(proof.outcome, undefined, proof.record);

  const proved = proof.record ?? record;
  const charged = proof.byPassword ? 0 : Math.min(pending.budget - 1, recentCharges(proved, now));
  const live: GenerationSlot = {
    ...pending,
    state: 'active',
    charged,
    nextAttempt: charged === 0 ? 0 : now + delayAfter(fleet.policy, charged),
  };
  return say('ok', ok, { ...proved, active: live, pending: EMPTY_SLOT, open: [], closed: [] }); // 5
};

type Proved =
  | { readonly proved: true; readonly byPassword: boolean; readonly record?: AccountRecord }
  | { readonly proved: false; readonly outcome: Outcome; readonly record?: AccountRecord };

/** The proof that replacing a generation needs (spec/exchange.md, "Proof"); none is live, none is needed. */
function* prove(fleet: Fleet, request: Request, record: AccountRecord, now: number): Step<Proved> {
  const { proof, fleetId, account, command, body } = request;
  if (!isLive(record)) return { proved: true, byPassword: false };
  if (proof.kind === 'none') return { proved: false, outcome: 'not-authorised' };
  if (proof.kind === 'owner') {
    const statement = encode(OwnerStatement, { fleetId, account, command, body });
    const signed = concat(label('owner-statement'), statement);
    const proved = ed25519Verify(record.active.ownerKey, signed, proof.signature);
    return proved ? { proved, byPassword: false } : { proved, outcome: 'not-authorised' };
  }
  if (!hasLengths(fleet.suite, proof)) return { proved: false, outcome: 'malformed' };
  const { kind: _, ...ke3Proof } = proof;
  const hash = sha256(encode(Ke3Proof, ke3Proof));
  if (closedBy(record, hash, now)?.outcome === 'wrong-password') {
    return { proved: false, outcome: 'wrong-password' };
  }
  const verdict = yield* verify(fleet, record, proof);
  if (verdict === undefined) return { proved: false, outcome: 'not-authorised' };
  const { attempt, proved } = verdict;
  if (proved) return { proved, byPassword: true, record: refund(fleet.policy, record, attempt, 0, now) };
  const rejected = reject(record, attempt, hash, now);
  return { proved, outcome: isLive(rejected) ? 'wrong-password' : 'destroyed', record: rejected };
}
