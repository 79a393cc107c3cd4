/**
 * Recovery (spec/exchange.md, "Recovery"): charge first, evaluate after the charge is durable, release after the
 * proof is.
 *
 * @module
 */
import { isStrongroomError } from '../../errors.ts';
import { Recovered, RecoverStarted, type Outcome } from '../../exchange/answer.ts';
import { Ke3Proof, RecoverFinish, RecoverStart } from '../../exchange/request.ts';
import type { Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { isLive, type AccountRecord } from '../record.ts';
import { charge, closedBy, refund, reject, remember, waitOf } from './attempts.ts';
import { say, type Decide, type Decision, type Reply } from './decision.ts';
import { perform, type Step } from './effects.ts';
import {
  attemptId,
  evaluate,
  hasLengths,
  ke1Length,
  keyOf,
  openAttempt,
  sha256,
  verify,
} from './evaluate.ts';
import type { Fleet } from './fleet.ts';

/** Why an account has nothing to recover; undefined if it has. */
export function nothingToRecover(record: AccountRecord): Outcome | undefined {
  if (isLive(record)) return undefined;
  return record.active.state === 'destroyed' ? 'destroyed' : 'not-registered';
}

/** `recover-start` (spec/exchange.md, "recover-start"): the steps are the numbered ones of the text. */
export const recoverStart: Decide = function* (fleet, request, record, now) {
  const { ke1 } = decode(RecoverStart, request.body);
  if (ke1.length !== ke1Length(fleet.suite)) return say('malformed'); // 1
  const nothing = nothingToRecover(record); // 2
  if (nothing !== undefined) return say(nothing);
  if (openAttempt(record, ke1) !== undefined) return { reply: () => release(fleet, record, ke1) }; // 3
  if (waitOf(fleet.policy, record, now) > 0) return say('try-later'); // 4, 5: a last chance waits for its end
  keyOf(fleet, record.active); // nobody pays for a guess that cannot be answered
  const seed = yield* perform({ kind: 'random', name: 'attempt_seed', length: 32 });
  const charged = charge(fleet.policy, record, { ke1Hash: sha256(ke1), seed }, now); // 6
  return { record: charged, reply: () => release(fleet, charged, ke1) }; // 7
};

/** The answer to a charged KE1; one that holds no group elements was charged all the same. */
function* release(fleet: Fleet, record: AccountRecord, ke1: Bytes): Step<Reply> {
  try {
    return { outcome: 'ok', body: encode(RecoverStarted, yield* released(fleet, record, ke1)) };
  } catch (error) {
    if (isStrongroomError(error, 'malformed')) return { outcome: 'malformed' };
    throw error;
  }
}

/** KE2 of the open attempt of a KE1. @throws StrongroomError `malformed` if KE1 holds no group elements */
export function* released(fleet: Fleet, record: AccountRecord, ke1: Bytes): Step<RecoverStarted> {
  const attempt = openAttempt(record, ke1);
  if (attempt === undefined) throw new Error('only an attempt that was charged is answered');
  const { oprfKeyId, opaqueKeyId, stretch } = record.active;
  const { ke2 } = yield* evaluate(fleet, record, attempt, ke1);
  return { attemptId: yield* attemptId(record, attempt), oprfKeyId, opaqueKeyId, stretch, ke2 };
}

/** `recover-finish` (spec/exchange.md, "recover-finish"). */
export const recoverFinish: Decide = function* (fleet, request, record, now): Step<Decision> {
  const { acknowledged, ...proof } = decode(RecoverFinish, request.body);
  if (!hasLengths(fleet.suite, proof)) return say('malformed'); // 1
  const nothing = nothingToRecover(record); // 2
  if (nothing !== undefined) return say(nothing);
  const recovered = encode(Recovered, { sealedKey: record.active.sealedKey });
  const hash = sha256(encode(Ke3Proof, proof));
  const closed = closedBy(record, hash, now); // 3
  if (closed !== undefined) return closed.outcome === 'ok' ? say('ok', recovered) : say('wrong-password');
  const verdict = yield* verify(fleet, record, proof); // 4
  if (verdict === undefined) return say('conflict');
  const { attempt, proved } = verdict;
  if (!proved) {
    const rejected = reject(record, attempt, hash, now); // 5
    return say(nothingToRecover(rejected) ?? 'wrong-password', undefined, rejected);
  }
  const refunded = refund(fleet.policy, record, attempt, acknowledged, now); // 6
  return say('ok', recovered, remember(refunded, hash, 'ok', now));
};
