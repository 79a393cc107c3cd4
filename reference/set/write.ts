/**
 * Sealing one file or one manifest into a storage (spec/set.md, "Writing a set").
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { inspect, MAX_CONTENT_LENGTH } from '../container/index.ts';
import { sealerWith, type Sealer } from '../container/writer.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { ErrorCode } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { errno, guarded } from './faults.ts';
import {
  MANIFEST_CHUNK_LOG2,
  type Commitments,
  type FileEntry,
  type Manifest,
  type ObjectReference,
} from './manifest.ts';
import { manifestContent } from './manifest-content.ts';
import { MediaHasher } from './media-id.ts';
import type { Pacer } from './objects.ts';
import { storageName, type Storage, type Upload } from './storage.ts';
import { modifiedOf, requireRealWay, skipCode } from './walk.ts';

/** What the sealing of every object of one backup has in common. */
export interface Writing {
  readonly random: RandomSource;
  readonly storage: Storage;
  readonly key: BackupKey;
  readonly keyEpoch: number;
  /** 32 bytes. */
  readonly mediaKey: Bytes;
  readonly pacer: Pacer;
  /** One buffer for all files: fresh memory costs more than the cipher. */
  readonly buffer: Bytes;
  /** Storage names of the objects that may have been committed. */
  readonly written: string[];
  /** What the manifest will name. */
  readonly objects: ObjectReference[];
}

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
  const { random, storage, key, keyEpoch, mediaKey, pacer, buffer, written, objects } = writing;
  const before = guarded(path, () => fstatSync(fd, { bigint: true }));
  if (!before.isFile()) return 'changed';
  if (before.size > BigInt(MAX_CONTENT_LENGTH)) return 'limit-exceeded';
  const modified = modifiedOf(before);
  if (modified === undefined) return 'unsupported-file';
  const sealer = sealerWith(random, { key, type: 'blob' });
  const name = storageName(sealer.commitment);
  const upload = await storage.put(name);
  try {
    const hasher = new MediaHasher(mediaKey);
    await upload.write([sealer.header]);
    let contentLength = 0;
    // One byte more than there should be is enough to know that the file grows.
    for (let left = Number(before.size) + 1; left > 0;) {
      const length = readSource(fd, buffer, left);
      if (typeof length === 'string') return length;
      if (length === 0) break;
      const content = buffer.subarray(0, length);
      hasher.update(content);
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
    objects.push({
      commitment: sealer.commitment,
      prefix: inspect(sealer.header).prefix,
      length: sealer.objectLength(contentLength),
      contentLength,
      keyEpoch,
    });
    return {
      kind: 'file',
      path,
      mode: Number(before.mode & 0o777n),
      modified,
      contentLength,
      mediaId: hasher.digest(),
      stamp: new Uint8Array(),
      parts: [{ object: objects.length - 1, range: undefined }],
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

/** Both copies of a manifest: durable, but still without their names. */
export interface SealedManifest {
  readonly uploads: readonly Upload[];
  readonly commitments: Commitments;
  /** SHA-256 of the content, 32 bytes. */
  readonly id: Bytes;
}

/**
 * Seals both copies of a manifest at the same time: their headers are made first, for the content names them.
 *
 * @throws StrongroomError `cancelled`, `limit-exceeded`, and the faults of the storage
 */
export async function sealManifest(
  writing: Writing,
  manifest: Omit<Manifest, 'commitments'>,
): Promise<SealedManifest> {
  const { random, storage, key, pacer } = writing;
  const make = (): Sealer => sealerWith(random, { key, type: 'manifest', chunkLog2: MANIFEST_CHUNK_LOG2 });
  const sealers = [make(), make()] as const;
  const commitments = [sealers[0].commitment, sealers[1].commitment] as const;
  const copies: (readonly [Sealer, Upload])[] = [];
  try {
    for (const sealer of sealers) {
      const upload = await storage.put(storageName(sealer.commitment));
      copies.push([sealer, upload]);
      await upload.write([sealer.header]);
    }
    const hash = createHash('sha256');
    for (const content of manifestContent({ ...manifest, commitments })) {
      hash.update(content);
      for (const [sealer, upload] of copies) await writePieces(upload, sealer.feed(content));
      await pacer.pace();
    }
    for (const [sealer, upload] of copies) {
      await writePieces(upload, sealer.finish());
      await upload.sync();
    }
    return { uploads: copies.map(([, upload]) => upload), commitments, id: copy(hash.digest()) };
  } catch (error) {
    for (const [, upload] of copies) await discardQuietly(upload);
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
