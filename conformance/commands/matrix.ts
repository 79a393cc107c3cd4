/**
 * `matrix`: implementations against each other.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { REQUESTS, WORK } from '../matrix/crossing.ts';
import { ownImplementations, readImplementation, type Found } from '../matrix/implementations.ts';
import { matrix } from '../matrix/matrix.ts';
import { renderMatrixHtml, renderMatrixMarkdown, renderMatrixText } from '../report/matrix.ts';
import { integerOf, parseOptions, UsageError, type Command, type Streams } from './command.ts';

const HELP = `Usage: strongroom-conformance matrix [options]

Builds implementations, and tries each against each: every writer of objects and sets with every reader, every two
clients of one account at every vault. What is missing here to build one is named; the others run without it.

Options
  --implementation DIR   a folder with implementation.json (may be repeated); default: those of the checkout
  --seed N               keys, contents and contexts; printed by every run
  --timeout MS           longest wait for one answer (default 60000)
  --build-timeout S      longest time for one command of a build (default 600)
  --out DIR              where matrix.json, matrix.html, matrix.md and failing requests go
                         (default .strongroom/matrix)

Exit codes
  0 all agree · 1 a check failed · 2 wrong usage · 3 an implementation was not built, or did not start
  4 a fault of the suite · 6 an implementation that was named cannot run here

Examples
  strongroom-conformance matrix
  strongroom-conformance matrix --implementation ../mine --implementation conformance/implementations/reference
`;

const OPTIONS = {
  implementation: { type: 'string', multiple: true },
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

async function run(args: readonly string[], io: Streams): Promise<number> {
  const { values, positionals } = parseOptions(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError('matrix takes options alone');
  const implementations = found(values.implementation);
  const out = resolve(values.out);
  for (const name of [WORK, REQUESTS]) rmSync(join(out, name), { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const report = await matrix({
    implementations,
    named: values.implementation !== undefined,
    patience: {
      request: integerOf('timeout', values.timeout),
      build: 1000 * integerOf('build-timeout', values['build-timeout']),
    },
    seed: values.seed === undefined ? Math.floor(Math.random() * 1e9) : integerOf('seed', values.seed),
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
  run,
};
