import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG_FILE, readConfig, VARIABLES, type VaultConfig } from './config.ts';

const whole = {
  version: 1,
  listen: { host: '127.0.0.1', port: 8787 },
  store: 'store.db',
  hsm: { kind: 'software', keys: 'hsm.keys', sealingKey: 'hsm.sealing-key', anchor: 'hsm.anchor' },
  opaqueKeys: 'opaque.keys',
  descriptor: 'fleet.descriptor',
  maxConcurrent: 256,
};

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'strongroom-config-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (json: unknown, environment: NodeJS.ProcessEnv = {}): Promise<VaultConfig> => {
  writeFileSync(join(folder, CONFIG_FILE), JSON.stringify(json));
  return readConfig(folder, environment);
};

describe('the configuration of a vault', () => {
  it('is a file whose paths are relative to it', async () => {
    const config = await read(whole);
    expect(config).toMatchObject({ listen: { port: 8787 }, store: join(folder, 'store.db') });
    expect(config.hsm).toMatchObject({ anchor: join(folder, 'hsm.anchor') });
  });

  it('takes variables of the environment before the file, also where the file says nothing', async () => {
    const config = await read(whole, {
      STRONGROOM_VAULT_LISTEN_PORT: '9000',
      STRONGROOM_VAULT_METRICS_HOST: '127.0.0.1',
      STRONGROOM_VAULT_METRICS_PORT: '9100',
      STRONGROOM_VAULT_HSM_SEALING_KEY: '/media/key/123',
      STRONGROOM_VAULT_STORE: '123',
      STRONGROOM_VAULT_LIMITS_ACCOUNT_PER_MINUTE: '0.5',
      STRONGROOM_VAULT_LIMITS_ACCOUNT_BURST: '10',
      STRONGROOM_OTHER: 'x',
    });
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 9000 });
    expect(config.metrics).toEqual({ host: '127.0.0.1', port: 9100 });
    expect(config.hsm).toMatchObject({ sealingKey: '/media/key/123' });
    expect(config.store).toBe(join(folder, '123'));
    expect(config.limits?.account).toEqual({ perMinute: 0.5, burst: 10 });
  });

  it.each<[string, NodeJS.ProcessEnv, unknown, string]>([
    ['a wrong field', {}, { ...whole, maxConcurrent: 0 }, 'maxConcurrent'],
    ['a missing field', {}, { ...whole, store: undefined }, 'store'],
    ['an inner field', {}, { ...whole, listen: { host: 'x', port: 70_000 } }, 'listen.port'],
    ['an unknown field', {}, { ...whole, colour: 'red' }, 'colour'],
    ['an unknown inner field', {}, { ...whole, limits: { colour: 1 } }, 'limits.colour'],
    ['a variable', { STRONGROOM_VAULT_LISTEN_PORT: 'x' }, whole, 'STRONGROOM_VAULT_LISTEN_PORT'],
    ['an empty variable', { STRONGROOM_VAULT_STORE: '' }, whole, 'STRONGROOM_VAULT_STORE'],
    ['an unknown variable', { STRONGROOM_VAULT_PORT: '1' }, whole, 'STRONGROOM_VAULT_PORT'],
    ['half of two fields', { STRONGROOM_VAULT_METRICS_PORT: '1' }, whole, 'metrics.host'],
    ['what is no object', {}, [], CONFIG_FILE],
  ])('names %s', async (_what, environment, json, subject) => {
    const error = await read(json, environment).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toMatchObject({
      code: 'invalid-config',
      details: { subject: expect.stringContaining(subject) as string },
      message: expect.stringContaining(subject) as string,
    });
  });

  it('names a device, its token and a PIN file instead of key files', async () => {
    const hsm = { kind: 'pkcs11', module: '/usr/lib/m.so', tokenLabel: 'vault', pinFile: 'pin' };
    expect((await read({ ...whole, hsm })).hsm).toEqual({ ...hsm, pinFile: join(folder, 'pin') });
    const config = await read({ ...whole, hsm }, { STRONGROOM_VAULT_HSM_TOKEN_LABEL: 'other' });
    expect(config.hsm).toMatchObject({ tokenLabel: 'other' });
    for (const other of [
      { ...hsm, keys: 'hsm.keys' },
      { ...hsm, tokenLabel: '' },
      { ...whole.hsm, pinFile: 'pin' },
    ]) {
      await expect(read({ ...whole, hsm: other })).rejects.toMatchObject({ code: 'invalid-config' });
    }
  });

  it('has a variable for every field that a file can have', async () => {
    const all = {
      ...whole,
      metrics: whole.listen,
      limits: { account: { perMinute: 1, burst: 1 }, address: { perMinute: 1, burst: 1 } },
      rekeyAfterSeconds: 3600,
    };
    await read(all);
    const paths = (value: unknown, prefix: string): string[] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([name, inner]) => paths(inner, `${prefix}.${name}`))
        : [prefix.slice(1)];
    const device = { kind: 'pkcs11', module: 'm.so', tokenLabel: 'vault', pinFile: 'pin', keyPrefix: 'v1-' };
    await read({ ...all, hsm: device });
    const { version: _, ...fields } = { ...all, hsm: { ...whole.hsm, ...device } };
    expect([...VARIABLES.keys()].toSorted()).toEqual(paths(fields, '').toSorted());
  });
});
