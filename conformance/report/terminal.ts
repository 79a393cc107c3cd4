/**
 * The report on a terminal: progress while it runs, failures with what to do, verdicts last.
 *
 * @module
 */
import type { Case } from '../runner/case.ts';
import { verdictLine } from '../runner/verdict.ts';
import type { CaseResult, Report } from '../schema/report.ts';
import { advice } from './advice.ts';
import { hexDiff } from './diff.ts';

const MAX_TEXT = 160;

function short(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
}

/** Progress on stderr: one line that is rewritten on a terminal, a line for each tenth elsewhere. */
export function progressTo(stream: {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}): (done: number, total: number, next: Case) => void {
  let tenth = 0;
  return (done, total, next) => {
    if (stream.isTTY)
      stream.write(`\r\x1b[K[${done + 1}/${total}] ${next.id}`.slice(0, (stream.columns ?? 80) + 4));
    else if (Math.floor((10 * done) / total) > tenth) {
      tenth = Math.floor((10 * done) / total);
      stream.write(`${done} of ${total} cases\n`);
    }
  };
}

function compared(result: CaseResult): string[] {
  const rows = hexDiff(result.expected, result.actual, 4);
  if (rows === undefined) {
    return [
      ...(result.expected === undefined ? [] : [`    expected  ${short(result.expected)}`]),
      ...(result.actual === undefined ? [] : [`    actual    ${short(result.actual)}`]),
    ];
  }
  return rows.flatMap(({ offset, expected, actual }) => [
    `    expected  ${offset.toString(16).padStart(6, '0')}  ${expected.join(' ')}`,
    `    actual    ${offset.toString(16).padStart(6, '0')}  ${actual.join(' ')}`,
  ]);
}

/** The command that runs one case again. */
export function reproduce(report: Report, result: CaseResult): string {
  const target =
    report.hello === undefined ? `--vault ${report.target}` : `--adapter ${JSON.stringify(report.target)}`;
  return `strongroom-conformance run ${target} --case ${result.id} --seed ${report.seed}`;
}

function failure(report: Report, result: CaseResult): string[] {
  const todo = advice(result);
  return [
    `  ${result.status === 'error' ? 'ERROR' : result.status.toUpperCase()} ${result.id}${result.class === undefined ? '' : ` (${result.class})`}${result.scored === false ? ', not scored: later than the profile' : ''}: ${result.title}`,
    `    ${result.detail ?? ''}`,
    ...compared(result),
    `    tests     ${result.requirements.join(', ')}`,
    `    why       ${result.why}`,
    ...(todo === undefined ? [] : [`    do        ${todo}`]),
    `    reproduce ${reproduce(report, result)}`,
    '',
  ];
}

/** The report as text; its last lines are the verdicts, one a role. */
export function renderText(report: Report): string {
  const bad = report.results.filter(
    ({ status }) => status === 'fail' || status === 'error' || status === 'xpass',
  );
  const notRun = report.results.filter(({ status }) => status === 'not-run' || status === 'not-applicable');
  const reasons = new Map<string, number>();
  for (const { detail = '' } of notRun) reasons.set(detail, (reasons.get(detail) ?? 0) + 1);
  const passed = report.results.filter(({ status }) => status === 'pass').length;
  return [
    '',
    ...bad.flatMap((result) => failure(report, result)),
    ...[...reasons].map(([reason, count]) => `  not run: ${count} (${reason})`),
    ...report.stale.map((line) => `  stale expectation: ${line}`),
    `${report.results.length} cases, ${passed} passed, ${bad.length} failed, ${notRun.length} not run, in ${(report.milliseconds / 1000).toFixed(1)} s; seed ${report.seed}`,
    ...report.verdicts.map(verdictLine),
    '',
  ].join('\n');
}
