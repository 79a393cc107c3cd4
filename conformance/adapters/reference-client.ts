/**
 * The client of the reference implementation, run end to end against an address.
 *
 * @module
 */
import {
  BackupKey,
  accountStatus,
  connect,
  folderKeeper,
  httpTransport,
  recover,
  register,
} from '../../reference/client/index.ts';
import { DEFAULT_STRETCH_BOUNDS, type StretchBounds } from '../../reference/opaque/index.ts';
import { hex } from '../../reference/wire/bytes.ts';
import type { Operation, Params } from './serve.ts';

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

const run: Operation = async (params) => {
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
  const command = params.text('command');
  const password = params.textOr('password', '');
  const stretchBounds = bounds(params);
  if (command === 'status') {
    const { remaining, phase } = await accountStatus(session);
    return { remaining, phase };
  }
  if (command === 'register') {
    const key = BackupKey.fromBytes(params.bytes('backupKey'));
    const { generation, remaining } = await register(session, { key, password, stretchBounds });
    return { generation, remaining };
  }
  const { key, remaining } = await recover(session, { password, stretchBounds });
  return { backupKey: hex(key.bytes()), remaining };
};

/** Operations of the client. */
export const clientOperations: Readonly<Record<string, Operation>> = { 'client.run': run };
