/**
 * How the suite's own vault counts (spec/attempts.md): each function changes the record that it is given.
 *
 * @module
 */
import { sha256, zeros, type Bytes } from '../../../conformance/peer/primitives.ts';
import { emptySlot, type AccountRecord, type Attempt, type Slot } from './record.ts';

/** What the vault enforces. */
export interface Policy {
  readonly defaultBudget: number;
  readonly maxBudget: number;
  readonly refill: 'none' | 'full';
  readonly delays: readonly number[];
  readonly lastChanceSeconds: number;
  readonly graceSeconds: number;
  readonly ceiling: number;
}

const PERIOD = 2_592_000;

function delay({ delays }: Policy, charged: number): number {
  return delays[charged] ?? delays.at(-1) ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** Moves the ledger to `now`. */
export function moveLedger(record: AccountRecord, now: number): void {
  const epoch = Math.floor(now / PERIOD);
  const steps = Math.min(Math.max(0, epoch - record.bucketEpoch), 12);
  record.buckets = [...Array<number>(steps).fill(0), ...record.buckets].slice(0, 12);
  record.bucketEpoch = Math.max(epoch, record.bucketEpoch);
}

/** Seconds until the ledger allows another attempt. */
function ceilingWait(policy: Policy, record: AccountRecord, now: number): number {
  const moved = { ...record };
  moveLedger(moved, now);
  if (sum(moved.buckets) < policy.ceiling) return 0;
  let m = 0;
  while (m < 12 && sum(moved.buckets.slice(0, m + 1)) < policy.ceiling) m++;
  return (moved.bucketEpoch + 12 - m) * PERIOD - now;
}

/** `retry_after`. */
export function waitOf(policy: Policy, record: AccountRecord, now: number): number {
  const { state, deadline, nextAttempt } = record.active;
  if (state === 'lastChance') return Math.max(0, deadline - now);
  if (state !== 'active') return 0;
  return Math.max(0, nextAttempt - now, ceilingWait(policy, record, now));
}

/** "Charge". */
export function charge(policy: Policy, record: AccountRecord, ke1: Bytes, seed: Bytes, now: number): void {
  const { active, report } = record;
  moveLedger(record, now);
  record.buckets[0] = (record.buckets[0] ?? 0) + 1;
  active.charged++;
  record.open.push({
    ke1Hash: sha256(ke1),
    seed,
    generation: active.generation,
    opened: now,
    refundable: 1,
    reported: 1,
  });
  record.open = record.open.slice(-4);
  if (active.charged === active.budget) {
    active.state = 'lastChance';
    active.deadline = now + policy.lastChanceSeconds;
    active.nextAttempt = 0;
  } else active.nextAttempt = now + delay(policy, active.charged);
  if (report.failed === 0) report.first = now;
  report.failed++;
  report.last = now;
}

/** "Tombstones". */
export function entomb(record: AccountRecord, state: 'destroyed' | 'deleted', now: number): void {
  const { generation, budget, charged, recordHash, ownerKey } = record.active;
  record.active = { ...emptySlot(), state, generation, budget, charged, recordHash, ownerKey, deadline: now };
  record.scheduled = emptySlot();
  record.pending = emptySlot();
  record.open = [];
  record.closed = [];
}

function close(record: AccountRecord, attempt: Attempt): void {
  record.open = record.open.filter((each) => each !== attempt);
}

/** What a `Ke3Proof` came to, remembered. */
export function remember(
  record: AccountRecord,
  hash: Bytes,
  outcome: 'ok' | 'wrong-password',
  now: number,
): void {
  const closed = { hash, generation: record.active.generation, outcome, time: now };
  record.closed = [...record.closed, closed].slice(-4);
}

/** "Wrong KE3". */
export function wrong(record: AccountRecord, attempt: Attempt, proofHash: Bytes, now: number): void {
  close(record, attempt);
  remember(record, proofHash, 'wrong-password', now);
  if (record.active.state === 'lastChance' && record.open.length === 0) entomb(record, 'destroyed', now);
}

/** "Proof". */
export function prove(
  policy: Policy,
  record: AccountRecord,
  attempt: Attempt,
  acknowledged: number,
  now: number,
): void {
  const { active } = record;
  moveLedger(record, now);
  const bucket = record.bucketEpoch - Math.floor(attempt.opened / PERIOD);
  const count = record.buckets[bucket];
  if (count !== undefined && count > 0) record.buckets[bucket] = count - 1;
  close(record, attempt);
  if (policy.refill === 'full') {
    active.charged = 0;
    active.nextAttempt = 0;
    for (const other of record.open) other.refundable = 0;
  } else active.charged = Math.min(active.charged - attempt.refundable, active.budget - 1);
  active.state = 'active';
  active.deadline = 0;
  release(record, attempt, acknowledged, now);
}

/** "Report", at a proof. */
function release(record: AccountRecord, attempt: Attempt, acknowledged: number, now: number): void {
  const { report } = record;
  const seen = acknowledged !== 0 && acknowledged === report.serial;
  if (seen) {
    report.failed -= record.shown;
    report.first = record.shownAt;
  }
  const counts = seen ? attempt.reported === 1 : attempt.reported !== 0;
  if (counts) report.failed--;
  if (report.failed === 0) [report.first, report.last] = [0, 0];
  report.serial++;
  record.shown = report.failed;
  record.shownAt = now;
  for (const other of record.open) {
    if (other.reported === 0 || (seen && other.reported === 2)) other.reported = 0;
    else other.reported = 2;
  }
}

/** "A generation goes live"; the attempt of a proof is closed before. */
export function goLive(
  policy: Policy,
  record: AccountRecord,
  slot: Slot,
  proof: 'password' | 'owner' | 'nothing',
  now: number,
): void {
  const same = slot.ownerKey.every((byte, i) => byte === record.active.ownerKey[i]);
  let charged = 0;
  if (proof !== 'password') {
    const moved = { ...record };
    moveLedger(moved, now);
    charged = Math.min(slot.budget - 1, sum(moved.buckets.slice(0, 2)));
  }
  const nextAttempt = charged === 0 ? 0 : now + delay(policy, charged);
  record.active = { ...slot, state: 'active', charged, nextAttempt, effectiveAt: 0 };
  record.pending = emptySlot();
  record.scheduled = emptySlot();
  record.open = [];
  record.closed = [];
  if (proof === 'nothing' && !same) record.head = zeros(132);
}

/** "What is due": does the first of it. @returns whether there was something */
export function settle(policy: Policy, record: AccountRecord, now: number): boolean {
  const { active, scheduled } = record;
  if (active.state === 'lastChance' && active.deadline <= now) entomb(record, 'destroyed', now);
  else if (scheduled.state === 'finished' && scheduled.effectiveAt <= now)
    goLive(policy, record, scheduled, 'nothing', now);
  else if (scheduled.state === 'deleted' && scheduled.effectiveAt <= now) entomb(record, 'deleted', now);
  else return false;
  return true;
}
