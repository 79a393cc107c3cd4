/**
 * Writing backup sets with the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { BackupKey } from '../../reference/keys/backup-key.ts';
import { backup, DirectoryStorage, prune, rekey } from '../../reference/set/index.ts';
import type { Operation } from './serve.ts';

/** Operations of writers of sets. */
export const setWriterOperations: Readonly<Record<string, Operation>> = {
  'set.back-up': async (params) => {
    const { generation, skipped } = await backup(
      params.text('folder'),
      new DirectoryStorage(params.text('storage')),
      {
        key: BackupKey.fromBytes(params.bytes('key')),
        reread: params.has('reread'),
        check: params.has('check'),
        ...(params.has('volumeLength') && { volumeLength: params.number('volumeLength') }),
      },
    );
    const leftOut = skipped.map(({ path, code }) => ({ path, code }));
    return { generation, skipped: leftOut.sort((a, b) => (a.path < b.path ? -1 : 1)) };
  },
  'set.prune': async (params) => {
    const key = BackupKey.fromBytes(params.bytes('key'));
    const { kept, dropped } = await prune(new DirectoryStorage(params.text('storage')), key, {
      keep: params.number('keep'),
    });
    return { kept: [...kept], dropped: [...dropped] };
  },
  'set.rekey': async (params) => {
    const [oldKey, newKey] = [params.bytes('key'), params.bytes('newKey')].map((key) =>
      BackupKey.fromBytes(key),
    );
    if (oldKey === undefined || newKey === undefined) throw new TypeError('two keys');
    const { generation, keyEpoch } = await rekey(
      new DirectoryStorage(params.text('storage')),
      oldKey,
      newKey,
    );
    return { generation, keyEpoch };
  },
};
