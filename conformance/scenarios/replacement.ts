/**
 * Scenarios of replacements that wait.
 *
 * @module
 */
import { cat, same, zeros } from '../peer/primitives.ts';
import { demand, outcome, remaining, waiting, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const NEW_PASSWORD = 'new horse';
const WRONG = 'battery staple';

/** Replacements without proof. */
export const replacementScenarios: readonly Scenario[] = [
  {
    id: 'vault.replace-unproved',
    title: 'Without proof a replacement waits, and the old key stays in use',
    why: 'Whoever the relay lets in could overwrite the record with three requests and no guess.',
    requirements: ['REG-7', 'ATT-30', 'XCH-26'],
    run: async ({ account, fleet }) => {
      const alice = account();
      const { sealedKey } = await alice.register(PASSWORD);
      const { confirm } = await alice.finished(NEW_PASSWORD);
      const scheduled = await alice.call('register-confirm', confirm);
      outcome(scheduled, 'a confirmation without proof', 'scheduled');
      waiting(scheduled, 'replacement', fleet);
      demand(scheduled.body.length === 0, 'the answer has a body', 'wrong-output');
      const again = await alice.call('register-confirm', confirm);
      outcome(again, 'the same confirmation', 'scheduled');
      demand(again.stateVersion === scheduled.stateVersion, 'a repetition advanced the state version');
      const attempt = await alice.start(PASSWORD);
      waiting(attempt.statement, 'replacement');
      const finished = await alice.finish(attempt);
      outcome(finished, 'the old password', 'ok');
      demand(same(finished.body, sealedKey), 'the key was replaced without proof', 'accepted-invalid');
    },
  },
  {
    id: 'vault.replace-takes-effect',
    title: 'A replacement that waits goes live at its time, and not before',
    why: 'An owner who has lost key and password can only come back so; and nothing of the budget comes with it.',
    requirements: ['ATT-27', 'ATT-30', 'REG-8', 'ATT-13'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.recover(WRONG);
      const { confirm, sealedKey } = await alice.finished(NEW_PASSWORD);
      outcome(await alice.call('register-confirm', confirm), 'a confirmation without proof', 'scheduled');
      await advance(fleet.graceSeconds - 60);
      const early = await alice.start(NEW_PASSWORD);
      demand(!early.right, 'the new password opens a minute before its time', 'accepted-invalid');
      await alice.finish(early);
      await advance(60);
      const status = await alice.call('status');
      waiting(status, 'none');
      remaining(status, 1, 'of a generation that nobody proved, after two failures');
      const { statement } = await alice.recover(NEW_PASSWORD);
      outcome(statement, 'the new password at its time', 'ok');
      demand(same(statement.body, sealedKey), 'the old key came back', 'wrong-output');
      const old = await alice.recover(PASSWORD);
      demand(!old.attempt.right, 'the old password still opens', 'accepted-invalid');
    },
  },
  {
    id: 'vault.replace-second',
    title: 'A second replacement without proof does not take the place of the first',
    why: 'The owner who looks once and sees a time must not find another key behind it.',
    requirements: ['REG-7', 'REG-12'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const first = await alice.finished(NEW_PASSWORD);
      const scheduled = await alice.call('register-confirm', first.confirm);
      const second = await alice.finished(WRONG);
      for (const statement of [await alice.call('register-confirm', second.confirm), await alice.delete()]) {
        outcome(statement, 'what comes second, without proof', 'scheduled');
        waiting(statement, 'replacement');
        demand(statement.effectiveAt === scheduled.effectiveAt, 'the time has moved');
      }
      const { body } = await alice.status();
      demand(same(body.scheduledRecordHash, first.confirm.slice(64)), 'the second waits, not the first');
    },
  },
  {
    id: 'vault.replace-proved-later',
    title: 'A replacement that waits goes live at once when it is proved',
    why: 'The owner who finds the key again must not have to wait for nothing.',
    requirements: ['REG-7', 'REG-8'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { confirm } = await alice.finished(NEW_PASSWORD);
      await alice.call('register-confirm', confirm);
      const wrongSecret = cat(confirm.slice(0, 32), zeros(32), confirm.slice(64));
      outcome(
        await alice.prove('register-confirm', wrongSecret, 'owner'),
        'a proof with another secret',
        'not-authorised',
      );
      const live = await alice.prove('register-confirm', confirm, 'owner');
      outcome(live, 'the confirmation with a signature of the owner', 'ok');
      waiting(live, 'none');
      outcome((await alice.recover(NEW_PASSWORD)).statement, 'the new password', 'ok');
    },
  },
  {
    id: 'vault.replace-ends-deletion',
    title: 'A proved replacement ends what waits',
    why: 'A deletion of the old key must not strike the new one.',
    requirements: ['REG-7', 'REG-8', 'REG-12'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      await alice.register(PASSWORD);
      outcome(await alice.delete(), 'delete without proof', 'scheduled');
      await alice.register(NEW_PASSWORD, 3, 'owner');
      waiting(await alice.call('status'), 'none');
      await advance(fleet.graceSeconds + 60);
      outcome((await alice.recover(NEW_PASSWORD)).statement, 'the new password after the time', 'ok');
    },
  },
  {
    id: 'vault.replayed-replacement',
    title: 'A relay plays a replacement back that its owner has cancelled',
    why: 'It could keep an unwanted key waiting until nobody looks.',
    requirements: ['REG-7', 'DEL-3'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { finish, confirm } = await alice.finished(NEW_PASSWORD);
      outcome(await alice.call('register-confirm', confirm), 'a confirmation without proof', 'scheduled');
      outcome(await alice.cancel('owner'), 'cancel', 'ok');
      outcome(await alice.call('register-finish', finish), 'the old register-finish', 'conflict');
      const replayed = await alice.call('register-confirm', confirm);
      outcome(replayed, 'the old register-confirm', 'conflict');
      waiting(replayed, 'none');
    },
  },
  {
    id: 'vault.replace-destroyed',
    title: 'What waits is erased together with the key',
    why: 'A relay that spends a budget must not bring its own key to life by that.',
    requirements: ['ATT-16', 'REG-12'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { confirm } = await alice.finished(NEW_PASSWORD);
      await alice.call('register-confirm', confirm);
      for (let i = 0; i < 3; i++) await alice.recover(WRONG);
      await advance(fleet.graceSeconds + 60);
      const { statement, body } = await alice.status();
      demand(statement.phase === 'destroyed', `the phase is ${statement.phase}`);
      waiting(statement, 'none');
      demand(same(body.scheduledRecordHash, zeros(32)), 'a record waits behind a tombstone', 'wrong-output');
    },
  },
  {
    id: 'vault.last-chance-before-change',
    title: 'A last chance that is over and a replacement that is due: the last chance comes first',
    why: 'In the other order a spent budget turns into a new key.',
    requirements: ['ATT-27', 'ATT-17'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { confirm } = await alice.finished(NEW_PASSWORD);
      await alice.call('register-confirm', confirm);
      for (let i = 0; i < 3; i++) await alice.start(WRONG);
      // The sweeper looks once a second: both are over before it, or a request, comes.
      await advance(fleet.graceSeconds + 60);
      const { statement } = await alice.status();
      demand(statement.phase === 'destroyed', `the phase is ${statement.phase}`);
    },
  },
];
