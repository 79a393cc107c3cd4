/**
 * Scenarios that stop the vault, or give it back an older disk.
 *
 * @module
 */
import { Account } from '../peer/account.ts';
import { fetchFleet } from '../peer/caller.ts';
import { same } from '../peer/primitives.ts';
import { request } from '../tape/http.ts';
import { demand, outcome, remaining, right, waiting, type Controlled, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';
const WRONG = 'battery staple';

async function accountAt(vault: Controlled): Promise<Account> {
  return new Account(vault.url, await fetchFleet(vault.url));
}

async function charged(vault: Controlled, mode: 'term' | 'kill'): Promise<void> {
  await vault.start();
  const alice = await accountAt(vault);
  const { sealedKey } = await alice.register(PASSWORD);
  for (const left of [2, 1]) {
    const { statement } = await alice.start(WRONG);
    remaining(statement, left, 'after a charge');
    // No pause: whoever answers before the charge is durable has nothing to answer for.
    await vault.stop(mode);
    await vault.start();
    demand(
      vault.failure === undefined,
      `the vault does not serve after a stop: ${vault.failure}`,
      'rejected-valid',
    );
    const after = alice.at(vault.url);
    remaining(await after.call('status'), left, `after ${mode === 'kill' ? 'a kill' : 'a stop'}`);
    Object.assign(alice, { url: vault.url });
  }
  const { statement } = await alice.recover(PASSWORD);
  outcome(statement, 'the right password', 'ok');
  demand(same(statement.body, sealedKey), 'another sealed key came back than was registered', 'wrong-output');
  await vault.stop('term');
}

/** Demands that a vault does not serve the store that it was given. */
async function refuses(vault: Controlled, message: string): Promise<void> {
  if (!(await vault.start()) || vault.failure !== undefined) return;
  const reply = await request(vault.url, '/readyz');
  await vault.stop('term');
  demand(reply.status !== 200, message, 'accepted-invalid');
}

/** Restarts, kills and rollbacks. */
export const durabilityScenarios: readonly Scenario[] = [
  {
    id: 'vault.restart',
    title: 'Charges outlive a restart',
    why: 'A counter in memory is refilled by every restart.',
    requirements: ['XCH-8', 'ATT-5'],
    needs: 'control',
    run: async ({ controlled }) => charged(controlled(), 'term'),
  },
  {
    id: 'vault.kill',
    title: 'Charges outlive a kill right after the answer',
    why: 'A charge that is written after the answer is lost when the machine stops.',
    requirements: ['XCH-8', 'ATT-5', 'STO-4'],
    needs: 'control',
    run: async ({ controlled }) => charged(controlled(), 'kill'),
  },
  {
    id: 'vault.attempt-over-restart',
    title: 'An open attempt outlives a restart',
    why: 'KE2 is a function of record and KE1: a vault that keeps sessions in memory loses them.',
    requirements: ['XCH-19'],
    needs: 'control',
    run: async ({ controlled }) => {
      const vault = controlled();
      await vault.start();
      const alice = await accountAt(vault);
      await alice.register(PASSWORD);
      const begun = alice.begin(PASSWORD);
      const first = begun.read(await alice.call('recover-start', begun.body));
      await vault.stop('kill');
      await vault.start();
      const later = alice.at(vault.url);
      const second = begun.read(await later.call('recover-start', begun.body));
      right(second);
      demand(same(first.ke2, second.ke2), 'the repeated KE1 got another KE2 after a restart', 'wrong-output');
      outcome(await later.finish(first), 'the attempt of before', 'ok');
      await vault.stop('term');
    },
  },
  {
    id: 'vault.rollback',
    title: 'A restored older store is not served',
    why: 'Whoever has the disk could bring every spent attempt back.',
    requirements: ['STO-21', 'STO-22'],
    needs: 'control',
    run: async ({ controlled }) => {
      const vault = controlled();
      await vault.start();
      const alice = await accountAt(vault);
      await alice.register(PASSWORD);
      await vault.stop('term');
      const older = vault.snapshot();
      await vault.start();
      const again = alice.at(vault.url);
      for (const left of [2, 1]) remaining((await again.start(WRONG)).statement, left, 'after a charge');
      await vault.stop('term');
      vault.restore(older);
      await refuses(vault, 'the vault serves a store from which two charges are gone');
    },
  },
  {
    id: 'vault.rollback-deleted',
    title: 'A store in which a deleted key is back is not served',
    why: 'One commit less is enough: whoever deletes wants the key gone, whatever copies of the disk there are.',
    requirements: ['STO-21', 'STO-22'],
    needs: 'control',
    run: async ({ controlled }) => {
      const vault = controlled();
      await vault.start();
      const alice = await accountAt(vault);
      await alice.register(PASSWORD);
      await vault.stop('kill');
      const older = vault.snapshot();
      await vault.start();
      const again = alice.at(vault.url);
      await again.status();
      outcome(await again.delete('owner'), 'delete', 'ok');
      await vault.stop('kill');
      vault.restore(older);
      await refuses(vault, 'the vault serves a store in which a deleted key is back');
    },
  },
  {
    id: 'vault.waiting-over-restart',
    title: 'What waits outlives a restart, and waits on by the own time of the vault',
    why: 'A timer in memory is lost or begins again; the time of the machine is whatever its operator says.',
    requirements: ['ATT-4', 'ATT-29', 'XCH-8'],
    needs: 'time',
    run: async ({ controlled }) => {
      const vault = controlled();
      await vault.start();
      await vault.advance(50_000);
      const alice = await accountAt(vault);
      await alice.register(PASSWORD);
      const scheduled = await alice.delete();
      outcome(scheduled, 'delete without proof', 'scheduled');
      await vault.stop('kill');
      await vault.start();
      const { statement } = await alice.at(vault.url).status();
      waiting(statement, 'deletion');
      demand(statement.effectiveAt === scheduled.effectiveAt, 'the time of the deletion has moved');
      demand(
        statement.vaultTime >= scheduled.vaultTime,
        `the time of the vault went back from ${scheduled.vaultTime} to ${statement.vaultTime}`,
      );
      await vault.advance(alice.fleet.graceSeconds);
      await vault.stop('term');
      await vault.start();
      const after = await alice.at(vault.url).status();
      demand(after.statement.phase === 'deleted', `the phase after the time is ${after.statement.phase}`);
      await vault.stop('term');
    },
  },
];
