/**
 * Checkpoints (spec/backup.md, "Checkpoints"): what a backup that is cut off leaves for the next one, so that what was
 * sealed is not sealed again.
 *
 * @module
 */
import { Opener, type HeaderInfo } from '../container/index.ts';
import { isStrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { encode, opaque, struct, u32, type Codec } from '../wire/codec.ts';
import {
  Entry,
  MANIFEST_ENTRY,
  MANIFEST_OBJECT,
  MANIFEST_SCHEMA,
  NumberedObject,
  type ObjectReference,
} from './manifest.ts';
import { bad, ManifestRules } from './manifest-rules.ts';
import { isFatal } from './newest.ts';
import { mismatch, readHeader, readObject, type Pacer } from './objects.ts';
import { RECORDS_CHUNK_LOG2 } from './pack.ts';
import { decodeBody, RecordReader, RecordWriter, type RecordItem } from './records.ts';
import type { Storage } from './storage.ts';

/** Schema number of a checkpoint in its BEGIN record. */
export const CHECKPOINT_SCHEMA = 3;
/** Record type of {@link CheckpointHead}. */
export const CHECKPOINT_HEAD = 0x8030;

/** What a checkpoint belongs to. */
export interface CheckpointHead {
  /** 32 bytes. */
  readonly mediaKey: Bytes;
  readonly keyEpoch: number;
}

/** `CheckpointHead` on the wire. */
export const CheckpointHead: Codec<CheckpointHead> = struct<CheckpointHead>('CheckpointHead', {
  mediaKey: opaque(32, 'media_key'),
  keyEpoch: u32,
});

/** A checkpoint as it was found. */
export interface Checkpoint extends CheckpointHead {
  /** 16 bytes. */
  readonly setId: Bytes;
  readonly objects: readonly ObjectReference[];
  /** Files alone, in any order, without their directories. */
  readonly entries: readonly Entry[];
}

/** True if it names nothing: it is the mark of somebody who prunes (spec/retention.md, "Beside a backup"). */
export function isMark({ objects, entries }: Checkpoint): boolean {
  return objects.length === 0 && entries.length === 0;
}

/** The content of a checkpoint, in pieces. */
export function* checkpointContent(checkpoint: Checkpoint): Generator<Uint8Array, void, undefined> {
  const { setId, objects, entries, ...head } = checkpoint;
  const begin = { setId, volume: 1, volumes: 1, schema: CHECKPOINT_SCHEMA };
  const writer = new RecordWriter(2 ** RECORDS_CHUNK_LOG2, begin);
  yield* writer.write(CHECKPOINT_HEAD, encode(CheckpointHead, head));
  for (const [number, object] of objects.entries()) {
    yield* writer.write(MANIFEST_OBJECT, encode(NumberedObject, { number, object }));
  }
  for (const entry of entries) yield* writer.write(MANIFEST_ENTRY, encode(Entry, entry));
  yield* writer.end();
}

/** Reads the content of a checkpoint piece by piece. What holds between objects and files of a manifest holds here. */
class CheckpointReader {
  readonly #records = new RecordReader(2 ** RECORDS_CHUNK_LOG2, [
    CHECKPOINT_HEAD,
    MANIFEST_OBJECT,
    MANIFEST_ENTRY,
  ]);
  readonly #rules = new ManifestRules();
  readonly #objects: ObjectReference[] = [];
  readonly #entries: Entry[] = [];
  #head: CheckpointHead | undefined;

  push(content: Uint8Array): void {
    for (const item of this.#records.push(content)) {
      if (this.#records.begin?.schema !== CHECKPOINT_SCHEMA) throw bad('not the schema of a checkpoint');
      this.#record(item);
    }
  }

  finish(): Checkpoint {
    this.#records.finish();
    const { begin } = this.#records;
    if (begin === undefined || this.#head === undefined) throw bad('no checkpoint head');
    return { setId: begin.setId, ...this.#head, objects: this.#objects, entries: this.#entries };
  }

  #record({ type, body }: RecordItem): void {
    if (type === CHECKPOINT_HEAD) {
      this.#head = decodeBody(CheckpointHead, body);
      this.#rules.head(NO_MANIFEST.begin, { ...NO_MANIFEST.head, ...this.#head });
    } else if (type === MANIFEST_OBJECT) {
      const numbered = decodeBody(NumberedObject, body);
      this.#rules.object(numbered);
      this.#objects.push(numbered.object);
    } else {
      const entry = decodeBody(Entry, body);
      if (entry.kind !== 'file') throw bad('an entry that is no file', entry.path);
      this.#rules.file(entry);
      this.#entries.push(entry);
    }
  }
}

/** What a manifest would say beside: nothing of it is in a checkpoint. */
const NO_MANIFEST = {
  begin: { setId: new Uint8Array(16), volume: 1, volumes: 1, schema: MANIFEST_SCHEMA },
  head: {
    generation: 1,
    created: 0,
    commitments: [new Uint8Array(32), new Uint8Array(32)],
    ancestors: [],
  },
} as const;

/**
 * The checkpoint in an object of this name; undefined if it holds something else, or is damaged or gone: then it is of no
 * use, and no harm.
 *
 * @throws StrongroomError `cancelled`; `io`, `permission`: it may be a checkpoint all the same
 */
export async function readCheckpoint(
  storage: Storage,
  key: BackupKey,
  name: string,
  pacer: Pacer,
): Promise<Checkpoint | undefined> {
  try {
    requireRecords(await readHeader(storage, name));
    const opener = new Opener({ key });
    const reader = new CheckpointReader();
    for await (const piece of readObject(storage, name, requireRecords)) {
      await pacer.pace();
      for (const content of opener.feed(piece)) reader.push(content);
    }
    for (const content of opener.final().rest) reader.push(content);
    return reader.finish();
  } catch (error) {
    if (!isStrongroomError(error) || isFatal(error.code) || isUnread(error)) throw error;
    return undefined;
  }
}

/** True if the storage failed, which says nothing about the object. */
export function isUnread(error: unknown): boolean {
  return isStrongroomError(error, 'io') || isStrongroomError(error, 'permission');
}

function requireRecords({ type, chunkLog2 }: HeaderInfo): void {
  if (type === 'records' && chunkLog2 === RECORDS_CHUNK_LOG2) return;
  throw mismatch('a checkpoint', 'holds no records');
}
