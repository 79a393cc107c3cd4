/**
 * Where the chunks of a damaged object are (spec/salvage.md, "Finding chunks").
 *
 * @module
 */
import type { ChunkKey } from '../container/index.ts';
import { chunkCipher, type ChunkCipher } from '../container/chunk.ts';
import { MAX_PLAINTEXT_LENGTH, TRAILER_LENGTH } from '../container/padding.ts';
import { TAG_LENGTH, type CryptoEngine } from '../crypto/engine.ts';
import { isStrongroomError } from '../errors.ts';
import { Pacer } from '../set/objects.ts';
import type { Bytes } from '../wire/bytes.ts';
import { TagSearch } from './ghash.ts';
import { endOf, Indices, joined, type Run } from './runs.ts';
import type { DamagedBytes } from './source.ts';

/** Offsets of one object at which a chunk is looked for in vain before the search ends. */
export const OBJECT_SEARCH_LIMIT: number = 2 ** 26;
/** The same, of a whole run. */
export const RUN_SEARCH_LIMIT: number = 2 ** 30;
/** How far the index of a chunk may be from the one that is expected. */
export const INDEX_REACH = 1024;
const MIN_FINAL_LENGTH: number = TRAILER_LENGTH + TAG_LENGTH;

/** How many more offsets may be searched; shared by all objects of one run. */
export interface SearchBudget {
  left: number;
}

/** The final chunk. */
export interface FinalChunk {
  readonly index: number;
  readonly offset: number;
  /** Length in bytes with its tag. */
  readonly length: number;
}

/** Every chunk that was found. */
export interface Places {
  /** In ascending order of `first`. */
  readonly runs: readonly Run[];
  readonly final: FinalChunk | undefined;
  /** The end of the last byte of the full chunks that is not zero, as a position in the plaintext. */
  readonly nonZeroEnd: number;
  /** True if the search ended because of its limit. */
  readonly limited: boolean;
  /** Chunks that were opened or tried, and offsets that were searched in vain: what the work came to. */
  readonly trials: number;
  readonly searched: number;
}

/** What is known of the object before its chunks are looked for. */
export interface Layout extends ChunkKey {
  /** Where the chunks begin in an object that is not damaged: the length of its header. */
  readonly start: number;
  /** True if the header is there as it was written. */
  readonly intact: boolean;
  /** Length in bytes of the object as it was written, if an authenticated source tells. */
  readonly length: number | undefined;
  readonly budget: SearchBudget;
  readonly engine: CryptoEngine;
  readonly signal: AbortSignal | undefined;
}

/** Every chunk that was found, and the plaintext of the final one. */
export interface Found extends Places {
  readonly last: Bytes | undefined;
}

/** Looks for every chunk of an object. @throws StrongroomError `cancelled` */
export async function findPlaces(source: DamagedBytes, layout: Layout): Promise<Found> {
  const finder = new Finder(source, layout);
  await finder.inPlace();
  await finder.elsewhere();
  return finder.end();
}

interface End {
  readonly final: FinalChunk;
  readonly last: Bytes;
}

class Finder {
  readonly #source: DamagedBytes;
  readonly #layout: Layout;
  readonly #cipher: ChunkCipher;
  readonly #pacer: Pacer;
  /** Length in bytes of a full chunk with its tag. */
  readonly #size: number;
  /** Number of full chunks at most. */
  readonly #most: number;
  #tags: TagSearch | undefined;
  #runs: Run[] = [];
  readonly #found = new Indices();
  #nonZeroEnd = 0;
  #limit = OBJECT_SEARCH_LIMIT;
  #limited = false;
  #trials = 0;
  #searched = 0;

