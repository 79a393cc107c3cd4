/**
 * `npm run mutants [id…]`: every broken implementation must be caught by a case that cites what it breaks, and every
 * mistake in the suite by a self-test. The results go to .strongroom/mutants.json, for the trace.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCases } from '../cases/index.ts';
import { readSpec } from '../spec-text.ts';
import { loadVectors, packageRoot } from '../vectors.ts';
import { mutants } from './catalogue.ts';
import { runSuiteMutant } from './run-suite.ts';
import { runMutant, type MutantResult } from './run.ts';
import { suiteMutants } from './suite.ts';
import { summary } from './summary.ts';

const WORKERS = 2;

const wanted = process.argv.slice(2);
const start = performance.now();
const cases = allCases(loadVectors());
const jobs = [
  ...mutants.map((mutant) => ({ mutant, run: async () => runMutant(mutant, cases) })),
  ...suiteMutants.map((mutant) => ({ mutant, run: async () => runSuiteMutant(mutant) })),
].filter(({ mutant }) => wanted.length === 0 || wanted.includes(mutant.id));
const queue = [...jobs];
const results: MutantResult[] = [];

function how({ status, killedBy, class: failure, requirement, reason }: MutantResult): string {
  if (status !== 'killed') return `${status.toUpperCase()}: ${reason}`;
  return `killed by ${killedBy} (${failure})${requirement === '' ? '' : `, which cites ${requirement}`}`;
}

async function work(): Promise<void> {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    const result = await job.run();
    results.push(result);
    process.stdout.write(`${job.mutant.id}: ${job.mutant.mistake}: ${how(result)}\n`);
  }
}

await Promise.all(Array.from({ length: WORKERS }, work));
if (wanted.length === 0) {
  const folder = join(packageRoot(), '.strongroom');
  mkdirSync(folder, { recursive: true });
  const sorted = results.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  writeFileSync(join(folder, 'mutants.json'), `${JSON.stringify(sorted, undefined, 1)}\n`);
}
const files = new Map(readSpec().requirements.map(({ id, file }) => [id, file]));
process.stdout.write(`\n${summary(results, files)}\n`);
process.stdout.write(`in ${Math.round((performance.now() - start) / 1000)} s\n`);
process.exitCode = results.every(({ status }) => ['killed', 'equivalent'].includes(status)) ? 0 : 1;
