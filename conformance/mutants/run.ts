/**
 * Runs mutants against the cases that must kill them.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import type { Case } from '../runner/case.ts';
import { StartError } from '../runner/connection.ts';
import { run } from '../runner/run.ts';
import type { CaseResult } from '../schema/report.ts';
import type { Mutant } from './mutant.ts';

/** What became of a mutant. */
export interface MutantResult {
  readonly id: string;
  readonly requirement: string;
  readonly status: 'killed' | 'survived' | 'equivalent';
  /** Case that killed it, and how it failed. */
  readonly killedBy?: string;
  readonly class?: string;
  /** Why it counts as survived, or as equivalent. */
  readonly reason?: string;
}

const LOADER = fileURLToPath(new URL('loader.ts', import.meta.url));
const ADAPTER = fileURLToPath(new URL('../adapters/reference.ts', import.meta.url));

function judge(mutant: Mutant, results: readonly CaseResult[]): MutantResult {
  const { id, requirement } = mutant;
  const kill = results.find(
    (one) => one.status === 'fail' && one.class === mutant.class && one.requirements.includes(requirement),
  );
  if (mutant.equivalent !== undefined) {
    return results.some((one) => one.status === 'fail')
      ? { id, requirement, status: 'survived', reason: 'it is listed as equivalent, but a case fails' }
      : { id, requirement, status: 'equivalent', reason: mutant.equivalent };
  }
  if (kill !== undefined)
    return { id, requirement, status: 'killed', killedBy: kill.id, class: mutant.class };
  const seen = results.map(
    (one) =>
      `${one.id}: ${one.status}${one.class === undefined ? '' : ` ${one.class}`}${one.status === 'error' ? ` ${one.detail ?? ''}` : ''}`,
  );
  return { id, requirement, status: 'survived', reason: seen.join('; ') || 'no case ran' };
}

/**
 * Runs one mutant.
 *
 * @throws Error if the catalogue names a case that does not exist, or that does not cite the mutant's requirement
 */
export async function runMutant(mutant: Mutant, cases: readonly Case[]): Promise<MutantResult> {
  const chosen = mutant.cases.map((id) => {
    const found = cases.find((one) => one.id === id);
    if (found === undefined) throw new Error(`${mutant.id}: there is no case ${id}`);
    return found;
  });
  if (!chosen.some((one) => one.requirements.includes(mutant.requirement))) {
    throw new Error(`${mutant.id}: none of its cases cites ${mutant.requirement}`);
  }
  try {
    const { report } = await run({
      adapter: ['node', '--import', LOADER, ADAPTER],
      environment: { STRONGROOM_MUTANT: mutant.id },
      cases: chosen,
      vectors: '0'.repeat(64),
      seed: 1,
      timeout: mutant.class === 'timeout' ? 3000 : 20_000,
    });
    return judge(mutant, report.results);
  } catch (error) {
    // A mutant that does not even start is no mutant: its text is out of date.
    if (!(error instanceof StartError)) throw error;
    return { id: mutant.id, requirement: mutant.requirement, status: 'survived', reason: error.message };
  }
}
