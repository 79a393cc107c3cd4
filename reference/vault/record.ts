/**
 * The record of an account (spec/storage.md, "Record"): everything that a vault knows of it, in one structure of one
 * size.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { NO_REPORT, Report, type Phase, type ScheduledChange } from '../exchange/answer.ts';
import { SIGNED_SET_HEAD_LENGTH } from '../exchange/heads.ts';
import { ACCOUNT_MAX } from '../exchange/request.ts';
import { StretchParams } from '../opaque/stretch.ts';
import { isZero, type Bytes } from '../wire/bytes.ts';
import { array, bytes, enumeration, Input, opaque, struct, u32, u64, u8, type Codec } from '../wire/codec.ts';

/** Version of the record. */
export const RECORD_VERSION = 1;
/** Most attempts that may be open, and most closed ones that are remembered. */
export const ATTEMPTS = 4;
/** Buckets of the ledger of unproved charges. */
export const BUCKETS = 12;
/** Largest budget that any policy allows. */
export const MAX_BUDGET = 100;

/** Where a generation stands. */
export type SlotState = 'empty' | 'started' | 'finished' | 'active' | 'last-chance' | 'destroyed' | 'deleted';

const SlotState: Codec<SlotState> = enumeration<SlotState>('SlotState', 1, {
  empty: 0,
  started: 1,
  finished: 2,
  active: 3,
  'last-chance': 4,
  destroyed: 5,
  deleted: 6,
});

/** One generation of an account's registration. What does not apply to its state is zero. */
export interface GenerationSlot {
  readonly state: SlotState;
  readonly generation: number;
  /** Part of the credential identifier; the OPRF seed cannot be derived without it. */
  readonly nonce: Bytes;
  readonly oprfKeyId: Bytes;
  readonly opaqueKeyId: Bytes;
  readonly registrationId: Bytes;
  /** SHA-256 of the one registration request that was evaluated. */
  readonly requestHash: Bytes;
  readonly stretch: StretchParams;
  /** RegistrationRecord of RFC 9807. */
  readonly record: Bytes;
  readonly sealedKey: Bytes;
  readonly confirmHash: Bytes;
  readonly ownerKey: Bytes;
  /** SHA-256 of the body of `register-finish` or `change-finish`. */
  readonly recordHash: Bytes;
  readonly budget: number;
  readonly charged: number;
  /** Vault time before which no attempt begins; 0 = any time. */
  readonly nextAttempt: number;
  /** Vault time of destruction: to come in `last-chance`, past in a tombstone; else 0. */
  readonly deadline: number;
  /** Vault time at which a scheduled slot takes effect; else 0. */
  readonly effectiveAt: number;
}

/** `GenerationSlot` at rest. */
export const GenerationSlot: Codec<GenerationSlot> = struct<GenerationSlot>('GenerationSlot', {
  state: SlotState,
  generation: u64,
  nonce: opaque(32, 'nonce'),
  oprfKeyId: opaque(8, 'oprf_key_id'),
  opaqueKeyId: opaque(8, 'opaque_key_id'),
  registrationId: opaque(32, 'registration_id'),
  requestHash: opaque(32, 'request_hash'),
  stretch: StretchParams,
  record: bytes(0, 256, 'record'),
  sealedKey: opaque(48, 'sealed_key'),
  confirmHash: opaque(32, 'confirm_hash'),
  ownerKey: opaque(32, 'owner_key'),
  recordHash: opaque(32, 'record_hash'),
  budget: u8,
  charged: u8,
  nextAttempt: u64,
  deadline: u64,
  effectiveAt: u64,
});

/** The slot of no generation: all zero. */
export const EMPTY_SLOT: GenerationSlot = {
  state: 'empty',
  generation: 0,
  nonce: new Uint8Array(32),
  oprfKeyId: new Uint8Array(8),
  opaqueKeyId: new Uint8Array(8),
  registrationId: new Uint8Array(32),
  requestHash: new Uint8Array(32),
  stretch: { algorithm: 0, iterations: 0, memoryKib: 0, parallelism: 0 },
  record: new Uint8Array(0),
  sealedKey: new Uint8Array(48),
  confirmHash: new Uint8Array(32),
  ownerKey: new Uint8Array(32),
  recordHash: new Uint8Array(32),
  budget: 0,
  charged: 0,
  nextAttempt: 0,
  deadline: 0,
  effectiveAt: 0,
};

/** A charge whose KE3 has not come. */
export interface Attempt {
  /** SHA-256 of KE1. */
  readonly ke1Hash: Bytes;
  /** What KE2 and the attempt id are derived from. */
  readonly seed: Bytes;
  readonly generation: number;
  /** Vault time of the charge. */
  readonly opened: number;
  /** 1 if its proof takes its charge back; 0 once a refill has done so. */
  readonly refundable: number;
  /** 1 while the report counts it, 2 once a released report has; 0 once the owner has acknowledged that one. */
  readonly reported: number;
}

const Attempt: Codec<Attempt> = struct<Attempt>('Attempt', {
  ke1Hash: opaque(32, 'ke1_hash'),
  seed: opaque(32, 'attempt_seed'),
  generation: u64,
  opened: u64,
  refundable: u8,
  reported: u8,
});

