/**
 * Scenarios of deletion, and of what waits for its time.
 *
 * @module
 */
import type { Account } from '../peer/account.ts';
import type { Statement } from '../peer/exchange.ts';
import { be, cat, same, zeros } from '../peer/primitives.ts';
import { demand, outcome, remaining, right, waiting, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const NEW_PASSWORD = 'new horse';
const WRONG = 'battery staple';

async function spent(alice: Account): Promise<void> {
  for (let i = 0; i < 3; i++) await alice.recover(WRONG);
  const { statement } = await alice.status();
  demand(statement.phase === 'destroyed', `the phase after a spent budget is ${statement.phase}`);
}

function unchanged(statement: Statement, before: number, what: string): void {
  demand(statement.stateVersion === before, `${what} advanced the state version`);
}

/** Deletion, with proof and without. */
export const deletionScenarios: readonly Scenario[] = [
  {
    id: 'vault.delete-by-owner',
    title: 'The owner key deletes at once',
    why: 'What is deleted must be gone in the same commit, and a repetition must find it so.',
    requirements: ['DEL-1', 'REG-9'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.start(PASSWORD);
      outcome(await alice.delete('owner'), 'delete with a signature of the owner', 'ok');
      const { statement, body } = await alice.status();
      demand(statement.phase === 'deleted', `the phase is ${statement.phase}`);
      demand(body.openAttempts === 0, `${body.openAttempts} attempts are open after a deletion`);
      outcome(
        (await alice.start(PASSWORD)).statement,
        'the right password after a deletion',
        'not-registered',
      );
      const again = await alice.delete('owner');
      outcome(again, 'delete of what is deleted', 'ok');
      unchanged(again, statement.stateVersion, 'a repeated delete');
    },
  },
  {
    id: 'vault.delete-by-password',
    title: 'The KE3 of an open attempt deletes at once',
    why: 'The password alone must be enough: an owner without the key can only delete so.',
    requirements: ['DEL-1', 'PRF-1', 'PRF-2'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const attempt = await alice.start(PASSWORD);
      right(attempt);
      outcome(await alice.delete(attempt), 'delete with a right KE3', 'ok');
      outcome(await alice.finish(attempt), 'the attempt of the proof', 'not-registered');
      demand((await alice.status()).statement.phase === 'deleted', 'the phase is not deleted');
    },
  },
  {
    id: 'vault.delete-bad-proof',
    title: 'A proof that does not hold deletes nothing, and schedules nothing',
    why: 'A wrong KE3 is a guess like any other; a forged signature must not pass for no proof.',
    requirements: ['DEL-1', 'PRF-1', 'PRF-2'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const version = be(8, alice.version);
      const forged = cat(be(1, 2), zeros(64));
      outcome(await alice.call('delete', version, forged), 'a forged owner signature', 'not-authorised');
      outcome(
        await alice.call('delete', version, alice.owner('cancel', version)),
        'a signature over another command',
        'not-authorised',
      );
      const attempt = await alice.start(PASSWORD);
      const wrong = { ...attempt, ke3: zeros(64) };
      for (const what of ['a wrong KE3', 'the same wrong KE3'])
        outcome(await alice.delete(wrong), what, 'wrong-password');
      outcome(await alice.finish(attempt), 'the attempt that a wrong proof has closed', 'conflict');
      const { statement } = await alice.recover(PASSWORD);
      outcome(statement, 'the right password', 'ok');
      waiting(statement, 'none');
      demand(statement.failed === 1, `${statement.failed} failed attempts are reported, not 1`);
    },
  },
  {
    id: 'vault.delete-pending',
    title: 'A pending registration is deleted together with the key',
    why: 'What was to replace the key must not follow it, or a deletion is no end.',
    requirements: ['DEL-1', 'REG-9'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { confirm } = await alice.finished(NEW_PASSWORD);
      outcome(await alice.delete('owner'), 'delete', 'ok');
      outcome(await alice.call('register-confirm', confirm), 'the confirmation of before', 'conflict');
      outcome((await alice.start(NEW_PASSWORD)).statement, 'its password', 'not-registered');
    },
  },
  {
    id: 'vault.delete-unproved',
    title: 'Without proof a deletion is scheduled, and the key stays in use',
    why: 'Whoever the relay lets in could delete; the owner must see it coming.',
    requirements: ['DEL-1', 'DEL-2', 'REG-12', 'XCH-26'],
    run: async ({ account, fleet }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const before = alice.version;
      const scheduled = await alice.delete();
      outcome(scheduled, 'delete without proof', 'scheduled');
      waiting(scheduled, 'deletion', fleet);
      waiting((await alice.status()).statement, 'deletion');
      const second = await alice.delete();
      const old = await alice.delete(undefined, before);
      for (const [what, statement] of [
        ['a second delete', second],
        ['the same delete again', old],
      ] as const) {
        outcome(statement, what, 'scheduled');
        unchanged(statement, scheduled.stateVersion, what);
        demand(statement.effectiveAt === scheduled.effectiveAt, `${what} has moved the time of the deletion`);
      }
      const { statement } = await alice.recover(PASSWORD);
      outcome(statement, 'the right password while a deletion waits', 'ok');
      waiting(statement, 'deletion');
    },
  },
  {
    id: 'vault.delete-takes-effect',
    title: 'A scheduled deletion takes effect at its time, and not before',
    why: 'An owner who cannot prove anything any more must still be able to delete.',
    requirements: ['DEL-1', 'DEL-2', 'ATT-27', 'ATT-30'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      const { sealedKey } = await alice.register(PASSWORD);
      outcome(await alice.delete(), 'delete without proof', 'scheduled');
      await advance(fleet.graceSeconds - 60);
      const { statement } = await alice.recover(PASSWORD);
      outcome(statement, 'the right password a minute before the deletion', 'ok');
      demand(same(statement.body, sealedKey), 'another key came back', 'wrong-output');
      await advance(60);
      const after = await alice.status();
      demand(after.statement.phase === 'deleted', `the phase at the time is ${after.statement.phase}`);
      waiting(after.statement, 'none');
      outcome((await alice.start(PASSWORD)).statement, 'the right password afterwards', 'not-registered');
    },
  },
  {
    id: 'vault.delete-other-version',
    title: 'A deletion that names another version changes nothing',
    why: 'A request that was kept and is sent later was meant for another state.',
    requirements: ['DEL-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { version } = alice;
      for (const wrong of [0, version - 1, version + 1]) {
        for (const by of [undefined, 'owner'] as const) {
          const statement = await alice.delete(by, wrong);
          outcome(statement, `delete of version ${wrong} of an account at ${version}`, 'conflict');
          unchanged(statement, version, 'a conflict');
          waiting(statement, 'none');
        }
      }
      outcome((await alice.recover(PASSWORD)).statement, 'the right password', 'ok');
    },
  },
  {
    id: 'vault.delete-nothing',
    title: 'Deleting where there is nothing to delete',
    why: 'Each phase has its answer: a client tells its owner what it says.',
    requirements: ['DEL-1'],
    run: async ({ account }) => {
      const nobody = account();
      outcome(await nobody.delete(), 'delete of an account that nobody registered', 'not-registered');
      outcome(await nobody.delete('owner'), 'the same with a signature', 'not-registered');
      const alice = account();
      await alice.register(PASSWORD);
      await spent(alice);
      outcome(await alice.delete('owner'), 'delete of a destroyed key', 'destroyed');
      demand((await alice.status()).statement.phase === 'destroyed', 'the phase is not destroyed any more');
    },
  },
  {
    id: 'vault.cancel',
    title: 'Either proof cancels what is scheduled',
    why: 'The grace period is only worth something if its owner can use it.',
    requirements: ['DEL-3', 'PRF-2'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      outcome(await alice.delete(), 'delete without proof', 'scheduled');
      const cancelled = await alice.cancel('owner');
      outcome(cancelled, 'cancel with a signature of the owner', 'ok');
      waiting(cancelled, 'none');
      outcome(await alice.delete(), 'another delete without proof', 'scheduled');
      const attempt = await alice.start(PASSWORD);
      right(attempt);
      const byPassword = await alice.cancel(attempt);
      outcome(byPassword, 'cancel with a right KE3', 'ok');
      waiting(byPassword, 'none');
      remaining(byPassword, 3, 'after a cancel that proved the password');
      outcome((await alice.recover(PASSWORD)).statement, 'the right password', 'ok');
    },
  },
  {
    id: 'vault.cancel-in-time',
    title: 'What was cancelled does not take effect',
    why: 'A timer that outlives the cancel destroys the key of an owner who did all that was asked.',
    requirements: ['DEL-3', 'REG-12'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.delete();
      await advance(fleet.graceSeconds - 1000);
      outcome(await alice.cancel('owner'), 'cancel with a signature of the owner', 'ok');
      await advance(2000);
      outcome((await alice.recover(PASSWORD)).statement, 'the right password after the time', 'ok');
    },
  },
  {
    id: 'vault.cancel-needs-proof',
    title: 'Nobody cancels without proof',
    why: 'Whoever can keep a deletion from its time decides whether it happens.',
    requirements: ['DEL-3'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const idle = await alice.cancel();
      outcome(idle, 'cancel where nothing is scheduled', 'ok');
      unchanged(idle, idle.stateVersion, 'cancel where nothing is scheduled');
      await alice.delete();
      outcome(await alice.cancel(), 'cancel without proof', 'not-authorised');
      outcome(await alice.cancel('owner', alice.effectiveAt - 1), 'cancel of another change', 'conflict');
      const wrong = await alice.start(WRONG);
      outcome(await alice.cancel(wrong), 'cancel with a wrong KE3', 'wrong-password');
      waiting((await alice.status()).statement, 'deletion');
    },
  },
  {
    id: 'vault.delete-keeps-charges',
    title: 'Deleting and registering again gives no spent attempt back',
    why: 'Guess, delete, register, guess: the ledger must outlive the key.',
    requirements: ['REG-9', 'ATT-12', 'ATT-13'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.recover(WRONG);
      await alice.recover(WRONG);
      outcome(await alice.delete('owner'), 'delete', 'ok');
      await alice.register(PASSWORD);
      const status = await alice.call('status');
      remaining(status, 1, 'after two failures, a deletion and a new registration');
      demand(status.failed === 2, `${status.failed} failed attempts are reported, not 2`);
    },
  },
  {
    id: 'vault.destruction-keeps-charges',
    title: 'Registering again after the key was destroyed gives no spent attempt back',
    why: 'A relay that burns a budget makes its owner register again, and would get another one.',
    requirements: ['REG-9', 'ATT-12', 'ATT-13'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await spent(alice);
      await alice.register(PASSWORD);
      remaining(await alice.call('status'), 1, 'after a destroyed key and a new registration');
    },
  },
  {
    id: 'vault.status',
    title: 'What status tells of a pending registration, of one that waits, and of attempts',
    why: 'A client that was cut off decides by these fields what became of its registration.',
    requirements: ['STA-1', 'STA-2'],
    run: async ({ account, fleet }) => {
      const alice = account();
      const first = await alice.register(PASSWORD);
      await alice.start(WRONG);
      const pending = await alice.finished(NEW_PASSWORD);
      const before = (await alice.status()).body;
      const hash = (confirm: Uint8Array): string => Buffer.from(confirm.slice(64)).toString('hex');
      const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
      const zero = text(zeros(32));
      demand(text(before.recordHash) === hash(first.confirm), 'another record is live', 'wrong-output');
      demand(
        text(before.pendingRecordHash) === hash(pending.confirm),
        'another record is pending',
        'wrong-output',
      );
      demand(
        text(before.pendingRegistrationId) === text(pending.registrationId),
        'another registration is pending',
        'wrong-output',
      );
      demand(text(before.scheduledRecordHash) === zero, 'a record is scheduled', 'wrong-output');
      demand(before.openAttempts === 1, `${before.openAttempts} attempts are open, not 1`, 'wrong-output');
      outcome(
        await alice.call('register-confirm', pending.confirm),
        'a confirmation without proof',
        'scheduled',
      );
      const after = (await alice.status()).body;
      demand(
        text(after.scheduledRecordHash) === hash(pending.confirm),
        'another record is scheduled',
        'wrong-output',
      );
      demand(text(after.pendingRecordHash) === zero, 'the record is still pending', 'wrong-output');
      demand(after.erasedBy === 0, 'something is said to be erased while the key lives', 'wrong-output');
      await alice.delete('owner');
      const { statement, body } = await alice.status();
      demand(text(body.scheduledRecordHash) === zero, 'a record waits behind a tombstone', 'wrong-output');
      const said = body.erasedBy;
      demand(
        fleet.level === 1 ? said === 0 : said >= statement.vaultTime && said <= statement.vaultTime + 172_800,
        `what was deleted is said to be erased by ${said}`,
        'wrong-output',
      );
    },
  },
];
