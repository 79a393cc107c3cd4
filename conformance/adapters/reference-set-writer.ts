/**
 * Writing backup sets with the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { BackupKey } from '../../reference/keys/backup-key.ts';
import { backup, DirectoryStorage, prune, rekey, type Upload } from '../../reference/set/index.ts';
import type { Operation } from './serve.ts';

/** A folder that stops whoever writes to it when it has got a number of objects. */
class StoppingStorage extends DirectoryStorage {
  readonly #stop: AbortController;
  #left: number;

  constructor(folder: string, count: number, stop: AbortController) {
    super(folder);
    this.#left = count;
    this.#stop = stop;
  }

  override put(name: string): Upload {
    const upload = super.put(name);
    const commit = upload.commit.bind(upload);
    upload.commit = async () => {
      await commit();
      if (--this.#left === 0) this.#stop.abort();
    };
    return upload;
  }
}

/** Operations of writers of sets. */
export const setWriterOperations: Readonly<Record<string, Operation>> = {
  'set.back-up': async (params) => {
    const stop = new AbortController();
    const folder = params.text('storage');
    const storage = params.has('cancelAfter')
      ? new StoppingStorage(folder, params.number('cancelAfter'), stop)
      : new DirectoryStorage(folder);
    const { generation, skipped } = await backup(params.text('folder'), storage, {
      key: BackupKey.fromBytes(params.bytes('key')),
      reread: params.has('reread'),
      check: params.has('check'),
      ...(params.has('volumeLength') && { volumeLength: params.number('volumeLength') }),
      signal: stop.signal,
    });
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
