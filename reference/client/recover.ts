/**
 * Getting the backup key back with the password (spec/client.md, "Recovery").
 *
 * @module
 */
import { Recovered as RecoveredBody, type Report } from '../exchange/answer.ts';
import { RecoverFinish } from '../exchange/request.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { openBackupKey } from '../opaque/sealed-key.ts';
import { wipe } from '../wire/bytes.ts';
import { withLogin, type Login, type LoginOptions } from './login.ts';
import { bodyOf } from './outcome.ts';
import type { Session } from './session.ts';

/** How to recover. */
export type RecoverOptions = LoginOptions;

/** What a recovery brings. */
export interface Recovered {
  readonly key: BackupKey;
  /** Wrong attempts since the owner was last shown them, this recovery's own left out. */
  readonly report: Report;
  /** Attempts that are left from now on. */
  readonly remaining: number;
  readonly budget: number;
}

/**
 * Recovers the backup key. The descriptor is verified already, so nothing is charged for a vault that is not the
 * right one; a lost answer is asked for again with the same bytes, and charged once.
 *
 * @throws StrongroomError `bad-sealed-key`, and every code of `withLogin`
 */
export function recover(session: Session, options: RecoverOptions): Promise<Recovered> {
  return withLogin(session, options, (login) => claim(session, login, options.signal));
}

/** KE3 for the sealed key, and the sealed key opened. */
async function claim(
  session: Session,
  { statement, started, ke1, ke3, exportKey }: Login,
  signal: AbortSignal | undefined,
): Promise<Recovered> {
  const { report: acknowledged } = session.state.account(session.account);
  const body = { ke1, attemptId: started.attemptId, ke3, acknowledged };
  const answer = await session.ask('recover-finish', RecoverFinish, body, { signal });
  const { sealedKey } = bodyOf(RecoveredBody, answer);
  const { fleetId } = session.descriptor;
  const raw = openBackupKey(exportKey, sealedKey, {
    fleetId,
    account: session.account,
    generation: statement.generation,
  });
  const key = BackupKey.fromBytes(raw);
  wipe(raw);
  return { key, report: answer.report, remaining: answer.remaining, budget: answer.budget };
}

/** Remembers that the owner was shown a report: the next recovery acknowledges it. */
export function acknowledge(session: Session, report: Report): Promise<void> {
  return session.state.saw(session.account, { report: report.serial });
}
