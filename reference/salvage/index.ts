/**
 * Salvage (spec/salvage.md): what is left of damaged objects and sets. Strict readers refuse all of this.
 *
 * @module
 */
export { knownHeader, type KnownHeader } from './header.ts';
export {
  SalvagedObject,
  salvageObject,
  shiftsOf,
  type ObjectClue,
  type Piece,
  type SalvageObjectOptions,
  type Tail,
} from './object.ts';
export {
  INDEX_REACH,
  OBJECT_SEARCH_LIMIT,
  RUN_SEARCH_LIMIT,
  type FinalChunk,
  type Places,
  type SearchBudget,
} from './places.ts';
export { salvageRecords, type RecordLoss } from './records.ts';
export {
  canonical,
  REPORT_FORMAT,
  type ContentState,
  type EntryReport,
  type ManifestReport,
  type ObjectReport,
  type ObjectState,
  type PackedReport,
  type Range,
  type SalvageReport,
  type UnnamedReport,
} from './report.ts';
export type { Run } from './runs.ts';
export { salvage, type SalvageOptions } from './set.ts';
export { damagedBytes, heldBytes, type DamagedBytes } from './source.ts';
export type { Span } from './spans.ts';
