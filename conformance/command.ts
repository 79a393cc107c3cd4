/**
 * The commands of the conformance suite.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';
import { allCases } from './cases/index.ts';
import { renderHtml } from './report/html.ts';
import { progressTo, renderText } from './report/terminal.ts';
import type { Case } from './runner/case.ts';
import { splitCommand, StartError } from './runner/connection.ts';
import { run, type RunOptions } from './runner/run.ts';
import { EXIT } from './runner/verdict.ts';
import { expectedSchema, type ExpectedFailure } from './schema/report.ts';
import { LEVELS, ROLES, type Expectation, type Level, type Role } from './schema/vector.ts';
import { readSpec } from './spec-text.ts';
import { loadVectors, type VectorSet } from './vectors.ts';

const HELP = `Usage: strongroom-conformance <command> [options]

Commands
  run            test an implementation: --adapter COMMAND, or --vault URL
  list           the cases, one a line: id, role, requirements, title
  explain ID     what a case does and why, or which cases test a requirement

Options of run
  --adapter COMMAND    program that speaks the adapter protocol (spec/conformance.md) on stdin and stdout
  --vault URL          address of a running vault; only on this machine unless --allow-host is given
  --allow-host HOST    a host elsewhere that may be tested; the suite burns attempts and deletes keys there
  --role ROLE          only this role (may be repeated): ${ROLES.join(', ')}
  --level LEVEL        core (default), or full: sweeps over every bit and every length too, in minutes
  --claim ROLE         exit with 6 unless this role ends conformant (may be repeated)
  --case GLOB          only these cases (may be repeated); the others count as not run
  --requirement ID     only the cases that test this requirement (may be repeated)
  --expected FILE      JSON list of failures that are known: case, class, issue, expires
  --loose-errors       count a refusal with another error code as a pass; the verdict is then provisional
  --seed N             order of the cases; printed by every run
  --timeout MS         longest wait for one answer (default 15000)
  --fail-fast          stop at the first failure
  --out DIR            where report.json and report.html go (default .strongroom/conformance)

Exit codes
  0 as asked · 1 a case failed · 2 wrong usage · 3 the implementation did not start or broke the protocol
  4 a fault of the suite · 5 only stale expectations · 6 a claimed role is incomplete

Examples
  strongroom-conformance run --adapter "node conformance/adapters/reference.ts"
  strongroom-conformance run --adapter ./my-reader --role container-reader --claim container-reader
  strongroom-conformance run --vault http://127.0.0.1:8787
  strongroom-conformance explain chunks.swapped
`;

class UsageError extends Error {}

const OPTIONS = {
  adapter: { type: 'string' },
  vault: { type: 'string' },
  'allow-host': { type: 'string', multiple: true },
  role: { type: 'string', multiple: true },
  level: { type: 'string' },
  claim: { type: 'string', multiple: true },
  case: { type: 'string', multiple: true },
  requirement: { type: 'string', multiple: true },
  expected: { type: 'string' },
  'loose-errors': { type: 'boolean' },
  seed: { type: 'string' },
  timeout: { type: 'string' },
  'fail-fast': { type: 'boolean' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Options = ReturnType<typeof parse>['values'];

function parse(
  args: string[],
): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function roles(names: string[] | undefined): Role[] | undefined {
  return names?.map((name) => {
    const found = ROLES.find((role) => role === name);
    if (found === undefined) throw new UsageError(`${name} is not a role`);
    return found;
  });
}

function levelOf(name = 'core'): Level {
  const found = LEVELS.find((level) => level === name);
  if (found === undefined) throw new UsageError(`${name} is not a level`);
  return found;
}

function integer(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^[0-9]{1,9}$/u.test(value)) throw new UsageError(`--${name} takes a number`);
  return Number(value);
}

function vaultUrl(values: Options): string | undefined {
  if (values.vault === undefined) return undefined;
  if (!URL.canParse(values.vault))
    throw new UsageError(`--vault takes an address, such as http://127.0.0.1:8787`);
  const { hostname } = new URL(values.vault);
  const allowed = ['127.0.0.1', '[::1]', 'localhost', ...(values['allow-host'] ?? [])];
  if (allowed.includes(hostname)) return values.vault;
  throw new UsageError(
    `${hostname} is not this machine. The suite destroys keys; name the host with --allow-host too.`,
  );
}

function expectedFailures(path: string | undefined): ExpectedFailure[] {
  if (path === undefined) return [];
  try {
    return expectedSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The cases, of which those that no option selects say that they are not run. */
function selected(cases: readonly Case[], values: Options): Case[] {
  const { case: globs = [], requirement: ids = [] } = values;
  const wanted = (one: Case): boolean =>
    (globs.length === 0 || globs.some((glob) => matchesGlob(one.id, glob))) &&
    (ids.length === 0 || ids.some((id) => one.requirements.includes(id)));
  if (!cases.some(wanted)) throw new UsageError('no case is selected');
  return cases.map((one) => (wanted(one) ? one : { ...one, blocked: () => 'not selected' }));
}

