/**
 * Runs mutants of the suite against the self-tests that must kill them.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { packageRoot } from '../vectors.ts';
import type { MutantResult } from './run.ts';
import type { SuiteMutant } from './suite.ts';

const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

/** What of vitest's report is needed. */
const outcomeSchema = z.object({
  testResults: z.array(
    z.object({
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ),
});

async function vitest(mutant: SuiteMutant): Promise<z.infer<typeof outcomeSchema>> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-suite-'));
  const output = join(folder, 'outcome.json');
  const name = mutant.test.name.replaceAll(/[\\^$.*+?()[\]{}|]/gu, '\\$&');
  const config = join(packageRoot(), 'conformance', 'mutants', 'vitest.config.ts');
  const args = ['run', '--config', config, '-t', name, '--reporter=json', `--outputFile=${output}`];
  try {
    const child = spawn(process.execPath, [VITEST, ...args], {
      cwd: packageRoot(),
      env: { ...process.env, STRONGROOM_SUITE_MUTANT: mutant.id },
      stdio: 'ignore',
    });
    await once(child, 'close');
    return outcomeSchema.parse(JSON.parse(readFileSync(output, 'utf8')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs one mutant of the suite: the named test must fail, by what it expects and not because nothing loads. */
export async function runSuiteMutant(mutant: SuiteMutant): Promise<MutantResult> {
  const { id, requirement = '', test } = mutant;
  const { testResults } = await vitest(mutant);
  const named = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ fullName }) => fullName.includes(test.name));
  const failed = named.filter(({ status }) => status === 'failed');
  const kill = failed.find(({ failureMessages }) =>
    failureMessages.some((message) => message.startsWith('AssertionError')),
  );
  const result = { id, requirement, class: 'self-test' } as const;
  if (kill !== undefined) return { ...result, status: 'killed', killedBy: `${test.file}: ${kill.fullName}` };
  const messages = [
    ...testResults.map(({ message }) => message),
    ...failed.flatMap(({ failureMessages }) => failureMessages),
  ].filter((message) => message !== '');
  const what =
    named.length === 0
      ? 'no test is called so'
      : failed.length === 0
        ? 'the test passes'
        : 'the test fails, but not by what it expects';
  return { ...result, status: 'survived', reason: [what, ...messages].join('. ') };
}
