/**
 * A part of a backup (spec/set.md, "A part of a backup").
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import type { Entry } from './manifest.ts';
import { parentOf } from './paths.ts';

/** Which entries are meant. */
export interface PathOptions {
  /** Paths of the backup; a folder stands for all that is in it. Default: everything. */
  readonly paths?: readonly string[];
}

/** What was selected. */
export interface Selection {
  /** In the order of the manifest. */
  readonly entries: readonly Entry[];
  /** The folders that lead there and are not selected. */
  readonly ways: readonly Entry[];
}

/** Selects entries by their paths. @throws StrongroomError `not-found` if there is none at a path */
export function selectEntries(all: readonly Entry[], { paths }: PathOptions): Selection {
  if (paths === undefined) return { entries: all, ways: [] };
  const wanted = new Set(paths);
  const chosen = new Set<string>();
  const leading = new Set<string>();
  const entries: Entry[] = [];
  for (const entry of all) {
    const { path } = entry;
    const parent = parentOf(path);
    if (!wanted.has(path) && !chosen.has(parent)) continue;
    chosen.add(path);
    wanted.delete(path);
    entries.push(entry);
    for (let way = parent; way !== '' && !chosen.has(way) && !leading.has(way); way = parentOf(way))
      leading.add(way);
  }
  for (const path of wanted) {
    throw new StrongroomError('not-found', `${path} is not in the backup`, { subject: path });
  }
  return { entries, ways: all.filter(({ path }) => leading.has(path)) };
}
