/**
 * `run`: tests an implementation.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { allCases } from '../cases/index.ts';
import { FORMATS, writeReports, type Format } from '../report/files.ts';
import { progressTo, renderText } from '../report/terminal.ts';
import type { Case } from '../runner/case.ts';
import { splitCommand } from '../runner/connection.ts';
import { nextExpected } from '../runner/expected.ts';
import { PROFILE_VERSION } from '../runner/profile.ts';
import { run } from '../runner/run.ts';
import { expectedSchema, type ExpectedFailure } from '../schema/report.ts';
import { ROLES } from '../schema/vector.ts';
import { readSpec } from '../spec-text.ts';
import { loadVectors } from '../vectors.ts';
import {
  integerOf,
  levelOf,
  parseOptions,
  rolesOf,
  UsageError,
  type Command,
  type Streams,
} from './command.ts';

const HELP = `Usage: strongroom-conformance run --adapter COMMAND [options]
       strongroom-conformance run --vault URL [options]

Options
  --adapter COMMAND    program that speaks the adapter protocol (spec/conformance.md) on stdin and stdout
  --vault URL          address of a running vault; only on this machine unless --allow-host is given
  --allow-host HOST    a host elsewhere that may be tested; the suite burns attempts and deletes keys there
  --role ROLE          only this role (may be repeated): ${ROLES.join(', ')}
  --level LEVEL        core (default), or full: sweeps over every bit and every length too, in minutes
  --claim ROLE         exit with 6 unless this role ends conformant (may be repeated)
  --case GLOB          only these cases (may be repeated); the others count as not run
  --requirement ID     only the cases that test this requirement (may be repeated)
  --expected FILE      JSON list of failures that are known: case (or a glob of at most 20), class, issue, expires
  --write-expected FILE  writes that list for the next run, from all cases of the level; needs --issue and --expires
  --issue URL          what new lines of the list wait for
  --expires DATE       the last day, as YYYY-MM-DD, on which new lines of the list count
  --loose-errors       count a refusal with another error code as a pass; the verdict is then provisional
  --seed N             order of the cases; printed by every run
  --jobs N             processes of the adapter, each with one case at a time (default 2)
  --timeout MS         longest wait for one answer (default 15000)
  --fail-fast          stop at the first failure
  --out DIR            where the files of the run go (default .strongroom/conformance)
  --format LIST        which of them, with commas between: ${FORMATS.join(', ')} (default all)

Examples
  strongroom-conformance run --adapter "node conformance/adapters/reference.ts"
  strongroom-conformance run --adapter ./my-reader --role container-reader --claim container-reader
  strongroom-conformance run --vault http://127.0.0.1:8787
  strongroom-conformance run --adapter ./my-reader --out results --format junit,markdown
`;

const OPTIONS = {
  adapter: { type: 'string' },
  vault: { type: 'string' },
  'allow-host': { type: 'string', multiple: true, default: [] as string[] },
  role: { type: 'string', multiple: true },
  level: { type: 'string', default: 'core' },
  claim: { type: 'string', multiple: true },
  case: { type: 'string', multiple: true, default: [] as string[] },
  requirement: { type: 'string', multiple: true, default: [] as string[] },
  expected: { type: 'string' },
  'write-expected': { type: 'string' },
  issue: { type: 'string' },
  expires: { type: 'string' },
  'loose-errors': { type: 'boolean', default: false },
  seed: { type: 'string' },
  jobs: { type: 'string', default: '2' },
  timeout: { type: 'string', default: '15000' },
  'fail-fast': { type: 'boolean', default: false },
  format: { type: 'string', default: FORMATS.join(',') },
  out: { type: 'string', default: join('.strongroom', 'conformance') },
} as const;

const LOOPBACK: readonly string[] = ['127.0.0.1', '[::1]', 'localhost'];

/** The address of a vault that may be tested. @throws UsageError unless it is on this machine or its host is allowed */
export function vaultUrl(url: string | undefined, allowed: readonly string[]): string | undefined {
  if (url === undefined) return undefined;
  if (!URL.canParse(url)) throw new UsageError(`--vault takes an address, such as http://127.0.0.1:8787`);
  const { hostname } = new URL(url);
  if (LOOPBACK.includes(hostname) || allowed.includes(hostname)) return url;
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

function formatsOf(list: string): Format[] {
  return list.split(',').map((name) => {
    const found = FORMATS.find((format) => format === name);
    if (found === undefined) throw new UsageError(`${name} is not a format: ${FORMATS.join(', ')}`);
    return found;
  });
}

/** Options under which a run does not see every failure, or not as it is. */
const FILTERS = ['case', 'requirement', 'role', 'fail-fast', 'loose-errors'] as const;

type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>['values'];

/** What new lines of a list say; undefined if none is wanted. @throws UsageError */
function newLines(values: Values): Pick<ExpectedFailure, 'issue' | 'expires'> | undefined {
  if (values['write-expected'] === undefined) return undefined;
  const filter = FILTERS.find((name) => {
    const value = values[name];
    return typeof value === 'object' ? value.length > 0 : value;
  });
  if (filter !== undefined) throw new UsageError(`--write-expected needs a whole run: without --${filter}`);
  const { issue = '', expires = '' } = values;
  const line = expectedSchema.safeParse([{ case: 'x', class: 'crash', issue, expires }]);
  if (!line.success) throw new UsageError('--write-expected needs --issue URL and --expires YYYY-MM-DD');
  return { issue, expires };
}

/** The cases, of which those that no option selects say that they are not run. */
function selected(cases: readonly Case[], globs: readonly string[], ids: readonly string[]): Case[] {
  const wanted = (one: Case): boolean =>
    (globs.length === 0 || globs.some((glob) => matchesGlob(one.id, glob))) &&
    (ids.length === 0 || ids.some((id) => one.requirements.includes(id)));
  if (!cases.some(wanted)) throw new UsageError('no case is selected');
  return cases.map((one) => (wanted(one) ? one : { ...one, blocked: () => 'not selected' }));
}

async function runCommand(args: readonly string[], io: Streams): Promise<number> {
  const { values } = parseOptions(args, OPTIONS);
  const url = vaultUrl(values.vault, values['allow-host']);
  if ((values.adapter === undefined) === (url === undefined))
    throw new UsageError('run takes either --adapter or --vault');
  const only = rolesOf(values.role);
  const formats = formatsOf(values.format);
  const expected = expectedFailures(values.expected);
  const lines = newLines(values);
  const set = loadVectors();
  mkdirSync(values.out, { recursive: true });
  const { report } = await run({
    ...(values.adapter !== undefined && { adapter: splitCommand(values.adapter) }),
    ...(url !== undefined && { vaultUrl: url }),
    cases: selected(allCases(set), values.case, values.requirement),
    vectors: set.digest,
    ...(only && { roles: only }),
    level: levelOf(values.level),
    profile: PROFILE_VERSION,
    claims: rolesOf(values.claim) ?? [],
    seed: values.seed === undefined ? Math.floor(Math.random() * 1e9) : integerOf('seed', values.seed),
    jobs: Math.max(1, integerOf('jobs', values.jobs)),
    timeout: integerOf('timeout', values.timeout),
    expected,
    loose: values['loose-errors'],
    failFast: values['fail-fast'],
    command: ['run', ...args].join(' '),
    progress: progressTo(io.stderr),
    ...(formats.includes('transcript') && { transcript: join(values.out, 'transcript.jsonl') }),
  });
  if (io.stderr.isTTY === true) io.stderr.write('\r\x1b[K');
  const sentences = new Map(readSpec().requirements.map(({ id, sentence }) => [id, sentence]));
  const files = writeReports(report, sentences, values.out, formats);
  io.stdout.write(`Files: ${files.join(' ')}\n${renderText(report)}`);
  const path = values['write-expected'];
  if (path !== undefined && lines !== undefined) {
    const next = nextExpected(report.results, expected, lines);
    writeFileSync(path, `${JSON.stringify(next, undefined, 1)}\n`);
  }
  return report.exitCode;
}

/** Tests an implementation. */
export const runTests: Command = {
  summary: 'test an implementation: --adapter COMMAND, or --vault URL',
  help: HELP,
  run: runCommand,
};
