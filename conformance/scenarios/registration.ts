/**
 * Scenarios of registration.
 *
 * @module
 */
import { blindElement } from '../peer/opaque.ts';
import { cat, prefixed, same, utf8, zeros, be } from '../peer/primitives.ts';
import { demand, outcome, remaining, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const NEW_PASSWORD = 'new horse';
const WRONG = 'battery staple';

/** Registration and replacement. */
export const registrationScenarios: readonly Scenario[] = [
  {
    id: 'vault.pending-invisible',
    title: 'A registration is invisible until it is confirmed',
    why: 'An unconfirmed registration that is served could be guessed at by whoever dropped the confirmation.',
    requirements: ['RCV-1', 'REG-7'],
    run: async ({ account }) => {
      const alice = account();
      const registration = await alice.prepare(PASSWORD);
      outcome(await alice.call('register-finish', registration.finish), 'register-finish', 'ok');
      outcome(
        (await alice.start(PASSWORD)).statement,
        'recover-start before the confirmation',
        'not-registered',
      );
      outcome(await alice.call('register-confirm', registration.confirm), 'register-confirm', 'ok');
      outcome((await alice.recover(PASSWORD)).statement, 'a recovery after the confirmation', 'ok');
    },
  },
  {
    id: 'vault.two-starts',
    title: 'A second register-start discards the first',
    why: 'At most one element may be evaluated under a seed: two that live side by side are two guesses.',
    requirements: ['REG-1', 'REG-2', 'REG-6'],
    run: async ({ account }) => {
      const alice = account();
      const first = await alice.prepare(PASSWORD);
      const second = await alice.prepare(PASSWORD);
      demand(
        !same(first.registrationId, second.registrationId),
        'two registrations have one id',
        'not-fresh',
      );
      outcome(
        await alice.call('register-finish', first.finish),
        'the finish of a discarded registration',
        'conflict',
      );
      outcome(await alice.call('register-finish', second.finish), 'the finish of the second', 'ok');
      outcome(await alice.call('register-confirm', second.confirm), 'its confirmation', 'ok');
    },
  },
  {
    id: 'vault.fresh-seed',
    title: 'Each register-start has a seed of its own',
    why: 'The same seed for two registrations makes every registration an uncharged guess at the other.',
    requirements: ['REG-2', 'REG-4', 'OPQ-16'],
    run: async ({ account }) => {
      const alice = account();
      const blind = cat(be(1, 5), zeros(31));
      const one = await alice.call('register-start', prefixed(1, blindElement(utf8(PASSWORD), blind)));
      await alice.call('register-start', prefixed(1, blindElement(utf8(WRONG), blind)));
      const again = await alice.call('register-start', prefixed(1, blindElement(utf8(PASSWORD), blind)));
      for (const statement of [one, again]) outcome(statement, 'register-start', 'ok');
      // Evaluated element: behind registration id, generation, two key ids and a length.
      const element = (body: Uint8Array): Uint8Array =>
        body.slice(32 + 8 + 8 + 8 + 1, 32 + 8 + 8 + 8 + 1 + 32);
      demand(
        !same(element(one.body), element(again.body)),
        'two registrations evaluate under one seed',
        'not-fresh',
      );
    },
  },
  {
    id: 'vault.register-idempotent',
    title: 'Every request of a registration may be repeated',
    why: 'A lost answer must not strand a backup.',
    requirements: ['REG-6', 'REG-7'],
    run: async ({ account }) => {
      const alice = account();
      const registration = await alice.prepare(PASSWORD);
      for (const what of ['register-finish', 'the same register-finish']) {
        outcome(await alice.call('register-finish', registration.finish), what, 'ok');
      }
      const first = await alice.call('register-confirm', registration.confirm);
      const second = await alice.call('register-confirm', registration.confirm);
      outcome(first, 'register-confirm', 'ok');
      outcome(second, 'the same register-confirm', 'ok');
      demand(first.stateVersion === second.stateVersion, 'a repetition advanced the state version');
    },
  },
  {
    id: 'vault.confirm-secret',
    title: 'Only the secret of the registration confirms it',
    why: 'A relay that has seen the requests must not be able to bring a registration to life.',
    requirements: ['REG-7'],
    run: async ({ account }) => {
      const alice = account();
      const { finish, confirm } = await alice.prepare(PASSWORD);
      outcome(await alice.call('register-finish', finish), 'register-finish', 'ok');
      const wrongSecret = cat(confirm.slice(0, 32), zeros(32), confirm.slice(64));
      outcome(await alice.call('register-confirm', wrongSecret), 'a wrong secret', 'not-authorised');
      const wrongHash = cat(confirm.slice(0, 64), zeros(32));
      outcome(
        await alice.call('register-confirm', wrongHash),
        'the hash of another record',
        'conflict',
        'not-authorised',
      );
      outcome((await alice.start(PASSWORD)).statement, 'recover-start', 'not-registered');
      outcome(await alice.call('register-confirm', confirm), 'the right secret', 'ok');
    },
  },
  {
    id: 'vault.replace-needs-proof',
    title: 'Replacing a live registration needs proof',
    why: 'Whoever the relay lets in could overwrite the record.',
    requirements: ['REG-7'],
    run: async ({ account }) => {
      const alice = account();
      const { sealedKey } = await alice.register(PASSWORD);
      const { finish, confirm } = await alice.prepare(NEW_PASSWORD);
      await alice.call('register-finish', finish);
      outcome(await alice.call('register-confirm', confirm), 'a confirmation without proof', 'scheduled');
      const forged = cat(be(1, 2), zeros(64));
      outcome(
        await alice.call('register-confirm', confirm, forged),
        'a forged owner signature',
        'not-authorised',
      );
      const { statement } = await alice.recover(PASSWORD);
      outcome(statement, 'the old password', 'ok');
      demand(same(statement.body, sealedKey), 'the key was replaced without proof', 'accepted-invalid');
    },
  },
  {
    id: 'vault.replace-by-owner',
    title: 'The owner key replaces a registration at once',
    why: 'The old generation must be gone in the same commit, with its password.',
    requirements: ['REG-7', 'REG-8'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { sealedKey } = await alice.register(NEW_PASSWORD, 3, 'owner');
      const { statement } = await alice.recover(NEW_PASSWORD);
      outcome(statement, 'the new password', 'ok');
      demand(same(statement.body, sealedKey), 'the old key came back', 'wrong-output');
      const old = await alice.recover(PASSWORD);
      demand(!old.attempt.right, 'the old password still opens', 'accepted-invalid');
      outcome(old.statement, 'the old password', 'wrong-password');
    },
  },
  {
    id: 'vault.replace-by-password',
    title: 'A proved recovery replaces a registration at once',
    why: 'The KE3 of an open attempt proves the old password; the commit that uses it closes the attempt.',
    requirements: ['REG-7', 'REG-8'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { finish, confirm } = await alice.prepare(NEW_PASSWORD);
      await alice.call('register-finish', finish);
      const attempt = await alice.start(PASSWORD);
      const confirmed = await alice.call('register-confirm', confirm, alice.proof(attempt));
      outcome(confirmed, 'register-confirm with the KE3 of an open attempt', 'ok');
      remaining(confirmed, 3, 'after a replacement that the old password proved');
      outcome((await alice.recover(NEW_PASSWORD)).statement, 'the new password', 'ok');
    },
  },
  {
    id: 'vault.owner-signature-bound',
    title: 'An owner signature is good for one request of one account',
    why: 'A signature over less than fleet, account, command and body can be used elsewhere.',
    requirements: ['REG-7'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { finish, confirm } = await alice.prepare(NEW_PASSWORD);
      await alice.call('register-finish', finish);
      const otherBody = alice.owner('register-confirm', zeros(96));
      outcome(
        await alice.call('register-confirm', confirm, otherBody),
        'a signature over another body',
        'not-authorised',
      );
      const otherCommand = alice.owner('register-finish', confirm);
      outcome(
        await alice.call('register-confirm', confirm, otherCommand),
        'a signature over another command',
        'not-authorised',
      );
      const bob = Object.assign(account(), { ownerSecret: alice.ownerSecret });
      const otherAccount = bob.owner('register-confirm', confirm);
      outcome(
        await alice.call('register-confirm', confirm, otherAccount),
        'a signature for another account',
        'not-authorised',
      );
    },
  },
  {
    id: 'vault.re-registration-keeps-charges',
    title: 'A new registration does not give spent attempts back',
    why: 'Guess, register again, guess again: without the ledger of the account every registration is a fresh budget.',
    requirements: ['ATT-13', 'REG-9', 'ATT-12'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.recover(WRONG);
      await alice.recover(WRONG);
      await alice.register(NEW_PASSWORD, 3, 'owner');
      remaining(await alice.call('status'), 1, 'after two failures and a new registration');
      await alice.register(PASSWORD, 3, 'owner');
      const status = await alice.call('status');
      remaining(status, 1, 'after two failures and two new registrations');
      demand(
        status.failed === 2,
        `${status.failed} failed attempts are reported after a new registration, not 2`,
      );
    },
  },
  {
    id: 'vault.bad-record',
    title: 'Records that are no records are refused',
    why: 'A record that cannot be used is an account that cannot be recovered.',
    requirements: ['OPQ-23', 'REG-6'],
    run: async ({ account }) => {
      const alice = account();
      const { finish } = await alice.prepare(PASSWORD);
      const broken = finish.slice();
      broken.set(zeros(32), 34);
      outcome(
        await alice.call('register-finish', broken),
        'a record with the identity as its key',
        'malformed',
      );
      const budget = finish.slice();
      budget[budget.length - 1] = 101;
      outcome(await alice.call('register-finish', budget), 'a budget of 101', 'malformed');
      outcome(
        await alice.call('register-start', prefixed(1, zeros(32))),
        'the identity as a registration request',
        'malformed',
      );
      outcome(await alice.call('register-finish', finish), 'the right record', 'ok', 'conflict');
    },
  },
];
