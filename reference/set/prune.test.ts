import { describe, expect, it } from 'vitest';
import { BackupKey } from '../keys/backup-key.ts';
import { history } from './backups.ts';
import { codeOf } from './fixture.ts';
import { openManifest } from './newest.ts';
import { prune, type PruneReport } from './prune.ts';
import { readFiles, writeFiles, type Files } from './retention-fixture.ts';
import { Killed, MemoryStorage } from './storage-fixture.ts';
import { storageName } from './storage.ts';

const key = BackupKey.fromBytes(new Uint8Array(32).fill(1));
const other = BackupKey.fromBytes(new Uint8Array(32).fill(2));
/** Too long for a pack, so that it has an object of its own. */
const long = (letter: string): string => letter.repeat(70_000);

/** Four generations that share some contents, small and large. */
const GENERATIONS: readonly Files[] = [
  { a: 'one', big: long('x'), gone: long('g') },
  { a: 'two', big: long('x'), gone: long('g') },
  { a: 'three', big: long('y'), b: 'new' },
  { a: 'four', big: long('y'), b: 'new', c: long('x') },
];

async function four(storage: MemoryStorage = new MemoryStorage()): Promise<MemoryStorage> {
  for (const files of GENERATIONS) await writeFiles(storage, { key }, files);
  return storage;
}

/** Contents of every generation by its number, each as its first copy tells. */
async function all(storage: MemoryStorage): Promise<Record<number, Files>> {
  const files: Record<number, Files> = {};
  for (const { name, generation } of await history(storage, key)) {
    files[generation] = await readFiles(storage, key, name);
  }
  return files;
}

const namesOf = (storage: MemoryStorage): string[] => [...storage.objects.keys()].sort();
const generation = (number: number): Files => GENERATIONS[number - 1] ?? {};

/** The storage names of the two copies of a generation. */
async function copies(storage: MemoryStorage, number: number): Promise<string[]> {
  const found = await history(storage, key);
  return found.flatMap((each) => (each.generation === number ? [each.name] : []));
}

/** What the manifests of a storage name, their copies included. */
async function named(storage: MemoryStorage): Promise<string[]> {
  const names = new Set<string>();
  for (const { name } of await history(storage, key)) {
    const { manifest, copies } = await openManifest(storage, key, { manifest: name });
    for (const each of copies) names.add(each);
    for (const { commitment } of manifest.objects) names.add(storageName(commitment));
  }
  return [...names].sort();
}

const flip = (storage: MemoryStorage, name: string, at: number): void => {
  const bytes = storage.objects.get(name)?.slice() ?? new Uint8Array();
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  storage.objects.set(name, bytes);
};

