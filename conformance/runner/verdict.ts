/**
 * From results to verdicts and to the exit code (spec/conformance.md, "Verdicts").
 *
 * @module
 */
import type { CaseResult, Status, Verdict } from '../schema/report.ts';
import { ROLES, type Level, type Role } from '../schema/vector.ts';

/** Exit codes of the runner. */
export const EXIT = {
  asAsked: 0,
  failure: 1,
  usage: 2,
  notStarted: 3,
  suiteFault: 4,
  staleExpectations: 5,
  incompleteClaim: 6,
} as const;

/** True if the result counts for a verdict. */
function isScored({ scored }: CaseResult): boolean {
  return scored !== false;
}

function count(results: readonly CaseResult[], ...statuses: Status[]): number {
  return results.filter((result) => statuses.includes(result.status)).length;
}

function verdictOf(results: readonly CaseResult[], loose: boolean): Verdict['verdict'] {
  if (count(results, 'fail', 'error') > 0) return 'non-conformant';
  if (count(results, 'not-run', 'not-applicable') > 0) return 'incomplete';
  if (loose) return 'provisional';
  return count(results, 'xfail', 'xpass') > 0 ? 'conformant-with-exceptions' : 'conformant';
}

/** One verdict for every role that has results, in the order of `ROLES`. */
export function verdicts(
  results: readonly CaseResult[],
  loose: boolean,
  level: Level = 'core',
  without: (role: Role) => string[] = () => [],
  profile: (role: Role) => string | undefined = () => undefined,
): Verdict[] {
  return ROLES.map((role) => ({ role, all: results.filter((result) => result.role === role) }))
    .filter(({ all }) => all.length > 0)
    .map(({ role, all }) => ({ role, all, own: all.filter(isScored), name: profile(role) }))
    .map(({ role, all, own, name }) => ({
      role,
      level,
      ...(name !== undefined && { profile: name }),
      verdict: verdictOf(own, loose),
      pass: count(own, 'pass', 'xpass'),
      fail: count(own, 'fail', 'xfail', 'error'),
      notRun: count(own, 'not-run', 'not-applicable'),
      notScored: all.length - own.length,
      without: without(role),
    }));
}

/** The line by which scripts read a verdict. */
export function verdictLine(one: Verdict): string {
  const { role, level, verdict, pass, fail, notRun, profile, notScored, without } = one;
  return [
    `VERDICT ${role} ${level} ${verdict} pass=${pass} fail=${fail} not-run=${notRun}`,
    ...(notScored === 0 ? [] : [`not-scored=${notScored}`]),
    ...(profile === undefined ? [] : [`profile=${profile}`]),
    ...(without.length === 0 ? [] : [`without=${without.join(',')}`]),
  ].join(' ');
}

/** The exit code of a run that came to its end. */
export function exitCode(
  results: readonly CaseResult[],
  all: readonly Verdict[],
  claims: readonly Role[],
  stale: readonly string[],
): number {
  if (results.some((result) => result.status === 'fail' && isScored(result))) return EXIT.failure;
  if (results.some((result) => result.status === 'error')) return EXIT.notStarted;
  if (stale.length > 0) return EXIT.staleExpectations;
  const complete = (role: Role): boolean =>
    all.some((one) => one.role === role && one.verdict.startsWith('conformant'));
  return claims.every(complete) ? EXIT.asAsked : EXIT.incompleteClaim;
}
