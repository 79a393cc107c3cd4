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
  /** `elsewhere`: cases fail, but none that cites the requirement. */
  readonly status: 'killed' | 'elsewhere' | 'survived' | 'equivalent';
  /** Case that killed it, and how it failed. */
  readonly killedBy?: string;
  readonly class?: string;
  /** Why it counts as survived, elsewhere, or equivalent. */
  readonly reason?: string;
}

const LOADER = fileURLToPath(new URL('loader.ts', import.meta.url));
const ADAPTER = fileURLToPath(new URL('../adapters/reference.ts', import.meta.url));

function shown({ id, status, class: failure, detail = '' }: CaseResult): string {
  return [`${id}: ${status}`, failure, status === 'error' ? detail : undefined]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** What the cases that the catalogue names say. */
function judge(mutant: Mutant, results: readonly CaseResult[]): MutantResult {
  const { id, requirement, equivalent } = mutant;
  const failures = results.filter(({ status }) => status === 'fail');
  if (equivalent !== undefined) {
    return failures.length > 0
      ? { id, requirement, status: 'survived', reason: 'it is listed as equivalent, but a case fails' }
      : { id, requirement, status: 'equivalent', reason: equivalent };
  }
  const kill = failures.find((one) => one.class === mutant.class && one.requirements.includes(requirement));
  if (kill !== undefined)
    return { id, requirement, status: 'killed', killedBy: kill.id, class: mutant.class };
  return { id, requirement, status: 'survived', reason: results.map(shown).join('; ') || 'no case ran' };
}

async function ask(mutant: Mutant, cases: readonly Case[]): Promise<readonly CaseResult[]> {
  const { report } = await run({
    adapter: ['node', '--import', LOADER, ADAPTER],
    environment: { STRONGROOM_MUTANT: mutant.id },
    cases,
    vectors: '0'.repeat(64),
    seed: 1,
    timeout: mutant.class === 'timeout' ? 3000 : 20_000,
  });
  return report.results;
}

/** Looks among all cases of the same roles for one that fails in the way of the mutant, whatever it cites. */
async function elsewhere(
  mutant: Mutant,
  survived: MutantResult,
  chosen: readonly Case[],
  cases: readonly Case[],
): Promise<MutantResult> {
  const roles = new Set(chosen.map(({ role }) => role));
  const results = await ask(
    mutant,
    cases.filter(({ role, level }) => roles.has(role) && level === 'core'),
  );
  const kills = results.filter((one) => one.status === 'fail' && one.class === mutant.class);
  const [kill] = kills;
  if (kill === undefined) return survived;
  return {
    ...survived,
    status: 'elsewhere',
    killedBy: kill.id,
    class: mutant.class,
    reason: `${kills.length} cases fail, such as ${kill.id}, which cites ${kill.requirements.join(', ')}`,
  };
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
    const result = judge(mutant, await ask(mutant, chosen));
    const lives = result.status === 'survived' && mutant.equivalent === undefined;
    return lives ? await elsewhere(mutant, result, chosen, cases) : result;
  } catch (error) {
    // A mutant that does not even start is no mutant: its text is out of date.
    if (!(error instanceof StartError)) throw error;
    return { id: mutant.id, requirement: mutant.requirement, status: 'survived', reason: error.message };
  }
}
