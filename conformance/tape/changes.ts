/**
 * What an adapter did to the folders of the runner's: found by looking before and after, and done again in a replay.
 *
 * @module
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** What is under a path now, or that nothing is. */
export type Change =
  | { readonly path: string; readonly kind: 'gone' | 'too-large' }
  | { readonly path: string; readonly kind: 'symlink'; readonly target: string }
  | {
      readonly path: string;
      readonly kind: 'directory';
      readonly mode: number;
      /** Seconds since 1970. */
      readonly modified: number;
    }
  | {
      readonly path: string;
      readonly kind: 'file';
      /** Hexadecimal text. */
      readonly content: string;
      readonly mode: number;
      readonly modified: number;
    };

const dated = { path: z.string(), mode: z.int(), modified: z.number() };

/** Schema of {@link Change}. */
export const changeSchema: z.ZodType<Change> = z.discriminatedUnion('kind', [
  z.strictObject({ path: z.string(), kind: z.enum(['gone', 'too-large']) }),
  z.strictObject({ path: z.string(), kind: z.literal('symlink'), target: z.string() }),
  z.strictObject({ ...dated, kind: z.literal('directory') }),
  z.strictObject({ ...dated, kind: z.literal('file'), content: z.string() }),
]);

/** For each path something that is another one after a change. */
type Look = ReadonlyMap<string, string>;

function* below(path: string): Generator<string, undefined, undefined> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  yield path;
  if (stat.isDirectory()) for (const name of readdirSync(path)) yield* below(join(path, name));
  return undefined;
}

/** Looks at everything at and below these paths. */
export function lookAt(paths: readonly string[]): Look {
  const look = new Map<string, string>();
  for (const path of paths) {
    for (const each of below(path)) {
      const stat = lstatSync(each, { bigint: true, throwIfNoEntry: false });
      if (stat !== undefined)
        look.set(each, [stat.ino, stat.size, stat.mode, stat.mtimeNs, stat.ctimeNs].join());
    }
  }
  return look;
}

function changeAt(path: string, budget: Budget): Change {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return { path, kind: 'symlink', target: readlinkSync(path) };
  const [mode, modified] = [stat.mode & 0o7777, stat.mtimeMs / 1000];
  if (stat.isDirectory()) return { path, kind: 'directory', mode, modified };
  budget.left -= stat.size;
  if (budget.left < 0) return { path, kind: 'too-large' };
  return { path, kind: 'file', content: readFileSync(path).toString('hex'), mode, modified };
}

/** Bytes of files that are still recorded. */
export interface Budget {
  left: number;
}

/** What is different from `before`: folders before what is in them. */
export function changesSince(before: Look, paths: readonly string[], budget: Budget): Change[] {
  const after = lookAt(paths);
  const gone = [...before.keys()].filter((path) => !after.has(path));
  return [
    ...gone.map((path): Change => ({ path, kind: 'gone' })),
    ...[...after].flatMap(([path, look]) => (before.get(path) === look ? [] : [changeAt(path, budget)])),
  ];
}

/** A case whose files were too large to be recorded. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/** Does it again. @throws TooLarge */
export function apply(changes: readonly Change[]): void {
  for (const change of changes) {
    const { path, kind } = change;
    if (kind === 'too-large') throw new TooLarge('files that were too large to be recorded');
    if (kind === 'directory' && lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) continue;
    rmSync(path, { recursive: true, force: true });
    if (kind === 'directory') mkdirSync(path);
    if (kind === 'symlink') symlinkSync(change.target, path);
    if (kind === 'file') writeFileSync(path, Buffer.from(change.content, 'hex'));
  }
  // Last, and from the inside out: what is put into a folder changes its time.
  for (const change of changes.toReversed()) {
    if (change.kind !== 'file' && change.kind !== 'directory') continue;
    chmodSync(change.path, change.mode);
    utimesSync(change.path, change.modified, change.modified);
  }
}
