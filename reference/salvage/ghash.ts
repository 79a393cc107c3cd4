/**
 * The polynomial behind the tags of AES-GCM, as a rolling hash (spec/salvage.md, "Searching fast"): it tells for
 * every offset of damaged bytes which chunk could begin there, for the price of three multiplications an offset
 * instead of a chunk of AES-GCM. It proves nothing; what it proposes is opened by the engine.
 *
 * @module
 */
import type { ChunkKey } from '../container/index.ts';
import { NONCE_LENGTH, type Aead, type CryptoEngine } from '../crypto/engine.ts';
import { copy, type Bytes } from '../wire/bytes.ts';

/** An element of GF(2^128) as four words, in the bit order of NIST SP 800-38D: the top bit of the first word is x^0. */
type Element = Uint32Array;

const WORDS = 4;
const REDUCTION = 0xe1000000;

/** The first 16 bytes as an element. */
function elementOf(bytes: Uint8Array): Element {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return Uint32Array.from({ length: WORDS }, (_, i) => view.getUint32(4 * i));
}

function add(a: Element, b: Element): Element {
  return a.map((word, i) => word ^ (b[i] ?? 0));
}

/** `value · x` */
function timesX([a = 0, b = 0, c = 0, d = 0]: Element): Element {
  const carry = (d & 1) === 0 ? 0 : REDUCTION;
  return Uint32Array.of(
    (a >>> 1) ^ carry,
    (b >>> 1) | (a << 31),
    (c >>> 1) | (b << 31),
    (d >>> 1) | (c << 31),
  );
}

/** `value / x` */
function overX([a = 0, b = 0, c = 0, d = 0]: Element): Element {
  const carry = a >>> 31;
  const high = carry === 0 ? a : a ^ REDUCTION;
  return Uint32Array.of(
    (high << 1) | (b >>> 31),
    (b << 1) | (c >>> 31),
    (c << 1) | (d >>> 31),
    (d << 1) | carry,
  );
}

function times(a: Element, b: Element): Element {
  let sum: Element = new Uint32Array(WORDS);
  let shifted = b;
  for (let bit = 0; bit < 128; bit++) {
    if (((a[bit >> 5] ?? 0) >>> (31 - (bit & 31))) & 1) sum = add(sum, shifted);
    shifted = timesX(shifted);
  }
  return sum;
}

/** Products with one element by tables: 256 products for each of the 16 bytes. */
class Multiplier {
  readonly #table = new Uint32Array(16 * 256 * WORDS);

  constructor(factor: Element) {
    let power = factor;
    for (let row = 0; row < 16; row++) {
      const start = row * 256;
      for (let bit = 0x80; bit > 0; bit >>= 1, power = timesX(power))
        this.#table.set(power, (start + bit) * WORDS);
      for (let n = 3; n < 256; n++) {
        const low = n & -n;
        if (low === n) continue;
        for (let word = 0; word < WORDS; word++) {
          const rest = this.#table[(start + n - low) * WORDS + word] ?? 0;
          this.#table[(start + n) * WORDS + word] = rest ^ (this.#table[(start + low) * WORDS + word] ?? 0);
        }
      }
    }
  }

  /** `value := value · factor` */
  apply(value: Element): void {
    const table = this.#table;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let word = 0, row = 0; word < WORDS; word++) {
      const bits = value[word] ?? 0;
      for (let shift = 24; shift >= 0; shift -= 8, row += 256 * WORDS) {
        const at = row + ((bits >>> shift) & 255) * WORDS;
        a ^= table[at] ?? 0;
        b ^= table[at + 1] ?? 0;
        c ^= table[at + 2] ?? 0;
        d ^= table[at + 3] ?? 0;
      }
    }
    value[0] = a;
    value[1] = b;
    value[2] = c;
    value[3] = d;
  }

  /** The first word of `value · factor`. */
  first(value: Element): number {
    const table = this.#table;
    let a = 0;
    for (let word = 0, row = 0; word < WORDS; word++) {
      const bits = value[word] ?? 0;
      for (let shift = 24; shift >= 0; shift -= 8, row += 256 * WORDS) {
        a ^= table[row + ((bits >>> shift) & 255) * WORDS] ?? 0;
      }
    }
    return a;
  }
}

/** A chunk that may begin at an offset. */
export interface Proposal {
  readonly offset: number;
  readonly index: number;
}

/** Proposes where chunks of one object may be. What it seals is nothing at all, and leaves it in no form. */
export class TagSearch {
  readonly #aead: Aead;
  readonly #baseNonce: Bytes;
  readonly #chunkSize: number;
  readonly #h: Multiplier;
  /** Takes the oldest block out of a window of one chunk: H^(C/16). */
  readonly #leaving: Multiplier;
  /** The first word of `len · H`, of a full chunk. */
  readonly #lengthTerm: number;
  readonly #masks = new Map<number, number>();

