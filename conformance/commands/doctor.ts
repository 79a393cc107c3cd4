/**
 * `doctor`: the first contact with an implementation, in words.
 *
 * @module
 */
import { allCases } from '../cases/index.ts';
import { SMOKE } from '../cases/smoke.ts';
import { advice } from '../report/advice.ts';
import { Connection, splitCommand } from '../runner/connection.ts';
import { meetAdapter, meetVault, type Finding } from '../runner/first-contact.ts';
import { run, type RunOptions } from '../runner/run.ts';
import { EXIT } from '../runner/verdict.ts';
import type { CaseResult } from '../schema/report.ts';
import { ROLES } from '../schema/vector.ts';
import { loadVectors } from '../vectors.ts';
import { integerOf, parseOptions, UsageError, type Command, type Streams } from './command.ts';
import { vaultUrl } from './run.ts';

const HELP = `Usage: strongroom-conformance doctor --adapter COMMAND | --vault URL [options]

The first contact with an implementation: does it start, greet and answer as the protocol asks, and what becomes of
a few simple cases of each role that it claims. Says what to do about everything that is not right.

Options
  --adapter COMMAND    program that speaks the adapter protocol (spec/conformance.md) on stdin and stdout
  --vault URL          address of a running vault
  --allow-host HOST    a host elsewhere that may be tested
  --timeout MS         longest wait for one answer (default 15000)

Exit codes
  0 nothing is wrong · 1 a case failed · 2 wrong usage · 3 it did not start, or broke the protocol

Examples
  strongroom-conformance doctor --adapter "python3 adapter.py"
  strongroom-conformance doctor --vault http://127.0.0.1:8787
`;

const OPTIONS = {
  adapter: { type: 'string' },
  vault: { type: 'string' },
  'allow-host': { type: 'string', multiple: true, default: [] as string[] },
  timeout: { type: 'string', default: '15000' },
} as const;

const MARKS: Readonly<Record<Finding['kind'], string>> = { good: 'ok   ', hint: 'note ', fault: 'FAULT' };

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function show({ kind, text, advice: todo }: Finding, io: Streams): void {
  io.stdout.write(`${MARKS[kind]} ${text}\n${todo === undefined ? '' : `      ${todo}\n`}`);
}

/** How one case ended, as a finding. */
function verdictOn(result: CaseResult): Finding {
  const { status, id, title, class: failure, detail, expected, actual } = result;
  if (status === 'pass') return { kind: 'good', text: `${id}: ${title}` };
  if (status === 'not-run') return { kind: 'hint', text: `${id}: not run (${detail})` };
  const compared = expected === undefined ? '' : `; expected ${short(expected)}, got ${short(actual ?? '')}`;
  return {
    kind: 'fault',
    text: `${id} (${failure ?? status}): ${title}: ${detail}${compared}`,
    advice: `${advice(result) ?? ''} strongroom-conformance explain ${id}`,
  };
}

/** Runs the smoke cases of the roles that are claimed, in their order. */
async function smoke(options: RunOptions, io: Streams): Promise<number> {
  const wanted = ROLES.flatMap((role) => SMOKE[role]);
  const { report } = await run({ ...options, cases: options.cases.filter(({ id }) => wanted.includes(id)) });
  const ran = report.results
    .filter(({ status }) => status !== 'not-applicable')
    .toSorted((a, b) => wanted.indexOf(a.id) - wanted.indexOf(b.id));
  for (const result of ran) show(verdictOn(result), io);
  return report.exitCode;
}

async function main(args: readonly string[], io: Streams): Promise<number> {
  const { values } = parseOptions(args, OPTIONS);
  const url = vaultUrl(values.vault, values['allow-host']);
  const command = values.adapter === undefined ? undefined : splitCommand(values.adapter);
  if ((command === undefined) === (url === undefined))
    throw new UsageError('doctor takes either --adapter or --vault');
  const set = loadVectors();
  const cases = allCases(set);
  const timeout = integerOf('timeout', values.timeout);
  const vectors = [...set.vectors.values()].map(({ vector }) => vector);
  const injected = new Set(vectors.filter(({ input }) => 'inject' in input).map(({ role }) => role));
  const contact =
    url === undefined
      ? meetAdapter(new Connection(command ?? [], { timeout }), cases, injected)
      : meetVault(url);
  let faults = 0;
  for await (const finding of contact) {
    show(finding, io);
    if (finding.kind === 'fault') faults++;
  }
  const target = { ...(command && { adapter: command }), ...(url !== undefined && { vaultUrl: url }) };
  const code =
    faults > 0
      ? EXIT.notStarted
      : await smoke({ ...target, cases, vectors: set.digest, seed: 1, timeout }, io);
  const same = url === undefined ? `--adapter ${JSON.stringify(values.adapter)}` : `--vault ${url}`;
  io.stdout.write(
    code === EXIT.asAsked
      ? `Nothing is wrong so far. All cases: strongroom-conformance run ${same}\n`
      : `Mend the first fault and ask again: strongroom-conformance doctor ${same}\n`,
  );
  return code;
}

/** Makes the first contact. */
export const doctor: Command = {
  summary: 'the first contact with an implementation, and what to do about what is wrong',
  help: HELP,
  run: main,
};
