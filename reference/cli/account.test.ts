import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startVault, type TestVault } from '../client/fixture.ts';
import { BackupKey } from '../container/index.ts';
import { DEFAULT_STRETCH } from '../opaque/index.ts';
import { strongroom, workplace, type Ran } from './fixture.ts';
import { readPolicy } from './vault-init.ts';

const place = workplace();
const key = BackupKey.generate().recoveryKey();
const keyFile = ['--key-file', place.write('key', key)];
const PASSWORD = 'correct horse';

let vault: TestVault;
let other: TestVault;
beforeAll(async () => {
  // The command line has the bounds of real devices: this is the real stretching.
  const policy = { stretch: DEFAULT_STRETCH, defaultBudget: 3 };
  [vault, other] = await Promise.all([startVault(policy), startVault(policy)]);
});
afterAll(async () => {
  await Promise.all([vault.stop(), other.stop()]);
  place.remove();
});

interface Where {
  readonly account: string;
  readonly url?: string;
  readonly pins?: string;
  readonly state?: string;
}

function options({ account, url = vault.url, pins = vault.folder, state = account }: Where): string[] {
  return [
    '--vault',
    url,
    '--pins',
    `${pins}/pins.json`,
    '--account',
    account,
    '--state',
    place.path('state', state),
  ];
}

function register(where: Where, more: readonly string[] = [], password = PASSWORD): Promise<Ran> {
  const args = ['register', ...options(where), ...keyFile, '--password-fd', '3', ...more];
  return strongroom(args, { fd3: password });
}

function recover(where: Where, password = PASSWORD, more: readonly string[] = []): Promise<Ran> {
  return strongroom(['recover', ...options(where), '--password-fd', '3', '--json', ...more], {
    fd3: password,
  });
}

async function attemptsLeft(where: Where): Promise<unknown> {
  const { stdout } = await strongroom(['status', ...options(where), '--json']);
  return (JSON.parse(stdout.toString()) as { attempts: unknown }).attempts;
}

const parsed = ({ stdout }: Ran): unknown => JSON.parse(stdout.toString());

