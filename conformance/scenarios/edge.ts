/**
 * Scenarios of the channel, of HTTP, and of what holds for every answer.
 *
 * @module
 */
import { Account } from '../peer/account.ts';
import { fetchFleet, post } from '../peer/caller.ts';
import { openAnswer } from '../peer/channel.ts';
import { encodeExchange } from '../peer/exchange.ts';
import { be, cat, same, zeros } from '../peer/primitives.ts';
import { request } from '../tape/http.ts';
import { demand, Failure, outcome, remaining, TEST_POLICY, type Live, type Scenario } from './scenario.ts';

const PASSWORD = 'correct horse';

/** Demands an unsigned refusal: a problem document with a status of 400 or above. */
async function unsigned(
  live: Live,
  what: string,
  body: Uint8Array,
  statuses: readonly number[],
  type?: string,
): Promise<void> {
  const reply = await post(live.url, body, type);
  if (reply.status === 200) throw new Failure('accepted-invalid', `${what} was answered 200`);
  demand(
    statuses.includes(reply.status),
    `${what} was answered ${reply.status}, not ${statuses.join(' or ')}`,
    'wrong-error',
  );
  demand(
    reply.headers['content-type']?.startsWith('application/problem+json') === true,
    `${what}: the refusal is no problem document`,
    'wrong-output',
  );
}

