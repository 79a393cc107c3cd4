/**
 * What objects can be read from in parts (spec/container.md, "Reading a range").
 *
 * @module
 */
export type { ByteSource } from '../container/range.ts';
export { fileSource } from './file.ts';
export { httpSource, type HttpSourceOptions } from './http.ts';
export { memorySource } from './memory.ts';