/** A relay that cuts the connection of some exchanges after the vault has answered. */
async function cuttingRelay(cut: (index: number) => boolean): Promise<{ url: string; server: Server }> {
  let index = 0;
  const server = createServer((request, response) => {
    const onward = httpRequest(new URL(request.url ?? '', vault.url), {
      method: request.method,
      headers: request.headers,
    });
    onward.on('response', (answer) => {
      if (request.method === 'POST' && cut(index++)) {
        answer.resume();
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe.concurrent('register and recover', () => {
  // proves CLI-41
  test('from one device to another, with the password alone', async () => {
    const where = { account: 'alice' };
    const registered = await register(where, ['--json']);
    expect(registered).toMatchObject({ code: 0, stderr: '' });
    expect(parsed(registered)).toMatchObject({ account: 'alice', generation: 1, attempts: 3, budget: 3 });
    const out = place.path('alice.key');
    const recovered = await recover({ ...where, state: 'new' }, `${PASSWORD}\n`, ['--output', out]);
    expect(recovered).toMatchObject({ code: 0, stderr: '' });
    expect(parsed(recovered)).toEqual({ account: 'alice', attempts: 3, budget: 3, failed: 0, file: out });
    expect(readFileSync(out, 'utf8')).toBe(`${key}\n`);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    for (const state of ['alice', 'new']) {
      const kept = readdirSync(place.path('state', state)).map((name) =>
        readFileSync(place.path('state', state, name), 'utf8'),
      );
      for (const secret of [key, key.replaceAll(' ', ''), PASSWORD])
        expect(kept.join()).not.toContain(secret);
    }
  });

  // proves CLI-36
  test('a wrong password: exit 3 and the attempts left; then the owner is told', async () => {
    const where = { account: 'bob' };
    await register(where);
    const wrong = await recover(where, 'wrong');
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toMatch(/^wrong-password: .*attempts left: 2\n {2}\S/u);
    expect(wrong.stdout).toHaveLength(0);
    const right = await recover(where);
    expect(right.code).toBe(0);
    expect(right.stderr).toContain('warning: 1 wrong password was tried');
  });

  test('a spent budget: exit 6, and the right password gets nothing', async () => {
    const where = { account: 'carol' };
    await register(where, ['--budget', '1']);
    for (const password of ['wrong', PASSWORD]) {
      const ran = await recover(where, password);
      expect(ran.code).toBe(6);
      expect(ran.stderr).toMatch(/^destroyed: /u);
      expect(ran.stdout).toHaveLength(0);
    }
    const unknown = await recover({ account: 'nobody' });
    expect(unknown.code).toBe(6);
    expect(unknown.stderr).toMatch(/^not-registered: /u);
  });

  test('nothing is charged where the key could not be kept anyway', async () => {
    const where = { account: 'dave' };
    await register(where);
    const there = place.write('there', 'mine');
    const ran = await recover(where, 'wrong', ['--output', there]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^exists: .*\n {2}\S/u);
    expect(ran.stderr).not.toContain('--force');
    expect(readFileSync(there, 'utf8')).toBe('mine');
    const nowhere = await recover(where, 'wrong', ['--output', place.path('no', 'folder')]);
    expect(nowhere.stderr).toMatch(/^not-found: /u);
    expect((await recover(where, 'tab\there')).stderr).toMatch(/^invalid-password: /u);
    expect(await attemptsLeft(where)).toBe(3);
  });
});

describe.concurrent('a vault that is not there, or not the right one', () => {
  test('nobody answers: unavailable, exit 5', async () => {
    const ran = await recover({ account: 'erin', url: 'http://127.0.0.1:9' });
    expect(ran.code).toBe(5);
    expect(ran.stderr).toMatch(/^unavailable: /u);
  });

  test('another fleet, an address without protection, a file that is no pins', async () => {
    const where = { account: 'frank' };
    await register(where);
    const wrongFleet = await recover({ ...where, url: other.url }, 'wrong');
    expect(wrongFleet.code).toBe(7);
    expect(wrongFleet.stderr).toMatch(/^descriptor-not-trusted: /u);
    expect((await recover({ ...where, url: 'http://192.0.2.1' })).stderr).toMatch(/^insecure-url: /u);
    const noPins = await strongroom([
      'status',
      ...options(where).map((each) => each.replace('pins.json', 'vault.json')),
    ]);
    expect(noPins.stderr).toMatch(/^state-damaged: /u);
    expect(await attemptsLeft(where)).toBe(3);
  });
});

test('a registration that is cut off is finished with --resume, and by nothing else', async () => {
  const where = { account: 'grace' };
  // The record arrives at the vault, and no answer to it at the device.
  const { url, server } = await cuttingRelay((index) => index >= 1);
  const cut = await register({ ...where, url });
  expect(cut.code).toBe(5);
  expect(cut.stderr).toMatch(/^unavailable: /u);
  server.closeAllConnections();
  server.close();
  const again = await register(where);
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/^registration-unfinished: /u);
  const resumed = await strongroom(['register', ...options(where), '--resume', '--json']);
  expect(parsed(resumed)).toMatchObject({ account: 'grace', generation: 1 });
  expect(parsed(await recover(where))).toMatchObject({ key });
});

describe.concurrent('vault', () => {
  test('init never makes a vault anew in place, and names what to pin', async () => {
    const folder = place.path('vault');
    const ran = await strongroom(['vault', 'init', folder, '--signers', '3', '--threshold', '2', '--json']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const facts = parsed(ran) as { pins: string; signers: string[]; threshold: number };
    expect(JSON.parse(readFileSync(facts.pins, 'utf8'))).toMatchObject({
      threshold: 2,
      signers: facts.signers,
    });
    for (const name of ['hsm.keys', 'hsm.sealing-key', 'signer-3.key', 'opaque.keys']) {
      expect(statSync(`${folder}/${name}`).mode & 0o777).toBe(0o600);
    }
    const again = await strongroom(['vault', 'init', folder]);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^state-exists: /u);
  });

  test('init refuses a policy that is none, and makes nothing', async () => {
    const folder = place.path('refused');
    const ran = await strongroom([
      'vault',
      'init',
      folder,
      '--policy',
      place.write('policy', '{"budget":3}'),
    ]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^invalid-config: /u);
    expect(existsSync(folder)).toBe(false);
    for (const text of ['{', '[]', '{"maxBudget":101}', '{"stretch":{"iterations":1}}']) {
      await expect(readPolicy(place.write('policy', text))).rejects.toMatchObject({ code: 'invalid-config' });
    }
    expect(await readPolicy(place.write('policy', '{"delays":[],"maxBudget":5}'))).toEqual({
      delays: [],
      maxBudget: 5,
    });
  });

  test('serve ends with 0 when it is told to stop, and refuses a folder that holds no vault', async () => {
    const folder = place.path('served');
    await strongroom(['vault', 'init', folder]);
    const ran = await strongroom(['vault', 'serve', folder, '--port', '0'], {
      onStart: (child) => void child.stdout.once('data', () => child.kill('SIGTERM')),
    });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const none = await strongroom(['vault', 'serve', place.folder]);
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/^invalid-config: /u);
  });
});
