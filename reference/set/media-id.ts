/**
 * The identity of content (spec/manifest.md, "Content identity"): what tells that two files are the same, to whoever
 * holds the media key of their set and to nobody else.
 *
 * @module
 */
import { BLOCK_LENGTH, blockTag } from '../crypto/block-tag.ts';
import { TAG_LENGTH, type Aead, type CryptoEngine } from '../crypto/engine.ts';
import { expand } from '../crypto/hkdf.ts';
import { free } from '../crypto/memory.ts';
import { nodeEngine } from '../crypto/node.ts';
import { label, type LabelName } from '../keys/labels.ts';
import { concat, wipe, type Bytes } from '../wire/bytes.ts';
import { encode, u64 } from '../wire/codec.ts';

/** Length in bytes of a media key, and of a media id. */
export const MEDIA_ID_LENGTH = 32;
function derive(mediaKey: Uint8Array, name: LabelName, engine: CryptoEngine): Bytes {
  return expand(engine, 'sha256', mediaKey, label(name), 32);
}

/** K_tag, 32 bytes. The caller wipes it. */
export function mediaTagKey(mediaKey: Uint8Array, engine: CryptoEngine = nodeEngine): Bytes {
  return derive(mediaKey, 'media-tag', engine);
}

function tagCipher(mediaKey: Uint8Array, engine: CryptoEngine): Aead {
  const key = mediaTagKey(mediaKey, engine);
  const aead = engine.aead(key);
  wipe(key);
  return aead;
}

/**
 * The tags of the blocks that make up `content`, 16 bytes each, which begins with block `first` of a file and ends with
 * a whole block or with the file: what several threads compute of one file. Tags are as secret as the content.
 */
export function tagBlocks(
  mediaKey: Uint8Array,
  first: number,
  content: Uint8Array,
  engine: CryptoEngine = nodeEngine,
): Bytes {
  const aead = tagCipher(mediaKey, engine);
  const tags = new Uint8Array(TAG_LENGTH * Math.ceil(content.length / BLOCK_LENGTH));
  for (let at = 0, i = 0; at < content.length; at += BLOCK_LENGTH, i++) {
    tags.set(blockTag(aead, first + i, content.subarray(at, at + BLOCK_LENGTH)), TAG_LENGTH * i);
  }
  return tags;
}

/** The media id, 32 bytes, of a content of `contentLength` bytes whose blocks have these tags, in order. */
export function mediaIdOf(
  mediaKey: Uint8Array,
  contentLength: number,
  tags: Uint8Array,
  engine: CryptoEngine = nodeEngine,
): Bytes {
  const key = derive(mediaKey, 'media-id', engine);
  const id = idOf(key, contentLength, tags, engine);
  wipe(key);
  return id;
}

function idOf(key: Uint8Array, contentLength: number, tags: Uint8Array, engine: CryptoEngine): Bytes {
  return engine.hmac('sha256', key, concat(encode(u64, contentLength), tags));
}

/** Computes the media id of content that comes in pieces. */
export class MediaHasher {
  /** K_mid, derived once: a content can be shorter than that takes. */
  readonly #key: Bytes;
  readonly #engine: CryptoEngine;
  readonly #aead: Aead;
  /** The block that has begun, and how much of it is there; none until a piece does not end with a block. */
  #block: Bytes | undefined;
  #held = 0;
  #tags: Bytes = new Uint8Array(64 * TAG_LENGTH);
  #blocks = 0;
  #length = 0;

  /** `mediaKey` is 32 bytes. */
  constructor(mediaKey: Uint8Array, engine: CryptoEngine = nodeEngine) {
    this.#key = derive(mediaKey, 'media-id', engine);
    this.#engine = engine;
    this.#aead = tagCipher(mediaKey, engine);
  }

  /** Adds content, which is not kept. */
  update(content: Uint8Array): void {
    this.#length += content.length;
    for (let at = 0; at < content.length;) {
      const part = content.subarray(at, at + BLOCK_LENGTH - this.#held);
      at += part.length;
      if (part.length === BLOCK_LENGTH) this.#add(part);
      else this.#hold(part);
    }
  }

  /** The media id of all that was added, 32 bytes. The next content begins after it. */
  digest(): Bytes {
    const held = this.#block?.subarray(0, this.#held);
    if (held !== undefined && held.length > 0) this.#add(held);
    wipe(held);
    const tags = this.#tags.subarray(0, TAG_LENGTH * this.#blocks);
    const id = idOf(this.#key, this.#length, tags, this.#engine);
    this.#held = this.#blocks = this.#length = 0;
    return id;
  }

  /** {@link digest}, and no content comes after it: its memory is given back. */
  end(): Bytes {
    const id = this.digest();
    if (this.#block !== undefined) free(this.#block);
    this.#block = undefined;
    return id;
  }

  #hold(part: Uint8Array): void {
    this.#block ??= new Uint8Array(BLOCK_LENGTH);
    this.#block.set(part, this.#held);
    this.#held += part.length;
    if (this.#held < BLOCK_LENGTH) return;
    this.#add(this.#block);
    this.#held = 0;
  }

  #add(block: Uint8Array): void {
    const at = TAG_LENGTH * this.#blocks;
    if (at === this.#tags.length) {
      const longer = new Uint8Array(2 * at);
      longer.set(this.#tags);
      this.#tags = longer;
    }
    this.#tags.set(blockTag(this.#aead, this.#blocks++, block), at);
  }
}
