/**
 * What a salvage came to (spec/salvage.md, "Report"), as JSON of which the same facts have the same bytes.
 *
 * @module
 */
import type { ObjectType } from '../container/index.ts';
import type { ErrorCode } from '../errors.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';
import type { Tail } from './object.ts';

/** What a report says that it is. */
export const REPORT_FORMAT = 'strongroom-salvage/1';

/** From a number up to another, which is not included. */
export type Range = readonly [start: number, end: number];

/** One manifest, of all copies that were found. */
export interface ManifestReport {
  /** Storage names. */
  readonly copies: readonly string[];
  readonly complete: boolean;
  /** Number of entries that could be read. */
  readonly entries: number;
  readonly generation?: number;
  /** What of its content is lost, in bytes. */
  readonly lost: readonly Range[];
  /** Gaps that cut a record. */
  readonly cut: number;
}

/** State of a stored object. */
export type ObjectState =
  'whole' | 'damaged' | 'lost' | 'missing' | 'unknown' | 'other-key' | 'other-set' | 'copy';

/** One object of the storage, or one that should be there. */
export interface ObjectReport {
  /** Storage name under which it was found, or should have been. */
  readonly name: string;
  readonly state: ObjectState;
  /** Length in bytes of what is stored; absent if nothing is. */
  readonly length?: number;
  /** What follows is there if the object is whole, damaged or lost. */
  readonly commitment?: string;
  readonly type?: ObjectType;
  readonly header?: 'object' | 'manifest';
  readonly tail?: Tail;
  readonly chunk_size?: number;
  /** Number of chunks, if it is known. */
  readonly chunks?: number;
  /** Length in bytes of the content, if it is known. */
  readonly content_length?: number;
  /** Chunks, by index. */
  readonly recovered?: readonly Range[];
  readonly lost?: readonly Range[];
  /** Chunks that were not where they were written, and by how many bytes. */
  readonly shifts?: readonly { readonly chunks: Range; readonly shift: number }[];
  /** True if the search ended because of its limit. */
  readonly limited?: boolean;
}

/** State of content. */
export type ContentState = 'whole' | 'partial' | 'lost';

/** One version of one entry. */
export interface EntryReport {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly state: ContentState;
  /** Generation whose manifest says so, if it is known. */
  readonly generation?: number;
  /** True if it is not from the newest manifest. */
  readonly older: boolean;
  /** Length in bytes of a file, and what of it was recovered. */
  readonly length?: number;
  readonly recovered?: readonly Range[];
  /** Why it could not be written. */
  readonly code?: ErrorCode;
}

/** Content of an object that no entry names. */
export interface UnnamedReport {
  /** Storage name. */
  readonly name: string;
  readonly state: ContentState;
  /** Length in bytes, if it is known. */
  readonly length?: number;
  readonly recovered: readonly Range[];
  /** Why it could not be written. */
  readonly code?: ErrorCode;
}

/** A file of a pack that no entry names. */
export interface PackedReport {
  /** Storage name of the pack, and position of the record in its content. */
  readonly name: string;
  readonly position: number;
  /** Path when it was packed, and the number of the folder it was put into. */
  readonly path: string;
  readonly folder: number;
  readonly length: number;
  readonly state: ContentState;
  /** Why it could not be written. */
  readonly code?: ErrorCode;
}

/** All of it. */
export interface SalvageReport {
  readonly format: typeof REPORT_FORMAT;
  readonly complete: boolean;
  /** 32 hexadecimal digits, if it is known. */
  readonly set_id?: string;
  readonly manifests: readonly ManifestReport[];
  readonly objects: readonly ObjectReport[];
  readonly entries: readonly EntryReport[];
  readonly unnamed: readonly UnnamedReport[];
  readonly packed: readonly PackedReport[];
  /** Storage names of the manifest that was made of what is whole, if that was asked for. */
  readonly rebuilt?: readonly string[];
}

/** The one encoding of a report: RFC 8785 for strings, integers, booleans, arrays and objects, without a line end. */
export function canonical(report: SalvageReport): Bytes {
  return utf8(JSON.stringify(report, sorted));
}

/** Objects with their members in ascending order. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
