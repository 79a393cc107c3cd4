/**
 * Deletion, and the end of what is scheduled (spec/exchange.md, "Deletion").
 *
 * @module
 */
import { Cancel, Delete } from '../../exchange/request.ts';
import { decode } from '../../wire/codec.ts';
import { EMPTY_SLOT, scheduledChange, tombstone } from '../record.ts';
import { scheduleDeletion } from './changes.ts';
import { say, type Decide } from './decision.ts';
import { prove } from './proofs.ts';

/** `delete` (spec/exchange.md, "delete"): the steps are the numbered ones of the text. */
export const deleteAccount: Decide = function* (fleet, request, record, now) {
  const { stateVersion } = decode(Delete, request.body);
  const { state } = record.active;
  if (state === 'empty') return say('not-registered'); // 1
  if (state === 'destroyed') return say('destroyed');
  if (state === 'deleted') return say('ok');
  const unproved = request.proof.kind === 'none';
  if (stateVersion !== record.stateVersion) {
    return say(unproved && scheduledChange(record) === 'deletion' ? 'scheduled' : 'conflict'); // 2
  }
  if (unproved) {
    const waits = scheduledChange(record) !== 'none'; // 3
    return say('scheduled', undefined, waits ? undefined : scheduleDeletion(fleet.policy, record, now));
  }
  const proof = yield* prove(fleet, request, record, now); // 4
  if (!proof.holds) return say(proof.outcome, undefined, proof.record);
  return say('ok', undefined, tombstone(proof.record, 'deleted', now)); // 5
};

/** `cancel` (spec/exchange.md, "cancel"). */
export const cancel: Decide = function* (fleet, request, record, now) {
  const { effectiveAt } = decode(Cancel, request.body);
  if (scheduledChange(record) === 'none') return say('ok'); // 1
  if (effectiveAt !== record.scheduled.effectiveAt) return say('conflict'); // 2
  const proof = yield* prove(fleet, request, record, now); // 3
  if (!proof.holds) return say(proof.outcome, undefined, proof.record);
  return say('ok', undefined, { ...proof.record, scheduled: EMPTY_SLOT }); // 4
};
