/**
 * Marks (spec/retention.md, "Beside a backup"): by what a backup that is under way sees that it must not go on.
 *
 * @module
 */
import { nodeEngine } from '../crypto/node.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { checkpointContent } from './checkpoint.ts';
import type { Manifest } from './manifest.ts';
import { discardQuietly, ObjectWriter } from './object-writer.ts';
import type { Storage } from './storage.ts';

/**
 * Puts a checkpoint that names nothing: a backup under this key that runs at the same time, and looks before its commit,
 * stops. @returns its storage name
 */
export async function putMark(
  random: RandomSource,
  storage: Storage,
  key: BackupKey,
  { setId, mediaKey, keyEpoch }: Pick<Manifest, 'setId' | 'mediaKey' | 'keyEpoch'>,
): Promise<string> {
  const sealing = { random, engine: nodeEngine, storage, key, keyEpoch };
  const writer = await ObjectWriter.begin(sealing, 'records');
  try {
    const content = checkpointContent({ setId, mediaKey, keyEpoch, objects: [], entries: [] });
    for (const piece of content) await writer.write(piece);
    await writer.end();
    await writer.upload.sync();
    await writer.upload.commit();
  } finally {
    await discardQuietly(writer.upload);
  }
  await storage.flush();
  return writer.name;
}
