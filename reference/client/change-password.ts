/**
 * A new password for the same backup key (spec/client.md, "A new password"): the old registration ends in the commit
 * that begins the new one.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { Registered, type Outcome, type RegisterStarted, type Report } from '../exchange/answer.ts';
import { ChangeFinish, ChangeStart, ChangeStarted } from '../exchange/change.ts';
import { GetHead, KeptHead } from '../exchange/heads.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { startRegistrationWith } from '../opaque/client.ts';
import { preparePassword, sodiumSuite } from '../opaque/index.ts';
import { checkStretch } from '../opaque/stretch.ts';
import { wipe } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { journalOf, type Changing, type Journal } from './journal.ts';
import { withLogin, type Login, type LoginOptions, type StartAttempt } from './login.ts';
import { bodyOf } from './outcome.ts';
import { ownerProof } from './proof.ts';
import { recover } from './recover.ts';
import { unfinished } from './register.ts';
import { checkBudget, checkHash, makeRegistration, receiptOf, sha256, type Receipt } from './registration.ts';
import { randomOf, type Session } from './session.ts';

/** How to change the password. */
export interface ChangePasswordOptions extends LoginOptions {
  /** The present password is `password`. */
  readonly newPassword: string;
  /** The registered key, if the device has it; otherwise it is recovered first, with the present password. */
  readonly key?: BackupKey | undefined;
  /** Wrong passwords until the key is destroyed, 1 to 100; as before unless told. */
  readonly budget?: number | undefined;
}

/** What a change of the password brings. */
export interface PasswordChange extends Receipt {
  /** Wrong attempts that the owner was not shown yet. */
  readonly report: Report;
}

/**
 * Changes the password. Until the vault's receipt is there the journal holds what was sent, and `resumeRegistration`
 * finds out, by sending it again, which password is the one.
 *
 * @throws StrongroomError `registration-unfinished`, `invalid-password` (nothing was charged), `not-authorised` if `key`
 * is not the registered one, `conflict` if something else has changed the account, those of `recover`, and every code
 * of `Session.ask`
 */
export async function changePassword(
  session: Session,
  options: ChangePasswordOptions,
): Promise<PasswordChange> {
  const journal = journalOf(session);
  if ((await journal.read()) !== undefined) throw unfinished();
  checkBudget(session, options.budget ?? 0);
  checkStretch(session.descriptor.policy.stretch, options.stretchBounds);
  const newPassword = preparePassword(options.newPassword);
  try {
    if (options.key !== undefined) {
      await checkRegistered(session, options.key, options.signal);
      return await change(session, journal, options, options.key, newPassword);
    }
    const { key } = await recover(session, options);
    try {
      return await change(session, journal, options, key, newPassword);
    } finally {
      key.wipe();
    }
  } finally {
    wipe(newPassword);
  }
}

/** A key that is not the registered one would be put in its place. Only who has that one is given the head. */
async function checkRegistered(
  session: Session,
  key: BackupKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  const proof = ownerProof(session, key, 'get-head', encode(GetHead, {}));
  bodyOf(KeptHead, await session.ask('get-head', GetHead, {}, { proof, signal }));
}

async function change(
  session: Session,
  journal: Journal,
  options: ChangePasswordOptions,
  key: BackupKey,
  newPassword: Uint8Array,
): Promise<PasswordChange> {
  const { signal } = options;
  const suite = await sodiumSuite();
  const { request, state } = startRegistrationWith(randomOf(session), suite, newPassword);
  let registration: RegisterStarted | undefined;
  const start: StartAttempt = async (ke1) => {
    const body = { ke1, registrationRequest: request };
    const statement = await session.ask('change-start', ChangeStart, body, { signal });
    const started = bodyOf(ChangeStarted, statement);
    registration = started.registration;
    return { statement, started: started.attempt };
  };
  const finish = async (login: Login): Promise<PasswordChange> => {
    if (registration === undefined) throw new TypeError('nothing was started');
    const made = await makeRegistration(session, suite, key, state, registration);
    const { budget: present } = login.statement;
    const budget = options.budget ?? Math.min(present, session.descriptor.policy.maxBudget);
    const { report: acknowledged } = session.state.account(session.account);
    const { ke1, ke3, started } = login;
    const { attemptId } = started;
    const bytes = encode(ChangeFinish, { ke1, attemptId, ke3, acknowledged, ...made, budget });
    const entry: Changing = { step: 'changing', generation: registration.generation, finish: bytes };
    await journal.write(entry);
    return finishChange(session, journal, entry, signal);
  };
  try {
    return await withLogin(session, options, finish, start);
  } finally {
    wipe(state.password, state.blind);
  }
}

/** Refusals of a change after which the same bytes never take effect. */
const FINAL: ReadonlySet<Outcome> = new Set<Outcome>([
  'conflict',
  'wrong-password',
  'not-registered',
  'destroyed',
  'malformed',
]);

/** Sends the change, and erases the journal when the vault has decided on it. */
export async function finishChange(
  session: Session,
  journal: Journal,
  entry: Changing,
  signal: AbortSignal | undefined,
): Promise<PasswordChange> {
  const recordHash = sha256(entry.finish);
  const body = decode(ChangeFinish, entry.finish);
  const answer = await session.ask('change-finish', ChangeFinish, body, { signal });
  if (FINAL.has(answer.outcome) && answer.stateVersion > 0) await journal.erase();
  if (answer.outcome === 'conflict') {
    throw new StrongroomError('conflict', 'the new password did not take effect, or was replaced since');
  }
  checkHash(bodyOf(Registered, answer), recordHash);
  const receipt = receiptOf(answer, entry.generation, recordHash);
  await journal.erase();
  return { ...receipt, report: answer.report };
}
