/**
 * Files that survive a power cut and that nobody else reads.
 *
 * @module
 */
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { copy, type Bytes } from '../wire/bytes.ts';

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

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
  await syncFolder(dirname(path));
}

/** Replaces a file as a whole, durably; one writer at a time, which is the caller's to see to. */
export async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true }); // what a crash has left
  await createFile(fresh, content);
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

/**
 * Makes sure that a file is there and nobody else's to read.
 *
 * @throws StrongroomError `missing` (the code given) if there is none, `keys-exposed`
 */
export async function checkSecretFile(path: string, missing: ErrorCode): Promise<void> {
  const { mode } = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new StrongroomError(missing, `${path} is missing`, { subject: path });
    throw error;
  });
  if ((mode & 0o077) !== 0) {
    throw new StrongroomError('keys-exposed', `${path} is open to other users`, { subject: path });
  }
}

/** Reads a whole file. @throws StrongroomError those of {@link checkSecretFile} */
export async function readSecretFile(path: string, missing: ErrorCode): Promise<Bytes> {
  await checkSecretFile(path, missing);
  return copy(await readFile(path));
}
