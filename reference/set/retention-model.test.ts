import { expect, it } from 'vitest';
import { StrongroomError } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';
import { history } from './backups.ts';
import type { HeadStore } from './head-store.ts';
import { openManifest } from './newest.ts';
import { prune } from './prune.ts';
import { rekey } from './rekey.ts';
import { numbersOf, readFiles, writeFiles, type Files } from './retention-fixture.ts';
import { SetWriter } from './set-writer.ts';
import { Killed, MemoryStorage } from './storage-fixture.ts';

const RUNS = Number(process.env['STRONGROOM_MODEL_RUNS'] ?? 12);
const STEPS = 14;

class Keeper implements HeadStore {
  signed: Bytes | undefined;

  get(): Promise<Bytes | undefined> {
    return Promise.resolve(this.signed);
  }

  put(next: Bytes, previous: Bytes | undefined): Promise<void> {
    if (previous !== this.signed) return Promise.reject(new StrongroomError('conflict', 'another head'));
    this.signed = next;
    return Promise.resolve();
  }
}

/** A set and what it should hold: the contents of every generation that is kept. */
class Model {
  storage = new MemoryStorage();
  readonly head = new Keeper();
  readonly kept = new Map<number, Files>();
  files: Files = { a: 'a' };
  key: BackupKey;
  readonly next: (below: number) => number;

  constructor(seed: number) {
    this.next = numbersOf(seed);
    this.key = this.newKey();
  }

  newKey(): BackupKey {
    return BackupKey.fromBytes(Uint8Array.from({ length: 32 }, () => this.next(256)));
  }

  change(): void {
    const path = 'abcdef'.charAt(this.next(6));
    const content = String(this.next(50)).repeat(this.next(4) === 0 ? 40_000 : 3);
    const { [path]: _gone, ...others } = this.files;
    this.files =
      this.next(4) === 0 && Object.keys(others).length > 0 ? others : { ...others, [path]: content };
  }

  async backup(): Promise<void> {
    const { generation } = await writeFiles(this.storage, { key: this.key, head: this.head }, this.files);
    this.kept.set(generation, this.files);
  }

  async prune(): Promise<void> {
    if (this.kept.size === 0) return;
    const keep = 1 + this.next(4);
    const { kept } = await prune(this.storage, this.key, { keep, head: this.head });
    for (const generation of this.kept.keys()) if (!kept.includes(generation)) this.kept.delete(generation);
    expect([...this.kept.keys()].sort((a, b) => b - a)).toEqual(kept);
    expect(kept.length).toBeLessThanOrEqual(keep);
  }

  async rekey(): Promise<void> {
    if (this.kept.size === 0) return;
    const newest = Math.max(...this.kept.keys());
    const key = this.newKey();
    const { generation, headFault } = await rekey(this.storage, this.key, key, { head: this.head });
    expect([generation, headFault]).toEqual([newest + 1, undefined]);
    this.kept.set(generation, this.kept.get(newest) ?? {});
    this.key = key;
  }

  /** A backup that is cut off, by a kill or by its owner, and one after it that succeeds. */
  async interrupted(): Promise<void> {
    const before = this.storage;
    const torn = before.copy();
    torn.killAt(this.next(60));
    const done = await writeFiles(torn, { key: this.key }, this.files).catch((error: unknown) => {
      if (error instanceof Killed) return undefined;
      throw error;
    });
    if (done === undefined) {
      const odd = this.next(2);
      this.storage = torn.afterCrash((name) => name.charCodeAt(0) % 2 === odd);
      // The kill may have come after the commit: then the generation is there.
      const newest = (await history(this.storage, this.key))[0]?.generation ?? 0;
      if (newest > Math.max(0, ...this.kept.keys())) this.kept.set(newest, this.files);
    }
    await this.backup();
  }

  async cancelled(): Promise<void> {
    const writer = await SetWriter.begin(this.storage, { key: this.key });
    const meta = { path: 'z', mode: 0o644, modified: { seconds: 1, nanoseconds: 0 } };
    await writer.file(meta, utf8(String(this.next(9)).repeat(70_000)));
    await writer.abort(new StrongroomError('cancelled', 'stopped'));
    await this.backup();
  }

  /** Everything that is kept is there as it was, and nothing else. */
  async check(): Promise<void> {
    const found = await history(this.storage, this.key);
    const there = new Map<number, Files>();
    for (const { name, generation } of found) {
      there.set(generation, await readFiles(this.storage, this.key, name));
    }
    const expected = [...this.kept].sort(([a], [b]) => b - a);
    expect([...there]).toEqual(expected);
    if (this.kept.size === 0) return;
    const { freshness, damaged, copies } = await openManifest(this.storage, this.key, { head: this.head });
    expect([freshness, damaged, copies.length]).toEqual(['fresh', [], 2]);
  }
}

// proves PRN-3, RKY-1, RKY-3, FRS-13
it('any sequence of backups, cut-off backups, new keys and removals keeps what it should', async () => {
  for (let run = 0; run < RUNS; run++) {
    const seed = process.env['STRONGROOM_MODEL_SEED'] ?? String(Math.floor(performance.now() * 1000) + run);
    const model = new Model(Number(seed));
    const steps: string[] = [];
    try {
      for (let step = 0; step < STEPS; step++) {
        const names = [
          'change',
          'change',
          'backup',
          'backup',
          'prune',
          'rekey',
          'interrupted',
          'cancelled',
        ] as const;
        const name = names[model.next(names.length)] ?? 'change';
        steps.push(name);
        await model[name]();
      }
      await model.check();
    } catch (error) {
      throw new Error(`STRONGROOM_MODEL_SEED=${seed}: ${steps.join(' ')}`, { cause: error });
    }
  }
});
