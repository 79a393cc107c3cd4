/**
 * Sealing a manifest (spec/backup.md, "Writing a set", step 5).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { copy, type Bytes } from '../wire/bytes.ts';
import type { Commitments, Manifest } from './manifest.ts';
import { manifestContent } from './manifest-content.ts';
import { discardQuietly, ObjectWriter, type Sealing } from './object-writer.ts';
import type { Pacer } from './objects.ts';

/** Both copies of a manifest: durable, but still without their names. */
export interface SealedManifest {
  readonly copies: readonly ObjectWriter[];
  readonly commitments: Commitments;
  /** SHA-256 of the content, 32 bytes. */
  readonly id: Bytes;
}

/**
 * Seals both copies of a manifest at the same time: their headers are made first, for the content names them.
 *
 * @throws StrongroomError `cancelled`, `limit-exceeded`, `bad-manifest`, and the faults of the storage
 */
export async function sealManifest(
  sealing: Sealing,
  pacer: Pacer,
  manifest: Omit<Manifest, 'commitments'>,
): Promise<SealedManifest> {
  const copies: ObjectWriter[] = [];
  try {
    const first = await ObjectWriter.begin(sealing, 'manifest');
    copies.push(first);
    const second = await ObjectWriter.begin(sealing, 'manifest');
    copies.push(second);
    const commitments = [first.commitment, second.commitment] as const;
    const hash = createHash('sha256');
    for (const content of manifestContent({ ...manifest, commitments })) {
      hash.update(content);
      for (const each of copies) await each.write(content);
      await pacer.pace();
    }
    for (const each of copies) await each.end();
    await Promise.all(copies.map(async ({ upload }) => upload.sync()));
    return { copies, commitments, id: copy(hash.digest()) };
  } catch (error) {
    for (const { upload } of copies) await discardQuietly(upload);
    throw error;
  }
}
