import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHEAP, CHEAP_BOUNDS } from '../client/fixture.ts';
import {
  BackupKey,
  connect,
  httpTransport,
  parsePins,
  recover,
  register,
  type Pins,
  type Session,
  type Transport,
} from '../client/index.ts';
import { StrongroomError } from '../errors.ts';
import { Exchange } from '../exchange/assertion.ts';
import { initVault, type InitResult } from '../vault/init.ts';
import { serveVault, type VaultServer } from '../vault/server.ts';
import { HttpFleet } from '../vault/testing/http-account.ts';
import type { Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { RELAY_CONFIG_FILE } from './config.ts';
import { initRelay } from './init.ts';
import { serveRelay, type RelayEvent, type RelayServer, type ServeRelayOptions } from './server.ts';
import { Tap } from './testing/tap.ts';
import { addToken, removeTokens } from './tokens.ts';

let root: string;
let pins: InitResult;
let pinned: Pins;
let vault: VaultServer;
let tap: Tap;
let relay: RelayServer;
let folder: string;
const events: RelayEvent[] = [];
const tokens: Record<string, string> = {};
const others: RelayServer[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'strongroom-relay-'));
  folder = join(root, 'relay');
  const publicKey = await initRelay(folder, 'http://127.0.0.1:1');
  const state = join(root, 'vault');
  const policy = { delays: [], stretch: CHEAP, assertionMode: 'ed25519', relayKeys: [publicKey] } as const;
  pins = await initVault({ folder: state, policy });
  pinned = parsePins(readFileSync(join(state, 'pins.json'), 'utf8'));
  vault = await serveVault({ folder: state, port: 0, log: () => {} });
  tap = await Tap.open(vault.url);
  configure({ vault: tap.url });
  for (const name of ['alice', 'bob', 'carol', 'erin'])
    tokens[name] = await addToken(join(folder, 'tokens.json'), name);
  relay = await serveRelay({ folder, port: 0, log: (event) => events.push(event) });
});
afterEach(async () => {
  tap.treat = (_body, forward) => forward();
  for (const each of others.splice(0)) await each.close();
});
afterAll(async () => {
  await relay.close();
  tap.close();
  await vault.close();
  rmSync(root, { recursive: true });
});

function configure(change: object, at = folder): void {
  const path = join(at, RELAY_CONFIG_FILE);
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change }));
}
async function another(options: Partial<ServeRelayOptions>): Promise<string> {
  const server = await serveRelay({ folder, port: 0, log: () => {}, ...options });
  others.push(server);
  return server.url;
}
const bearer = (token = ''): Record<string, string> => ({ authorization: `Bearer ${token}` });
const through = (name: string, url = relay.url): Promise<HttpFleet> =>
  HttpFleet.open(url, pins, bearer(tokens[name]));
const status = (fleet: HttpFleet, name: string): Promise<{ outcome: string }> =>
  fleet.account(name).call('status');

