/**
 * `strongroom key new` and `strongroom key show`.
 *
 * @module
 */
import { BackupKey } from '../keys/backup-key.ts';
import { utf8 } from '../wire/bytes.ts';
import type { Command } from './command.ts';
import { askKey, KEY_OPTIONS } from './secrets.ts';
import { fileOutput } from './streams.ts';

/** A new file for the 64 digits, readable by its owner alone. */
export interface KeyFile {
  save(key: BackupKey): Promise<void>;
  discard(): Promise<void>;
}

/** Prepares a key file; it appears when it is saved. @throws StrongroomError `exists` */
export async function keyFile(path: string): Promise<KeyFile> {
  const output = await fileOutput(path, { force: false, durable: true });
  return {
    async save(key) {
      try {
        await output.write(utf8(`${key.recoveryKey()}\n`));
        await output.commit();
      } catch (error) {
        await output.discard();
        throw error;
      }
    },
    discard: () => output.discard(),
  };
}

const keyNew: Command = {
  name: 'key new',
  summary: 'Makes a new backup key and prints, or keeps in a file, its 64 digits (the recovery key).',
  arguments: [],
  options: { output: { value: 'file', help: 'write it to a new file, mode 0600, and print nothing' } },
  notes: ['Whoever has the 64 digits reads the backup; without them, or a vault, nobody does.'],
  examples: ['strongroom key new --output backup.key', 'strongroom key new'],
  async run(invocation) {
    const key = BackupKey.generate();
    const out = invocation.option('output');
    if (out === undefined) process.stdout.write(`${key.recoveryKey()}\n`);
    else await (await keyFile(out)).save(key);
    key.wipe();
  },
};

const keyShow: Command = {
  name: 'key show',
  summary: 'Checks a recovery key and prints its 64 digits in groups, to be written down.',
  arguments: [],
  options: KEY_OPTIONS,
  examples: ['strongroom key show --key-file backup.key', 'strongroom key show'],
  async run(invocation) {
    const key = await askKey(invocation);
    process.stdout.write(`${key.recoveryKey()}\n`);
    key.wipe();
  },
};

/** Commands about the backup key. */
export const KEY_COMMANDS: readonly Command[] = [keyNew, keyShow];
