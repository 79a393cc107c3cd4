/**
 * Answers of the vault exchange (spec/exchange.md, "Answers"): one signed statement each, failures included.
 *
 * @module
 */
import { StretchParams } from '../opaque/stretch.ts';
import type { Bytes } from '../wire/bytes.ts';
import { bytes, enumeration, opaque, padded, struct, u32, u64, u8, type Codec } from '../wire/codec.ts';
import { ACCOUNT_MAX } from './request.ts';

/** Size of every answer before sealing, in bytes. */
export const ANSWER_SIZE = 2048;

/** What the vault says to a request. */
export type Outcome =
  | 'ok'
  | 'wrong-password'
  | 'not-registered'
  | 'try-later'
  | 'scheduled'
  | 'conflict'
  | 'destroyed'
  | 'not-authorised'
  | 'malformed'
  | 'unsupported';

/** `Outcome` on the wire: one byte. */
export const Outcome: Codec<Outcome> = enumeration<Outcome>('Outcome', 1, {
  ok: 0,
  'wrong-password': 1,
  'not-registered': 2,
  'try-later': 3,
  scheduled: 4,
  conflict: 5,
  destroyed: 6,
  'not-authorised': 7,
  malformed: 8,
  unsupported: 9,
});

/** Where the account's live generation stands. */
export type Phase = 'none' | 'active' | 'last-chance' | 'destroyed' | 'deleted';

/** `Phase` on the wire: one byte. */
export const Phase: Codec<Phase> = enumeration<Phase>('Phase', 1, {
  none: 0,
  active: 1,
  'last-chance': 2,
  destroyed: 3,
  deleted: 4,
});

/** Charges that were neither proved nor acknowledged by the owner. */
export interface Report {
  /** Grows with every proof, which releases the report to the owner; what is acknowledged is this number. */
  readonly serial: number;
  readonly failed: number;
  /** Vault time, in seconds, not after the first of them; 0 if there is none. */
  readonly first: number;
  /** Vault time of the last of them; 0 if there is none. */
  readonly last: number;
}

/** `Report` on the wire: 28 bytes. */
export const Report: Codec<Report> = struct<Report>('Report', {
  serial: u64,
  failed: u32,
  first: u64,
  last: u64,
});

/** An empty report. */
export const NO_REPORT: Report = { serial: 0, failed: 0, first: 0, last: 0 };

/** What waits for its grace period. */
export type ScheduledChange = 'none' | 'replacement' | 'deletion';

/** `ScheduledChange` on the wire: one byte. */
export const ScheduledChange: Codec<ScheduledChange> = enumeration<ScheduledChange>('ScheduledChange', 1, {
  none: 0,
  replacement: 1,
  deletion: 2,
});

/** What the vault signs. */
export interface Statement {
  readonly version: number;
  readonly fleetId: Bytes;
  /** As in the request; empty only if the request could not be decoded. */
  readonly account: Bytes;
  /** SHA-256 of the sealed request that this answers. */
  readonly requestHash: Bytes;
  /** The vault's own time, in seconds. */
  readonly vaultTime: number;
  /** Version of the account's record after this answer; never decreases. */
  readonly stateVersion: number;
  readonly outcome: Outcome;
  readonly phase: Phase;
  /** The generation that this answer speaks of; 0 = none. */
  readonly generation: number;
  readonly budget: number;
  readonly remaining: number;
  /** Seconds until the next attempt, or until the deadline in `last-chance`; 0 = at once. */
  readonly retryAfter: number;
  /** Vault time at which a scheduled change takes effect; 0 = none is scheduled. */
  readonly effectiveAt: number;
  readonly scheduledChange: ScheduledChange;
  readonly report: Report;
  /** Structure of the command, if the outcome is `ok`; else empty. */
  readonly body: Bytes;
}