describe('client, relay and vault', () => {
  it('register and recover', async () => {
    const alice = (await through('alice')).account('alice');
    expect(await alice.register('secret', 5)).toMatchObject({ outcome: 'ok' });
    expect(await alice.recover('wrong')).toMatchObject({ outcome: 'wrong-password', remaining: 4 });
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok', remaining: 5 });
  });

  it('are all three needed: the vault believes no client without a relay', async () => {
    const direct = await HttpFleet.open(vault.url, pins);
    expect(await status(direct, 'alice')).toMatchObject({ outcome: 'not-authorised' });
  });

  // proves HTP-26
  it('agree on whose request it is: a token speaks for no other account', async () => {
    expect(await status(await through('bob'), 'bob')).toMatchObject({ outcome: 'ok' });
    expect(await status(await through('bob'), 'alice')).toMatchObject({ outcome: 'not-authorised' });
  });

  // proves HTP-27
  it('agree on the time: an assertion ends 60 seconds after it was made', async () => {
    const now = Math.floor(Date.now() / 1000);
    const at = async (seconds: number): Promise<{ outcome: string }> =>
      status(await through('bob', await another({ wallClock: () => now + seconds })), 'bob');
    expect(await at(-62)).toMatchObject({ outcome: 'not-authorised' });
    expect(await at(-30)).toMatchObject({ outcome: 'ok' });
    const last = tap.seen.at(-1);
    if (last === undefined) throw new Error('nothing has passed');
    const expires = Buffer.from(decode(Exchange, last).assertion).readBigUInt64BE(8 + 1 + 3 + 32);
    expect(Number(expires)).toBe(now - 30 + 60);
  });

  it('know each other: the word of a foreign relay counts for nothing', async () => {
    const foreign = join(root, 'foreign');
    await initRelay(foreign, tap.url);
    const token = await addToken(join(foreign, 'tokens.json'), 'alice');
    const fleet = await HttpFleet.open(await another({ folder: foreign }), pins, bearer(token));
    expect(await status(fleet, 'alice')).toMatchObject({ outcome: 'not-authorised' });
  });

  // proves HTP-28
  it('bind the word to the request: a replay counts for it alone, and the sealed bytes pass as they are', async () => {
    const fleet = await through('bob');
    const seal = (): ReturnType<HttpFleet['seal']> =>
      fleet.seal(fleet.account('bob').request('status', new Uint8Array(0)));
    const [first, second] = [await seal(), await seal()];
    const answer = new Uint8Array(await (await fleet.post(first.exchange)).arrayBuffer());
    expect(fleet.read(first.sealed, answer).outcome).toBe('ok');
    const passed = tap.seen.at(-1);
    if (passed === undefined) throw new Error('nothing has passed');
    const asserted = decode(Exchange, passed);
    expect(asserted.sealedRequest).toEqual(decode(Exchange, first.exchange).sealedRequest);
    const direct = await HttpFleet.open(vault.url, pins);
    const ask = async (exchange: Exchange, { sealed }: typeof first): Promise<string> => {
      const response = await direct.post(encode(Exchange, exchange));
      return direct.read(sealed, new Uint8Array(await response.arrayBuffer())).outcome;
    };
    expect(await ask(asserted, first)).toBe('ok');
    const { sealedRequest } = decode(Exchange, second.exchange);
    expect(await ask({ ...asserted, sealedRequest }, second)).toBe('not-authorised');
  });
});

