/**
 * `npm run mutants [id…]`: every broken implementation must be caught by a case that cites what it breaks. The results
 * go to .strongroom/mutants.json, for the trace.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCases } from '../cases/index.ts';
import { loadVectors, packageRoot } from '../vectors.ts';
import { mutants } from './catalogue.ts';
import { runMutant, type MutantResult } from './run.ts';

const WORKERS = 2;

const wanted = process.argv.slice(2);
const chosen = mutants.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
const cases = allCases(loadVectors());
const queue = [...chosen];
const results: MutantResult[] = [];

async function work(): Promise<void> {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const result = await runMutant(mutant, cases);
    results.push(result);
    const how =
      result.status === 'killed'
        ? `killed by ${result.killedBy} (${result.class}), which cites ${result.requirement}`
        : `${result.status.toUpperCase()}: ${result.reason}`;
    process.stdout.write(`${mutant.id}: ${mutant.mistake}: ${how}\n`);
  }
}

await Promise.all(Array.from({ length: WORKERS }, work));
const count = (status: MutantResult['status']): number =>
  results.filter((one) => one.status === status).length;
if (wanted.length === 0) {
  const folder = join(packageRoot(), '.strongroom');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'mutants.json'),
    `${JSON.stringify(
      results.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      undefined,
      1,
    )}\n`,
  );
}
process.stdout.write(
  `MUTANTS total=${results.length} killed=${count('killed')} survived=${count('survived')} equivalent=${count('equivalent')}\n`,
);
process.exitCode = count('survived') === 0 ? 0 : 1;
