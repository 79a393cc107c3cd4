/**
 * The account at a vault: `strongroom register`, `recover` and `status`.
 *
 * @module
 */
import {
  abandonRegistration,
  accountStatus,
  acknowledge,
  recover,
  register,
  resumeRegistration,
  unfinishedRegistration,
  vaultHeadStore,
  type Recovered,
  type Registration,
  type Session,
  type Unfinished,
} from '../client/index.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { HeadStore } from '../set/head-store.ts';
import type { Storage } from '../set/storage.ts';
import { hex } from '../wire/bytes.ts';
import { commandFor, print, VAULT_ACCOUNT_OPTIONS, withSession } from './account-session.ts';
import { wholeNumber, type Command, type Invocation } from './command.ts';
import { keyFile } from './key.ts';
import { counted } from './progress.ts';
import { storageIn, warn } from './report.ts';
import {
  askKey,
  askNewPassword,
  askPassword,
  KEY_OPTIONS,
  PASSWORD_OPTIONS,
  PREVIOUS_KEY_OPTIONS,
  previousKey,
} from './secrets.ts';

/** Prints a receipt, or when there will be one. */
export function printRegistration(
  invocation: Invocation,
  session: Session,
  { generation, recordHash, budget, remaining, scheduled }: Registration,
): void {
  const record = hex(recordHash);
  if (scheduled === undefined) {
    return print(invocation, session, { generation, attempts: remaining, budget, record });
  }
  print(invocation, session, { generation, record });
  process.stderr.write(
    `the old registration stays until then; when the time has come: ${commandFor(invocation, 'register --resume')}\n`,
  );
}

/** The vault as keeper of the head, if it keeps one of this account. */
async function keptHead(
  session: Session,
  previous: BackupKey,
  signal: AbortSignal,
): Promise<{ readonly head?: HeadStore }> {
  const head = vaultHeadStore(session, previous, { signal });
  try {
    return (await head.get()) === undefined ? {} : { head };
  } catch (error) {
    const isNone = isStrongroomError(error, 'not-authorised') || isStrongroomError(error, 'not-registered');
    if (isNone) return {};
    throw error;
  }
}

/** Brings the set of a storage, and its head at the vault, under the key that is to be registered. */
async function rekeyBackup(
  { signal }: Invocation,
  session: Session,
  storage: Storage,
  { key, previous }: { readonly key: BackupKey; readonly previous: BackupKey },
): Promise<void> {
  const { rekey } = await import('../set/rekey.ts');
  const head = await keptHead(session, previous, signal);
  const { generation, headFault } = await rekey(storage, previous, key, { signal, ...head });
  if (headFault !== undefined) throw new StrongroomError(headFault, 'the head could not be put');
  process.stderr.write(`backup ${generation} is under the new key\n`);
}

/** What `--backup` asks for before the key of `keyOf` is confirmed. */
async function beforeConfirm(
  invocation: Invocation,
  session: Session,
  keyOf: () => Promise<BackupKey>,
  previous: BackupKey | undefined,
): Promise<{ readonly beforeConfirm?: () => Promise<void> }> {
  const folder = invocation.option('backup');
  if (folder === undefined) return {};
  if (previous === undefined) {
    throw new StrongroomError(
      'usage',
      '--backup needs --previous-key-file: the key that the backups are under',
    );
  }
  const key = await keyOf();
  const storage = storageIn(folder);
  return { beforeConfirm: () => rekeyBackup(invocation, session, storage, { key, previous }) };
}

async function resume(invocation: Invocation, session: Session): Promise<void> {
  const { signal } = invocation;
  const previous = await previousKey(invocation);
  const keyOf = async (): Promise<BackupKey> => {
    const unfinished = await unfinishedRegistration(session);
    if (unfinished?.key === undefined) throw new StrongroomError('usage', 'no new key waits for its backup');
    return unfinished.key;
  };
  const hook = await beforeConfirm(invocation, session, keyOf, previous);
  const registration = await resumeRegistration(session, { signal, ...hook });
  printRegistration(invocation, session, registration);
  if (registration.scheduled !== undefined) {
    throw new StrongroomError('scheduled', 'the registration has not taken effect yet');
  }
}

