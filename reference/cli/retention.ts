/**
 * Old backups and new keys: `strongroom prune` and `strongroom rekey`.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { StrongroomError } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { prune, rekey } from '../set/index.ts';
import { hex } from '../wire/bytes.ts';
import { wholeNumber, type Command, type Invocation } from './command.ts';
import { HEAD_OPTIONS, headOf } from './head.ts';
import { keyFile } from './key.ts';
import { counted, sizeOf } from './progress.ts';
import { FROM, JSON_OPTION, print, storageOf } from './report.ts';
import { askKey, KEY_OPTIONS, keyInFile } from './secrets.ts';

const pruneCommand: Command = {
  name: 'prune',
  summary: 'Removes all but the newest backups of a storage, and what interrupted ones have left.',
  arguments: [],
  options: {
    from: FROM,
    keep: { value: 'n', help: 'how many backups to keep, 1 or more' },
    ...KEY_OPTIONS,
    ...HEAD_OPTIONS,
    'dry-run': { help: 'only say what would be removed' },
    json: JSON_OPTION,
  },
  notes: [
    'What is kept stays whole, also if this is interrupted. Nothing is removed while a manifest cannot be read, and',
    'nothing of other keys ever.',
  ],
  examples: [
    'strongroom prune --from /mnt/cloud --keep 10 --key-file backup.key --dry-run',
    'strongroom prune --from /mnt/cloud --keep 10 --key-file backup.key',
  ],
  async run(invocation) {
    const storage = storageOf(invocation);
    const keep = wholeNumber('keep', invocation.required('keep'), 1_000_000);
    if (keep === 0) throw new StrongroomError('usage', '--keep takes 1 or more: 0 would remove every backup');
    const dryRun = invocation.has('dry-run');
    const key = await askKey(invocation);
    const report = await prune(storage, key, {
      keep,
      dryRun,
      signal: invocation.signal,
      ...(await headOf(invocation, key)),
    });
    key.wipe();
    const { setId, kept, dropped, removed, bytes } = report;
    const what = `${counted(dropped.length, 'backup')}, ${counted(removed.length, 'object')}, ${sizeOf(bytes)}`;
    print(
      invocation,
      { setId: hex(setId), kept, dropped, removed, bytes, dryRun },
      `${dryRun ? 'would remove' : 'removed'} ${what}; kept: ${kept.join(', ')}`,
    );
  },
};

/** The new key, in a file that is made if need be: it is durable before anything is sealed under it. */
async function newKey(invocation: Invocation): Promise<BackupKey> {
  const path = invocation.required('new-key-file');
  if (!existsSync(path)) {
    const made = BackupKey.generate();
    await (await keyFile(path)).save(made);
    made.wipe();
  }
  return keyInFile(path);
}

const rekeyCommand: Command = {
  name: 'rekey',
  summary: 'Goes on under a new backup key, which opens the newest backup and those before it.',
  arguments: [],
  options: {
    from: FROM,
    ...KEY_OPTIONS,
    'new-key-file': { value: 'file', help: 'file that holds the new recovery key; made if it is not there' },
    ...HEAD_OPTIONS,
    json: JSON_OPTION,
  },
  notes: [
    'Nothing is uploaded again. Keep the old key until this has ended with exit code 0; if it was cut off, run it',
    'again with both keys. Whoever has the old key can still read what was sealed under it.',
  ],
  examples: ['strongroom rekey --from /mnt/cloud --key-file backup.key --new-key-file new.key'],
  async run(invocation) {
    const storage = storageOf(invocation);
    const oldKey = await askKey(invocation);
    const key = await newKey(invocation);
    const { signal } = invocation;
    const result = await rekey(storage, oldKey, key, { signal, ...(await headOf(invocation, oldKey)) });
    oldKey.wipe();
    key.wipe();
    const { setId, generation, keyEpoch, entries, headFault } = result;
    if (headFault !== undefined) {
      throw new StrongroomError(
        headFault,
        'the new key opens the backup, but its head could not be put: keep the old key and run this again',
      );
    }
    print(
      invocation,
      { setId: hex(setId), generation, keyEpoch, entries },
      `backup ${generation} is under the new key (number ${keyEpoch}); the old key may be let go, after the new one is registered or written down`,
    );
  },
};

/** Commands about old backups and new keys. */
export const RETENTION_COMMANDS: readonly Command[] = [pruneCommand, rekeyCommand];
