/**
 * Putting the backup key behind a password (spec/client.md, "Registration"). Every step is journalled before it is
 * sent, so that a crash anywhere is finished by {@link resumeRegistration} and strands nothing.
 *
 * @module
 */
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import { Registered, RegisterStarted, type Statement } from '../exchange/answer.ts';
import {
  COMMANDS,
  OwnerStatement,
  RegisterConfirm,
  RegisterFinish,
  RegisterStart,
  type Proof,
} from '../exchange/request.ts';
import { registrationKey } from '../fleet/index.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { label } from '../keys/labels.ts';
import { ownerPublicKey, ownerSign } from '../keys/owner-key.ts';
import { finishRegistrationWith, startRegistrationWith } from '../opaque/client.ts';
import { preparePassword, sodiumSuite } from '../opaque/index.ts';
import { sealBackupKey } from '../opaque/sealed-key.ts';
import { argon2idStretch, checkStretch, type StretchBounds } from '../opaque/stretch.ts';
import { concat, copy, equal, wipe, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { Journal, type Finishing } from './journal.ts';
import { bodyOf } from './outcome.ts';
import { randomOf, type Session } from './session.ts';

/** How to register. */
export interface RegisterOptions {
  /** The key to keep. */
  readonly key: BackupKey;
  readonly password: string;
  /** Wrong passwords until the key is destroyed, 1 to 100; the vault's default unless told. */
  readonly budget?: number;
  /** The key that is registered now, if it is another one: it proves that the account may be changed. */
  readonly previousKey?: BackupKey;
  readonly stretchBounds?: StretchBounds;
  readonly signal?: AbortSignal;
}

/** The vault's signed word that the key is kept. */
export interface Registration {
  readonly generation: number;
  /** SHA-256 of the registered record, 32 bytes: `status` names it ever after. */
  readonly recordHash: Bytes;
  readonly budget: number;
  readonly remaining: number;
}

function sha256(...parts: readonly Uint8Array[]): Bytes {
  return nodeEngine.hash('sha256', concat(...parts));
}

function journalOf(session: Session): Journal {
  return new Journal(session.keeper, session.descriptor.fleetId, session.account);
}

/**
 * Registers a key: start, finish, confirm, and the receipt checked.
 *
 * @throws StrongroomError `registration-unfinished` if an earlier one was cut off after its record was sent,
 * `invalid-password`, `stretch-out-of-bounds`, `server-authentication-failed`, `not-authorised`, `conflict`, and
 * every code of `Session.ask`
 */
export async function register(session: Session, options: RegisterOptions): Promise<Registration> {
  const { signal } = options;
  const journal = journalOf(session);
  const earlier = await journal.read();
  checkStretch(session.descriptor.policy.stretch, options.stretchBounds);
  const password = preparePassword(options.password);
  const suite = await sodiumSuite();
  const key = options.key.bytes();
  try {
    if (earlier !== undefined && (earlier.step === 'finishing' || !equal(earlier.key, key)))
      throw unfinished();
    await journal.write({ step: 'begun', key });
    const { request, state } = startRegistrationWith(randomOf(session), suite, password);
    const answer = await session.ask(
      'register-start',
      RegisterStart,
      { registrationRequest: request },
      { signal },
    );
    const started = bodyOf(RegisterStarted, answer);
    const { oprfKeyId, opaqueKeyId } = started;
    const { publicKey } = registrationKey(session.descriptor, oprfKeyId, opaqueKeyId, session.now());
    const { record, exportKey } = await finishRegistrationWith(randomOf(session), {
      suite,
      state,
      response: started.registrationResponse,
      serverPublicKey: publicKey,
      stretch: argon2idStretch(session.descriptor.policy.stretch),
    });
    const entry = prepare(session, options, answer, started, { record, exportKey, key });
    wipe(exportKey, state.password, state.blind);
    await journal.write(entry);
    return await finish(session, journal, entry, signal);
  } finally {
    wipe(password, key);
  }
}

function unfinished(): StrongroomError {
  return new StrongroomError(
    'registration-unfinished',
    'an earlier registration of this account was cut off',
  );
}

/** Everything that is sent from here on, made once. */
function prepare(
  session: Session,
  { key: backupKey, previousKey, budget = 0 }: RegisterOptions,
  answer: Statement,
  { registrationId, generation }: RegisterStarted,
  made: { readonly record: Bytes; readonly exportKey: Bytes; readonly key: Bytes },
): Finishing {
  const { account, descriptor } = session;
  const { fleetId } = descriptor;
  const secret = randomOf(session)('confirm_secret', 32);
  const finish = encode(RegisterFinish, {
    registrationId,
    record: made.record,
    stretch: descriptor.policy.stretch,
    sealedKey: sealBackupKey(made.exportKey, made.key, { fleetId, account, generation }),
    confirmHash: sha256(label('confirm'), secret),
    ownerKey: ownerPublicKey(backupKey),
    budget,
  });
  const confirm = encode(RegisterConfirm, { registrationId, secret, recordHash: sha256(finish) });
  const replaces = answer.phase === 'active' || answer.phase === 'last-chance';
  const proof = replaces ? ownerProof(session, previousKey ?? backupKey, confirm) : new Uint8Array();
  return { step: 'finishing', finished: false, key: copy(made.key), generation, finish, confirm, proof };
}

/** The owner's signature under a confirmation that replaces a live key. */
function ownerProof({ account, descriptor }: Session, key: BackupKey, body: Bytes): Bytes {
  const statement = { fleetId: descriptor.fleetId, account, command: COMMANDS['register-confirm'], body };
  return ownerSign(key, concat(label('owner-statement'), encode(OwnerStatement, statement)));
}

/** Sends the record, then the confirmation, and checks the receipt. */
async function finish(
  session: Session,
  journal: Journal,
  entry: Finishing,
  signal: AbortSignal | undefined,
): Promise<Registration> {
  const recordHash = sha256(entry.finish);
  if (!entry.finished) {
    const body = decode(RegisterFinish, entry.finish);
    checkHash(
      bodyOf(Registered, await session.ask('register-finish', RegisterFinish, body, { signal })),
      recordHash,
    );
    await journal.write({ ...entry, finished: true });
  }
  const proof: Proof =
    entry.proof.length === 0 ? { kind: 'none' } : { kind: 'owner', signature: entry.proof };
  const confirm = decode(RegisterConfirm, entry.confirm);
  const receipt = await session.ask('register-confirm', RegisterConfirm, confirm, { proof, signal });
  checkHash(bodyOf(Registered, receipt), recordHash);
  if (receipt.phase !== 'active' || receipt.generation !== entry.generation) {
    throw new StrongroomError('bad-answer', 'the receipt speaks of another registration');
  }
  await journal.erase();
  return { generation: entry.generation, recordHash, budget: receipt.budget, remaining: receipt.remaining };
}

function checkHash(registered: Registered, expected: Bytes): void {
  if (!equal(registered.recordHash, expected)) {
    throw new StrongroomError('bad-answer', 'the vault has registered another record');
  }
}

/** A registration that was cut off. */
export interface Unfinished {
  /** The key that it is about; it may be the only copy. */
  readonly key: BackupKey;
  /** True if the record was made: {@link resumeRegistration} ends it without the password. */
  readonly resumable: boolean;
}

/** The registration that was cut off, if there is one. */
export async function unfinishedRegistration(session: Session): Promise<Unfinished | undefined> {
  const entry = await journalOf(session).read();
  if (entry === undefined) return undefined;
  const key = BackupKey.fromBytes(entry.key);
  wipe(entry.key);
  return { key, resumable: entry.step === 'finishing' };
}

/**
 * Ends a registration that was cut off after its record was made: the same bytes are sent again, and nothing else. A
 * `conflict` says that another registration has taken its place.
 *
 * @throws StrongroomError `conflict`, `not-authorised`, and every code of `Session.ask`
 */
export async function resumeRegistration(
  session: Session,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Registration> {
  const journal = journalOf(session);
  const entry = await journal.read();
  if (entry?.step !== 'finishing')
    throw new StrongroomError('conflict', 'there is no registration to finish');
  try {
    return await finish(session, journal, entry, options.signal);
  } finally {
    wipe(entry.key);
  }
}

/** Forgets a registration that was cut off, and the key in its journal: the owner's decision, never the program's. */
export function abandonRegistration(session: Session): Promise<void> {
  return journalOf(session).erase();
}
