import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENVIRONMENT } from '../fixture.ts';
import { connect, httpTransport, parsePins } from '../client/index.ts';
import { MAIN, strongroom, workplace, type Ran } from './fixture.ts';

const place = workplace();
const vault = place.path('vault');
const inVault = (name: string): string => place.path('vault', name);
const PEOPLE = ['alice', 'bob', 'carol'];

async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await strongroom(args);
  expect([code, stderr.startsWith('error')], stderr).toEqual([0, false]);
  return stdout.toString();
}
const failed = async (...args: readonly string[]): Promise<string> => {
  const { code, stderr }: Ran = await strongroom(args);
  expect(code).not.toBe(0);
  return stderr.split(':')[0] ?? '';
};
const sign = (who: string, name = who): Promise<string> =>
  done(
    'fleet',
    'sign',
    inVault('fleet.unsigned'),
    '--key-file',
    place.path(`${who}.key`),
    '--output',
    place.path(`${name}.sig`),
  );
const assemble = (output: string, ...signatures: readonly string[]): readonly string[] => {
  const paths = signatures.map((name) => place.path(`${name}.sig`));
  const options = ['--pins', inVault('pins.json'), '--output', place.path(output)];
  return ['fleet', 'assemble', inVault('fleet.unsigned'), ...paths, ...options];
};

beforeAll(async () => {
  await Promise.all(
    PEOPLE.map((who) => done('fleet', 'signer', 'new', '--output', place.path(`${who}.key`))),
  );
  const signers = PEOPLE.flatMap((who) => ['--signer', place.path(`${who}.key.pub`)]);
  await done('vault', 'init', vault, ...signers, '--threshold', '2', '--suite', '2');
});
afterAll(() => place.remove());

it('signers and operator come to a descriptor that the vault serves, and to the next one while it runs', async () => {
  expect(await failed('vault', 'serve', vault)).toBe('invalid-config');
  await Promise.all(PEOPLE.slice(0, 2).map((who) => sign(who)));
  await done(...assemble('first', 'alice', 'bob'));
  expect(await done('vault', 'install', vault, place.path('first'))).toBe('serial 1 is in place\n');

  const child = spawn(process.execPath, [MAIN, 'vault', 'serve', vault, '--port', '0'], {
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const event = async (name: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value, done: over } = await lines.next();
      if (over === true) throw new Error(`no event ${name}`);
      const line = JSON.parse(value) as Record<string, unknown>;
      if (line['msg'] === name) return line;
    }
  };
  try {
    const { url } = await event('listening');
    const pins = parsePins(readFileSync(inVault('pins.json'), 'utf8'));
    const descriptor = async (): Promise<{ serial: number; channelSuite: number; keys: number }> => {
      const session = await connect({ transport: httpTransport(String(url)), pins, account: 'alice' });
      const { serial, channelSuite, kemKeys } = session.descriptor;
      return { serial, channelSuite, keys: kemKeys.length };
    };
    expect(await descriptor()).toEqual({ serial: 1, channelSuite: 2, keys: 1 });

    expect(await done('vault', 'rotate', vault, 'kem')).toContain('is serial 2\n');
    const shown = await done(
      'fleet',
      'show',
      inVault('fleet.unsigned'),
      '--previous',
      inVault('fleet.descriptor'),
    );
    expect(shown).toMatch(/^serial: 1 -> 2$/mu);
    expect(shown).toMatch(/^channel key [0-9a-f]{16}: \(new\) -> 1\., current, memory$/mu);
    expect(shown).toMatch(/^channel key [0-9a-f]{16}: 1\., current, memory -> 2\., retiring, memory$/mu);
    expect(shown).not.toContain('!');
    await Promise.all(PEOPLE.slice(1).map((who) => sign(who, `${who}-2`)));
    await done(...assemble('second', 'bob-2', 'carol-2'));
    await done('vault', 'install', vault, place.path('second'));
    expect((await descriptor()).serial).toBe(1);
    child.kill('SIGHUP');
    expect(await event('reloaded')).toMatchObject({ serial: 2 });
    expect(await descriptor()).toEqual({ serial: 2, channelSuite: 2, keys: 2 });
  } finally {
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  }
});

