/**
 * Counting attempts (spec/attempts.md): pure functions from a record to the next one. Every charge, refund, wait and
 * destruction of the vault is in this file.
 *
 * @module
 */
import type { Policy } from '../../fleet/descriptor.ts';
import { equal, type Bytes } from '../../wire/bytes.ts';
import {
  ATTEMPTS,
  BUCKETS,
  tombstone,
  type AccountRecord,
  type Attempt,
  type Closed,
  type ClosedOutcome,
} from '../record.ts';

/** Seconds of one bucket of the ledger: 30 days. */
export const BUCKET_SECONDS: number = 30 * 24 * 3600;
/** Seconds for which a closed attempt is remembered. */
export const CLOSED_SECONDS: number = 24 * 3600;

function bucketOf(time: number): number {
  return Math.floor(time / BUCKET_SECONDS);
}

/** The record with its ledger moved to the period of `now`: older buckets fall out at the end. */
function roll(record: AccountRecord, now: number): AccountRecord {
  const bucketEpoch = Math.max(record.bucketEpoch, bucketOf(now));
  const fresh = Array.from({ length: Math.min(BUCKETS, bucketEpoch - record.bucketEpoch) }, () => 0);
  return { ...record, bucketEpoch, buckets: [...fresh, ...record.buckets].slice(0, BUCKETS) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Unproved charges of the present period and the one before it: at least those of the last 30 days. */
export function recentCharges(record: AccountRecord, now: number): number {
  return sum(roll(record, now).buckets.slice(0, 2));
}

/** The wait before the attempt that follows `charged` charges. */
export function delayAfter({ delays }: Policy, charged: number): number {
  return delays[Math.min(charged, delays.length - 1)] ?? 0;
}

/** Seconds until the ledger is below the ceiling; 0 = it is. */
function ceilingWait({ ceiling }: Policy, record: AccountRecord, now: number): number {
  const { buckets, bucketEpoch } = roll(record, now);
  let kept = BUCKETS;
  while (kept > 0 && sum(buckets.slice(0, kept)) >= ceiling) kept--;
  return kept === BUCKETS ? 0 : (bucketEpoch + BUCKETS - kept) * BUCKET_SECONDS - now;
}

/** Seconds until a new attempt may begin, or until the deadline of a last chance; 0 = at once. */
export function waitOf(policy: Policy, record: AccountRecord, now: number): number {
  const { state, deadline, nextAttempt } = record.active;
  if (state === 'last-chance') return Math.max(0, deadline - now);
  if (state !== 'active') return 0;
  return Math.max(0, nextAttempt - now, ceilingWait(policy, record, now));
}

/** Opens an attempt and charges it (spec/attempts.md, "Charge"). */
export function charge(
  policy: Policy,
  before: AccountRecord,
  attempt: Pick<Attempt, 'ke1Hash' | 'seed'>,
  now: number,
): AccountRecord {
  const record = roll(before, now);
  const { active, report } = record;
  const charged = active.charged + 1;
  const spent = charged === active.budget;
  const opened: Attempt = {
    ...attempt,
    generation: active.generation,
    opened: now,
    refundable: 1,
    reported: 1,
  };
  return {
    ...record,
    active: {
      ...active,
      charged,
      state: spent ? 'last-chance' : 'active',
      nextAttempt: spent ? 0 : now + delayAfter(policy, charged),
      deadline: spent ? now + policy.lastChanceSeconds : 0,
    },
    open: [...record.open, opened].slice(-ATTEMPTS),
    buckets: record.buckets.map((count, i) => (i === 0 ? count + 1 : count)),
    report: {
      ...report,
      failed: report.failed + 1,
      first: report.failed === 0 ? now : report.first,
      last: now,
    },
  };
}

/** Takes the charge of a proved attempt back, and refills (spec/attempts.md, "Proof"). */
export function refund(
  policy: Policy,
  before: AccountRecord,
  attempt: Attempt,
  acknowledged: number,
  now: number,
): AccountRecord {
  const record = roll(before, now);
  const { active } = record;
  const refill = policy.refill === 'full';
  // The bound is for an attempt that a refill has made unrefundable: its proof ends a last chance all the same.
  const charged = Math.min(active.charged - attempt.refundable, active.budget - 1);
  const age = record.bucketEpoch - bucketOf(attempt.opened);
  const seen = acknowledged !== 0 && acknowledged === record.report.serial;
  return {
    ...record,
    active: {
      ...active,
      state: 'active',
      charged: refill ? 0 : charged,
      nextAttempt: refill ? 0 : active.nextAttempt,
      deadline: 0,
    },
    open: record.open
      .filter((open) => open !== attempt)
      .map((open) => ({
        ...open,
        refundable: refill ? 0 : open.refundable,
        reported: open.reported === 0 || (seen && open.reported === 2) ? 0 : 2,
      })),
    buckets: record.buckets.map((count, i) => (i === age ? Math.max(0, count - 1) : count)),
    ...release(record, attempt, seen, now),
  };
}

/**
 * The report that a proof releases (spec/attempts.md, "Report"). What the owner has seen is taken off, and no more:
 * charges since then stay in it, however the acknowledgement was timed.
 */
function release(
  { report, shown, shownAt }: AccountRecord,
  { reported }: Attempt,
  seen: boolean,
  now: number,
): Pick<AccountRecord, 'report' | 'shown' | 'shownAt'> {
  const counted = seen ? reported === 1 : reported !== 0;
  const failed = report.failed - (seen ? shown : 0) - (counted ? 1 : 0);
  const first = seen ? shownAt : report.first;
  const times = failed === 0 ? { first: 0, last: 0 } : { first, last: report.last };
  return { report: { serial: report.serial + 1, failed, ...times }, shown: failed, shownAt: now };
}

/** Remembers how an attempt ended, so that the same bytes get the same answer. */
export function remember(
  record: AccountRecord,
  hash: Bytes,
  outcome: ClosedOutcome,
  now: number,
): AccountRecord {
  const closed = { hash, generation: record.active.generation, outcome, time: now };
  return { ...record, closed: [...record.closed, closed].slice(-ATTEMPTS) };
}

/** True while a closed attempt still answers for itself. */
function isRemembered({ time }: Closed, now: number): boolean {
  return now - time < CLOSED_SECONDS;
}

/** The attempt that was closed by the proof of this hash, while it is remembered. */
export function closedBy(record: AccountRecord, hash: Bytes, now: number): Closed | undefined {
  return record.closed.find((closed) => equal(closed.hash, hash) && isRemembered(closed, now));
}

/** Closes an attempt whose KE3 is wrong; the last one of a last chance takes the key with it. */
export function reject(before: AccountRecord, attempt: Attempt, hash: Bytes, now: number): AccountRecord {
  const open = before.open.filter((other) => other !== attempt);
  const record = remember({ ...before, open }, hash, 'wrong-password', now);
  const spent = record.active.state === 'last-chance' && open.length === 0;
  return spent ? tombstone(record, 'destroyed', now) : record;
}
