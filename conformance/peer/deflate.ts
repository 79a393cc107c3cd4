/**
 * A writer of DEFLATE streams (RFC 1951), bit by bit: what it writes is the same on every machine, and can be wrong.
 *
 * @module
 */
import { be, cat, type Bytes } from './primitives.ts';

/** One step of a block: a literal byte, or a copy of `length` (3 to 258) bytes from `distance` (1 to 32768) back. */
export type Step = number | { readonly length: number; readonly distance: number };

/** A block: bytes as they are, or steps under the fixed codes. */
export type Block = { readonly stored: Uint8Array } | { readonly steps: readonly Step[] };

/** Bits, the lowest of a byte first. */
class Bits {
  readonly #bytes: number[] = [];
  #count = 0;

  /** A number, its lowest bit first. */
  number(value: number, size: number): void {
    for (let i = 0; i < size; i++) {
      if (this.#count % 8 === 0) this.#bytes.push(0);
      const last = this.#bytes.length - 1;
      this.#bytes[last] = (this.#bytes[last] ?? 0) | (((value >> i) & 1) << (this.#count % 8));
      this.#count++;
    }
  }

  /** A Huffman code, its highest bit first. */
  code(value: number, size: number): void {
    for (let i = size - 1; i >= 0; i--) this.number((value >> i) & 1, 1);
  }

  /** Whole bytes, after the end of the present one. */
  bytes(bytes: Uint8Array): void {
    this.#count = 8 * this.#bytes.length;
    for (const byte of bytes) this.number(byte, 8);
  }

  get written(): Bytes {
    return Uint8Array.from(this.#bytes);
  }
}

/** First value and number of extra bits of each length code, from 257 on, and of each distance code, from 0 on. */
function ranges(first: number, codes: number, plain: number, step: number): [base: number, extra: number][] {
  const out: [number, number][] = [];
  for (let code = 0, base = first; code < codes; code++) {
    const extra = code < plain ? 0 : Math.floor((code - plain) / step) + 1;
    out.push([base, extra]);
    base += 2 ** extra;
  }
  return out;
}

const LENGTHS = [...ranges(3, 28, 8, 4), [258, 0] as [number, number]];
const DISTANCES = ranges(1, 30, 4, 2);

function codeOf(
  table: readonly [number, number][],
  value: number,
): [code: number, extra: number, bits: number] {
  const code = table.findLastIndex(([base]) => base <= value);
  const [base, bits] = table[code] ?? [0, 0];
  return [code, value - base, bits];
}

function symbol(bits: Bits, value: number): void {
  if (value < 144) bits.code(0x30 + value, 8);
  else if (value < 256) bits.code(0x190 + value - 144, 9);
  else if (value < 280) bits.code(value - 256, 7);
  else bits.code(0xc0 + value - 280, 8);
}

function copyStep(bits: Bits, length: number, distance: number): void {
  const [lengthCode, more, moreBits] = codeOf(LENGTHS, length);
  symbol(bits, 257 + lengthCode);
  bits.number(more, moreBits);
  const [distanceCode, further, furtherBits] = codeOf(DISTANCES, distance);
  bits.code(distanceCode, 5);
  bits.number(further, furtherBits);
}

/** A stream of blocks, the last of which is marked as the last unless `open`. */
export function deflate(blocks: readonly Block[], open = false): Bytes {
  const bits = new Bits();
  for (const [i, block] of blocks.entries()) {
    bits.number(i === blocks.length - 1 && !open ? 1 : 0, 1);
    if ('stored' in block) {
      const { length } = block.stored;
      bits.number(0, 2);
      bits.bytes(cat(be(2, length).toReversed(), be(2, 0xffff - length).toReversed(), block.stored));
      continue;
    }
    bits.number(1, 2);
    for (const step of block.steps) {
      if (typeof step === 'number') symbol(bits, step);
      else copyStep(bits, step.length, step.distance);
    }
    symbol(bits, 256);
  }
  return bits.written;
}

/** The bytes as literals, where runs of one byte are copies of distance 1. */
export function literals(bytes: Uint8Array): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < bytes.length;) {
    steps.push(bytes[at] ?? 0);
    let run = 0;
    while (at + 1 + run < bytes.length && bytes[at + 1 + run] === bytes[at]) run++;
    at++;
    while (run >= 3) {
      const length = Math.min(run, 258);
      steps.push({ length, distance: 1 });
      run -= length;
      at += length;
    }
  }
  return steps;
}
