/**
 * The suite's own writer of sets, in the place of another device: generations, checkpoints and marks.
 *
 * @module
 */
import { manifestEntry, manifestObject, type Ancestor, type Entry } from '../../peer/manifest.ts';
import { fresh, type Bytes } from '../../peer/primitives.ts';
import { checkpointContent, checkpointHead } from '../../peer/set-reading.ts';
import {
  manifestRecords,
  mediaId,
  packContent,
  packedFile,
  store,
  writeManifest,
  type Stored,
  type WrittenManifest,
} from '../../peer/set.ts';
import { TYPES } from '../../peer/sealed-object.ts';

/** A content in an object of its own, or in a pack. */
export interface Held {
  readonly stored: Stored;
  /** As a manifest or a checkpoint names it. */
  readonly entry: (object: number) => Entry;
}

/** A set that somebody else writes. */
export class Rival {
  readonly key: Bytes;
  readonly setId: Bytes;
  readonly mediaKey: Bytes;

  constructor(key: Bytes, setId: Bytes = fresh(16), mediaKey: Bytes = fresh(32)) {
    this.key = key;
    this.setId = setId;
    this.mediaKey = mediaKey;
  }

  /** Seals a content, and says that it is that of this path. */
  hold(path: string, content: Bytes, stamp: Uint8Array = new Uint8Array(0)): Held {
    const common = {
      kind: 'file',
      path,
      stamp,
      contentLength: content.length,
      mediaId: mediaId(this.mediaKey, content),
    } as const;
    const seal = (type: number, chunkLog2: number, bytes: Bytes): Stored =>
      store({ key: this.key, salt: fresh(32), content: bytes, type, chunkLog2, padding: 1 });
    if (content.length >= 2 ** 16) {
      const stored = seal(TYPES.blob, 18, content);
      return { stored, entry: (object) => ({ ...common, parts: [{ object }] }) };
    }
    const pack = packContent(this.setId, [packedFile({ path, content })], 16);
    const stored = seal(TYPES.records, 16, pack.content);
    const [range] = pack.ranges;
    return {
      stored,
      entry: (object) => ({ ...common, parts: [{ object, ...(range && { range }) }] }),
    };
  }

  /** Writes a generation of these contents. */
  generation(held: readonly Held[], generation = 1, ancestors: readonly Ancestor[] = []): WrittenManifest {
    const { key, setId, mediaKey } = this;
    const references = held.map(({ stored }) => stored.reference);
    const entries = held.map(({ entry }, i) => entry(i)).toSorted((a, b) => (a.path < b.path ? -1 : 1));
    const records = manifestRecords(references, entries);
    return writeManifest({
      key,
      setId,
      mediaKey,
      generation,
      ancestors,
      salts: [fresh(32), fresh(32)],
      records,
    });
  }

  /** Writes a checkpoint of these contents; a mark if there are none. `records` stand behind all others. */
  checkpoint(held: readonly Held[], keyEpoch = 1, records: readonly Bytes[] = []): Stored {
    const objects = held.map(({ stored }, i) => manifestObject({ ...stored.reference, keyEpoch }, i));
    const entries = held.map(({ entry }, i) => manifestEntry(entry(i)));
    const all = [checkpointHead(this.mediaKey, keyEpoch), ...objects, ...entries, ...records];
    return store({
      key: this.key,
      salt: fresh(32),
      content: checkpointContent(this.setId, all),
      type: TYPES.records,
      chunkLog2: 16,
      padding: 1,
    });
  }
}
