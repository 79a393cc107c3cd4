/**
 * Broken clients: deletion, changes that wait, new passwords, heads.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const CHANGE = 'reference/client/change-password.ts';
const HEAD = 'reference/client/head.ts';
const REGISTER = 'reference/client/register.ts';

/** Mutants of what a client does with an account that it has registered. */
export const clientChangeMutants: readonly Mutant[] = [
  {
    id: 'waiting-unseen',
    mistake: 'does not look at what waits',
    file: 'reference/client/session.ts',
    find: 'this.#scheduled = scheduledIn(statement);',
    replace: 'void scheduledIn;',
    requirement: 'CLI-47',
    cases: ['client.delete-unproved'],
    class: 'wrong-output',
  },
  {
    id: 'deletion-believed',
    mistake: 'takes every ok for a deletion',
    file: 'reference/client/delete.ts',
    find: "if (answer.outcome === 'ok' && answer.phase === 'deleted') return",
    replace: "if (answer.outcome === 'ok') return",
    requirement: 'CLI-50',
    cases: ['client.delete-not-done'],
    class: 'accepted-invalid',
  },
  {
    id: 'body-unread',
    mistake: 'does not look into answers of which it needs nothing',
    file: 'reference/client/session.ts',
    find: "    if (statement.outcome === 'ok') bodyOf(ANSWER_BODIES[command], statement);\n",
    replace: '    void bodyOf;\n    void ANSWER_BODIES;\n',
    requirement: 'CLI-21',
    cases: ['client.delete-with-body'],
    class: 'accepted-invalid',
  },
  {
    id: 'conflict-overrun',
    mistake: 'repeats what was meant for one registration at the next',
    file: 'reference/client/delete.ts',
    find: 'answer.generation === latest.generation && race < RACES',
    replace: 'race < RACES',
    requirement: 'CLI-51',
    cases: ['client.delete-other-registration'],
    class: 'state',
  },
  {
    id: 'waiting-forgotten',
    mistake: 'lets go of a registration that waits',
    file: REGISTER,
    find: 'if (registration.scheduled === undefined) await journal.erase();',
    replace: 'await journal.erase();',
    requirement: 'CLI-48',
    cases: ['client.register-unproved'],
    class: 'rejected-valid',
  },
  {
    id: 'waiting-of-another',
    mistake: 'takes whatever waits for its own registration',
    file: REGISTER,
    find: 'if (scheduled === undefined || !equal(status.scheduledRecordHash, recordHash)) {',
    replace: 'if (scheduled === undefined) {',
    requirement: 'CLI-49',
    cases: ['client.register-beside'],
    class: 'accepted-invalid',
  },
  {
    id: 'unprepared',
    mistake: 'confirms a new key before the older backups can be read with it',
    file: REGISTER,
    find: 'if (entry.prepare) {',
    replace: 'if (entry.prepare && entry.generation < 0) {',
    requirement: 'CLI-54',
    cases: ['client.register-unprepared'],
    class: 'accepted-invalid',
  },
  {
    id: 'change-of-any-key',
    mistake: 'changes the password with whatever key it is given',
    file: CHANGE,
    find: 'await checkRegistered(session, options.key, options.signal);',
    replace: 'void checkRegistered;',
    requirement: 'CLI-52',
    cases: ['client.change-other-key'],
    class: 'accepted-invalid',
  },
  {
    id: 'change-unjournalled',
    mistake: 'changes the password without a journal',
    file: CHANGE,
    find: 'await journal.write(entry);\n    return finishChange',
    replace: 'return finishChange',
    requirement: 'CLI-53',
    cases: ['client.change-lost'],
    class: 'rejected-valid',
  },
  {
    id: 'head-believed',
    mistake: 'does not look at which head is kept',
    file: HEAD,
    find: "if (!equal(kept, next)) throw new StrongroomError('bad-answer', 'the vault keeps another head');",
    replace: 'void [kept, StrongroomError];',
    requirement: 'CLI-55',
    cases: ['client.head-not-kept'],
    class: 'accepted-invalid',
  },
  {
    id: 'refusal-is-no-head',
    mistake: 'takes a refusal for the word that there is no head',
    file: HEAD,
    find: "const head = await ask('get-head', GetHead, {});",
    replace: "const head = await ask('get-head', GetHead, {}).catch(() => NO_HEAD);",
    requirement: 'CLI-55',
    cases: ['client.head-refused'],
    class: 'accepted-invalid',
  },
];
