/**
 * Probes of the adapter itself: whoever says yes to everything has not passed anything.
 *
 * @module
 */
import { describe } from '../runner/connection.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { failed, type Score } from '../runner/score.ts';
import { ROLES, type Role } from '../schema/vector.ts';

const FEATURES: Readonly<Record<Role, string>> = {
  'container-reader': 'container',
  'container-writer': 'container',
  'set-reader': 'set',
  'set-writer': 'set-writer',
  'chat-reader': 'chat',
  'chat-writer': 'chat-writer',
  'vault-client': 'client',
  'vault-server': 'vault',
};

async function refusesUnknown({ adapter }: CaseContext): Promise<Score> {
  if (adapter === undefined) throw new Error('a probe needs an adapter');
  const outcome = await adapter.call('no.such-operation', {});
  if (outcome.outcome === 'unsupported') return { status: 'pass' };
  if (outcome.outcome === 'crash' || outcome.outcome === 'timeout')
    return failed(outcome.outcome, outcome.detail);
  return failed('accepted-invalid', 'an operation that does not exist was answered', {
    expected: 'unsupported',
    actual: describe(outcome),
  });
}

/** One probe for each role. */
export const probeCases: readonly Case[] = ROLES.map((role) => ({
  id: `probe.unknown-operation.${role}`,
  title: 'An operation that does not exist',
  why: 'An adapter that answers what it does not know says nothing by its other answers.',
  role,
  level: 'core',
  requirements: ['CFM-7'],
  feature: FEATURES[role],
  blocked: (context) => (context.adapter === undefined ? 'needs an adapter' : undefined),
  run: refusesUnknown,
}));
