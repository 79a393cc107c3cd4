/**
 * Implementations that are tried against each other, and what came of it (spec/conformance.md, "Matrix").
 *
 * @module
 */
import * as z from 'zod';
import { ROLES, type Role } from './vector.ts';

/** A program and its arguments; `node` is the Node that runs the suite. */
export type CommandLine = readonly [string, ...string[]];

/** `implementation.json`: how an implementation is built and asked. Every command runs in the folder of this file. */
export interface Implementation {
  readonly name: string;
  readonly version: string;
  readonly language: string;
  /** Commands that succeed where the implementation can be built, and what each is for. */
  readonly needs: readonly { readonly command: CommandLine; readonly why: string }[];
  /** Commands that build it, in order. */
  readonly build: readonly CommandLine[];
  /** Commands that are its own tests, in order; only run with the suite. */
  readonly check?: readonly CommandLine[];
  /** The adapter. */
  readonly adapter: CommandLine;
  readonly roles: readonly Role[];
  /** What its cryptography comes from. */
  readonly libraries: readonly string[];
  /** What it has in common with the reference. */
  readonly shares: string;
}

const commandLine: z.ZodType<CommandLine> = z.tuple([z.string().min(1)], z.string());

/** Schema of {@link Implementation}. */
export const implementationSchema: z.ZodType<Implementation> = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/u),
  version: z.string().min(1),
  language: z.string().min(1),
  needs: z.array(z.strictObject({ command: commandLine, why: z.string().min(1) })),
  build: z.array(commandLine),
  check: z.array(commandLine).exactOptional(),
  adapter: commandLine,
  roles: z.array(z.enum(ROLES)).min(1),
  libraries: z.array(z.string()),
  shares: z.string().min(1),
});

/** One check that failed. */
export interface CheckFailure {
  readonly check: string;
  /** The implementation whose answer was not as it must be. */
  readonly who: string;
  readonly detail: string;
  /** The request of that answer as the adapter got it: a file below the folder of the report. */
  readonly request?: string;
}

/** What became of one combination. */
export interface Cell {
  /** Who made what is read, in order. */
  readonly by: readonly string[];
  /** Who read it. */
  readonly reader: string;
  readonly passed: number;
  readonly failures: readonly CheckFailure[];
  readonly milliseconds: number;
}

/** All combinations of one kind. */
export interface MatrixTable {
  readonly kind: 'containers' | 'sets' | 'accounts';
  readonly title: string;
  readonly cells: readonly Cell[];
}

/** What was found of one implementation. */
export interface Participant {
  readonly name: string;
  readonly version: string;
  readonly language: string;
  readonly libraries: readonly string[];
  readonly shares: string;
  /** Roles that it declares; after a greeting, those of its `hello`. */
  readonly roles: readonly Role[];
  /** `missing`: something that it needs is not here; `out-of-time`: its build was ended; `not-built` also if its own tests fail. */
  readonly status: 'ran' | 'missing' | 'out-of-time' | 'not-built' | 'not-started';
  /** Why it did not run. */
  readonly detail?: string;
  /** Milliseconds of its build. */
  readonly built: number;
  /** Lines of verdicts, if it was also run through all cases of level core; the folder of its name has the reports. */
  readonly verdicts?: readonly string[];
}

/** A whole matrix. */
export interface MatrixReport {
  readonly format: 'strongroom-matrix/1';
  readonly runner: string;
  readonly started: string;
  readonly milliseconds: number;
  readonly platform: string;
  readonly seed: number;
  readonly participants: readonly Participant[];
  readonly tables: readonly MatrixTable[];
  readonly exitCode: number;
}

/** Schema of {@link MatrixReport}. */
export const matrixSchema: z.ZodType<MatrixReport> = z.strictObject({
  format: z.literal('strongroom-matrix/1'),
  runner: z.string(),
  started: z.iso.datetime(),
  milliseconds: z.number().nonnegative(),
  platform: z.string(),
  seed: z.int().nonnegative(),
  participants: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      language: z.string(),
      libraries: z.array(z.string()),
      shares: z.string(),
      roles: z.array(z.enum(ROLES)),
      status: z.enum(['ran', 'missing', 'out-of-time', 'not-built', 'not-started']),
      detail: z.string().exactOptional(),
      built: z.number().nonnegative(),
      verdicts: z.array(z.string()).exactOptional(),
    }),
  ),
  tables: z.array(
    z.strictObject({
      kind: z.enum(['containers', 'sets', 'accounts']),
      title: z.string(),
      cells: z.array(
        z.strictObject({
          by: z.array(z.string()),
          reader: z.string(),
          passed: z.int().nonnegative(),
          failures: z.array(
            z.strictObject({
              check: z.string(),
              who: z.string(),
              detail: z.string(),
              request: z.string().exactOptional(),
            }),
          ),
          milliseconds: z.number().nonnegative(),
        }),
      ),
    }),
  ),
  exitCode: z.int().min(0).max(6),
});
