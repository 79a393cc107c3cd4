/**
 * The content of entries, as far as it is there (spec/salvage.md, "Content").
 *
 * @module
 */
import {
  MANIFEST_ENTRY,
  MANIFEST_OBJECT,
  type FileEntry,
  type ObjectReference,
  type Part,
} from '../set/manifest.ts';
import { MAX_PATH_LENGTH } from '../set/paths.ts';
import { isStrongroomError } from '../errors.ts';
import { CHECKPOINT_HEAD } from '../set/checkpoint.ts';
import { PACKED_FILE } from '../set/pack.ts';
import { hex, type Bytes } from '../wire/bytes.ts';
import { Input, text } from '../wire/codec.ts';
import type { SalvagedManifest } from './manifests.ts';
import type { Piece, SalvagedObject } from './object.ts';
import { salvageRecords } from './records.ts';

/** A file in a pack. */
export interface PackedFile {
  /** Position and length of its record in the content of the pack. */
  readonly position: number;
  readonly length: number;
  /** When it was packed; it may have moved since. */
  readonly path: string;
  readonly content: Bytes;
}

/** What the records of an object are. */
export interface RecordsContent {
  /** The files that are whole, in order, if it is a pack. */
  readonly files: readonly PackedFile[];
  /** True for what a backup that was cut off left for the next one: nothing of it is content. */
  readonly isCheckpoint: boolean;
}

/** Packs that are read again and again: entries follow each other in one. */
const CACHED_PACKS = 2;

/** Reads contents from salvaged objects. */
export class Contents {
  readonly #objects: ReadonlyMap<string, SalvagedObject>;
  readonly #packs = new Map<SalvagedObject, RecordsContent>();

  /** `objects` by their commitments in hexadecimal. */
  constructor(objects: ReadonlyMap<string, SalvagedObject>) {
    this.#objects = objects;
  }

  /** What is left of a file of this manifest, in order. */
  async *read(manifest: SalvagedManifest, entry: FileEntry): AsyncGenerator<Piece, void, undefined> {
    for (const { part, reference, start } of placed(manifest, entry)) {
      const object = this.#objects.get(hex(reference.commitment));
      if (object === undefined) continue;
      if (part.range === undefined) {
        for await (const { position, bytes } of object.read(
          0,
          Math.min(object.end, reference.contentLength),
        )) {
          yield { position: start + position, bytes };
        }
        continue;
      }
      const { position, length } = part.range;
      const { files } = await this.records(object);
      const file = files.find((each) => each.position === position && each.length === length);
      if (file?.content.length === entry.contentLength) yield { position: 0, bytes: file.content };
    }
  }

  /** What is left of an object of records. */
  async records(object: SalvagedObject): Promise<RecordsContent> {
    const known = this.#packs.get(object);
    if (known !== undefined) return known;
    const content = await recordsContent(object);
    this.#packs.set(object, content);
    const [oldest] = this.#packs.keys();
    if (oldest !== undefined && this.#packs.size > CACHED_PACKS) this.#packs.delete(oldest);
    return content;
  }
}

const OF_CHECKPOINTS = [CHECKPOINT_HEAD, MANIFEST_OBJECT, MANIFEST_ENTRY];

async function recordsContent(object: SalvagedObject): Promise<RecordsContent> {
  const files: PackedFile[] = [];
  let isCheckpoint = false;
  const loss = { cut: 0, faulty: 0 };
  for await (const { type, codec, body, range } of salvageRecords(object.read(), object.chunkSize, loss)) {
    isCheckpoint ||= OF_CHECKPOINTS.includes(type);
    if (type !== PACKED_FILE || codec !== 0) continue;
    const file = packedFile(body);
    if (file !== undefined) files.push({ ...range, ...file });
  }
  return { files, isCheckpoint };
}

/** Path and content of a PACKED_FILE, if it follows its structure. */
function packedFile(body: Bytes): Pick<PackedFile, 'path' | 'content'> | undefined {
  const input = new Input(body);
  try {
    const path = text(1, MAX_PATH_LENGTH, 'path').read(input);
    return { path, content: body.subarray(input.offset) };
  } catch (error) {
    if (isStrongroomError(error, 'malformed')) return undefined;
    throw error;
  }
}

interface PlacedPart {
  readonly part: Part;
  readonly reference: ObjectReference;
  /** Where in the file it begins. */
  readonly start: number;
}

/**
 * The parts whose place in the file is known: those before the first one whose object the manifest has lost, and those
 * after the last.
 */
function placed(manifest: SalvagedManifest, { parts, contentLength }: FileEntry): PlacedPart[] {
  const known = parts.map((part) => ({ part, reference: manifest.objects.get(part.object) }));
  const out: PlacedPart[] = [];
  let start = 0;
  let front = 0;
  for (const { part, reference } of known) {
    if (reference === undefined) break;
    out.push({ part, reference, start });
    start += reference.contentLength;
    front++;
  }
  let end = contentLength;
  const back: PlacedPart[] = [];
  for (const { part, reference } of known.slice(front).toReversed()) {
    if (reference === undefined) break;
    end -= reference.contentLength;
    if (end < start) break;
    back.push({ part, reference, start: end });
  }
  return [...out, ...back.toReversed()];
}
