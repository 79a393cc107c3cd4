/**
 * Change of the password in one step (spec/exchange.md, "Change of the password"): the old password is proved and the
 * new generation goes live in one commit.
 *
 * @module
 */
import { ChangeFinish, ChangeStart, ChangeStarted } from '../../exchange/change.ts';
import { Registered } from '../../exchange/answer.ts';
import { Ke3Proof } from '../../exchange/request.ts';
import { isStrongroomError } from '../../errors.ts';
import { equal, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { isLive, type AccountRecord } from '../record.ts';
import { charge, closedBy, refund, reject, waitOf } from './attempts.ts';
import { goLive } from './changes.ts';
import { say, type Decide, type Decision, type Reply } from './decision.ts';
import { perform, type Step } from './effects.ts';
import { hasLengths, ke1Length, keyOf, openAttempt, sha256, verify } from './evaluate.ts';
import type { Fleet } from './fleet.ts';
import { nothingToRecover, released } from './recover.ts';
import { begin, finished, isAllowed, started } from './register.ts';

/** `change-start` (spec/exchange.md, "change-start"): the steps are the numbered ones of the text. */
export const changeStart: Decide = function* (fleet, request, record, now): Step<Decision> {
  const { ke1, registrationRequest } = decode(ChangeStart, request.body);
  const { group } = fleet.suite;
  if (ke1.length !== ke1Length(fleet.suite) || !group.isElement(registrationRequest)) return say('malformed'); // 1
  const nothing = nothingToRecover(record); // 2
  if (nothing !== undefined) return say(nothing);
  const isOpen = openAttempt(record, ke1) !== undefined;
  const answer = (next: AccountRecord): Decision['reply'] => {
    return () => evaluated(fleet, next, ke1, registrationRequest);
  };
  if (isOpen && record.pending.state !== 'empty') {
    if (equal(record.pending.requestHash, sha256(registrationRequest))) return { reply: answer(record) }; // 3
  }
  if (fleet.newOpaqueKey === undefined) return say('unsupported'); // 4
  if (!isOpen && waitOf(fleet.policy, record, now) > 0) return say('try-later'); // 5
  keyOf(fleet, record.active);
  const pending = yield* begin(fleet.newOpaqueKey, record, registrationRequest); // 6
  if (isOpen) return { record: pending, reply: answer(pending) };
  const seed = yield* perform({ kind: 'random', name: 'attempt_seed', length: 32 });
  const charged = charge(fleet.policy, pending, { ke1Hash: sha256(ke1), seed }, now);
  return { record: charged, reply: answer(charged) }; // 7
};

/** KE2 of the attempt and the answer to the registration, both of a durable record. */
function* evaluated(
  fleet: Fleet,
  record: AccountRecord,
  ke1: Bytes,
  registrationRequest: Bytes,
): Step<Reply> {
  try {
    const attempt = yield* released(fleet, record, ke1);
    const registration = yield* started(fleet, record, registrationRequest);
    return { outcome: 'ok', body: encode(ChangeStarted, { attempt, registration }) };
  } catch (error) {
    if (isStrongroomError(error, 'malformed')) return { outcome: 'malformed' };
    throw error;
  }
}

/** `change-finish` (spec/exchange.md, "change-finish"). */
export const changeFinish: Decide = function* (fleet, request, record, now): Step<Decision> {
  const { ke1, attemptId, ke3, acknowledged, ...values } = decode(ChangeFinish, request.body);
  const proof = { ke1, attemptId, ke3 };
  if (!hasLengths(fleet.suite, proof)) return say('malformed'); // 1
  const recordHash = sha256(request.body);
  const ok = encode(Registered, { recordHash });
  if (isLive(record) && equal(record.active.recordHash, recordHash)) return say('ok', ok); // 2
  const nothing = nothingToRecover(record); // 3
  if (nothing !== undefined) return say(nothing);
  const hash = sha256(encode(Ke3Proof, proof));
  if (closedBy(record, hash, now)?.outcome === 'wrong-password') return say('wrong-password'); // 4
  const verdict = yield* verify(fleet, record, proof); // 5
  if (verdict === undefined) return say('conflict');
  const { pending } = record; // 6
  if (pending.state !== 'started' || !equal(pending.registrationId, values.registrationId))
    return say('conflict');
  if (!isAllowed(fleet, values)) return say('malformed'); // 7
  const { attempt, proved } = verdict;
  if (!proved) {
    const rejected = reject(record, attempt, hash, now); // 8
    return say(nothingToRecover(rejected) ?? 'wrong-password', undefined, rejected);
  }
  const refunded = refund(fleet.policy, record, attempt, acknowledged, now); // 9
  const next = finished(fleet, pending, { ...values, confirmHash: new Uint8Array(32) }, recordHash);
  return say('ok', ok, goLive(fleet.policy, refunded, next, 'password', now));
};
