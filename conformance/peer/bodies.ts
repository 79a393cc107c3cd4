/**
 * The suite's own reading of what is in requests and answers (spec/exchange.md, "Registration" and on).
 *
 * @module
 */
import { encodeStretch, type Stretch } from './opaque.ts';
import { be, cat, prefixed, zeros, type Bytes } from './primitives.ts';
import { Reader } from './reader.ts';

/** Length of a `SignedSetHead`. */
export const HEAD_LENGTH = 132;

/** Body of `register-finish`. */
export function registerFinishBody(body: {
  readonly registrationId: Uint8Array;
  readonly record: Uint8Array;
  readonly stretch: Stretch;
  readonly sealedKey: Uint8Array;
  readonly confirmHash: Uint8Array;
  readonly ownerKey: Uint8Array;
  readonly budget: number;
}): Bytes {
  const { registrationId, record, stretch, sealedKey, confirmHash, ownerKey, budget } = body;
  return cat(
    registrationId,
    prefixed(2, record),
    encodeStretch(stretch),
    sealedKey,
    confirmHash,
    ownerKey,
    be(1, budget),
  );
}

/** Body of an `ok` answer to `register-start`. */
export function decodeRegisterStarted(body: Uint8Array): {
  registrationId: Bytes;
  generation: number;
  oprfKeyId: Bytes;
  opaqueKeyId: Bytes;
  response: Bytes;
} {
  const reader = new Reader(body);
  return {
    registrationId: reader.take(32),
    generation: reader.uint(8),
    oprfKeyId: reader.take(8),
    opaqueKeyId: reader.take(8),
    response: reader.prefixed(1),
  };
}

/** Stretching, where a structure holds it. */
export function decodeStretch(reader: Reader): Stretch {
  return {
    algorithm: reader.uint(1),
    iterations: reader.uint(4),
    memoryKib: reader.uint(4),
    parallelism: reader.uint(2),
  };
}

/** Body of an `ok` answer to `recover-start`. */
export function decodeRecoverStarted(body: Uint8Array): {
  attemptId: Bytes;
  oprfKeyId: Bytes;
  opaqueKeyId: Bytes;
  stretch: Stretch;
  ke2: Bytes;
} {
  const reader = new Reader(body);
  const [attemptId, oprfKeyId, opaqueKeyId] = [reader.take(32), reader.take(8), reader.take(8)];
  return { attemptId, oprfKeyId, opaqueKeyId, stretch: decodeStretch(reader), ke2: reader.prefixed(2) };
}

/** Body of `change-start`. */
export function changeStartBody(ke1: Uint8Array, registrationRequest: Uint8Array): Bytes {
  return cat(prefixed(1, ke1), prefixed(1, registrationRequest));
}

/** Body of an `ok` answer to `change-start`: both halves, each as its own command has it. */
export function decodeChangeStarted(body: Uint8Array): { attempt: Bytes; registration: Bytes } {
  // RecoverStarted: attempt id, two key ids, stretching, and KE2 behind its length.
  const at = 32 + 8 + 8 + 11;
  const end = at + 2 + new Reader(body.slice(at)).uint(2);
  return { attempt: new Uint8Array(body.slice(0, end)), registration: new Uint8Array(body.slice(end)) };
}

/** Body of `change-finish`. */
export function changeFinishBody(body: {
  readonly ke1: Uint8Array;
  readonly attemptId: Uint8Array;
  readonly ke3: Uint8Array;
  readonly acknowledged?: number;
  readonly registrationId: Uint8Array;
  readonly record: Uint8Array;
  readonly stretch: Stretch;
  readonly sealedKey: Uint8Array;
  readonly ownerKey: Uint8Array;
  readonly budget: number;
}): Bytes {
  return cat(
    prefixed(1, body.ke1),
    body.attemptId,
    prefixed(1, body.ke3),
    be(8, body.acknowledged ?? 0),
    body.registrationId,
    prefixed(2, body.record),
    encodeStretch(body.stretch),
    body.sealedKey,
    body.ownerKey,
    be(1, body.budget),
  );
}

/** What a vault of the suite needs of the body of `change-finish`. */
export function decodeChangeFinish(body: Uint8Array): {
  ke3: Bytes;
  registrationId: Bytes;
  record: Bytes;
  sealedKey: Bytes;
} {
  const reader = new Reader(body);
  reader.prefixed(1);
  reader.take(32);
  const ke3 = reader.prefixed(1);
  reader.take(8);
  const [registrationId, record] = [reader.take(32), reader.prefixed(2)];
  reader.take(11);
  return { ke3, registrationId, record, sealedKey: reader.take(48) };
}

/** Body of an `ok` answer to `status`. */
export interface StatusBody {
  readonly recordHash: Bytes;
  readonly pendingRegistrationId: Bytes;
  readonly pendingRecordHash: Bytes;
  readonly scheduledRecordHash: Bytes;
  readonly openAttempts: number;
  readonly erasedBy: number;
}

/** Reads {@link StatusBody}. @throws Error if it has another length */
export function decodeStatusBody(body: Uint8Array): StatusBody {
  const reader = new Reader(body);
  const out = {
    recordHash: reader.take(32),
    pendingRegistrationId: reader.take(32),
    pendingRecordHash: reader.take(32),
    scheduledRecordHash: reader.take(32),
    openAttempts: reader.uint(1),
    erasedBy: reader.uint(8),
  };
  if (reader.left !== 0) throw new Error(`${reader.left} bytes behind a StatusBody`);
  return out;
}

/** Writes {@link StatusBody}; absent fields are zero. */
export function encodeStatusBody(body: Partial<StatusBody>): Bytes {
  return cat(
    body.recordHash ?? zeros(32),
    body.pendingRegistrationId ?? zeros(32),
    body.pendingRecordHash ?? zeros(32),
    body.scheduledRecordHash ?? zeros(32),
    be(1, body.openAttempts ?? 0),
    be(8, body.erasedBy ?? 0),
  );
}
