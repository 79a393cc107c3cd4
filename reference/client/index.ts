/**
 * The client of a Backup Key Vault (spec/client.md): register a key behind a password, and get it back.
 *
 * @module
 */
export { BackupKey } from '../keys/backup-key.ts';
export { changePassword, type ChangePasswordOptions, type PasswordChange } from './change-password.ts';
export {
  cancelScheduled,
  deleteAccount,
  type CancelOptions,
  type DeleteOptions,
  type Deletion,
} from './delete.ts';
export { vaultHeadStore } from './head.ts';
export { folderKeeper, memoryKeeper, type Keeper } from './keeper.ts';
export { formatPins, parsePins, type Pins } from './pins.ts';
export type { LoginOptions } from './login.ts';
export type { Credential } from './proof.ts';
export { acknowledge, recover, type Recovered, type RecoverOptions } from './recover.ts';
export { register, type ConfirmOptions, type Registration, type RegisterOptions } from './register.ts';
export type { Receipt } from './registration.ts';
export {
  abandonRegistration,
  resumeRegistration,
  unfinishedRegistration,
  type Unfinished,
} from './resume.ts';
export type { Scheduled } from './scheduled.ts';
export { connect, type ConnectOptions, type Session } from './session.ts';
export { accountStatus, type AccountStatus } from './status.ts';
export { httpTransport, type HttpOptions, type Transport } from './transport.ts';
