/**
 * The work on one object, cut into units that can be done in any order and by any thread: each reads at a place that
 * follows from its number, and writes at another.
 *
 * @module
 */
import { BLOCK_LENGTH, blockTag } from '../crypto/block-tag.ts';
import { TAG_LENGTH, type Aead } from '../crypto/engine.ts';
import { free } from '../crypto/memory.ts';
import { ChunkCipher } from '../container/chunk.ts';
import { chunkAt, type Layout } from '../container/layout.ts';
import { StrongroomError } from '../errors.ts';
import { concat, isZero, type Bytes } from '../wire/bytes.ts';
import { readAt, writeAt, type FilePart } from './io.ts';

/** Bytes of plaintext in a unit, which is a block of the content too. */
export const UNIT_LENGTH: number = BLOCK_LENGTH;

interface Common {
  /** 12 bytes, secret. */
  readonly baseNonce: Bytes;
  /** The object. */
  readonly layout: Layout;
  readonly source: FilePart;
  /** Tags of the blocks of the content, 16 bytes each, if they are wanted. */
  readonly tags: Uint8Array | undefined;
}

/** Sealing: the units of the plaintext. */
export interface SealTask extends Common {
  readonly kind: 'seal';
  readonly target: FilePart;
  readonly contentLength: number;
  readonly plaintextLength: number;
  /** 16 bytes. */
  readonly trailer: Bytes;
}

/** Opening: the units of full chunks. */
export interface OpenTask extends Common {
  readonly kind: 'open';
  /** Where the content goes, if it goes anywhere. */
  readonly target: FilePart | undefined;
  /** Undefined if the final chunk does not tell: then chunks are opened, and nothing comes out. */
  readonly contentLength: number | undefined;
  readonly fullChunks: number;
  /** What of the content lies in the final chunk, which comes after the chunks of the last unit. */
  readonly finalContent: Bytes;
}

/** Number of blocks of a content. */
export function blocksOf(contentLength: number): number {
  return Math.ceil(contentLength / BLOCK_LENGTH);
}

/** What crosses to another thread; keys go beside it. */
export type Task = SealTask | OpenTask;

/** Does one unit. @throws StrongroomError; of the units, that of the lowest number is the one to report */
export type Step = (unit: number) => void;

/** Takes note of what counts only once all chunks have been opened. */
export interface Notes {
  /** Padding in a chunk before the final one is not zero. */
  noteBadPadding(): void;
}

/** The steps of a task; one buffer for all of them. */
export function stepsOf(task: Task, aead: Aead, tagger: Aead | undefined, notes: Notes): Step {
  return task.kind === 'seal' ? sealSteps(task, aead, tagger) : openSteps(task, aead, tagger, notes);
}

function sealSteps(task: SealTask, aead: Aead, tagger: Aead | undefined): Step {
  const { source, target, layout, contentLength, plaintextLength, trailer } = task;
  const cipher = new ChunkCipher(aead, task.baseNonce, layout.chunkLog2);
  const size = cipher.chunkSize;
  const buffer = new Uint8Array(Math.min(UNIT_LENGTH, plaintextLength));
  return (unit) => {
    const start = unit * UNIT_LENGTH;
    const plaintext = buffer.subarray(0, plaintextLength - start);
    const content = plaintext.subarray(0, Math.max(0, contentLength - start));
    if (readAt(source, content, start) < content.length) {
      throw new StrongroomError('changed', `${source.name} is shorter than it was`, { subject: source.name });
    }
    plaintext.fill(0, content.length);
    const trailerAt = plaintextLength - trailer.length - start;
    if (trailerAt < plaintext.length) plaintext.set(trailer, trailerAt);
    if (tagger !== undefined && content.length > 0) {
      task.tags?.set(blockTag(tagger, unit, content), unit * TAG_LENGTH);
    }
    let pieces: Bytes[] = [];
    let held = 0;
    let at = chunkAt(layout, start / size);
    for (let from = 0; from < plaintext.length; from += size) {
      const part = plaintext.subarray(from, from + size);
      pieces.push(...cipher.seal((start + from) / size, part));
      held += part.length + TAG_LENGTH;
      if (held < WRITE_LENGTH && from + size < plaintext.length) continue;
      writeAt(target, pieces, at);
      pieces.forEach(free);
      pieces = [];
      at += held;
      held = 0;
    }
  };
}

/** Chunks are written as soon as there are so many bytes. */
const WRITE_LENGTH = 256 * 1024;

function openSteps(task: OpenTask, aead: Aead, tagger: Aead | undefined, notes: Notes): Step {
  const { source, target, layout, contentLength, fullChunks, finalContent } = task;
  const cipher = new ChunkCipher(aead, task.baseNonce, layout.chunkLog2);
  const size = cipher.chunkSize;
  const perUnit = UNIT_LENGTH / size;
  const buffer = new Uint8Array(Math.min(perUnit, fullChunks) * (size + TAG_LENGTH));
  return (unit) => {
    const first = unit * perUnit;
    const start = chunkAt(layout, first);
    const sealed = buffer.subarray(0, chunkAt(layout, fullChunks) - start);
    const read = readAt(source, sealed, start);
    const pieces: Bytes[] = [];
    for (let from = 0; from < sealed.length; from += size + TAG_LENGTH) {
      const end = from + size + TAG_LENGTH;
      if (end > read) {
        throw new StrongroomError('truncated', `${source.name} became shorter`, { subject: source.name });
      }
      const index = first + from / (size + TAG_LENGTH);
      const plaintext = cipher.open(index, sealed.subarray(from, end));
      const inContent = Math.max(0, (contentLength ?? 0) - index * size);
      if (contentLength !== undefined && !isZero(plaintext.subarray(inContent))) notes.noteBadPadding();
      if (inContent > 0) pieces.push(plaintext.subarray(0, inContent));
      else free(plaintext);
    }
    if (first + perUnit > fullChunks) pieces.push(finalContent);
    if (target !== undefined) writeAt(target, pieces, unit * UNIT_LENGTH);
    if (tagger !== undefined && unit * UNIT_LENGTH < (contentLength ?? 0)) {
      const block = concat(...pieces);
      task.tags?.set(blockTag(tagger, unit, block), unit * TAG_LENGTH);
      free(block);
    }
    pieces.forEach(free);
  };
}