/** `Statement` on the wire. */
export const Statement: Codec<Statement> = struct<Statement>('Statement', {
  version: u8,
  fleetId: opaque(16, 'fleet_id'),
  account: bytes(0, ACCOUNT_MAX, 'account'),
  requestHash: opaque(32, 'request_hash'),
  vaultTime: u64,
  stateVersion: u64,
  outcome: Outcome,
  phase: Phase,
  generation: u64,
  budget: u8,
  remaining: u8,
  retryAfter: u64,
  effectiveAt: u64,
  scheduledChange: ScheduledChange,
  report: Report,
  body: bytes(0, 1024, 'body'),
});

/** A statement and the signature over `label("answer") || Statement`. */
export interface Answer {
  readonly statement: Statement;
  readonly receiptKeyId: Bytes;
  readonly signature: Bytes;
}

/** `Answer`, padded with zeros to {@link ANSWER_SIZE} bytes. */
export const Answer: Codec<Answer> = padded(
  struct<Answer>('Answer', {
    statement: Statement,
    receiptKeyId: opaque(8, 'receipt_key_id'),
    signature: opaque(64, 'signature'),
  }),
  ANSWER_SIZE,
);

/** Body of an `ok` answer to `register-start`. */
export interface RegisterStarted {
  readonly registrationId: Bytes;
  /** The generation that a confirm will bring to life. */
  readonly generation: number;
  readonly oprfKeyId: Bytes;
  readonly opaqueKeyId: Bytes;
  /** `RegistrationResponse` of RFC 9807; it carries the server's public key. */
  readonly registrationResponse: Bytes;
}

/** `RegisterStarted` on the wire. */
export const RegisterStarted: Codec<RegisterStarted> = struct<RegisterStarted>('RegisterStarted', {
  registrationId: opaque(32, 'registration_id'),
  generation: u64,
  oprfKeyId: opaque(8, 'oprf_key_id'),
  opaqueKeyId: opaque(8, 'opaque_key_id'),
  registrationResponse: bytes(1, 132, 'registration_response'),
});

/** Body of an `ok` answer to `register-finish`, `register-confirm` and `change-finish`. */
export interface Registered {
  readonly recordHash: Bytes;
}

/** `Registered` on the wire. */
export const Registered: Codec<Registered> = struct<Registered>('Registered', {
  recordHash: opaque(32, 'record_hash'),
});

/** Body of an `ok` answer to `recover-start`. */
export interface RecoverStarted {
  readonly attemptId: Bytes;
  readonly oprfKeyId: Bytes;
  readonly opaqueKeyId: Bytes;
  readonly stretch: StretchParams;
  readonly ke2: Bytes;
}

/** `RecoverStarted` on the wire. */
export const RecoverStarted: Codec<RecoverStarted> = struct<RecoverStarted>('RecoverStarted', {
  attemptId: opaque(32, 'attempt_id'),
  oprfKeyId: opaque(8, 'oprf_key_id'),
  opaqueKeyId: opaque(8, 'opaque_key_id'),
  stretch: StretchParams,
  ke2: bytes(1, 512, 'ke2'),
});

/** Body of an `ok` answer to `recover-finish`. */
export interface Recovered {
  readonly sealedKey: Bytes;
}

/** `Recovered` on the wire. */
export const Recovered: Codec<Recovered> = struct<Recovered>('Recovered', {
  sealedKey: opaque(48, 'sealed_key'),
});

/** Body of an `ok` answer to `status`; absent things are zero. */
export interface StatusBody {
  /** Hash of the live generation's record. */
  readonly recordHash: Bytes;
  readonly pendingRegistrationId: Bytes;
  readonly pendingRecordHash: Bytes;
  /** Hash of the record of a scheduled replacement. */
  readonly scheduledRecordHash: Bytes;
  readonly openAttempts: number;
  /** Vault time by which a key that was destroyed or deleted is gone from every copy of the store; 0 = not promised. */
  readonly erasedBy: number;
}

/** `StatusBody` on the wire. */
export const StatusBody: Codec<StatusBody> = struct<StatusBody>('StatusBody', {
  recordHash: opaque(32, 'record_hash'),
  pendingRegistrationId: opaque(32, 'pending_registration_id'),
  pendingRecordHash: opaque(32, 'pending_record_hash'),
  scheduledRecordHash: opaque(32, 'scheduled_record_hash'),
  openAttempts: u8,
  erasedBy: u64,
});
