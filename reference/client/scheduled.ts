/**
 * Changes that wait (spec/client.md, "Scheduled changes"): what nobody has proved takes effect only after a time in
 * which the owner can cancel it.
 *
 * @module
 */
import type { Statement } from '../exchange/answer.ts';

/** A change that the vault will make unless its owner cancels it. */
export interface Scheduled {
  readonly change: 'replacement' | 'deletion';
  /** Vault time in seconds at which it takes effect. */
  readonly effectiveAt: number;
  /** Seconds until then, from the answer that told of it. */
  readonly wait: number;
}

/** What a statement says is scheduled; undefined if nothing is. */
export function scheduledIn(statement: Statement): Scheduled | undefined {
  const { scheduledChange: change, effectiveAt, vaultTime } = statement;
  if (change === 'none') return undefined;
  return { change, effectiveAt, wait: Math.max(0, effectiveAt - vaultTime) };
}
