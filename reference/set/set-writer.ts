/**
 * Writing one generation of a set (spec/backup.md, "Writing a set"): contents first, the manifest last.
 *
 * @module
 */
import type { CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { isStrongroomError } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';
import { checkpointContent, isMark } from './checkpoint.ts';
import { requireUndisturbed, type Ground } from './commit.ts';
import { ContentWriter } from './content-writer.ts';
import {
  contentOf,
  Contents,
  numbered,
  type Content,
  type PlannedEntry,
  type PlannedFile,
} from './contents.ts';
import type { Committed, FileMeta, Meta } from './generation.ts';
import { putHead } from './head-store.ts';
import type { Entry, Manifest, ObjectReference } from './manifest.ts';
import { sealManifest } from './manifest-writer.ts';
import { discardQuietly, MAX_VOLUME_LENGTH, Settling, type Sealing } from './object-writer.ts';
import { Pacer } from './objects.ts';
import { PACKED_LIMIT, RECORDS_CHUNK_LOG2 } from './pack.ts';
import { findStart, type Start, type StartOptions } from './previous.ts';
import { RecordWriter } from './records.ts';
import { gathered, joined, readStart, sourceOf, type Pieces, type Readable } from './source.ts';
import { storageName, type Storage } from './storage.ts';

/** How to write a generation. */
export interface SetWriterOptions extends StartOptions {
  /** Looks for every content among those that are known before it is sealed, not only if it may have moved. */
  readonly reread?: boolean;
  /** Bytes of sealed content after which a checkpoint is written; default 2^28. */
  readonly checkpointBytes?: number;
  /** Longest content of one object in bytes; default 2^40, which is the most. */
  readonly volumeLength?: number;
}

/** Where the values come from that make one generation differ from another. */
export interface WriterSources {
  /** Draws `set-id`, `media-key`, and what sealing draws. */
  readonly random: RandomSource;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What seals; default OpenSSL. */
  readonly engine?: CryptoEngine;
}

/** Bytes and milliseconds of work after which a checkpoint is written. */
const CHECKPOINT_BYTES = 256 * 2 ** 20;
const CHECKPOINT_MS = 60_000;

type WriterParts = [sources: WriterSources, storage: Storage, options: SetWriterOptions, start: Start];
let construct: (...parts: WriterParts) => SetWriter;

/**
 * One new generation of a set. Entries are added in any order; nobody sees anything before {@link SetWriter.commit}.
 * Whoever begins one ends it with `commit`, and calls `abort` with the error if anything fails before it has returned.
 * What the source of a content throws is thrown on and leaves the generation without that entry; every other error
 * ends it.
 */
export class SetWriter {
  /** The generation before, if there is one and it could be read whole. */
  readonly previous: Manifest | undefined;
  /** 16 bytes. */
  readonly setId: Bytes;
  /** Number of the new generation. */
  readonly generation: number;
  readonly #sources: WriterSources;
  readonly #options: SetWriterOptions;
  readonly #start: Start;
  readonly #sealing: Sealing;
  readonly #settling: Settling;
  readonly #pacer: Pacer;
  readonly #writer: ContentWriter;
  readonly #contents: Contents;
  readonly #entries: PlannedEntry[] = [];
  readonly #buffer = new Uint8Array(PACKED_LIMIT);
  /** Files sealed since the last checkpoint, and when that was. */
  #fresh: PlannedFile[] = [];
  #freshBytes = 0;
  #checkpointed = performance.now();
  /** Storage names of the checkpoints of this generation, also of those that were there. */
  readonly #checkpoints: string[];
  /** Storage names of what was written and a checkpoint names, or is: a failure leaves it. */
  readonly #kept = new Set<string>();
  readonly #sealed = { files: 0, bytes: 0 };
  readonly #reused = { files: 0, bytes: 0 };
  readonly #ground: Ground;
  #committed = false;

  static {
    construct = (...parts) => new SetWriter(...parts);
  }

  private constructor(...[sources, storage, options, start]: WriterParts) {
    const { engine = nodeEngine, random } = sources;
    const { setId, keyEpoch, previous, checkpoints, scan: before } = start;
    this.previous = previous;
    this.setId = setId;
    this.generation = start.generation;
    this.#sources = sources;
    this.#options = options;
    this.#start = start;
    this.#sealing = { random, engine, storage, key: options.key, keyEpoch };
    this.#settling = new Settling(storage);
    this.#pacer = new Pacer(options.signal);
    const { volumeLength = MAX_VOLUME_LENGTH } = options;
    const contentOptions = { setId, mediaKey: start.mediaKey, volumeLength };
    this.#writer = new ContentWriter(this.#sealing, this.#settling, this.#pacer, contentOptions);
    this.#contents = new Contents((object) => this.#isStored(object));
    if (previous !== undefined) this.#contents.addAll(previous.entries, previous.objects);
    // Whoever prunes may be about to remove what a checkpoint names.
    const adopted = checkpoints.some(isMark) ? [] : checkpoints;
    for (const { entries, objects } of adopted) this.#contents.addAll(entries, objects);
    this.#checkpoints = checkpoints.map(({ name }) => name);
    this.#ground = {
      storage,
      keys: [...new Set([options.key, options.previousKey ?? options.key])],
      signal: options.signal,
      before: before.objects,
      own: this.#settling.written,
    };
  }

  /**
   * Scans the storage and begins the generation after the newest one.
   *
   * @throws StrongroomError `cancelled`, `permission`, `io`, `fork`, and what opening the newest manifest throws
   */
  static begin(storage: Storage, options: SetWriterOptions): Promise<SetWriter> {
    return beginWith({ random: systemRandom, now: Date.now }, storage, options);
  }

  /** Adds a directory. */
  directory({ path, mode, modified }: Meta): void {
    this.#entries.push({ kind: 'directory', path, mode, modified });
  }

  /** Adds a symbolic link. */
  symlink({ path, mode, modified }: Meta, target: string): void {
    this.#entries.push({ kind: 'symlink', path, mode, modified, target });
  }

  /** Adds an entry of {@link SetWriter.previous} as it is. @returns false if an object that holds it is not stored */
  reuse(entry: Entry): boolean {
    if (entry.kind !== 'file') return this.#entries.push(entry) > 0;
    const content = contentOf(entry, this.previous?.objects ?? []);
    const stored = content.places.every(({ object }) => this.#isStored(object));
    if (stored) this.#reuse(entry, content);
    return stored;
  }

  /** True if a file at this path can be {@link SetWriter.unchanged}. */
  knows(path: string): boolean {
    return this.#contents.knows(path);
  }

  /** Adds a file that has this stamp and had it in the generation before. @returns false if there is none */
  unchanged(meta: FileMeta): boolean {
    const content = this.#contents.unchanged(meta.path, meta.stamp ?? new Uint8Array());
    if (content !== undefined) this.#reuse(meta, content);
    return content !== undefined;
  }

  /**
   * Adds a file, and seals its content unless the storage holds it already.
   *
   * @throws StrongroomError `cancelled`, `limit-exceeded`, and the faults of the storage: `disk-full`, `permission`, `io`
   */
  async file(meta: FileMeta, readable: Readable): Promise<void> {
    await this.#pacer.pace();
    const source = sourceOf(readable);
    const { length = 0 } = source;
    let pieces: Pieces | undefined;
    if (length < PACKED_LIMIT) {
      const { content, rest } = await readStart(source.read(), this.#buffer);
      if (rest === undefined) {
        source.check?.();
        return this.#addSmall(meta, content);
      }
      pieces = joined(content, rest);
    } else if (this.#options.reread === true || this.#contents.mayBeMoved(meta.path, length)) {
      const mediaId = await this.#writer.identify(source.read());
      source.check?.();
      const known = this.#contents.get(mediaId);
      if (known !== undefined) return this.#reuse(meta, known);
    }
    await this.#addSealed(
      meta,
      await this.#writer.seal(
        'blob',
        pieces ?? source.read(),
        (mediaId) => this.#contents.get(mediaId),
        () => source.check?.(),
      ),
    );
  }

  /**
   * Adds a file of records, in an object of type records. `frame` yields what the writer returns for one record or
   * group after the other; BEGIN and END come by themselves.
   */
  async records(
    meta: FileMeta,
    schema: number,
    frame: (writer: RecordWriter) => Iterable<Uint8Array[]> | AsyncIterable<Uint8Array[]>,
  ): Promise<void> {
    const begin = { setId: this.setId, volume: 1, volumes: 1, schema };
    const writer = new RecordWriter(2 ** RECORDS_CHUNK_LOG2, begin);
    async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const parts of frame(writer)) yield* parts;
      yield* writer.end();
    }
    const content = await this.#writer.seal('records', gathered(pieces(), this.#buffer), (mediaId) =>
      this.#contents.get(mediaId),
    );
    await this.#addSealed(meta, content);
  }

  /**
   * Seals the manifest, makes all of it durable and gives the generation its name.
   *
   * @throws StrongroomError `cancelled`; `fork` if somebody else wrote a generation meanwhile; `object-missing` if an
   *   object that is used again is gone; `limit-exceeded`, `bad-manifest`, and the faults of the storage
   */
  async commit(): Promise<Committed> {
    await this.#writer.sealPack();
    const { setId, generation } = this;
    const { mediaKey, keyEpoch, ancestors, wrappedKeys } = this.#start;
    const { objects, entries } = numbered(this.#entries);
    const created = Math.floor(this.#sources.now() / 1000);
    const head = { setId, generation, created, keyEpoch, mediaKey, ancestors };
    const { copies, commitments, id } = await sealManifest(this.#sealing, this.#pacer, {
      ...head,
      wrappedKeys,
      objects,
      entries,
    });
    try {
      await this.#settling.flush();
      await this.#checkpoint();
      await requireUndisturbed(this.#ground, objects);
      await this.#pacer.pace();
      // From here on nothing is undone: a copy that has its name is a backup.
      this.#committed = true;
      for (const { upload } of copies) await upload.commit();
      await this.#sealing.storage.flush();
    } finally {
      for (const { upload } of copies) await discardQuietly(upload);
    }
    await this.#settling.remove(this.#checkpoints);
    const setHead = { setId, generation, manifestId: id, created, keyEpoch };
    const headFault = await putHead(this.#options.head, this.#options.key, setHead, this.#start.signedHead);
    const [sealed, reused] = [this.#sealed, this.#reused];
    const counts = { entries: entries.length, bytes: sealed.bytes + reused.bytes, sealed, reused };
    return { ...setHead, manifests: commitments, ...counts, headFault };
  }

  /**
   * Ends a generation that failed. What it wrote is removed, as far as the storage lets it; but what was finished when
   * the work was cancelled is kept in a checkpoint, as is all that an earlier checkpoint names.
   */
  async abort(error: unknown): Promise<void> {
    if (this.#committed) return;
    if (isStrongroomError(error, 'cancelled')) {
      try {
        await this.#checkpoint();
      } catch {
        // Then nothing is kept.
      }
    }
    await this.#settling.remove([...this.#settling.written].filter((name) => !this.#kept.has(name)));
  }

  #isStored({ commitment, length }: ObjectReference): boolean {
    const name = storageName(commitment);
    return this.#start.scan.objects.get(name) === length && !this.#start.damaged.has(name);
  }

  #reuse(meta: FileMeta, content: Content): void {
    this.#entries.push(planned(meta, content));
    count(this.#reused, content);
  }

  /** Writes a checkpoint of what was sealed since the last one, if anything was: a failure leaves it. */
  async #checkpoint(): Promise<void> {
    const fresh = this.#fresh.filter(({ content }) => content.places.length > 0);
    if (fresh.length === 0) return;
    // What a checkpoint names is durable before it is.
    await this.#settling.flush();
    const { setId } = this;
    const { mediaKey, keyEpoch } = this.#start;
    const content = checkpointContent({ setId, mediaKey, keyEpoch, ...numbered(fresh) });
    const { commitment } = await this.#writer.put(gathered(content, this.#buffer));
    await this.#settling.settled();
    // From here on another backup may use what it names.
    for (const name of this.#settling.written) this.#kept.add(name);
    this.#checkpoints.push(storageName(commitment));
    this.#fresh = [];
    this.#freshBytes = 0;
    this.#checkpointed = performance.now();
    await this.#settling.flush();
  }

  async #addSmall(meta: FileMeta, bytes: Bytes): Promise<void> {
    const mediaId = this.#writer.identifyBytes(bytes);
    const content = this.#contents.get(mediaId) ?? (await this.#writer.pack(meta.path, bytes, mediaId));
    await this.#addSealed(meta, content);
  }

  /** Adds a file whose content was sealed for it, or is known. */
  async #addSealed(meta: FileMeta, content: Content): Promise<void> {
    const known = this.#contents.get(content.mediaId);
    if (known !== undefined) return this.#reuse(meta, known);
    this.#contents.add(meta.path, content);
    const file = planned(meta, content);
    this.#entries.push(file);
    count(this.#sealed, content);
    this.#fresh.push(file);
    this.#freshBytes += content.contentLength;
    const due = performance.now() - this.#checkpointed >= CHECKPOINT_MS;
    if (!due && this.#freshBytes < (this.#options.checkpointBytes ?? CHECKPOINT_BYTES)) return;
    await this.#writer.sealPack();
    await this.#checkpoint();
  }
}

/** {@link SetWriter.begin} with injected sources: for vectors and tests, never for backups. */
export async function beginWith(
  sources: WriterSources,
  storage: Storage,
  options: SetWriterOptions,
): Promise<SetWriter> {
  return beginFrom(sources, storage, options, await findStart(sources.random, storage, options));
}

/** A generation that starts from what its caller found. */
export function beginFrom(...parts: WriterParts): SetWriter {
  return construct(...parts);
}

function planned(
  { path, mode, modified, stamp = new Uint8Array() }: FileMeta,
  content: Content,
): PlannedFile {
  return { kind: 'file', path, mode, modified, stamp, content };
}

function count(tally: { files: number; bytes: number }, { contentLength }: Content): void {
  tally.files++;
  tally.bytes += contentLength;
}
