/** What the tests of old generations and of new keys share: sets without folders, written and read in memory. */
import type { BackupKey } from '../keys/backup-key.ts';
import { utf8 } from '../wire/bytes.ts';
import { openBackup } from './backups.ts';
import type { Committed } from './generation.ts';
import { FileReader } from './file-reader.ts';
import { Pacer } from './objects.ts';
import { SetWriter, type SetWriterOptions } from './set-writer.ts';
import type { Storage } from './storage.ts';

/** Contents by path. */
export type Files = Readonly<Record<string, string>>;

/** Writes a generation that holds these files and nothing else. */
export async function writeFiles(
  storage: Storage,
  options: SetWriterOptions,
  files: Files,
): Promise<Committed> {
  const writer = await SetWriter.begin(storage, options);
  try {
    for (const [path, content] of Object.entries(files)) {
      const meta = { path, mode: 0o644, modified: { seconds: 1, nanoseconds: 0 } };
      await writer.file(meta, utf8(content));
    }
    return await writer.commit();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

/** All that a generation holds, the newest one or that of a copy of this name. */
export async function readFiles(storage: Storage, key: BackupKey, manifest?: string): Promise<Files> {
  const opened = await openBackup(storage, key, manifest === undefined ? {} : { manifest });
  const reader = new FileReader(storage, opened.key, opened.manifest, new Pacer(undefined));
  const files: Record<string, string> = {};
  for (const entry of opened.manifest.entries) {
    if (entry.kind !== 'file') continue;
    const pieces: string[] = [];
    await reader.read(entry, (content) => pieces.push(Buffer.from(content).toString()));
    files[entry.path] = pieces.join('');
  }
  return files;
}

/** Numbers by a seed, 0 to `below` − 1: the same in every run (Marsaglia's xorshift). */
export function numbersOf(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
