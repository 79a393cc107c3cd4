/**
 * Scenarios of recovery and of counting attempts.
 *
 * @module
 */
import { prefixed, same, zeros } from '../peer/primitives.ts';
import { demand, outcome, remaining, right, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const WRONG = 'battery staple';

/** Recovery, budgets and idempotence. */
export const attemptScenarios: readonly Scenario[] = [
  {
    id: 'vault.recover',
    title: 'Register, and recover with the right password',
    why: 'The whole way, with every message read twice from the specification.',
    requirements: ['RCV-1', 'RCV-5', 'REG-7'],
    run: async ({ account }) => {
      const alice = account();
      const { sealedKey } = await alice.register(PASSWORD);
      const attempt = await alice.start(PASSWORD);
      right(attempt);
      remaining(attempt.statement, 2, 'after one charge');
      const finished = await alice.finish(attempt);
      outcome(finished, 'recover-finish', 'ok');
      demand(
        same(finished.body, sealedKey),
        'another sealed key came back than was registered',
        'wrong-output',
      );
      remaining(finished, 3, 'after a proof');
    },
  },
  {
    id: 'vault.many-logins',
    title: 'More recoveries than the budget has attempts, all proved',
    why: 'A proof must give its charge back, or honest owners are locked out.',
    requirements: ['ATT-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      for (let i = 0; i < 5; i++) {
        const { statement } = await alice.recover(PASSWORD);
        outcome(statement, `recovery ${i + 1}`, 'ok');
        remaining(statement, 3, `recovery ${i + 1}`);
      }
    },
  },
  {
    id: 'vault.budget',
    title: 'Three wrong passwords destroy a key whose budget is three',
    why: 'A vault that counts wrongly, or that only hides the key, lets guessing go on.',
    requirements: ['ATT-1', 'RCV-5', 'ATT-16'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      for (const left of [2, 1]) {
        const { attempt, statement } = await alice.recover(WRONG);
        demand(!attempt.right, 'KE2 opens with a wrong password', 'wrong-output');
        remaining(attempt.statement, left, 'after a charge');
        outcome(statement, 'a wrong KE3', 'wrong-password');
        remaining(statement, left, 'after a wrong KE3');
      }
      const last = await alice.recover(WRONG);
      remaining(last.attempt.statement, 0, 'after the last charge');
      outcome(last.statement, 'the last wrong KE3', 'destroyed', 'wrong-password');
      const after = await alice.start(PASSWORD);
      outcome(after.statement, 'the right password after the budget was spent', 'destroyed');
      demand(after.statement.phase === 'destroyed', `the phase is ${after.statement.phase}`);
    },
  },
  {
    id: 'vault.abort',
    title: 'Attempts that are never finished are charged',
    why: 'A vault that charges at the end gives every guess away to whoever stops before it.',
    requirements: ['ATT-1', 'ATT-14'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      for (const left of [2, 1, 0]) remaining((await alice.start(WRONG)).statement, left, 'after a start');
      const fourth = await alice.start(PASSWORD);
      outcome(fourth.statement, 'a start after the last chance began', 'try-later');
      demand(fourth.statement.phase === 'last-chance', `the phase is ${fourth.statement.phase}`);
      remaining(await alice.call('status'), 0, 'status');
    },
  },
  {
    id: 'vault.last-chance',
    title: 'The right password in the last attempt restores the account',
    why: 'A right last guess is not punished; and no secret lies behind a spent budget.',
    requirements: ['ATT-1', 'ATT-15'],
    run: async ({ account }) => {
      const alice = account();
      const { sealedKey } = await alice.register(PASSWORD);
      await alice.start(WRONG);
      await alice.start(WRONG);
      const last = await alice.start(PASSWORD);
      right(last);
      demand(last.statement.phase === 'last-chance', `the phase is ${last.statement.phase}`);
      const finished = await alice.finish(last);
      outcome(finished, 'the right KE3 of the last attempt', 'ok');
      demand(
        same(finished.body, sealedKey),
        'another sealed key came back than was registered',
        'wrong-output',
      );
      remaining(finished, 3, 'after the proof');
    },
  },
  {
    id: 'vault.last-chance-earlier',
    title: 'In the last chance an earlier open attempt may still be proved',
    why: 'The attempts that are open when the budget is spent decide together.',
    requirements: ['ATT-15'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const first = await alice.start(PASSWORD);
      await alice.start(WRONG);
      const third = await alice.start(WRONG);
      outcome(await alice.finish(third), 'a wrong KE3 in the last chance', 'wrong-password');
      outcome(await alice.finish(first), 'the right KE3 of an earlier attempt', 'ok');
    },
  },
  {
    id: 'vault.same-ke1',
    title: 'The same KE1 gets the same KE2, and no charge',
    why: 'A lost answer must cost the owner nothing.',
    requirements: ['XCH-19', 'RCV-4', 'XCH-12'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const begun = alice.begin(PASSWORD);
      const first = begun.read(await alice.call('recover-start', begun.body));
      const second = begun.read(await alice.call('recover-start', begun.body));
      right(second);
      demand(
        same(first.ke2, second.ke2) && same(first.attemptId, second.attemptId),
        'the repeated KE1 got another KE2',
        'wrong-output',
      );
      remaining(second.statement, 2, 'after the same KE1 twice');
      demand(
        second.statement.stateVersion === first.statement.stateVersion,
        'a repetition advanced the state version',
      );
    },
  },
  {
    id: 'vault.same-ke3',
    title: 'The same KE3 gets the same answer',
    why: 'A lost answer must not turn a proof into a conflict, or a wrong KE3 into a second charge.',
    requirements: ['RCV-8', 'XCH-12'],
    run: async ({ account }) => {
      const alice = account();
      const { sealedKey } = await alice.register(PASSWORD);
      const wrong = await alice.start(WRONG);
      for (const what of ['a wrong KE3', 'the same wrong KE3'])
        outcome(await alice.finish(wrong), what, 'wrong-password');
      const good = await alice.start(PASSWORD);
      const [first, second] = [await alice.finish(good), await alice.finish(good)];
      outcome(first, 'a right KE3', 'ok');
      outcome(second, 'the same right KE3', 'ok');
      demand(same(second.body, sealedKey), 'the repetition brought another sealed key', 'wrong-output');
      demand(second.stateVersion === first.stateVersion, 'a repetition advanced the state version');
    },
  },
  {
    id: 'vault.second-guess',
    title: 'A closed attempt takes no second KE3',
    why: 'One charge is one guess: a vault that lets an attempt be finished again gives the others away.',
    requirements: ['RCV-5'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const attempt = await alice.start(PASSWORD);
      const wrong = { ...attempt, ke3: zeros(64) };
      outcome(await alice.finish(wrong), 'a wrong KE3', 'wrong-password');
      outcome(await alice.finish(attempt), 'the right KE3 after a wrong one', 'conflict');
      remaining(await alice.call('status'), 2, 'after both');
    },
  },
  {
    id: 'vault.unknown-attempt',
    title: 'An attempt that does not exist',
    why: 'A vault that does not match the attempt recomputes what it never charged.',
    requirements: ['RCV-5', 'XCH-12'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const attempt = await alice.start(PASSWORD);
      const before = (await alice.call('status')).stateVersion;
      outcome(await alice.finish({ ...attempt, attemptId: zeros(32) }), 'an unknown attempt id', 'conflict');
      const { ke1 } = alice.begin(PASSWORD);
      outcome(await alice.finish({ ...attempt, ke1 }), 'a KE1 that was never sent', 'conflict');
      demand((await alice.call('status')).stateVersion === before, 'a conflict changed the account');
      outcome(await alice.finish(attempt), 'the attempt itself, afterwards', 'ok');
    },
  },
  {
    id: 'vault.other-account',
    title: 'Accounts do not share attempts, budgets or keys',
    why: 'Names that are folded, trimmed or cut join two accounts; an attempt of one must prove nothing for another.',
    requirements: ['RCV-5', 'CNV-4'],
    run: async ({ account }) => {
      const stem = account().name.reduce((text, byte) => text + String.fromCodePoint(byte), '');
      const names = [`${stem}x`, `${stem}X`, `${stem}x `, `${stem}xy`];
      const accounts = names.map((name) => account(name));
      const keys = [];
      for (const [i, one] of accounts.entries())
        keys.push((await one.register(`${PASSWORD} ${i}`)).sealedKey);
      const [first, second] = accounts;
      if (first === undefined || second === undefined) throw new Error('unreachable');
      const attempt = await first.start(`${PASSWORD} 0`);
      outcome(await second.finish(attempt), 'an attempt of another account', 'conflict');
      for (let i = 0; i < 2; i++) await first.start(WRONG);
      for (const [i, one] of accounts.entries()) {
        if (i === 0) continue;
        const { statement } = await one.recover(`${PASSWORD} ${i}`);
        outcome(statement, `the account ${JSON.stringify(names[i])}`, 'ok');
        demand(
          same(statement.body, keys[i] ?? zeros(0)),
          'the key of another account came back',
          'wrong-output',
        );
      }
    },
  },
  {
    id: 'vault.four-open',
    title: 'Four attempts may be open; a fifth closes the oldest',
    why: 'A vault without a limit fills up, and one that drops the newest locks the owner out.',
    requirements: ['ATT-1'],
    needs: 'no-delays',
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD, 10);
      const attempts = [];
      for (let i = 0; i < 5; i++) attempts.push(await alice.start(PASSWORD));
      const [oldest, second] = attempts;
      if (oldest === undefined || second === undefined) throw new Error('unreachable');
      outcome(await alice.finish(oldest), 'the oldest of five', 'conflict');
      outcome(await alice.finish(second), 'the second of five', 'ok');
    },
  },
  {
    id: 'vault.refill-once',
    title: 'A refill does not refund attempts that were open before it',
    why: 'Attempts that were opened before a refill must not be worth a second charge each.',
    requirements: ['ATT-8'],
    needs: 'no-delays',
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD, 10);
      const [first, second] = [await alice.start(PASSWORD), await alice.start(PASSWORD)];
      remaining(await alice.finish(first), 10, 'after the refill');
      await alice.start(WRONG);
      const finished = await alice.finish(second);
      outcome(finished, 'the second attempt', 'ok', 'conflict');
      demand(finished.remaining <= 10, `${finished.remaining} attempts of 10`);
    },
  },
  {
    id: 'vault.burst',
    title: 'Twelve attempts at once, for a budget of three',
    why: 'A vault that checks, evaluates and then writes lets parallel guesses share one charge.',
    requirements: ['XCH-11', 'ATT-26'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const begun = Array.from({ length: 12 }, () => alice.begin(WRONG));
      const sealed = begun.map(({ body }) => alice.seal(4, body));
      const clones = sealed.map(() => alice.at(alice.url));
      const statements = await Promise.all(sealed.map(async (one, i) => (clones[i] ?? alice).send(one)));
      const served = statements.filter((statement) => statement.outcome === 'ok').length;
      demand(served <= 3, `${served} of 12 parallel attempts got a KE2, for a budget of 3`);
      demand(served > 0, 'no attempt of twelve was served', 'rejected-valid');
      remaining(await alice.call('status'), 0, 'after the burst');
    },
  },
  {
    id: 'vault.bad-element',
    title: 'A KE1 that holds no group element is charged and refused',
    why: 'What is refused without a charge is an oracle; what is evaluated is worse.',
    requirements: ['RCV-3'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { ke1 } = alice.begin(PASSWORD);
      const identity = ke1.slice();
      identity.set(zeros(32), 0);
      const statement = await alice.call('recover-start', prefixed(1, identity));
      outcome(statement, 'the identity element', 'malformed');
      remaining(statement, 2, 'after a malformed element');
      outcome(
        await alice.call('recover-start', prefixed(1, ke1.slice(1))),
        'a KE1 that is one byte short',
        'malformed',
      );
      remaining(await alice.call('status'), 2, 'after a KE1 of the wrong length');
    },
  },
  {
    id: 'vault.report',
    title: 'Failed attempts are reported until they are acknowledged',
    why: 'A vault that forgets them at the next success hides a patient attacker.',
    requirements: ['ATT-21', 'ATT-22'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.recover(WRONG);
      const first = (await alice.recover(PASSWORD)).statement;
      demand(first.failed === 1, `${first.failed} failed attempts are reported, not 1`);
      const second = (await alice.recover(PASSWORD)).statement;
      demand(second.failed === 1, 'the report was dropped before it was acknowledged');
      const attempt = await alice.start(PASSWORD);
      const third = await alice.finish(attempt, second.reportSerial);
      outcome(third, 'recover-finish with an acknowledgement', 'ok');
      demand(third.failed === 0, `${third.failed} failed attempts are reported after the acknowledgement`);
    },
  },
];
