/** What the tests of this folder share: folders of their own, and ways to damage a storage. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { inspect } from '../container/index.ts';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { DirectoryStorage } from './directory-storage.ts';
import { openManifest } from './newest.ts';
import { storageName } from './storage.ts';

export const key: BackupKey = BackupKey.fromBytes(Uint8Array.from({ length: 32 }, (_, i) => i));

/** A folder, a storage and a target of one test; removed after it. */
export interface Place {
  readonly base: string;
  readonly source: string;
  readonly storage: DirectoryStorage;
  readonly target: string;
}

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A new place whose source holds these files. */
export function place(files: Readonly<Record<string, string | Uint8Array>> = {}): Place {
  const base = mkdtempSync(join(tmpdir(), 'strongroom-'));
  made.push(base);
  const source = join(base, 'source');
  mkdirSync(source);
  for (const [path, content] of Object.entries(files)) write(source, path, content);
  return { base, source, storage: new DirectoryStorage(join(base, 'storage')), target: join(base, 'target') };
}

/** Writes one file, with its folders. */
export function write(folder: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** Storage names of the copies of the newest manifest. */
export async function copiesOf({ storage }: Place): Promise<readonly string[]> {
  return (await openManifest(storage, key)).copies;
}

/** Storage name of the object of a file in the newest backup. */
export async function objectOf({ storage }: Place, path: string): Promise<string> {
  const { entries, objects } = (await openManifest(storage, key)).manifest;
  const entry = entries.find((each) => each.path === path);
  if (entry?.kind !== 'file') throw new Error(`${path} is not a file of the set`);
  return storageName(objects[entry.parts[0]?.object ?? -1]?.commitment ?? new Uint8Array());
}

/** Rewrites a stored object. */
export function tamper({ storage }: Place, name: string, change: (bytes: Buffer) => Uint8Array): void {
  const path = join(storage.folder, name);
  writeFileSync(path, change(readFileSync(path)));
}

/** Inverts a bit of the byte at an offset, which counts from the end if it is negative. */
export function flipAt(offset: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const at = offset < 0 ? bytes.length + offset : offset;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  };
}

/** Inverts a bit of the first sealed chunk. */
export const flipChunk = (bytes: Buffer): Buffer => flipAt(inspect(bytes).length)(bytes);

/** Everything below a folder as `path: content`, with folders as `path/`. */
export function tree(folder: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const each of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(each.parentPath, each.name).slice(folder.length + 1);
    if (each.isDirectory()) all[`${path}/`] = '';
    else if (each.isFile()) all[path] = readFileSync(join(folder, path)).toString('latin1');
    else all[path] = 'link';
  }
  return all;
}

/** The code of what a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'fulfilled'> {
  try {
    await promise;
    return 'fulfilled';
  } catch (error) {
    if (isStrongroomError(error)) return error.code;
    throw error;
  }
}

/** True if this process may mount a file system. */
export function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const at = mkdtempSync(join(tmpdir(), 'strongroom-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at]);
  if (status === 0) execFileSync('umount', [at]);
  rmSync(at, { recursive: true });
  return status === 0;
}
