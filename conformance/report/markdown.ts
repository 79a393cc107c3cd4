/**
 * The report as a summary in Markdown, such as build servers show beside a run.
 *
 * @module
 */
import type { CaseResult, Report, Verdict } from '../schema/report.ts';
import { advice } from './advice.ts';
import { reproduce } from './terminal.ts';

/** Failures that are shown; the HTML report has all. */
const SHOWN = 20;

/** A block in which nothing is markup, whatever the implementation said. */
function block(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/gu)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

/** Text between others, in which nothing is markup. */
function inline(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>()#|~&!]/gu, String.raw`\$&`).replaceAll(/\s+/gu, ' ');
}

function row({ role, level, verdict, pass, fail, notRun, profile = 'all cases', without }: Verdict): string {
  return `| ${role} | ${level} | **${verdict}** | ${pass} | ${fail} | ${notRun} | ${profile} | ${inline(without.join(', '))} |`;
}

function failure(report: Report, result: CaseResult): string {
  const { id, title, status, detail = '', expected, actual, requirements } = result;
  const facts = [
    detail,
    ...(expected === undefined ? [] : [`expected  ${expected.slice(0, 400)}`]),
    ...(actual === undefined ? [] : [`actual    ${actual.slice(0, 400)}`]),
    ...[advice(result) ?? []].flat(),
    reproduce(report, result),
  ];
  return `**${id}** (${result.class ?? status}; ${requirements.join(', ')}): ${inline(title)}\n\n${block(facts.join('\n'))}\n`;
}

/** The whole summary. */
export function renderMarkdown(report: Report): string {
  const { hello, results, stale } = report;
  const bad = results.filter(({ status }) => ['fail', 'error', 'xpass'].includes(status));
  const known = results.filter(({ status }) => status === 'xfail');
  const who =
    hello === undefined ? report.target : `${hello.implementation.name} ${hello.implementation.version}`;
  return [
    '## Strongroom conformance',
    '',
    `${inline(who)}, seed ${report.seed}, ${(report.milliseconds / 1000).toFixed(1)} s, exit code ${report.exitCode}`,
    '',
    '| role | level | verdict | pass | fail | not run | profile | without |',
    '|---|---|---|---:|---:|---:|---|---|',
    ...report.verdicts.map(row),
    '',
    ...(bad.length === 0 ? [] : [`### ${bad.length} failures`, '']),
    ...bad.slice(0, SHOWN).map((result) => failure(report, result)),
    ...(bad.length > SHOWN ? [`And ${bad.length - SHOWN} more.`, ''] : []),
    ...known.map(({ id, class: how, issue = '' }) => `- expected to fail: ${id} (${how}), ${inline(issue)}`),
    ...stale.map((line) => `- stale expectation: ${inline(line)}`),
    '',
  ].join('\n');
}
