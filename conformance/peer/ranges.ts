/**
 * The suite's own pre-flight and ranges (spec/container.md, "Pre-flight" and "Reading a range"), step by step.
 *
 * @module
 */
import { numberAt, readHeader, Refusal, type Header } from './opening.ts';
import { be, cat, same, sha256, unseal, zeros, type Bytes } from './primitives.ts';
import { chunkNonce, objectKeys, plaintextLength } from './sealed-object.ts';

/** What gives parts of an object, and says how long it is. */
export interface Source {
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** What an authenticated source has told. */
export interface Told {
  readonly context?: Uint8Array;
  readonly objectLength?: number;
  readonly contentLength?: number;
  readonly header?: { readonly prefix: Uint8Array; readonly commitment: Uint8Array };
}

/** The end of an object. */
export interface Probe {
  readonly contentLength: number;
  readonly padding: 'none' | 'padme';
  readonly objectLength: number;
}

const MOST = 2 ** 40 + 2 ** 34 + 16;

function demand(fact: boolean, code: string): void {
  if (!fact) throw new Refusal(code);
}

/** The part of an object that holds a range. `headerLength` and all others in bytes; `length` is not 0. */
export function plan(
  at: { readonly headerLength: number; readonly chunkLog2: number; readonly objectLength: number },
  offset: number,
  length: number,
): { first: number; last: number; start: number; end: number } {
  const C = 2 ** at.chunkLog2;
  const [first, last] = [Math.floor(offset / C), Math.floor((offset + length - 1) / C)];
  const place = (index: number): number => at.headerLength + index * (C + 16);
  return { first, last, start: place(first), end: Math.min(place(last + 1), at.objectLength) };
}

/** An object of which ranges are read. */
export class Ranges {
  readonly #source: Source;
  readonly #told: Told;
  readonly #header: Header;
  readonly #keys: { readonly chunkKey: Bytes; readonly baseNonce: Bytes };

  /** Step 1 of the pre-flight. @throws Refusal */
  constructor(source: Source, key: Uint8Array, told: Told = {}) {
    demand(key.length === 32, 'invalid-key');
    this.#source = source;
    this.#told = told;
    const { header } = told;
    const check = header && sha256(header.prefix, header.commitment).slice(0, 8);
    const start = header && check && cat(header.prefix, header.commitment, check);
    const end = Math.min(4184, told.objectLength ?? 4184);
    this.#header = readHeader(start ?? source.bytes.slice(0, end));
    const keys = objectKeys(key, this.#header.prefix, told.context);
    demand(same(keys.commitment, this.#header.commitment), 'wrong-key');
    this.#keys = keys;
  }

  /** The other steps of the pre-flight. @throws Refusal */
  probe(): Probe {
    const { length } = this.#source;
    const { objectLength = length } = this.#told;
    demand(length <= objectLength, 'trailing-data');
    demand(length >= objectLength, 'truncated');
    const body = objectLength - this.#header.length;
    const sealed = this.#header.chunk + 16;
    demand(body >= 0 && body % sealed >= 32, 'truncated');
    const n = Math.floor(body / sealed);
    demand(n * this.#header.chunk <= MOST, 'limit-exceeded');
    const part = this.#source.bytes.slice(objectLength - (body % sealed), objectLength);
    demand(part.length === body % sealed, 'truncated');
    return { ...this.#final(n, this.#open(n, part)), objectLength };
  }

  /** A range of the content. @throws Refusal; what came out before is in `released` */
  read(offset: number, length: number, released: Bytes[]): void {
    const numbers = [offset, length, offset + length];
    demand(
      numbers.every((each) => Number.isSafeInteger(each) && each >= 0),
      'bad-range',
    );
    const { contentLength, objectLength } = this.#lengths();
    demand(offset + length <= contentLength, 'bad-range');
    if (length === 0) return;
    const C = this.#header.chunk;
    const layout = { headerLength: this.#header.length, chunkLog2: Math.log2(C), objectLength };
    const { first, last } = plan(layout, offset, length);
    for (let i = first; i <= last; i++) {
      const start = this.#header.length + i * (C + 16);
      const end = Math.min(start + C + 16, objectLength);
      const part = this.#source.bytes.slice(start, end);
      demand(part.length === end - start, 'truncated');
      const plain = this.#open(i, part);
      if (end - start < C + 16) this.#final(i, plain);
      released.push(plain.slice(Math.max(0, offset - i * C), Math.max(0, offset + length - i * C)));
    }
  }

  #lengths(): { contentLength: number; objectLength: number } {
    const { contentLength, objectLength } = this.#told;
    if (contentLength === undefined || objectLength === undefined) return this.probe();
    return { contentLength, objectLength };
  }

  #open(index: number, sealed: Uint8Array): Bytes {
    const plain = unseal(this.#keys.chunkKey, chunkNonce(this.#keys.baseNonce, index), sealed);
    if (plain === undefined) throw new Refusal('chunk-damaged');
    return plain;
  }

  /** Steps 19 to 21 of "Reading", for the final chunk alone, and step 8 of the pre-flight. */
  #final(index: number, plain: Bytes): Omit<Probe, 'objectLength'> {
    const before = index * this.#header.chunk;
    const trailer = plain.slice(-16);
    const [scheme] = trailer.slice(8, 9);
    const length = numberAt(trailer, 0, 8);
    demand((scheme === 0 || scheme === 1) && same(trailer.slice(9), be(7, 0)), 'bad-trailer');
    demand(length <= 2n ** 40n && length <= BigInt(before + plain.length - 16), 'bad-trailer');
    const contentLength = Number(length);
    const padme = scheme === 1;
    const right = plaintextLength(contentLength, padme ? 1 : 0, this.#header.chunk);
    const padding = plain.slice(Math.max(0, contentLength - before), -16);
    demand(right === before + plain.length && same(padding, zeros(padding.length)), 'bad-padding');
    demand(contentLength === (this.#told.contentLength ?? contentLength), 'object-mismatch');
    return { contentLength, padding: padme ? 'padme' : 'none' };
  }
}