// proves FLT-26
it('what is not signed, twice signed, or signed by others is refused', async () => {
  await done('vault', 'rotate', vault, 'validity', '--days', '30');
  await Promise.all(['alice', 'bob'].map((who) => sign(who, `${who}-3`)));
  expect(await failed(...assemble('third', 'alice-3'))).toBe('descriptor-not-trusted');
  expect(await failed(...assemble('third', 'alice-3', 'alice-3'))).toBe('bad-descriptor');
  expect(await failed(...assemble('third', 'alice-3', 'bob'))).toBe('descriptor-not-trusted');
  await done('fleet', 'signer', 'new', '--output', place.path('mallory.key'));
  await sign('mallory');
  expect(await failed(...assemble('third', 'alice-3', 'bob-3', 'mallory'))).toBe('descriptor-not-trusted');
  expect(existsSync(place.path('third'))).toBe(false);
  await done(...assemble('third', 'alice-3', 'bob-3'));
  expect(await failed('vault', 'install', vault, place.path('first'))).toBe('descriptor-rollback');

  // The operator writes something else under the serial that was signed.
  const serial3 = readFileSync(inVault('fleet.unsigned'));
  serial3[serial3.length - 1] = 1;
  const other = place.write('other', Buffer.concat([serial3, Buffer.from('x')]));
  const again = [
    'fleet',
    'sign',
    other,
    '--key-file',
    place.path('alice.key'),
    '--output',
    place.path('x.sig'),
  ];
  expect(await failed(...again)).toBe('already-signed');
  expect(existsSync(place.path('x.sig'))).toBe(false);
});

it('a descriptor is shown in words, with whose signatures hold', async () => {
  const pins = inVault('pins.json');
  const text = await done('fleet', 'show', place.path('second'), '--pins', pins);
  expect(text.match(/^signature [0-9a-f]{16}: holds$/gmu)).toHaveLength(2);
  expect(text).toMatch(/^level: software$/mu);
  const all: unknown = JSON.parse(
    await done('fleet', 'show', place.path('first'), '--previous', place.path('second'), '--json'),
  );
  expect(all).toMatchObject({
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/u),
    facts: { serial: '1', 'channel suite': '2' },
    signatures: [{ verdict: 'not checked: no --pins' }, { verdict: 'not checked: no --pins' }],
    concerns: expect.arrayContaining(['the serial is not higher']),
  });
  const damaged = readFileSync(place.path('first'));
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
  const words = await done('fleet', 'show', place.write('damaged', damaged), '--pins', pins);
  expect(words).toMatch(/: does not hold$/mu);
});

it('arguments that make no sense are refused before anything is made', async () => {
  const out = place.path('nothing');
  const bob = place.path('bob.key.pub');
  expect(await failed('vault', 'init', out, '--signer', bob, '--signers', '2')).toBe('usage');
  expect(await failed('vault', 'init', out, '--signer', bob, '--signer', bob)).toBe('invalid-config');
  expect(await failed('vault', 'init', out, '--signer', bob, '--threshold', '2')).toBe('invalid-config');
  expect(await failed('vault', 'init', out, '--signer', place.write('no.pub', '00'.repeat(32)))).toBe(
    'invalid-key',
  );
  expect(await failed('vault', 'init', out, '--suite', '0')).toBe('usage');
  expect(await failed('vault', 'rotate', vault, 'everything')).toBe('usage');
  expect(await failed('vault', 'rotate', vault, 'kem', '--retire', 'ABC')).toBe('usage');
  expect(await failed('fleet', 'assemble', inVault('fleet.unsigned'))).toBe('usage');
  expect(existsSync(out)).toBe(false);
  expect(statSync(place.path('alice.key')).mode & 0o777).toBe(0o600);
});
