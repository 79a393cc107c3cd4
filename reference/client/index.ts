/**
 * The client of a Backup Key Vault (spec/client.md): register a key behind a password, and get it back.
 *
 * @module
 */
export { BackupKey } from '../keys/backup-key.ts';
export { folderKeeper, memoryKeeper, type Keeper } from './keeper.ts';
export { formatPins, parsePins, type Pins } from './pins.ts';
export { acknowledge, recover, type Recovered, type RecoverOptions } from './recover.ts';
export {
  abandonRegistration,
  register,
  resumeRegistration,
  unfinishedRegistration,
  type Registration,
  type RegisterOptions,
  type Unfinished,
} from './register.ts';
export { connect, type ConnectOptions, type Session } from './session.ts';
export { accountStatus, type AccountStatus } from './status.ts';
export { httpTransport, type HttpOptions, type Transport } from './transport.ts';
