import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MAIN } from '../cli/fixture.ts';
import { ed25519PublicKey } from '../crypto/ed25519.ts';
import { systemRandom } from '../crypto/random.ts';
import type { Statement } from '../exchange/answer.ts';
import { openHsm } from '../hsm/open.ts';
import { agents, MISSING, PIN, SoftToken } from '../hsm/pkcs11/testing/softhsm.ts';
import { assertExchange } from '../relay/assert.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { hex, utf8, type Bytes } from '../wire/bytes.ts';
import { checkVault } from './check.ts';
import { readConfig } from './config.ts';
import { initVault, type InitResult } from './init.ts';
import { serveVault, type VaultEvent, type VaultServer } from './server.ts';
import { TestAccount } from './testing/account.ts';
import { HttpFleet } from './testing/http-account.ts';
import { verifyState } from './verify.ts';
import { Vault } from './vault.ts';

const relay = systemRandom('relay', 32);
const reason = MISSING === undefined ? '' : `: ${MISSING}`;
let token: SoftToken;
let folder: string;
let pins: InitResult;
let server: VaultServer | undefined;
let events: VaultEvent[];

async function serve(): Promise<string> {
  events = [];
  server = await serveVault({ folder, port: 0, log: (event) => events.push(event) });
  return server.url;
}

async function stop(): Promise<void> {
  await server?.close();
  server = undefined;
}

/** An account of the vault at an address, with a relay's word for it. */
async function account(url: string, name: string): Promise<TestAccount> {
  const fleet = await HttpFleet.open(url, pins);
  const send = async (plaintext: Bytes): Promise<Statement> => {
    const { exchange, sealed } = await fleet.seal(plaintext);
    const response = await fleet.post(
      assertExchange(exchange, utf8(name), relay, Math.floor(Date.now() / 1000)),
    );
    if (response.status !== 200) throw new Error(((await response.json()) as { code: string }).code);
    return fleet.read(sealed, new Uint8Array(await response.arrayBuffer()));
  };
  return new TestAccount(send, pins.fleetId, name);
}

