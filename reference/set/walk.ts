/**
 * What a folder holds (spec/backup.md, "Folders").
 *
 * @module
 */
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import { fromUtf8, type Bytes } from '../wire/bytes.ts';
import { errno, fault } from './faults.ts';
import { checkPath, checkTarget, comparePaths, parentOf } from './paths.ts';
import type { Time } from './manifest.ts';

/** Something that was found, not yet read. */
export interface Found {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly modified: Time;
  /** Length in bytes of a file, when it was found. */
  readonly length: number;
  /** By what a file is known again; see `stampOf`; empty where nobody asks. */
  readonly stamp: Bytes;
  /** Where a symbolic link points to. */
  readonly target: string;
}

/**
 * Something that is not in the backup, and why: `vanished`, `changed`, `permission`, `io`, `unsafe-path`,
 * `unsupported-file` or `limit-exceeded`.
 */
export interface Skipped {
  readonly path: string;
  readonly code: ErrorCode;
}

/** Makes the stamp of a file; an empty one says nothing. */
export type Stamper = (path: string, stat: BigIntStats) => Bytes;

/** The stamp of what is no file, or need not be known again. */
export const NO_STAMP: Bytes = new Uint8Array();

/** The modification time of a file; undefined if it is too far away for a manifest. */
export function modifiedOf({ mtimeNs }: Pick<BigIntStats, 'mtimeNs'>): Time | undefined {
  const billion = 1_000_000_000n;
  const nanoseconds = ((mtimeNs % billion) + billion) % billion;
  const seconds = Number((mtimeNs - nanoseconds) / billion);
  return Number.isSafeInteger(seconds) ? { seconds, nanoseconds: Number(nanoseconds) } : undefined;
}

/**
 * Everything below `folder`, in ascending order of the paths. What cannot be backed up goes to `skipped`, and
 * nothing below it is looked at. Links are not followed. `stamp` makes the stamp of a file.
 *
 * @throws StrongroomError `permission`, `io` if the folder itself cannot be read
 */
export function walk(folder: string, skipped: Skipped[], stamp: Stamper): Found[] {
  const found: Found[] = [];
  const waiting = [''];
  for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
    for (const each of lookInto(folder, parent, skipped, stamp)) {
      found.push(each);
      if (each.kind === 'directory') waiting.push(each.path);
    }
  }
  return found.sort((a, b) => comparePaths(a.path, b.path));
}

/** Everything in one directory; nothing of it if no directory led there. */
function lookInto(folder: string, parent: string, skipped: Skipped[], stamp: Stamper): Found[] {
  const found: Found[] = [];
  for (const name of namesIn(folder, parent, skipped)) {
    const each = look(folder, parent === '' ? name : `${parent}/${name}`, skipped, stamp);
    if (each !== undefined) found.push(each);
  }
  try {
    for (const { path } of found.slice(0, 1)) requireRealWay(folder, path);
    return found;
  } catch (error) {
    const code = skipCode(error);
    if (code === undefined) throw fault(error, parent);
    for (const { path } of found) skipped.push({ path, code });
    return [];
  }
}

/** Names in one directory. One that is not UTF-8 has no place in a set. */
function namesIn(folder: string, parent: string, skipped: Skipped[]): string[] {
  let raw;
  try {
    raw = readdirSync(join(folder, parent), { encoding: 'buffer' });
  } catch (error) {
    const known = skipCode(error);
    if (parent === '' || known === undefined) throw fault(error, join(folder, parent));
    skipped.push({ path: parent, code: known });
    return [];
  }
  const names: string[] = [];
  for (const bytes of raw) {
    try {
      names.push(fromUtf8(bytes));
    } catch {
      const shown = bytes.toString('utf8');
      skipped.push({ path: parent === '' ? shown : `${parent}/${shown}`, code: 'unsafe-path' });
    }
  }
  return names;
}

function look(folder: string, path: string, skipped: Skipped[], stamper: Stamper): Found | undefined {
  const skip = (code: ErrorCode): undefined => void skipped.push({ path, code });
  try {
    checkPath(path);
    const place = join(folder, path);
    const stat = lstatSync(place, { bigint: true });
    const target = stat.isSymbolicLink() ? linkTarget(place) : '';
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'symlink';
    if (kind === 'symlink') {
      if (!stat.isSymbolicLink()) return skip('unsupported-file');
      checkTarget(path, target);
    }
    const modified = modifiedOf(stat);
    if (modified === undefined) return skip('unsupported-file');
    const mode = Number(stat.mode & 0o777n);
    const stamp = kind === 'file' ? stamper(path, stat) : NO_STAMP;
    return { path, kind, mode, modified, length: Number(stat.size), stamp, target };
  } catch (error) {
    const code = skipCode(error);
    if (code === undefined) throw fault(error, path);
    return skip(code);
  }
}

function linkTarget(place: string): string {
  const target = readlinkSync(place, { encoding: 'buffer' });
  const text = target.toString('utf8');
  // A target that is not UTF-8 is refused by its zero byte.
  return Buffer.from(text).equals(target) ? text : '\0';
}

/**
 * Checks, once something was read at `path`, that no link has led there: below the folder none is followed.
 *
 * @throws StrongroomError `changed` if a directory on the way has become something else
 */
export function requireRealWay(folder: string, path: string): void {
  for (let each = parentOf(path); each !== ''; each = parentOf(each)) {
    if (lstatSync(join(folder, each)).isDirectory()) continue;
    throw new StrongroomError('changed', `${each} is no directory any more`, { subject: path });
  }
}

/** The code under which one entry is left out, if its fault is of a kind that leaves the others alone. */
export function skipCode(error: unknown): ErrorCode | undefined {
  if (isStrongroomError(error, 'unsafe-path') || isStrongroomError(error, 'changed')) return error.code;
  const system = errno(error);
  if (system === 'ENOENT' || system === 'ENOTDIR') return 'vanished';
  if (system === 'ELOOP') return 'changed';
  return system === 'EACCES' || system === 'EPERM' ? 'permission' : undefined;
}
