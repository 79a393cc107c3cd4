/**
 * Records of accounts as the suite's own vault keeps them (spec/storage.md, "Record").
 *
 * @module
 */
import { encodeStretch, type Stretch } from '../../../conformance/peer/opaque.ts';
import { be, cat, prefixed, zeros, type Bytes } from '../../../conformance/peer/primitives.ts';

/** Numbers of the states of a slot. */
export const STATES = {
  empty: 0,
  started: 1,
  finished: 2,
  active: 3,
  lastChance: 4,
  destroyed: 5,
  deleted: 6,
} as const;

/** GenerationSlot. */
export interface Slot {
  state: keyof typeof STATES;
  generation: number;
  nonce: Bytes;
  oprfKeyId: Bytes;
  opaqueKeyId: Bytes;
  registrationId: Bytes;
  requestHash: Bytes;
  stretch: Stretch;
  record: Bytes;
  sealedKey: Bytes;
  confirmHash: Bytes;
  ownerKey: Bytes;
  recordHash: Bytes;
  budget: number;
  charged: number;
  nextAttempt: number;
  deadline: number;
  effectiveAt: number;
}

/** A slot in which nothing is. */
export function emptySlot(): Slot {
  return {
    state: 'empty',
    generation: 0,
    nonce: zeros(32),
    oprfKeyId: zeros(8),
    opaqueKeyId: zeros(8),
    registrationId: zeros(32),
    requestHash: zeros(32),
    stretch: { algorithm: 0, iterations: 0, memoryKib: 0, parallelism: 0 },
    record: zeros(0),
    sealedKey: zeros(48),
    confirmHash: zeros(32),
    ownerKey: zeros(32),
    recordHash: zeros(32),
    budget: 0,
    charged: 0,
    nextAttempt: 0,
    deadline: 0,
    effectiveAt: 0,
  };
}

/** Attempt. */
export interface Attempt {
  ke1Hash: Bytes;
  seed: Bytes;
  generation: number;
  opened: number;
  refundable: number;
  reported: number;
}

/** Closed. */
export interface Closed {
  hash: Bytes;
  generation: number;
  outcome: 'ok' | 'wrong-password';
  time: number;
}

/** AccountRecord. */
export interface AccountRecord {
  account: Bytes;
  stateVersion: number;
  nextGeneration: number;
  active: Slot;
  scheduled: Slot;
  pending: Slot;
  open: Attempt[];
  closed: Closed[];
  bucketEpoch: number;
  buckets: number[];
  report: { serial: number; failed: number; first: number; last: number };
  shown: number;
  shownAt: number;
  head: Bytes;
}

/** What an account without a record is treated as. */
export function emptyRecord(account: Bytes): AccountRecord {
  return {
    account,
    stateVersion: 0,
    nextGeneration: 1,
    active: emptySlot(),
    scheduled: emptySlot(),
    pending: emptySlot(),
    open: [],
    closed: [],
    bucketEpoch: 0,
    buckets: Array<number>(12).fill(0),
    report: { serial: 0, failed: 0, first: 0, last: 0 },
    shown: 0,
    shownAt: 0,
    head: zeros(132),
  };
}

function encodeSlot(slot: Slot): Bytes {
  return cat(
    be(1, STATES[slot.state]),
    be(8, slot.generation),
    slot.nonce,
    slot.oprfKeyId,
    slot.opaqueKeyId,
    slot.registrationId,
    slot.requestHash,
    encodeStretch(slot.stretch),
    prefixed(2, slot.record),
    slot.sealedKey,
    slot.confirmHash,
    slot.ownerKey,
    slot.recordHash,
    be(1, slot.budget),
    be(1, slot.charged),
    be(8, slot.nextAttempt),
    be(8, slot.deadline),
    be(8, slot.effectiveAt),
  );
}

function encodeAttempt({ ke1Hash, seed, generation, opened, refundable, reported }: Attempt): Bytes {
  return cat(ke1Hash, seed, be(8, generation), be(8, opened), be(1, refundable), be(1, reported));
}

function encodeClosed({ hash, generation, outcome, time }: Closed): Bytes {
  return cat(hash, be(8, generation), be(1, outcome === 'ok' ? 1 : 2), be(8, time));
}

/** The encoding of a record, without its padding. */
export function encodeRecord(record: AccountRecord): Bytes {
  const { serial, failed, first, last } = record.report;
  return cat(
    be(1, 1),
    prefixed(1, record.account),
    be(8, record.stateVersion),
    be(8, record.nextGeneration),
    encodeSlot(record.active),
    encodeSlot(record.scheduled),
    encodeSlot(record.pending),
    ...record.open.map(encodeAttempt),
    zeros(82 * (4 - record.open.length)),
    ...record.closed.map(encodeClosed),
    zeros(49 * (4 - record.closed.length)),
    be(8, record.bucketEpoch),
    ...record.buckets.map((count) => be(4, count)),
    be(8, serial),
    be(4, failed),
    be(8, first),
    be(8, last),
    be(4, record.shown),
    be(8, record.shownAt),
    record.head,
  );
}
