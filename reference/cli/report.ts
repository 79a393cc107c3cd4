/**
 * What the commands about backups have in common: where a storage is, which backup is meant, progress, warnings and
 * results.
 *
 * @module
 */
import { statSync } from 'node:fs';
import { StrongroomError } from '../errors.ts';
import { DirectoryStorage } from '../set/directory-storage.ts';
import type { Damage, Failure, Progress, SelectOptions } from '../set/index.ts';
import type { Invocation, Option } from './command.ts';
import { stayYoung } from './memory.ts';
import { printable, progressLine, sizeOf } from './progress.ts';

/** Option of a command that reads a storage. */
export const FROM: Option = { value: 'folder', help: 'storage that holds the backup' };
/** Option of a command whose result programs read. */
export const JSON_OPTION: Option = { help: 'print JSON' };
/** Option of a command that can go back. */
export const MANIFEST: Option = {
  value: 'name',
  help: 'another backup than the newest; "list --history" names them',
};

/** Where a backup is read from: it has to be there. @throws StrongroomError `not-found` */
export function storageOf(invocation: Invocation): DirectoryStorage {
  return storageIn(invocation.required('from'));
}

/** The storage in a folder that has to be there. @throws StrongroomError `not-found` */
export function storageIn(folder: string): DirectoryStorage {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StrongroomError('not-found', `${folder} is no folder`, { subject: folder });
  }
  return new DirectoryStorage(folder);
}

/** Which backup is meant. */
export function selectionOf(invocation: Invocation): SelectOptions {
  const manifest = invocation.option('manifest');
  return { signal: invocation.signal, ...(manifest === undefined ? {} : { manifest }) };
}

/** Shows progress while `work` runs. */
export async function withProgress<T>(
  work: (onProgress: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  stayYoung();
  const line = progressLine();
  try {
    return await work(({ path, entries, entriesTotal, bytes, bytesTotal }) => {
      line.show(() => {
        const percent = bytesTotal === 0 ? 100 : Math.min(100, Math.floor((100 * bytes) / bytesTotal));
        return `${percent} %  ${entries}/${entriesTotal}  ${sizeOf(bytes)} of ${sizeOf(bytesTotal)}  ${path}`;
      });
    });
  } finally {
    line.end();
  }
}

/** One line on stderr. */
export function warn(text: string): void {
  process.stderr.write(`warning: ${printable(text)}\n`);
}

/** One line for each path that is not as it should be. */
export function warnOf(failures: readonly (Failure | Damage)[]): void {
  for (const failure of failures) warn(`${'path' in failure ? failure.path : failure.name}: ${failure.code}`);
}

/** Half of what protects the manifest is gone. */
export function warnOfCopies(copies: number): void {
  if (copies < 2) warn('only one copy of the manifest is left: make a new backup, or copy the storage');
}

/** The result: facts as JSON if that is wanted, else a line for people. */
export function print(invocation: Invocation, facts: Readonly<Record<string, unknown>>, line: string): void {
  process.stdout.write(invocation.has('json') ? `${JSON.stringify(facts)}\n` : `${line}\n`);
}

/** A time for people. */
export const dateOf = (seconds: number): string => new Date(seconds * 1000).toISOString();
