/**
 * The table at the end of a run of mutants.
 *
 * @module
 */
import type { MutantResult } from './run.ts';

const STATUSES = ['killed', 'elsewhere', 'survived', 'equivalent'] as const;

function counts(results: readonly MutantResult[]): number[] {
  const count = (status: string): number => results.filter((one) => one.status === status).length;
  return [results.length, ...STATUSES.map(count)];
}

/**
 * What became of the mutants, by the document of the requirement that they break; last a line for programs.
 *
 * @param files the document of each requirement
 */
export function summary(results: readonly MutantResult[], files: ReadonlyMap<string, string>): string {
  const groups = Map.groupBy(results, (one) =>
    one.class === 'self-test' ? 'the suite itself' : (files.get(one.requirement) ?? one.requirement),
  );
  const rows = [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const line = (name: string, cells: readonly (string | number)[]): string =>
    `${name.padEnd(20)}${cells.map((cell) => String(cell).padStart(12)).join('')}`;
  const [total = 0, ...by] = counts(results);
  return [
    line('mutants of', ['all', ...STATUSES]),
    ...rows.map(([name, own]) => line(name, counts(own))),
    line('', counts(results)),
    '',
    `MUTANTS total=${total} ${STATUSES.map((status, i) => `${status}=${by[i]}`).join(' ')}`,
  ].join('\n');
}
