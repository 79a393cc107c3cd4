/**
 * The suite's own writer and reader of sealed objects (spec/container.md). The writer can be told to make mistakes
 * in one place before it authenticates the whole; the reader judges what writers under test made.
 *
 * @module
 */
import {
  be,
  cat,
  expand,
  label,
  prefixed,
  same,
  seal,
  sha256,
  unseal,
  utf8,
  xor,
  zeros,
  type Bytes,
} from './primitives.ts';

/** First 8 bytes of every object. */
export const MAGIC: Bytes = cat(Uint8Array.of(0x89), utf8('SBO\r\n'), Uint8Array.of(0x1a, 0x0a));
/** Type numbers. */
export const TYPES = { manifest: 1, records: 2, blob: 3, parity: 4 } as const;
/** Name of an object type. */
export type TypeName = keyof typeof TYPES;

/** One header extension. */
export interface Extension {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Names of the parts of the key schedule's output, in an order. */
export type Slices = readonly ('commitment' | 'chunkKey' | 'baseNonce')[];

/** Everything that decides the bytes of an object. What has no use in a right writer is a place for one mistake. */
export interface Recipe {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly content: Uint8Array;
  readonly type?: number;
  readonly chunkLog2?: number;
  readonly padding?: 0 | 1;
  readonly context?: Uint8Array;
  readonly extensions?: readonly Extension[];
  readonly version?: number;
  readonly suite?: number;
  readonly reserved?: number;
  readonly extLen?: number;
  readonly extensionBytes?: Uint8Array;
  readonly labelName?: string;
  readonly token?: Uint8Array;
  /** Which part of the key schedule's 76 bytes is what: the order of the cuts. */
  readonly slices?: Slices;
  /** The whole plaintext, in place of content, padding and trailer. */
  readonly plaintext?: Uint8Array;
  readonly trailerLength?: bigint;
  readonly trailerScheme?: number;
  readonly trailerZeros?: Uint8Array;
  /** Length of padding in place of the canonical one. */
  readonly padLength?: number;
  readonly padByteAt?: number;
  readonly nonceOf?: (baseNonce: Uint8Array, index: number) => Bytes;
  readonly aad?: Uint8Array;
  readonly tagLength?: number;
  /** Binary logarithm of the length at which the plaintext is really cut. */
  readonly cutLog2?: number;
  /** Plaintext of one more chunk, after the final one. */
  readonly extraChunk?: Uint8Array;
  /** In place of the commitment; the header check is made over it. */
  readonly forgedCommitment?: Uint8Array;
}

/** Secrets and boundaries of an object that was just written. */
export interface Written {
  readonly object: Bytes;
  readonly header: Bytes;
  readonly keyObject: Bytes;
  readonly commitment: Bytes;
  readonly chunkKey: Bytes;
  readonly baseNonce: Bytes;
  readonly plaintext: Bytes;
}

/** Padmé of `length`, in integers of any size. */
export function padme(length: number): number {
  if (length < 2) return length;
  const bits = (n: bigint): bigint => BigInt(n.toString(2).length);
  const e = bits(BigInt(length)) - 1n;
  const step = 1n << (e - bits(e));
  return Number(((BigInt(length) + step - 1n) / step) * step);
}

/** Length of content, padding and trailer. */
export function plaintextLength(contentLength: number, scheme: 0 | 1, chunk: number): number {
  const raw = contentLength + 16;
  const p0 = scheme === 1 ? padme(raw) : raw;
  const r = p0 % chunk;
  return r >= 16 ? p0 : p0 - r + 16;
}

/** Encoded extensions. */
export function encodeExtensions(extensions: readonly Extension[]): Bytes {
  return cat(...extensions.map(({ type, value }) => cat(be(2, type), be(2, value.length), value)));
}

/** Nonce of chunk `index`. */
export function chunkNonce(baseNonce: Uint8Array, index: number): Bytes {
  return xor(baseNonce, be(12, index));
}

const SIZES = { commitment: 32, chunkKey: 32, baseNonce: 12 } as const;

/** Keys of one object. */
export function objectKeys(
  key: Uint8Array,
  signedHeader: Uint8Array,
  context: Uint8Array = zeros(0),
  how: Pick<Recipe, 'labelName' | 'token' | 'slices'> & { readonly isObjectKey?: boolean } = {},
): { keyObject: Bytes; commitment: Bytes; chunkKey: Bytes; baseNonce: Bytes } {
  const { labelName = 'object', token = zeros(0), isObjectKey = false } = how;
  const keyObject = isObjectKey ? cat(key) : expand(key, label(labelName), 32);
  const bound = cat(prefixed(2, context), prefixed(1, token));
  const okm = expand(keyObject, cat(label('stream'), signedHeader, bound), 76);
  const parts = { commitment: zeros(0), chunkKey: zeros(0), baseNonce: zeros(0) };
  let at = 0;
  for (const name of how.slices ?? ['commitment', 'chunkKey', 'baseNonce']) {
    parts[name] = okm.slice(at, at + SIZES[name]);
    at += SIZES[name];
  }
  return { keyObject, ...parts };
}

function plaintextOf(recipe: Recipe, chunk: number): Bytes {
  if (recipe.plaintext !== undefined) return new Uint8Array(recipe.plaintext);
  const scheme = recipe.padding ?? 0;
  const { content } = recipe;
  const total = plaintextLength(content.length, scheme, chunk);
  const pad = zeros(recipe.padLength ?? total - content.length - 16);
  if (recipe.padByteAt !== undefined) pad[recipe.padByteAt] = 1;
  const trailer = cat(
    be(8, recipe.trailerLength ?? content.length),
    be(1, recipe.trailerScheme ?? scheme),
    recipe.trailerZeros ?? zeros(7),
  );
  return cat(content, pad, trailer);
}

/** Writes an object. */
export function writeObject(recipe: Recipe): Written {
  const chunkLog2 = recipe.chunkLog2 ?? 14;
  const chunk = 2 ** chunkLog2;
  const extensions = recipe.extensionBytes ?? encodeExtensions(recipe.extensions ?? []);
  const signedHeader = cat(
    MAGIC,
    Uint8Array.of(recipe.version ?? 1, recipe.suite ?? 1, chunkLog2, recipe.type ?? TYPES.blob),
    be(2, recipe.extLen ?? extensions.length),
    be(2, recipe.reserved ?? 0),
    recipe.salt,
    extensions,
  );
  const keys = objectKeys(recipe.key, signedHeader, recipe.context, recipe);
  const stored = recipe.forgedCommitment ?? keys.commitment;
  const header = cat(signedHeader, stored, sha256(signedHeader, stored).slice(0, 8));
  const plaintext = plaintextOf(recipe, chunk);
  const nonceOf = recipe.nonceOf ?? chunkNonce;
  const cut = 2 ** (recipe.cutLog2 ?? chunkLog2);
  const pieces = Array.from({ length: Math.ceil(plaintext.length / cut) }, (_, i) =>
    plaintext.slice(i * cut, (i + 1) * cut),
  );
  if (recipe.extraChunk !== undefined) pieces.push(new Uint8Array(recipe.extraChunk));
  const chunks = pieces.map((piece, i) => {
    const sealed = seal(keys.chunkKey, nonceOf(keys.baseNonce, i), piece, recipe.aad);
    return sealed.slice(0, piece.length + (recipe.tagLength ?? 16));
  });
  return { object: cat(header, ...chunks), header, plaintext, ...keys };
}

/** What the suite's reader found in an object. */
export interface Read {
  readonly content: Bytes;
  readonly salt: Bytes;
  readonly commitment: Bytes;
  readonly baseNonce: Bytes;
  readonly chunkLog2: number;
  readonly type: number;
  readonly scheme: number;
}

/**
 * Opens an object that a writer under test made, and checks everything that a writer is bound to.
 *
 * @param isObjectKey `key` is the object key
 * @throws Error that says what is not as the specification has it
 */
export function readObject(
  object: Uint8Array,
  key: Uint8Array,
  context: Uint8Array = zeros(0),
  isObjectKey = false,
): Read {
  const demand = (fact: boolean, what: string): void => {
    if (!fact) throw new Error(what);
  };
  const number = (at: number, size: number): number =>
    object.slice(at, at + size).reduce((sum, byte) => sum * 256 + byte, 0);
  demand(object.length >= 88, 'shorter than a header');
  demand(same(object.slice(0, 8), MAGIC), 'another magic');
  demand(object[8] === 1 && object[9] === 1, 'another version or suite');
  const chunkLog2 = number(10, 1);
  demand([14, 16, 18, 20].includes(chunkLog2), 'a chunk size that does not exist');
  const type = number(11, 1);
  demand(type >= 1 && type <= 3, 'a type that does not exist');
  demand(number(14, 2) === 0, 'reserved bytes that are not zero');
  const extLen = number(12, 2);
  demand(extLen <= 4096 && object.length >= 88 + extLen, 'extensions out of bounds');
  const signedHeader = object.slice(0, 48 + extLen);
  let previous = -1;
  for (let at = 48; at < 48 + extLen; at += 4 + number(at + 2, 2)) {
    demand(number(at, 2) > previous, 'extensions out of order');
    previous = number(at, 2);
    demand(at + 4 + number(at + 2, 2) <= 48 + extLen, 'an extension that overruns its area');
    demand(previous < 0x8000, 'a critical extension that does not exist');
  }
  const stored = object.slice(48 + extLen, 80 + extLen);
  demand(
    same(sha256(signedHeader, stored).slice(0, 8), object.slice(80 + extLen, 88 + extLen)),
    'a wrong header check',
  );
  const keys = objectKeys(key, signedHeader, context, { isObjectKey });
  demand(same(keys.commitment, stored), 'a wrong commitment');
  const chunk = 2 ** chunkLog2;
  const parts: Bytes[] = [];
  let at = 88 + extLen;
  for (let index = 0; ; index++, at += chunk + 16) {
    const sealed = object.slice(at, at + chunk + 16);
    const plain = unseal(keys.chunkKey, chunkNonce(keys.baseNonce, index), sealed);
    if (plain === undefined) throw new Error(`chunk ${index} does not verify`);
    parts.push(plain);
    if (sealed.length < chunk + 16) break;
  }
  const plaintext = cat(...parts);
  const trailer = plaintext.slice(-16);
  demand((parts.at(-1)?.length ?? 0) >= 16, 'a trailer that is not whole in the final chunk');
  const length = trailer.slice(0, 8).reduce((sum, byte) => sum * 256 + byte, 0);
  const scheme = trailer[8];
  demand(scheme === 0 || scheme === 1, 'a padding scheme that does not exist');
  demand(same(trailer.slice(9), zeros(7)), 'trailer bytes that are not zero');
  demand(
    plaintextLength(length, scheme === 1 ? 1 : 0, chunk) === plaintext.length,
    'a length that is not canonical',
  );
  demand(
    plaintext.slice(length, -16).every((byte) => byte === 0),
    'padding that is not zero',
  );
  return {
    content: plaintext.slice(0, length),
    salt: object.slice(16, 48),
    commitment: stored,
    baseNonce: keys.baseNonce,
    chunkLog2,
    type,
    scheme: scheme ?? 0,
  };
}
