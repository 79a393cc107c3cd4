/**
 * The objects of a storage in a report (spec/salvage.md, "Report").
 *
 * @module
 */
import { storageName } from '../set/index.ts';
import { hex } from '../wire/bytes.ts';
import type { Inventory, StoredObject } from './inventory.ts';
import { shiftsOf, type SalvagedObject } from './object.ts';
import type { ObjectReport, Range } from './report.ts';
import { complement, type Span } from './spans.ts';
import { isFile, type Version } from './versions.ts';

/** Spans as a report has them. */
export function ranges(spans: readonly Span[]): Range[] {
  return spans.map(({ start, end }) => [start, end]);
}

/** Every object of the storage, and those that the entries need and that are not there, by their names. */
export function objectReports(inventory: Inventory, current: readonly Version[]): ObjectReport[] {
  const { stored, byName, byCommitment } = inventory;
  const needed = current
    .filter(isFile)
    .flatMap(({ manifest, entry }) =>
      entry.parts.flatMap(({ object }) => manifest.objects.get(object) ?? []),
    );
  const missing = new Map(
    needed
      .filter(({ commitment }) => !byCommitment.has(hex(commitment)))
      .map(({ commitment }): [string, ObjectReport] => [
        hex(commitment),
        { name: storageName(commitment), state: 'missing', commitment: hex(commitment) },
      ]),
  );
  const there = stored.map((each) => storedReport(each, byName.get(each.name), inventory));
  return [...there, ...missing.values()].sort((a, b) => (a.name < b.name ? -1 : a.name === b.name ? 0 : 1));
}

function storedReport(
  { name, bytes, known }: StoredObject,
  object: SalvagedObject | undefined,
  { ofOthers, byCommitment }: Inventory,
): ObjectReport {
  const common = { name, length: bytes.length };
  if (object !== undefined) return { ...common, ...salvagedReport(object, typeof known !== 'string') };
  if (known === 'other-key') return { ...common, state: 'other-key' };
  if (known === 'none') return { ...common, state: 'unknown' };
  const commitment = hex(known.header.commitment);
  if (byCommitment.has(commitment)) return { ...common, state: 'copy', commitment };
  return { ...common, state: ofOthers.has(commitment) ? 'other-set' : 'unknown', commitment };
}

function salvagedReport(object: SalvagedObject, byItself: boolean): Omit<ObjectReport, 'name' | 'length'> {
  const { header, chunks, contentLength, tail, chunkSize, places, whole } = object;
  const recovered = object.chunkSpans();
  const end = chunks ?? recovered.at(-1)?.end ?? 0;
  return {
    state: whole ? 'whole' : recovered.length > 0 ? 'damaged' : 'lost',
    commitment: hex(header.commitment),
    type: header.type,
    header: byItself ? 'object' : 'manifest',
    tail,
    chunk_size: chunkSize,
    ...(chunks !== undefined && { chunks }),
    ...(contentLength !== undefined && { content_length: contentLength }),
    recovered: ranges(recovered),
    lost: ranges(complement(recovered, end)),
    shifts: shiftsOf(object).map(({ start, end: stop, shift }) => ({ chunks: [start, stop], shift })),
    limited: places.limited,
  };
}
