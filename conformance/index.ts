/**
 * The conformance suite as a library: vectors, cases, runner and reports.
 *
 * @module
 */
export { folderFiles, type Files } from './assets.ts';
export { allCases } from './cases/index.ts';
export { FORMATS, writeReports, type Format } from './report/files.ts';
export { renderHtml, type Sentences } from './report/html.ts';
export { renderText, reproduce } from './report/terminal.ts';
export type { Case, CaseContext } from './runner/case.ts';
export { Connection, splitCommand, StartError } from './runner/connection.ts';
export { shuffled } from './runner/plan.ts';
export { run, type RunOptions } from './runner/run.ts';
export { score, type Score } from './runner/score.ts';
export { applyExpected } from './runner/expected.ts';
export { EXIT, exitCode, verdictLine, verdicts } from './runner/verdict.ts';
export type { Answer, Hello, Outcome, Request } from './schema/protocol.ts';
export type { CaseResult, ExpectedFailure, FailureClass, Report, Status, Verdict } from './schema/report.ts';
export type {
  Digest,
  Edit,
  Expectation,
  Level,
  Packed,
  Role,
  Value,
  Vector,
  VectorFile,
} from './schema/vector.ts';
export { hexOf, loadVectors, packageRoot, unpack, type VectorSet } from './vectors.ts';
