/**
 * The report of a run, and the list of expected failures (spec/conformance.md, "Verdicts").
 *
 * @module
 */
import * as z from 'zod';
import { helloSchema, type Hello } from './protocol.ts';
import { LEVELS, ROLES, type Level, type Role } from './vector.ts';

/** Why a case failed. */
export type FailureClass =
  | 'accepted-invalid'
  | 'rejected-valid'
  | 'wrong-error'
  | 'over-release'
  | 'wrong-output'
  | 'not-fresh'
  | 'crash'
  | 'timeout'
  | 'unsupported-but-claimed'
  | 'state';

/** Every {@link FailureClass}. */
export const FAILURE_CLASSES: readonly FailureClass[] = [
  'accepted-invalid',
  'rejected-valid',
  'wrong-error',
  'over-release',
  'wrong-output',
  'not-fresh',
  'crash',
  'timeout',
  'unsupported-but-claimed',
  'state',
];

/** `error` is a fault of the suite or of the adapter's lines, never of the implementation's behaviour. */
export type Status = 'pass' | 'fail' | 'xfail' | 'xpass' | 'not-applicable' | 'not-run' | 'error';

/** How one case ended. */
export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly role: Role;
  readonly level: Level;
  readonly requirements: string[];
  readonly status: Status;
  readonly class?: FailureClass;
  /** One line for people. */
  readonly detail?: string;
  readonly expected?: string;
  readonly actual?: string;
  /** Absent for what the profile has; the others count for no verdict. */
  readonly scored?: false;
  /** Of a failure that was expected: what it is waiting for. */
  readonly issue?: string;
  readonly milliseconds: number;
}

/** What a role came to. */
export interface Verdict {
  readonly role: Role;
  readonly level: Level;
  readonly verdict:
    'conformant' | 'conformant-with-exceptions' | 'non-conformant' | 'incomplete' | 'provisional';
  readonly pass: number;
  readonly fail: number;
  readonly notRun: number;
  /** The cases that count: name of the profile, `@`, and the first 8 digits of the SHA-256 of its file; absent if all do. */
  readonly profile?: string;
  /** Cases that ran and are not in the profile. */
  readonly notScored: number;
  /** Optional features that the implementation does not claim; none of their cases is in the report. */
  readonly without: string[];
}

/** A whole run. */
export interface Report {
  readonly format: 'strongroom-report/1';
  readonly runner: string;
  /** SHA-256 over the vector files in the order of their names. */
  readonly vectors: string;
  readonly started: string;
  readonly milliseconds: number;
  readonly platform: string;
  readonly seed: number;
  /** How the implementation was reached: the adapter's command, or the vault's address. */
  readonly target: string;
  readonly command: string;
  readonly hello?: Hello;
  readonly results: CaseResult[];
  readonly verdicts: Verdict[];
  /** What is wrong with the list of expected failures, a sentence for each stale line. */
  readonly stale: string[];
  readonly exitCode: number;
}

const role = z.enum(ROLES);
const failureClass = z.enum(FAILURE_CLASSES);

/** Schema of {@link Report}. */
export const reportSchema: z.ZodType<Report> = z.strictObject({
  format: z.literal('strongroom-report/1'),
  runner: z.string(),
  vectors: z.string().regex(/^[0-9a-f]{64}$/u),
  started: z.iso.datetime(),
  milliseconds: z.number().nonnegative(),
  platform: z.string(),
  seed: z.int().nonnegative(),
  target: z.string(),
  command: z.string(),
  hello: helloSchema.exactOptional(),
  results: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      why: z.string(),
      role,
      level: z.enum(LEVELS),
      requirements: z.array(z.string()),
      status: z.enum(['pass', 'fail', 'xfail', 'xpass', 'not-applicable', 'not-run', 'error']),
      class: failureClass.exactOptional(),
      detail: z.string().exactOptional(),
      expected: z.string().exactOptional(),
      actual: z.string().exactOptional(),
      scored: z.literal(false).exactOptional(),
      issue: z.url().exactOptional(),
      milliseconds: z.number().nonnegative(),
    }),
  ),
  verdicts: z.array(
    z.strictObject({
      role,
      level: z.enum(LEVELS),
      verdict: z.enum([
        'conformant',
        'conformant-with-exceptions',
        'non-conformant',
        'incomplete',
        'provisional',
      ]),
      pass: z.int(),
      fail: z.int(),
      notRun: z.int(),
      profile: z.string().exactOptional(),
      notScored: z.int(),
      without: z.array(z.string()),
    }),
  ),
  stale: z.array(z.string()),
  exitCode: z.int().min(0).max(6),
});

/** A failure that an implementer knows of. It goes stale loudly: on a pass, another class, an unknown id, or its expiry. */
export interface ExpectedFailure {
  readonly case: string;
  readonly class: FailureClass;
  readonly issue: string;
  /** Last day on which the line counts, as YYYY-MM-DD. */
  readonly expires: string;
}

/** Schema of a file of {@link ExpectedFailure}. */
export const expectedSchema: z.ZodType<ExpectedFailure[]> = z.array(
  z.strictObject({ case: z.string(), class: failureClass, issue: z.url(), expires: z.iso.date() }),
);
