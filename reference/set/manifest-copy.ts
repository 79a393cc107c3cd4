/**
 * One copy of a manifest in a storage: its head, or all of it (spec/set.md, "Finding the newest manifest").
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { Opener, type HeaderInfo } from '../container/index.ts';
import { free } from '../crypto/memory.ts';
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { ObjectKey } from '../keys/object-key.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { MANIFEST_CHUNK_LOG2, type Entry, type Manifest, type WrappedKey } from './manifest.ts';
import { ManifestReader, type SetManifestHead } from './manifest-content.ts';
import { mismatch, readObject, type Pacer } from './objects.ts';
import { storageName, type Storage } from './storage.ts';

/**
 * Reads the head of a manifest from its first chunk, with the wrapped keys that stand there. `header` is that of another
 * read of the same object, and is not believed; `length` is that of the object in bytes.
 *
 * @throws StrongroomError `object-missing`, `object-mismatch`, any code of opening an object, and as {@link ManifestReader}
 */
export async function readManifestStart(
  storage: Storage,
  key: BackupKey,
  name: string,
  length: number,
  header: HeaderInfo,
): Promise<{ readonly head: SetManifestHead; readonly wrappedKeys: readonly WrappedKey[] }> {
  const firstChunk = header.length + 2 ** MANIFEST_CHUNK_LOG2 + 16;
  const opener = new Opener({ key });
  const reader = new ManifestReader();
  for await (const piece of readObject(storage, name, requireManifest, firstChunk)) {
    for (const content of opener.feed(piece)) reader.push(content);
  }
  if (length < firstChunk) {
    for (const piece of opener.final().rest) reader.push(piece);
    reader.finish();
  }
  return { head: headOf(reader, name), wrappedKeys: reader.wrappedKeys };
}

/**
 * Reads a manifest to its end. Without `keep`, all rules are checked and no entry is kept.
 *
 * @throws StrongroomError as {@link readManifestStart}; `cancelled`
 */
export async function readManifest(
  storage: Storage,
  key: BackupKey | ObjectKey,
  name: string,
  pacer: Pacer,
  keep: boolean,
): Promise<{ readonly manifest: Manifest; readonly id: Bytes }> {
  const opener = new Opener({ key });
  const reader = new ManifestReader();
  const hash = createHash('sha256');
  const entries: Entry[] = [];
  const take = (content: Bytes): void => {
    hash.update(content);
    for (const entry of reader.push(content)) if (keep) entries.push(entry);
    free(content);
  };
  for await (const piece of readObject(storage, name, requireManifest)) {
    await pacer.pace();
    for (const content of opener.feed(piece)) take(content);
  }
  for (const content of opener.final().rest) take(content);
  reader.finish();
  const { wrappedKeys, objects } = reader;
  return {
    manifest: { ...headOf(reader, name), wrappedKeys, objects, entries },
    id: copy(hash.digest()),
  };
}

function requireManifest({ type, chunkLog2, commitment }: HeaderInfo): void {
  const name = storageName(commitment);
  if (type !== 'manifest') throw mismatch(name, 'is no manifest');
  if (chunkLog2 === MANIFEST_CHUNK_LOG2) return;
  throw new StrongroomError('bad-manifest', `${name} has other chunks than a manifest`, { subject: name });
}

function headOf({ head }: ManifestReader, name: string): SetManifestHead {
  if (head !== undefined) return head;
  throw new StrongroomError('bad-manifest', 'no manifest head in the first chunk', { subject: name });
}
