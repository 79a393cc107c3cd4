/**
 * One run of the suite against one implementation.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaseResult, ExpectedFailure, Report } from '../schema/report.ts';
import type { Level, Role } from '../schema/vector.ts';
import { Recorder, RecordedAdapter, RecordingTape } from '../tape/recorder.ts';
import { BlankTape } from '../tape/tape.ts';
import { randomnessOf, TranscriptWriter, type Header } from '../tape/transcript.ts';
import { Witness } from './adapter.ts';
import type { Case } from './case.ts';
import { Connection } from './connection.ts';
import { conclude, planOf, shuffled } from './plan.ts';
import { profilesOf } from './profile.ts';
import { runAll, type Pace, type Worker } from './worker.ts';

/** Version of the runner, in every report. */
export const RUNNER_VERSION = '0.1.0';

/** What to run, and against what. */
export interface RunOptions extends Partial<Pace> {
  /** Command of an adapter, in words. */
  readonly adapter?: readonly string[];
  /** Address of a running vault. */
  readonly vaultUrl?: string;
  readonly cases: readonly Case[];
  /** Digest of the vectors, for the report. */
  readonly vectors: string;
  readonly roles?: readonly Role[];
  /** Cases up to this level; default `core`. */
  readonly level?: Level;
  /** Seed of the order and of every random value of the suite; the same seed gives the same ones. */
  readonly seed: number;
  /** Milliseconds for one request. */
  readonly timeout: number;
  /** Processes of the adapter, each with a case at a time; default 1. */
  readonly jobs?: number;
  /** Version of the profiles; all cases count if there is none. */
  readonly profile?: string;
  readonly claims?: readonly Role[];
  readonly expected?: readonly ExpectedFailure[];
  readonly loose?: boolean;
  /** Where the adapter runs. */
  readonly folder?: string;
  /** Environment of the adapter beside the runner's own. */
  readonly environment?: Record<string, string>;
  /** Command line that repeats this run, for the report. */
  readonly command?: string;
  /** Where the transcript goes, if there shall be one. */
  readonly transcript?: string;
}

/** What an adapter wrote after its last answer, or before its end: the case that was asked last was not over then. */
function withFaults(results: readonly CaseResult[], faults: Readonly<Record<string, string>>): CaseResult[] {
  return results.map((result) => {
    const detail = faults[result.id];
    if (detail === undefined) return result;
    const { class: _class, ...rest } = result;
    return { ...rest, status: 'error', detail };
  });
}

/**
 * Runs the cases and returns the report.
 *
 * @throws StartError if the adapter does not start or does not greet
 */
export async function run(options: RunOptions): Promise<{ report: Report }> {
  const { adapter: command, vaultUrl, seed, timeout, environment = {}, failFast = false, progress } = options;
  const started = new Date();
  const start = performance.now();
  const connections =
    command === undefined
      ? []
      : Array.from(
          { length: options.jobs ?? 1 },
          () =>
            new Connection(command, {
              timeout,
              environment,
              ...(options.folder !== undefined && { folder: options.folder }),
            }),
        );
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-'));
  try {
    const hello = await connections[0]?.hello();
    const header: Header = {
      format: 'strongroom-transcript/1',
      runner: RUNNER_VERSION,
      vectors: options.vectors,
      seed,
      // A vault that stays knows the accounts of the last run with this seed.
      salt: vaultUrl === undefined ? '' : randomBytes(8).toString('hex'),
      roles: options.roles ?? hello?.roles ?? ['vault-server'],
      level: options.level ?? 'core',
      ...(options.profile !== undefined && { profile: options.profile }),
      claims: options.claims ?? [],
      expected: options.expected ?? [],
      loose: options.loose ?? false,
      ...(hello && { hello }),
      ...(vaultUrl !== undefined && { vaultUrl }),
    };
    const randomness = randomnessOf(header);
    const recorder =
      options.transcript === undefined
        ? undefined
        : new Recorder(new TranscriptWriter(options.transcript, header), randomness);
    const workers = (connections.length === 0 ? [undefined] : connections).map(
      (connection, worker): Worker => {
        const own = join(folder, String(worker));
        mkdirSync(own);
        const adapter = connection && new Witness(recorder ? new RecordedAdapter(connection) : connection);
        return {
          context: {
            ...(adapter && { adapter }),
            ...(hello && { hello }),
            ...(vaultUrl !== undefined && { vaultUrl }),
            folder: own,
            worker,
            seed,
            loose: header.loose,
          },
          tape: ({ id }) =>
            recorder === undefined ? new BlankTape(randomness, id) : new RecordingTape(recorder, id, own),
          done: (tape) => {
            if (tape instanceof RecordingTape) recorder?.write(tape);
          },
        };
      },
    );
    const terms = { ...header, profiles: profilesOf(header) };
    const plan = planOf(options.cases, terms);
    const pace = { failFast, ...(progress && { progress }) };
    const { results, last } = await runAll(shuffled(plan.cases, seed), workers, pace);
    await Promise.all(connections.map(async (connection) => connection.close()));
    const faults = Object.fromEntries(
      connections.flatMap(({ fault }, i): [string, string][] => {
        const id = last[i];
        return fault === undefined || id === undefined ? [] : [[id, fault]];
      }),
    );
    recorder?.close(faults);
    const report: Report = {
      format: 'strongroom-report/1',
      runner: RUNNER_VERSION,
      vectors: options.vectors,
      started: started.toISOString(),
      milliseconds: Math.round(performance.now() - start),
      platform: `${process.platform}-${process.arch} node ${process.versions.node}`,
      seed,
      target: command?.join(' ') ?? vaultUrl ?? '',
      command: options.command ?? '',
      ...(hello && { hello }),
      ...conclude(withFaults(results, faults), terms, plan, started.toISOString().slice(0, 10)),
    };
    return { report };
  } finally {
    await Promise.all(connections.map(async (connection) => connection.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}
