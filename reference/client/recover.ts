/**
 * Getting the backup key back with the password (spec/client.md, "Recovery").
 *
 * @module
 */
import { isStrongroomError, type StrongroomError } from '../errors.ts';
import {
  Recovered as RecoveredBody,
  RecoverStarted,
  type Report,
  type Statement,
} from '../exchange/answer.ts';
import { RecoverFinish, RecoverStart } from '../exchange/request.ts';
import { opaqueKey } from '../fleet/index.ts';
import { BackupKey } from '../keys/backup-key.ts';
import {
  finishLogin,
  preparePassword,
  sodiumSuite,
  type LoggedIn,
  type LoginState,
} from '../opaque/index.ts';
import { startLoginWith } from '../opaque/client.ts';
import { opaqueContext } from '../opaque/profile.ts';
import { openBackupKey } from '../opaque/sealed-key.ts';
import { argon2idStretch, checkStretch, type StretchBounds } from '../opaque/stretch.ts';
import { hashLength, type Suite } from '../opaque/suite.ts';
import { wipe, type Bytes } from '../wire/bytes.ts';
import { bodyOf, refusalOf } from './outcome.ts';
import { randomOf, type Session } from './session.ts';

/** How to recover. */
export interface RecoverOptions {
  readonly password: string;
  /** What this device is ready to compute; the bounds of spec/limits.md unless told. */
  readonly stretchBounds?: StretchBounds;
  readonly signal?: AbortSignal;
}

/** What a recovery brings. */
export interface Recovered {
  readonly key: BackupKey;
  /** Wrong attempts since the owner was last shown them, this recovery's own left out. */
  readonly report: Report;
  /** Attempts that are left from now on. */
  readonly remaining: number;
  readonly budget: number;
}

/** An attempt that was charged, and what the vault answered to it. */
interface Attempt {
  readonly state: LoginState;
  readonly statement: Statement;
  readonly started: RecoverStarted;
}

/**
 * Recovers the backup key. The descriptor is verified already, so nothing is charged for a vault that is not the
 * right one; a lost answer is asked for again with the same bytes, and charged once.
 *
 * @throws StrongroomError `invalid-password` (nothing was charged), `wrong-password` with `details.remaining`,
 * `not-registered`, `try-later` with `details.retryAfter`, `destroyed`, `stretch-out-of-bounds`,
 * `server-authentication-failed`, `bad-sealed-key`, and every code of `Session.ask`
 */
export async function recover(session: Session, options: RecoverOptions): Promise<Recovered> {
  const { signal, stretchBounds } = options;
  const password = preparePassword(options.password);
  const suite = await sodiumSuite();
  const { ke1, state } = startLoginWith(randomOf(session), suite, password);
  try {
    const statement = await session.ask('recover-start', RecoverStart, { ke1 }, { signal });
    const started = bodyOf(RecoverStarted, statement);
    checkStretch(started.stretch, stretchBounds);
    const attempt: Attempt = { state, statement, started };
    const login = await logIn(session, suite, attempt, signal);
    try {
      return await claim(session, attempt, login, signal);
    } finally {
      wipe(login.exportKey, login.sessionKey);
    }
  } finally {
    wipe(password, state.password, state.blind, state.keyshareSecret);
  }
}

/** KE2 to KE3. Whether the password is right is known here, before the vault knows. */
async function logIn(
  session: Session,
  suite: Suite,
  attempt: Attempt,
  signal: AbortSignal | undefined,
): Promise<LoggedIn> {
  const { oprfKeyId, opaqueKeyId, stretch, ke2 } = attempt.started;
  const key = opaqueKey(session.descriptor, oprfKeyId, opaqueKeyId);
  const context = opaqueContext({ suite: session.descriptor.opaqueSuite, oprfKeyId, opaqueKeyId, stretch });
  try {
    return await finishLogin({
      suite,
      state: attempt.state,
      ke2,
      context,
      serverPublicKey: key.publicKey,
      stretch: argon2idStretch(stretch),
    });
  } catch (error) {
    if (!isStrongroomError(error, 'wrong-password')) throw error;
    throw await wrongPassword(session, attempt, randomOf(session)('dummy_ke3', hashLength(suite)), signal);
  }
}

/**
 * Ends an attempt whose password is wrong with a KE3 that proves nothing, so that relay and store see what they see
 * after a right one. What is left is the vault's signed word: of this answer, or else of the one before.
 */
async function wrongPassword(
  session: Session,
  { state, statement, started }: Attempt,
  ke3: Bytes,
  signal: AbortSignal | undefined,
): Promise<StrongroomError> {
  const body = { ke1: state.ke1, attemptId: started.attemptId, ke3, acknowledged: 0 };
  let last: Statement;
  try {
    last = await session.ask('recover-finish', RecoverFinish, body, { signal });
  } catch (error) {
    if (!isStrongroomError(error)) throw error;
    last = statement;
  }
  return refusalOf(last.outcome === 'destroyed' ? last : { ...last, outcome: 'wrong-password' });
}

/** KE3 for the sealed key, and the sealed key opened. */
async function claim(
  session: Session,
  { state, statement, started }: Attempt,
  login: LoggedIn,
  signal: AbortSignal | undefined,
): Promise<Recovered> {
  const { report: acknowledged } = session.state.account(session.account);
  const body = { ke1: state.ke1, attemptId: started.attemptId, ke3: login.ke3, acknowledged };
  const answer = await session.ask('recover-finish', RecoverFinish, body, { signal });
  const { sealedKey } = bodyOf(RecoveredBody, answer);
  const { fleetId } = session.descriptor;
  const raw = openBackupKey(login.exportKey, sealedKey, {
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
