/**
 * Packs (spec/backup.md, "Packs"): many small files in one object, so that ten thousand of them do not cost ten
 * thousand objects, and the storage does not learn their lengths.
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';
import { struct, text, type Codec } from '../wire/codec.ts';
import type { RecordRange } from './framing.ts';
import { MAX_PATH_LENGTH } from './paths.ts';
import { RecordWriter } from './records.ts';

/** Schema number of a pack in its BEGIN record. */
export const PACK_SCHEMA = 2;
/** Record type of a file in a pack. */
export const PACKED_FILE = 0x8020;
/** Files of this length in bytes and longer have an object of their own. */
export const PACKED_LIMIT = 65_536;
/** Most bytes of content in a pack. */
export const PACK_LENGTH: number = 8 * 2 ** 20;
/** Chunk size of records objects as a binary logarithm. */
export const RECORDS_CHUNK_LOG2 = 16;

/** A file as it lies in a pack. */
export interface PackedFile {
  /** Its path when it was sealed. */
  readonly path: string;
  readonly content: Bytes;
}

/** `PackedFile` on the wire: the content is all that is left of the record. */
export const PackedFile: Codec<PackedFile> = struct<PackedFile>('PackedFile', {
  path: text(1, MAX_PATH_LENGTH, 'path'),
  content: {
    name: 'content',
    write: (out, content) => out.push(content),
    read: (input) => new Uint8Array(input.take(input.left, 'content')),
  },
});

/** What a record costs at most beyond its path and its content: its header, and those of three fragments with zeros. */
const OVERHEAD = 64;

/** Bytes of the length of a path. */
const PATH_PREFIX = 2;

/** As `encode(PackedFile, …)`, without new memory for each file. */
function encodeInto(body: Bytes, path: string, content: Uint8Array): Bytes {
  const { written } = encoder.encodeInto(path, body.subarray(PATH_PREFIX));
  body[0] = written >> 8;
  body[1] = written & 255;
  body.set(content, PATH_PREFIX + written);
  return body.subarray(0, PATH_PREFIX + written + content.length);
}

const encoder = new TextEncoder();

/** The content of one pack after the other, in one buffer. */
export class Pack {
  readonly #setId: Bytes;
  readonly #buffer = new Uint8Array(PACK_LENGTH);
  readonly #body = new Uint8Array(PATH_PREFIX + MAX_PATH_LENGTH + PACKED_LIMIT);
  #length = 0;
  #records: RecordWriter;

  constructor(setId: Bytes) {
    this.#setId = setId;
    this.#records = this.#begin();
  }

  /** True if a file still fits, and the END record after it. */
  hasRoom(path: string, length: number): boolean {
    return this.#length + Buffer.byteLength(path) + length + 2 * OVERHEAD <= PACK_LENGTH;
  }

  /** Adds a file; where its record lies. */
  add(path: string, content: Bytes): RecordRange {
    const body = encodeInto(this.#body, path, content);
    this.#take(this.#records.write(PACKED_FILE, body));
    return this.#records.range;
  }

  /** Ends the pack and begins the next one: its content, until a file is added. */
  end(): Uint8Array {
    this.#take(this.#records.end());
    const content = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    this.#records = this.#begin();
    return content;
  }

  #begin(): RecordWriter {
    return new RecordWriter(2 ** RECORDS_CHUNK_LOG2, {
      setId: this.#setId,
      volume: 1,
      volumes: 1,
      schema: PACK_SCHEMA,
    });
  }

  #take(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.#buffer.set(piece, this.#length);
      this.#length += piece.length;
    }
  }
}
