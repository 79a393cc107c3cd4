/**
 * Files that survive a power cut and that nobody else reads.
 *
 * @module
 */
import { open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { copy, type Bytes } from '../wire/bytes.ts';

/** Writes a new file with mode 0600, durably. @throws StrongroomError `state-exists` if there is one */
export async function createFile(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new StrongroomError('state-exists', `${path} exists`, { subject: path });
    throw error;
  });
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Reads a whole file. @throws StrongroomError `missing` (the code given) if there is none */
export async function readSecretFile(path: string, missing: ErrorCode): Promise<Bytes> {
  try {
    if (((await stat(path)).mode & 0o077) !== 0) {
      throw new StrongroomError('keys-exposed', `${path} is open to other users`, { subject: path });
    }
    return copy(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new StrongroomError(missing, `${path} is missing`, { subject: path });
    }
    throw error;
  }
}
