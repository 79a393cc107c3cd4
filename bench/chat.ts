/**
 * A chat exported and imported: how long it takes, how much it shrinks, and the peak memory of a process that does only
 * that.
 *
 * @module
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateChat } from '../reference/chat/index.ts';
import { BackupKey } from '../reference/keys/backup-key.ts';
import type { Row } from './harness.ts';
import { run, STRONGROOM } from './processes.ts';

/** Bytes of everything in a folder. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((each) => each.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** A chat without media, so that what is measured is messages. */
export async function chat(messages: number): Promise<Row[]> {
  const base = mkdtempSync(join(tmpdir(), 'strongroom-bench-'));
  try {
    const [from, storage, to] = [join(base, 'chat'), join(base, 'storage'), join(base, 'imported')];
    await generateChat(from, { seed: 1, messages, media: 0 });
    const key = join(base, 'key');
    writeFileSync(key, BackupKey.generate().recoveryKey(), { mode: 0o600 });
    const strongroom = (name: string, output: string, ...args: string[]): ReturnType<typeof run> =>
      run({ name, output, command: [...STRONGROOM, 'chat', ...args, '--key-file', key] });
    const first = strongroom('export', storage, 'export', from, '--to', storage);
    const stored = sizeOf(storage);
    const again = strongroom('export again', storage, 'export', from, '--to', storage);
    const back = strongroom('import', to, 'import', '--from', storage, '--to', to);
    const section = `chat, ${messages} messages`;
    const row = (name: string, value: number, unit: string): Row => ({ section, name, value, unit });
    return [
      row('export', messages / first.wall, 'msg/s'),
      row('export again, nothing changed', messages / again.wall, 'msg/s'),
      row('import', messages / back.wall, 'msg/s'),
      row('export, peak memory', first.peak, 'MiB'),
      row('import, peak memory', back.peak, 'MiB'),
      row('database, bytes for one in the storage', sizeOf(from) / stored, 'x'),
    ];
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
