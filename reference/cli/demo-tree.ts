/**
 * Folders of the demonstration: staging this project's own files, and comparing two folders byte for byte.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';

const NOT_OURS = new Set(['node_modules', '.git', '.strongroom', 'dist', 'site', 'coverage']);
const PIECE = 1 << 20;

/** Paths of the project's own files: what git tracks, or without git all that is not made or fetched. */
export function projectFiles(root: string): string[] {
  const git = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const tracked = git.status === 0 ? git.stdout.split('\0').filter((path) => path !== '') : [];
  const here = tracked.filter(
    (path) => lstatSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true,
  );
  return here.length > 0 ? here : filesBelow(root, '');
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isFile()) return [path];
    return entry.isDirectory() && !NOT_OURS.has(entry.name) ? filesBelow(root, path) : [];
  });
}

/** Copies files into a folder, with their times and modes. */
export function stage(root: string, paths: readonly string[], target: string): void {
  for (const path of paths) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(root, path), join(target, path), { preserveTimestamps: true });
  }
}

/** What a comparison saw. */
export interface Compared {
  readonly files: number;
  readonly bytes: number;
  /** What differs, in words; empty if the folders are the same. */
  readonly differences: readonly string[];
}

/** Compares kinds, names, modes, times to the second, link targets and every byte of two folders. */
export function compare(a: string, b: string): Compared {
  const seen = { files: 0, bytes: 0, differences: [] as string[] };
  compareFolders(a, b, '', seen);
  return seen;
}

type Seen = { files: number; bytes: number; readonly differences: string[] };

function compareFolders(a: string, b: string, folder: string, seen: Seen): void {
  const names = new Set([...readdirSync(join(a, folder)), ...readdirSync(join(b, folder))]);
  for (const name of [...names].sort()) {
    const path = join(folder, name);
    const [one, two] = [a, b].map((root) => lstatSync(join(root, path), { throwIfNoEntry: false }));
    if (one === undefined || two === undefined) {
      seen.differences.push(`${path} is in one of them only`);
      continue;
    }
    const difference = compareStats(one, two) ?? compareEntries(join(a, path), join(b, path), one, seen);
    if (difference !== undefined) seen.differences.push(`${path}: ${difference}`);
    else if (one.isDirectory()) compareFolders(a, b, path, seen);
  }
}

function compareStats(one: Stats, two: Stats): string | undefined {
  if ((one.mode & 0o170000) !== (two.mode & 0o170000)) return 'kind';
  if (one.isSymbolicLink()) return undefined;
  if (((one.mode ^ two.mode) & 0o777) !== 0) return 'mode';
  if (Math.floor(one.mtimeMs / 1000) !== Math.floor(two.mtimeMs / 1000)) return 'time';
  return one.isFile() && one.size !== two.size ? 'length' : undefined;
}

function compareEntries(a: string, b: string, stats: Stats, seen: Seen): string | undefined {
  if (stats.isSymbolicLink()) return readlinkSync(a) === readlinkSync(b) ? undefined : 'target';
  if (!stats.isFile()) return undefined;
  if (!sameBytes(a, b)) return 'content';
  seen.files++;
  seen.bytes += stats.size;
  return undefined;
}

function sameBytes(a: string, b: string): boolean {
  const fds = [openSync(a, 'r'), openSync(b, 'r')] as const;
  try {
    const buffers = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)] as const;
    for (;;) {
      const [one, two] = [readSync(fds[0], buffers[0]), readSync(fds[1], buffers[1])];
      if (one !== two || buffers[0].compare(buffers[1], 0, one, 0, one) !== 0) return false;
      if (one === 0) return true;
    }
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}
