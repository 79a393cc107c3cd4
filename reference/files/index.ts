/**
 * Sealing and opening from file to file, as fast as the machine allows.
 *
 * @module
 */
export type { FilePart } from './io.ts';
export { openFile, type OpenedFile, type OpenFileOptions } from './open-file.ts';
export type { RunOptions } from './run.ts';
export { sealFile, type SealedFile, type SealFileOptions } from './seal-file.ts';
