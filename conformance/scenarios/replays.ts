/**
 * Scenarios of a relay that keeps sealed requests and plays them back: the bytes are good, the time is not.
 *
 * @module
 */
import { be, same } from '../peer/primitives.ts';
import { pause } from '../tape/tape.ts';
import { demand, outcome, waiting, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const NEW_PASSWORD = 'new horse';

/** Requests that come twice. */
export const replayScenarios: readonly Scenario[] = [
  {
    id: 'vault.replayed-delete',
    title: 'A relay plays an old deletion back, after it was cancelled',
    why: 'It could start the grace period again and again, until the owner does not look.',
    requirements: ['DEL-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const kept = alice.seal(7, be(8, alice.version));
      outcome(await alice.send(kept), 'delete without proof', 'scheduled');
      outcome(await alice.cancel('owner'), 'cancel', 'ok');
      const replayed = await alice.send(kept);
      outcome(replayed, 'the old delete', 'conflict');
      waiting(replayed, 'none');
    },
  },
  {
    id: 'vault.replayed-proved-delete',
    title: 'A relay plays an old deletion back that its owner signed',
    why: 'The signature is good; only the version tells that it was meant for a key that is gone.',
    requirements: ['DEL-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const body = be(8, alice.version);
      const kept = alice.seal(7, body, alice.owner('delete', body));
      outcome(await alice.send(kept), 'delete with a signature of the owner', 'ok');
      const { sealedKey } = await alice.register(NEW_PASSWORD);
      outcome(await alice.send(kept), 'the old delete', 'conflict');
      const { statement } = await alice.recover(NEW_PASSWORD);
      outcome(statement, 'the password of the new registration', 'ok');
      demand(same(statement.body, sealedKey), 'another key came back', 'wrong-output');
    },
  },
  {
    id: 'vault.replayed-cancel',
    title: 'A relay plays an old cancel back',
    why: 'The owner who deletes a second time must not be overruled by what was said of the first.',
    requirements: ['DEL-3'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      await alice.delete();
      const body = be(8, alice.effectiveAt);
      const kept = alice.seal(8, body, alice.owner('cancel', body));
      outcome(await alice.send(kept), 'cancel', 'ok');
      await pause(1100); // The time of the second deletion must differ from that of the first.
      outcome(await alice.delete(), 'a second delete without proof', 'scheduled');
      const replayed = await alice.send(kept);
      outcome(replayed, 'the old cancel', 'conflict');
      waiting(replayed, 'deletion');
    },
  },
  {
    id: 'vault.replayed-registration',
    title: 'A relay plays an old registration back, after its key was deleted',
    why: 'It would bring back a password that the owner has given up.',
    requirements: ['REG-6', 'REG-7', 'REG-9'],
    run: async ({ account }) => {
      const alice = account();
      const { finish, confirm } = await alice.register(PASSWORD);
      outcome(await alice.delete('owner'), 'delete', 'ok');
      outcome(await alice.call('register-finish', finish), 'the old register-finish', 'conflict');
      outcome(await alice.call('register-confirm', confirm), 'the old register-confirm', 'conflict');
      outcome((await alice.start(PASSWORD)).statement, 'the old password', 'not-registered');
    },
  },
];
