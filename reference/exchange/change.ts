/**
 * Change of the password in one step (spec/exchange.md, "Change of the password"): recovery and registration in two
 * requests.
 *
 * @module
 */
import { StretchParams } from '../opaque/stretch.ts';
import { bytes, opaque, struct, u64, u8, type Codec } from '../wire/codec.ts';
import { RecoverStarted, RegisterStarted } from './answer.ts';
import type { RecoverFinish, RecoverStart, RegisterFinish, RegisterStart } from './request.ts';

/** Body of `change-start`: the attempt at the old password, and the request of the new one. */
export interface ChangeStart extends RecoverStart, RegisterStart {}

/** `ChangeStart` on the wire. */
export const ChangeStart: Codec<ChangeStart> = struct<ChangeStart>('ChangeStart', {
  ke1: bytes(1, 128, 'ke1'),
  registrationRequest: bytes(1, 66, 'registration_request'),
});

/** Body of an `ok` answer to `change-start`. */
export interface ChangeStarted {
  readonly attempt: RecoverStarted;
  readonly registration: RegisterStarted;
}

/** `ChangeStarted` on the wire. */
export const ChangeStarted: Codec<ChangeStarted> = struct<ChangeStarted>('ChangeStarted', {
  attempt: RecoverStarted,
  registration: RegisterStarted,
});

/** Body of `change-finish`; its hash names the record ever after. */
export interface ChangeFinish extends RecoverFinish, Omit<RegisterFinish, 'confirmHash'> {}

/** `ChangeFinish` on the wire. */
export const ChangeFinish: Codec<ChangeFinish> = struct<ChangeFinish>('ChangeFinish', {
  ke1: bytes(1, 128, 'ke1'),
  attemptId: opaque(32, 'attempt_id'),
  ke3: bytes(1, 128, 'ke3'),
  acknowledged: u64,
  registrationId: opaque(32, 'registration_id'),
  record: bytes(1, 256, 'record'),
  stretch: StretchParams,
  sealedKey: opaque(48, 'sealed_key'),
  ownerKey: opaque(32, 'owner_key'),
  budget: u8,
});
