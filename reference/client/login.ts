/**
 * One attempt with a password, up to the KE3 that proves it (spec/client.md, "Recovery", steps 2 to 5 and 8): what
 * recovery, a new password and every proof by password begin with.
 *
 * @module
 */
import { isStrongroomError, type StrongroomError } from '../errors.ts';
import { RecoverStarted, type Statement } from '../exchange/answer.ts';
import { RecoverFinish, RecoverStart } from '../exchange/request.ts';
import { opaqueKey } from '../fleet/index.ts';
import { startLoginWith } from '../opaque/client.ts';
import {
  finishLogin,
  preparePassword,
  sodiumSuite,
  type LoggedIn,
  type LoginState,
} from '../opaque/index.ts';
import { opaqueContext } from '../opaque/profile.ts';
import { argon2idStretch, checkStretch, type StretchBounds } from '../opaque/stretch.ts';
import { hashLength, type Suite } from '../opaque/suite.ts';
import { wipe, type Bytes } from '../wire/bytes.ts';
import { bodyOf, refusalOf } from './outcome.ts';
import { randomOf, type Session } from './session.ts';

/** A password, and what this device does with it. */
export interface LoginOptions {
  readonly password: string;
  /** What this device is ready to compute; the bounds of spec/limits.md unless told. */
  readonly stretchBounds?: StretchBounds | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An attempt that was charged, and what the vault answered to it. */
export interface Attempt {
  readonly statement: Statement;
  readonly started: RecoverStarted;
}

/** An attempt whose password is right, as the vault will find too. */
export interface Login extends Attempt {
  readonly ke1: Bytes;
  readonly ke3: Bytes;
  /** 64 bytes; wiped when `use` has ended. */
  readonly exportKey: Bytes;
}

/** Asks for the attempt of a KE1. */
export type StartAttempt = (ke1: Bytes) => Promise<Attempt>;

/** How an attempt starts where nothing else is asked for with it. */
function startWith(session: Session, signal: AbortSignal | undefined): StartAttempt {
  return async (ke1) => {
    const statement = await session.ask('recover-start', RecoverStart, { ke1 }, { signal });
    return { statement, started: bodyOf(RecoverStarted, statement) };
  };
}

/**
 * Starts an attempt, finds out whether the password is right, and gives it to `use`.
 *
 * @throws StrongroomError `invalid-password` (nothing was charged), `wrong-password` with `details.remaining`,
 * `not-registered`, `try-later` with `details.retryAfter`, `destroyed`, `stretch-out-of-bounds`,
 * `server-authentication-failed`, and every code of `Session.ask`
 */
export async function withLogin<T>(
  session: Session,
  options: LoginOptions,
  use: (login: Login) => Promise<T>,
  start: StartAttempt = startWith(session, options.signal),
): Promise<T> {
  const password = preparePassword(options.password);
  const suite = await sodiumSuite();
  const { ke1, state } = startLoginWith(randomOf(session), suite, password);
  try {
    const attempt = await start(ke1);
    checkStretch(attempt.started.stretch, options.stretchBounds);
    const { ke3, exportKey, sessionKey } = await logIn(session, suite, state, attempt, options.signal);
    wipe(sessionKey);
    try {
      return await use({ ...attempt, ke1, ke3, exportKey });
    } finally {
      wipe(exportKey);
    }
  } finally {
    wipe(password, state.password, state.blind, state.keyshareSecret);
  }
}

/** KE2 to KE3. Whether the password is right is known here, before the vault knows. */
async function logIn(
  session: Session,
  suite: Suite,
  state: LoginState,
  attempt: Attempt,
  signal: AbortSignal | undefined,
): Promise<LoggedIn> {
  const { oprfKeyId, opaqueKeyId, stretch, ke2 } = attempt.started;
  const key = opaqueKey(session.descriptor, oprfKeyId, opaqueKeyId);
  const context = opaqueContext({ suite: session.descriptor.opaqueSuite, oprfKeyId, opaqueKeyId, stretch });
  try {
    return await finishLogin({
      suite,
      state,
      ke2,
      context,
      serverPublicKey: key.publicKey,
      stretch: argon2idStretch(stretch),
    });
  } catch (error) {
    if (!isStrongroomError(error, 'wrong-password')) throw error;
    const dummy = randomOf(session)('dummy_ke3', hashLength(suite));
    throw await wrongPassword(session, state.ke1, attempt, dummy, signal);
  }
}

/**
 * Ends an attempt whose password is wrong with a KE3 that proves nothing, so that relay and store see what they see
 * after a right one. What is left is the vault's signed word: of this answer, or else of the one before.
 */
async function wrongPassword(
  session: Session,
  ke1: Bytes,
  { statement, started }: Attempt,
  ke3: Bytes,
  signal: AbortSignal | undefined,
): Promise<StrongroomError> {
  const body = { ke1, attemptId: started.attemptId, ke3, acknowledged: 0 };
  let last: Statement;
  try {
    last = await session.ask('recover-finish', RecoverFinish, body, { signal });
  } catch (error) {
    if (!isStrongroomError(error)) throw error;
    last = statement;
  }
  return refusalOf(last.outcome === 'destroyed' ? last : { ...last, outcome: 'wrong-password' });
}