const registerCommand: Command = {
  name: 'register',
  summary: 'Puts the backup key behind a password at a vault.',
  arguments: [],
  options: {
    ...VAULT_ACCOUNT_OPTIONS,
    ...KEY_OPTIONS,
    ...PASSWORD_OPTIONS,
    ...PREVIOUS_KEY_OPTIONS,
    backup: { value: 'folder', help: 'storage to bring under the new key before it is confirmed ("rekey")' },
    budget: { value: 'n', help: 'wrong passwords until the vault destroys the key, 1 to 100' },
    unproved: {
      help: 'replace a key that you no longer have; takes effect after a time, and can be cancelled',
    },
    resume: { help: 'finish what was cut off, or has waited; needs neither key nor password' },
    abandon: { help: 'forget what was cut off' },
  },
  notes: [
    'Every step is written down before it is sent. If it is cut off, run it again with --resume.',
    'For another password there is "change-password". To put another key in the place of the registered one, give that',
    'one too, and --backup; only if it is lost, --unproved.',
  ],
  examples: [
    'strongroom register --vault https://vault.example --pins pins.json --account me@example --key-file backup.key',
    'strongroom register --vault https://vault.example --pins pins.json --account me@example --key-file new.key --previous-key-file backup.key --backup /mnt/cloud',
    'strongroom register --vault https://vault.example --pins pins.json --account me@example --resume',
  ],
  run: (invocation) =>
    withSession(invocation, async (session) => {
      const { signal } = invocation;
      if (invocation.has('abandon')) return abandonRegistration(session);
      if (invocation.has('resume')) return resume(invocation, session);
      const budget = invocation.option('budget');
      const key = await askKey(invocation);
      const previous = await previousKey(invocation);
      const hook = await beforeConfirm(invocation, session, () => Promise.resolve(key), previous);
      const password = await askNewPassword(invocation);
      const registration = await register(session, {
        key,
        password,
        signal,
        unproved: invocation.has('unproved'),
        ...hook,
        ...(previous === undefined ? {} : { previousKey: previous }),
        ...(budget === undefined ? {} : { budget: wholeNumber('budget', budget, 100) }),
      });
      key.wipe();
      previous?.wipe();
      printRegistration(invocation, session, registration);
    }),
};

const recoverCommand: Command = {
  name: 'recover',
  summary: 'Gets the backup key back with the password.',
  arguments: [],
  options: {
    ...VAULT_ACCOUNT_OPTIONS,
    ...PASSWORD_OPTIONS,
    output: { value: 'file', help: 'write the key to a new file, mode 0600, and do not print it' },
  },
  notes: ['A wrong password is charged. When the budget is spent, the vault destroys the key.'],
  examples: [
    'strongroom recover --vault https://vault.example --pins pins.json --account me@example --output backup.key',
  ],
  run: (invocation) =>
    withSession(invocation, async (session) => {
      const { signal } = invocation;
      const output = invocation.option('output');
      // Opened before anything is charged: a full disk must not cost an attempt.
      const file = output === undefined ? undefined : await keyFile(output);
      let recovered: Recovered;
      try {
        recovered = await recover(session, { password: await askPassword(invocation), signal });
        await file?.save(recovered.key);
      } catch (error) {
        await file?.discard();
        throw error;
      }
      const { key, report, remaining, budget } = recovered;
      print(invocation, session, {
        attempts: remaining,
        budget,
        failed: report.failed,
        ...(output === undefined ? { key: key.recoveryKey() } : { file: output }),
      });
      key.wipe();
      warnOfFailed(report);
      await acknowledge(session, report);
    }),
};

/** Tells the owner of wrong passwords that were perhaps not the owner's. */
export function warnOfFailed({ failed }: { readonly failed: number }): void {
  if (failed === 0) return;
  const tried = counted(failed, 'wrong password was', 'wrong passwords were');
  warn(`${tried} tried since you were last told`);
}

const ENDED_BY: Readonly<Record<Unfinished['step'], string>> = {
  begun: 'register again, with the same key',
  finishing: 'register --resume',
  changing: 'change-password --resume',
};

const statusCommand: Command = {
  name: 'status',
  summary: 'Asks the vault how the account stands; charges nothing.',
  arguments: [],
  options: VAULT_ACCOUNT_OPTIONS,
  examples: ['strongroom status --vault https://vault.example --pins pins.json --account me@example'],
  run: (invocation) =>
    withSession(invocation, async (session) => {
      const unfinished = await unfinishedRegistration(session);
      unfinished?.key?.wipe();
      const status = await accountStatus(session, invocation);
      const { phase, generation, budget, remaining, retryAfter, report, erasedIn } = status;
      print(invocation, session, {
        phase,
        generation,
        attempts: remaining,
        budget,
        wait: retryAfter,
        failed: report.failed,
        ...(erasedIn === undefined ? {} : { erased: erasedIn }),
        ...(unfinished === undefined ? {} : { unfinished: ENDED_BY[unfinished.step] }),
      });
    }),
};

/** Commands about an account at a vault. */
export const ACCOUNT_COMMANDS: readonly Command[] = [registerCommand, recoverCommand, statusCommand];
