/**
 * The suite's own reader with every error of spec/container.md, "Reading", in the order of its steps. It says what the
 * vectors expect; speed is no matter here.
 *
 * @module
 */
import { be, cat, same, sha256, unseal, zeros, type Bytes } from './primitives.ts';
import { chunkNonce, MAGIC, objectKeys, plaintextLength } from './sealed-object.ts';

/** Why an object is refused. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

function demand(fact: boolean, code: string): void {
  if (!fact) throw new Refusal(code);
}

/** The number that big-endian bytes stand for. */
export function numberAt(bytes: Uint8Array, at: number, size: number): bigint {
  return bytes.slice(at, at + size).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

/** A header that steps 1 to 11 let pass. */
export interface Header {
  readonly prefix: Bytes;
  readonly commitment: Bytes;
  readonly chunk: number;
  readonly type: number;
  readonly length: number;
}

/** Steps 1 to 11 on the first bytes of an object. @throws Refusal, `truncated` if the input ends before they are done */
export function readHeader(input: Uint8Array): Header {
  // One byte after the other: a fault counts as soon as its byte is there.
  const byte = (at: number, holds: (value: number) => boolean, code: string): number => {
    const value = input[at];
    if (value === undefined) throw new Refusal('truncated');
    demand(holds(value), code);
    return value;
  };
  for (const [at, value] of MAGIC.entries()) byte(at, (found) => found === value, 'not-an-object');
  byte(8, (found) => found === 1, 'unsupported-version');
  byte(9, (found) => found === 1, 'unsupported-suite');
  const log2 = byte(10, (found) => [14, 16, 18, 20].includes(found), 'unsupported-chunk-size');
  const type = byte(11, (found) => found >= 1 && found <= 3, 'unsupported-type');
  byte(14, (found) => found === 0, 'reserved-not-zero');
  byte(15, (found) => found === 0, 'reserved-not-zero');
  const extLen = Number(numberAt(input, 12, 2));
  demand(extLen <= 4096, 'bad-extension');
  const end = 48 + extLen;
  demand(input.length >= end + 40, 'truncated');
  const prefix = new Uint8Array(input.slice(0, end));
  const commitment = new Uint8Array(input.slice(end, end + 32));
  demand(same(sha256(prefix, commitment).slice(0, 8), input.slice(end + 32, end + 40)), 'header-damaged');
  const types: number[] = [];
  for (let at = 48; at < end;) {
    demand(at + 4 <= end, 'bad-extension');
    types.push(Number(numberAt(prefix, at, 2)));
    at += 4 + Number(numberAt(prefix, at + 2, 2));
    demand(at <= end, 'bad-extension');
  }
  demand(
    types.every((value, i) => i === 0 || value > (types[i - 1] ?? 0)),
    'bad-extension',
  );
  demand(
    types.every((value) => value < 0x8000),
    'unknown-critical-extension',
  );
  return { prefix, commitment, chunk: 2 ** log2, type, length: end + 40 };
}

/** What was made of an object. */
export interface Opening {
  /** Code of the error, or `none`. */
  readonly code: string;
  /** All plaintext of chunks that are not final, and after a success the content. */
  readonly released: Bytes;
}

/** Opens an object by the steps of the specification. */
export function openObject(
  object: Uint8Array,
  key: Uint8Array,
  more: {
    readonly context?: Uint8Array;
    readonly objectLength?: number;
    /** `key` is the object key. */
    readonly isObjectKey?: boolean;
  } = {},
): Opening {
  const { context = zeros(0), objectLength = object.length } = more;
  const input = object.slice(0, objectLength);
  const known = more.objectLength !== undefined;
  const chunks: Bytes[] = [];
  try {
    demand(key.length === 32, 'invalid-key');
    demand(context.length <= 65_535, 'limit-exceeded');
    const tail = (): void => demand(!known || object.length <= objectLength, 'trailing-data');
    let header: Header;
    try {
      header = readHeader(input);
    } catch (error) {
      // What follows the known length is only seen where nothing before it is wrong.
      if (error instanceof Refusal && error.code === 'truncated') tail();
      throw error;
    }
    const keys = objectKeys(key, header.prefix, context, { isObjectKey: more.isObjectKey === true });
    demand(same(keys.commitment, header.commitment), 'wrong-key');
    const open = (from: number, to: number): void => {
      const plain = unseal(keys.chunkKey, chunkNonce(keys.baseNonce, chunks.length), input.slice(from, to));
      if (plain === undefined) throw new Refusal('chunk-damaged');
      chunks.push(plain);
    };
    const sealed = header.chunk + 16;
    let at = header.length;
    for (; input.length - at >= sealed; at += sealed) open(at, at + sealed);
    tail();
    demand(!known || object.length >= objectLength, 'truncated');
    demand(input.length - at >= 32, 'truncated');
    open(at, input.length);
    return { code: 'none', released: contentOf(cat(...chunks), header.chunk) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const full =
      error.code === 'chunk-damaged' || error.code === 'truncated' || error.code === 'trailing-data';
    return { code: error.code, released: cat(...(full ? chunks : chunks.slice(0, -1))) };
  }
}

/** Steps 19 to 21. */
function contentOf(plaintext: Bytes, chunk: number): Bytes {
  const trailer = plaintext.slice(-16);
  const length = numberAt(trailer, 0, 8);
  const [scheme] = trailer.slice(8, 9);
  demand(scheme === 0 || scheme === 1, 'bad-trailer');
  demand(same(trailer.slice(9), be(7, 0)), 'bad-trailer');
  demand(length <= 2n ** 40n && length <= BigInt(plaintext.length - 16), 'bad-trailer');
  const content = Number(length);
  demand(plaintextLength(content, scheme === 1 ? 1 : 0, chunk) === plaintext.length, 'bad-padding');
  demand(
    plaintext.slice(content, -16).every((byte) => byte === 0),
    'bad-padding',
  );
  return plaintext.slice(0, content);
}