/** What an attempt came to. */
export type ClosedOutcome = 'ok' | 'wrong-password';

/** An attempt whose KE3 has come, kept so that the same bytes get the same answer. */
export interface Closed {
  /** SHA-256 of the encoded `Ke3Proof`. */
  readonly hash: Bytes;
  readonly generation: number;
  readonly outcome: ClosedOutcome;
  /** Vault time. */
  readonly time: number;
}

const Closed: Codec<Closed> = struct<Closed>('Closed', {
  hash: opaque(32, 'hash'),
  generation: u64,
  outcome: enumeration<ClosedOutcome>('ClosedOutcome', 1, { ok: 1, 'wrong-password': 2 }),
  time: u64,
});

/** `T name[count]` of which the first few are used, oldest first, and the rest are zero. */
function upTo<T>(item: Codec<T>, size: number, count: number): Codec<readonly T[]> {
  const name = `${item.name}[${count}]`;
  return {
    name,
    write(out, values) {
      if (values.length > count) throw new StrongroomError('malformed', `${name}: ${values.length} items`);
      for (const value of values) item.write(out, value);
      out.push(new Uint8Array((count - values.length) * size));
    },
    read(input) {
      const rows = Array.from({ length: count }, () => input.take(size, name));
      const used = rows.filter((row) => !isZero(row));
      if (used.some((row, i) => row !== rows[i])) throw input.fault(`${name}: a gap`);
      return used.map((row) => item.read(new Input(row)));
    },
  };
}

/** Everything that a vault knows of an account. */
export interface AccountRecord {
  readonly version: number;
  readonly account: Bytes;
  /** Grows by one with every commit of the record. */
  readonly stateVersion: number;
  /** Number of the next generation; no number is used twice. */
  readonly nextGeneration: number;
  /** The live generation, or the tombstone of the last one. */
  readonly active: GenerationSlot;
  /** What waits for its grace period: a `finished` generation, or a `deleted` one for a deletion. */
  readonly scheduled: GenerationSlot;
  readonly pending: GenerationSlot;
  /** Oldest first. */
  readonly open: readonly Attempt[];
  /** Oldest first. */
  readonly closed: readonly Closed[];
  /** Number of the 30-day period of the first bucket. */
  readonly bucketEpoch: number;
  /** Unproved charges of that period and of those before it. */
  readonly buckets: readonly number[];
  readonly report: Report;
  /** `failed` of the report that was released last. */
  readonly shown: number;
  /** Vault time of that release. */
  readonly shownAt: number;
  /** The `SignedSetHead` that the owner put last, 132 bytes; zero = none. */
  readonly head: Bytes;
}

/** `AccountRecord`, before it is padded and sealed. */
export const AccountRecord: Codec<AccountRecord> = struct<AccountRecord>('AccountRecord', {
  version: u8,
  account: bytes(1, ACCOUNT_MAX, 'account'),
  stateVersion: u64,
  nextGeneration: u64,
  active: GenerationSlot,
  scheduled: GenerationSlot,
  pending: GenerationSlot,
  open: upTo(Attempt, 82, ATTEMPTS),
  closed: upTo(Closed, 49, ATTEMPTS),
  bucketEpoch: u64,
  buckets: array(u32, BUCKETS, 'buckets'),
  report: Report,
  shown: u32,
  shownAt: u64,
  head: opaque(SIGNED_SET_HEAD_LENGTH, 'head'),
});

/** No head of a set. */
export const NO_HEAD: Bytes = new Uint8Array(SIGNED_SET_HEAD_LENGTH);

/** The record that an account without one is treated as having. */
export function emptyRecord(account: Bytes): AccountRecord {
  return {
    version: RECORD_VERSION,
    account,
    stateVersion: 0,
    nextGeneration: 1,
    active: EMPTY_SLOT,
    scheduled: EMPTY_SLOT,
    pending: EMPTY_SLOT,
    open: [],
    closed: [],
    bucketEpoch: 0,
    buckets: Array.from({ length: BUCKETS }, () => 0),
    report: NO_REPORT,
    shown: 0,
    shownAt: 0,
    head: NO_HEAD,
  };
}

/** True if the account has a key that a password can bring back. */
export function isLive(record: AccountRecord): boolean {
  return record.active.state === 'active' || record.active.state === 'last-chance';
}

/** The phase that answers state. */
export function phaseOf({ active: { state } }: AccountRecord): Phase {
  if (state === 'active' || state === 'last-chance' || state === 'destroyed' || state === 'deleted')
    return state;
  return 'none';
}

/** What is scheduled. */
export function scheduledChange({ scheduled: { state } }: AccountRecord): ScheduledChange {
  if (state === 'empty') return 'none';
  return state === 'deleted' ? 'deletion' : 'replacement';
}

/** The record without its key and without all that could lead to it or was to replace it; the ledger and the head stay. */
export function tombstone(record: AccountRecord, state: 'destroyed' | 'deleted', now: number): AccountRecord {
  const { generation, budget, charged, recordHash, ownerKey } = record.active;
  const active = { ...EMPTY_SLOT, state, generation, budget, charged, recordHash, ownerKey, deadline: now };
  return { ...record, active, scheduled: EMPTY_SLOT, pending: EMPTY_SLOT, open: [], closed: [] };
}
