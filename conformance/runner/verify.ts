/**
 * Scoring of a transcript without the implementation: the same cases run again, and get the answers that were recorded.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaseResult, Report } from '../schema/report.ts';
import { ReplayedAdapter, ReplayTape } from '../tape/replayer.ts';
import { randomnessOf, type Transcript } from '../tape/transcript.ts';
import { Witness } from './adapter.ts';
import type { Case } from './case.ts';
import { conclude, planOf } from './plan.ts';
import { profilesOf } from './profile.ts';
import { resultOf, runCase, type Worker } from './worker.ts';

/** What a transcript shows. */
export interface Verification {
  /** What the results come to by the transcript. */
  readonly shown: Pick<Report, 'results' | 'verdicts' | 'stale' | 'exitCode'>;
  /** Cases that were scored again. */
  readonly rescored: number;
  /** Cases that could not be, by the reason. */
  readonly unseen: ReadonlyMap<string, readonly string[]>;
  /** What the report says otherwise, a sentence each. */
  readonly differences: readonly string[];
}

/** The result of a case by the transcript, or why there is none. */
async function replay(one: Case, transcript: Transcript, folder: string): Promise<CaseResult | string> {
  const { header, faults } = transcript;
  const { hello, vaultUrl, seed, loose } = header;
  mkdirSync(folder);
  let tape: ReplayTape | undefined;
  const worker: Worker = {
    context: {
      ...(hello && { hello, adapter: new Witness(new ReplayedAdapter()) }),
      ...(vaultUrl !== undefined && { vaultUrl }),
      folder,
      worker: 0,
      seed,
      loose,
    },
    tape: () => (tape = new ReplayTape(transcript, randomnessOf(header), one.id, folder)),
  };
  const result = await runCase(one, worker);
  rmSync(folder, { recursive: true, force: true });
  const mismatch = tape?.mismatch;
  if (mismatch !== undefined) return mismatch;
  const fault = faults[one.id];
  return fault === undefined ? result : resultOf(one, 0, { status: 'error', detail: fault });
}

function compare(reported: CaseResult | undefined, shown: CaseResult): string[] {
  if (reported === undefined) return [`${shown.id}: not in the report`];
  const words = (one: CaseResult): string => [one.status, one.class ?? []].flat().join(' ');
  return words(reported) === words(shown)
    ? []
    : [`${shown.id}: ${words(reported)} in the report, ${words(shown)} by the transcript`];
}

/**
 * Scores a transcript, and compares what comes of it with a report.
 *
 * @param cases all cases of the suite
 */
export async function verify(
  transcript: Transcript,
  report: Report,
  cases: readonly Case[],
  progress?: (done: number, total: number, next: Case) => void,
): Promise<Verification> {
  const { header, tapes } = transcript;
  const terms = { ...header, profiles: profilesOf(header) };
  const plan = planOf(cases, terms);
  const reported = new Map(report.results.map((result) => [result.id, result]));
  const unseen = new Map<string, string[]>();
  const raw: CaseResult[] = [];
  let rescored = 0;
  const top = mkdtempSync(join(tmpdir(), 'strongroom-verify-'));
  try {
    for (const [place, one] of plan.cases.entries()) {
      progress?.(place, plan.cases.length, one);
      const known = reported.get(one.id);
      if (!tapes.has(one.id)) {
        const detail = known?.detail ?? 'not in the transcript';
        raw.push(
          resultOf(one, 0, { status: known?.status === 'not-applicable' ? known.status : 'not-run', detail }),
        );
        continue;
      }
      const result = await replay(one, transcript, join(top, String(place)));
      if (typeof result === 'string') {
        unseen.set(result, [...(unseen.get(result) ?? []), one.id]);
        if (known !== undefined) raw.push(known);
      } else {
        rescored++;
        raw.push(result);
      }
    }
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
  const shown = conclude(raw, terms, plan, report.started.slice(0, 10));
  const own = new Set(plan.cases.map(({ id }) => id));
  return {
    shown,
    rescored,
    unseen,
    differences: [
      ...shown.results.flatMap((result) => compare(reported.get(result.id), result)),
      ...report.results.flatMap(({ id }) => (own.has(id) ? [] : [`${id}: no case of this run`])),
    ],
  };
}
