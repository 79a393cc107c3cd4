/**
 * What a command comes to: the record to commit, if it changes anything, and the answer, which is computed only once
 * that commit is durable. The order "charge, commit, evaluate, release" is this type.
 *
 * @module
 */
import type { Outcome } from '../../exchange/answer.ts';
import type { Request } from '../../exchange/request.ts';
import type { Bytes } from '../../wire/bytes.ts';
import type { AccountRecord } from '../record.ts';
import type { Step } from './effects.ts';
import type { Fleet } from './fleet.ts';

/** An outcome, and the structure of the command if it is `ok`. */
export interface Reply {
  readonly outcome: Outcome;
  readonly body?: Bytes;
}

/** See above. */
export interface Decision {
  /** The new record; absent if nothing changes. */
  readonly record?: AccountRecord;
  /** The answer, or how to compute it after the commit **[D]**. */
  readonly reply: Reply | (() => Step<Reply>);
}

/** One command: decides on a proved record. May ask for hmac and random, never for load or commit. */
export type Decide = (fleet: Fleet, request: Request, record: AccountRecord, now: number) => Step<Decision>;

/** An answer that is known already, with the record to commit before it. */
export function say(outcome: Outcome, body?: Bytes, record?: AccountRecord): Decision {
  return { ...(record && { record }), reply: { outcome, ...(body && { body }) } };
}
