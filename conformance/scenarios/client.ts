/**
 * Scenarios in which a client meets a vault of the runner's. What counts is the result, the error, the number of
 * requests, and that no byte that was sent holds the password or the key.
 *
 * @module
 */
import { BACKUP_KEY } from '../hostile/vault.ts';
import { deriveKeyPair } from '../peer/opaque.ts';
import { cat, fresh, same, toHex, zeros, type Bytes } from '../peer/primitives.ts';
import {
  commands,
  destroyed,
  problem,
  refused,
  secretsKept,
  succeeded,
  type ClientScenario,
} from './client-stage.ts';
import { serve } from '../tape/server.ts';
import { observe } from '../tape/tape.ts';
import { demand } from './scenario.ts';

const START = 4;
const FINISH = 5;

/** Recoveries, registrations, and what happens on the way. */
export const clientBehaviours: readonly ClientScenario[] = [
  {
    id: 'client.recover',
    title: 'A recovery at an honest vault',
    why: 'The whole way, with two requests, and neither password nor key in any byte of them.',
    requirements: ['CLI-18', 'XCH-4', 'OPQ-27'],
    run: async ({ vault, run }) => {
      const { backupKey } = succeeded(await run());
      demand(backupKey === toHex(BACKUP_KEY), 'another key came back', 'wrong-output');
      commands(vault, START, FINISH);
      const sizes = new Set(vault.bodies.map(({ length }) => length));
      demand(sizes.size === 1, `requests of ${sizes.size} sizes`, 'wrong-output');
      secretsKept(vault);
    },
  },
  {
    id: 'client.register',
    title: 'A registration at an honest vault',
    why: 'Start, finish, confirm, in this order; and neither password nor key in any byte of them.',
    requirements: ['CLI-27', 'XCH-4'],
    run: async ({ vault, run }) => {
      succeeded(await run('register'));
      commands(vault, 1, 2, 3);
      secretsKept(vault);
    },
  },
  {
    id: 'client.wrong-password',
    title: 'A wrong password at an honest vault',
    why: 'It is known from the envelope, and from nothing that anyone could make up.',
    requirements: ['CLI-23', 'OPQ-19'],
    run: async ({ vault, run }) => {
      refused(await run('recover', { password: 'another password' }), 'wrong-password');
      demand(vault.commands()[0] === START && vault.commands().length <= 2, 'the client sent other requests');
    },
  },
  {
    id: 'client.fresh',
    title: 'Two recoveries blind afresh',
    why: 'A blind that repeats lets the vault see that two passwords are the same, and more.',
    requirements: ['OPQ-22', 'CHN-4'],
    run: async ({ vault, run }) => {
      for (let i = 0; i < 2; i++) succeeded(await run());
      const [first, , second] = vault.requests;
      const [a, b] = [first?.body ?? zeros(97), second?.body ?? zeros(97)];
      for (const [from, to] of [
        [1, 33],
        [33, 65],
        [65, 97],
      ] as const) {
        demand(!same(a.slice(from, to), b.slice(from, to)), 'two KE1 share a part', 'not-fresh');
      }
      const encs = new Set(vault.bodies.map((body) => toHex(body.slice(196 + 12, 196 + 44))));
      demand(encs.size === vault.bodies.length, 'two requests share an encapsulated key', 'not-fresh');
    },
  },
  {
    id: 'client.fresh-registration',
    title: 'Two registrations blind afresh, and seal under fresh envelopes',
    why: 'A registration that repeats its randomness repeats its keys.',
    requirements: ['OPQ-29', 'CHN-4'],
    run: async ({ vault, run }) => {
      for (let i = 0; i < 2; i++) succeeded(await run('register'));
      const bodies = (command: number): Bytes[] =>
        vault.requests.filter((one) => one.command === command).map(({ body }) => body);
      const [first = zeros(33), second = zeros(33)] = bodies(1);
      demand(!same(first, second), 'two registrations share a blinded element', 'not-fresh');
      // Envelope nonce: behind registration id, a length, public key and masking key.
      const nonce = (body: Bytes): Bytes => body.slice(32 + 2 + 32 + 64, 32 + 2 + 32 + 64 + 32);
      const [one = zeros(162), two = zeros(162)] = bodies(2);
      demand(!same(nonce(one), nonce(two)), 'two registrations share an envelope nonce', 'not-fresh');
    },
  },
  {
    id: 'client.fleet-rollback',
    title: 'An older descriptor than one that was accepted before',
    why: 'Old keys must not come back, also not after a restart of the client.',
    requirements: ['FLT-7', 'CLI-4'],
    run: async ({ vault, run }) => {
      succeeded(await run('status'));
      vault.lies = { descriptor: (honest) => ({ ...honest, serial: 4 }) };
      const before = vault.bodies.length;
      refused(await run(), 'descriptor-rollback');
      demand(vault.bodies.length === before, 'the client sent a request under a descriptor that it refuses');
    },
  },
  {
    id: 'client.stale',
    title: 'A signed outcome that is older than one that was seen',
    why: 'A relay that keeps an old "destroyed" or "not registered" could show it at any time.',
    requirements: ['XCH-17', 'CLI-5'],
    run: async ({ vault, run }) => {
      succeeded(await run('status'));
      vault.lies = { statement: (honest) => ({ ...destroyed(honest), stateVersion: 3 }) };
      refused(await run(), 'stale-answer');
      vault.lies = {};
      succeeded(await run());
    },
  },
  {
    id: 'client.unsigned-destroyed',
    title: 'A relay says, unsigned, that the key is destroyed',
    why: 'Whoever can answer HTTP could make owners give up.',
    requirements: ['XCH-18', 'CLI-12'],
    lies: () => ({ reply: (_n, response) => problem(response, 410, 'destroyed') }),
    run: async ({ vault, run }) => {
      refused(await run(), 'unavailable');
      vault.lies = {};
      succeeded(await run());
    },
  },
  {
    id: 'client.lost-answer',
    title: 'The first answer is lost',
    why: 'The same bytes must be sent again: other bytes would be charged again.',
    requirements: ['CLI-14'],
    lies: () => ({
      reply: (n, response) => {
        if (n === 0) response.destroy();
        return n === 0;
      },
    }),
    run: async ({ vault, run }) => {
      succeeded(await run());
      const [first, second] = vault.bodies;
      demand(
        first !== undefined && second !== undefined && same(first, second),
        'the repetition has other bytes',
      );
      commands(vault, START, FINISH);
    },
  },
  {
    id: 'client.redirect',
    title: 'The vault redirects to another address',
    why: 'A client that follows tells another host who recovers, and when.',
    requirements: ['CLI-9'],
    run: async ({ vault, run }) => {
      let contacted = 0;
      const elsewhere = await serve((_request, _body, response) => {
        contacted++;
        response.end();
      });
      const to = `${elsewhere.origin}/v1/exchange`;
      vault.lies = {
        reply: (_n, response) => {
          response.writeHead(307, { location: to }).end();
          return true;
        },
      };
      const outcome = await run();
      await elsewhere.close();
      demand(contacted === 0, 'the client followed the redirect', 'accepted-invalid');
      refused(outcome, 'unavailable');
    },
  },
  {
    id: 'client.flood',
    title: 'An answer without end',
    why: 'A client that reads on fills its memory.',
    requirements: ['CLI-11'],
    lies: (vault) => ({
      reply: (_n, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        const part = zeros(65_536);
        const more = (): void => {
          if (response.destroyed || vault.taken > 64 << 20) {
            response.end();
            return;
          }
          vault.taken += part.length;
          if (response.write(part)) setImmediate(more);
          else response.once('drain', more);
        };
        more();
        return true;
      },
    }),
    run: async ({ vault, run }) => {
      refused(await run(), 'unavailable', 'bad-answer');
      const taken = observe('bytes that were taken', () => vault.taken);
      demand(taken < 32 << 20, `the client took ${taken} bytes`, 'accepted-invalid');
    },
  },
  {
    id: 'client.stall',
    title: 'An answer that never comes',
    why: 'A client without a limit of time waits for ever.',
    requirements: ['CLI-10'],
    lies: () => ({ reply: () => true }),
    run: async ({ run }) => {
      refused(await run('recover', { timeout: 150 }), 'unavailable');
    },
  },
  {
    id: 'client.registration-server-key',
    title: 'A registration that is answered with the key of another server',
    why: 'A client that takes the key from the message registers with whoever answers.',
    requirements: ['OPQ-18'],
    lies: () => ({
      statement: (honest, command) =>
        command === 1
          ? {
              ...honest,
              body: cat((honest.body ?? zeros(32)).slice(0, -32), deriveKeyPair(fresh(32)).publicKey),
            }
          : honest,
    }),
    run: async ({ vault, run }) => {
      refused(await run('register'), 'server-authentication-failed');
      commands(vault, 1);
      secretsKept(vault);
    },
  },
];
