/**
 * Heads of sets of the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { BackupKey } from '../../reference/keys/backup-key.ts';
import { openHead } from '../../reference/set/head.ts';
import { hex } from '../../reference/wire/bytes.ts';
import type { Operation } from './serve.ts';

/** Operations of heads. */
export const freshnessOperations: Readonly<Record<string, Operation>> = {
  'head.open': (params) => {
    const key = BackupKey.fromBytes(params.bytes('key'));
    const { setId, generation, manifestId, created, keyEpoch } = openHead(key, params.bytes('head'));
    return { setId: hex(setId), generation, manifestId: hex(manifestId), created, keyEpoch };
  },
};
