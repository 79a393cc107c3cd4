import { createServer, request as httpRequest } from 'node:http';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startClockVault, type ClockVault } from '../client/fixture.ts';
import { BackupKey } from '../container/index.ts';
import { DEFAULT_STRETCH } from '../opaque/index.ts';
import { strongroom, workplace, type Ran } from './fixture.ts';

const GRACE = 7 * 86_400;
const place = workplace();
const OLD = 'correct horse';
const NEW = 'battery staple';

let vault: ClockVault;
beforeAll(async () => {
  // The command line has the bounds of real devices: this is the real stretching.
  vault = await startClockVault({ stretch: DEFAULT_STRETCH, graceSeconds: GRACE });
});
afterAll(async () => {
  await vault.stop();
  place.remove();
});

/** An account with a key of its own. */
interface Owner {
  readonly options: readonly string[];
  readonly key: string;
  readonly keyFile: readonly string[];
}

function at(account: string, url = vault.url, option = '--vault'): string[] {
  const [pins, state] = [`${vault.folder}/pins.json`, place.path('state', account)];
  return [option, url, '--pins', pins, '--account', account, '--state', state];
}

async function owner(account: string): Promise<Owner> {
  const key = BackupKey.generate().recoveryKey();
  const keyFile = ['--key-file', place.write(`${account}.key`, key)];
  const options = at(account);
  await strongroom(['register', ...options, ...keyFile, '--password-fd', '3'], { fd3: OLD });
  return { options, key, keyFile };
}

const passwordFile = (password: string): string =>
  place.write(`${password.replaceAll(' ', '-')}.txt`, password);
const parsed = ({ stdout }: Ran): Record<string, unknown> =>
  JSON.parse(stdout.toString()) as Record<string, unknown>;

function recover({ options }: Owner, password: string): Promise<Ran> {
  return strongroom(['recover', ...options, '--json', '--password-fd', '3'], { fd3: password });
}

