/**
 * Objects on their way into the storage: sealed piece by piece, then made durable while the next ones are sealed.
 *
 * @module
 */
import { inspect, type ObjectType, type Sealer } from '../container/index.ts';
import { sealerWith } from '../container/writer.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { free } from '../crypto/memory.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { ObjectReference } from './manifest.ts';
import { storageName, type Storage, type Upload } from './storage.ts';

/** What the sealing of every object of one generation has in common. */
export interface Sealing {
  /** Draws `salt` and `grease`. */
  readonly random: RandomSource;
  readonly engine: CryptoEngine;
  readonly storage: Storage;
  readonly key: BackupKey;
  readonly keyEpoch: number;
}

/** Pieces are written as soon as there are more bytes than this. */
const WRITE_LENGTH = 256 * 1024;

/** One object that is being written. */
export class ObjectWriter {
  /** Storage name. */
  readonly name: string;
  /** 32 bytes. */
  readonly commitment: Bytes;
  readonly upload: Upload;
  readonly #sealer: Sealer;
  readonly #keyEpoch: number;
  #contentLength = 0;

  private constructor(sealer: Sealer, upload: Upload, keyEpoch: number) {
    this.name = storageName(sealer.commitment);
    this.commitment = sealer.commitment;
    this.upload = upload;
    this.#sealer = sealer;
    this.#keyEpoch = keyEpoch;
  }

  /** Draws a salt and begins an object. @throws the faults of the storage */
  static async begin(sealing: Sealing, type: ObjectType): Promise<ObjectWriter> {
    const { random, engine, storage, key, keyEpoch } = sealing;
    const sealer = sealerWith(random, { key, type, engine });
    const upload = await storage.put(storageName(sealer.commitment));
    try {
      await upload.write([sealer.header]);
    } catch (error) {
      await discardQuietly(upload);
      throw error;
    }
    return new ObjectWriter(sealer, upload, keyEpoch);
  }

  /** Bytes of content so far. */
  get contentLength(): number {
    return this.#contentLength;
  }

  /** Seals more content. */
  async write(content: Uint8Array): Promise<void> {
    this.#contentLength += content.length;
    await this.#put(this.#sealer.feed(content));
  }

  /** Ends the object: all of it is written, but neither durable nor under its name. */
  async end(): Promise<ObjectReference> {
    await this.#put(this.#sealer.finish());
    return {
      commitment: this.commitment,
      prefix: inspect(this.#sealer.header).prefix,
      length: this.#sealer.objectLength(this.#contentLength),
      contentLength: this.#contentLength,
      keyEpoch: this.#keyEpoch,
    };
  }

  async #put(pieces: Iterable<Bytes>): Promise<void> {
    let group: Bytes[] = [];
    let length = 0;
    const write = async (): Promise<void> => {
      await this.upload.write(group);
      // Freed at once: leaving a chunk to the garbage collector costs more than encrypting it.
      group.forEach(free);
      group = [];
      length = 0;
    };
    for (const piece of pieces) {
      group.push(piece);
      length += piece.length;
      // The tag goes with the last piece of its chunk.
      if (length > WRITE_LENGTH) await write();
    }
    if (length > 0) await write();
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

/** Objects at once on their way to the disk. */
const IN_FLIGHT = 4;

/** Makes objects durable and gives them their names, while the next ones are sealed. */
export class Settling {
  /** Storage names of all objects that may have been committed. */
  readonly written: Set<string> = new Set();
  readonly #storage: Storage;
  readonly #tasks = new Set<Promise<void>>();
  #failure: { readonly cause: unknown } | undefined;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Syncs and commits an object that was written. @throws the first fault of one that was added before */
  async add({ name, upload }: ObjectWriter): Promise<void> {
    if (this.#tasks.size >= IN_FLIGHT) await Promise.race(this.#tasks);
    this.#check();
    this.written.add(name);
    const task = settle(upload)
      .catch((cause: unknown) => void (this.#failure ??= { cause }))
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** Waits until every object is durable and has its name. @throws the first fault */
  async settled(): Promise<void> {
    await Promise.all(this.#tasks);
    this.#check();
  }

  /** Waits until every object and its name are durable. @throws the first fault */
  async flush(): Promise<void> {
    await this.settled();
    await this.#storage.flush();
  }

  /** Removes objects again, as far as the storage lets it: what stays is of no use and harms nothing. */
  async remove(names: Iterable<string>): Promise<void> {
    await Promise.all(this.#tasks);
    try {
      for (const name of names) await this.#storage.remove(name);
    } catch {
      // What led here is what to report.
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}

async function settle(upload: Upload): Promise<void> {
  try {
    await upload.sync();
    await upload.commit();
  } catch (error) {
    await discardQuietly(upload);
    throw error;
  }
}

/** Most bytes of content in an object. */
export const MAX_VOLUME_LENGTH: number = 2 ** 40;

/** The objects that one content is cut into. */
export class VolumeWriter {
  readonly #sealing: Sealing;
  readonly #settling: Settling;
  readonly #type: ObjectType;
  readonly #length: number;
  readonly #objects: ObjectReference[] = [];
  #current: ObjectWriter | undefined;

  /** `length` is the most bytes of content of one object. */
  constructor(sealing: Sealing, settling: Settling, type: ObjectType, length: number) {
    this.#sealing = sealing;
    this.#settling = settling;
    this.#type = type;
    this.#length = length;
  }

  /** Seals more content. */
  async write(content: Uint8Array): Promise<void> {
    for (let at = 0; at < content.length;) {
      if (this.#current?.contentLength === this.#length) await this.#finish(this.#current);
      this.#current ??= await ObjectWriter.begin(this.#sealing, this.#type);
      const part = content.subarray(at, at + this.#length - this.#current.contentLength);
      await this.#current.write(part);
      at += part.length;
    }
  }

  /** Ends the content; its objects are on their way to be durable. */
  async end(): Promise<readonly ObjectReference[]> {
    await this.#finish((this.#current ??= await ObjectWriter.begin(this.#sealing, this.#type)));
    return this.#objects;
  }

  /** Throws everything away. */
  async discard(): Promise<void> {
    if (this.#current !== undefined) await discardQuietly(this.#current.upload);
    await this.#settling.remove(this.#objects.map(({ commitment }) => storageName(commitment)));
  }

  async #finish(current: ObjectWriter): Promise<void> {
    const object = await current.end();
    await this.#settling.add(current);
    this.#current = undefined;
    this.#objects.push(object);
  }
}
