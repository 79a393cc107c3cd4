/**
 * Sealing from file to file (spec/container.md, "Writing"): the same bytes as any writer, in a fraction of the time.
 *
 * @module
 */
import { TAG_LENGTH } from '../crypto/engine.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { objectLength } from '../container/layout.ts';
import { plaintextLength } from '../container/padding.ts';
import { encodeTrailer } from '../container/trailer.ts';
import { beginObject, type SealOptions } from '../container/writer.ts';
import { copy, wipe, type Bytes } from '../wire/bytes.ts';
import { writeAt, type FilePart } from './io.ts';
import { run, type RunOptions } from './run.ts';
import { blocksOf, UNIT_LENGTH, type SealTask } from './task.ts';

/** What to seal, where to, and how. */
export interface SealFileOptions extends SealOptions, RunOptions {
  /** Where the content begins. */
  readonly source: FilePart;
  /** Length of the content in bytes. A file that turns out to be shorter makes the sealing fail; what follows is not read. */
  readonly length: number;
  /** Where the object goes. Every byte of it is written, in any order: it counts only when the call is over. */
  readonly target: FilePart;
}

/** An object that was written whole; it is not synced. */
export interface SealedFile {
  /** Everything before the chunks. */
  readonly header: Bytes;
  /** The identity of the object, 32 bytes. */
  readonly commitment: Bytes;
  /** Length in bytes of the whole object. */
  readonly objectLength: number;
  /** With `tagKey`: the tags of the blocks of the content, 16 bytes each, one after the other. */
  readonly tags: Bytes | undefined;
}

/**
 * Seals a part of a file into another file, on as many threads as are worth it. Threads and their order make no difference
 * to the object. No half-written object counts: the caller gives it its name when this has returned.
 *
 * @throws StrongroomError `invalid-key`, `limit-exceeded`, `bad-extension`, `cancelled`; with `subject` the name of the source:
 *   `changed` if it is shorter than `length`, `permission`, `io`; with that of the target: `disk-full`, `permission`, `io`
 */
export function sealFile(options: SealFileOptions): Promise<SealedFile> {
  return sealFileWith(systemRandom, options);
}

/** `sealFile` with `salt` and `grease` drawn from `random`: for vectors, never for backups. */
export async function sealFileWith(random: RandomSource, options: SealFileOptions): Promise<SealedFile> {
  const { source, target, length: contentLength } = options;
  const { header, chunkLog2, padding, derived } = beginObject(random, options);
  const length = plaintextLength(contentLength, padding, chunkLog2);
  const tags = options.tagKey && new Uint8Array(new SharedArrayBuffer(blocksOf(contentLength) * TAG_LENGTH));
  const task: SealTask = {
    kind: 'seal',
    baseNonce: derived.baseNonce,
    layout: { headerLength: header.length, chunkLog2 },
    source,
    target,
    contentLength,
    plaintextLength: length,
    trailer: encodeTrailer({ contentLength, padding }),
    tags,
  };
  try {
    writeAt(target, [header], 0);
    await run(task, derived.key, Math.floor(length / UNIT_LENGTH) + 1, options);
  } finally {
    wipe(derived.key, derived.baseNonce);
  }
  return {
    header,
    commitment: derived.commitment,
    objectLength: objectLength(header.length, chunkLog2, length),
    tags: tags && copy(tags),
  };
}
