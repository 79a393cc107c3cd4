/**
 * Families of vectors that restore a set.
 *
 * @module
 */
import type { Stored } from '../../conformance/peer/set.ts';
import type { Generation } from '../../conformance/peer/set.ts';
import type { Tree, Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack, type Words } from './family.ts';
import { asked, generation, storage, type Files } from './sets.ts';

/** A vector in words, and the requirement that it tests. */
export function words(title: string, why: string, ...requirements: string[]): Words {
  return { title, why, requirements: requirements.length === 0 ? ['RST-1'] : requirements };
}

/** What may lie in the target after a failure: the tree without some paths, its folders in any state. */
export function without(tree: Tree, ...paths: readonly string[]): Tree {
  const rest = Object.entries(tree).filter(([path]) => !paths.includes(path));
  return Object.fromEntries(
    rest.map(([path, place]) => [path, place.kind === 'directory' ? { kind: 'directory' } : place]),
  );
}

/** The reference of one object with another value in a field. */
export function referring(files: Files, object: number, change: Partial<Stored['reference']>): Files {
  const objects = files.objects.map((one, i) =>
    i === object ? { ...one, reference: { ...one.reference, ...change } } : one,
  );
  return { ...files, objects };
}

/** One generation and all its objects. */
export function stored(files: Files, more: Partial<Generation> = {}): readonly Stored[] {
  return [...generation(1, files, more).copies, ...files.objects];
}

/** A family of `set.restore`. */
export class RestoreVectors {
  readonly family: Family;
  readonly #trees = new Map<string, Tree>();

  constructor(name: string, description: string) {
    this.family = new Family(name, { feature: 'set', role: 'set-reader', op: 'set.restore', description });
  }

  /** Adds a storage that is restored; `restored` is the number of entries, that of the places in the tree unless told. */
  accept(
    id: string,
    objects: readonly Stored[],
    tree: Tree,
    said: Words,
    more: Record<string, Value> = {},
    restored: number = Object.keys(tree).length,
  ): void {
    this.#trees.set(id, tree);
    this.family.accept(id, { ...said, input: asked(objects, more), result: { restored }, tree });
  }

  /** The tree of an accepting vector without some paths. */
  tree(from: string, ...paths: readonly string[]): Tree {
    const tree = this.#trees.get(from);
    if (tree === undefined) throw new Error(`no tree of ${from}`);
    return without(tree, ...paths);
  }

  /** Adds a reject in which a stored object has other bytes, or none; `lost` are the paths that do not come back. */
  object(
    id: string,
    from: string,
    change: { of: Stored; now: Uint8Array | null; lost: readonly string[] },
    error: string,
    said: Words,
  ): void {
    const { of, now, lost } = change;
    this.family.value(id, from, `storage/${of.name}`, now === null ? null : pack(now), {
      ...said,
      errors: [error],
      tree: this.tree(from, ...lost),
    });
  }

  /** Adds a reject of a storage that was sealed with one other value. */
  sealed(
    id: string,
    from: string,
    change: { place: string; was: Value; now: Value; objects: readonly Stored[]; lost?: readonly string[] },
    error: string,
    said: Words,
  ): void {
    const { place, was, now, objects, lost } = change;
    this.family.sealed(
      id,
      from,
      { place, was, now },
      { storage: storage(...objects) },
      {
        ...said,
        errors: [error],
        // Without a path that is lost, the manifest itself is refused: nothing is written.
        tree: lost === undefined ? {} : this.tree(from, ...lost),
      },
    );
  }

  /** The finished file. */
  file(): VectorFile {
    return this.family.file();
  }
}
