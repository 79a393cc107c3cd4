/**
 * `status` (spec/exchange.md, "status"): what the owner may know at any time. It changes nothing.
 *
 * @module
 */
import { StatusBody } from '../../exchange/answer.ts';
import { Status } from '../../exchange/request.ts';
import { decode, encode } from '../../wire/codec.ts';
import { say, type Decide } from './decision.ts';

/**
 * Seconds from the end of a key until no copy of the store holds it: the data key that it was sealed under begins to be
 * replaced within a day, and is gone a day later at most.
 */
export const ERASURE_SECONDS: number = 48 * 3600;

/** `status`. */
// oxlint-disable-next-line require-yield -- it asks for nothing, and is a command like the others
export const status: Decide = function* ({ level }, request, { active, pending, scheduled, open }) {
  decode(Status, request.body);
  const isErased = active.state === 'destroyed' || active.state === 'deleted';
  const body = {
    recordHash: active.recordHash,
    pendingRegistrationId: pending.registrationId,
    pendingRecordHash: pending.recordHash,
    scheduledRecordHash: scheduled.recordHash,
    openAttempts: open.length,
    erasedBy: isErased && level !== 'software' ? active.deadline + ERASURE_SECONDS : 0,
  };
  return say('ok', encode(StatusBody, body));
};
