/**
 * The suite's own records and manifests (spec/records.md, spec/set.md), written so that each part can be wrong.
 *
 * @module
 */
import { be, cat, prefixed, utf8, zeros, type Bytes } from './primitives.ts';

/** Kinds of fragments. */
export const FULL = 1;
/** First part of a record. */
export const FIRST = 2;
/** A part in between. */
export const MIDDLE = 3;
/** Last part of a record. */
export const LAST = 4;

/** One fragment. */
export function fragment(kind: number, data: Uint8Array, length: number = data.length): Bytes {
  return cat(be(1, kind), be(3, length), data);
}

/** One record. */
export function record(type: number, body: Uint8Array, codec = 0): Bytes {
  return cat(be(2, type), be(1, codec), body);
}

/** The BEGIN record. */
export function begin(setId: Uint8Array, schema: number, volume = 1, volumes = 1): Bytes {
  return record(0x8001, cat(setId, be(4, volume), be(4, volumes), be(2, schema)));
}

/** The END record that fits to these records. */
export function end(records: readonly Uint8Array[]): Bytes {
  const length = records.reduce((sum, one) => sum + one.length, 0);
  return record(0x8002, cat(be(8, records.length), be(8, length)));
}

/** Records, cut into fragments that do not cross a chunk. */
export function frame(chunk: number, records: readonly Uint8Array[]): Bytes {
  const parts: Bytes[] = [];
  let position = 0;
  const push = (bytes: Bytes): void => {
    parts.push(bytes);
    position += bytes.length;
  };
  for (const whole of records) {
    for (let at = 0; at < whole.length;) {
      const left = chunk - (position % chunk);
      if (left <= 4) {
        push(zeros(left));
        continue;
      }
      const n = Math.min(whole.length - at, left - 4);
      const last = at + n === whole.length;
      const kind = at === 0 ? (last ? FULL : FIRST) : last ? LAST : MIDDLE;
      push(fragment(kind, whole.slice(at, at + n)));
      at += n;
    }
  }
  return cat(...parts);
}

/** Head of a manifest. */
export interface Head {
  readonly generation?: number;
  readonly parent?: Uint8Array;
  readonly created?: number;
  readonly keyEpoch?: number;
}

/** MANIFEST_HEAD. */
export function manifestHead({
  generation = 1,
  parent,
  created = 1_800_000_000,
  keyEpoch = 1,
}: Head = {}): Bytes {
  const optional = parent === undefined ? be(1, 0) : cat(be(1, 1), parent);
  return record(0x8010, cat(be(8, generation), optional, be(8, created), be(4, keyEpoch)));
}

/** One entry of a manifest. */
export interface ManifestEntry {
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly path: string | Uint8Array;
  readonly mode?: number;
  readonly nanoseconds?: number;
  readonly target?: string;
  readonly contentLength?: number;
  /** Content length of the one object; that of the file unless told. */
  readonly objectContentLength?: number;
  readonly header?: Uint8Array;
  readonly volume?: number;
  readonly volumes?: number;
  readonly range?: boolean;
  readonly keyEpoch?: number;
}

function objectReference(entry: ManifestEntry, commitment: Uint8Array, header: Uint8Array): Bytes {
  const content = entry.objectContentLength ?? entry.contentLength ?? 0;
  return cat(
    commitment,
    prefixed(2, entry.header ?? header),
    be(8, content + 120),
    be(8, content),
    be(4, entry.volume ?? 1),
    be(4, entry.volumes ?? 1),
    entry.range === true ? cat(be(1, 1), be(16, 0)) : be(1, 0),
    be(4, entry.keyEpoch ?? 1),
  );
}

/** MANIFEST_ENTRY. */
export function manifestEntry(entry: ManifestEntry, commitment: Uint8Array, header: Uint8Array): Bytes {
  const { kind, path, mode = 0o644, nanoseconds = 5, target = 'x', contentLength = 0 } = entry;
  const name = typeof path === 'string' ? utf8(path) : path;
  const time = cat(be(8, 1_700_000_000), be(4, nanoseconds));
  const common = cat(
    be(1, { file: 1, directory: 2, symlink: 3 }[kind]),
    prefixed(2, name),
    be(2, mode),
    time,
  );
  const object = objectReference(entry, commitment, header);
  const rest =
    kind === 'file'
      ? cat(be(8, contentLength), commitment, prefixed(3, object))
      : kind === 'symlink'
        ? prefixed(2, utf8(target))
        : zeros(0);
  return record(0x8011, cat(common, rest));
}
