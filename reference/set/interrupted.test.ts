import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { hex, type Bytes } from '../wire/bytes.ts';
import { backupWith } from './backup.ts';
import { readCheckpoint } from './checkpoint.ts';
import { codeOf, key, place, tree, write, type Place } from './fixture.ts';
import {
  history,
  openManifest,
  restore,
  storageName,
  verify,
  type BackupOptions,
  type BackupResult,
} from './index.ts';
import { Pacer } from './objects.ts';
import { MemoryStorage } from './storage-fixture.ts';

/** Notes what is sealed, and whether a nonce was used for two plaintexts under one key. */
class Recorder {
  readonly repeated: string[] = [];
  readonly #seen = new Map<string, string>();

  readonly engine: CryptoEngine = {
    ...nodeEngine,
    aead: (secret) => {
      const name = hex(secret);
      const aead = nodeEngine.aead(secret);
      const note = (nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array = new Uint8Array()): void => {
        const use = `${name} ${hex(nonce)}`;
        const what = createHash('sha256').update(plaintext).update('|').update(aad).digest('hex');
        if ((this.#seen.get(use) ?? what) !== what) this.repeated.push(use);
        this.#seen.set(use, what);
      };
      return {
        ...aead,
        seal: (...input) => (note(...input), aead.seal(...input)),
        sealParts: (...input) => (note(...input), aead.sealParts(...input)),
      };
    },
  };

  get uses(): number {
    return this.#seen.size;
  }
}

/** Every operation is cut off in one of the ways; in long runs, in each of them. */
const share = (step: number, way: number, ways: number): boolean =>
  process.env['STRONGROOM_LONG'] === '1' || step % ways === way;

const fill = (letter: string, length: number): string => letter.repeat(length);
const first = { 'a/one': 'one', big: fill('b', 90_000), gone: fill('g', 70_000), other: fill('o', 80_000) };
/** What changed since: three contents to seal, one of them small. */
const changes = { 'a/one': 'two', big: fill('B', 95_000), last: fill('l', 100_000) };

/** A folder with a backup of it, which has changed since. */
async function changed(): Promise<{ at: Place; storage: MemoryStorage }> {
  const at = place(first);
  const storage = new MemoryStorage();
  await run(at, storage);
  for (const [path, content] of Object.entries(changes)) write(at.source, path, content);
  return { at, storage };
}

/** A backup some time later, with a checkpoint after each content. */
function run(
  at: Place,
  storage: MemoryStorage,
  options: Partial<BackupOptions> = {},
  { engine = nodeEngine, random = systemRandom }: { engine?: CryptoEngine; random?: RandomSource } = {},
): Promise<BackupResult> {
  const sources = { random, engine, now: () => Date.now() + 10_000 };
  return backupWith(sources, at.source, storage, { key, checkpointBytes: 1, ...options });
}

/** Number of operations of a backup that nothing disturbs. */
async function stepsOf(at: Place, storage: MemoryStorage): Promise<number> {
  const copy = storage.copy();
  await run(at, copy);
  return copy.steps;
}

/** The backup that the storage shows is whole: every file of it is there, and nothing of it damaged. */
async function requireWhole(storage: MemoryStorage, generations: readonly number[]): Promise<void> {
  const report = await verify(storage, key);
  expect(report).toMatchObject({ failed: [], damaged: [] });
  expect(generations).toContain(report.generation);
}

/** Names of the checkpoints, and of what they name. */
async function checkpointed(storage: MemoryStorage): Promise<Set<string>> {
  const names = new Set<string>();
  for (const name of storage.objects.keys()) {
    const checkpoint = await readCheckpoint(storage, key, name, new Pacer(undefined));
    if (checkpoint === undefined) continue;
    names.add(name);
    for (const { commitment } of checkpoint.objects) names.add(storageName(commitment));
  }
  return names;
}

const quietly = async (work: Promise<unknown>): Promise<void> => {
  await work.catch(() => undefined);
};

// proves SET-5, SET-8, SET-9, BAK-13, BAK-16
describe('a backup that is cut off at any operation of its storage', () => {
  it.each([
    ['and all that it did is there', 0, () => true],
    ['and nothing is there but what was made durable', 1, () => false],
    ['and some of what it did is there', 2, (name: string) => name.charCodeAt(0) % 2 === 0],
    ['and some other of what it did is there', 3, (name: string) => name.charCodeAt(1) % 2 === 0],
  ])('%s', async (_what, way, survives) => {
    const { at, storage } = await changed();
    const steps = await stepsOf(at, storage);
    expect(steps).toBeGreaterThan(60);
    const recorder = new Recorder();
    let saved = 0;
    for (let step = 0; step < steps; step++) {
      if (!share(step, way, 4)) continue;
      const cut = storage.copy();
      cut.killAt(step);
      await quietly(run(at, cut, {}, recorder));
      const left = cut.afterCrash(survives);
      for (const name of await checkpointed(left)) expect(left.objects.has(name)).toBe(true);
      await requireWhole(left, [1, 2]);
      const next = await run(at, left, {}, recorder);
      expect(next.skipped).toEqual([]);
      saved += 5 - next.sealed.files - 2;
      await requireWhole(left, [2, 3]);
      expect((await checkpointed(left)).size).toBe(0);
    }
    // Only what no checkpoint named was sealed again.
    expect(saved).toBeGreaterThan(steps / 8);
    expect(recorder.uses).toBeGreaterThan(steps);
    expect(recorder.repeated).toEqual([]);
  });

  it('twice, and then once more', async () => {
    const { at, storage } = await changed();
    const steps = await stepsOf(at, storage);
    const recorder = new Recorder();
    for (let step = 5; step < steps; step += 7) {
      let left = storage.copy();
      for (const again of [step, step + 3, step]) {
        left.killAt(again);
        await quietly(run(at, left, {}, recorder));
        left = left.afterCrash((name) => name.charCodeAt(2) % 3 > 0);
        await requireWhole(left, [1, 2, 3, 4]);
      }
      await run(at, left, {}, recorder);
      await restore(left, key, join(at.target, `${step}`));
      expect(tree(join(at.target, `${step}`))).toEqual(tree(at.source));
    }
    expect(recorder.repeated).toEqual([]);
  });

  it('would be seen to use a nonce twice if its salt came back', async () => {
    const { at, storage } = await changed();
    const recorder = new Recorder();
    // A writer that kept its salts over a crash, and did not see that the file had changed.
    const salts = (): RandomSource => {
      let count = 0;
      return (name, length) =>
        name === 'salt' ? new Uint8Array(length).fill(++count) : systemRandom(name, length);
    };
    const cut = storage.copy();
    cut.killAt((await stepsOf(at, storage)) - 5);
    await quietly(run(at, cut, {}, { engine: recorder.engine, random: salts() }));
    write(at.source, 'big', fill('C', 95_000));
    const left = storage.copy();
    await quietly(run(at, left, {}, { engine: recorder.engine, random: salts() }));
    expect(recorder.repeated).not.toEqual([]);
  });
});

// proves BAK-13, BAK-16
it('a checkpoint gets its name when all that it names is durable, and goes when the manifest is there', async () => {
  const { at, storage } = await changed();
  const steps: string[] = [];
  const named = new Map<string, string[]>();
  let isInside = false;
  storage.before = async ({ operation, name }) => {
    if (isInside) return;
    steps.push(`${operation} ${name}`);
    if (operation !== 'remove') return;
    isInside = true;
    const checkpoint = await readCheckpoint(storage, key, name, new Pacer(undefined));
    isInside = false;
    named.set(name, checkpoint?.objects.map(({ commitment }) => storageName(commitment)) ?? []);
  };
  const { manifests } = await run(at, storage);
  expect(named.size).toBe(3);
  for (const [name, objects] of named) {
    const flushed = steps.lastIndexOf('flush ', steps.indexOf(`commit ${name}`));
    expect(objects.length).toBeGreaterThan(0);
    for (const object of objects) {
      const committed = steps.indexOf(`commit ${object}`);
      expect(committed).toBeGreaterThanOrEqual(0);
      expect(committed).toBeLessThan(flushed);
    }
    const last = steps.indexOf(`commit ${storageName(manifests[1])}`);
    expect(steps.indexOf('flush ', last)).toBeLessThan(steps.indexOf(`remove ${name}`));
    expect(last).toBeGreaterThan(0);
  }
});

// proves BAK-2
describe('a backup of which one operation fails', () => {
  it.each([
    ['disk-full', 0],
    ['io', 1],
    ['permission', 2],
  ] as const)('with %s leaves no more than checkpoints name', async (code, way) => {
    const { at, storage } = await changed();
    const steps = await stepsOf(at, storage);
    const before = [...storage.objects.keys()].sort();
    for (let step = 0; step < steps; step++) {
      if (!share(step, way, 3)) continue;
      const failing = storage.copy();
      failing.failAt(step, code);
      const result = await codeOf(run(at, failing));
      await requireWhole(failing, [1, 2]);
      const committed = (await openManifest(failing, key)).manifest.generation === 2;
      if (result !== 'fulfilled' && !committed) {
        const named = await checkpointed(failing);
        const rest = [...failing.objects.keys()].filter((name) => !named.has(name)).sort();
        expect(rest).toEqual(before);
      }
      expect((await run(at, failing)).skipped).toEqual([]);
      await requireWhole(failing, [2, 3]);
    }
  });
});

// proves BAK-17, WRT-2
describe('a backup that is cancelled at any operation of its storage', () => {
  it('keeps what it has finished, and the next one seals only the rest', async () => {
    const { at, storage } = await changed();
    const quiet = { checkpointBytes: 2 ** 30 };
    const counting = storage.copy();
    await run(at, counting, quiet);
    let kept = 0;
    for (let step = 0; step < counting.steps; step++) {
      const stopped = storage.copy();
      const stop = new AbortController();
      stopped.before = (_each, count) => {
        if (count === step) stop.abort();
      };
      const result = await codeOf(run(at, stopped, { ...quiet, signal: stop.signal }));
      if (result === 'fulfilled') continue;
      expect(result).toBe('cancelled');
      await requireWhole(stopped, [1]);
      const named = await checkpointed(stopped);
      const rest = [...stopped.objects.keys()].filter((name) => !named.has(name));
      expect(rest.sort()).toEqual([...storage.objects.keys()].sort());
      const next = await run(at, stopped, quiet);
      // A checkpoint and the objects that it names: each of them is one content that is not sealed again.
      expect(next.sealed.files).toBe(3 - Math.max(0, named.size - 1));
      kept = Math.max(kept, named.size);
      await requireWhole(stopped, [2]);
    }
    expect(kept).toBe(4);
  });

  it('and was the first one: set id and media key stay', async () => {
    const at = place(first);
    const storage = new MemoryStorage();
    const stop = new AbortController();
    storage.before = ({ operation }, count) => {
      if (operation === 'commit' && count > 10) stop.abort();
    };
    expect(await codeOf(run(at, storage, { signal: stop.signal, checkpointBytes: 2 ** 30 }))).toBe(
      'cancelled',
    );
    storage.before = () => undefined;
    const [checkpoint] = (
      await Promise.all(
        [...storage.objects.keys()].map((name) => readCheckpoint(storage, key, name, new Pacer(undefined))),
      )
    ).filter((each) => each !== undefined);
    const next = await run(at, storage);
    const { manifest } = await openManifest(storage, key);
    expect(next.reused.files).toBeGreaterThan(0);
    expect([manifest.setId, manifest.mediaKey]).toEqual([checkpoint?.setId, checkpoint?.mediaKey]);
    await requireWhole(storage, [1]);
  });
});

// proves BAK-14, BAK-15, BAK-18
describe('a checkpoint that is of no use', () => {
  /** A storage of a set that has one, and what is in it. */
  async function cancelled(): Promise<{ at: Place; storage: MemoryStorage; name: string }> {
    const { at, storage } = await changed();
    const stop = new AbortController();
    storage.before = ({ operation }, count) => {
      if (operation === 'flush' || count > 10_000) stop.abort();
    };
    await quietly(run(at, storage, { signal: stop.signal, checkpointBytes: 2 ** 30 }));
    storage.before = () => undefined;
    for (const name of storage.objects.keys()) {
      if ((await readCheckpoint(storage, key, name, new Pacer(undefined))) !== undefined)
        return { at, storage, name };
    }
    throw new Error('no checkpoint');
  }

  it('because it belongs to another set stays, and nothing of it is used', async () => {
    const { storage, name } = await cancelled();
    const own = await changed();
    for (const [each, bytes] of storage.objects)
      if (!own.storage.objects.has(each)) {
        if ((await history(storage, key)).some((copy) => copy.name === each)) continue;
        own.storage.objects.set(each, bytes);
      }
    expect((await run(own.at, own.storage)).sealed.files).toBe(3);
    expect(own.storage.objects.has(name)).toBe(true);
    await requireWhole(own.storage, [2]);
  });

  it.each([
    ['was cut', (bytes: Bytes): Bytes => bytes.slice(0, -1)],
    [
      'was changed',
      (bytes: Bytes): Bytes => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
    ],
  ])('because it %s is passed over', async (_what, harm) => {
    const { at, storage, name } = await cancelled();
    storage.objects.set(name, harm(storage.objects.get(name) ?? new Uint8Array()));
    expect((await run(at, storage)).sealed.files).toBe(3);
    expect(await verify(storage, key)).toMatchObject({ failed: [] });
  });

  it('because it is an old one, and names a pack that the last manifest names too', async () => {
    const at = place({ a: 'one', b: 'two' });
    const storage = new MemoryStorage();
    storage.before = ({ operation }, count) => {
      if (operation === 'list' && count > 1) storage.killAt(0);
    };
    await quietly(run(at, storage, { checkpointBytes: 6 }));
    storage.before = () => undefined;
    const [checkpoint = ''] = await checkpointed(storage);
    const old = storage.objects.get(checkpoint) ?? new Uint8Array();
    rmSync(join(at.source, 'a'));
    expect(await run(at, storage)).toMatchObject({ sealed: { files: 0 } });
    storage.objects.set(checkpoint, old);
    write(at.source, 'a', 'one');
    expect(await run(at, storage)).toMatchObject({ sealed: { files: 0 }, reused: { files: 2 } });
    await requireWhole(storage, [2]);
  });

  it('because what it names is gone costs the sealing of it', async () => {
    const { at, storage, name } = await cancelled();
    const checkpoint = await readCheckpoint(storage, key, name, new Pacer(undefined));
    for (const { commitment } of checkpoint?.objects ?? []) storage.objects.delete(storageName(commitment));
    expect((await run(at, storage)).sealed.files).toBe(3);
    await requireWhole(storage, [2]);
  });
});

describe('two writers at once', () => {
  // proves SET-12
  it('the one that looks when the other is done stops with `fork`, and leaves nothing', async () => {
    const { at, storage } = await changed();
    const steps = await stepsOf(at, storage);
    let forks = 0;
    for (let step = 1; step < steps; step += 3) {
      const shared = storage.copy();
      let inside = false;
      shared.before = async (_each, count) => {
        if (count !== step || inside) return;
        inside = true;
        const other = shared.before;
        shared.before = () => undefined;
        await run(at, shared);
        shared.before = other;
      };
      const result = await codeOf(run(at, shared));
      if (result === 'fork') {
        forks++;
        await requireWhole(shared, [2]);
      }
    }
    expect(forks).toBeGreaterThan(10);
  });

  // proves BAK-2
  it('the one that stops leaves what the other has taken from its checkpoint', async () => {
    const { at, storage } = await changed();
    const slow = storage.view();
    let lists = 0;
    let reused = 0;
    slow.before = async ({ operation }) => {
      if (operation === 'list' && ++lists === 2) reused = (await run(at, storage)).reused.files;
    };
    expect(await codeOf(run(at, slow, { checkpointBytes: 2 ** 30 }))).toBe('fork');
    expect(reused).toBe(5);
    await requireWhole(storage, [2]);
  });

  // proves BAK-1
  it.each([
    ['before it looks', 2, 1],
    ['when it has looked for other writers', 3, 1],
  ])('the one whose objects were removed %s stops with `object-missing`', async (_what, list, generation) => {
    const { at, storage } = await changed();
    const { objects } = (await openManifest(storage, key)).manifest;
    const used = storageName(objects.at(-1)?.commitment ?? new Uint8Array());
    let lists = 0;
    storage.before = ({ operation }) => {
      if (operation === 'list' && ++lists === list) storage.objects.delete(used);
    };
    expect(await codeOf(run(at, storage, { checkpointBytes: 2 ** 30 }))).toBe('object-missing');
    storage.before = () => undefined;
    expect((await openManifest(storage, key)).manifest.generation).toBe(generation);
  });
});
