/**
 * The client of the reference implementation, run end to end against an address.
 *
 * @module
 */
import {
  BackupKey,
  accountStatus,
  cancelScheduled,
  changePassword,
  connect,
  deleteAccount,
  folderKeeper,
  httpTransport,
  recover,
  register,
  resumeRegistration,
  vaultHeadStore,
  type ConfirmOptions,
  type Credential,
  type Session,
} from '../../reference/client/index.ts';
import { StrongroomError } from '../../reference/errors.ts';
import { DEFAULT_STRETCH_BOUNDS, type StretchBounds } from '../../reference/opaque/index.ts';
import { fromHex, hex } from '../../reference/wire/bytes.ts';
import type { Value } from '../schema/vector.ts';
import { Unsupported, type Operation, type Params } from './serve.ts';

/** Bounds with the floor that the runner asks for. */
function bounds(params: Params): StretchBounds {
  const floor = params.object('stretchFloor');
  return {
    floor: {
      iterations: floor.number('iterations'),
      memoryKib: floor.number('memoryKib'),
      parallelism: floor.number('parallelism'),
    },
    ceiling: DEFAULT_STRETCH_BOUNDS.ceiling,
  };
}

/** What proves a request: the key, or the password. */
function credentialOf(params: Params): Credential {
  if (params.textOr('proof', 'key') === 'key') return { key: BackupKey.fromBytes(params.bytes('backupKey')) };
  return { password: params.text('password'), stretchBounds: bounds(params) };
}

/** Making older backups readable, as the runner wants it to go. */
function preparation(params: Params): ConfirmOptions {
  const prepare = params.textOr('prepare', '');
  if (prepare === '') return {};
  return {
    beforeConfirm: async () => {
      if (prepare === 'fails') throw new StrongroomError('object-missing', 'the runner wants this to fail');
    },
  };
}

type Command = (session: Session, params: Params) => Promise<Record<string, Value>>;

const COMMANDS: Readonly<Record<string, Command>> = {
  async status(session) {
    const { remaining, phase } = await accountStatus(session);
    return { remaining, phase };
  },
  async register(session, params) {
    const { generation, remaining } = await register(session, {
      key: BackupKey.fromBytes(params.bytes('backupKey')),
      password: params.text('password'),
      stretchBounds: bounds(params),
      unproved: params.textOr('proof', 'key') === 'none',
      ...preparation(params),
    });
    return { generation, remaining };
  },
  async recover(session, params) {
    const options = { password: params.text('password'), stretchBounds: bounds(params) };
    const { key, remaining } = await recover(session, options);
    return { backupKey: hex(key.bytes()), remaining };
  },
  async delete(session, params) {
    const proved = params.textOr('proof', 'key') !== 'none';
    await deleteAccount(session, proved ? { credential: credentialOf(params) } : {});
    return {};
  },
  async cancel(session, params) {
    await cancelScheduled(session, { credential: credentialOf(params) });
    return {};
  },
  async 'change-password'(session, params) {
    const { remaining } = await changePassword(session, {
      password: params.text('password'),
      newPassword: params.text('newPassword'),
      stretchBounds: bounds(params),
      ...(params.textOr('proof', 'key') === 'key' && { key: BackupKey.fromBytes(params.bytes('backupKey')) }),
    });
    return { remaining };
  },
  async resume(session, params) {
    const { remaining } = await resumeRegistration(session, preparation(params));
    return { remaining };
  },
  async 'get-head'(session, params) {
    const store = vaultHeadStore(session, BackupKey.fromBytes(params.bytes('backupKey')));
    const head = await store.get();
    return { head: head === undefined ? null : hex(head) };
  },
  async 'put-head'(session, params) {
    const store = vaultHeadStore(session, BackupKey.fromBytes(params.bytes('backupKey')));
    const previous = params.textOr('previous', '');
    await store.put(params.bytes('head'), previous === '' ? undefined : fromHex(previous));
    return {};
  },
};

const run: Operation = async (params) => {
  const name = params.text('command');
  const command = COMMANDS[name];
  if (command === undefined) throw new Unsupported(`command ${name}`);
  const pins = params.object('pins');
  const session = await connect({
    transport: httpTransport(params.text('url'), { timeout: params.number('timeout') }),
    pins: {
      fleetId: pins.bytes('fleetId'),
      signers: pins.texts('signers').map((text) => new Uint8Array(Buffer.from(text, 'hex'))),
      threshold: pins.number('threshold'),
    },
    account: params.text('account'),
    keeper: folderKeeper(params.text('state')),
    retryDelays: [20, 20],
  });
  const result = await command(session, params);
  return { ...result, scheduled: session.scheduled?.change ?? 'none' };
};

/** Operations of the client. */
export const clientOperations: Readonly<Record<string, Operation>> = { 'client.run': run };
