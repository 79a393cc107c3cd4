/**
 * What a device does at its start with what was cut off (spec/client.md, "Registration" and "A new password").
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { wipe } from '../wire/bytes.ts';
import { finishChange } from './change-password.ts';
import { journalOf } from './journal.ts';
import { finishRegistration, type ConfirmOptions, type Registration } from './register.ts';
import type { Session } from './session.ts';

/** What was cut off, or waits. */
export interface Unfinished {
  /** `begun`: nothing is at the vault, register again with the same key. The others are ended by `resumeRegistration`. */
  readonly step: 'begun' | 'finishing' | 'changing';
  /** The key that is registered; it may be the only copy. A new password leaves the key as it is. */
  readonly key: BackupKey | undefined;
  /** True if `resumeRegistration` needs `beforeConfirm`. */
  readonly prepare: boolean;
}

/** What was cut off, if anything was. */
export async function unfinishedRegistration(session: Session): Promise<Unfinished | undefined> {
  const entry = await journalOf(session).read();
  if (entry === undefined) return undefined;
  if (entry.step === 'changing') return { step: entry.step, key: undefined, prepare: false };
  const key = BackupKey.fromBytes(entry.key);
  wipe(entry.key);
  return { step: entry.step, key, prepare: entry.step === 'finishing' && entry.prepare };
}

/**
 * Ends a registration, or a change of the password, that was cut off after its record was made: the same bytes are sent
 * again, and nothing else. A `conflict` says that another registration has taken its place.
 *
 * @throws StrongroomError `registration-unfinished` if `beforeConfirm` is needed; `conflict`, `not-authorised`, what
 * `beforeConfirm` throws, and every code of `Session.ask`
 */
export async function resumeRegistration(
  session: Session,
  options: ConfirmOptions = {},
): Promise<Registration> {
  const journal = journalOf(session);
  const entry = await journal.read();
  if (entry === undefined || entry.step === 'begun') {
    throw new StrongroomError('conflict', 'there is no registration to finish');
  }
  if (entry.step === 'changing') {
    const receipt = await finishChange(session, journal, entry, options.signal);
    return { ...receipt, scheduled: undefined };
  }
  try {
    return await finishRegistration(session, journal, entry, options);
  } finally {
    wipe(entry.key);
  }
}

/** Forgets what was cut off, and the key in its journal: the owner's decision, never the program's. */
export function abandonRegistration(session: Session): Promise<void> {
  return journalOf(session).erase();
}
