/**
 * A matrix: every implementation that is here, against every other, in all that they have in common.
 *
 * @module
 */
import { RUNNER_VERSION } from '../runner/run.ts';
import { EXIT, verdictLine } from '../runner/verdict.ts';
import type { MatrixReport, MatrixTable, Participant } from '../schema/matrix.ts';
import type { Report } from '../schema/report.ts';
import type { Role } from '../schema/vector.ts';
import { crossAccounts } from './accounts.ts';
import { crossContainers } from './containers.ts';
import { removeFolders, type Run } from './crossing.ts';
import { prepare, type Found, type Member, type Patience } from './implementations.ts';
import { crossSets } from './sets.ts';

/** Runs all cases against one implementation. */
export type RunCases = (member: Member, found: Found) => Promise<Report>;

/** What to cross. */
export interface MatrixOptions extends Run {
  readonly implementations: readonly Found[];
  /** True if they were asked for by name, so that one that cannot run is no success. */
  readonly named: boolean;
  readonly patience: Patience;
  /** Present if every implementation is to be run through all cases too. */
  readonly runCases?: RunCases;
}

function exitCode(
  participants: readonly Participant[],
  tables: readonly MatrixTable[],
  named: boolean,
  runs: readonly number[],
): number {
  if (tables.some(({ cells }) => cells.some(({ failures }) => failures.length > 0))) return EXIT.failure;
  if (participants.some(({ status }) => status === 'not-built' || status === 'not-started'))
    return EXIT.notStarted;
  const ended = runs.find((code) => code !== EXIT.asAsked);
  if (ended !== undefined) return ended;
  const complete = participants.every(({ status }) => status === 'ran');
  return complete || !named ? EXIT.asAsked : EXIT.incompleteClaim;
}

/** Builds and greets every implementation, and crosses those that run. */
export async function matrix(options: MatrixOptions): Promise<MatrixReport> {
  const { implementations, named, patience, runCases, seed, progress } = options;
  const started = new Date();
  const participants: Participant[] = [];
  const members: Member[] = [];
  const runs: number[] = [];
  try {
    for (const found of implementations) {
      progress(`building ${found.about.name}`);
      const { participant, member } = await prepare(found, patience);
      if (member !== undefined) members.push(member);
      if (member === undefined || runCases === undefined) {
        participants.push(participant);
        continue;
      }
      progress(`running all cases against ${member.name}`);
      const report = await runCases(member, found);
      runs.push(report.exitCode);
      participants.push({ ...participant, verdicts: report.verdicts.map(verdictLine) });
    }
    const having = (role: Role, feature: string): Member[] =>
      members.filter(({ hello }) => hello.roles.includes(role) && hello.features.includes(feature));
    const container = (role: Role): Member[] => having(role, 'container');
    const tables = [
      await crossContainers(options, container('container-writer'), container('container-reader')),
      await crossSets(options, having('set-writer', 'set-writer'), having('set-reader', 'set')),
      await crossAccounts(options, having('vault-client', 'client'), having('vault-server', 'vault')),
    ].filter(({ cells }) => cells.length > 0);
    const code = exitCode(participants, tables, named, runs);
    if (code !== EXIT.failure) removeFolders(options);
    return {
      format: 'strongroom-matrix/1',
      runner: RUNNER_VERSION,
      started: started.toISOString(),
      milliseconds: Date.now() - started.getTime(),
      platform: `${process.platform}-${process.arch} node ${process.versions.node}`,
      seed,
      participants,
      tables,
      exitCode: code,
    };
  } finally {
    await Promise.all(members.map(async ({ connection }) => connection.close()));
  }
}
