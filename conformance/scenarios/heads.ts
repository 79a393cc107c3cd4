/**
 * Scenarios of heads that a vault keeps.
 *
 * @module
 */
import { Account } from '../peer/account.ts';
import { sign } from '../peer/fleet.ts';
import { be, cat, fresh, same, sha256, zeros, type Bytes } from '../peer/primitives.ts';
import { ownerMessage, ownerProof, type Statement } from '../peer/exchange.ts';
import { demand, outcome, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const WRONG = 'battery staple';

function kept(statement: Statement, head: Bytes, what: string): void {
  outcome(statement, what, 'ok');
  demand(same(statement.body, head), `${what}: another head came back`, 'wrong-output');
}

/** Heads. */
export const headScenarios: readonly Scenario[] = [
  {
    id: 'vault.head',
    title: 'A head is kept, and the next one follows it',
    why: 'A restore from an old storage is only found out if the vault gives back the newest head, byte for byte.',
    requirements: ['HED-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      kept(await alice.getHead(), zeros(132), 'get-head before there is one');
      const [first, second] = [alice.head(1), alice.head(2)];
      kept(await alice.putHead(first), first, 'the first put-head');
      kept(await alice.getHead(), first, 'get-head');
      const put = await alice.putHead(second, first);
      kept(put, second, 'the second put-head');
      const again = await alice.putHead(second, first);
      kept(again, second, 'the same put-head again');
      demand(again.stateVersion === put.stateVersion, 'a repetition advanced the state version');
      kept(await alice.getHead(), second, 'get-head after the second');
    },
  },
  {
    id: 'vault.head-two-writers',
    title: 'Of two writers that know the same head one can put the next',
    why: 'The other would undo a generation that its owner believes to be the newest.',
    requirements: ['HED-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const [first, second, third] = [alice.head(1), alice.head(2), alice.head(3)];
      await alice.putHead(first);
      outcome(await alice.putHead(second, first), 'the first of two', 'ok');
      outcome(await alice.putHead(third, first), 'the second of two', 'conflict');
      outcome(await alice.putHead(third), 'a first head where there is one', 'conflict');
      kept(await alice.getHead(), second, 'get-head');
    },
  },
  {
    id: 'vault.head-needs-owner',
    title: 'Heads are read and put under a signature of the owner alone',
    why: 'A relay that can put heads hides a rollback; one that reads them learns when backups were made.',
    requirements: ['HED-1', 'HED-2'],
    run: async ({ account, fleet }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const [first, second] = [alice.head(1), alice.head(2)];
      await alice.putHead(first);
      const body = cat(sha256(first), second);
      const attempt = await alice.start(PASSWORD);
      const stranger = ownerProof(sign(fresh(32), ownerMessage(fleet.fleetId, alice.name, 12, body)));
      for (const [what, statement] of [
        ['put-head without proof', await alice.call('put-head', body)],
        ['put-head with a KE3', await alice.call('put-head', body, alice.proof(attempt))],
        ['put-head signed by another key', await alice.call('put-head', body, stranger)],
        [
          'put-head with a signature over get-head',
          await alice.call('put-head', body, alice.owner('get-head', zeros(0))),
        ],
        ['get-head without proof', await alice.call('get-head')],
        ['get-head with a KE3', await alice.call('get-head', zeros(0), alice.proof(attempt))],
      ] as const) {
        outcome(statement, what, 'not-authorised');
        demand(statement.body.length === 0, `${what}: the refusal has a body`, 'over-release');
      }
      kept(await alice.getHead(), first, 'get-head');
      outcome(await alice.finish(attempt), 'the attempt that was no proof', 'ok');
    },
  },
  {
    id: 'vault.head-malformed',
    title: 'What is no head is refused',
    why: 'A reader ends with an error at such a head, and cannot tell a broken vault from a stale storage.',
    requirements: ['HED-1', 'CNV-5'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const head = alice.head(1);
      const generation = head.slice();
      generation.set(be(8, 0), 16);
      const epoch = head.slice();
      epoch.set(be(4, 0), 16 + 8 + 32 + 8);
      for (const [what, bytes] of [
        ['a head of generation 0', generation],
        ['a head of key epoch 0', epoch],
        ['a head of 131 bytes', head.slice(1)],
        ['no head at all', zeros(132)],
      ] as const) {
        outcome(await alice.prove('put-head', cat(zeros(32), bytes), 'owner'), what, 'malformed');
      }
      kept(await alice.getHead(), zeros(132), 'get-head');
    },
  },
  {
    id: 'vault.head-outlives-key',
    title: 'A head outlives the destruction and the deletion of the key',
    why: 'With the key on paper the backup is still read: only the head says whether it is the newest.',
    requirements: ['HED-1', 'HED-3'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const [first, second, third] = [alice.head(1), alice.head(2), alice.head(3)];
      await alice.putHead(first);
      for (let i = 0; i < 3; i++) await alice.recover(WRONG);
      kept(await alice.getHead(), first, 'get-head after the key was destroyed');
      kept(await alice.putHead(second, first), second, 'put-head after the key was destroyed');
      outcome(await alice.call('get-head'), 'get-head without proof', 'not-authorised');
      await alice.register(PASSWORD);
      kept(await alice.getHead(), second, 'get-head after a new registration');
      outcome(await alice.delete('owner'), 'delete', 'ok');
      kept(await alice.putHead(third, second), third, 'put-head after a deletion');
    },
  },
  {
    id: 'vault.head-of-another-owner',
    title: 'Who takes an account over without proof does not get its head',
    why: 'Numbers that are given to new people belong to somebody else than the backups do.',
    requirements: ['HED-4', 'HED-2'],
    needs: 'time',
    run: async ({ account, fleet, advance }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const head = alice.head(1);
      await alice.putHead(head);
      const mallory = new Account(alice.url, fleet, alice.name);
      const { confirm } = await mallory.finished(WRONG);
      outcome(await mallory.call('register-confirm', confirm), 'a confirmation without proof', 'scheduled');
      outcome(await mallory.getHead(), 'get-head by who waits', 'not-authorised');
      kept(await alice.getHead(), head, 'get-head while another owner waits');
      await advance(fleet.graceSeconds);
      kept(await mallory.getHead(), zeros(132), 'get-head by the new owner');
    },
  },
  {
    id: 'vault.head-replayed',
    title: 'A relay plays an old put-head back',
    why: 'The head would go back, and a rollback of the storage with it.',
    requirements: ['HED-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const [first, second] = [alice.head(1), alice.head(2)];
      const body = cat(zeros(32), first);
      const sealed = alice.seal(12, body, alice.owner('put-head', body));
      kept(await alice.send(sealed), first, 'the first put-head');
      kept(await alice.putHead(second, first), second, 'the second put-head');
      outcome(await alice.send(sealed), 'the first put-head, played back', 'conflict');
      kept(await alice.getHead(), second, 'get-head');
    },
  },
  {
    id: 'vault.head-nobody',
    title: 'Heads of an account that nobody registered',
    why: 'There is no owner key yet that could have signed.',
    requirements: ['HED-1'],
    run: async ({ account }) => {
      const nobody = account();
      outcome(await nobody.putHead(nobody.head(1)), 'put-head', 'not-registered');
      outcome(await nobody.getHead(), 'get-head', 'not-registered');
    },
  },
];
