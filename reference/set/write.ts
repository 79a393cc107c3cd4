/**
 * Sealing one file or one manifest into a storage (spec/set.md, "Writing a set").
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { inspect, MAX_CONTENT_LENGTH } from '../container/index.ts';
import { sealerWith } from '../container/writer.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { ErrorCode } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { errno, guarded } from './faults.ts';
import { MANIFEST_CHUNK_LOG2, manifestContent, type FileEntry, type Manifest } from './manifest.ts';
import { mediaId, type Pacer } from './objects.ts';
import { storageName, type Storage, type Upload } from './storage.ts';
import { modifiedOf, requireRealWay, skipCode } from './walk.ts';

/** What the sealing of every object of one backup has in common. */
export interface Writing {
  readonly random: RandomSource;
  readonly storage: Storage;
  readonly key: BackupKey;
  readonly pacer: Pacer;
  /** One buffer for all files: fresh memory costs more than the cipher. */
  readonly buffer: Bytes;
  /** Storage names of the objects that may have been committed. */
  readonly written: string[];
}

/** Number of the backup key in all that version 1 writes. */
export const KEY_EPOCH = 1;

/**
 * Seals a file and commits its object; `onBytes` is told of every piece.
 *
 * @returns its entry, or the code under which it is left out: `vanished`, `changed`, `permission`, `io`,
 *   `limit-exceeded`, `unsupported-file`
 * @throws StrongroomError `cancelled`, and the faults of the storage: `disk-full`, `permission`, `io`, `exists`
 */
export async function sealFile(
  writing: Writing,
  folder: string,
  path: string,
  onBytes: (length: number) => void,
): Promise<FileEntry | ErrorCode> {
  let fd;
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    // Should a link or a pipe have taken the place of the file, it is neither followed nor waited for.
    fd = openSync(join(folder, path), O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
  } catch (error) {
    return skipCode(error) ?? 'io';
  }
  try {
    return await sealOpened(writing, fd, folder, path, onBytes);
  } finally {
    closeSync(fd);
  }
}

async function sealOpened(
  writing: Writing,
  fd: number,
  folder: string,
  path: string,
  onBytes: (length: number) => void,
): Promise<FileEntry | ErrorCode> {
  const { random, storage, key, pacer, buffer, written } = writing;
  const before = guarded(path, () => fstatSync(fd, { bigint: true }));
  if (!before.isFile()) return 'changed';
  if (before.size > BigInt(MAX_CONTENT_LENGTH)) return 'limit-exceeded';
  const modified = modifiedOf(before);
  if (modified === undefined) return 'unsupported-file';
  const sealer = sealerWith(random, { key, type: 'blob' });
  const name = storageName(sealer.commitment);
  const upload = await storage.put(name);
  try {
    const hash = createHash('sha256');
    await upload.write([sealer.header]);
    let contentLength = 0;
    // One byte more than there should be is enough to know that the file grows.
    for (let left = Number(before.size) + 1; left > 0;) {
      const length = readSource(fd, buffer, left);
      if (typeof length === 'string') return length;
      if (length === 0) break;
      const content = buffer.subarray(0, length);
      hash.update(content);
      await writePieces(upload, sealer.feed(content));
      contentLength += length;
      left -= length;
      onBytes(length);
      await pacer.pace();
    }
    const change = changeOf(folder, path, before, contentLength);
    if (change !== undefined) return change;
    await writePieces(upload, sealer.finish());
    await upload.sync();
    written.push(name);
    await upload.commit();
    return {
      kind: 'file',
      path,
      mode: Number(before.mode & 0o777n),
      modified,
      contentLength,
      mediaId: mediaId(key, hash.digest()),
      objects: [
        {
          commitment: sealer.commitment,
          header: inspect(sealer.header).prefix,
          length: sealer.objectLength(contentLength),
          contentLength,
          volume: 1,
          volumes: 1,
          range: undefined,
          keyEpoch: KEY_EPOCH,
        },
      ],
    };
  } finally {
    await discardQuietly(upload);
  }
}

/** Reads on in the file that is backed up; a disk that fails costs this file and not the backup. */
function readSource(fd: number, buffer: Bytes, most: number): number | ErrorCode {
  try {
    return readSync(fd, buffer, 0, Math.min(buffer.length, most), null);
  } catch (error) {
    if (errno(error) === '') throw error;
    return 'io';
  }
}

/** What of a file must be the same before and after. Whoever sets the other time back cannot set `ctime`. */
const SAME = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const;

/** Why what was read is not what stands at the path, if it is not: another file, or another state of it. */
function changeOf(folder: string, path: string, before: BigIntStats, read: number): ErrorCode | undefined {
  try {
    const after = lstatSync(join(folder, path), { bigint: true });
    requireRealWay(folder, path);
    const same = before.size === BigInt(read) && SAME.every((each) => before[each] === after[each]);
    return same ? undefined : 'changed';
  } catch (error) {
    return skipCode(error) ?? 'io';
  }
}

/** One copy of the manifest: durable, but still without its name. */
export interface SealedManifest {
  readonly upload: Upload;
  /** 32 bytes. */
  readonly commitment: Bytes;
  /** SHA-256 of the content, 32 bytes. */
  readonly id: Bytes;
}

/** Seals one copy of a manifest. @throws StrongroomError `cancelled`, `limit-exceeded`, and the faults of the storage */
export async function sealManifest(writing: Writing, manifest: Manifest): Promise<SealedManifest> {
  const { random, storage, key, pacer } = writing;
  const sealer = sealerWith(random, { key, type: 'manifest', chunkLog2: MANIFEST_CHUNK_LOG2 });
  const upload = await storage.put(storageName(sealer.commitment));
  try {
    const hash = createHash('sha256');
    await upload.write([sealer.header]);
    for (const content of manifestContent(manifest)) {
      hash.update(content);
      await writePieces(upload, sealer.feed(content));
      await pacer.pace();
    }
    await writePieces(upload, sealer.finish());
    await upload.sync();
    return { upload, commitment: sealer.commitment, id: copy(hash.digest()) };
  } catch (error) {
    await discardQuietly(upload);
    throw error;
  }
}

async function writePieces(upload: Upload, pieces: Iterable<Bytes>): Promise<void> {
  for (const piece of pieces) {
    await upload.write([piece]);
    // Freed at once: leaving a chunk to the garbage collector costs more than encrypting it.
    if (piece.length > 4096 && piece.length === piece.buffer.byteLength) piece.buffer.transfer(0);
  }
}

/** Throws an upload away unless it was committed; the fault that led here is the one to report. */
export async function discardQuietly(upload: Upload): Promise<void> {
  try {
    await upload.discard();
  } catch {
    // A temporary file that stays harms nothing.
  }
}
