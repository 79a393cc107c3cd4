/**
 * `status` (spec/exchange.md, "status"): what the owner may know at any time. It changes nothing.
 *
 * @module
 */
import { StatusBody } from '../../exchange/answer.ts';
import { Status } from '../../exchange/request.ts';
import { decode, encode } from '../../wire/codec.ts';
import { say, type Decide } from './decision.ts';

/** `status`. */
// oxlint-disable-next-line require-yield -- it asks for nothing, and is a command like the others
export const status: Decide = function* (_fleet, request, { active, pending, open }) {
  decode(Status, request.body);
  const body = {
    recordHash: active.recordHash,
    pendingRegistrationId: pending.registrationId,
    pendingRecordHash: pending.recordHash,
    openAttempts: open.length,
  };
  return say('ok', encode(StatusBody, body));
};