describe('change-password', () => {
  test('takes the place of the old one, with two secrets from two places', async () => {
    const alice = await owner('alice');
    const args = ['change-password', ...alice.options, '--json', '--password-fd', '3'];
    const ran = await strongroom([...args, '--new-password-file', passwordFile(NEW)], { fd3: OLD });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(parsed(ran)).toMatchObject({ account: 'alice', generation: 2, attempts: 10, budget: 10 });
    expect(parsed(await recover(alice, NEW))).toMatchObject({ key: alice.key });
    expect((await recover(alice, OLD)).code).toBe(3);
  });

  test('that is cut off is found out with --resume', async () => {
    const bob = await owner('bob');
    let exchanges = 0;
    // recover-start, recover-finish, change-start, and then answers get lost.
    const relay = createServer((request, response) => {
      const { method, headers, url = '' } = request;
      const onward = httpRequest(new URL(url, vault.url), { method, headers }, (answer) => {
        if (method === 'POST' && exchanges++ >= 3) {
          answer.resume();
          request.socket.destroy();
          return;
        }
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    await new Promise<void>((resolve) => void relay.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
    const secrets = ['--password-fd', '3', '--new-password-file', passwordFile(NEW)];
    const cut = await strongroom(['change-password', ...at('bob', url), ...secrets], { fd3: OLD });
    relay.closeAllConnections();
    relay.close();
    expect(cut.code).toBe(5);
    const status = await strongroom(['status', ...bob.options, '--json']);
    expect(parsed(status)).toMatchObject({ unfinished: 'change-password --resume' });
    const resumed = await strongroom(['change-password', ...bob.options, '--resume', '--json']);
    expect(parsed(resumed)).toMatchObject({ generation: 2 });
    expect(parsed(await recover(bob, NEW))).toMatchObject({ key: bob.key });
  });
});

describe('delete and cancel', () => {
  // proves CLI-56
  test('delete asks for --yes, and then takes the key away at once', async () => {
    const carol = await owner('carol');
    const args = ['delete', ...carol.options, ...carol.keyFile];
    const refused = await strongroom(args);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^usage: .*64 digits.*--yes/u);
    expect(parsed(await recover(carol, OLD))).toMatchObject({ key: carol.key });
    const ran = await strongroom([...args, '--yes', '--json']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(parsed(ran)).toEqual({ account: 'carol', deleted: 'yes' });
    expect((await recover(carol, OLD)).code).toBe(6);
    expect(parsed(await strongroom(['status', ...carol.options, '--json']))).toMatchObject({
      phase: 'deleted',
    });
  });

  // proves CLI-47
  test('what is scheduled is shown by every command, whatever comes of it, with what cancels it', async () => {
    const dave = await owner('dave');
    const storage = place.path('dave-storage');
    mkdirSync(place.path('dave-files'));
    const backup = ['backup', place.path('dave-files'), '--to', storage, ...dave.keyFile];
    const scheduled = await strongroom(['delete', ...dave.options, '--unproved', '--yes', '--json']);
    expect(scheduled.code).toBe(0);
    expect(parsed(scheduled)).toEqual({
      account: 'dave',
      deleted: 'not yet',
      scheduled: 'deletion',
      effective: GRACE,
    });
    const warning = /^warning: a deletion .* in 7 days.* cancel it: (strongroom cancel .*)$/mu;
    const password = ['--password-fd', '3'];
    const runs = await Promise.all([
      strongroom(['status', ...dave.options]),
      recover(dave, OLD),
      strongroom(['recover', ...dave.options, ...password], { fd3: 'a guess' }),
      strongroom([...backup, ...at('dave', vault.url, '--head-vault')]),
      strongroom(['register', ...dave.options, '--key-file', place.write('no.key', 'no')]),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 3, 0, 3]);
    for (const { stderr } of runs.slice(0, 4)) expect(stderr).toMatch(warning);
    // The command of the warning is one that works as it stands.
    const [, words = ''] = warning.exec(runs[0]?.stderr ?? '') ?? [];
    const cancel = words.split(' ').slice(1);
    const wrong = await strongroom([...cancel, ...password], { fd3: 'a guess' });
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toMatch(warning);
    const ran = await strongroom([...cancel, ...password, '--json'], { fd3: OLD });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(parsed(ran)).toEqual({ account: 'dave', cancelled: 'deletion' });
    expect(parsed(await strongroom([...cancel, ...dave.keyFile, '--json']))).toMatchObject({
      cancelled: 'nothing',
    });
  });

  test('contradictions are refused before anything is asked', async () => {
    const options = at('nobody', 'http://127.0.0.1:9');
    const both = ['--key-file', 'k', '--password-file', 'p'];
    for (const args of [
      ['delete', ...options, '--unproved', '--key-file', 'k', '--yes'],
      ['delete', ...options, '--new-password', 'x'],
      ['cancel', ...options, '--token', 'x'],
      ['register', ...options, ...both.slice(0, 2), '--head-vault', 'x'],
    ]) {
      expect((await strongroom(args)).code).toBe(2);
    }
  });
});

describe('register', () => {
  test('--unproved waits, and --resume says so until it is live', async () => {
    const erin = await owner('erin');
    const key = BackupKey.generate().recoveryKey();
    const other = [...at('erin').slice(0, -1), place.path('state', 'erin2')];
    const args = ['register', ...other, '--key-file', place.write('erin2.key', key), '--password-fd', '3'];
    const waits = await strongroom([...args, '--unproved', '--json'], { fd3: NEW });
    expect(waits.code).toBe(0);
    expect(parsed(waits)).toMatchObject({ generation: 2, scheduled: 'replacement', effective: GRACE });
    expect(waits.stderr).toMatch(/^warning: a replacement /mu);
    expect(waits.stderr).toMatch(/register --resume --vault/u);
    const early = await strongroom(['register', ...other, '--resume', '--json']);
    expect(early.code).toBe(5);
    expect(early.stderr).toMatch(/^scheduled: /mu);
    expect(parsed(await recover(erin, OLD))).toMatchObject({ key: erin.key });
    vault.pass(GRACE);
    expect(await strongroom(['register', ...other, '--resume'])).toMatchObject({ code: 0, stderr: '' });
    expect(parsed(await recover(erin, NEW))).toMatchObject({ key });
  });

  test('--backup brings the backups under the new key before it is confirmed', async () => {
    const frank = await owner('frank');
    const [storage, files] = [place.path('frank-storage'), place.path('frank-files')];
    mkdirSync(files);
    cpSync(place.write('a', 'content'), `${files}/a`);
    const head = at('frank', vault.url, '--head-vault');
    const backup = ['backup', files, '--to', storage, ...head];
    expect((await strongroom([...backup, ...frank.keyFile])).code).toBe(0);
    const next = ['--key-file', place.write('frank2.key', BackupKey.generate().recoveryKey())];
    const previous = ['--previous-key-file', place.path('frank.key'), '--password-fd', '3'];
    const register = ['register', ...frank.options, ...next, ...previous];
    const noStorage = await strongroom([...register, '--backup', place.path('none')], { fd3: NEW });
    expect(noStorage.stderr).toMatch(/^not-found: /u);
    const ran = await strongroom([...register, '--backup', storage], { fd3: NEW });
    expect(ran).toMatchObject({ code: 0, stderr: 'backup 2 is under the new key\n' });
    const to = place.path('frank-restored');
    const restored = await strongroom(['restore', '--from', storage, '--to', to, ...next, ...head, '--json']);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(parsed(restored)).toMatchObject({ freshness: 'fresh' });
    expect(readFileSync(`${to}/a`, 'utf8')).toBe('content');
  });
});

describe('the head at the vault', () => {
  test('finds out a storage that shows an older backup, and nothing is restored', async () => {
    const grace = await owner('grace');
    const [storage, older, files] = ['store', 'older', 'files'].map((name) =>
      place.path(`grace-${name}`),
    ) as [string, string, string];
    mkdirSync(files);
    const head = at('grace', vault.url, '--head-vault');
    const backup = ['backup', files, '--to', storage, ...grace.keyFile, ...head];
    expect((await strongroom(backup)).code).toBe(0);
    cpSync(storage, older, { recursive: true });
    cpSync(place.write('b', 'new'), `${files}/b`);
    expect((await strongroom(backup)).code).toBe(0);
    const verify = (from: string): Promise<Ran> =>
      strongroom(['verify', '--from', from, ...grace.keyFile, ...head, '--json']);
    expect(parsed(await verify(storage))).toMatchObject({ freshness: 'fresh' });
    const stale = await verify(older);
    expect(stale.code).toBe(4);
    expect(stale.stderr).toMatch(/^warning: a newer backup.*\nstale: /u);
    const shown = await strongroom(['head', 'show', ...head, ...grace.keyFile, '--json']);
    expect(parsed(shown)).toMatchObject({ generation: 2 });
    const stranger = ['--key-file', place.write('stranger.key', BackupKey.generate().recoveryKey())];
    const refused = await strongroom(['head', 'show', ...head, ...stranger]);
    expect(refused.stderr).toMatch(/^not-authorised: /u);
    const two = await strongroom(['head', 'show', ...head, '--head', 'file', ...grace.keyFile]);
    expect(two.code).toBe(2);
  });
});
