/**
 * A matrix: every implementation that is here, against every other, in all that they have in common.
 *
 * @module
 */
import { RUNNER_VERSION } from '../runner/run.ts';
import { EXIT } from '../runner/verdict.ts';
import type { MatrixReport, MatrixTable, Participant } from '../schema/matrix.ts';
import type { Role } from '../schema/vector.ts';
import { crossAccounts } from './accounts.ts';
import { crossContainers } from './containers.ts';
import { removeFolders, type Run } from './crossing.ts';
import { prepare, type Found, type Member, type Patience } from './implementations.ts';
import { crossSets } from './sets.ts';

/** What to cross. */
export interface MatrixOptions extends Run {
  readonly implementations: readonly Found[];
  /** True if they were asked for by name, so that one that cannot run is no success. */
  readonly named: boolean;
  readonly patience: Patience;
}

function exitCode(
  participants: readonly Participant[],
  tables: readonly MatrixTable[],
  named: boolean,
): number {
  if (tables.some(({ cells }) => cells.some(({ failures }) => failures.length > 0))) return EXIT.failure;
  if (participants.some(({ status }) => status === 'not-built' || status === 'not-started'))
    return EXIT.notStarted;
  const complete = participants.every(({ status }) => status === 'ran');
  return complete || !named ? EXIT.asAsked : EXIT.incompleteClaim;
}

/** Builds and greets every implementation, and crosses those that run. */
export async function matrix(options: MatrixOptions): Promise<MatrixReport> {
  const { implementations, named, patience, seed, progress } = options;
  const started = new Date();
  const participants: Participant[] = [];
  const members: Member[] = [];
  try {
    for (const found of implementations) {
      progress(`building ${found.about.name}`);
      const { participant, member } = await prepare(found, patience);
      participants.push(participant);
      if (member !== undefined) members.push(member);
    }
    const having = (role: Role, feature: string): Member[] =>
      members.filter(({ hello }) => hello.roles.includes(role) && hello.features.includes(feature));
    const container = (role: Role): Member[] => having(role, 'container');
    const tables = [
      await crossContainers(options, container('container-writer'), container('container-reader')),
      await crossSets(options, having('set-writer', 'set-writer'), having('set-reader', 'set')),
      await crossAccounts(options, having('vault-client', 'client'), having('vault-server', 'vault')),
    ].filter(({ cells }) => cells.length > 0);
    const code = exitCode(participants, tables, named);
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
