/**
 * Proofs of ownership (spec/exchange.md, "Proofs"), as `register-confirm`, `delete` and `cancel` take them.
 *
 * @module
 */
import { ed25519Verify } from '../../crypto/ed25519.ts';
import type { Outcome } from '../../exchange/answer.ts';
import { Ke3Proof, OwnerStatement, type Request } from '../../exchange/request.ts';
import { label } from '../../keys/labels.ts';
import { concat } from '../../wire/bytes.ts';
import { encode } from '../../wire/codec.ts';
import { isLive, type AccountRecord } from '../record.ts';
import { closedBy, refund, reject } from './attempts.ts';
import type { ProvedBy } from './changes.ts';
import type { Step } from './effects.ts';
import { hasLengths, sha256, verify } from './evaluate.ts';
import type { Fleet } from './fleet.ts';

/** What a proof comes to. */
export type Proved =
  /** It holds: the record in which its attempt, if it is of one, is closed as proved. */
  | { readonly holds: true; readonly by: ProvedBy; readonly record: AccountRecord }
  /** It does not: the outcome, and the record in which its attempt is closed as wrong. */
  | { readonly holds: false; readonly outcome: Outcome; readonly record?: AccountRecord };

/** True if the request carries a signature of the owner key of the live generation, or of a tombstone. */
export function isSignedByOwner(request: Request, { active }: AccountRecord): boolean {
  const { proof, fleetId, account, command, body } = request;
  if (proof.kind !== 'owner') return false;
  const statement = encode(OwnerStatement, { fleetId, account, command, body });
  return ed25519Verify(active.ownerKey, concat(label('owner-statement'), statement), proof.signature);
}

/** Checks the proof of a request against the live generation. */
export function* prove(fleet: Fleet, request: Request, record: AccountRecord, now: number): Step<Proved> {
  const { proof } = request;
  if (proof.kind !== 'ke3') {
    const holds = isSignedByOwner(request, record);
    return holds ? { holds, by: 'owner-key', record } : { holds, outcome: 'not-authorised' };
  }
  if (!hasLengths(fleet.suite, proof)) return { holds: false, outcome: 'malformed' };
  const { kind: _, ...ke3Proof } = proof;
  const hash = sha256(encode(Ke3Proof, ke3Proof));
  if (closedBy(record, hash, now)?.outcome === 'wrong-password') {
    return { holds: false, outcome: 'wrong-password' };
  }
  const verdict = yield* verify(fleet, record, proof);
  if (verdict === undefined) return { holds: false, outcome: 'not-authorised' };
  const { attempt, proved } = verdict;
  if (proved) {
    return { holds: true, by: 'password', record: refund(fleet.policy, record, attempt, 0, now) };
  }
  const rejected = reject(record, attempt, hash, now);
  return { holds: false, outcome: isLive(rejected) ? 'wrong-password' : 'destroyed', record: rejected };
}
