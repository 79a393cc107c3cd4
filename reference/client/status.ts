/**
 * Asking how an account stands (spec/client.md, "Status").
 *
 * @module
 */
import { StatusBody, type Phase, type Report } from '../exchange/answer.ts';
import { Status } from '../exchange/request.ts';
import { bodyOf } from './outcome.ts';
import { scheduledIn, type Scheduled } from './scheduled.ts';
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
  /** Seconds until nothing of what was erased can be opened any more; undefined if nothing is said of that. */
  readonly erasedIn: number | undefined;
  /** What waits to take effect. */
  readonly scheduled: Scheduled | undefined;
}

/** Asks; changes and charges nothing. @throws StrongroomError every code of `Session.ask`, and the vault's refusals */
export async function accountStatus(
  session: Session,
  options: { readonly signal?: AbortSignal } = {},
): Promise<AccountStatus> {
  const statement = await session.ask('status', Status, {}, options);
  const { phase, generation, budget, remaining, retryAfter, report } = statement;
  const body = bodyOf(StatusBody, statement);
  return {
    ...body,
    phase,
    generation,
    budget,
    remaining,
    retryAfter,
    report,
    erasedIn: body.erasedBy === 0 ? undefined : Math.max(0, body.erasedBy - statement.vaultTime),
    scheduled: scheduledIn(statement),
  };
}
