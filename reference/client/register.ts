/**
 * Putting the backup key behind a password (spec/client.md, "Registration"). Every step is journalled before it is
 * sent, so that a crash anywhere is finished by `resume` and strands nothing.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { Registered, RegisterStarted, StatusBody } from '../exchange/answer.ts';
import { RegisterConfirm, RegisterFinish, RegisterStart, Status, type Proof } from '../exchange/request.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { label } from '../keys/labels.ts';
import { startRegistrationWith } from '../opaque/client.ts';
import { preparePassword, sodiumSuite } from '../opaque/index.ts';
import { checkStretch, type StretchBounds } from '../opaque/stretch.ts';
import { concat, copy, equal, wipe, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { journalOf, type Finishing, type Journal } from './journal.ts';
import { bodyOf } from './outcome.ts';
import { ownerProof } from './proof.ts';
import { checkBudget, checkHash, makeRegistration, receiptOf, sha256, type Receipt } from './registration.ts';
import { scheduledIn, type Scheduled } from './scheduled.ts';
import { randomOf, type Session } from './session.ts';

/** What a registration needs before it may take the place of the old one. */
export interface ConfirmOptions {
  /**
   * Makes older backups readable with the new key, and verifies that they are (`rekey` does). Runs before the new
   * registration is confirmed, and again when it is resumed if it has failed.
   */
  readonly beforeConfirm?: (() => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How to register. */
export interface RegisterOptions extends ConfirmOptions {
  /** The key to keep. */
  readonly key: BackupKey;
  readonly password: string;
  /** Wrong passwords until the key is destroyed, 1 to 100; the vault's default unless told. */
  readonly budget?: number;
  /** The key that is registered now, if it is another one: it proves that the account may be changed. */
  readonly previousKey?: BackupKey;
  /** Who has neither the registered key nor its password: a live registration is replaced only after a time. */
  readonly unproved?: boolean;
  readonly stretchBounds?: StretchBounds;
}

/** The vault's signed word: the key is kept, or will be. */
export interface Registration extends Receipt {
  /** When it takes effect, if it waits: until then budget and attempts are those of the old one. */
  readonly scheduled: Scheduled | undefined;
}

/**
 * Registers a key: start, finish, confirm, and the receipt checked. What replaces a registration without proof is
 * scheduled: the journal stays, and `resume` gets the receipt when the time has come.
 *
 * @throws StrongroomError `registration-unfinished` if an earlier one was cut off after its record was sent, or is
 * scheduled; `scheduled` if another change is; `invalid-password`, `stretch-out-of-bounds`,
 * `server-authentication-failed`, `not-authorised`, `conflict`, what `beforeConfirm` throws, and every code of
 * `Session.ask`
 */
export async function register(session: Session, options: RegisterOptions): Promise<Registration> {
  const { signal, budget = 0 } = options;
  checkBudget(session, budget);
  const journal = journalOf(session);
  const earlier = await journal.read();
  checkStretch(session.descriptor.policy.stretch, options.stretchBounds);
  const password = preparePassword(options.password);
  const suite = await sodiumSuite();
  const key = options.key.bytes();
  try {
    if (earlier !== undefined && !(earlier.step === 'begun' && equal(earlier.key, key))) throw unfinished();
    await journal.write({ step: 'begun', key });
    const { request, state } = startRegistrationWith(randomOf(session), suite, password);
    const answer = await session.ask(
      'register-start',
      RegisterStart,
      { registrationRequest: request },
      { signal },
    );
    const started = bodyOf(RegisterStarted, answer);
    const made = await makeRegistration(session, suite, options.key, state, started);
    wipe(state.password, state.blind);
    const secret = randomOf(session)('confirm_secret', 32);
    const confirmHash = sha256(concat(label('confirm'), secret));
    const finish = encode(RegisterFinish, { ...made, confirmHash, budget });
    const { registrationId } = made;
    const confirm = encode(RegisterConfirm, { registrationId, secret, recordHash: sha256(finish) });
    const replaces = answer.phase === 'active' || answer.phase === 'last-chance';
    const entry: Finishing = {
      step: 'finishing',
      key: copy(key),
      finished: false,
      prepare: options.beforeConfirm !== undefined,
      generation: started.generation,
      finish,
      confirm,
      proof: replaces ? proofOf(session, options, confirm) : new Uint8Array(),
    };
    await journal.write(entry);
    return await finishRegistration(session, journal, entry, options);
  } finally {
    wipe(password, key);
  }
}

/** Something of this account is under way that has to come to its end first. */
export function unfinished(): StrongroomError {
  const message = 'an earlier registration, or change of the password, was cut off or waits';
  return new StrongroomError('registration-unfinished', message);
}

/** The signature under a confirmation that replaces a live key; empty where none is to be had. */
function proofOf(
  session: Session,
  { key, previousKey, unproved = false }: RegisterOptions,
  confirm: Bytes,
): Bytes {
  if (unproved) return new Uint8Array();
  return ownerProof(session, previousKey ?? key, 'register-confirm', confirm).signature;
}

/** Sends the record, then the confirmation, and checks the receipt (steps 8 to 12). */
export async function finishRegistration(
  session: Session,
  journal: Journal,
  begun: Finishing,
  { beforeConfirm, signal }: ConfirmOptions,
): Promise<Registration> {
  const recordHash = sha256(begun.finish);
  let entry = begun;
  if (!entry.finished) {
    const body = decode(RegisterFinish, entry.finish);
    const answer = await session.ask('register-finish', RegisterFinish, body, { signal });
    checkHash(bodyOf(Registered, answer), recordHash);
    entry = { ...entry, finished: true };
    await journal.write(entry);
  }
  if (entry.prepare) {
    if (beforeConfirm === undefined) {
      const message = 'the older backups have to be made readable with the new key first';
      throw new StrongroomError('registration-unfinished', message);
    }
    await beforeConfirm();
    entry = { ...entry, prepare: false };
    await journal.write(entry);
  }
  const registration = await confirm(session, entry, recordHash, signal);
  if (registration.scheduled === undefined) await journal.erase();
  return registration;
}

async function confirm(
  session: Session,
  entry: Finishing,
  recordHash: Bytes,
  signal: AbortSignal | undefined,
): Promise<Registration> {
  const unproved = entry.proof.length === 0;
  const proof: Proof = unproved ? { kind: 'none' } : { kind: 'owner', signature: entry.proof };
  const body = decode(RegisterConfirm, entry.confirm);
  const answer = await session.ask('register-confirm', RegisterConfirm, body, { proof, signal });
  if (answer.outcome === 'scheduled' && unproved) return whatWaits(session, entry, recordHash, signal);
  checkHash(bodyOf(Registered, answer), recordHash);
  return { ...receiptOf(answer, entry.generation, recordHash), scheduled: undefined };
}

/** `scheduled` does not say what is: that is found out, for it may be somebody else's change. */
async function whatWaits(
  session: Session,
  entry: Finishing,
  recordHash: Bytes,
  signal: AbortSignal | undefined,
): Promise<Registration> {
  const answer = await session.ask('status', Status, {}, { signal });
  const status = bodyOf(StatusBody, answer);
  if (equal(status.recordHash, recordHash)) return confirm(session, entry, recordHash, signal);
  const scheduled = scheduledIn(answer);
  if (scheduled === undefined || !equal(status.scheduledRecordHash, recordHash)) {
    const message = 'another change of the account waits, and this registration was not noted beside it';
    throw new StrongroomError('scheduled', message);
  }
  const { budget, remaining } = answer;
  return { generation: entry.generation, recordHash, budget, remaining, scheduled };
}
