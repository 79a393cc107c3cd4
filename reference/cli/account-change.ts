/**
 * Changes of an account at a vault: `strongroom change-password`, `delete` and `cancel`.
 *
 * @module
 */
import {
  abandonRegistration,
  acknowledge,
  cancelScheduled,
  changePassword,
  deleteAccount,
  resumeRegistration,
  type Credential,
} from '../client/index.ts';
import { StrongroomError } from '../errors.ts';
import { printRegistration, warnOfFailed } from './account.ts';
import { print, VAULT_ACCOUNT_OPTIONS, withSession } from './account-session.ts';
import { wholeNumber, type Command, type Invocation } from './command.ts';
import {
  askKey,
  askNewPassword,
  askPassword,
  isGiven,
  KEY_OPTIONS,
  NEW_PASSWORD_OPTIONS,
  PASSWORD_OPTIONS,
} from './secrets.ts';

/** The key if the options name one, else the password. */
async function credentialOf(invocation: Invocation): Promise<Credential> {
  if (!isGiven(invocation, 'key')) return { password: await askPassword(invocation) };
  if (isGiven(invocation, 'password')) {
    throw new StrongroomError('usage', 'give the key or the password, not both');
  }
  return { key: await askKey(invocation) };
}

const changePasswordCommand: Command = {
  name: 'change-password',
  summary: 'Puts the same backup key behind another password.',
  arguments: [],
  options: {
    ...VAULT_ACCOUNT_OPTIONS,
    ...PASSWORD_OPTIONS,
    ...NEW_PASSWORD_OPTIONS,
    ...KEY_OPTIONS,
    budget: { value: 'n', help: 'wrong passwords until the vault destroys the key; as before unless told' },
    resume: { help: 'find out what became of a change that was cut off; needs no password' },
    abandon: { help: 'forget a change that was cut off' },
  },
  notes: [
    'Both passwords are asked for. The backup and its key stay as they are; the old password ends when this ends. A',
    'wrong password is charged. If it is cut off, run it again with --resume: either password may be the valid one',
    'until then.',
  ],
  examples: [
    'strongroom change-password --vault https://vault.example --pins pins.json --account me@example',
    'strongroom change-password --vault https://vault.example --pins pins.json --account me@example --resume',
  ],
  run: (invocation) =>
    withSession(invocation, async (session) => {
      const { signal } = invocation;
      if (invocation.has('abandon')) return abandonRegistration(session);
      if (invocation.has('resume')) {
        return printRegistration(invocation, session, await resumeRegistration(session, { signal }));
      }
      const budget = invocation.option('budget');
      const key = isGiven(invocation, 'key') ? await askKey(invocation) : undefined;
      const password = await askPassword(invocation);
      const newPassword = await askNewPassword(invocation, 'new-password');
      const change = await changePassword(session, {
        password,
        newPassword,
        key,
        signal,
        ...(budget === undefined ? {} : { budget: wholeNumber('budget', budget, 100) }),
      });
      key?.wipe();
      printRegistration(invocation, session, { ...change, scheduled: undefined });
      warnOfFailed(change.report);
      await acknowledge(session, change.report);
    }),
};

const deleteCommand: Command = {
  name: 'delete',
  summary: 'Deletes the key of the account from the vault.',
  arguments: [],
  options: {
    ...VAULT_ACCOUNT_OPTIONS,
    ...KEY_OPTIONS,
    ...PASSWORD_OPTIONS,
    unproved: { help: 'without key and password; takes effect after a time, and can be cancelled' },
    yes: { help: 'you have the 64 digits, or need the backup no more' },
  },
  notes: [
    'The backup itself stays where it is. Without the vault only the 64 digits of the key restore it: "recover" first if',
    'you do not have them. With the key or the password the deletion takes effect at once and cannot be taken back.',
    'A wrong password is charged.',
  ],
  examples: [
    'strongroom delete --vault https://vault.example --pins pins.json --account me@example --key-file backup.key --yes',
    'strongroom delete --vault https://vault.example --pins pins.json --account me@example --unproved --yes',
  ],
  async run(invocation) {
    if (!invocation.has('yes')) {
      throw new StrongroomError(
        'usage',
        'after this only the 64 digits restore the backup; give --yes if you have them',
      );
    }
    const unproved = invocation.has('unproved');
    if (unproved && (isGiven(invocation, 'key') || isGiven(invocation, 'password'))) {
      throw new StrongroomError('usage', '--unproved takes neither key nor password');
    }
    await withSession(invocation, async (session) => {
      const credential = unproved ? undefined : await credentialOf(invocation);
      const { signal } = invocation;
      const { scheduled } = await deleteAccount(session, { credential, signal });
      print(invocation, session, { deleted: scheduled === undefined ? 'yes' : 'not yet' });
    });
  },
};

const cancelCommand: Command = {
  name: 'cancel',
  summary: 'Cancels a deletion or replacement of the key that is scheduled at the vault.',
  arguments: [],
  options: { ...VAULT_ACCOUNT_OPTIONS, ...KEY_OPTIONS, ...PASSWORD_OPTIONS },
  notes: [
    'It takes the key or the password that are registered now. A wrong password is charged. If you have not ordered the',
    'change, somebody else can speak for your account: see to that at the service.',
  ],
  examples: [
    'strongroom cancel --vault https://vault.example --pins pins.json --account me@example --key-file backup.key',
    'strongroom cancel --vault https://vault.example --pins pins.json --account me@example',
  ],
  run: (invocation) =>
    withSession(invocation, async (session) => {
      const credential = await credentialOf(invocation);
      const cancelled = await cancelScheduled(session, { credential, signal: invocation.signal });
      print(invocation, session, { cancelled: cancelled?.change ?? 'nothing' });
    }),
};

/** Commands that change an account at a vault. */
export const CHANGE_COMMANDS: readonly Command[] = [changePasswordCommand, deleteCommand, cancelCommand];
