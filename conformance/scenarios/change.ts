/**
 * Scenarios of changing the password.
 *
 * @module
 */
import {
  changeFinishBody,
  changeStartBody,
  decodeChangeStarted,
  decodeRegisterStarted,
} from '../peer/bodies.ts';
import { signerKey } from '../peer/fleet.ts';
import { cat, fresh, prefixed, same, zeros } from '../peer/primitives.ts';
import { demand, outcome, remaining, right, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const NEW_PASSWORD = 'new horse';
const WRONG = 'battery staple';

/** Changes of the password in two requests. */
export const changeScenarios: readonly Scenario[] = [
  {
    id: 'vault.change',
    title: 'The password changes in two requests',
    why: 'One commit ends the old password and begins the new one; the right password costs nothing.',
    requirements: ['CHG-1', 'CHG-2', 'CHG-3'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const change = await alice.change(PASSWORD, NEW_PASSWORD, { budget: 5 });
      outcome(change.statement, 'change-start', 'ok');
      demand(change.attempt.right, 'KE2 does not open with the old password', 'wrong-output');
      remaining(change.statement, 2, 'after change-start');
      const changed = await alice.call('change-finish', change.finish);
      outcome(changed, 'change-finish', 'ok');
      remaining(changed, 5, 'of the new generation');
      demand(changed.failed === 0, `${changed.failed} failed attempts are reported, not 0`);
      const { statement } = await alice.recover(NEW_PASSWORD);
      outcome(statement, 'the new password', 'ok');
      demand(same(statement.body, change.sealedKey), 'the old key came back', 'wrong-output');
      const old = await alice.recover(PASSWORD);
      demand(!old.attempt.right, 'the old password still opens', 'accepted-invalid');
    },
  },
  {
    id: 'vault.change-repeated',
    title: 'Both requests of a change may be repeated',
    why: 'A lost answer must neither cost an attempt nor leave the owner between two passwords.',
    requirements: ['CHG-1', 'CHG-2', 'XCH-12'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { ke1 } = alice.begin(PASSWORD);
      const body = changeStartBody(ke1, alice.begin(NEW_PASSWORD).ke1.slice(0, 32));
      const first = await alice.call('change-start', body);
      const second = await alice.call('change-start', body);
      outcome(first, 'change-start', 'ok');
      demand(same(first.body, second.body), 'the repeated change-start got another answer', 'wrong-output');
      demand(first.stateVersion === second.stateVersion, 'a repetition advanced the state version');
      const change = await alice.change(PASSWORD, NEW_PASSWORD);
      const [one, two] = [
        await alice.call('change-finish', change.finish),
        await alice.call('change-finish', change.finish),
      ];
      outcome(one, 'change-finish', 'ok');
      outcome(two, 'the same change-finish', 'ok');
      demand(same(one.body, two.body), 'the repeated change-finish got another answer', 'wrong-output');
      demand(one.stateVersion === two.stateVersion, 'a repetition advanced the state version');
    },
  },
  {
    id: 'vault.change-wrong',
    title: 'A change with a wrong password is a failed attempt, and changes nothing',
    why: 'The second request must prove the old password, or whoever is let in sets a new one.',
    requirements: ['CHG-2'],
    run: async ({ account }) => {
      const alice = account();
      const { sealedKey } = await alice.register(PASSWORD);
      const change = await alice.change(WRONG, NEW_PASSWORD);
      remaining(change.statement, 2, 'after change-start');
      for (const what of ['a wrong KE3', 'the same wrong KE3']) {
        const statement = await alice.call('change-finish', change.finish);
        outcome(statement, what, 'wrong-password');
        remaining(statement, 2, what);
      }
      const { statement } = await alice.recover(PASSWORD);
      outcome(statement, 'the old password', 'ok');
      demand(same(statement.body, sealedKey), 'the key was changed without proof', 'accepted-invalid');
      demand(statement.failed === 1, `${statement.failed} failed attempts are reported, not 1`);
    },
  },
  {
    id: 'vault.change-charged',
    title: 'change-start is charged like every attempt',
    why: 'An evaluation that is not charged is a guess for nothing.',
    requirements: ['CHG-1', 'ATT-14'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      for (const left of [2, 1, 0]) {
        remaining((await alice.change(WRONG, NEW_PASSWORD)).statement, left, 'after change-start');
      }
      const fourth = await alice.change(PASSWORD, NEW_PASSWORD);
      outcome(fourth.statement, 'change-start after the last chance began', 'try-later');
    },
  },
  {
    id: 'vault.change-same-ke1',
    title: 'The same KE1 with another registration is not charged, and discards the one before',
    why: 'Two elements under one seed are two guesses; and an attempt that is open was paid for.',
    requirements: ['CHG-1', 'CHG-2', 'REG-2'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const begun = alice.begin(PASSWORD);
      const first = await alice.change(PASSWORD, NEW_PASSWORD, { begun });
      const second = await alice.change(PASSWORD, NEW_PASSWORD, { begun });
      outcome(second.statement, 'change-start with the same KE1', 'ok');
      remaining(second.statement, 2, 'after the same KE1 twice');
      demand(same(first.attempt.ke2, second.attempt.ke2), 'the same KE1 got another KE2', 'wrong-output');
      outcome(
        await alice.call('change-finish', first.finish),
        'change-finish with a registration that was discarded',
        'conflict',
      );
      outcome(await alice.call('change-finish', second.finish), 'change-finish with the second', 'ok');
    },
  },
  {
    id: 'vault.change-finish-bounds',
    title: 'A change that the policy does not allow, and an attempt that stays open',
    why: 'A record that cannot be used must not take the place of one that can.',
    requirements: ['CHG-2', 'OPQ-23'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { attempt, finish } = await alice.change(PASSWORD, NEW_PASSWORD);
      const budget = finish.slice();
      budget[budget.length - 1] = 101;
      outcome(await alice.call('change-finish', budget), 'a budget of 101', 'malformed');
      const owner = finish.slice();
      owner.set(zeros(32), owner.length - 33);
      outcome(await alice.call('change-finish', owner), 'an owner key of small order', 'malformed');
      // Record: behind KE1, attempt id, KE3, acknowledgement, registration id and its length.
      const record = finish.slice();
      record.set(zeros(32), 97 + 32 + 65 + 8 + 32 + 2);
      outcome(
        await alice.call('change-finish', record),
        'a record with the identity as its key',
        'malformed',
      );
      outcome(
        await alice.call('change-finish', cat(prefixed(1, attempt.ke1.slice(1)), finish.slice(97))),
        'a KE1 that is one byte short',
        'malformed',
      );
      remaining(await alice.call('status'), 2, 'after bodies that are refused');
      outcome(await alice.call('change-finish', finish), 'the right change-finish', 'ok');
    },
  },
  {
    id: 'vault.change-unknown',
    title: 'A change that was not begun',
    why: 'Neither an attempt of its own nor a registration of its own may be made up.',
    requirements: ['CHG-2'],
    run: async ({ account, fleet }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const body = {
        record: zeros(192),
        stretch: fleet.stretch,
        sealedKey: fresh(48),
        ownerKey: signerKey(alice.ownerSecret),
        budget: 3,
      };
      const attempt = await alice.start(PASSWORD);
      const alone = changeFinishBody({ ...attempt, ...body, registrationId: zeros(32) });
      outcome(await alice.call('change-finish', alone), 'an attempt without a registration', 'conflict');
      const { finish } = await alice.change(PASSWORD, NEW_PASSWORD);
      const other = finish.slice();
      other.set(zeros(32), 97);
      outcome(await alice.call('change-finish', other), 'an unknown attempt id', 'conflict');
      outcome(await alice.call('change-finish', finish), 'the change itself, afterwards', 'ok');
    },
  },
  {
    id: 'vault.change-nothing',
    title: 'Changing a password where there is none',
    why: 'Each phase has its answer: a client tells its owner what it says.',
    requirements: ['CHG-1'],
    run: async ({ account }) => {
      const nobody = account();
      outcome((await nobody.change(PASSWORD, NEW_PASSWORD)).statement, 'nobody registered', 'not-registered');
      const alice = account();
      await alice.register(PASSWORD);
      const { ke1 } = alice.begin(PASSWORD);
      outcome(
        await alice.call('change-start', changeStartBody(ke1, zeros(32))),
        'the identity as a registration request',
        'malformed',
      );
      remaining(await alice.call('status'), 3, 'after a registration request that is none');
      for (let i = 0; i < 3; i++) await alice.recover(WRONG);
      outcome((await alice.change(PASSWORD, NEW_PASSWORD)).statement, 'a destroyed key', 'destroyed');
    },
  },
  {
    id: 'vault.change-keeps-ledger',
    title: 'A change keeps the failures of others',
    why: 'The owner who changes the password because of them must not be told that there were none.',
    requirements: ['CHG-2', 'REG-9', 'ATT-12'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.recover(WRONG);
      const change = await alice.change(PASSWORD, NEW_PASSWORD);
      const changed = await alice.call('change-finish', change.finish);
      outcome(changed, 'change-finish', 'ok');
      remaining(changed, 3, 'of a generation that the old password proved');
      demand(changed.failed === 1, `${changed.failed} failed attempts are reported, not 1`);
      await alice.register(PASSWORD, 3, 'owner');
      remaining(await alice.call('status'), 2, 'of a generation that the password did not prove');
    },
  },
  {
    id: 'vault.live-seed',
    title: 'No registration is evaluated under the seed of the key in use',
    why: 'The answer would be the one that a charged attempt gets, without the charge.',
    requirements: ['REG-3', 'CHG-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { ke1, body, read } = alice.begin(PASSWORD);
      const blinded = ke1.slice(0, 32);
      const registered = decodeRegisterStarted(
        (await alice.call('register-start', prefixed(1, blinded))).body,
      );
      const attempt = read(await alice.call('recover-start', body));
      right(attempt);
      const live = attempt.ke2.slice(0, 32);
      demand(
        !same(registered.response.slice(0, 32), live),
        'register-start evaluates under the live seed',
        'not-fresh',
      );
      const changed = await alice.call('change-start', changeStartBody(ke1, blinded));
      outcome(changed, 'change-start', 'ok');
      const { response } = decodeRegisterStarted(decodeChangeStarted(changed.body).registration);
      demand(!same(response.slice(0, 32), live), 'change-start evaluates under the live seed', 'not-fresh');
      const other = await alice.call(
        'change-start',
        changeStartBody(ke1, alice.begin(WRONG).ke1.slice(0, 32)),
      );
      outcome(other, 'change-start with another element', 'ok');
      const back = await alice.call('change-start', changeStartBody(ke1, blinded));
      const again = decodeRegisterStarted(decodeChangeStarted(back.body).registration);
      demand(!same(again.response, response), 'two registrations evaluate under one seed', 'not-fresh');
    },
  },
];
