/**
 * One run of the suite against one implementation.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPTIONAL_FEATURES, type Hello } from '../schema/protocol.ts';
import type { CaseResult, ExpectedFailure, Report } from '../schema/report.ts';
import { LEVELS, type Level, type Role } from '../schema/vector.ts';
import type { Case, CaseContext } from './case.ts';
import { Connection } from './connection.ts';
import type { Score } from './score.ts';
import { applyExpected, exitCode, verdicts } from './verdict.ts';

/** Version of the runner, in every report. */
export const RUNNER_VERSION = '0.1.0';

/** What to run, and against what. */
export interface RunOptions {
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
  /** Seed of the order and of the values of `fresh` cases; the same seed gives the same ones. */
  readonly seed: number;
  /** Milliseconds for one request. */
  readonly timeout: number;
  readonly claims?: readonly Role[];
  readonly expected?: readonly ExpectedFailure[];
  readonly loose?: boolean;
  /** Where the adapter runs. */
  readonly folder?: string;
  /** Environment of the adapter beside the runner's own. */
  readonly environment?: Record<string, string>;
  readonly failFast?: boolean;
  /** Command line that repeats this run, for the report. */
  readonly command?: string;
  /** Called before each case. */
  readonly progress?: (done: number, total: number, next: Case) => void;
}

/** The cases in an order that the seed alone decides. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = [...items];
  let state = seed >>> 0;
  // mulberry32: order only, nothing here is secret.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    const [a, b] = [out[i], out[j]];
    if (a !== undefined && b !== undefined) [out[i], out[j]] = [b, a];
  }
  return out;
}

function resultOf(
  one: Case,
  milliseconds: number,
  score: Score | { status: 'not-run' | 'not-applicable'; detail: string },
): CaseResult {
  const { id, title, why, role, level, requirements } = one;
  return {
    id,
    title,
    why,
    role,
    level,
    requirements: [...requirements],
    milliseconds: Math.round(milliseconds),
    ...score,
  };
}

async function runOne(one: Case, context: CaseContext): Promise<CaseResult> {
  const { hello } = context;
  if (hello !== undefined && !hello.roles.includes(one.role)) {
    return resultOf(one, 0, { status: 'not-applicable', detail: `hello does not claim ${one.role}` });
  }
  if (hello !== undefined && !hello.features.includes(one.feature)) {
    return resultOf(one, 0, { status: 'not-applicable', detail: `hello does not claim ${one.feature}` });
  }
  const blocked = one.blocked?.(context);
  if (blocked !== undefined) return resultOf(one, 0, { status: 'not-run', detail: blocked });
  const start = performance.now();
  try {
    const score = await one.run(context);
    return resultOf(one, performance.now() - start, score);
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return resultOf(one, performance.now() - start, { status: 'error', detail });
  }
}

async function runAll(
  options: RunOptions,
  cases: readonly Case[],
  context: CaseContext,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  let stopped = false;
  for (const one of cases) {
    if (stopped) {
      results.push(resultOf(one, 0, { status: 'not-run', detail: 'stopped at the first failure' }));
      continue;
    }
    options.progress?.(results.length, cases.length, one);
    const result = await runOne(one, context);
    results.push(result);
    stopped = options.failFast === true && (result.status === 'fail' || result.status === 'error');
  }
  return results;
}

/** What came after the last answer, or before its end: the case that was asked last is not over then. */
async function closed(adapter: Connection, results: readonly CaseResult[]): Promise<CaseResult[]> {
  await adapter.close();
  const { fault } = adapter;
  const last = results.findLastIndex(({ status }) => !['not-run', 'not-applicable'].includes(status));
  return results.map((result, i) => {
    if (fault === undefined || i !== last) return result;
    const { class: _class, ...rest } = result;
    return { ...rest, status: 'error', detail: fault };
  });
}

/**
 * Runs the cases and returns the report.
 *
 * @throws StartError if the adapter does not start or does not greet
 */
export async function run(options: RunOptions): Promise<{ report: Report }> {
  const started = new Date();
  const start = performance.now();
  const adapter =
    options.adapter &&
    new Connection(options.adapter, {
      timeout: options.timeout,
      environment: options.environment ?? {},
      ...(options.folder !== undefined && { folder: options.folder }),
    });
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-'));
  try {
    const hello: Hello | undefined = await adapter?.hello();
    const roles = options.roles ?? hello?.roles ?? ['vault-server'];
    const level = options.level ?? 'core';
    const levels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
    const wanted = options.cases.filter((one) => roles.includes(one.role) && levels.includes(one.level));
    const lacks = ({ feature }: Case): boolean =>
      hello?.features.includes(feature) === false && OPTIONAL_FEATURES.includes(feature);
    const cases = wanted.filter((one) => !lacks(one));
    const without = (role: Role): string[] => [
      ...new Set(wanted.filter((one) => one.role === role && lacks(one)).map(({ feature }) => feature)),
    ];
    const context: CaseContext = {
      ...(adapter && { adapter }),
      ...(hello && { hello }),
      ...(options.vaultUrl !== undefined && { vaultUrl: options.vaultUrl }),
      folder,
      seed: options.seed,
      loose: options.loose ?? false,
    };
    const ran = await runAll(options, shuffled(cases, options.seed), context);
    const raw = adapter === undefined ? ran : await closed(adapter, ran);
    const today = started.toISOString().slice(0, 10);
    const { results, stale } = applyExpected(raw, options.expected ?? [], today);
    const ordered = results.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const all = verdicts(ordered, options.loose ?? false, level, without);
    const report: Report = {
      format: 'strongroom-report/1',
      runner: RUNNER_VERSION,
      vectors: options.vectors,
      started: started.toISOString(),
      milliseconds: Math.round(performance.now() - start),
      platform: `${process.platform}-${process.arch} node ${process.versions.node}`,
      seed: options.seed,
      target: options.adapter?.join(' ') ?? options.vaultUrl ?? '',
      command: options.command ?? '',
      ...(hello && { hello }),
      results: ordered,
      verdicts: all,
      stale,
      exitCode: exitCode(ordered, all, options.claims ?? [], stale),
    };
    return { report };
  } finally {
    await adapter?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