describe.skipIf(MISSING !== undefined)(`a vault whose keys are in a device${reason}`, () => {
  beforeAll(async () => {
    token = new SoftToken();
    folder = mkdtempSync(join(tmpdir(), 'strongroom-device-'));
    const policy = { delays: [], assertionMode: 'ed25519', relayKeys: [ed25519PublicKey(relay)] } as const;
    pins = await initVault({
      folder,
      port: 0,
      hsm: { kind: 'pkcs11', ...token.paths },
      policy,
      partitionBits: 1,
    });
  });
  afterEach(async () => {
    await stop();
    expect(agents()).toEqual([]);
  });
  afterAll(() => {
    token.remove();
    rmSync(folder, { recursive: true });
  });

  it('registers, recovers, destroys, and remembers all of it', async () => {
    let url = await serve();
    const { descriptor } = await HttpFleet.open(url, pins);
    expect(descriptor).toMatchObject({
      level: 'custody',
      channelSuite: 2,
      kemKeys: [{ location: 'device' }],
      receiptKeys: [{ location: 'device' }],
      opaqueKeys: [{ location: 'wrapped', oprfLocation: 'device' }],
    });
    const alice = await account(url, 'alice');
    const bob = await account(url, 'bob');
    await alice.register('secret', 3);
    await bob.register('other', 2);
    expect(await alice.recover('wrong')).toMatchObject({ outcome: 'wrong-password', remaining: 2 });
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok' });
    expect(await bob.recover('wrong')).toMatchObject({ outcome: 'wrong-password', remaining: 1 });
    expect(await bob.recover('wrong')).toMatchObject({ outcome: 'destroyed' });
    await stop();
    url = await serve();
    expect(await (await account(url, 'bob')).recover('other')).toMatchObject({ outcome: 'destroyed' });
    expect(await (await account(url, 'alice')).recover('secret')).toMatchObject({ outcome: 'ok' });
    expect((await checkVault(folder)).hsm).toEqual({ kind: 'pkcs11', ...token.paths });
    for (const file of ['vault.json', 'opaque.keys', 'fleet.descriptor', 'pins.json'])
      expect(readFileSync(join(folder, file), 'latin1')).not.toContain(PIN);
  });

  it('replaces its data keys, and is whole afterwards', async () => {
    const config = await readConfig(folder);
    const read = (path: string): Bytes => new Uint8Array(readFileSync(path));
    const store = await SqliteStore.open(config.store);
    const hsm = await openHsm(config.hsm);
    const [descriptor, opaqueKeys] = [read(config.descriptor), read(config.opaqueKeys)];
    const vault = await Vault.open({ store, hsm, descriptor, opaqueKeys });
    const before = (await hsm.anchor.read()).map(({ current }) => current.epoch);
    await vault.rekey();
    const after = await hsm.anchor.read();
    expect(after.map(({ current }) => current.epoch)).toEqual(before.map((epoch) => epoch + 1));
    expect(after.every(({ next }) => next === undefined)).toBe(true);
    await vault.close();
    const again = { store: await SqliteStore.open(config.store), hsm: await openHsm(config.hsm) };
    for (const report of await verifyState(again))
      expect(report).toMatchObject({ faults: [], left: undefined });
    await again.hsm.close();
    await again.store.close();
    const alice = await account(await serve(), 'alice');
    expect(await alice.recover('secret')).toMatchObject({ outcome: 'ok' });
  });

  // proves HSM-11
  it('is not ready any more when its agent is gone, and answers nothing', async () => {
    const url = await serve();
    const alice = await account(url, 'alice');
    const [agent] = agents();
    if (agent === undefined) throw new Error('no agent');
    process.kill(agent.pid, 'SIGKILL');
    await vi.waitFor(() => expect(server?.failure()).toBe('hsm-unavailable'));
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ code: 'hsm-unavailable' });
    await expect(alice.recover('secret')).rejects.toThrow('not-ready');
    const failed = [0, 1].map((partition) => ({ event: 'failed', partition, code: 'hsm-unavailable' }));
    await vi.waitFor(() => expect(events).toEqual(expect.arrayContaining(failed)), 5000);
    await stop();
    expect(await (await account(await serve(), 'alice')).recover('secret')).toMatchObject({ outcome: 'ok' });
  });

  it('leaves no agent behind when it is killed, and starts again', async () => {
    const child = spawn(process.execPath, [MAIN, 'vault', 'serve', folder, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const [agent] = agents(child.pid);
    if (agent === undefined) throw new Error('no agent');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await vi.waitFor(() => expect(() => process.kill(agent.pid, 0)).toThrow('ESRCH'), 5000);
    expect(await (await account(await serve(), 'alice')).recover('secret')).toMatchObject({ outcome: 'ok' });
  });

  it('is made by a command', async () => {
    const other = join(folder, 'commanded');
    const { module, tokenLabel, pinFile } = token.paths;
    writeFileSync(join(folder, 'relay.pub'), hex(ed25519PublicKey(relay)));
    const init = (...options: string[]): string =>
      spawnSync(
        process.execPath,
        [MAIN, 'vault', 'init', other, '--relay', join(folder, 'relay.pub'), ...options],
        {
          encoding: 'utf8',
        },
      ).stderr;
    const device = ['--hsm', 'pkcs11', '--module', module, '--token-label', tokenLabel];
    expect(init(...device)).toContain('--pin-file');
    expect(init('--pin-file', pinFile)).toContain('--hsm pkcs11');
    expect(init(...device, '--pin-file', pinFile, '--key-prefix', 'third-')).toBe('');
    expect((await checkVault(other)).hsm).toEqual({ kind: 'pkcs11', ...token.paths, keyPrefix: 'third-' });
  });

  it('is not made twice, in one folder or on one token', async () => {
    const hsm = { kind: 'pkcs11', ...token.paths } as const;
    const policy = { assertionMode: 'ed25519', relayKeys: [ed25519PublicKey(relay)] } as const;
    const exists = { code: 'state-exists' };
    await expect(initVault({ folder, hsm: { ...hsm, keyPrefix: 'second-' }, policy })).rejects.toMatchObject(
      exists,
    );
    const other = mkdtempSync(join(tmpdir(), 'strongroom-device-'));
    await expect(initVault({ folder: other, hsm, policy })).rejects.toMatchObject(exists);
    // Nothing of the refused ones has come upon the token: the prefix is free, and its own suite is 2.
    await expect(initVault({ folder: other, hsm, policy, suite: 1 })).rejects.toMatchObject({
      code: 'unsupported-suite',
    });
    await expect(initVault({ folder: other, hsm })).rejects.toMatchObject({ code: 'bad-descriptor' });
    await initVault({ folder: other, hsm: { ...hsm, keyPrefix: 'second-' }, policy });
    rmSync(other, { recursive: true });
  });
});
