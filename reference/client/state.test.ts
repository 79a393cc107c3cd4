import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hex } from '../wire/bytes.ts';
import { folderKeeper, formatPins, memoryKeeper, parsePins } from './index.ts';
import { FleetState } from './state.ts';

const top = mkdtempSync(join(tmpdir(), 'strongroom-state-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const FLEET = new Uint8Array(16).fill(7);
const NAME = `fleet-${hex(FLEET)}.json`;
const ALICE = Uint8Array.of(1);
const BOB = Uint8Array.of(2);

describe('a folder', () => {
  const folder = join(top, 'made', 'on demand');
  const keeper = folderKeeper(folder);

  test('keeps texts for their owner alone, and leaves nothing else behind', async () => {
    expect(await keeper.read('a')).toBeUndefined();
    await keeper.remove('a');
    await keeper.write('a', 'one');
    await keeper.write('a', 'two');
    expect(await folderKeeper(folder).read('a')).toBe('two');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['.lock', 'a']);
    await keeper.remove('a');
    expect(readdirSync(folder)).toEqual(['.lock']);
  });

  // proves CLI-46
  test('keeps nothing that a writer which was killed has left', async () => {
    for (const step of [() => keeper.write('b', 'x'), () => keeper.remove('a')]) {
      writeFileSync(join(folder, 'a.0123456789abcdef.new'), 'the key');
      await step();
      expect(readdirSync(folder)).toEqual(['.lock', 'b']);
    }
  });

  test('takes many writes of one name at once, and each change on top of the one before', async () => {
    const keepers = [folderKeeper(folder), folderKeeper(`${folder}/`)];
    const add = (text = '0'): string => String(Number(text) + 1);
    const writes = Array.from({ length: 40 }, (_, i) => keepers[i % 2]?.update('count', add));
    await Promise.all([...writes, ...writes.map((_, i) => keeper.write('b', `${i}`))]);
    expect(await keeper.read('count')).toBe('40');
    await expect(keeper.update('count', () => fail())).rejects.toThrow('no change');
    await keeper.update('count', () => undefined);
    expect(await keeper.read('count')).toBe('40');
  });

  test('that cannot be written to is an error, not silence', async () => {
    writeFileSync(join(top, 'file'), '');
    await expect(folderKeeper(join(top, 'file')).write('a', 'x')).rejects.toThrow();
  });
});

function fail(): never {
  throw new Error('no change');
}

describe('the state of a fleet', () => {
  // proves CLI-45
  test('never goes down when sessions of several processes write at once', async () => {
    const folder = join(top, 'shared');
    const script = join(top, 'writer.mjs');
    const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
    writeFileSync(
      script,
      `import { folderKeeper } from ${module('./keeper.ts')};
       import { FleetState } from ${module('./state.ts')};
       const [, , folder, first] = process.argv;
       const state = await FleetState.load(folderKeeper(folder), new Uint8Array(16).fill(7));
       process.send('ready');
       await new Promise((go) => process.once('message', go));
       for (let version = Number(first); version <= 60; version += 2) {
         await Promise.all([1, 2].map((account) => state.saw(Uint8Array.of(account), { version })));
         await state.sawDescriptor(version, new Uint8Array(32).fill(version), 'software');
       }
       process.disconnect();`,
    );
    const writers = ['1', '2'].map((first) => fork(script, [folder, first]));
    await Promise.all(writers.map((writer) => once(writer, 'message')));
    const ended = Promise.all(writers.map((writer) => once(writer, 'exit')));
    for (const writer of writers) writer.send('go');
    for (let least = [0, 0, 0]; writers.some(({ exitCode }) => exitCode === null);) {
      const state = await FleetState.load(folderKeeper(folder), FLEET);
      const seen = [state.serial, state.account(ALICE).version, state.account(BOB).version];
      for (const [i, value] of seen.entries()) expect(value).toBeGreaterThanOrEqual(least[i] ?? 0);
      least = seen;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect((await ended).map(([code]) => code as number)).toEqual([0, 0]);
    const state = await FleetState.load(folderKeeper(folder), FLEET);
    expect([state.serial, state.account(ALICE).version, state.account(BOB).version]).toEqual([60, 60, 60]);
  });

  // proves CLI-6, CLI-7
  test('outlives the program, and never goes down', async () => {
    const keeper = folderKeeper(join(top, 'state'));
    const state = await FleetState.load(keeper, FLEET);
    expect([state.serial, state.account(ALICE)]).toEqual([0, { version: 0, report: 0 }]);
    expect(state.descriptorHash).toBeUndefined();
    await state.sawDescriptor(5, new Uint8Array(32).fill(5), 'software');
    await state.sawDescriptor(4, new Uint8Array(32).fill(4), 'software');
    await state.saw(ALICE, { version: 9 });
    await state.saw(ALICE, { version: 8, report: 3 });
    await state.saw(BOB, { version: 1 });
    const again = await FleetState.load(keeper, FLEET);
    expect([again.serial, again.descriptorHash]).toEqual([5, new Uint8Array(32).fill(5)]);
    expect(again.account(ALICE)).toEqual({ version: 9, report: 3 });
    expect(again.account(BOB)).toEqual({ version: 1, report: 0 });
  });

  test('takes what another process has learnt meanwhile', async () => {
    const keeper = memoryKeeper();
    const [one, two] = [await FleetState.load(keeper, FLEET), await FleetState.load(keeper, FLEET)];
    await one.saw(ALICE, { version: 7 });
    await one.sawDescriptor(3, new Uint8Array(32).fill(3), 'software');
    await two.sawDescriptor(2, new Uint8Array(32).fill(2), 'software');
    expect([two.serial, two.descriptorHash]).toEqual([3, new Uint8Array(32).fill(3)]);
    await two.saw(BOB, { version: 1 });
    await two.saw(ALICE, { version: 3 });
    expect((await FleetState.load(keeper, FLEET)).account(ALICE).version).toBe(7);
  });

  // proves CLI-7
  test.each([
    '',
    '{',
    'null',
    '{"version":2,"serial":0,"accounts":{}}',
    '{"version":1,"serial":-1,"accounts":{}}',
    '{"version":1,"serial":0,"accounts":{},"more":1}',
  ])('that is not readable stops the program and is left as it is: %s', async (text) => {
    const folder = join(top, 'damaged');
    const keeper = folderKeeper(folder);
    await keeper.write(NAME, text);
    await expect(FleetState.load(keeper, FLEET)).rejects.toMatchObject({ code: 'state-damaged' });
    expect(readFileSync(join(folder, NAME), 'utf8')).toBe(text);
  });
});

// proves CLI-3
describe('pins', () => {
  const signers = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

  // proves CLI-3
  test('are the same after they were written down', () => {
    const pins = { fleetId: FLEET, signers, threshold: 2 };
    expect(parsePins(formatPins(pins))).toEqual(pins);
  });

  const good = JSON.parse(formatPins({ fleetId: FLEET, signers, threshold: 2 })) as Record<string, unknown>;
  test.each([
    ['a threshold of none', { threshold: 0 }, 'invalid-config'],
    ['a threshold above the signers', { threshold: 3 }, 'invalid-config'],
    ['a signer twice', { signers: ['01'.repeat(32), '01'.repeat(32)] }, 'invalid-config'],
    ['no signers', { signers: [], threshold: 1 }, 'invalid-config'],
    ['a short key', { signers: ['01'], threshold: 1 }, 'state-damaged'],
    ['capitals', { fleetId: 'AB'.repeat(16) }, 'state-damaged'],
    ['another version', { version: 2 }, 'state-damaged'],
    ['another field', { comment: '' }, 'state-damaged'],
  ])('are refused: %s', (_name, change, code) => {
    expect(() => parsePins(JSON.stringify({ ...good, ...change }))).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });
});
