/**
 * Opening from file to file (spec/container.md, "Reading"): the same content and the same error as any reader, in a
 * fraction of the time. The final chunk is read first, so that what is padding is known from the start.
 *
 * @module
 */
import { fstatSync } from 'node:fs';
import { chunkCipher, type ChunkCipher } from '../container/chunk.ts';
import { MAX_HEADER_LENGTH, parseHeader, type HeaderInfo } from '../container/header.ts';
import { divide, type Division } from '../container/layout.ts';
import { MAX_PLAINTEXT_LENGTH } from '../container/padding.ts';
import { checkArguments } from '../container/stream-key.ts';
import {
  badPadding,
  MIN_FINAL_LENGTH,
  openFinal,
  verifiedKey,
  type FinalChunk,
  type OpenOptions,
  type Verified,
} from '../container/verify.ts';
import { TAG_LENGTH } from '../crypto/engine.ts';
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import { copy, equal, wipe, type Bytes } from '../wire/bytes.ts';
import { guarded } from './faults.ts';
import { readAt, type FilePart } from './io.ts';
import { run, type RunOptions } from './run.ts';
import { blocksOf, UNIT_LENGTH, type OpenTask } from './task.ts';

/** What to open, where to, and how. */
export interface OpenFileOptions extends OpenOptions, RunOptions {
  /** The object, from its first byte to the end of the file. */
  readonly source: FilePart;
  /** Where the content goes; it counts only when the call is over. Without it everything is verified and nothing written. */
  readonly target?: FilePart;
  /** Prefix and commitment that the object must have. */
  readonly header?: { readonly prefix: Uint8Array; readonly commitment: Uint8Array };
  /** Length in bytes that the content must have. */
  readonly contentLength?: number;
}

/** An object that was verified whole. What was written is not synced. */
export interface OpenedFile extends Verified {
  /** With `tagKey`: the tags of the blocks of the content, 16 bytes each, one after the other. */
  readonly tags: Bytes | undefined;
}

/**
 * Opens the object in a file into another file, or verifies it, on as many threads as are worth it. Of several faults the one
 * is thrown that a reader from front to back meets first.
 *
 * @throws StrongroomError with any code of spec/container.md, "Reading"; `object-mismatch` if it is not the object that was
 *   asked for; with `subject` the name of a file: `disk-full`, `permission`, `io`
 */
export async function openFile(options: OpenFileOptions): Promise<OpenedFile> {
  const { source, target, tagKey } = options;
  checkArguments(options.key, options.context ?? new Uint8Array());
  const there = guarded(source.name, () => fstatSync(source.fd).size) - (source.offset ?? 0);
  const objectLength = options.objectLength ?? there;
  const header = headerOf(options, there, objectLength);
  const layout = { headerLength: header.length, chunkLog2: header.chunkLog2 };
  const division = divide(layout, Math.min(there, objectLength));
  const derived = verifiedKey(header, options);
  try {
    const cipher = chunkCipher({ ...derived, chunkLog2: header.chunkLog2 }, options.engine);
    const final = finalOf(options, cipher, division, there - objectLength);
    const { contentLength, content } = final instanceof StrongroomError ? nothing : final;
    const tags = tagKey && new Uint8Array(new SharedArrayBuffer(blocksOf(contentLength ?? 0) * TAG_LENGTH));
    const fullChunks = Math.min(division.fullChunks, mostChunks(cipher));
    const task: OpenTask = {
      kind: 'open',
      baseNonce: derived.baseNonce,
      layout,
      source,
      target,
      contentLength,
      fullChunks,
      finalContent: content,
      tags,
    };
    const units = Math.floor((fullChunks * cipher.chunkSize) / UNIT_LENGTH) + 1;
    const { badPadding: wrong } = await run(task, derived.key, units, options);
    if (final instanceof StrongroomError) throw final;
    if (wrong) throw badPadding();
    const { padding } = final;
    return { header, contentLength: final.contentLength, padding, objectLength, tags: tags && copy(tags) };
  } finally {
    wipe(derived.key, derived.baseNonce);
  }
}

const nothing = { contentLength: undefined, content: new Uint8Array() };

/** Steps 1 to 11. */
function headerOf({ source, header, engine }: OpenFileOptions, there: number, length: number): HeaderInfo {
  const start = new Uint8Array(Math.min(MAX_HEADER_LENGTH, Math.max(0, Math.min(there, length))));
  const parsed = parseHeader(start.subarray(0, readAt(source, start, 0)), engine);
  if (typeof parsed === 'number') throw endError(there - length);
  const same =
    header === undefined ||
    (equal(parsed.commitment, header.commitment) && equal(parsed.prefix, header.prefix));
  if (!same) throw error('object-mismatch', `${source.name} holds another object`, source.name);
  return parsed;
}

/** Steps 14 to 20 and part of 21, or the fault that counts once no chunk before the final one has any. */
function finalOf(
  options: OpenFileOptions,
  cipher: ChunkCipher,
  { fullChunks, finalAt, finalLength }: Division,
  excess: number,
): FinalChunk | StrongroomError {
  const { source } = options;
  if (fullChunks > mostChunks(cipher)) {
    return error('limit-exceeded', 'the object is longer than any object can be');
  }
  if (excess !== 0 || finalLength < MIN_FINAL_LENGTH) return endError(excess);
  const sealed = new Uint8Array(finalLength);
  if (readAt(source, sealed, finalAt) < finalLength) return endError(-1);
  try {
    const final = openFinal(cipher, fullChunks, sealed);
    const { contentLength = final.contentLength } = options;
    if (final.contentLength === contentLength) return final;
    return error('object-mismatch', `${source.name} has another length of content`, source.name);
  } catch (fault) {
    if (isStrongroomError(fault)) return fault;
    throw fault;
  }
}

/** So many full chunks an object has at most. */
function mostChunks({ chunkSize }: ChunkCipher): number {
  return Math.floor(MAX_PLAINTEXT_LENGTH / chunkSize);
}

/** What it is if `excess` bytes more are there than belong to the object, or fewer. */
function endError(excess: number): StrongroomError {
  return excess > 0
    ? error('trailing-data', 'bytes after the end of the object')
    : error('truncated', 'the file ends before the object does');
}

function error(code: ErrorCode, message: string, subject?: string): StrongroomError {
  return new StrongroomError(code, message, subject === undefined ? {} : { subject });
}