describe('pruning', () => {
  // proves PRN-1, PRN-3
  it.each([1, 2, 3, 4, 9])('to %i generations keeps the newest whole, and nothing else', async (keep) => {
    const storage = await four();
    const report = await prune(storage, key, { keep });
    const kept = [4, 3, 2, 1].slice(0, keep);
    expect(report).toMatchObject({ kept, dropped: [4, 3, 2, 1].slice(keep) });
    expect(await all(storage)).toEqual(Object.fromEntries(kept.map((each) => [each, generation(each)])));
    expect(namesOf(storage)).toEqual(await named(storage));
  });

  it('tells beforehand what it would remove, and leaves it there', async () => {
    const storage = await four();
    const before = namesOf(storage);
    const steps = new Set<string>();
    storage.before = ({ operation }) => void steps.add(operation);
    const told = await prune(storage, key, { keep: 2, dryRun: true });
    expect([...steps].sort()).toEqual(['list', 'read']);
    expect(namesOf(storage)).toEqual(before);
    const sizes = new Map([...storage.objects].map(([name, { length }]) => [name, length]));
    const done = await prune(storage, key, { keep: 2 });
    expect(told).toEqual(done);
    const gone = before.filter((name) => !storage.objects.has(name));
    expect(done.removed.map(({ name }) => name).sort()).toEqual(gone);
    expect(done.removed.every(({ name, length }) => sizes.get(name) === length)).toBe(true);
    expect(done.bytes).toBe(done.removed.reduce((sum, { length }) => sum + length, 0));
    expect(done.bytes).toBeGreaterThan(70_000);
  });

  it('again finds nothing to remove', async () => {
    const storage = await four();
    await prune(storage, key, { keep: 2 });
    const before = namesOf(storage);
    expect(await prune(storage, key, { keep: 2 })).toMatchObject({ removed: [], bytes: 0, dropped: [] });
    expect(namesOf(storage)).toEqual(before);
  });

  it('takes no number that keeps nothing', async () => {
    const storage = await four();
    for (const keep of [0, -1, 1.5, Number.NaN]) {
      await expect(prune(storage, key, { keep })).rejects.toThrow(RangeError);
    }
  });

  // proves PRN-1
  it('removes what backups that were cut off have left', async () => {
    const storage = await four();
    const whole = namesOf(storage);
    storage.before = ({ operation }) => {
      // The process dies when its second object has its name: nothing names that.
      if (operation === 'flush' || operation === 'remove') throw new Killed();
    };
    await expect(writeFiles(storage, { key }, { p: long('p'), q: long('q'), r: 'r' })).rejects.toThrow(
      Killed,
    );
    storage.before = () => undefined;
    expect(namesOf(storage).length).toBeGreaterThan(whole.length);
    const report = await prune(storage, key, { keep: 4 });
    expect(report).toMatchObject({ dropped: [] });
    expect(namesOf(storage)).toEqual(whole);
  });

  // proves PRN-4
  it('touches nothing of another key, and nothing that it does not know', async () => {
    const storage = new MemoryStorage();
    for (const files of GENERATIONS) {
      await writeFiles(storage, { key: other }, files);
      await writeFiles(storage, { key }, files);
    }
    // An object under a name that is not its own: whose it is nobody can tell.
    const [some] = [...storage.objects.values()];
    storage.objects.set(`${'a'.repeat(32)}.sro`, some ?? new Uint8Array());
    const foreign = new MemoryStorage(storage.objects);
    const mine = new Set(await named(storage));
    await prune(storage, key, { keep: 1 });
    for (const name of namesOf(foreign)) {
      if (mine.has(name)) continue;
      expect(storage.objects.get(name)).toEqual(foreign.objects.get(name));
    }
    expect(await readFiles(storage, other)).toEqual(generation(4));
    expect(await prune(storage, other, { keep: 1 })).toMatchObject({ kept: [4], dropped: [3, 2, 1] });
    expect(await readFiles(storage, key)).toEqual(generation(4));
  });

  it('of a storage with two sets of one key is a fork', async () => {
    const [storage, second] = [await four(), new MemoryStorage()];
    await writeFiles(second, { key }, { b: 'b' });
    for (const [name, bytes] of second.objects) storage.objects.set(name, bytes);
    const before = namesOf(storage);
    expect(await codeOf(prune(storage, key, { keep: 1 }))).toBe('fork');
    expect(namesOf(storage)).toEqual(before);
  });
});

// proves PRN-2
it('a storage that somebody else changes meanwhile loses nothing', async () => {
  const [storage, foreign] = [await four(), new MemoryStorage()];
  await writeFiles(foreign, { key: other }, { a: 'a' });
  const before = new Map(storage.objects);
  storage.before = ({ operation }) => {
    // The mark is there now; what is put here came since the first list.
    if (operation === 'flush') for (const [name, bytes] of foreign.objects) storage.objects.set(name, bytes);
  };
  expect(await codeOf(prune(storage, key, { keep: 1 }))).toBe('fork');
  expect(storage.objects).toEqual(new Map([...before, ...foreign.objects]));
});

