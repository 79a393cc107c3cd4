/**
 * Which entries there are, and where each can be taken from (spec/salvage.md, "Entries").
 *
 * @module
 */
import { comparePaths, parentOf } from '../set/paths.ts';
import type { Entry, FileEntry } from '../set/manifest.ts';
import { hex } from '../wire/bytes.ts';
import type { SalvagedManifest } from './manifests.ts';

/** An entry as one manifest has it. */
export interface Version<E extends Entry = Entry> {
  readonly manifest: SalvagedManifest;
  readonly entry: E;
}

/** True for a version that is a file. */
export function isFile(version: Version): version is Version<FileEntry> {
  return version.entry.kind === 'file';
}

/** Finds versions of entries in all manifests of a set. */
export class Versions {
  /** The newest first. */
  readonly #manifests: readonly SalvagedManifest[];
  #byPath: Map<string, Version[]> | undefined;
  #byContent: Map<string, Version<FileEntry>[]> | undefined;

  constructor(manifests: readonly SalvagedManifest[]) {
    this.#manifests = manifests;
  }

  /**
   * The entries that there are, in the order of their paths: all of the newest manifest, and as long as manifests are not
   * complete also those of the next one, unless they stand in the way of newer ones.
   */
  current(): Version[] {
    const taken = new Map<string, Version>();
    const folders = new Set<string>();
    for (const manifest of this.#manifests) {
      for (const entry of manifest.entries) {
        const above = parentsOf(entry.path);
        const fits =
          !taken.has(entry.path) &&
          (entry.kind === 'directory' || !folders.has(entry.path)) &&
          above.every((path) => (taken.get(path)?.entry.kind ?? 'directory') === 'directory');
        if (!fits) continue;
        taken.set(entry.path, { manifest, entry });
        for (const path of above) folders.add(path);
      }
      if (manifest.complete) break;
    }
    return [...taken.values()].sort((a, b) => comparePaths(a.entry.path, b.entry.path));
  }

  /** This file, and then those of the same content in other places, of any path and manifest, the newest first. */
  *sameContent(version: Version<FileEntry>): Generator<Version<FileEntry>, void, undefined> {
    yield version;
    const seen = new Set([placesOf(version)]);
    this.#byContent ??= grouped(this.#all().filter(isFile), ({ entry }) => hex(entry.mediaId));
    for (const each of this.#byContent.get(hex(version.entry.mediaId)) ?? []) {
      const places = placesOf(each);
      if (!seen.has(places)) yield each;
      seen.add(places);
    }
  }

  /** Files of the same path in older manifests, the newest first. */
  older(version: Version<FileEntry>): readonly Version<FileEntry>[] {
    this.#byPath ??= grouped(this.#all(), (each) => each.entry.path);
    const all = this.#byPath.get(version.entry.path) ?? [];
    const at = all.findIndex(({ manifest }) => manifest === version.manifest);
    return all.slice(at + 1).filter(isFile);
  }

  #all(): Version[] {
    return this.#manifests.flatMap((manifest) => manifest.entries.map((entry) => ({ manifest, entry })));
  }
}

/** Where the content of a file lies, as text. */
function placesOf({ manifest, entry }: Version<FileEntry>): string {
  const places = entry.parts.map(({ object, range }) => {
    const commitment = manifest.objects.get(object)?.commitment;
    return [commitment && hex(commitment), range?.position];
  });
  return JSON.stringify(places);
}

/** The directories above a path, the nearest first. */
export function parentsOf(path: string): string[] {
  const above: string[] = [];
  for (let each = parentOf(path); each !== ''; each = parentOf(each)) above.push(each);
  return above;
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const group = groups.get(keyOf(each));
    if (group === undefined) groups.set(keyOf(each), [each]);
    else group.push(each);
  }
  return groups;
}
