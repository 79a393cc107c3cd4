/** What the tests of this folder share: objects to damage, ways to damage them, and what has to be left. */
import type { ChunkLog2, ObjectType } from '../container/index.ts';
import { inspect } from '../container/index.ts';
import { sealWith } from '../container/writer.ts';
import { nodeEngine } from '../crypto/node.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { knownHeader } from './header.ts';
import { salvageObject, type ObjectClue, type SalvagedObject, type SalvageObjectOptions } from './object.ts';
import { heldBytes } from './source.ts';

export const key: BackupKey = BackupKey.fromBytes(Uint8Array.from({ length: 32 }, (_, i) => i));

/** Content without a pattern that a shift could meet, from a seed. */
export function noise(length: number, seed = 1): Bytes {
  const out = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

/** An object, and what a manifest would say of it. */
export interface Sample {
  readonly content: Bytes;
  readonly object: Bytes;
  readonly clue: ObjectClue;
  /** Length in bytes of the header, and of a sealed chunk. */
  readonly start: number;
  readonly size: number;
}

/** A sealed object with a salt of its own. */
export function sample(
  content: Bytes,
  salt = 1,
  chunkLog2: ChunkLog2 = 14,
  type: ObjectType = 'blob',
): Sample {
  const random = (_name: string, length: number): Bytes => new Uint8Array(length).fill(salt);
  const object = sealWith(random, content, { key, type, chunkLog2, padding: 'none' });
  const header = inspect(object);
  const clue = { header, length: object.length, contentLength: content.length };
  return { content, object, clue, start: header.length, size: 2 ** chunkLog2 + 16 };
}

/** What a reader without a manifest knows. */
export function bareClue(bytes: Bytes): ObjectClue {
  const known = knownHeader(bytes.subarray(0, 4184), [key], nodeEngine);
  if (typeof known === 'string') throw new Error(known);
  return { header: known.header };
}

/** Salvages bytes; everything that comes out, in pieces. */
export async function salvaged(
  bytes: Bytes,
  clue: ObjectClue,
  options: Partial<SalvageObjectOptions> = {},
): Promise<SalvagedObject & { readonly pieces: readonly (readonly [number, Bytes])[] }> {
  const object = await salvageObject(heldBytes(bytes), clue, { key, ...options });
  const pieces: [number, Bytes][] = [];
  for await (const { position, bytes: part } of object.read()) pieces.push([position, part]);
  return Object.assign(object, { pieces });
}

/** True if every piece is what the content has at its place. */
export function isOf(content: Bytes, pieces: readonly (readonly [number, Bytes])[]): boolean {
  return pieces.every(([at, part]) => Buffer.compare(content.subarray(at, at + part.length), part) === 0);
}

/** One way to damage bytes. */
export type Damage = (bytes: Bytes) => Bytes;

/** Damage by kind. Positions and lengths are cut down to what there is. */
export const damage = {
  flip:
    (at: number): Damage =>
    (bytes) => {
      const out = bytes.slice();
      if (out.length > 0) out[at % out.length] = (out[at % out.length] ?? 0) ^ 0x10;
      return out;
    },
  cut:
    (at: number): Damage =>
    (bytes) =>
      bytes.slice(0, at),
  insert:
    (at: number, what: Uint8Array): Damage =>
    (bytes) =>
      concat(bytes.subarray(0, at), what, bytes.subarray(at)),
  remove:
    (at: number, length: number): Damage =>
    (bytes) =>
      concat(bytes.subarray(0, at), bytes.subarray(at + length)),
  zero:
    (at: number, length: number): Damage =>
    (bytes) => {
      const out = bytes.slice();
      out.fill(0, at, at + length);
      return out;
    },
  /** Exchanges two ranges of one length that do not overlap. */
  swap:
    (a: number, b: number, length: number): Damage =>
    (bytes) => {
      if (Math.max(a, b) + length > bytes.length) return bytes;
      const out = bytes.slice();
      out.set(bytes.subarray(b, b + length), a);
      out.set(bytes.subarray(a, a + length), b);
      return out;
    },
};
