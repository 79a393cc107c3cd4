/**
 * Backup sets (spec/records.md, spec/manifest.md, spec/set.md): a folder as sealed objects and a manifest.
 *
 * @module
 */
export { backup, type BackupOptions, type BackupResult } from './backup.ts';
export { DirectoryStorage } from './directory-storage.ts';
export { history, openBackup, type OpenedBackup } from './backups.ts';
export { FileHeadStore } from './file-head-store.ts';
export { freshness, type Freshness, type Lineage } from './freshness.ts';
export { openHead, signHead, SetHead } from './head.ts';
export { SIGNED_HEAD_LENGTH, type HeadStore } from './head-store.ts';
export { MAX_RECORD_LENGTH, type RecordRange } from './framing.ts';
export { Group, GROUP } from './group.ts';
export { list, type ListedEntry, type Listing, type ListOptions } from './list.ts';
export {
  lengthOf,
  MANIFEST_CHUNK_LOG2,
  MANIFEST_ENTRY,
  MANIFEST_HEAD,
  MANIFEST_OBJECT,
  MANIFEST_SCHEMA,
  MAX_ANCESTORS,
  MAX_ENTRIES,
  WRAPPED_KEY,
  type Ancestor,
  type Commitments,
  type Entry,
  type FileEntry,
  type Manifest,
  type ManifestHead,
  type ObjectReference,
  type Part,
  type Time,
  type WrappedKey,
} from './manifest.ts';
export { manifestContent, ManifestReader, type SetManifestHead } from './manifest-content.ts';
export { MediaHasher, mediaIdOf, tagBlocks } from './media-id.ts';
export type { Committed, FileMeta, Meta, Tally } from './generation.ts';
export type { Progress } from './meter.ts';
export { openManifest, type OpenedManifest, type SelectOptions } from './newest.ts';
export { scan, type Damage, type ManifestCopy, type Scan, type ScannedManifest } from './scan.ts';
export { checkPath, checkTarget, MAX_PATH_LENGTH, MAX_SEGMENT_LENGTH, type PathRules } from './paths.ts';
export {
  BEGIN,
  CRITICAL_RECORD,
  END,
  RecordRangeReader,
  RecordReader,
  RecordWriter,
  type Begin,
  type RecordItem,
} from './records.ts';
export { prune, type PruneOptions, type PruneReport } from './prune.ts';
export { rekey, type RekeyOptions, type RekeyResult } from './rekey.ts';
export { restore, RestoreError, type RestoreOptions, type RestoreReport } from './restore.ts';
export type { Failure } from './restore-run.ts';
export type { PathOptions } from './selection.ts';
export { FileReader, type Sink } from './file-reader.ts';
export { SetWriter, type SetWriterOptions } from './set-writer.ts';
export type { Pieces, Readable, Source } from './source.ts';
export {
  isStorageName,
  OBJECT_SUFFIX,
  storageName,
  type Storage,
  type Stored,
  type Upload,
} from './storage.ts';
export { verify, type VerifyOptions, type VerifyReport } from './verify.ts';
export type { Skipped } from './walk.ts';