/** The way of the client library to the relay. */
function transport(token = ''): Transport {
  const way = httpTransport(relay.url);
  return {
    descriptor: (signal) => way.descriptor(signal),
    async exchange(body) {
      const headers = { 'content-type': 'application/octet-stream', ...bearer(token) };
      const response = await fetch(`${relay.url}/v1/exchange`, {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
      });
      if (response.status !== 200) throw new StrongroomError('unavailable', `HTTP status ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

it('the client library registers and recovers through a relay on whose way answers are lost', async () => {
  let count = 0;
  tap.treat = async (_body, forward) => {
    const answer = await forward();
    return count++ % 3 === 0 ? undefined : answer;
  };
  const session = (): Promise<Session> =>
    connect({ transport: transport(tokens['erin']), pins: pinned, account: 'erin' });
  const key = BackupKey.generate();
  await register(await session(), { key, password: 'secret', budget: 5, stretchBounds: CHEAP_BOUNDS });
  await expect(
    recover(await session(), { password: 'wrong', stretchBounds: CHEAP_BOUNDS }),
  ).rejects.toMatchObject({
    code: 'wrong-password',
    details: { remaining: 4 },
  });
  const recovered = await recover(await session(), { password: 'secret', stretchBounds: CHEAP_BOUNDS });
  expect(recovered.key.recoveryKey()).toBe(key.recoveryKey());
  expect(count).toBeGreaterThan(6);
});

describe('a way between relay and vault', () => {
  // proves HTP-31
  it('that loses an answer costs nothing: the relay asks again, and the vault charges once', async () => {
    const carol = (await through('carol')).account('carol');
    await carol.register('secret', 5);
    let lost = 0;
    tap.treat = async (_body, forward) => {
      const answer = await forward();
      return lost++ === 0 ? undefined : answer;
    };
    expect((await carol.start('wrong')).answer).toMatchObject({ outcome: 'ok', remaining: 4 });
    expect(lost).toBe(2);
  });

  it('that loses every answer is `unavailable`, and the same bytes later get the answer that was charged', async () => {
    const fleet = await through('carol');
    const carol = fleet.account('carol');
    const { remaining } = await carol.call('status');
    const { body } = carol.begin('wrong');
    const { exchange, sealed } = await fleet.seal(carol.request('recover-start', body));
    tap.treat = async (_body, forward) => {
      await forward();
      return undefined;
    };
    const refused = await fleet.post(exchange);
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'unavailable' }]);
    tap.treat = (_body, forward) => forward();
    const answer = new Uint8Array(await (await fleet.post(exchange)).arrayBuffer());
    expect(fleet.read(sealed, answer)).toMatchObject({ outcome: 'ok', remaining: remaining - 1 });
  });

  it('that repeats, or delays and reorders, changes no count', async () => {
    const carol = (await through('carol')).account('carol');
    const before = (await carol.recover('secret')).remaining;
    tap.treat = async (_body, forward) => {
      await forward();
      await forward();
      return forward();
    };
    expect((await carol.start('wrong')).answer).toMatchObject({ outcome: 'ok', remaining: before - 1 });
    let held = 0;
    tap.treat = async (_body, forward) => {
      await new Promise((resolve) => setTimeout(resolve, 60 - 20 * held++));
      return forward();
    };
    const guesses = await Promise.all(['a', 'b', 'c'].map((guess) => carol.start(guess)));
    expect(guesses.map(({ answer }) => answer.remaining).toSorted((a, b) => a - b)).toEqual(
      [1, 2, 3].map((n) => before - 5 + n),
    );
  });

  it('on which nothing comes is `unavailable` in the end, and other requests go on', async () => {
    const broken = join(root, 'broken');
    await initRelay(broken, 'http://127.0.0.1:1');
    const token = await addToken(join(broken, 'tokens.json'), 'alice');
    const url = await another({ folder: broken });
    const fleet = await through('alice');
    const { exchange } = await fleet.seal(fleet.account('alice').request('status', new Uint8Array(0)));
    const headers = { 'content-type': 'application/octet-stream', ...bearer(token) };
    const response = await fetch(`${url}/v1/exchange`, { method: 'POST', headers, body: exchange });
    expect([response.status, await response.json()]).toMatchObject([503, { code: 'unavailable' }]);
    expect((await fetch(`${url}/v1/fleet`)).status).toBe(503);
  });
});

describe('what a relay refuses', () => {
  const post = (
    body: Bytes,
    authorization: string | undefined,
    url = relay.url,
    more: Record<string, string> = {},
  ): Promise<Response> => {
    const type = { 'content-type': 'application/octet-stream', ...more };
    const headers = authorization === undefined ? type : { ...type, authorization };
    return fetch(`${url}/v1/exchange`, { method: 'POST', headers, body });
  };
  const problem = async (response: Response): Promise<unknown> => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ];

  // proves HTP-24
  it.each([
    ['no token', undefined],
    ['another scheme', 'Basic YWxpY2U6c2VjcmV0'],
    ['an empty token', 'Bearer '],
    ['a token that it does not know', `Bearer ${'A'.repeat(43)}`],
    ['the hash of a token', 'HASH'],
  ])('%s', async (_what, given) => {
    const file = JSON.parse(readFileSync(join(folder, 'tokens.json'), 'utf8')) as {
      tokens: { sha256: string }[];
    };
    const authorization = given === 'HASH' ? `Bearer ${file.tokens[0]?.sha256}` : given;
    const before = tap.seen.length;
    const response = await post(new Uint8Array(10), authorization);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await problem(response)).toEqual([401, 'not-authorised']);
    expect(tap.seen).toHaveLength(before);
  });

  // proves HTP-24
  it('a token that was taken away, within two seconds', async () => {
    const path = join(folder, 'tokens.json');
    const token = await addToken(path, 'dora');
    const until = async (expected: number): Promise<void> => {
      while ((await post(new Uint8Array(1), `Bearer ${token}`)).status !== expected)
        await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await until(400);
    expect(await removeTokens(path, 'dora')).toBe(1);
    await until(401);
  });

  it('an exchange that is none, or asserts something already', async () => {
    const fleet = await through('alice');
    const { exchange } = await fleet.seal(fleet.account('alice').request('status', new Uint8Array(0)));
    const whole = decode(Exchange, exchange);
    const authorization = `Bearer ${tokens['alice']}`;
    const before = tap.seen.length;
    const send = async (body: Bytes): Promise<unknown> => problem(await post(body, authorization));
    expect(await send(new Uint8Array(10))).toEqual([400, 'malformed']);
    expect(await send(encode(Exchange, { ...whole, version: 2 }))).toEqual([400, 'unsupported-version']);
    expect(await send(encode(Exchange, { ...whole, mode: 'ed25519' }))).toEqual([400, 'malformed']);
    const assertion = new Uint8Array(192).fill(1);
    expect(await send(encode(Exchange, { ...whole, assertion }))).toEqual([400, 'malformed']);
    expect(tap.seen).toHaveLength(before);
  });

  // proves HTP-30
  it('a body before it is read', async () => {
    const socket = connectSocket(Number(new URL(relay.url).port), '127.0.0.1');
    socket.write(
      'POST /v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: 2000\r\n\r\n',
    );
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1\.1 401 /u);
    socket.destroy();
    expect((await post(new Uint8Array(4097), `Bearer ${tokens['alice']}`)).status).toBe(413);
  });

  it('what the vault refuses, with its words', async () => {
    const fleet = await through('alice');
    const { exchange } = await fleet.seal(new Uint8Array(2048));
    const changed = decode(Exchange, exchange);
    changed.sealedRequest[2000] = (changed.sealedRequest[2000] ?? 0) ^ 1;
    const response = await post(encode(Exchange, changed), `Bearer ${tokens['alice']}`);
    expect(await problem(response)).toEqual([400, 'channel-open-failed']);
    tap.treat = () => Promise.resolve({ status: 500, body: new Uint8Array(0) });
    expect(await problem(await post(exchange, `Bearer ${tokens['alice']}`))).toEqual([503, 'unavailable']);
  });

  // proves HTP-30, HTP-20
  it('more of one account, or of one address, than its limits allow', async () => {
    const limited = join(root, 'limited');
    await initRelay(limited, tap.url);
    const path = join(limited, 'tokens.json');
    const [alice, bob] = [await addToken(path, 'alice'), await addToken(path, 'bob')];
    const rate = { perMinute: 6, burst: 2 };
    configure({ limits: { account: rate } }, limited);
    const url = await another({ folder: limited });
    const ask = async (token: string, to = url, from?: string): Promise<number> =>
      (
        await post(
          new Uint8Array(1),
          `Bearer ${token}`,
          to,
          from === undefined ? {} : { 'x-forwarded-for': from },
        )
      ).status;
    expect([await ask(alice), await ask(alice), await ask(alice), await ask(bob)]).toEqual([
      400, 400, 429, 400,
    ]);
    configure({ limits: { address: rate, forwardedFor: true } }, limited);
    const behind = await another({ folder: limited });
    const from = (address: string): Promise<number> => ask(alice, behind, address);
    expect([await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1')]).toEqual([
      400, 400, 429,
    ]);
    expect(await from('192.0.2.1, 192.0.2.2')).toBe(400);
    configure({ limits: { address: rate } }, limited);
    const bare = await another({ folder: limited });
    const forged = (address: string): Promise<number> => ask('x', bare, address);
    expect([await forged('192.0.2.3'), await forged('192.0.2.4'), await forged('192.0.2.5')]).toEqual([
      401, 401, 429,
    ]);
  });
});

describe('what a relay keeps', () => {
  // proves HTP-25, HTP-29
  it('is no token, and its log names no account and no token', () => {
    expect(events.length).toBeGreaterThan(10);
    const places = [
      JSON.stringify(events),
      ...readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1')),
    ];
    for (const token of Object.values(tokens)) for (const place of places) expect(place).not.toContain(token);
    for (const name of Object.keys(tokens)) expect(JSON.stringify(events)).not.toContain(name);
    for (const name of readdirSync(folder)) {
      if (name !== RELAY_CONFIG_FILE) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
  });

  it('is named when it is missing or wrong', async () => {
    const wrong = join(root, 'wrong');
    await initRelay(wrong, tap.url);
    const refused = async (expected: object): Promise<void> => {
      await expect(serveRelay({ folder: wrong, port: 0, log: () => {} })).rejects.toMatchObject(expected);
    };
    writeFileSync(join(wrong, 'tokens.json'), '{"version":1,"tokens":[{"account":"","sha256":""}]}');
    await refused({ code: 'invalid-config', details: { subject: 'tokens' } });
    configure({ tokens: 'none.json' }, wrong);
    await refused({ code: 'invalid-config', details: { subject: 'tokens' } });
    configure({ key: 'none.key' }, wrong);
    await refused({ code: 'keys-missing' });
    configure({ vault: 'ftp://example.org' }, wrong);
    await refused({ code: 'invalid-config', details: { subject: 'vault' } });
    await expect(initRelay(wrong, tap.url)).rejects.toMatchObject({ code: 'state-exists' });
    await expect(addToken(join(folder, 'tokens.json'), 'x'.repeat(65))).rejects.toMatchObject({
      code: 'usage',
    });
  });
});
