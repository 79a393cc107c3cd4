/**
 * Folders that the runner owns: storages that it fills for an implementation, and targets that it looks at afterwards.
 *
 * @module
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Place, Tree, Value } from '../schema/vector.ts';
import { unpack } from '../vectors.ts';
import { digest } from './score.ts';

function places(value: Value): [string, Value][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no folder');
  return Object.entries(value);
}

let discarded = 0;

/** Takes a folder of a case away, at once; it is removed while other cases run, and with the run at the latest. */
export function discard(folder: string, { folder: own }: { readonly folder: string }): void {
  const away = join(dirname(own), `discarded-${discarded++}`);
  renameSync(folder, away);
  rm(away, { recursive: true, force: true }).catch(() => undefined);
}

/** Fills a new folder: under each path the bytes, or a link `{"link": target}`, or a folder `{}`. */
export function fillFolder(folder: string, content: Value): void {
  mkdirSync(folder, { recursive: true });
  for (const [path, value] of places(content)) {
    const place = join(folder, path);
    mkdirSync(dirname(place), { recursive: true });
    const plain = unpack(value);
    if (typeof plain === 'string') writeFileSync(place, Buffer.from(plain, 'hex'));
    else {
      const link = places(plain).find(([name]) => name === 'link')?.[1];
      if (typeof link === 'string') symlinkSync(link, place);
      else mkdirSync(place, { recursive: true });
    }
  }
}

function placeOf(path: string): Place {
  const stat = lstatSync(path);
  const mode = stat.mode & 0o777;
  const modified = Math.floor(stat.mtimeMs / 1000);
  if (stat.isSymbolicLink()) return { kind: 'symlink', target: readlinkSync(path) };
  if (stat.isDirectory()) return { kind: 'directory', mode, modified };
  return { kind: 'file', ...digest(readFileSync(path)), mode, modified };
}

/** Everything below a folder, without following links; nothing if there is no folder. */
export function readTree(folder: string, prefix: string = ''): Tree {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return {};
  const tree: Record<string, Place> = {};
  for (const name of readdirSync(folder).sort()) {
    const place = placeOf(join(folder, name));
    tree[prefix + name] = place;
    if (place.kind === 'directory') Object.assign(tree, readTree(join(folder, name), `${prefix}${name}/`));
  }
  return tree;
}
