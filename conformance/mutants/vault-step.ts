/**
 * Broken cores of vaults, which only the record after a request, or a value in an answer, tells.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const ATTEMPTS = 'reference/vault/core/attempts.ts';
const EVALUATE = 'reference/vault/core/evaluate.ts';

/** Mutants of single steps. */
export const vaultStepMutants: readonly Mutant[] = [
  {
    id: 'report-first-kept',
    mistake: 'leaves the beginning of a report at what was acknowledged',
    file: ATTEMPTS,
    find: 'const first = seen ? shownAt : report.first;',
    replace: 'const first = seen && shownAt < 0 ? shownAt : report.first;',
    requirement: 'ATT-22',
    cases: ['transcripts.report.02-recover-finish'],
    class: 'wrong-output',
  },
  {
    id: 'report-shown-forgotten',
    mistake: 'does not note what a released report has shown',
    file: ATTEMPTS,
    find: 'shown: failed, shownAt: now };',
    replace: 'shown: 0, shownAt: now };',
    requirement: 'ATT-22',
    cases: ['transcripts.report.01-recover-finish'],
    class: 'wrong-output',
  },
  {
    id: 'ledger-newest-bucket',
    mistake: 'takes a proved charge off the present period, whenever it was made',
    file: ATTEMPTS,
    find: 'i === age ? Math.max(0, count - 1)',
    replace: 'i === 0 * age ? Math.max(0, count - 1)',
    requirement: 'ATT-12',
    cases: ['transcripts.periods.01-recover-finish'],
    class: 'wrong-output',
  },
  {
    id: 'open-attempts-stay-refundable',
    mistake: 'lets attempts that were open at a refill give their charge back once more',
    file: ATTEMPTS,
    find: 'refundable: refill ? 0 : open.refundable,',
    replace: 'refundable: open.refundable,',
    requirement: 'ATT-8',
    cases: ['transcripts.last-chance.01-recover-finish'],
    class: 'wrong-output',
  },
  {
    id: 'last-chance-wait-kept',
    mistake: 'keeps a wait in a last chance, in which there is no next attempt',
    file: ATTEMPTS,
    find: 'nextAttempt: spent ? 0 : now + delayAfter(policy, charged),',
    replace: 'nextAttempt: now + delayAfter(policy, charged),',
    requirement: 'ATT-1',
    cases: ['transcripts.destroy.01-recover-start'],
    class: 'wrong-output',
  },
  {
    id: 'attempt-values-of-one-purpose',
    mistake: 'derives the nonces of KE2 and the attempt id in another way',
    file: EVALUATE,
    find: 'serverKeyshareSeed: 3, attemptId: 4 }',
    replace: 'serverKeyshareSeed: 4, attemptId: 3 }',
    requirement: 'XCH-19',
    cases: ['transcripts.recover.02-recover-start'],
    class: 'wrong-output',
  },
];
