/**
 * The header of a sealed object (spec/container.md, "Header" and "Extensions"): everything before the chunks.
 *
 * @module
 */
import type { CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import type { RandomSource } from '../crypto/random.ts';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { concat, copy, equal, type Bytes } from '../wire/bytes.ts';
import { bytes, encode, Input, struct, u16, type Codec } from '../wire/codec.ts';

/** `\x89SBO\r\n\x1a\n`: the first bytes of every object. */
export const MAGIC: Bytes = Uint8Array.of(0x89, 0x53, 0x42, 0x4f, 0x0d, 0x0a, 0x1a, 0x0a);
/** The one version. */
export const VERSION = 1;
/** The one suite: HKDF-SHA-256 and AES-256-GCM. */
export const SUITE = 1;

/** What an object holds. */
export type ObjectType = 'manifest' | 'records' | 'blob';
/** Numbers of the object types; 4 is reserved for parity. */
export const OBJECT_TYPES: Readonly<Record<ObjectType, number>> = { manifest: 1, records: 2, blob: 3 };

/** Binary logarithm of the chunk size in bytes. */
export type ChunkLog2 = 14 | 16 | 18 | 20;
/** The chunk sizes that exist, so that nobody allocates on an attacker's word. */
export const CHUNK_LOG2: readonly ChunkLog2[] = [14, 16, 18, 20];

/** One extension of the header. */
export interface Extension {
  /** 0 to 65535; from 0x8000 on, a reader that does not know it refuses the object. */
  readonly type: number;
  readonly value: Bytes;
}
/** The bit of an extension type that makes it critical. */
export const CRITICAL = 0x8000;

/** Length of the fixed part of the header, before the salt. */
const FIXED_LENGTH = 16;
const SALT_LENGTH = 32;
const COMMITMENT_LENGTH = 32;
const CHECK_LENGTH = 8;
const PREFIX_LENGTH: number = FIXED_LENGTH + SALT_LENGTH;
const MAX_EXTENSIONS_LENGTH = 4096;
/** Length in bytes of the longest header: a beginning that is always enough. */
export const MAX_HEADER_LENGTH: number =
  PREFIX_LENGTH + MAX_EXTENSIONS_LENGTH + COMMITMENT_LENGTH + CHECK_LENGTH;

/** The fields of a header that its writer chooses. */
export interface HeaderFields {
  readonly chunkLog2: ChunkLog2;
  readonly type: ObjectType;
  /** In strictly ascending order of type. */
  readonly extensions: readonly Extension[];
  /** 32 bytes. */
  readonly salt: Bytes;
}

/** A header that was read; nothing in it is authenticated before the commitment has been verified. */
export interface HeaderInfo extends HeaderFields {
  /** All but the last 40 bytes of the header: what the commitment covers. */
  readonly prefix: Bytes;
  /** 32 bytes: key commitment, authentication of the header and identity of the object. */
  readonly commitment: Bytes;
  /** Length of the whole header in bytes: the chunks start here. */
  readonly length: number;
}

const extension: Codec<Extension> = struct<Extension>('Extension', { type: u16, value: bytes(0, 65535) });

/**
 * The header up to and without the commitment.
 *
 * @throws StrongroomError `bad-extension` if the extensions are out of order or longer than 4096 bytes
 */
export function encodePrefix(fields: HeaderFields): Bytes {
  const extensions = encodeExtensions(fields.extensions);
  if (extensions.length > MAX_EXTENSIONS_LENGTH) {
    throw new StrongroomError('bad-extension', `extensions take at most ${MAX_EXTENSIONS_LENGTH} bytes`);
  }
  requireAscending(fields.extensions);
  const type = OBJECT_TYPES[fields.type];
  return concat(
    MAGIC,
    Uint8Array.of(VERSION, SUITE, fields.chunkLog2, type),
    encode(u16, extensions.length),
    new Uint8Array(2),
    fields.salt,
    extensions,
  );
}

function encodeExtensions(extensions: readonly Extension[]): Bytes {
  try {
    return concat(...extensions.map((each) => encode(extension, each)));
  } catch (cause) {
    throw new StrongroomError('bad-extension', 'an extension cannot be encoded', {}, { cause });
  }
}

/** The whole header: `prefix || commitment || header check`. */
export function encodeHeader(prefix: Bytes, commitment: Bytes, engine: CryptoEngine = nodeEngine): Bytes {
  return concat(prefix, commitment, headerCheck(engine, prefix, commitment));
}

/** 8 bytes that tell accidental damage from a wrong key. Unkeyed: anyone can make them. */
function headerCheck(engine: CryptoEngine, prefix: Uint8Array, commitment: Uint8Array): Bytes {
  return engine.hash('sha256', concat(prefix, commitment)).subarray(0, CHECK_LENGTH);
}

const typeOf = (byte: number): ObjectType | undefined =>
  (Object.keys(OBJECT_TYPES) as ObjectType[]).find((each) => OBJECT_TYPES[each] === byte);

/** The one-byte fields in their order of checking: offset, validity, error. */
const BYTE_RULES: readonly (readonly [number, (byte: number) => boolean, ErrorCode])[] = [
  ...Array.from(MAGIC, (byte, at) => [at, (b: number) => b === byte, 'not-an-object'] as const),
  [8, (b) => b === VERSION, 'unsupported-version'],
  [9, (b) => b === SUITE, 'unsupported-suite'],
  [10, (b) => CHUNK_LOG2.some((each) => each === b), 'unsupported-chunk-size'],
  [11, (b) => typeOf(b) !== undefined, 'unsupported-type'],
  [14, (b) => b === 0, 'reserved-not-zero'],
  [15, (b) => b === 0, 'reserved-not-zero'],
];

/**
 * Reads a header from the first bytes of an object, as far as they go. Faults are found in the order of the bytes,
 * however few have arrived.
 *
 * @returns the header, or the number of bytes that must be there before more can be said
 * @throws StrongroomError with the code of the first rule of spec/container.md, "Reading", that the bytes break
 */
export function parseHeader(input: Uint8Array, engine: CryptoEngine = nodeEngine): HeaderInfo | number {
  for (const [offset, valid, code] of BYTE_RULES) {
    const byte = input[offset];
    if (byte === undefined) return FIXED_LENGTH;
    if (!valid(byte)) throw new StrongroomError(code, `byte ${offset} of the header is ${byte}`, { offset });
  }
  const [chunkByte = 0, typeByte = 0, high = 0, low = 0] = input.subarray(10, 14);
  const extensionsLength = high * 256 + low;
  if (extensionsLength > MAX_EXTENSIONS_LENGTH) {
    throw new StrongroomError('bad-extension', `${extensionsLength} bytes of extensions`, { offset: 12 });
  }
  const prefixLength = PREFIX_LENGTH + extensionsLength;
  const checkAt = prefixLength + COMMITMENT_LENGTH;
  const length = checkAt + CHECK_LENGTH;
  if (input.length < length) return length;

  const prefix = copy(input.subarray(0, prefixLength));
  const commitment = copy(input.subarray(prefixLength, checkAt));
  if (!equal(headerCheck(engine, prefix, commitment), input.subarray(checkAt, length))) {
    throw new StrongroomError('header-damaged', 'the header check does not match', { offset: checkAt });
  }
  // Both were found valid above.
  const chunkLog2 = chunkByte as ChunkLog2;
  const type = typeOf(typeByte) as ObjectType;
  const extensions = parseExtensions(prefix.subarray(PREFIX_LENGTH));
  const salt = prefix.slice(FIXED_LENGTH, PREFIX_LENGTH);
  return { chunkLog2, type, extensions, salt, prefix, commitment, length };
}

function parseExtensions(area: Uint8Array): Extension[] {
  const input = new Input(area);
  const extensions: Extension[] = [];
  try {
    while (input.left > 0) extensions.push(extension.read(input));
  } catch (cause) {
    throw new StrongroomError('bad-extension', 'an extension runs past the area', {}, { cause });
  }
  requireAscending(extensions);
  const critical = extensions.find(({ type }) => type >= CRITICAL);
  if (critical !== undefined) {
    const subject = `0x${critical.type.toString(16)}`;
    throw new StrongroomError('unknown-critical-extension', `extension ${subject} is critical`, { subject });
  }
  return extensions;
}

function requireAscending(extensions: readonly Extension[]): void {
  let last = -1;
  for (const { type } of extensions) {
    if (type <= last) throw new StrongroomError('bad-extension', 'extension types do not ascend');
    last = type;
  }
}

/** Extension types from here on, 256 of them, are for private use and never critical. */
export const PRIVATE_EXTENSIONS = 0x7f00;

/**
 * `extensions`, after {@link grease} if there is room. It is drawn in any case, so that what else is drawn does not
 * depend on it.
 */
export function withGrease(random: RandomSource, extensions: readonly Extension[]): readonly Extension[] {
  const all = [...grease(random), ...extensions];
  const length = all.reduce((sum, { value }) => sum + 4 + value.length, 0);
  return length <= MAX_EXTENSIONS_LENGTH ? all : extensions;
}

/**
 * With probability 1/4, one extension that means nothing, so that readers cannot forget to skip what they do not
 * know (spec/container.md, "GREASE"). Draws the 18 bytes `grease`: whether, which type, how long, and the value.
 */
function grease(random: RandomSource): Extension[] {
  const [whether = 0, which = 0, size = 0, ...value] = random('grease', 18);
  if (whether >= 64) return [];
  return [{ type: (which & 7) * 0x1010 + 0x0a0a, value: Uint8Array.from(value.slice(0, size & 15)) }];
}
