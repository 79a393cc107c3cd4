/**
 * What happens to a live generation (spec/attempts.md, "Charges of a new generation", "Scheduled changes"): another one
 * takes its place, a change waits for its grace period, its time comes.
 *
 * @module
 */
import type { Policy } from '../../fleet/descriptor.ts';
import { equal } from '../../wire/bytes.ts';
import { EMPTY_SLOT, NO_HEAD, tombstone, type AccountRecord, type GenerationSlot } from '../record.ts';
import { delayAfter, recentCharges } from './attempts.ts';

/** What shows that the owner of the generation before wants the next one. */
export type ProvedBy = 'password' | 'owner-key' | 'nothing';

/** The record in which `slot` is the live generation; the one before and all that belongs to it is erased. */
export function goLive(
  policy: Policy,
  record: AccountRecord,
  slot: GenerationSlot,
  provedBy: ProvedBy,
  now: number,
): AccountRecord {
  const charged = provedBy === 'password' ? 0 : Math.min(slot.budget - 1, recentCharges(record, now));
  const nextAttempt = charged === 0 ? 0 : now + delayAfter(policy, charged);
  const active: GenerationSlot = { ...slot, state: 'active', charged, nextAttempt, effectiveAt: 0 };
  // Who has waited and proved nothing is perhaps not the owner, whose head says when backups were made.
  const inherits = provedBy !== 'nothing' || equal(slot.ownerKey, record.active.ownerKey);
  const head = inherits ? record.head : NO_HEAD;
  return { ...record, active, scheduled: EMPTY_SLOT, pending: EMPTY_SLOT, open: [], closed: [], head };
}

/** The record in which the pending generation waits to replace the live one. */
export function scheduleReplacement(
  { graceSeconds }: Policy,
  record: AccountRecord,
  now: number,
): AccountRecord {
  return {
    ...record,
    scheduled: { ...record.pending, effectiveAt: now + graceSeconds },
    pending: EMPTY_SLOT,
  };
}

/** The record in which the deletion of the live generation waits. */
export function scheduleDeletion(
  { graceSeconds }: Policy,
  record: AccountRecord,
  now: number,
): AccountRecord {
  const { generation } = record.active;
  return {
    ...record,
    scheduled: { ...EMPTY_SLOT, state: 'deleted', generation, effectiveAt: now + graceSeconds },
  };
}

/** Vault time at which {@link settle} has something to do; undefined if nothing waits for a time. */
export function dueAt({ active, scheduled }: AccountRecord): number | undefined {
  const times = [
    ...(active.state === 'last-chance' ? [active.deadline] : []),
    ...(scheduled.state === 'empty' ? [] : [scheduled.effectiveAt]),
  ];
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The record after what is due at `now`; undefined if nothing is. A last chance that is over comes first. */
export function settle(policy: Policy, record: AccountRecord, now: number): AccountRecord | undefined {
  const { active, scheduled } = record;
  if (active.state === 'last-chance' && now >= active.deadline) return tombstone(record, 'destroyed', now);
  if (scheduled.state === 'empty' || now < scheduled.effectiveAt) return undefined;
  if (scheduled.state === 'deleted') return tombstone(record, 'deleted', now);
  return goLive(policy, record, scheduled, 'nothing', now);
}