describe('a manifest that cannot be read', () => {
  /** Prunes, and requires that nothing went. */
  async function refused(storage: MemoryStorage, keep: number): Promise<string> {
    const before = new Map(storage.objects);
    const code = await codeOf(prune(storage, key, { keep }));
    expect(storage.objects).toEqual(before);
    return code;
  }

  // proves PRN-2, PRN-6
  it.each([2, 3, 4])('of a kept generation stops it, with %i to keep', async (keep) => {
    const storage = await four();
    for (const name of await copies(storage, 3)) flip(storage, name, -20);
    expect(await refused(storage, keep)).toBe('chunk-damaged');
  });

  // proves PRN-6
  it('of a kept generation stops it with its header destroyed too, or gone', async () => {
    const storage = await four();
    const names = await copies(storage, 3);
    for (const name of names) flip(storage, name, 60);
    expect(await refused(storage, 2)).toBe('header-damaged');
  });

  // proves PRN-1
  it('of a dropped generation goes with it, and what only that names', async () => {
    const storage = await four();
    for (const name of await copies(storage, 1)) flip(storage, name, 60);
    for (const name of await copies(storage, 2)) flip(storage, name, -20);
    await prune(storage, key, { keep: 2 });
    expect(await all(storage)).toEqual({ 3: generation(3), 4: generation(4) });
    expect(namesOf(storage)).toEqual(await named(storage));
  });

  it('beside its whole twin hinders nothing, and stays', async () => {
    const storage = await four();
    const [first = ''] = await copies(storage, 3);
    flip(storage, first, 60);
    await prune(storage, key, { keep: 2 });
    expect(storage.objects.has(first)).toBe(true);
    expect(await all(storage)).toEqual({ 3: generation(3), 4: generation(4) });
  });

  // proves PRN-2
  it('and that nothing names stops it: it may be a newer one', async () => {
    const storage = await four();
    await writeFiles(storage, { key }, { a: 'five' });
    for (const name of await copies(storage, 5)) flip(storage, name, -20);
    expect(await refused(storage, 1)).toBe('chunk-damaged');
  });

  // proves PRN-1
  it('is not made of a damaged object of a dropped generation, which would have no name any more', async () => {
    const storage = await four();
    const { manifest } = await openManifest(storage, key, { manifest: (await copies(storage, 2))[0] ?? '' });
    const kept = (await openManifest(storage, key)).manifest.objects.map(({ commitment }) =>
      storageName(commitment),
    );
    const only = manifest.objects.map(({ commitment }) => storageName(commitment));
    const damaged = only.filter((name) => !kept.includes(name));
    expect(damaged.length).toBeGreaterThan(0);
    for (const name of damaged) flip(storage, name, 60);
    const order: string[] = [];
    storage.before = ({ operation, name }) => void (operation === 'remove' && order.push(name));
    await prune(storage, key, { keep: 2 });
    storage.before = () => undefined;
    expect(order.slice(0, damaged.length).sort()).toEqual(damaged.sort());
    expect(await all(storage)).toEqual({ 3: generation(3), 4: generation(4) });
  });
});

/** Every way in which a loss of power can treat what was not flushed. */
const CRASHES: readonly ((name: string) => boolean)[] = [
  () => true,
  () => false,
  (name) => name < 'n',
  (name) => name >= 'n',
  (name) => name.charCodeAt(0) % 2 === 0,
];

describe('at every operation of the storage', () => {
  async function stepsOf(work: (storage: MemoryStorage) => Promise<unknown>): Promise<number> {
    const storage = await four();
    storage.steps = 0;
    await work(storage);
    return storage.steps;
  }

  const pruneTo2 = (storage: MemoryStorage): Promise<PruneReport> => prune(storage, key, { keep: 2 });
  const kept = { 3: generation(3), 4: generation(4) };

  // proves PRN-2, PRN-3, PRN-5
  it('a kill leaves what is kept whole, and all that is left is whole or goes the next time', async () => {
    const steps = await stepsOf(pruneTo2);
    expect(steps).toBeGreaterThan(30);
    const full = await four();
    const seen = new Set<string>();
    for (let at = 0; at < steps; at++) {
      const storage = full.copy();
      storage.killAt(at);
      await expect(pruneTo2(storage)).rejects.toThrow(Killed);
      for (const survives of CRASHES) {
        const left = storage.afterCrash(survives);
        const state = [...left.objects.values()].map(({ length }) => length).join();
        if (seen.has(state)) continue;
        seen.add(state);
        // Not only what is kept: a generation whose manifest is still there has all its objects.
        const there = await all(left);
        for (const [number, files] of Object.entries(there))
          expect(files).toEqual(generation(Number(number)));
        expect(there).toMatchObject(kept);
        await pruneTo2(left);
        expect(await all(left)).toEqual(kept);
        expect(namesOf(left)).toEqual(await named(left));
      }
    }
  });

  // proves PRN-3
  it.each([
    ['io', 1],
    ['disk-full', 5],
    ['permission', 7],
  ] as const)('%s leaves what is kept whole', async (code, every) => {
    const steps = await stepsOf(pruneTo2);
    const full = await four();
    for (let at = 0; at < steps; at += every) {
      const storage = full.copy();
      storage.failAt(at, code);
      const result = await codeOf(pruneTo2(storage));
      storage.before = () => undefined;
      // A manifest that fails in one place and whose twin is whole is damage, and the mark may stay.
      expect([code, 'fulfilled']).toContain(result);
      expect((await pruneTo2(storage)).kept).toEqual([4, 3]);
      expect(await all(storage)).toEqual(kept);
    }
  });

  it('can be cancelled', async () => {
    const steps = await stepsOf(pruneTo2);
    const full = await four();
    for (let at = 0; at < steps; at += 3) {
      const [storage, controller] = [full.copy(), new AbortController()];
      storage.before = (_step, count) => void (count === at && controller.abort());
      const result = await codeOf(prune(storage, key, { keep: 2, signal: controller.signal }));
      expect(['cancelled', 'fulfilled']).toContain(result);
      storage.before = () => undefined;
      expect(await all(storage)).toMatchObject(kept);
    }
  });
});
