import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ed25519PublicKey, ed25519Sign } from '../crypto/ed25519.ts';
import { Assertion, Exchange } from '../exchange/assertion.ts';
import { keyId, Policy } from '../fleet/index.ts';
import { DEFAULT_POLICY } from '../fleet/policy.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { assertionMessage, callerOf } from './assertion.ts';
import { CONFIG_FILE, readConfig, type VaultConfig } from './config.ts';
import { initVault, type InitResult } from './init.ts';
import { serveVault, type VaultEvent, type VaultServer } from './server.ts';
import { HttpFleet } from './testing/http-account.ts';

let root: string;
let folders = 0;
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'strongroom-server-'))));
afterAll(() => rmSync(root, { recursive: true }));

async function make(): Promise<{ folder: string; pins: InitResult }> {
  const folder = join(root, `state-${folders++}`);
  return { folder, pins: await initVault({ folder, policy: { delays: [] }, operator: 'tests' }) };
}
const quiet = (): void => {};
const serve = (folder: string, log: (event: VaultEvent) => void = quiet): Promise<VaultServer> =>
  serveVault({ folder, port: 0, log });

describe('a vault over HTTP', () => {
  let folder: string;
  let pins: InitResult;
  let server: VaultServer;
  let fleet: HttpFleet;
  const events: VaultEvent[] = [];
  beforeAll(async () => {
    ({ folder, pins } = await make());
    server = await serve(folder, (event) => events.push(event));
    fleet = await HttpFleet.open(server.url, pins);
  });
  afterAll(() => server.close());

  it('registers and recovers', async () => {
    const alice = fleet.account('alice');
    await alice.register('secret', 5);
    expect(await alice.recover('wrong')).toMatchObject({ outcome: 'wrong-password', remaining: 4 });
    expect(await alice.recover('secret')).toMatchObject({
      outcome: 'ok',
      remaining: 5,
      report: { failed: 1 },
    });
  });

  it('answers the same request again, each time sealed afresh', async () => {
    const { exchange, sealed } = await fleet.seal(fleet.account('bob').request('status', new Uint8Array(0)));
    const [first, second] = await Promise.all(
      [1, 2].map(async () => new Uint8Array(await (await fleet.post(exchange)).arrayBuffer())),
    );
    if (first === undefined || second === undefined) throw new Error('no answers');
    expect(first).toHaveLength(2096);
    expect(first).not.toEqual(second);
    expect(fleet.read(sealed, first).outcome).toBe(fleet.read(sealed, second).outcome);
  });

  // proves XCH-25
  it('gives one account no more than its turns, and others theirs', async () => {
    await fleet.account('carol').register('secret');
    const mallory = fleet.account('mallory');
    await mallory.register('secret', 100);
    const guesses = Array.from({ length: 60 }, (_, i) => mallory.begin(`guess ${i}`).body);
    const sealed = await Promise.all(guesses.map((ke1) => fleet.seal(mallory.request('recover-start', ke1))));
    const flood = Promise.all(sealed.map(({ exchange }) => fleet.post(exchange)));
    expect(await fleet.account('carol').recover('secret')).toMatchObject({ outcome: 'ok' });
    const refused = (await flood).filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const response of refused) expect(await response.json()).toMatchObject({ code: 'overloaded' });
    expect((await mallory.call('status')).remaining).toBe(100 - (60 - refused.length));
  });

  const post = async (
    body: Bytes | string,
    headers: Record<string, string> = {},
  ): Promise<[number, string]> => {
    const type = { 'content-type': 'application/octet-stream', ...headers };
    const response = await fetch(`${server.url}/v1/exchange`, { method: 'POST', headers: type, body });
    const problem = (await response.json()) as { code: string; status: number };
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(problem.status).toBe(response.status);
    return [response.status, problem.code];
  };

  it('says what it cannot open in the clear, unsigned', async () => {
    expect(await post(new Uint8Array(10))).toEqual([400, 'malformed']);
    const { exchange } = await fleet.seal(new Uint8Array(2048));
    const other = decode(Exchange, exchange);
    const changed = (at: number): Bytes => {
      const sealedRequest = new Uint8Array(other.sealedRequest);
      sealedRequest[at] = (sealedRequest[at] ?? 0) ^ 1;
      return encode(Exchange, { ...other, sealedRequest });
    };
    expect(await post(encode(Exchange, { ...other, version: 2 }))).toEqual([400, 'unsupported-version']);
    expect(await post(changed(0))).toEqual([400, 'unsupported-version']);
    expect(await post(changed(1))).toEqual([400, 'unsupported-suite']);
    expect(await post(changed(2))).toEqual([400, 'unknown-channel-key']);
    expect(await post(changed(2000))).toEqual([400, 'channel-open-failed']);
  });

  it('reads no body that is too long, of another type, or of unknown length', async () => {
    expect(await post(new Uint8Array(4097))).toEqual([413, 'malformed']);
    expect(await post('x', { 'content-type': 'text/plain' })).toEqual([415, 'malformed']);
    const chunked = connect(Number(new URL(server.url).port), '127.0.0.1');
    chunked.write(
      'POST /v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const [reply] = (await once(chunked, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1\.1 411 /u);
    chunked.destroy();
  });

  it('knows four paths and one method for each', async () => {
    const status = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(server.url + path, { method })).status;
    expect(await status('/healthz')).toBe(200);
    expect(await status('/readyz')).toBe(200);
    expect(await status('/v1/fleet')).toBe(200);
    expect(await status('/v1/exchange')).toBe(405);
    expect(await status('/v1/fleet', 'POST')).toBe(405);
    expect(await status('/')).toBe(404);
    expect(await status('/constructor')).toBe(404);
    expect(await status('//')).toBe(404);
    expect(await status('/healthz?x=1')).toBe(200);
  });

  // proves HTP-9
  it('closes a connection whose request does not come', async () => {
    const slow = connect(Number(new URL(server.url).port), '127.0.0.1');
    const started = Date.now();
    slow.write(
      'POST /v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\ncontent-type: application/octet-stream\r\n\r\n',
    );
    slow.resume();
    await once(slow, 'close');
    expect(Date.now() - started).toBeLessThan(7000);
    expect(Date.now() - started).toBeGreaterThan(4000);
  });

  // proves HTP-11, HTP-12
  it('logs fields of a closed list, and no account, password or key', () => {
    const text = JSON.stringify(events);
    for (const secret of ['alice', 'secret', 'bob']) expect(text).not.toContain(secret);
    const allowed = ['event', 'path', 'status', 'milliseconds', 'command', 'outcome', 'code', 'url'];
    for (const event of events) expect(allowed).toEqual(expect.arrayContaining(Object.keys(event)));
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'request', command: 4, outcome: 'ok', status: 200 }),
    );
  });

  // proves STO-7
  it('has one process on one state folder', async () => {
    await expect(serve(folder)).rejects.toMatchObject({ code: 'store-locked' });
  });
});

