/**
 * The chunk engine (spec/container.md, "Chunks"). At `chunkLog2` 14 it is the raw mode of C2SP chunked-encryption
 * with AES-256-GCM, so the vectors of that format hold for it.
 *
 * @module
 */
import { NONCE_LENGTH, TAG_LENGTH, type Aead, type CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import { concat, copy, type Bytes } from '../wire/bytes.ts';

/** The highest chunk index. */
export const MAX_CHUNK_INDEX: number = 2 ** 32 - 1;

/** What the chunks of one object are sealed under. */
export interface ChunkKey {
  /** 32 bytes; may be wiped once a {@link chunkCipher} was made of it. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly baseNonce: Uint8Array;
  readonly chunkLog2: number;
}

/** Seals and opens single chunks in any order; holds no state between calls. */
export class ChunkCipher {
  /** Length in bytes of every plaintext chunk but the final one, which is shorter. */
  readonly chunkSize: number;
  readonly chunkLog2: number;
  readonly #aead: Aead;
  readonly #baseNonce: Bytes;

  /** @param baseNonce 12 bytes */
  constructor(aead: Aead, baseNonce: Uint8Array, chunkLog2: number) {
    this.chunkSize = 2 ** chunkLog2;
    this.chunkLog2 = chunkLog2;
    this.#aead = aead;
    this.#baseNonce = copy(baseNonce);
  }

  /**
   * Ciphertext and 16-byte tag of chunk `index`, in pieces so that nothing is copied to join them.
   *
   * @throws StrongroomError `limit-exceeded` if the index is above 2^32 - 1 or the plaintext longer than a chunk
   */
  seal(index: number, plaintext: Uint8Array): Bytes[] {
    if (plaintext.length > this.chunkSize) throw limit(`a chunk holds at most ${this.chunkSize} bytes`);
    return this.#aead.sealParts(this.#nonce(index), plaintext);
  }

  /**
   * The plaintext of chunk `index`.
   *
   * @throws StrongroomError `chunk-damaged`, with `chunk`, if it does not authenticate at this place under this key
   * @throws StrongroomError `limit-exceeded` if the index is above 2^32 - 1
   */
  open(index: number, sealed: Uint8Array): Bytes {
    const nonce = this.#nonce(index);
    const plaintext =
      sealed.length > this.chunkSize + TAG_LENGTH ? undefined : this.#aead.open(nonce, sealed);
    if (plaintext !== undefined) return plaintext;
    throw new StrongroomError('chunk-damaged', `chunk ${index} does not authenticate`, { chunk: index });
  }

  /** `baseNonce XOR u96(index)`. */
  #nonce(index: number): Bytes {
    if (index > MAX_CHUNK_INDEX) throw limit('chunk indices end at 2^32 - 1');
    const nonce = copy(this.#baseNonce);
    const tail = new DataView(nonce.buffer, NONCE_LENGTH - 4);
    tail.setUint32(0, (tail.getUint32(0) ^ index) >>> 0);
    return nonce;
  }
}

/** The cipher of one object. */
export function chunkCipher(key: ChunkKey, engine: CryptoEngine = nodeEngine): ChunkCipher {
  return new ChunkCipher(engine.aead(key.key), key.baseNonce, key.chunkLog2);
}

/** Seals one chunk: `ciphertext || tag`. @throws StrongroomError as {@link ChunkCipher.seal} */
export function sealChunk(key: ChunkKey, index: number, plaintext: Uint8Array, engine?: CryptoEngine): Bytes {
  return concat(...chunkCipher(key, engine).seal(index, plaintext));
}

/** Opens one chunk. @throws StrongroomError as {@link ChunkCipher.open} */
export function openChunk(key: ChunkKey, index: number, sealed: Uint8Array, engine?: CryptoEngine): Bytes {
  return chunkCipher(key, engine).open(index, sealed);
}

function limit(message: string): StrongroomError {
  return new StrongroomError('limit-exceeded', message);
}
