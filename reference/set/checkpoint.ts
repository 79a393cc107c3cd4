/**
 * Checkpoints (spec/backup.md, "Checkpoints"): what a backup that is cut off leaves for the next one, so that what was
 * sealed is not sealed again.
 *
 * @module
 */
import { Opener, type HeaderInfo } from '../container/index.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { type Bytes } from '../wire/bytes.ts';
import { encode, opaque, struct, u32, type Codec } from '../wire/codec.ts';
import { Entry, MANIFEST_ENTRY, MANIFEST_OBJECT, NumberedObject, type ObjectReference } from './manifest.ts';
import { isFatal } from './newest.ts';
import { mismatch, readHeader, readObject, type Pacer } from './objects.ts';
import { RECORDS_CHUNK_LOG2 } from './pack.ts';
import { decodeBody, RecordReader, RecordWriter } from './records.ts';
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

/**
 * The checkpoint in an object of this name; undefined if it holds something else, or cannot be read: then it is of no
 * use, and no harm.
 *
 * @throws StrongroomError `cancelled`
 */
export async function readCheckpoint(
  storage: Storage,
  key: BackupKey,
  name: string,
  pacer: Pacer,
): Promise<Checkpoint | undefined> {
  try {
    requireRecords(await readHeader(storage, name));
    return await readRecords(storage, key, name, pacer);
  } catch (error) {
    if (!isStrongroomError(error) || isFatal(error.code)) throw error;
    return undefined;
  }
}

function requireRecords({ type, chunkLog2 }: HeaderInfo): void {
  if (type !== 'records' || chunkLog2 !== RECORDS_CHUNK_LOG2)
    throw mismatch('checkpoint', 'holds no records');
}

async function readRecords(
  storage: Storage,
  key: BackupKey,
  name: string,
  pacer: Pacer,
): Promise<Checkpoint | undefined> {
  const opener = new Opener({ key });
  const records = new RecordReader(2 ** RECORDS_CHUNK_LOG2, [
    CHECKPOINT_HEAD,
    MANIFEST_OBJECT,
    MANIFEST_ENTRY,
  ]);
  const objects: ObjectReference[] = [];
  const entries: Entry[] = [];
  let head: CheckpointHead | undefined;
  const take = (content: Uint8Array): void => {
    for (const { type, body } of records.push(content)) {
      if (head === undefined && type === CHECKPOINT_HEAD) head = decodeBody(CheckpointHead, body);
      else if (type === MANIFEST_OBJECT) objects.push(decodeBody(NumberedObject, body).object);
      else if (type === MANIFEST_ENTRY) entries.push(decodeBody(Entry, body));
    }
  };
  for await (const piece of readObject(storage, name, requireRecords)) {
    await pacer.pace();
    for (const content of opener.feed(piece)) {
      take(content);
      // A pack is let go after its first piece.
      if (records.begin !== undefined && records.begin.schema !== CHECKPOINT_SCHEMA) return undefined;
    }
  }
  for (const content of opener.final().rest) take(content);
  records.finish();
  const { begin } = records;
  if (begin === undefined || head === undefined) throw new StrongroomError('bad-record', 'no checkpoint');
  return { setId: begin.setId, ...head, objects, entries };
}