async function runCommand(args: string[], values: Options, set: VectorSet, io: Streams): Promise<number> {
  const url = vaultUrl(values);
  if ((values.adapter === undefined) === (url === undefined))
    throw new UsageError('run takes either --adapter or --vault');
  const claims = roles(values.claim) ?? [];
  const only = roles(values.role);
  const options: RunOptions = {
    ...(values.adapter !== undefined && { adapter: splitCommand(values.adapter) }),
    ...(url !== undefined && { vaultUrl: url }),
    cases: selected(allCases(set), values),
    vectors: set.digest,
    ...(only && { roles: only }),
    level: levelOf(values.level),
    claims,
    seed: integer('seed', values.seed, Math.floor(Math.random() * 1e9)),
    timeout: integer('timeout', values.timeout, 15_000),
    expected: expectedFailures(values.expected),
    loose: values['loose-errors'] ?? false,
    failFast: values['fail-fast'] ?? false,
    command: args.join(' '),
    progress: progressTo(io.stderr),
  };
  const { report, stale } = await run(options);
  if (io.stderr.isTTY === true) io.stderr.write('\r\x1b[K');
  const out = values.out ?? join('.strongroom', 'conformance');
  mkdirSync(out, { recursive: true });
  const sentences = new Map(readSpec().requirements.map(({ id, sentence }) => [id, sentence]));
  writeFileSync(join(out, 'report.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(out, 'report.html'), renderHtml(report, sentences));
  io.stdout.write(`Report: ${join(out, 'report.html')}\n${renderText(report, stale)}`);
  return report.exitCode;
}

function list(cases: readonly Case[], values: Options, io: Streams): number {
  const only = roles(values.role);
  for (const { id, role, requirements, title } of cases) {
    if (only?.includes(role) !== false)
      io.stdout.write(`${id}\t${role}\t${requirements.join(',')}\t${title}\n`);
  }
  return EXIT.asAsked;
}

function expected(expect: Expectation): string {
  if (expect.outcome === 'ok') return 'ok';
  if (expect.outcome === 'reject') return `reject with ${expect.errors.join(' or ')}`;
  return expect.runs.map(({ count, code }) => `${count} times ${code}`).join(', ');
}

function explain(id: string | undefined, cases: readonly Case[], set: VectorSet, io: Streams): number {
  if (id === undefined) throw new UsageError('explain takes the id of a case or of a requirement');
  const { requirements } = readSpec();
  const sentence = (name: string): string => requirements.find((one) => one.id === name)?.sentence ?? '';
  const testing = cases.filter((one) => one.requirements.includes(id));
  if (testing.length > 0) {
    io.stdout.write(
      `${id}  ${sentence(id)}\n\n${testing.map((one) => `  ${one.id}  ${one.title}`).join('\n')}\n`,
    );
    return EXIT.asAsked;
  }
  const found = cases.find((one) => one.id === id);
  if (found === undefined) throw new UsageError(`there is no case and no tested requirement ${id}; see list`);
  const vector = set.vectors.get(id)?.vector;
  io.stdout.write(
    [
      `${found.id}  (${found.role}, ${found.level})`,
      found.title,
      '',
      `why       ${found.why}`,
      ...found.requirements.map((name) => `tests     ${name}  ${sentence(name)}`),
      ...(vector === undefined
        ? []
        : [
            `asks      ${vector.op}`,
            `expects   ${expected(vector.expect)}`,
            ...(vector.from === undefined
              ? []
              : [`made from ${vector.from.vector}, by ${JSON.stringify(vector.from.edit).slice(0, 400)}`]),
          ]),
      `run       strongroom-conformance run --adapter … --case ${found.id}`,
      '',
    ].join('\n'),
  );
  return EXIT.asAsked;
}

async function main(args: string[], io: Streams): Promise<number> {
  const { values, positionals } = parse(args);
  const [command, id] = positionals;
  if (values.help === true || command === undefined) {
    io.stdout.write(HELP);
    return values.help === true ? EXIT.asAsked : EXIT.usage;
  }
  if (!['run', 'list', 'explain'].includes(command)) throw new UsageError(`there is no command ${command}`);
  const set = loadVectors();
  if (command === 'run') return runCommand(args, values, set, io);
  const cases = allCases(set);
  return command === 'list' ? list(cases, values, io) : explain(id, cases, set, io);
}

/** Where a command writes. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
}

/**
 * Runs one command line.
 *
 * @param args without the program
 * @returns the exit code
 */
export async function command(args: string[], io: Streams): Promise<number> {
  try {
    return await main(args, io);
  } catch (error) {
    const [message, stack] = error instanceof Error ? [error.message, error.stack] : [String(error), ''];
    io.stderr.write(`strongroom-conformance: ${message}\n`);
    if (error instanceof UsageError) return EXIT.usage;
    if (error instanceof StartError) return EXIT.notStarted;
    io.stderr.write(`This is a fault of the suite, not of the implementation.\n${stack}\n`);
    return EXIT.suiteFault;
  }
}
