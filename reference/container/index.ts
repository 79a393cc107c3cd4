/**
 * Sealed objects (spec/container.md): one encrypted stream each, of which everything that is stored is made.
 *
 * @module
 */
export { ChunkCipher, chunkCipher, MAX_CHUNK_INDEX, openChunk, sealChunk, type ChunkKey } from './chunk.ts';
export {
  CHUNK_LOG2,
  MAGIC,
  MAX_HEADER_LENGTH,
  OBJECT_TYPES,
  type ChunkLog2,
  type Extension,
  type HeaderFields,
  type HeaderInfo,
  type ObjectType,
} from './header.ts';
export { chunkAt, divide, planRange, type Division, type Layout, type RangePlan } from './layout.ts';
export { MAX_CONTENT_LENGTH, padme, plaintextLength, type Padding } from './padding.ts';
export { openRange, type ByteSource, type ObjectReader, type RangeOptions } from './range.ts';
export { inspect, open, Opener, type Opened, type Provisional } from './reader.ts';
export { streamKey, MAX_CONTEXT_LENGTH, type StreamKey } from './stream-key.ts';
export { openStream, sealStream, type OpenStream, type SealStream } from './streams.ts';
export type { OpenOptions, Verified } from './verify.ts';
export { seal, Sealer, type SealOptions } from './writer.ts';
export { BackupKey } from '../keys/backup-key.ts';
export { ObjectKey } from '../keys/object-key.ts';
