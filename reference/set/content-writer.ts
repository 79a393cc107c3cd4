/**
 * Sealing contents into a storage: the small ones together in packs, the others one by one, in volumes if need be
 * (spec/backup.md, "Contents").
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';
import type { Content } from './contents.ts';
import type { RecordRange } from './framing.ts';
import type { ObjectReference } from './manifest.ts';
import { MediaHasher } from './media-id.ts';
import { MAX_VOLUME_LENGTH, VolumeWriter, type Sealing, type Settling } from './object-writer.ts';
import type { Pacer } from './objects.ts';
import { Pack } from './pack.ts';
import type { Pieces } from './source.ts';

/** What a set says about its contents. */
export interface ContentOptions {
  /** 16 bytes. */
  readonly setId: Bytes;
  /** 32 bytes. */
  readonly mediaKey: Bytes;
  /** Longest content of one object in bytes. */
  readonly volumeLength: number;
}

/** Seals one content after the other. */
export class ContentWriter {
  readonly #options: ContentOptions;
  readonly #sealing: Sealing;
  readonly #settling: Settling;
  readonly #pacer: Pacer;
  readonly #pack: Pack;
  /** For short contents; the making of one takes longer than they do. */
  readonly #hasher: MediaHasher;
  /** Contents in the pack that is not sealed. */
  #packed: { readonly content: Content; readonly range: RecordRange }[] = [];

  constructor(sealing: Sealing, settling: Settling, pacer: Pacer, options: ContentOptions) {
    this.#sealing = sealing;
    this.#settling = settling;
    this.#pacer = pacer;
    this.#options = options;
    this.#pack = new Pack(options.setId);
    this.#hasher = new MediaHasher(options.mediaKey);
  }

  /** The media id of a content. */
  async identify(pieces: Pieces): Promise<Bytes> {
    const hasher = new MediaHasher(this.#options.mediaKey);
    for await (const piece of pieces) {
      hasher.update(piece);
      await this.#pacer.pace();
    }
    return hasher.digest();
  }

  /** The media id of a short content. */
  identifyBytes(bytes: Uint8Array): Bytes {
    this.#hasher.update(bytes);
    return this.#hasher.digest();
  }

  /** Puts a short content into the pack. Where that lies is known once the pack is sealed. */
  async pack(path: string, bytes: Bytes, mediaId: Bytes): Promise<Content> {
    if (!this.#pack.hasRoom(path, bytes.length)) await this.sealPack();
    const content: Content = { contentLength: bytes.length, mediaId, places: [] };
    this.#packed.push({ content, range: this.#pack.add(path, bytes) });
    return content;
  }

  /** Seals the pack, if there is anything in it. */
  async sealPack(): Promise<void> {
    if (this.#packed.length === 0) return;
    const object = await this.put([this.#pack.end()]);
    for (const { content, range } of this.#packed) content.places = [{ object, range }];
    this.#packed = [];
  }

  /** Seals an object of records that is no entry. */
  async put(pieces: Pieces): Promise<ObjectReference> {
    const volumes = this.#volumes('records');
    try {
      for await (const piece of pieces) await volumes.write(piece);
      const [object] = await volumes.end();
      if (object === undefined) throw new RangeError('records without an object');
      return object;
    } catch (error) {
      await volumes.discard();
      throw error;
    }
  }

  /**
   * Seals a content whose identity shows only when it was read. It is thrown away if it is one that `find` knows, or
   * if `check` throws, which is called when all of it was read.
   */
  async seal(
    type: 'blob' | 'records',
    pieces: Pieces,
    find: (mediaId: Bytes) => Content | undefined,
    check?: () => void,
  ): Promise<Content> {
    const hasher = new MediaHasher(this.#options.mediaKey);
    const volumes = this.#volumes(type);
    let contentLength = 0;
    try {
      for await (const piece of pieces) {
        hasher.update(piece);
        contentLength += piece.length;
        await volumes.write(piece);
        await this.#pacer.pace();
      }
      check?.();
      const mediaId = hasher.digest();
      const known = find(mediaId);
      if (known !== undefined) {
        await volumes.discard();
        return known;
      }
      const objects = await volumes.end();
      return { contentLength, mediaId, places: objects.map((object) => ({ object, range: undefined })) };
    } catch (error) {
      await volumes.discard();
      throw error;
    }
  }

  /** Only blobs are cut: records say themselves where they belong. */
  #volumes(type: 'blob' | 'records'): VolumeWriter {
    const length = type === 'blob' ? this.#options.volumeLength : MAX_VOLUME_LENGTH;
    return new VolumeWriter(this.#sealing, this.#settling, type, length);
  }
}