  constructor(source: DamagedBytes, layout: Layout) {
    this.#source = source;
    this.#layout = layout;
    this.#cipher = chunkCipher(layout, layout.engine);
    this.#pacer = new Pacer(layout.signal);
    this.#size = this.#cipher.chunkSize + TAG_LENGTH;
    const most = Math.floor(MAX_PLAINTEXT_LENGTH / this.#cipher.chunkSize);
    this.#most = layout.length === undefined ? most : Math.min(most, this.#chunksOf(layout.length));
  }

  /** Number of full chunks of an object of `length` bytes. */
  #chunksOf(length: number): number {
    return Math.max(0, Math.floor((length - this.#layout.start) / this.#size));
  }

  /** Step 1: each chunk where it was written. */
  async inPlace(): Promise<void> {
    const { start } = this.#layout;
    const count = Math.min(this.#most, this.#chunksOf(this.#source.length));
    for (let index = 0; index < count; index++) await this.#take(index, start + index * this.#size);
  }

  /** Step 2: the others, in what lies between those. */
  async elsewhere(): Promise<void> {
    for (const { from, to, next } of this.#gaps()) {
      let expected = next;
      for (let at = from; at + this.#size <= to;) {
        if (this.#isMissing(expected) && (await this.#take(expected, at))) {
          at += this.#size;
          expected++;
          continue;
        }
        const found = await this.#search(at, to, expected);
        if (found === undefined) break;
        at = found.offset + this.#size;
        expected = found.index + 1;
      }
    }
    this.#runs = joined(
      this.#runs.sort((a, b) => a.first - b.first),
      this.#size,
    );
  }

  /** Step 3, and the result. */
  async end(): Promise<Found> {
    const { length } = this.#layout;
    const end = length === undefined ? await this.#finalAnywhere() : await this.#finalOf(length);
    const effort = { limited: this.#limited, trials: this.#trials, searched: this.#searched };
    const found = { runs: this.#runs, nonZeroEnd: this.#nonZeroEnd, ...effort };
    return { ...found, final: end?.final, last: end?.last };
  }

  /** What no chunk in its place covers, in ascending order, with the index after the chunk before it. */
  #gaps(): { from: number; to: number; next: number }[] {
    const gaps = [];
    let from = this.#layout.intact ? this.#layout.start : 0;
    let next = 0;
    for (const { first, end, offset } of joined(this.#runs, this.#size)) {
      gaps.push({ from, to: offset, next });
      from = offset + (end - first) * this.#size;
      next = end;
    }
    return [...gaps, { from, to: this.#source.length, next }];
  }

  #isMissing(index: number): boolean {
    return index < this.#most && !this.#found.has(index);
  }

  /** Takes chunk `index` at `offset` if it opens there. */
  async #take(index: number, offset: number): Promise<boolean> {
    const plaintext = await this.#open(index, offset, this.#size);
    if (plaintext === undefined) return false;
    this.#found.add(index);
    const last = this.#runs.at(-1);
    const follows = last?.end === index && last.offset + (index - last.first) * this.#size === offset;
    if (last !== undefined && follows) this.#runs[this.#runs.length - 1] = { ...last, end: index + 1 };
    else this.#runs.push({ first: index, end: index + 1, offset });
    const end = nonZeroLength(plaintext);
    if (end > 0) this.#nonZeroEnd = Math.max(this.#nonZeroEnd, index * this.#cipher.chunkSize + end);
    return true;
  }

  async #open(index: number, offset: number, length: number): Promise<Bytes | undefined> {
    await this.#pacer.pace();
    if (offset < 0 || offset + length > this.#source.length) return undefined;
    return this.#tryOpen(index, await this.#source.read(offset, offset + length));
  }

  #tryOpen(index: number, sealed: Uint8Array): Bytes | undefined {
    this.#trials++;
    return opened(this.#cipher, index, sealed);
  }

  /** The first offset from `from` on at which a missing chunk lies whole before `to`; it is taken. */
  async #search(
    from: number,
    to: number,
    expected: number,
  ): Promise<{ index: number; offset: number } | undefined> {
    const least = Math.max(0, expected - INDEX_REACH);
    const indices = Array.from({ length: expected + INDEX_REACH + 1 - least }, (_, i) => least + i);
    const missing = indices.filter((index) => this.#isMissing(index));
    const { budget } = this.#layout;
    const chunkSize = this.#cipher.chunkSize;
    for (let at = from; at + this.#size <= to;) {
      const left = Math.min(this.#limit, budget.left);
      const count = Math.min(2 * chunkSize, to - this.#size + 1 - at, left);
      if (count === 0) {
        this.#limited = true;
        return undefined;
      }
      await this.#pacer.pace();
      const bytes = await this.#source.read(at, at + count - 1 + this.#size);
      const found = this.#tagSearch()
        .full(bytes, count, missing)
        .find(({ offset, index }) => this.#tryOpen(index, bytes.subarray(offset, offset + this.#size)));
      const vain = found?.offset ?? count;
      this.#searched += vain;
      this.#limit -= vain;
      budget.left -= vain;
      at += vain;
      if (found !== undefined && (await this.#take(found.index, at)))
        return { index: found.index, offset: at };
    }
    return undefined;
  }

  #tagSearch(): TagSearch {
    return (this.#tags ??= new TagSearch(this.#layout, this.#layout.engine));
  }

  /** The final chunk of an object whose length is known: after the chunk before it, in its place, or at the end. */
  async #finalOf(objectLength: number): Promise<End | undefined> {
    const { start } = this.#layout;
    const index = this.#most;
    const length = objectLength - start - index * this.#size;
    if (length < MIN_FINAL_LENGTH) return undefined;
    const run = this.#runs.at(-1);
    const after = run?.end === index ? [endOf(run, this.#size)] : [];
    const offsets = [...after, start + index * this.#size, this.#source.length - length];
    for (const offset of new Set(offsets)) {
      const last = await this.#open(index, offset, length);
      if (last !== undefined) return { final: { index, offset, length }, last };
    }
    return undefined;
  }

  /** The final chunk of an object of unknown length: where its bytes end, or of any length after the last chunk. */
  async #finalAnywhere(): Promise<End | undefined> {
    const { start } = this.#layout;
    const index = this.#chunksOf(this.#source.length);
    const offset = start + index * this.#size;
    const length = this.#source.length - offset;
    const possible = length >= MIN_FINAL_LENGTH && index <= this.#most;
    const inPlace = possible ? await this.#open(index, offset, length) : undefined;
    if (inPlace !== undefined) return { final: { index, offset, length }, last: inPlace };
    const run = this.#runs.at(-1);
    const next =
      run === undefined ? { index: 0, offset: start } : { index: run.end, offset: endOf(run, this.#size) };
    if (next.offset >= this.#source.length) return undefined;
    await this.#pacer.pace();
    const bytes = await this.#source.read(
      next.offset,
      Math.min(next.offset + this.#size - 1, this.#source.length),
    );
    for (const each of this.#tagSearch().lengths(bytes, next.index, MIN_FINAL_LENGTH)) {
      const last = this.#tryOpen(next.index, bytes.subarray(0, each));
      if (last !== undefined) return { final: { ...next, length: each }, last };
    }
    return undefined;
  }
}

/** A chunk, if it opens. */
export function opened(cipher: ChunkCipher, index: number, sealed: Uint8Array): Bytes | undefined {
  try {
    return cipher.open(index, sealed);
  } catch (error) {
    if (isStrongroomError(error, 'chunk-damaged')) return undefined;
    throw error;
  }
}

/** Length without the zeros at the end. */
export function nonZeroLength(bytes: Uint8Array): number {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length;
}