describe('the life of a state folder', () => {
  it('finishes what is under way when it is closed, and goes on where it stopped', async () => {
    const { folder, pins } = await make();
    const first = await serve(folder);
    const fleet = await HttpFleet.open(first.url, pins);
    await fleet.account('alice').register('secret', 50);
    const guesses = Array.from({ length: 20 }, (_, i) => fleet.account('alice').start(`guess ${i}`));
    await Promise.any(guesses); // those beyond the line of one account are refused
    const closing = first.close();
    const answered = (await Promise.allSettled(guesses)).filter(
      ({ status }) => status === 'fulfilled',
    ).length;
    await closing;
    await expect(fetch(`${first.url}/healthz`)).rejects.toThrow();
    const second = await serve(folder);
    const again = await HttpFleet.open(second.url, pins);
    const { remaining } = await again.account('alice').call('status');
    expect(50 - remaining).toBeGreaterThanOrEqual(answered);
    expect(answered).toBeGreaterThan(0);
    await second.close();
  });

  // proves HTP-15, STO-23
  it('says rollback-detected in readyz for an older store, and answers nothing', async () => {
    const { folder, pins } = await make();
    const first = await serve(folder);
    await (await HttpFleet.open(first.url, pins)).account('alice').register('secret');
    await first.close();
    const store = join(folder, 'store.db');
    copyFileSync(store, `${store}.old`);
    const second = await serve(folder);
    const fleet = await HttpFleet.open(second.url, pins);
    await fleet.account('alice').recover('wrong');
    await fleet.account('alice').recover('wrong');
    await second.close();
    copyFileSync(`${store}.old`, store);
    const third = await serve(folder);
    expect(third.failure()).toBe('rollback-detected');
    const ready = await fetch(`${third.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ code: 'rollback-detected' });
    expect((await fetch(`${third.url}/healthz`)).status).toBe(200);
    const refused = await HttpFleet.open(third.url, pins);
    await expect(refused.account('alice').start('secret')).rejects.toThrow('not-ready');
    await third.close();
  });

  // proves STO-27
  it('does not share its anchor with a copy of its store', async () => {
    const { folder } = await make();
    const copy = `${folder}-copy`;
    cpSync(folder, copy, { recursive: true });
    const config = JSON.parse(readFileSync(join(folder, CONFIG_FILE), 'utf8')) as VaultConfig;
    const hsm = { ...config.hsm, anchor: join(folder, 'hsm.anchor') };
    writeFileSync(join(copy, CONFIG_FILE), JSON.stringify({ ...config, hsm }));
    const first = await serve(folder);
    await expect(serve(copy)).rejects.toMatchObject({ code: 'anchor-locked' });
    await first.close();
    const second = await serve(copy); // the first has moved the anchor
    expect(second.failure()).toBe('rollback-detected');
    await second.close();
  });

  // proves HTP-16, STO-2
  it('refuses to start with the name of what is wrong', async () => {
    const { folder } = await make();
    const at = (name: string): string => join(folder, name);
    const refused = async (expected: object): Promise<void> => {
      await expect(serve(folder)).rejects.toMatchObject(expected);
    };
    const config = readFileSync(at(CONFIG_FILE), 'utf8');
    const without = (change: object): void => {
      writeFileSync(at(CONFIG_FILE), JSON.stringify({ ...(JSON.parse(config) as object), ...change }));
    };
    without({ listen: { host: '127.0.0.1', port: -1 } });
    await refused({ code: 'invalid-config', details: { subject: 'listen.port' } });
    without({ colour: 'red' });
    await refused({ code: 'invalid-config', details: { subject: 'colour' } });
    without({ listen: { host: '0.0.0.0', port: 0 } });
    await refused({ code: 'invalid-config', details: { subject: 'listen.host' } });
    without({ store: 'other.db' });
    await refused({ code: 'invalid-config', details: { subject: 'store' } });
    writeFileSync(at(CONFIG_FILE), '{');
    await refused({ code: 'invalid-config' });
    writeFileSync(at(CONFIG_FILE), config);
    const { folder: other } = await make();
    copyFileSync(at('fleet.descriptor'), at('mine'));
    copyFileSync(join(other, 'fleet.descriptor'), at('fleet.descriptor'));
    await refused({ code: 'invalid-config', details: { subject: 'descriptor' } });
    writeFileSync(at('fleet.descriptor'), 'x');
    await refused({ code: 'invalid-config', details: { subject: 'descriptor' } });
    copyFileSync(at('mine'), at('fleet.descriptor'));
    copyFileSync(at('opaque.keys'), at('keys'));
    writeFileSync(at('opaque.keys'), 'x');
    await refused({ code: 'keys-damaged' });
    copyFileSync(join(other, 'opaque.keys'), at('opaque.keys'));
    await refused({ code: 'keys-damaged' });
    copyFileSync(at('keys'), at('opaque.keys'));
    chmodSync(at('hsm.sealing-key'), 0o644);
    await refused({ code: 'keys-exposed' });
    chmodSync(at('hsm.sealing-key'), 0o600);
    await expect(initVault({ folder })).rejects.toMatchObject({ code: 'state-exists' });
    const server = await serve(folder); // none of the refusals has left anything behind
    await server.close();
  });

  it('is not begun with a policy that no client would take', async () => {
    const folder = join(root, 'no-policy');
    await expect(initVault({ folder, policy: { maxBudget: 5 } })).rejects.toMatchObject({
      code: 'bad-descriptor',
    });
    await initVault({ folder });
  });

  it('keeps its files to itself, and its paths relative', async () => {
    const { folder } = await make();
    const config = await readConfig(folder);
    expect(config.store).toBe(join(folder, 'store.db'));
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['hsm.keys', 'signer-1.key', 'store.db']));
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });
});

describe('an assertion', () => {
  const relay = new Uint8Array(32).fill(1);
  const policy: Policy = {
    ...DEFAULT_POLICY,
    assertionMode: 'ed25519',
    relayKeys: [ed25519PublicKey(relay)],
  };
  const requestHash = new Uint8Array(32).fill(2);
  const unsigned: Assertion = {
    relayKeyId: keyId(ed25519PublicKey(relay)),
    account: utf8('alice'),
    requestHash,
    expires: 1000,
    signature: new Uint8Array(64),
  };
  const exchange = (change: Partial<Assertion> = {}, secret = relay): Exchange => {
    const assertion = { ...unsigned, ...change };
    const signature = ed25519Sign(secret, assertionMessage(assertion));
    return {
      version: 1,
      mode: 'ed25519',
      assertion: encode(Assertion, { ...assertion, signature }),
      sealedRequest: utf8('x'),
    };
  };

  it('speaks for its account until it expires', () => {
    expect(callerOf(policy, exchange(), requestHash, 1000)).toEqual({
      kind: 'account',
      account: utf8('alice'),
    });
    expect(callerOf(policy, exchange(), requestHash, 1001)).toEqual({ kind: 'nobody' });
  });

  // proves XCH-1
  it.each<[string, () => Exchange, Policy]>([
    ['by another relay', () => exchange({}, new Uint8Array(32).fill(9)), policy],
    ['by a relay without a key', () => exchange({ relayKeyId: new Uint8Array(8) }), policy],
    ['of another request', () => exchange({ requestHash: new Uint8Array(32) }), policy],
    ['in mode none', () => ({ ...exchange(), mode: 'none', assertion: new Uint8Array(192) }), policy],
    ['of no form', () => ({ ...exchange(), assertion: new Uint8Array(192).fill(255) }), policy],
    ['where none is asked for', () => exchange(), DEFAULT_POLICY],
    ['in mode none with something in it', () => ({ ...exchange(), mode: 'none' }), DEFAULT_POLICY],
  ])('%s speaks for nobody', (_name, make, policy) => {
    expect(callerOf(policy, make(), requestHash, 500)).toEqual({ kind: 'nobody' });
  });

  // proves XCH-1
  it('whose account was changed after signing speaks for nobody', () => {
    const good = decode(Assertion, exchange().assertion);
    const assertion = encode(Assertion, { ...good, account: utf8('mallo') });
    expect(callerOf(policy, { ...exchange(), assertion }, requestHash, 500)).toEqual({ kind: 'nobody' });
  });
});
