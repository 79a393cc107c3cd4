import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { StrongroomError } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { utf8 } from '../wire/bytes.ts';
import { history } from './backups.ts';
import { codeOf } from './fixture.ts';
import { prune } from './prune.ts';
import { numbersOf, readFiles, writeFiles, type Files } from './retention-fixture.ts';
import { SetWriter } from './set-writer.ts';
import { Killed, MemoryStorage } from './storage-fixture.ts';

const key = BackupKey.fromBytes(new Uint8Array(32).fill(1));
const long = (letter: string): string => letter.repeat(66_000);
const GENERATIONS: readonly Files[] = [
  { a: 'one', big: long('x') },
  { a: 'two', big: long('y') },
  { a: 'three', big: long('y'), b: 'b' },
];
/** What is backed up while the storage is pruned: known contents, new ones, and one that a checkpoint knows. */
const NEXT: Files = { a: 'four', big: long('y'), left: long('l'), fresh: long('f') };

/** Three generations, and what a backup that was cancelled has left. */
async function withCheckpoint(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (const files of GENERATIONS) await writeFiles(storage, { key }, files);
  const writer = await SetWriter.begin(storage, { key });
  const meta = { path: 'left', mode: 0o644, modified: { seconds: 1, nanoseconds: 0 } };
  await writer.file(meta, utf8(NEXT['left'] ?? ''));
  await writer.abort(new StrongroomError('cancelled', 'stopped'));
  return storage;
}

/** Three generations, and objects that nothing names. */
async function withStrays(): Promise<MemoryStorage> {
  const [storage, lost] = [new MemoryStorage(), new MemoryStorage()];
  for (const files of GENERATIONS) await writeFiles(storage, { key }, files);
  await writeFiles(lost, { key }, { stray: long('s') });
  const [big] = [...lost.objects].sort(([, a], [, b]) => b.length - a.length);
  if (big !== undefined) storage.objects.set(...big);
  return storage;
}

/** Every generation that is there is whole, and the newest is the one that it should be. */
async function requireWhole(storage: MemoryStorage, isBackedUp: boolean): Promise<void> {
  const expected = [...GENERATIONS, NEXT];
  const found = await history(storage, key);
  expect(found[0]?.generation).toBe(isBackedUp ? 4 : 3);
  for (const { name, generation } of found) {
    expect(await readFiles(storage, key, name)).toEqual(expected[generation - 1]);
  }
}

const backUp = (storage: MemoryStorage): Promise<unknown> => writeFiles(storage, { key }, NEXT);

