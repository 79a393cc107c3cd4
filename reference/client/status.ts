/**
 * Asking how an account stands (spec/client.md, "Status").
 *
 * @module
 */
import { StatusBody, type Phase, type Report } from '../exchange/answer.ts';
import { Status } from '../exchange/request.ts';
import { bodyOf } from './outcome.ts';
import type { Session } from './session.ts';

/** What the vault says of an account. */
export interface AccountStatus extends StatusBody {
  readonly phase: Phase;
  readonly generation: number;
  readonly budget: number;
  readonly remaining: number;
  /** Seconds until the next attempt. */
  readonly retryAfter: number;
  /** Wrong attempts that the owner has not acknowledged. */
  readonly report: Report;
}

/** Asks; changes and charges nothing. @throws StrongroomError every code of `Session.ask`, and the vault's refusals */
export async function accountStatus(
  session: Session,
  options: { readonly signal?: AbortSignal } = {},
): Promise<AccountStatus> {
  const statement = await session.ask('status', Status, {}, options);
  const { phase, generation, budget, remaining, retryAfter, report } = statement;
  return { ...bodyOf(StatusBody, statement), phase, generation, budget, remaining, retryAfter, report };
}
