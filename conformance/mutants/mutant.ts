/**
 * A broken implementation: one small change of one source file of the reference, and what must find it.
 *
 * @module
 */
import type { FailureClass } from '../schema/report.ts';

/** One change of one source file. */
export interface Edit {
  /** Source file, from the root of the package. */
  readonly file: string;
  /** Text that must occur in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** One mutant. */
export interface Mutant extends Edit {
  readonly id: string;
  /** The mistake, as an implementer would make it. */
  readonly mistake: string;
  /** More edits, where the reference prevents the mistake in several places. */
  readonly also?: readonly Edit[];
  /** The requirement that the mutant breaks; a case that kills it must cite it. */
  readonly requirement: string;
  /** Cases of which at least one must fail. */
  readonly cases: readonly string[];
  /** How it must fail: a crash is no kill unless it is named here. */
  readonly class: FailureClass;
  /** Why no case can tell the mutant from the original, if that is so. */
  readonly equivalent?: string;
}

/** All edits of a mutant. */
export function editsOf(mutant: Edit & { readonly also?: readonly Edit[] }): readonly Edit[] {
  return [mutant, ...(mutant.also ?? [])];
}

/**
 * The source with an edit in it.
 *
 * @throws Error unless `find` occurs exactly once
 */
export function apply(edit: Edit, source: string): string {
  const count = source.split(edit.find).length - 1;
  if (count !== 1) throw new Error(`the text to replace occurs ${count} times in ${edit.file}: ${edit.find}`);
  return source.replace(edit.find, () => edit.replace);
}
