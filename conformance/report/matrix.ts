/**
 * A matrix as text for a terminal, as Markdown, and as one HTML page that needs nothing else.
 *
 * @module
 */
import type { Cell, CheckFailure, MatrixReport, MatrixTable, Participant } from '../schema/matrix.ts';
import { STYLE } from './style.ts';

/** Rows and columns of a table: who made, and who read. */
interface Grid {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly cell: (row: string, column: string) => Cell | undefined;
}

function rowOf({ by }: Cell): string {
  return by.join(' + ');
}

function gridOf({ cells }: MatrixTable): Grid {
  return {
    rows: [...new Set(cells.map(rowOf))],
    columns: [...new Set(cells.map(({ reader }) => reader))],
    cell: (row, column) => cells.find((one) => rowOf(one) === row && one.reader === column),
  };
}

function mark(cell: Cell | undefined): string {
  if (cell === undefined) return '–';
  const { passed, failures } = cell;
  return failures.length === 0 ? `${passed} passed` : `${failures.length} FAILED, ${passed} passed`;
}

function failuresOf(report: MatrixReport): { cell: Cell; failure: CheckFailure }[] {
  return report.tables
    .flatMap(({ cells }) => cells)
    .flatMap((cell) => cell.failures.map((failure) => ({ cell, failure })));
}

function about({ language, version, roles, libraries, shares }: Participant): string {
  const from = libraries.length === 0 ? '' : `; on ${libraries.join(', ')}`;
  return `${language}, version ${version}; ${roles.join(', ')}${from}; shares ${shares}`;
}

/** Whether it ran, and what of it was found. */
function standing({ status, detail, verdicts = [] }: Participant): string {
  return [detail === undefined ? status : `${status}: ${detail}`, ...verdicts].join('; ');
}

function absent(report: MatrixReport): Participant[] {
  return report.participants.filter(({ status }) => status !== 'ran');
}

function counts(report: MatrixReport): string {
  const cells = report.tables.flatMap((table) => table.cells);
  const passed = cells.reduce((sum, cell) => sum + cell.passed, 0);
  const ran = report.participants.length - absent(report).length;
  return `${ran} of ${report.participants.length} implementations, ${cells.length} combinations, ${passed} checks passed, ${failuresOf(report).length} failed, in ${(report.milliseconds / 1000).toFixed(1)} s; seed ${report.seed}`;
}

/** The matrix for a terminal; its last line is the verdict. */
export function renderMatrixText(report: MatrixReport): string {
  const lines: string[] = [''];
  for (const table of report.tables) {
    const { rows, columns, cell } = gridOf(table);
    const texts = [
      ['', ...columns],
      ...rows.map((row) => [row, ...columns.map((column) => mark(cell(row, column)))]),
    ];
    const widths = ['', ...columns].map((_, i) => Math.max(...texts.map((row) => row[i]?.length ?? 0)));
    lines.push(
      table.title,
      ...texts.map((row) => `  ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()),
      '',
    );
  }
  for (const { cell, failure } of failuresOf(report)) {
    lines.push(
      `  FAIL ${rowOf(cell)} → ${cell.reader}: ${failure.check}`,
      `    ${failure.who}: ${failure.detail}`,
      ...(failure.request === undefined ? [] : [`    request   ${failure.request}`]),
      '',
    );
  }
  for (const { name, verdicts = [] } of report.participants) {
    if (verdicts.length > 0)
      lines.push(`  ${name}, all cases of level core`, ...verdicts.map((each) => `    ${each}`), '');
  }
  for (const { name, status, detail = '' } of absent(report))
    lines.push(`  ${name} did not run, ${status}: ${detail.replaceAll('\n', '\n    ')}`);
  lines.push(counts(report), `MATRIX ${report.exitCode === 0 ? 'agrees' : 'does-not-agree'}`, '');
  return lines.join('\n');
}

/** The matrix as Markdown, for a page or the summary of a job. */
export function renderMatrixMarkdown(report: MatrixReport): string {
  const cellText = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (texts: readonly string[]): string => `| ${texts.map(cellText).join(' | ')} |`;
  const failures = failuresOf(report).map(
    ({ cell, failure }) =>
      `- ${rowOf(cell)} → ${cell.reader}: ${failure.check}. ${failure.who}: ${cellText(failure.detail)}`,
  );
  return [
    '# Implementations against each other',
    '',
    counts(report),
    '',
    ...(failures.length === 0 ? [] : ['## Failures', '', ...failures, '']),
    ...report.tables.flatMap((table) => {
      const { rows, columns, cell } = gridOf(table);
      return [
        `## ${table.title}`,
        '',
        line(['', ...columns]),
        line(['---', ...columns.map(() => '---')]),
        ...rows.map((row) => line([row, ...columns.map((column) => mark(cell(row, column)))])),
        '',
      ];
    }),
    '## Implementations',
    '',
    line(['name', 'about', 'status']),
    line(['---', '---', '---']),
    ...report.participants.map((one) => line([one.name, about(one), standing(one)])),
    '',
  ].join('\n');
}

function escape(text: string): string {
  return text.replace(/[&<>"']/gu, (c) => `&#${c.codePointAt(0)};`);
}

function htmlTable(table: MatrixTable): string {
  const { rows, columns, cell } = gridOf(table);
  const box = (found: Cell | undefined): string => {
    const group = found === undefined ? 'none' : found.failures.length === 0 ? 'good' : 'bad';
    return `<td><span class="chip ${group}"></span> ${escape(mark(found))}</td>`;
  };
  const head = columns.map((column) => `<th>${escape(column)}</th>`).join('');
  const body = rows.map(
    (row) => `<tr><th>${escape(row)}</th>${columns.map((column) => box(cell(row, column))).join('')}</tr>`,
  );
  return `<h2>${escape(table.title)}</h2>
<table class="cases"><tr><th></th>${head}</tr>${body.join('\n')}</table>`;
}

function failureCard(cell: Cell, { check, who, detail, request }: CheckFailure): string {
  return `<article class="failure"><h3><code>${escape(rowOf(cell))} → ${escape(cell.reader)}</code> <span class="class">${escape(who)}</span></h3>
<p>${escape(check)}</p><pre>${escape(detail)}</pre>${request === undefined ? '' : `<p class="why">request: <code>${escape(request)}</code></p>`}</article>`;
}

/** The matrix as one page: no script, no request to any host. */
export function renderMatrixHtml(report: MatrixReport): string {
  const failures = failuresOf(report);
  const participants = report.participants.map(
    (one) =>
      `<tr class="${one.status === 'ran' ? '' : 'none'}"><td>${escape(one.name)}</td><td>${escape(about(one))}</td><td>${escape(standing(one))}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Strongroom: implementations against each other</title>
<style>${STYLE}</style></head><body>
<header><h1>Implementations against each other</h1><p>${escape(counts(report))}. ${escape(report.platform)}, ${report.started}.</p></header>
${failures.length === 0 ? '<p class="calm">No check failed.</p>' : failures.map(({ cell, failure }) => failureCard(cell, failure)).join('\n')}
${report.tables.map(htmlTable).join('\n')}
<h2>Implementations</h2>
<table class="cases"><tr><th>name</th><th>about</th><th>status</th></tr>${participants.join('\n')}</table>
</body></html>
`;
}
