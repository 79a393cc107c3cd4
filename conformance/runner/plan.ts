/**
 * Which cases a run has, in what order, and what their results come to.
 *
 * @module
 */
import { OPTIONAL_FEATURES, type Hello } from '../schema/protocol.ts';
import type { CaseResult, ExpectedFailure, Report, Verdict } from '../schema/report.ts';
import { LEVELS, type Level, type Role } from '../schema/vector.ts';
import type { Case } from './case.ts';
import { applyExpected } from './expected.ts';
import type { NamedProfile } from './profile.ts';
import { exitCode, verdicts } from './verdict.ts';

/** What decides which cases a run has, and what their results come to. */
export interface Terms {
  readonly hello?: Hello;
  readonly roles: readonly Role[];
  readonly level: Level;
  readonly claims: readonly Role[];
  readonly expected: readonly ExpectedFailure[];
  readonly loose: boolean;
  /** The cases that count, by role; all of them for a role that has no profile. */
  readonly profiles: readonly NamedProfile[];
}

/** The cases of a run, and for each role the optional features that it goes without. */
export interface Plan {
  readonly cases: readonly Case[];
  readonly without: (role: Role) => string[];
}

/** The cases of the roles and the level, but for those of optional features that are not claimed. */
export function planOf(all: readonly Case[], { hello, roles, level }: Terms): Plan {
  const levels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
  const wanted = all.filter((one) => roles.includes(one.role) && levels.includes(one.level));
  const lacks = ({ feature }: Case): boolean =>
    hello?.features.includes(feature) === false && OPTIONAL_FEATURES.includes(feature);
  return {
    cases: wanted.filter((one) => !lacks(one)),
    without: (role) => [
      ...new Set(wanted.filter((one) => one.role === role && lacks(one)).map(({ feature }) => feature)),
    ],
  };
}

/** What results come to, on a day (YYYY-MM-DD). */
export function conclude(
  raw: readonly CaseResult[],
  { level, claims, expected, loose, profiles }: Terms,
  { without }: Plan,
  today: string,
): Pick<Report, 'results' | 'verdicts' | 'stale' | 'exitCode'> {
  const judged = applyExpected(raw, expected, today);
  const of = (role: Role): NamedProfile | undefined => profiles.find((one) => one.role === role);
  const results = judged.results
    .map((result): CaseResult => {
      const cases = of(result.role)?.cases;
      return cases === undefined || Object.hasOwn(cases, result.id) ? result : { ...result, scored: false };
    })
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const named = (role: Role): string | undefined => {
    const profile = of(role);
    return profile && `${profile.name}@${profile.sha256.slice(0, 8)}`;
  };
  const all: Verdict[] = verdicts(results, loose, level, without, named);
  return {
    results,
    verdicts: all,
    stale: judged.stale,
    exitCode: exitCode(results, all, claims, judged.stale),
  };
}

/** The cases in an order that the seed alone decides. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = [...items];
  let state = seed >>> 0;
  // mulberry32: order only, nothing here is secret.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    const [a, b] = [out[i], out[j]];
    if (a !== undefined && b !== undefined) [out[i], out[j]] = [b, a];
  }
  return out;
}
