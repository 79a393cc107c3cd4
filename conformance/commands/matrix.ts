/**
 * `matrix`: implementations against each other.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { allCases } from '../cases/index.ts';
import { REQUESTS, WORK } from '../matrix/crossing.ts';
import { ownImplementations, readImplementation, type Found } from '../matrix/implementations.ts';
import { matrix, type RunCases } from '../matrix/matrix.ts';
import { writeReports } from '../report/files.ts';
import { renderMatrixHtml, renderMatrixMarkdown, renderMatrixText } from '../report/matrix.ts';
import { run } from '../runner/run.ts';
import { readSpec } from '../spec-text.ts';
import { loadVectors } from '../vectors.ts';
import { integerOf, parseOptions, UsageError, type Command, type Streams } from './command.ts';

const HELP = `Usage: strongroom-conformance matrix [options]

Builds implementations, and tries each against each: every writer of objects and sets with every reader, every two
clients of one account at every vault. What is missing here to build one is named; the others run without it.

Options
  --implementation DIR   a folder with implementation.json (may be repeated); default: those of the checkout
  --suite                also run the own tests of each, and all cases of level core against it, as run does;
                         the roles that it says it has must come out conformant
  --seed N               keys, contents and contexts; printed by every run
  --timeout MS           longest wait for one answer (default 60000)
  --build-timeout S      longest time for one command of a build (default 600)
  --out DIR              where matrix.json, matrix.html, matrix.md and failing requests go
                         (default .strongroom/matrix)

Exit codes
  0 all agree · 1 a check or a case failed · 2 wrong usage · 3 an implementation was not built, or did not start
  4 a fault of the suite · 6 an implementation that was named cannot run here, or a role is not conformant

Examples
  strongroom-conformance matrix
  strongroom-conformance matrix --implementation ../mine --implementation conformance/implementations/reference
`;

const OPTIONS = {
  implementation: { type: 'string', multiple: true },
  suite: { type: 'boolean', default: false },
  seed: { type: 'string' },
  timeout: { type: 'string', default: '60000' },
  'build-timeout': { type: 'string', default: '600' },
  out: { type: 'string', default: join('.strongroom', 'matrix') },
} as const;

function named(folders: readonly string[]): Found[] {
  return folders.map((folder) => {
    try {
      return readImplementation(resolve(folder));
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
  });
}

function found(folders: readonly string[] | undefined): Found[] {
  const all = folders === undefined ? ownImplementations() : named(folders);
  if (all.length === 0)
    throw new UsageError(
      'no implementation comes with this copy of the suite; name some with --implementation',
    );
  const names = all.map(({ about }) => about.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`two implementations are called ${twice}`);
  return all;
}

/** All cases of level core against an implementation; its reports go into a folder of its name. */
function runCases(out: string, seed: number): RunCases {
  const set = loadVectors();
  const cases = allCases(set);
  const sentences = new Map(readSpec().requirements.map(({ id, sentence }) => [id, sentence]));
  return async ({ name, hello }, { folder, about }) => {
    const { report } = await run({
      adapter: about.adapter,
      folder,
      claims: hello.roles,
      cases,
      vectors: set.digest,
      seed,
      timeout: 15_000,
      command: 'matrix --suite',
    });
    writeReports(report, sentences, join(out, name));
    return report;
  };
}

async function matrixOf(args: readonly string[], io: Streams): Promise<number> {
  const { values, positionals } = parseOptions(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError('matrix takes options alone');
  const implementations = found(values.implementation);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : integerOf('seed', values.seed);
  const out = resolve(values.out);
  for (const name of [WORK, REQUESTS]) rmSync(join(out, name), { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const report = await matrix({
    implementations,
    named: values.implementation !== undefined,
    patience: {
      request: integerOf('timeout', values.timeout),
      build: 1000 * integerOf('build-timeout', values['build-timeout']),
      check: values.suite,
    },
    ...(values.suite && { runCases: runCases(out, seed) }),
    seed,
    out,
    progress: (text) => io.stderr.write(`${text}\n`),
  });
  writeFileSync(join(out, 'matrix.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(out, 'matrix.md'), renderMatrixMarkdown(report));
  writeFileSync(join(out, 'matrix.html'), renderMatrixHtml(report));
  io.stdout.write(`Report: ${join(out, 'matrix.html')}\n${renderMatrixText(report)}`);
  return report.exitCode;
}

/** The command. */
export const matrixCommand: Command = {
  summary: 'implementations against each other, each with each',
  help: HELP,
  run: matrixOf,
};