/** HTTP, channel and statements. */
export const edgeScenarios: readonly Scenario[] = [
  {
    id: 'vault.not-registered',
    title: 'An account that nobody registered',
    why: 'The answer is signed like every other, so that a relay cannot invent it.',
    requirements: ['XCH-6', 'RCV-1'],
    run: async ({ account }) => {
      const nobody = account();
      outcome((await nobody.start(PASSWORD)).statement, 'recover-start', 'not-registered');
      const status = await nobody.call('status');
      outcome(status, 'status', 'ok');
      demand(status.phase === 'none', `the phase is ${status.phase}`);
    },
  },
  {
    id: 'vault.fresh-answers',
    title: 'A repeated request gets an answer under a fresh nonce',
    why: 'The same nonce for two answers to one request uses a key and nonce of AES-GCM twice.',
    requirements: ['CHN-10'],
    run: async ({ account }) => {
      const alice = account();
      const sealed = alice.seal(6, zeros(0));
      const replies = await Promise.all(
        [1, 2, 3].map(async () => post(alice.url, encodeExchange(sealed.bytes))),
      );
      const nonces = new Set(replies.map(({ body }) => Buffer.from(body.slice(0, 32)).toString('hex')));
      demand(nonces.size === 3, 'two answers have one nonce', 'not-fresh');
      for (const { body } of replies)
        demand(openAnswer(sealed.context, body) !== undefined, 'an answer does not open', 'wrong-output');
    },
  },
  {
    id: 'vault.state-version',
    title: 'The state version advances with changes, and with nothing else',
    why: 'Clients tell old answers from new ones by it.',
    requirements: ['XCH-12', 'XCH-13', 'STA-1'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const version = async (): Promise<number> => (await alice.call('status')).stateVersion;
      const before = await version();
      demand((await version()) === before, 'reading advanced the state version');
      const attempt = await alice.start(PASSWORD);
      demand(attempt.statement.stateVersion > before, 'a charge did not advance the state version');
      const finished = await alice.finish(attempt);
      demand(
        finished.stateVersion > attempt.statement.stateVersion,
        'a proof did not advance the state version',
      );
    },
  },
  {
    id: 'vault.unknown-command',
    title: 'A command that does not exist',
    why: 'Later versions have more commands: old vaults must say so, signed.',
    requirements: ['XCH-15'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      outcome(await alice.call(200), 'command 200', 'unsupported');
      remaining(await alice.call('status'), 3, 'after an unknown command');
    },
  },
  {
    id: 'vault.malformed-body',
    title: 'Bodies that do not decode are refused, signed, and change nothing',
    why: 'What a parser makes of broken bytes must not reach an account.',
    requirements: ['XCH-6', 'CNV-5', 'CNV-6', 'CNV-8'],
    run: async ({ account }) => {
      const alice = account();
      await alice.register(PASSWORD);
      const { body } = alice.begin(PASSWORD);
      for (const [what, bytes] of [
        ['an empty body', zeros(0)],
        ['a body that is one byte short', body.slice(0, -1)],
        ['a body with one byte too many', cat(body, zeros(1))],
        ['a length that runs past the end', cat(be(1, 255), body.slice(1))],
      ] as const) {
        outcome(await alice.call('recover-start', bytes), what, 'malformed');
      }
      remaining(await alice.call('status'), 3, 'after malformed bodies');
    },
  },
  {
    id: 'vault.wrong-fleet',
    title: 'A request that names another fleet inside',
    why: 'The channel and the request must mean the same fleet.',
    requirements: ['XCH-10'],
    run: async (live) => {
      const alice = live.account();
      await alice.register(PASSWORD);
      const sealed = alice.seal(4, alice.begin(PASSWORD).body, undefined, { fleetId: zeros(16) });
      const reply = await post(live.url, encodeExchange(sealed.bytes));
      remaining(await alice.call('status'), 3, 'after a request for another fleet');
      demand(
        reply.status !== 200 || openAnswer(sealed.context, reply.body) !== undefined,
        'an answer that does not open',
        'wrong-output',
      );
    },
  },
  {
    id: 'vault.channel-refusals',
    title: 'Requests that do not open get an unsigned refusal',
    why: 'A vault that answers what it could not authenticate, or does something with it, is an oracle.',
    requirements: ['CHN-7', 'CHN-8', 'XCH-7'],
    run: async (live) => {
      const alice = live.account();
      await alice.register(PASSWORD);
      const { bytes } = alice.seal(4, alice.begin(PASSWORD).body);
      const flipped = (at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
      await unsigned(live, 'a flipped bit in the ciphertext', encodeExchange(flipped(200)), [400]);
      await unsigned(live, 'an unknown key id', encodeExchange(flipped(2)), [400]);
      await unsigned(
        live,
        'an unknown suite',
        encodeExchange(cat(bytes.slice(0, 1), be(1, 9), bytes.slice(2))),
        [400],
      );
      await unsigned(live, 'a short request', encodeExchange(bytes.slice(0, -1)), [400]);
      remaining(await alice.call('status'), 3, 'after requests that do not open');
    },
  },
  {
    id: 'vault.http-refusals',
    title: 'HTTP that is not an exchange',
    why: 'Bodies without end, and parsers of other formats, are ways to bring a vault down.',
    requirements: ['HTP-2', 'HTP-6', 'HTP-8'],
    run: async (live) => {
      const sealed = live.account().seal(6, zeros(0));
      const exchange = encodeExchange(sealed.bytes);
      await unsigned(live, 'an empty body', zeros(0), [400, 411]);
      await unsigned(live, 'zeros', zeros(300), [400]);
      await unsigned(live, 'an exchange with one byte too many', cat(exchange, zeros(1)), [400]);
      await unsigned(live, 'an exchange of version 2', cat(be(1, 2), exchange.slice(1)), [400]);
      await unsigned(live, 'five thousand bytes', zeros(5000), [413]);
      await unsigned(live, 'an exchange as JSON', exchange, [415], 'application/json');
      const get = await request(live.url, '/v1/exchange');
      demand(get.status === 405, `GET of the exchange was answered ${get.status}`, 'wrong-error');
    },
  },
  {
    id: 'vault.descriptor',
    title: 'The vault serves the descriptor of its fleet',
    why: 'Everything that a client knows of the vault comes from there.',
    requirements: ['HTP-5'],
    run: async (live) => {
      const answer = await request(live.url, '/v1/fleet');
      demand(
        answer.headers['cache-control'] === 'no-store',
        'an answer may be stored on its way',
        'wrong-output',
      );
      const again = await fetchFleet(live.url);
      demand(same(again.fleetId, live.fleet.fleetId), 'another fleet than before', 'wrong-output');
      demand(
        again.receiptKeys.length > 0 && again.serverPublicKey.length === 32,
        'keys are missing',
        'wrong-output',
      );
    },
  },
  {
    id: 'vault.p256',
    title: 'A vault whose keys are of P-256',
    why: 'Devices hold such keys: requests to them are longer, and every answer is signed with ECDSA.',
    requirements: ['CHN-6', 'XCH-6', 'CHN-14'],
    needs: 'p256',
    run: async ({ controlled }) => {
      const vault = controlled();
      await vault.start(TEST_POLICY, 2);
      const fleet = await fetchFleet(vault.url);
      demand(fleet.suite === 2, 'the descriptor states another suite', 'wrong-output');
      const alice = new Account(vault.url, fleet);
      const { sealedKey } = await alice.register(PASSWORD);
      const { statement } = await alice.recover(PASSWORD);
      outcome(statement, 'the right password', 'ok');
      demand(same(statement.body, sealedKey), 'another key came back', 'wrong-output');
      const { bytes } = alice.seal(4, alice.begin(PASSWORD).body);
      // The last byte of y, behind version, suite, key id, a length, and 64 bytes of the point.
      const off = bytes.map((byte, i) => (i === 12 + 64 ? byte ^ 1 : byte));
      const reply = await post(vault.url, encodeExchange(off));
      demand(reply.status === 400, `an enc that is no point was answered ${reply.status}`, 'wrong-error');
      remaining(await alice.call('status'), 3, 'after a request that does not open');
      await vault.stop('term');
    },
  },
];
