/**
 * Failures that an implementer knows of: each with its class, an issue and a day on which the excuse ends
 * (spec/conformance.md, "Expected failures").
 *
 * @module
 */
import { matchesGlob } from 'node:path';
import type { CaseResult, ExpectedFailure } from '../schema/report.ts';

/** Cases that one line may stand for. */
const MOST = 20;

/** The line of each case, and a sentence for every line that cannot stand for what it says. */
function linesOf(
  results: readonly CaseResult[],
  expected: readonly ExpectedFailure[],
): { lines: Map<string, ExpectedFailure>; stale: string[] } {
  const lines = new Map<string, ExpectedFailure>();
  const stale: string[] = [];
  for (const line of expected) {
    const ids = results.map(({ id }) => id).filter((id) => matchesGlob(id, line.case));
    if (ids.length === 0) stale.push(`${line.case}: no such case in this run`);
    if (ids.length > MOST) stale.push(`${line.case}: ${ids.length} cases, and a line may stand for ${MOST}`);
    else
      for (const id of ids) {
        if (lines.has(id)) stale.push(`${id}: in two lines`);
        lines.set(id, line);
      }
  }
  return { lines, stale };
}

/**
 * Applies the list of expected failures.
 *
 * @param today as YYYY-MM-DD
 * @returns the results with `xfail` and `xpass`, and a sentence for everything in the list that is stale
 */
export function applyExpected(
  results: readonly CaseResult[],
  expected: readonly ExpectedFailure[],
  today: string,
): { results: CaseResult[]; stale: string[] } {
  const { lines, stale } = linesOf(results, expected);
  const judged = results.map((result): CaseResult => {
    const { id, status } = result;
    const line = lines.get(id);
    if (line === undefined) return result;
    if (line.expires < today) stale.push(`${id}: expired on ${line.expires}`);
    else if (status === 'fail' && result.class === line.class)
      return { ...result, status: 'xfail', issue: line.issue };
    else if (status === 'fail') stale.push(`${id}: failed as ${result.class}, not as ${line.class}`);
    else if (status === 'pass') {
      stale.push(`${id}: passes now`);
      return { ...result, status: 'xpass' };
    } else stale.push(`${id}: ended as ${status}`);
    return result;
  });
  return { results: judged, stale };
}

/** A list for the next run: the lines of which every case failed as they say, and a new one for every other failure. */
export function nextExpected(
  results: readonly CaseResult[],
  expected: readonly ExpectedFailure[],
  { issue, expires }: Pick<ExpectedFailure, 'issue' | 'expires'>,
): ExpectedFailure[] {
  const { lines } = linesOf(results, expected);
  const holds = (line: ExpectedFailure): boolean => {
    const own = results.filter(({ id }) => lines.get(id) === line);
    return own.length > 0 && own.every(({ status }) => status === 'xfail');
  };
  const kept = expected.filter(holds);
  const added = results.flatMap(({ id, status, class: failure }): ExpectedFailure[] => {
    const line = lines.get(id);
    const isNew = status === 'fail' || (status === 'xfail' && (line === undefined || !kept.includes(line)));
    return isNew && failure !== undefined ? [{ case: id, class: failure, issue, expires }] : [];
  });
  return [...kept, ...added];
}
