/**
 * The report as JUnit XML: a suite for each role, a test for each case.
 *
 * @module
 */
import { verdictLine } from '../runner/verdict.ts';
import type { CaseResult, Report } from '../schema/report.ts';
import { advice } from './advice.ts';
import { escape } from './escape.ts';
import { reproduce } from './terminal.ts';

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

/** All that is known of a result that is no pass, for people. */
function body(report: Report, result: CaseResult): string {
  const { detail, expected, actual, why, requirements } = result;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['detail', detail],
    ['expected', expected],
    ['actual', actual],
    ['tests', requirements.join(', ')],
    ['why', why],
    ['do', advice(result)],
    ['reproduce', reproduce(report, result)],
  ];
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value.slice(0, 4000)}`]))
    .join('\n');
}

function outcome(report: Report, result: CaseResult): string {
  const { status, detail = '' } = result;
  const element = (name: string, type: string, message: string): string =>
    `<${name} type="${escape(type)}" message="${escape(message)}">${escape(body(report, result))}</${name}>`;
  switch (status) {
    case 'pass':
      return '';
    case 'fail':
      return element('failure', result.class ?? status, detail);
    case 'xpass':
      return element('failure', status, 'passes, although the list of expected failures has it');
    case 'error':
      return element('error', status, detail);
    case 'xfail':
      return `<skipped message="${escape(`expected to fail: ${result.issue ?? ''}`)}"/>`;
    case 'not-run':
    case 'not-applicable':
      return `<skipped message="${escape(`${status}: ${detail}`)}"/>`;
    default:
      return status satisfies never;
  }
}

function counts(results: readonly CaseResult[]): string {
  const count = (...statuses: CaseResult['status'][]): number =>
    results.filter(({ status }) => statuses.includes(status)).length;
  return [
    `tests="${results.length}"`,
    `failures="${count('fail', 'xpass')}"`,
    `errors="${count('error')}"`,
    `skipped="${count('xfail', 'not-run', 'not-applicable')}"`,
  ].join(' ');
}

/** The whole document. */
export function renderJunit(report: Report): string {
  const suites = report.verdicts.map((verdict) => {
    const own = report.results.filter(({ role }) => role === verdict.role);
    const tests = own.map(
      (result) =>
        `<testcase classname="${result.role}" name="${escape(`${result.id}: ${result.title}`)}" time="${seconds(result.milliseconds)}">${outcome(report, result)}</testcase>`,
    );
    const time = own.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const facts = { verdict: verdictLine(verdict), seed: report.seed, vectors: report.vectors };
    const properties = Object.entries(facts).map(
      ([name, value]) => `<property name="${name}" value="${escape(String(value))}"/>`,
    );
    return `<testsuite name="${verdict.role}" ${counts(own)} time="${seconds(time)}" timestamp="${report.started}">
<properties>${properties.join('')}</properties>
${tests.join('\n')}
</testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="strongroom conformance" ${counts(report.results)} time="${seconds(report.milliseconds)}">
${suites.join('\n')}
</testsuites>
`;
}
