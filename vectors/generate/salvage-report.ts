/**
 * Reports of salvages as the vectors expect them, written by hand from what was damaged.
 *
 * @module
 */
import { toHex } from '../../conformance/peer/primitives.ts';
import type { Stored } from '../../conformance/peer/set.ts';
import type { Value } from '../../conformance/schema/vector.ts';
import type { Files } from './sets.ts';

/** Members of an object of a report. */
export type Facts = Record<string, Value>;

/** JSON with sorted members and without white space. */
export function canonical(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}

const TYPE_NAMES = ['', 'manifest', 'records', 'blob'];

/** What a report says of an object that is whole, but for `more`. */
export function objectFacts(
  { name, object, header, commitment, reference }: Stored,
  more: Facts = {},
): Facts {
  const chunkSize = 2 ** (header[10] ?? 0);
  const chunks = Math.floor((object.length - header.length) / (chunkSize + 16)) + 1;
  return {
    name,
    state: 'whole',
    length: object.length,
    commitment: toHex(commitment),
    type: TYPE_NAMES[header[11] ?? 0] ?? '',
    header: 'object',
    tail: 'verified',
    chunk_size: chunkSize,
    chunks,
    content_length: reference.contentLength,
    recovered: [[0, chunks]],
    lost: [],
    shifts: [],
    limited: false,
    ...more,
  };
}

/** What a report says of the entries of a generation that are whole. */
export function entryFacts({ entries }: Files, number: number): Facts[] {
  return entries.map(({ kind, path, contentLength: length = 0 }) => ({
    path: String(path),
    kind,
    state: 'whole',
    generation: number,
    older: false,
    ...(kind === 'file' && {
      length: Number(length),
      recovered: Number(length) > 0 ? [[0, Number(length)]] : [],
    }),
  }));
}

/** What a report says of a manifest that is complete. */
export function manifestFacts(number: number, copies: readonly Stored[], files: Files): Facts {
  const facts = { complete: true, cut: 0, entries: files.entries.length, generation: number, lost: [] };
  return { ...facts, copies: copies.map(({ name }) => name).sort() };
}
