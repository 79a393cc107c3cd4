/**
 * What the trace compares, and what it finds: faults of the register and of citations, and how well each rule is covered.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { Requirement } from '../conformance/spec-text.ts';

/** How well a requirement is covered, best first. */
export type Coverage = 'proven' | 'executed' | 'declared' | 'excluded' | 'nothing';

/** One line of spec/requirements.json. */
export interface Registered {
  readonly id: string;
  readonly level: string;
  readonly file: string;
  /** SHA-256 of the sentence. */
  readonly sha256: string;
}

/** Everything that the trace compares. */
export interface Facts {
  readonly requirements: readonly Requirement[];
  readonly registered: readonly Registered[];
  /** Requirements that each case cites. */
  readonly citations: ReadonlyMap<string, readonly string[]>;
  /** Ids of the cases that passed in the last run. */
  readonly passed: ReadonlySet<string>;
  /** Mutants that a case which cites the requirement has killed: requirement and case. */
  readonly kills: readonly { readonly requirement: string; readonly killedBy: string }[];
  /** Requirements of the suite itself of which a self-test has found a mutant. */
  readonly selfTested: readonly string[];
  /** Mutants that no case has killed which cites their requirement, and why they count so. */
  readonly alive: readonly { readonly id: string; readonly reason: string }[];
  /** Requirements that tests and mutants name beside the cases: place and id. */
  readonly mentions: readonly (readonly [place: string, id: string])[];
  readonly exclusions: readonly { readonly id: string; readonly reason: string }[];
  /** Ids that the text has given up. */
  readonly retired: readonly string[];
}

/** The line of the register for a requirement. */
export function register({ id, level, file, sentence }: Requirement): Registered {
  return { id, level, file, sha256: createHash('sha256').update(sentence).digest('hex') };
}

/** What is wrong with the register and with the citations. */
export function faults(facts: Facts): string[] {
  const out: string[] = [];
  const known = new Map<string, Requirement>();
  for (const one of facts.requirements) {
    const first = known.get(one.id);
    if (first !== undefined)
      out.push(`${one.file}:${one.line}: ${one.id} is already at ${first.file}:${first.line}`);
    known.set(one.id, one);
  }
  const listed = new Map(facts.registered.map((one) => [one.id, one]));
  for (const { id, file } of facts.registered) {
    if (!known.has(id) && !facts.retired.includes(id))
      out.push(`${file}: ${id} is gone, and not called retired`);
  }
  for (const one of known.values()) {
    const before = listed.get(one.id);
    if (before === undefined)
      out.push(`${one.file}:${one.line}: ${one.id} is new; run npm run trace -- --write`);
    else if (before.sha256 !== register(one).sha256) {
      out.push(
        `${one.file}:${one.line}: ${one.id} has other words than before; review its cases, then --write`,
      );
    }
  }
  for (const id of facts.retired) if (known.has(id)) out.push(`${id} is retired, and used again`);
  for (const [id, cited] of facts.citations) {
    for (const requirement of cited)
      if (!known.has(requirement)) out.push(`case ${id} cites ${requirement}, which does not exist`);
  }
  for (const [place, id] of facts.mentions)
    if (!known.has(id)) out.push(`${place} names ${id}, which does not exist`);
  for (const { id, reason } of facts.alive) out.push(`mutant ${id} lives: ${reason}`);
  const cited = new Set([...facts.citations.values()].flat());
  for (const { id, reason } of facts.exclusions) {
    if (!known.has(id)) out.push(`exclusions.json names ${id}, which does not exist`);
    if (cited.has(id)) out.push(`${id} is excluded although a case tests it`);
    if (reason.length < 10) out.push(`${id} is excluded without a reason`);
  }
  return out;
}

/** The coverage of each requirement whose level is MUST or MUST NOT. */
export function coverage(facts: Facts): Map<string, Coverage> {
  const executed = new Set(
    [...facts.citations].filter(([id]) => facts.passed.has(id)).flatMap(([, cited]) => cited),
  );
  const proven = new Set([
    ...facts.kills.filter(({ killedBy }) => facts.passed.has(killedBy)).map(({ requirement }) => requirement),
    ...facts.selfTested,
  ]);
  const declared = new Set([...[...facts.citations.values()].flat(), ...facts.mentions.map(([, id]) => id)]);
  const excluded = new Set(facts.exclusions.map(({ id }) => id));
  const of = (id: string): Coverage => {
    if (proven.has(id)) return 'proven';
    if (executed.has(id)) return 'executed';
    if (declared.has(id)) return 'declared';
    return excluded.has(id) ? 'excluded' : 'nothing';
  };
  const musts = facts.requirements.filter(({ level }) => level.startsWith('MUST'));
  return new Map(musts.map(({ id }) => [id, of(id)]));
}
