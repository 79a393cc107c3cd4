/**
 * The report as one HTML page that needs nothing else: no script, no request to any host.
 *
 * @module
 */
import type { CaseResult, Report, Status } from '../schema/report.ts';
import { advice } from './advice.ts';
import { hexDiff, type DiffRow } from './diff.ts';
import { escape } from './escape.ts';
import { STYLE } from './style.ts';
import { reproduce } from './terminal.ts';

/** Sentence of each requirement, for the matrix. */
export type Sentences = ReadonlyMap<string, string>;

const GROUPS: Readonly<Record<Status, 'good' | 'bad' | 'none'>> = {
  pass: 'good',
  xfail: 'none',
  xpass: 'bad',
  fail: 'bad',
  error: 'bad',
  'not-run': 'none',
  'not-applicable': 'none',
};

function side(bytes: readonly string[], other: readonly string[]): string {
  return bytes.map((byte, i) => (byte === other[i] ? byte : `<b>${byte}</b>`)).join(' ');
}

function diffTable(rows: readonly DiffRow[]): string {
  const lines = rows.map(
    ({ offset, expected, actual }) =>
      `<tr><th>${offset.toString(16).padStart(6, '0')}</th><td>${side(expected, actual)}</td><td>${side(actual, expected)}</td></tr>`,
  );
  return `<table class="hex"><tr><th>offset</th><th>expected</th><th>actual</th></tr>${lines.join('')}</table>`;
}

function compared({ expected, actual }: CaseResult): string {
  const rows = hexDiff(expected, actual);
  if (rows !== undefined) return diffTable(rows);
  const line = (name: string, value: string | undefined): string =>
    value === undefined ? '' : `<dt>${name}</dt><dd><code>${escape(value.slice(0, 2000))}</code></dd>`;
  return `<dl>${line('expected', expected)}${line('actual', actual)}</dl>`;
}

function requirementLinks(ids: readonly string[]): string {
  return ids.map((id) => `<a class="req" href="#${id}">${id}</a>`).join(' ');
}

function failureCard(report: Report, result: CaseResult): string {
  return `<article class="failure" id="case-${escape(result.id)}">
<h3><code>${escape(result.id)}</code> <span class="class">${escape(result.class ?? result.status)}</span></h3>
<p>${escape(result.title)}. ${escape(result.detail ?? '')}</p>
${compared(result)}
<p class="why">${escape(result.why)} ${requirementLinks(result.requirements)}</p>
<p>${escape(advice(result) ?? '')}</p>
<pre>${escape(reproduce(report, result))}</pre>
</article>`;
}

function chip(result: CaseResult): string {
  const group = GROUPS[result.status];
  const title = escape(
    `${result.id}: ${result.title} — ${result.status}${result.detail === undefined ? '' : `, ${result.detail}`}`,
  );
  const href = group === 'bad' ? ` href="#case-${escape(result.id)}"` : '';
  return `<a class="chip ${group}" title="${title}"${href}></a>`;
}

function matrix(report: Report, sentences: Sentences): string {
  const byRequirement = new Map<string, CaseResult[]>([...sentences.keys()].map((id) => [id, []]));
  for (const result of report.results) {
    for (const id of result.requirements) byRequirement.set(id, [...(byRequirement.get(id) ?? []), result]);
  }
  const rows = [...byRequirement].map(([id, results]) => {
    const state =
      results.length === 0
        ? 'none'
        : results.some((r) => GROUPS[r.status] === 'bad')
          ? 'bad'
          : results.some((r) => r.status === 'pass')
            ? 'good'
            : 'none';
    return `<tr id="${id}" class="${state}"><th>${id}</th><td>${escape(sentences.get(id) ?? '')}</td><td class="chips">${results.map(chip).join('')}</td></tr>`;
  });
  return `<table class="matrix"><tr><th>requirement</th><th>sentence</th><th>cases</th></tr>${rows.join('\n')}</table>`;
}

function verdictCards(report: Report): string {
  return report.verdicts
    .map(({ role, level, verdict, pass, fail, notRun, profile, notScored, without }) => {
      const good = verdict.startsWith('conformant') ? 'good' : verdict === 'non-conformant' ? 'bad' : 'none';
      const total = Math.max(1, pass + fail + notRun);
      const bar = [
        ['good', pass],
        ['bad', fail],
        ['none', notRun],
      ] as const;
      return `<section class="verdict ${good}"><h2>${role}</h2><p class="word">${verdict}</p>
<div class="bar">${bar.map(([name, n]) => `<span class="${name}" style="flex:${n / total}"></span>`).join('')}</div>
<p>${pass} passed · ${fail} failed · ${notRun} not run · level ${level}${profile === undefined ? '' : ` · profile ${escape(profile)}`}${notScored === 0 ? '' : ` · ${notScored} not scored`}${without.length === 0 ? '' : ` · without ${escape(without.join(', '))}`}</p></section>`;
    })
    .join('\n');
}

function facts(report: Report): string {
  const { implementation } = report.hello ?? {};
  const rows: readonly (readonly [string, string])[] = [
    [
      'implementation',
      implementation === undefined ? report.target : `${implementation.name} ${implementation.version}`,
    ],
    ['target', report.target],
    ['started', report.started],
    ['duration', `${(report.milliseconds / 1000).toFixed(1)} s`],
    ['platform', report.platform],
    ['runner', report.runner],
    ['vectors', report.vectors],
    ['seed', String(report.seed)],
    ['exit code', String(report.exitCode)],
  ];
  return `<dl class="facts">${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escape(value)}</dd>`).join('')}</dl>`;
}

function caseTable(report: Report): string {
  const rows = report.results.map(
    (r) =>
      `<tr class="${GROUPS[r.status]}"><td><code>${escape(r.id)}</code></td><td>${escape(r.title)}</td><td>${r.status}</td><td>${r.milliseconds}</td></tr>`,
  );
  return `<details><summary>All ${report.results.length} cases</summary><table class="cases"><tr><th>case</th><th>title</th><th>status</th><th>ms</th></tr>${rows.join('\n')}</table></details>`;
}

/** The whole page. */
export function renderHtml(report: Report, sentences: Sentences): string {
  const bad = report.results.filter(({ status }) => GROUPS[status] === 'bad');
  const failures =
    bad.length === 0
      ? '<p class="calm">No case failed.</p>'
      : bad.map((result) => failureCard(report, result)).join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Strongroom conformance: ${escape(report.hello?.implementation.name ?? report.target)}</title>
<style>${STYLE}</style></head><body>
<header><h1>Strongroom conformance</h1>${facts(report)}</header>
<div class="verdicts">${verdictCards(report)}</div>
<h2>Failures</h2>
${failures}
<h2>Requirements</h2>
${matrix(report, sentences)}
<h2>Cases</h2>
${caseTable(report)}
</body></html>
`;
}