describe.each([
  ['with generations to drop', 1],
  ['with nothing to drop but what nothing names', 9],
])('a backup and a prune of one storage, %s', (_what, keep) => {
  const remove = (storage: MemoryStorage): Promise<unknown> => prune(storage, key, { keep });

  /** Runs `whole` before one operation of `sliced`, and so on for each; the codes that `sliced` came to. */
  async function between(
    sliced: (storage: MemoryStorage) => Promise<unknown>,
    whole: (storage: MemoryStorage) => Promise<unknown>,
    isBackup: boolean,
  ): Promise<Set<string>> {
    const codes = new Set<string>();
    const full = await withStrays();
    for (let at = 0, isOver = false; !isOver; at++) {
      const storage = full.copy();
      const view = storage.view();
      let other = '';
      view.before = async (_step, count) => {
        if (count === at) other = await codeOf(whole(storage));
      };
      const code = await codeOf(sliced(view));
      isOver = other === '';
      codes.add(code);
      const backedUp = isBackup ? code : other;
      await requireWhole(storage, backedUp === 'fulfilled');
    }
    return codes;
  }

  // proves PRN-7, PRN-8
  it('a prune between any two operations of a backup: the backup is whole, or fails', async () => {
    const codes = await between(backUp, remove, true);
    expect([...codes].sort()).toEqual(
      ['fork', 'fulfilled', 'object-missing'].filter((each) => codes.has(each)),
    );
    expect(codes).toContain('object-missing');
  });

  // proves PRN-1, PRN-2
  it('a backup between any two operations of a prune: the backup is whole, or the prune stops', async () => {
    const codes = await between(remove, backUp, false);
    expect(codes).toContain('fork');
    expect(codes).not.toContain('backup-unfinished');
  });

  // proves PRN-3, PRN-8
  it('in any order of their operations: what is there is whole', async () => {
    const full = await withStrays();
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const storage = full.copy();
      const next = numbersOf(seed);
      // Of one process several operations can wait: its uploads go side by side.
      const waiting: Record<'backup' | 'prune', (() => void)[]> = { backup: [], prune: [] };
      const running = new Set<'backup' | 'prune'>(['backup', 'prune']);
      const start = (
        name: 'backup' | 'prune',
        work: (storage: MemoryStorage) => Promise<unknown>,
      ): Promise<string> => {
        const view = storage.view();
        view.before = () => new Promise<void>((go) => void waiting[name].push(go));
        return codeOf(work(view)).finally(() => void running.delete(name));
      };
      const [backup, pruned] = [start('backup', backUp), start('prune', remove)];
      // One of them now and then gets a long way ahead, so that every phase meets every other.
      let [favourite, left]: ['backup' | 'prune', number] = ['backup', 0];
      while (running.size > 0) {
        if (left-- <= 0) [favourite, left] = [next(2) === 0 ? 'backup' : 'prune', next(40)];
        const name = running.has(favourite) ? favourite : favourite === 'backup' ? 'prune' : 'backup';
        while (running.has(name) && waiting[name].length === 0) await setImmediate();
        waiting[name].shift()?.();
      }
      const codes = [await backup, await pruned];
      outcomes.add(codes.join());
      expect(['fulfilled', 'object-missing', 'fork'], `seed ${seed}`).toContain(codes[0]);
      await requireWhole(storage, codes[0] === 'fulfilled').catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${codes.join()}`, { cause: error });
      });
    }
    expect(outcomes.size).toBeGreaterThan(1);
  });
});

describe('a flag that cannot be read for a moment', () => {
  /** Every read of what was not there at first fails but the first ones, which a scan makes. */
  function failing(storage: MemoryStorage, known: ReadonlySet<string>, spared: number): MemoryStorage {
    const view = storage.view();
    const reads = new Map<string, number>();
    view.before = ({ operation, name }) => {
      if (operation !== 'read' || known.has(name)) return;
      reads.set(name, (reads.get(name) ?? 0) + 1);
      if ((reads.get(name) ?? 0) > spared) throw new StrongroomError('io', 'injected');
    };
    return view;
  }

  // proves PRN-10
  it('stops a prune: what the checkpoint names may be part of a backup soon', async () => {
    const storage = await withStrays();
    const known = new Set(storage.objects.keys());
    const backup = storage.view();
    let lists = 0;
    let code = '';
    backup.before = async ({ operation }) => {
      if (operation === 'list') lists++;
      if (operation !== 'commit' || lists < 3 || code !== '') return;
      code = await codeOf(prune(failing(storage, known, 2), key, { keep: 1 }));
    };
    await backUp(backup);
    expect(code).toBe('io');
    await requireWhole(storage, true);
  });

  // proves PRN-10
  it('stops a backup: it may be the mark of somebody who prunes', async () => {
    const storage = await withStrays();
    const known = new Set(storage.objects.keys());
    const backup = failing(storage, known, 1);
    const { before } = backup;
    let puts = 0;
    backup.before = async (step, count) => {
      if (step.operation === 'put' && ++puts === 1) {
        const mark = storage.view();
        mark.before = ({ operation }) => {
          if (operation === 'remove') throw new Killed();
        };
        await expect(prune(mark, key, { keep: 9 })).rejects.toThrow(Killed);
      }
      await before(step, count);
    };
    expect(await codeOf(backUp(backup))).toBe('io');
    await requireWhole(storage, false);
  });
});

describe('what a backup that was cut off has finished', () => {
  // proves PRN-1
  it('is not removed: prune says to finish that first', async () => {
    const storage = await withCheckpoint();
    const before = new Map(storage.objects);
    expect(await codeOf(prune(storage, key, { keep: 1 }))).toBe('backup-unfinished');
    expect(storage.objects).toEqual(before);
    const done = (await writeFiles(storage, { key }, NEXT)).reused;
    expect(done.files).toBeGreaterThan(0);
    await prune(storage, key, { keep: 1 });
    expect(await readFiles(storage, key)).toEqual(NEXT);
  });

  // proves PRN-9
  it('is not used while there is a mark, for it may be about to go', async () => {
    const storage = await withCheckpoint();
    const left = { left: NEXT['left'] ?? '' };
    expect((await writeFiles(storage.copy(), { key }, left)).sealed.files).toBe(0);
    // The process that pruned was killed when its mark was there; the checkpoint came after it had looked.
    const pruned = new MemoryStorage();
    for (const { name } of await history(storage, key)) {
      const bytes = storage.objects.get(name);
      if (bytes !== undefined) pruned.objects.set(name, bytes);
    }
    const known = new Set(pruned.objects.keys());
    pruned.before = ({ operation }) => {
      if (operation === 'remove') throw new Killed();
    };
    await expect(prune(pruned, key, { keep: 1 })).rejects.toThrow(Killed);
    for (const [name, bytes] of pruned.objects) if (!known.has(name)) storage.objects.set(name, bytes);
    expect((await writeFiles(storage, { key }, left)).sealed.files).toBe(1);
    // The backup has removed the mark, with the checkpoint.
    expect(await prune(storage, key, { keep: 1 })).toMatchObject({ kept: [4], dropped: [3, 2, 1] });
    expect(await readFiles(storage, key)).toEqual(left);
  });
});
