/**
 * Scenarios of waits, ceilings, last chances and relays: of vaults whose policy the runner sets, and whose time it moves.
 *
 * @module
 */
import { Account } from '../peer/account.ts';
import { fetchFleet } from '../peer/caller.ts';
import { encodeAssertion, type Vouching } from '../peer/exchange.ts';
import { sign, signerKey } from '../peer/fleet.ts';
import { fresh, same, sha256, toHex, zeros, type Bytes } from '../peer/primitives.ts';
import { now } from '../tape/tape.ts';
import { demand, outcome, remaining, right, TEST_POLICY, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const WRONG = 'battery staple';

/** What a scenario changes in an assertion. */
type Forged = Partial<Vouching> & { readonly secret?: Bytes };

/** Waits and relays. */
export const policyScenarios: readonly Scenario[] = [
  {
    id: 'vault.waits',
    title: 'Between two attempts the vault makes its clients wait, and never for the same one',
    why: 'Without waits a stolen session spends a budget in a second; an owner whose answer was lost must not wait.',
    requirements: ['RCV-1', 'ATT-2', 'RCV-4', 'ATT-11'],
    needs: 'time',
    run: async ({ controlled }) => {
      const vault = controlled();
      await vault.start({ ...TEST_POLICY, delays: [0, 0, 3600], maxBudget: 3, defaultBudget: 3, ceiling: 3 });
      const fleet = await fetchFleet(vault.url);
      const alice = new Account(vault.url, fleet);
      await alice.register(PASSWORD, 3);
      await alice.start(WRONG);
      const begun = alice.begin(PASSWORD);
      const first = begun.read(await alice.call('recover-start', begun.body));
      right(first);
      const early = await alice.start(WRONG);
      outcome(early.statement, 'an attempt before its time', 'try-later');
      const { retryAfter } = early.statement;
      demand(retryAfter > 3590 && retryAfter <= 3600, `the vault says to wait for ${retryAfter} seconds`);
      const again = begun.read(await alice.call('recover-start', begun.body));
      outcome(again.statement, 'the open attempt while others wait', 'ok');
      demand(same(again.ke2, first.ke2), 'the repeated KE1 got another KE2', 'wrong-output');
      await vault.advance(3500);
      outcome((await alice.start(WRONG)).statement, 'an attempt before its time', 'try-later');
      remaining(await alice.call('status'), 1, 'after attempts that were not begun');
      await vault.advance(100);
      outcome((await alice.start(WRONG)).statement, 'an attempt at its time', 'ok');

      // Three charges that nobody proved: that is the ceiling, whatever is registered.
      await alice.register(PASSWORD, 3, 'owner');
      await vault.advance(3600);
      const after = await alice.start(PASSWORD);
      outcome(after.statement, 'an attempt at the ceiling', 'try-later');
      demand(after.statement.remaining > 0, 'no attempt is left of the new generation');
      await vault.advance(360 * 86_400);
      outcome((await alice.recover(PASSWORD)).statement, 'the right password a year later', 'ok');
      await vault.stop('term');
    },
  },
  {
    id: 'vault.last-chance-undisturbed',
    title: 'Nothing that others send in a last chance ends it',
    why: 'A relay that can kill the right last guess destroys every key that is nearly spent.',
    requirements: ['ATT-14', 'ATT-15', 'RCV-5'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      const { sealedKey } = await alice.register(PASSWORD);
      await alice.start(WRONG);
      await alice.start(WRONG);
      const last = await alice.start(PASSWORD);
      right(last);
      const { ke1 } = alice.begin(WRONG);
      for (let i = 0; i < 4; i++)
        outcome((await alice.start(WRONG)).statement, 'another attempt', 'try-later');
      outcome(await alice.finish({ ...last, attemptId: zeros(32) }), 'an unknown attempt id', 'conflict');
      outcome(await alice.finish({ ...last, ke1, ke3: zeros(64) }), 'an unknown KE1', 'conflict');
      await advance(fleet.lastChanceSeconds - 30);
      demand((await alice.call('status')).phase === 'last-chance', 'the last chance is over before its time');
      const finished = await alice.finish(last);
      outcome(finished, 'the right KE3 before the deadline', 'ok');
      demand(same(finished.body, sealedKey), 'another key came back', 'wrong-output');
    },
  },
  {
    id: 'vault.last-chance-over',
    title: 'At the deadline of a last chance the key is destroyed',
    why: 'A secret that stays behind a spent budget is there for whoever comes later.',
    requirements: ['ATT-17', 'ATT-1'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.start(WRONG);
      await alice.start(WRONG);
      const last = await alice.start(PASSWORD);
      right(last);
      await advance(fleet.lastChanceSeconds);
      outcome(await alice.finish(last), 'the right KE3 at the deadline', 'destroyed');
    },
  },
  {
    id: 'vault.answer-forgotten',
    title: 'A closed attempt is remembered for a day',
    why: 'For so long the same bytes get the same answer; afterwards they are those of no attempt.',
    requirements: ['ATT-10', 'RCV-8'],
    needs: 'time',
    run: async ({ account, advance }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const attempt = await alice.start(PASSWORD);
      outcome(await alice.finish(attempt), 'a right KE3', 'ok');
      await advance(86_000);
      outcome(await alice.finish(attempt), 'the same a little less than a day later', 'ok');
      await advance(400);
      outcome(await alice.finish(attempt), 'the same a day later', 'conflict');
    },
  },
  {
    id: 'vault.assertions',
    title: 'A vault with relays believes the assertion that fits, and no other',
    why: 'A relay speaks for its users; whoever else is believed owns every account.',
    requirements: ['XCH-1', 'XCH-3', 'XCH-9'],
    needs: 'control',
    run: async ({ controlled }) => {
      const vault = controlled();
      const relay = fresh(32);
      const relayKeys = [toHex(signerKey(relay))];
      await vault.start({ ...TEST_POLICY, assertionMode: 'ed25519', relayKeys });
      const fleet = await fetchFleet(vault.url);
      const soon = Math.floor(now() / 1000) + 60;
      const name = fresh(12);
      const clientOf = (forged: Forged = {}): Account => {
        const { secret = relay, ...change } = forged;
        const vouch = (sealed: Bytes): Bytes =>
          encodeAssertion({
            account: name,
            requestHash: sha256(sealed),
            expires: soon,
            relayKeyId: sha256(signerKey(secret)).slice(0, 8),
            sign: (message) => sign(secret, message),
            ...change,
          });
        return Object.assign(new Account(vault.url, fleet, name), { vouch });
      };
      const alice = clientOf();
      await alice.register(PASSWORD);
      const sealed = alice.seal(6, zeros(0));
      for (const what of ['an assertion', 'the same assertion again'])
        outcome(await alice.send(sealed), what, 'ok');
      const stranger = fresh(32);
      for (const [what, forger] of [
        ['no assertion', new Account(vault.url, fleet, name)],
        ['an assertion for another account', clientOf({ account: fresh(12) })],
        ['an assertion for another request', clientOf({ requestHash: fresh(32) })],
        ['an assertion that has expired', clientOf({ expires: soon - 120 })],
        ['an assertion of another relay', clientOf({ secret: stranger })],
        [
          'another relay under the name of the right one',
          clientOf({ sign: (message) => sign(stranger, message) }),
        ],
        ['a signature of zeros', clientOf({ sign: () => zeros(64) })],
      ] as const) {
        const statement = await forger.call('status');
        outcome(statement, what, 'not-authorised');
        demand(
          statement.stateVersion === 0 && statement.phase === 'none' && statement.budget === 0,
          `${what}: the refusal tells of the account`,
          'over-release',
        );
      }
      await vault.stop('term');
    },
  },
];
