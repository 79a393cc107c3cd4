/**
 * A broken implementation: one small change of one source file of the reference, and what must find it.
 *
 * @module
 */
import type { FailureClass } from '../schema/report.ts';

/** One mutant. */
export interface Mutant {
  readonly id: string;
  /** The mistake, as an implementer would make it. */
  readonly mistake: string;
  /** Source file, from the root of the package. */
  readonly file: string;
  /** Text that must occur in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The requirement that the mutant breaks; a case that kills it must cite it. */
  readonly requirement: string;
  /** Cases of which at least one must fail. */
  readonly cases: readonly string[];
  /** How it must fail: a crash is no kill unless it is named here. */
  readonly class: FailureClass;
  /** Why no case can tell the mutant from the original, if that is so. */
  readonly equivalent?: string;
}

/**
 * The source with the mutation in it.
 *
 * @throws Error unless `find` occurs exactly once
 */
export function mutate(mutant: Mutant, source: string): string {
  const count = source.split(mutant.find).length - 1;
  if (count !== 1)
    throw new Error(`${mutant.id}: the text to replace occurs ${count} times in ${mutant.file}`);
  return source.replace(mutant.find, () => mutant.replace);
}
