/**
 * What a vault must not mix up: proofs that nobody asked for, parameters, nonces, and keys that are not there.
 *
 * @module
 */
import { Account } from '../peer/account.ts';
import { decodeRecoverStarted } from '../peer/bodies.ts';
import { fetchFleet } from '../peer/caller.ts';
import { ke3Proof, ownerProof } from '../peer/exchange.ts';
import { fresh, same, zeros } from '../peer/primitives.ts';
import { request } from '../tape/http.ts';
import { demand, outcome, remaining, right, type Controlled, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';

/** Parts of KE2 that are new for each KE1 (RFC 9807, section 6.1): their names, beginnings and ends. */
const NEW_IN_KE2 = [
  ['masking nonce', 32, 64],
  ['server nonce', 192, 224],
  ['server key share', 224, 256],
] as const;

/** Whether the vault serves an account as it was: with its key, and with what it was charged. */
async function serves(vault: Controlled, alice: Account): Promise<boolean> {
  if (!(await vault.start()) || vault.failure !== undefined) return false;
  try {
    const ready = await request(vault.url, '/readyz');
    if (ready.status !== 200) return false;
    const again = new Account(vault.url, await fetchFleet(vault.url), alice.name);
    remaining(await again.call('status'), 2, 'without one of its files');
    return true;
  } finally {
    await vault.stop('term');
  }
}

/** Rules of vaults. */
export const vaultRules: readonly Scenario[] = [
  {
    id: 'vault.proof-ignored',
    title: 'Proofs under commands that ask for none',
    why: 'A proof that is looked at where none is asked for is a second way in, or out.',
    requirements: ['XCH-5'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const proofs = [ownerProof(fresh(64)), ke3Proof(fresh(96), fresh(32), fresh(64))];
      for (const proof of proofs) outcome(await alice.call('status', zeros(0), proof), 'status', 'ok');
      const { body, read } = alice.begin(PASSWORD);
      const attempt = read(await alice.call('recover-start', body, proofs[1]));
      right(attempt);
      remaining(await alice.call('status'), 2, 'after one attempt and three proofs that nobody asked for');
    },
  },
  {
    id: 'vault.stretch-returned',
    title: 'Parameters of stretching that are others than those of the policy',
    why: 'Who is given other parameters than those of the registration cannot log in again.',
    requirements: ['OPQ-13'],
    run: async ({ url, fleet }) => {
      const { iterations, memoryKib, parallelism, algorithm } = fleet.stretch;
      const stretch = { algorithm, parallelism, iterations: iterations + 1, memoryKib: memoryKib + 8 };
      const alice = new Account(url, { ...fleet, stretch });
      await alice.register(PASSWORD);
      const attempt = await alice.start(PASSWORD);
      right(attempt);
      const given = decodeRecoverStarted(attempt.statement.body).stretch;
      demand(
        given.iterations === stretch.iterations && given.memoryKib === stretch.memoryKib,
        'other parameters came back than were registered',
        'wrong-output',
      );
    },
  },
  {
    id: 'vault.fresh-ke2',
    title: 'The answers to two attempts share no nonce',
    why: 'With one nonce for two KE1 the masked responses give away their difference.',
    requirements: ['OPQ-25'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const [one, two] = [await alice.start(PASSWORD), await alice.start(PASSWORD)];
      right(one);
      right(two);
      for (const [what, from, to] of NEW_IN_KE2)
        demand(!same(one.ke2.slice(from, to), two.ke2.slice(from, to)), `one ${what} for two`, 'not-fresh');
    },
  },
  {
    id: 'vault.file-missing',
    title: 'Each file beside the store is missing at a start',
    why: 'A vault that makes new keys or a new anchor serves accounts that it cannot open, and forgets every charge.',
    requirements: ['STO-2', 'STO-3'],
    needs: 'control',
    run: async ({ controlled }) => {
      const vault = controlled();
      await vault.start();
      const alice = new Account(vault.url, await fetchFleet(vault.url));
      await alice.register(PASSWORD);
      await alice.start('wrong');
      await vault.stop('term');
      const names = vault.beside();
      let needed = 0;
      for (const name of names) {
        const back = vault.lose(name);
        if (!(await serves(vault, alice))) needed++;
        back();
      }
      demand(needed > 0, 'the vault starts without any of its files', 'accepted-invalid');
      demand(await serves(vault, alice), 'the vault does not start with all of its files', 'rejected-valid');
    },
  },
];
