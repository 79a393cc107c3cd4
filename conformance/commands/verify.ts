/**
 * `verify`: scores a recorded run again, without the implementation.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCases } from '../cases/index.ts';
import { progressTo } from '../report/terminal.ts';
import { verdictLine, EXIT } from '../runner/verdict.ts';
import { verify as verifyRun, type Verification } from '../runner/verify.ts';
import { reportSchema, type Report } from '../schema/report.ts';
import { readTranscript, type Transcript } from '../tape/transcript.ts';
import { loadVectors } from '../vectors.ts';
import { parseOptions, UsageError, type Command } from './command.ts';

/** The two files of a run. @throws UsageError */
function readRun(folder: string): { transcript: Transcript; report: Report } {
  try {
    return {
      transcript: readTranscript(join(folder, 'transcript.jsonl')),
      report: reportSchema.parse(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))),
    };
  } catch (error) {
    throw new UsageError(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What differs between what a report says of the whole run and what a transcript shows. */
function wholeDifferences(report: Report, { shown }: Verification): string[] {
  const lines = ({ verdicts }: Pick<Report, 'verdicts'>): string => verdicts.map(verdictLine).join('\n');
  return [
    ...(lines(report) === lines(shown) ? [] : [`the report has other verdicts:\n${lines(report)}`]),
    ...(report.exitCode === shown.exitCode
      ? []
      : [`the report has exit code ${report.exitCode}, by the transcript it is ${shown.exitCode}`]),
  ];
}

/** Scores a recorded run again. */
export const verify: Command = {
  summary: 'score the transcript of a run again, without the implementation',
  help: `Usage: strongroom-conformance verify [DIR]

Runs every case of a run again, gives it the answers that were recorded in DIR/transcript.jsonl, and compares with
DIR/report.json. Nothing of the report is believed. DIR is .strongroom/conformance unless told.

Exit codes
  0 the transcript shows what the report says · 1 it shows something else · 2 there is no whole run of these vectors in DIR

Examples
  strongroom-conformance verify
  strongroom-conformance verify results
`,
  async run(args, io) {
    const [folder = join('.strongroom', 'conformance'), ...more] = parseOptions(args, {}).positionals;
    if (more.length > 0) throw new UsageError('verify takes one folder');
    const { transcript, report } = readRun(folder);
    const set = loadVectors();
    for (const { vectors } of [transcript.header, report])
      if (vectors !== set.digest)
        throw new UsageError(
          `${folder}: a run of other vectors (${vectors}) than those of this suite (${set.digest})`,
        );
    const verification = await verifyRun(transcript, report, allCases(set), progressTo(io.stderr));
    if (io.stderr.isTTY === true) io.stderr.write('\r\x1b[K');
    const { rescored, unseen, differences, shown } = verification;
    const all = [...differences, ...wholeDifferences(report, verification)];
    io.stdout.write(
      [
        ...all.map((line) => `DIFFERENT ${line}`),
        ...[...unseen].map(([why, ids]) => `not scored again: ${ids.length} (${why}): ${ids.join(', ')}`),
        `${rescored} cases scored again, ${all.length} differences from the report`,
        ...shown.verdicts.map(verdictLine),
        '',
      ].join('\n'),
    );
    return all.length === 0 ? EXIT.asAsked : EXIT.failure;
  },
};
