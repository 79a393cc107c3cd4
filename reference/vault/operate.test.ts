import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONFIG_FILE } from './config.ts';
import { initVault, type InitResult } from './init.ts';
import { serveVault, type VaultEvent, type VaultServer } from './server.ts';
import { HttpFleet } from './testing/http-account.ts';

let folder: string;
let pins: InitResult;
let server: VaultServer | undefined;
let events: VaultEvent[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-operate-'));
  pins = await initVault({ folder, policy: { delays: [] } });
  server = undefined;
});
afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

/** Serves with a changed configuration. */
async function serve(change: object = {}): Promise<HttpFleet> {
  const path = join(folder, CONFIG_FILE);
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...config, ...change }));
  events = [];
  server = await serveVault({ folder, port: 0, log: (event) => events.push(event) });
  return HttpFleet.open(server.url, pins);
}
const get = (path: string): Promise<Response> => fetch(`${server?.url}${path}`);

describe('limits of a vault', () => {
  // proves HTP-20
  it('hold for each account, whatever it asks, and say when to come back', async () => {
    const fleet = await serve({ limits: { account: { perMinute: 6, burst: 3 } } });
    const ask = async (name: string): Promise<Response> =>
      fleet.post((await fleet.seal(fleet.account(name).request('status', new Uint8Array(0)))).exchange);
    const answers = [await ask('alice'), await ask('alice'), await ask('alice'), await ask('alice')];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    const refused = answers[3];
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(5);
    expect(await refused?.json()).toMatchObject({ code: 'overloaded', status: 429 });
    expect((await ask('bob')).status).toBe(200);
  });

  // proves HTP-20, HTP-7
  it('hold for each address, before a body is read, and not for the health of the vault', async () => {
    const fleet = await serve({ limits: { address: { perMinute: 6, burst: 2 } } });
    const body = (await fleet.seal(fleet.account('alice').request('status', new Uint8Array(0)))).exchange;
    const post = async (bytes: Uint8Array<ArrayBuffer>): Promise<number> => (await fleet.post(bytes)).status;
    expect([await post(body), await post(body), await post(body)]).toEqual([200, 200, 429]);
    expect(await post(new Uint8Array(5000))).toBe(429);
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
  });

  it('are none unless told', async () => {
    const fleet = await serve();
    for (let i = 0; i < 50; i++) expect((await fleet.account('alice').call('status')).outcome).toBe('ok');
  });
});

describe('metrics', () => {
  const listen = { host: '127.0.0.1', port: 0 };
  const listening = (): string => {
    const event = events.find(({ event }) => event === 'listening');
    return event?.event === 'listening' ? (event.metrics ?? '') : '';
  };
  /** Samples by name and labels. */
  async function read(): Promise<Map<string, number>> {
    const text = await (await fetch(`${listening()}/metrics`)).text();
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      samples.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  }

  it('count what happened, and name no account', async () => {
    const fleet = await serve({ metrics: listen });
    const alice = fleet.account('margaret-hamilton');
    await alice.register('secret', 5);
    await alice.recover('wrong');
    await fleet.post(new Uint8Array(10));
    await get('/margaret-hamilton');
    const samples = await read();
    const expected = {
      'vault_requests_total{path="/v1/exchange",status="200"}': 5,
      'vault_requests_total{path="/v1/exchange",status="400"}': 1,
      'vault_requests_total{path="other",status="404"}': 1,
      'vault_request_errors_total{code="malformed"}': 2,
      'vault_exchanges_total{command="register-confirm",outcome="ok"}': 1,
      'vault_exchanges_total{command="recover-finish",outcome="wrong-password"}': 1,
      'vault_exchange_seconds_count{command="recover-start"}': 1,
      vault_commit_seconds_count: 5,
      vault_commit_records_sum: 5,
      vault_accounts: 1,
      vault_partitions: 1,
      vault_partitions_serving: 1,
      vault_rollback_alarms_total: 0,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, samples.get(name)]))).toEqual(
      expected,
    );
    expect(samples.get('vault_anchor_seconds_count')).toBeGreaterThanOrEqual(5);
    expect(samples.get('vault_connections')).toBeGreaterThan(0);
    expect(samples.has('vault_nodejs_eventloop_lag_seconds')).toBe(true);
    expect([...samples.keys()].join('\n')).not.toMatch(/margaret/u);
  });

  it('are on a listener of their own, which serves nothing else', async () => {
    await serve({ metrics: listen });
    expect(listening()).not.toBe(server?.url);
    expect((await get('/metrics')).status).toBe(404);
    expect((await fetch(`${listening()}/v1/fleet`)).status).toBe(404);
    expect((await fetch(`${listening()}/metrics`, { method: 'POST' })).status).toBe(404);
  });

  it('are nowhere unless told, and a port that is taken is named', async () => {
    await serve();
    expect(listening()).toBe('');
    const taken = Number(new URL(server?.url ?? '').port);
    const { folder: other } = { folder: mkdtempSync(join(tmpdir(), 'strongroom-other-')) };
    await initVault({ folder: other });
    const path = join(other, CONFIG_FILE);
    const config = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...config, metrics: { ...listen, port: taken } }));
    const again = serveVault({ folder: other, port: 0, log: () => {} });
    await expect(again).rejects.toMatchObject({ code: 'invalid-config', details: { subject: 'metrics' } });
    rmSync(other, { recursive: true });
  });
});

// proves HTP-23
it('a vault that serves says so in readyz, as JSON', async () => {
  await serve();
  const ready = await get('/readyz');
  expect(ready.headers.get('content-type')).toBe('application/json');
  expect(await ready.json()).toEqual({ status: 'ready', failed: [] });
});

// proves HTP-23, STO-36
it('a vault whose partitions do not all serve says which, and why, and goes on', async () => {
  const at = join(folder, 'parts');
  await initVault({ folder: at, partitionBits: 2 });
  const db = new DatabaseSync(join(at, 'store.db'));
  db.prepare('DELETE FROM entry WHERE key = ?').run(Uint8Array.of(1, 0, 2));
  db.close();
  events = [];
  server = await serveVault({ folder: at, port: 0, log: (event) => events.push(event) });
  const ready = await get('/readyz');
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({
    status: 'degraded',
    failed: [{ partition: 2, code: 'rollback-detected' }],
  });
  expect(events).toContainEqual({ event: 'failed', partition: 2, code: 'rollback-detected' });
});
