/**
 * The files of a run.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../schema/report.ts';
import { badge } from './badge.ts';
import { renderHtml, type Sentences } from './html.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';

/** What a report can be written as. */
export type Format = 'json' | 'html' | 'junit' | 'markdown' | 'badge' | 'transcript';

/** How the file of a format is made; a transcript is written while the run goes on. */
type Render = (report: Report, sentences: Sentences) => string;

const FILES: Readonly<Record<Format, readonly [name: string, render?: Render]>> = {
  json: ['report.json', (report) => `${JSON.stringify(report, undefined, 1)}\n`],
  html: ['report.html', renderHtml],
  junit: ['junit.xml', renderJunit],
  markdown: ['summary.md', renderMarkdown],
  badge: ['badge.json', (report) => `${JSON.stringify(badge(report))}\n`],
  transcript: ['transcript.jsonl'],
};

/** Every {@link Format}, in the order in which the files are named. */
export const FORMATS: readonly Format[] = Object.keys(FILES) as Format[];

/** Writes a report into a folder, which is made if it is not there. @returns paths of the files */
export function writeReports(
  report: Report,
  sentences: Sentences,
  folder: string,
  formats: readonly Format[] = FORMATS,
): string[] {
  mkdirSync(folder, { recursive: true });
  return formats.map((format) => {
    const [name, render] = FILES[format];
    const path = join(folder, name);
    if (render !== undefined) writeFileSync(path, render(report, sentences));
    return path;
  });
}
