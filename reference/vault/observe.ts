/**
 * What a vault tells those who watch it (metrics, alarms). Nothing here is secret or names an account. An observer is
 * called in the middle of the work: it takes notes and returns.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts';
import type { Outcome } from '../exchange/answer.ts';

/** Receives those events of a vault that it has a method for. Times are in seconds. */
export interface Observer {
  /** A commit is durable and anchored: its records, and the time from its first step to its last. */
  commit?(event: { readonly partition: number; readonly batch: number; readonly seconds: number }): void;
  /** The anchor has moved, for a commit or for keys: what one partition waited for it. */
  anchor?(event: { readonly partition: number; readonly seconds: number }): void;
  /** An exchange has its answer. `command` is 0 if the request did not decode. */
  exchange?(event: { readonly command: number; readonly outcome: Outcome; readonly seconds: number }): void;
  /** A partition does not serve any more, or could not begin to. Once a partition. */
  failure?(event: { readonly partition: number; readonly code: ErrorCode }): void;
  /** The data key of a partition was replaced: the new epoch, and the time from its first step to its last. */
  rekeyed?(event: { readonly partition: number; readonly epoch: number; readonly seconds: number }): void;
}

/** How a partition is. */
export interface PartitionState {
  readonly number: number;
  /** Why it does not serve; undefined while it does. */
  readonly failure: ErrorCode | undefined;
  /** Accounts that have a record, tombstones included; 0 if it did not open. */
  readonly accounts: number;
}
