/**
 * The suite's own backup sets (spec/set.md): objects, packs and manifests as a storage would hold them.
 *
 * @module
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import {
  manifestEntry,
  manifestHead,
  manifestObject,
  MANIFEST_CHUNK_LOG2,
  type Ancestor,
  type Entry,
  type Head,
  type ObjectReference,
  type Part,
} from './manifest.ts';
import { be, cat, expand, label, seal, sha256, utf8, zeros, type Bytes } from './primitives.ts';
import { begin, end, frame, record } from './records.ts';
import { TYPES, writeObject, type Recipe, type Written } from './sealed-object.ts';

/** Storage name of an object. */
export function storageName(commitment: Uint8Array): string {
  let bits = '';
  for (const byte of commitment.slice(0, 20)) bits += byte.toString(2).padStart(8, '0');
  const letters = bits.match(/.{5}/gu) ?? [];
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return `${letters.map((five) => alphabet.charAt(Number.parseInt(five, 2))).join('')}.sro`;
}

/** Identity of content under a media key. */
export function mediaId(mediaKey: Uint8Array, content: Uint8Array): Bytes {
  const tagKey = expand(mediaKey, label('media-tag'), 32);
  const tags: Bytes[] = [];
  for (let at = 0; at < content.length; at += 2 ** 20) {
    const nonce = be(12, at / 2 ** 20);
    tags.push(seal(tagKey, nonce, zeros(0), content.slice(at, at + 2 ** 20)));
  }
  const key = expand(mediaKey, label('media-id'), 32);
  return new Uint8Array(hmac(nobleSha256, key, cat(be(8, content.length), ...tags)));
}

/** A sealed object and the name under which a storage has it. */
export interface Stored extends Written {
  readonly name: string;
  readonly reference: ObjectReference;
}

/** Seals an object. */
export function store(recipe: Recipe, keyEpoch = 1): Stored {
  const written = writeObject(recipe);
  const { commitment, header, object } = written;
  return {
    ...written,
    name: storageName(commitment),
    reference: {
      commitment,
      prefix: header.slice(0, -40),
      length: object.length,
      contentLength: recipe.content.length,
      keyEpoch,
    },
  };
}

/** One file of a pack. */
export interface Packed {
  readonly path: string;
  readonly content: Uint8Array;
}

/** The record of a file in a pack. */
export function packedFile({ path, content }: Packed, type = 0x8020, codec = 0): Bytes {
  const name = utf8(path);
  return record(type, cat(be(2, name.length), name, content), codec);
}

/** Content of a pack, and the range of each of its records. */
export function packContent(
  setId: Uint8Array,
  records: readonly Bytes[],
  chunkLog2: number,
): { content: Bytes; ranges: Required<Part>['range'][] } {
  const all = [begin(setId, 2), ...records, end(records)];
  const ends = all.map((_, i) => frame(2 ** chunkLog2, all.slice(0, i + 1)).length);
  const content = frame(2 ** chunkLog2, all);
  const ranges = records.map((_, i) => {
    // Up to four zeros fill the chunk where no fragment fits any more.
    const before = ends[i] ?? 0;
    const left = 2 ** chunkLog2 - (before % 2 ** chunkLog2);
    const position = left <= 4 ? before + left : before;
    return { position, length: (ends[i + 1] ?? 0) - position };
  });
  return { content, ranges };
}

/** Everything that decides the bytes of one generation. What has no use in a right writer is a place for one mistake. */
export interface Generation {
  readonly key: Uint8Array;
  readonly setId: Uint8Array;
  readonly mediaKey: Uint8Array;
  readonly generation?: number;
  readonly created?: number;
  readonly keyEpoch?: number;
  readonly ancestors?: readonly Ancestor[];
  /** Salts of the two copies. */
  readonly salts: readonly Uint8Array[];
  /** WRAPPED_KEY, MANIFEST_OBJECT and MANIFEST_ENTRY records. */
  readonly records: readonly Bytes[];
  readonly schema?: number;
  readonly volumes?: number;
  readonly type?: number;
  readonly chunkLog2?: number;
  /** In place of the head. */
  readonly head?: Head;
}

/** A manifest in its copies. */
export interface WrittenManifest {
  readonly content: Bytes;
  readonly id: Bytes;
  readonly copies: readonly Stored[];
  /** As a later generation names it. */
  readonly ancestor: Ancestor;
}

/** Writes the manifest of a generation. */
export function writeManifest(recipe: Generation): WrittenManifest {
  const { key, setId, salts, generation = 1, chunkLog2 = MANIFEST_CHUNK_LOG2 } = recipe;
  const object = (salt: Uint8Array, content: Uint8Array): Stored =>
    store({ key, salt, content, type: recipe.type ?? TYPES.manifest, chunkLog2, padding: 1 });
  // The header does not depend on the content.
  const commitments = salts.map((salt) => object(salt, zeros(0)).commitment);
  const head = manifestHead({
    generation,
    mediaKey: recipe.mediaKey,
    commitments,
    ...(recipe.created !== undefined && { created: recipe.created }),
    ...(recipe.keyEpoch !== undefined && { keyEpoch: recipe.keyEpoch }),
    ...(recipe.ancestors !== undefined && { ancestors: recipe.ancestors }),
    ...recipe.head,
  });
  const list = [head, ...recipe.records];
  const all = [begin(setId, recipe.schema ?? 1, 1, recipe.volumes ?? 1), ...list, end(list)];
  const content = frame(2 ** chunkLog2, all);
  const id = sha256(content);
  return {
    content,
    id,
    copies: salts.map((salt) => object(salt, content)),
    ancestor: { generation, manifestId: id, commitments },
  };
}

/** The records of a manifest for whole objects and the entries that use them. */
export function manifestRecords(objects: readonly ObjectReference[], entries: readonly Entry[]): Bytes[] {
  return [...objects.map(manifestObject), ...entries.map(manifestEntry)];
}
