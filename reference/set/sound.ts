/**
 * Whether a stored object is still whole (spec/backup.md, "Checking what is used again").
 *
 * @module
 */
import { Opener, type HeaderInfo } from '../container/index.ts';
import { isStrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { ObjectKey } from '../keys/object-key.ts';
import { equal } from '../wire/bytes.ts';
import type { ObjectReference } from './manifest.ts';
import { isFatal } from './newest.ts';
import { mismatch, readObject, type Pacer } from './objects.ts';
import { storageName, type Storage } from './storage.ts';

/** True if the object that a manifest names can be read to its end. @throws StrongroomError `cancelled` */
export async function isSound(
  storage: Storage,
  key: BackupKey | ObjectKey,
  { commitment, length, contentLength }: ObjectReference,
  pacer: Pacer,
): Promise<boolean> {
  const name = storageName(commitment);
  const accept = (header: HeaderInfo): void => {
    if (!equal(header.commitment, commitment)) throw mismatch(name, 'another object than in the manifest');
  };
  const opener = new Opener({ key, objectLength: length });
  try {
    for await (const piece of readObject(storage, name, accept)) {
      await pacer.pace();
      opener.update(piece);
    }
    return opener.final().contentLength === contentLength;
  } catch (error) {
    if (!isStrongroomError(error) || isFatal(error.code)) throw error;
    return false;
  }
}
