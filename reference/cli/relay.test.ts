import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHex } from '../wire/bytes.ts';
import { HttpFleet } from '../vault/testing/http-account.ts';
import type { InitResult } from '../vault/init.ts';
import { MAIN, strongroom, workplace } from './fixture.ts';

const ACCOUNT = '+1 555 0100 margaret';
const PASSWORD = 'correct horse battery staple';
const place = workplace();
const folders = { vault: place.path('vault'), relay: place.path('relay') };

/** A server in a process of its own, with everything that it writes. */
class Running {
  readonly url: Promise<string>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';

  constructor(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, [MAIN, ...args, '--port', '0'], { env });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', resolve));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => (this.#output += String(data)));
    }
    this.url = new Promise((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => {
        const event = JSON.parse(line) as { msg?: string; url?: string };
        if (event.msg === 'listening' && event.url !== undefined) resolve(event.url);
      });
      this.#ended.then(() => reject(new Error(this.#output)), reject);
    });
  }

  /** Ends it in order; everything that it has written. */
  async stop(): Promise<string> {
    this.#child.kill('SIGTERM');
    expect(await this.#ended).toBe(0);
    return this.#output;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

const running: Running[] = [];
function serve(args: readonly string[], environment?: NodeJS.ProcessEnv): Running {
  const server = new Running(args, environment);
  running.push(server);
  return server;
}

function readPins(): InitResult {
  const { fleetId, signers, threshold } = JSON.parse(
    readFileSync(join(folders.vault, 'pins.json'), 'utf8'),
  ) as { fleetId: string; signers: string[]; threshold: number };
  return { fleetId: fromHex(fleetId), signers: signers.map(fromHex), threshold };
}

let vault: Running;
let relay: Running;
let token: string;
let policyFile: string;
beforeAll(async () => {
  policyFile = place.write('policy.json', JSON.stringify({ delays: [] }));
  await strongroom(['relay', 'init', folders.relay, '--vault', 'http://127.0.0.1:1']);
  const key = join(folders.relay, 'relay.pub');
  await strongroom(['vault', 'init', folders.vault, '--relay', key, '--policy', policyFile]);
  vault = serve(['vault', 'serve', folders.vault]);
  relay = serve(['relay', 'serve', folders.relay], { STRONGROOM_RELAY_VAULT: await vault.url });
  token = (await strongroom(['relay', 'token', 'add', folders.relay, ACCOUNT])).stdout.toString().trim();
});
afterAll(() => {
  for (const each of running) each.kill();
  place.remove();
});

describe('relay and vault as processes', () => {
  it('serve a client with a token, and no other', async () => {
    const url = await relay.url;
    const fleet = await HttpFleet.open(url, readPins(), { authorization: `Bearer ${token}` });
    const account = fleet.account(ACCOUNT);
    const until = Date.now() + 5000;
    while (Date.now() < until) {
      const asked = await account.call('status').catch((error: Error) => error.message);
      if (asked !== 'not-authorised') break; // the running relay takes note of a token within two seconds
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await account.register(PASSWORD, 5);
    expect(await account.recover('wrong')).toMatchObject({ outcome: 'wrong-password', remaining: 4 });
    expect(await account.recover(PASSWORD)).toMatchObject({ outcome: 'ok' });
    const without = await HttpFleet.open(url, readPins());
    await expect(without.account(ACCOUNT).call('status')).rejects.toThrow('not-authorised');
    const past = await HttpFleet.open(await vault.url, readPins());
    expect(await past.account(ACCOUNT).call('status')).toMatchObject({ outcome: 'not-authorised' });
  });

  it('have commands that say what is wrong', async () => {
    const refused = async (args: readonly string[], code: string): Promise<void> => {
      const ran = await strongroom(args);
      expect([ran.code === 0, ran.stderr]).toEqual([
        false,
        expect.stringMatching(new RegExp(`^${code}`, 'u')),
      ]);
      expect(ran.stdout).toHaveLength(0);
    };
    await refused(['relay', 'init', folders.relay, '--vault', 'http://127.0.0.1:1'], 'state-exists');
    await refused(['relay', 'init', place.path('new'), '--vault', 'vault.example'], 'invalid-config');
    await refused(['relay', 'token', 'add', folders.relay, ''], 'usage');
    await refused(['relay', 'token', 'remove', folders.relay, 'nobody'], 'not-found');
    await refused(['relay', 'token'], 'usage: one of: relay init, relay token add');
    await refused(['vault', 'init', place.path('new'), '--relay', policyFile], 'invalid-key');
    writeFileSync(join(folders.relay, 'tokens.json.new'), '');
    await refused(['relay', 'token', 'add', folders.relay, 'bob'], 'conflict');
  });

  it('name the field or the variable of a wrong setting, beside the running vault', async () => {
    const check = (environment: Record<string, string> = {}): ReturnType<typeof strongroom> =>
      strongroom(['vault', 'check-config', folders.vault], { env: environment });
    const sound = await check();
    expect([sound.code, sound.stdout.toString()]).toEqual([
      0,
      expect.stringMatching(/^descriptor +valid until 20/mu),
    ]);
    const wrong = await check({ STRONGROOM_VAULT_LISTEN_PORT: 'many' });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('STRONGROOM_VAULT_LISTEN_PORT')]);
    const gone = await check({ STRONGROOM_VAULT_STORE: 'gone.db' });
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('gone.db')]);
  });

  it('name the files that a relay needs for clients and for its vault', async () => {
    const command = 'ulimit -n 200; exec "$0" "$@"';
    const ran = spawnSync('sh', ['-c', command, process.execPath, MAIN, 'relay', 'serve', folders.relay], {
      encoding: 'utf8',
    });
    expect([ran.status, ran.stderr]).toEqual([
      1,
      expect.stringMatching(/^invalid-config: only 200 open files/u),
    ]);
  });

  // proves HTP-11, HTP-29
  it('write no account, password, token, key or address to their logs, whatever is sent to them', async () => {
    for (const url of [await relay.url, await vault.url]) {
      const post = (path: string, headers: Record<string, string>, body: string): Promise<Response> =>
        fetch(url + path, { method: 'POST', headers, body });
      const type = { 'content-type': 'application/octet-stream' };
      await post('/v1/exchange', { ...type, authorization: `Bearer ${token}` }, ACCOUNT + PASSWORD);
      await post(`/v1/exchange?account=${encodeURIComponent(ACCOUNT)}`, type, PASSWORD);
      await post(`/${encodeURIComponent(PASSWORD)}`, { 'user-agent': PASSWORD, authorization: token }, '');
      await post('/v1/exchange', { 'content-type': token }, '');
    }
    const output = (await relay.stop()) + (await vault.stop());
    expect(output.split('\n').length).toBeGreaterThan(20);
    const files = [folders.relay, folders.vault].flatMap((folder) =>
      readdirSync(folder).map((name) => join(folder, name)),
    );
    const keys = files.filter((path) => /key/u.test(path) && statSync(path).size === 32);
    expect(keys.length).toBeGreaterThanOrEqual(3); // of the relay, of a signer, the sealing key
    const secrets = [ACCOUNT, PASSWORD, token, ...keys.map((path) => readFileSync(path))];
    const forms = secrets.flatMap((secret) => {
      const bytes = Buffer.from(secret);
      const encoded = (['latin1', 'hex', 'base64', 'base64url'] as const).map((form) => bytes.toString(form));
      return [...encoded, encodeURIComponent(bytes.toString('latin1')), [...bytes].join(',')];
    });
    for (const form of forms) expect(output).not.toContain(form);
    for (const word of ['margaret', '555 0100', 'battery']) expect(output).not.toContain(word);
    const fields = new Set(
      output
        .trim()
        .split('\n')
        .flatMap((line) => Object.keys(JSON.parse(line) as object)),
    );
    const closed = [
      'level',
      'time',
      'msg',
      'url',
      'path',
      'status',
      'milliseconds',
      'command',
      'outcome',
      'code',
    ];
    expect(closed).toEqual(expect.arrayContaining([...fields]));
  });
});