  constructor({ key, baseNonce, chunkLog2 }: ChunkKey, engine: CryptoEngine) {
    this.#aead = engine.aead(key);
    this.#baseNonce = copy(baseNonce);
    this.#chunkSize = 2 ** chunkLog2;
    let power = hashKey(this.#aead);
    this.#h = new Multiplier(power);
    for (let blocks = this.#chunkSize / 16; blocks > 1; blocks /= 2) power = times(power, power);
    this.#leaving = new Multiplier(power);
    // The block that closes the hash of a full chunk.
    this.#lengthTerm = this.#h.first(Uint32Array.of(0, 0, 0, 8 * this.#chunkSize));
  }

  /**
   * The places, in ascending order of offset, at which one of `indices` may lie whole in `bytes`, with an offset
   * below `count`. `bytes` holds at least `count - 1` bytes and a chunk with its tag.
   */
  full(bytes: Uint8Array, count: number, indices: readonly number[]): Proposal[] {
    const wanted = this.#masksOf(indices);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const found: Proposal[] = [];
    for (let lane = 0; lane < Math.min(16, count); lane++) this.#lane(view, lane, count, wanted, found);
    return found.sort((a, b) => a.offset - b.offset || a.index - b.index);
  }

  /** All offsets `lane`, `lane + 16`, … of {@link full}. */
  #lane(view: DataView, lane: number, count: number, wanted: Wanted, found: Proposal[]): void {
    const size = this.#chunkSize;
    const window: Element = new Uint32Array(WORDS);
    const oldest: Element = new Uint32Array(WORDS);
    for (let at = lane; at < lane + size; at += 16) {
      this.#h.apply(window);
      addBlock(window, view, at);
    }
    for (let offset = lane; ; offset += 16) {
      const tagAt = offset + size;
      // window · H, which the next window needs too.
      this.#h.apply(window);
      const word = (this.#h.first(window) ^ this.#lengthTerm ^ view.getUint32(tagAt)) >>> 0;
      if (wanted.hints[word >>> 16] === 1) {
        for (const index of wanted.byWord.get(word) ?? []) found.push({ offset, index });
      }
      if (offset + 16 >= count) return;
      oldest.fill(0);
      addBlock(oldest, view, offset);
      this.#leaving.apply(oldest);
      addBlock(window, view, tagAt);
      for (let i = 0; i < WORDS; i++) window[i] = (window[i] ?? 0) ^ (oldest[i] ?? 0);
    }
  }

  /** Lengths, tag included, that a chunk of `index` at the start of `bytes` may have, in ascending order. */
  lengths(bytes: Uint8Array, index: number, least: number): number[] {
    const mask = this.#mask(index);
    const padded = new Uint8Array(bytes.length + 16);
    padded.set(bytes);
    const view = new DataView(padded.buffer);
    const hash: Element = new Uint32Array(WORDS);
    const last: Element = new Uint32Array(WORDS);
    const found: number[] = [];
    for (let length = 0; length + 16 <= bytes.length && length < this.#chunkSize; length++) {
      const rest = length % 16;
      if (length > 0 && rest === 0) {
        addBlock(hash, view, length - 16);
        this.#h.apply(hash);
      }
      if (length + 16 < least) continue;
      last.set(hash);
      if (rest > 0) {
        addPartOfBlock(last, view, length - rest, rest);
        this.#h.apply(last);
      }
      last[3] = (last[3] ?? 0) ^ (8 * length);
      if ((this.#h.first(last) ^ mask) >>> 0 === view.getUint32(length)) found.push(length + 16);
    }
    return found;
  }

  #masksOf(indices: readonly number[]): Wanted {
    const hints = new Uint8Array(65_536);
    const byWord = new Map<number, number[]>();
    for (const index of indices) {
      const word = this.#mask(index);
      hints[word >>> 16] = 1;
      const same = byWord.get(word);
      if (same === undefined) byWord.set(word, [index]);
      else same.push(index);
    }
    return { hints, byWord };
  }

  /** The first word of what masks the tags of chunk `index`: the tag of nothing at all. */
  #mask(index: number): number {
    const known = this.#masks.get(index);
    if (known !== undefined) return known;
    const nonce = copy(this.#baseNonce);
    const tail = new DataView(nonce.buffer, NONCE_LENGTH - 4);
    tail.setUint32(0, (tail.getUint32(0) ^ index) >>> 0);
    const [word = 0] = elementOf(this.#aead.seal(nonce, new Uint8Array()));
    this.#masks.set(index, word);
    return word;
  }
}

/** Masks by their first word, and whether there is one by its upper half. */
interface Wanted {
  readonly hints: Uint8Array;
  readonly byWord: ReadonlyMap<number, readonly number[]>;
}

/**
 * H, from two tags under one nonce: those of 16 bytes of zeros and of nothing as associated data differ by the
 * length block, which is x^56, times H.
 */
function hashKey(aead: Aead): Element {
  const nonce = new Uint8Array(NONCE_LENGTH);
  const tagOf = (aad: Bytes): Element => elementOf(aead.seal(nonce, new Uint8Array(), aad));
  let h = add(tagOf(new Uint8Array(16)), tagOf(new Uint8Array()));
  for (let i = 0; i < 56; i++) h = overX(h);
  return h;
}

function addBlock(value: Element, view: DataView, at: number): void {
  for (let i = 0; i < WORDS; i++) value[i] = (value[i] ?? 0) ^ view.getUint32(at + 4 * i);
}

/** The first `length` bytes of a block, and zeros. */
function addPartOfBlock(value: Element, view: DataView, at: number, length: number): void {
  for (let i = 0; i < length; i++) {
    value[i >> 2] = (value[i >> 2] ?? 0) ^ (view.getUint8(at + i) << (24 - 8 * (i & 3)));
  }
}
