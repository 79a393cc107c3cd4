import { execFile, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8, type Bytes } from '../wire/bytes.ts';
import type { Store } from './interface.ts';
import { MemoryStore } from './memory.ts';
import { SqliteStore } from './sqlite.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'strongroom-store-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const key = utf8('key');
const put = (name: string, value: string, was?: string): Parameters<Store['commit']>[0] => ({
  conditions: [{ key: utf8(name), value: was === undefined ? undefined : utf8(was) }],
  writes: [{ key: utf8(name), value: utf8(value) }],
});

async function keys(store: Store, prefix: Uint8Array): Promise<Bytes[]> {
  const found: Bytes[] = [];
  for await (const entry of store.scan(prefix)) found.push(entry.key);
  return found;
}

describe.each([
  ['memory', (): Promise<Store> => Promise.resolve(new MemoryStore())],
  ['sqlite', (): Promise<Store> => SqliteStore.open(join(folder, 'contract.db'))],
])('the contract, %s', (_name, open) => {
  let store: Store;
  beforeAll(async () => void (store = await open()));
  afterAll(() => store.close());

  it('keeps a value under a condition that holds, and only then', async () => {
    expect(await store.get(key)).toBeUndefined();
    expect(await store.commit(put('key', 'a'))).toBe(true);
    expect(await store.commit(put('key', 'b'))).toBe(false);
    expect(await store.commit(put('key', 'b', 'x'))).toBe(false);
    expect(await store.get(key)).toEqual(utf8('a'));
    expect(await store.commit(put('key', 'b', 'a'))).toBe(true);
    expect(await store.get(key)).toEqual(utf8('b'));
  });

  it('writes all of a transaction or none of it', async () => {
    const { conditions } = put('key', '', 'no');
    const writes = [
      { key: utf8('one'), value: utf8('1') },
      { key: utf8('two'), value: utf8('2') },
    ];
    expect(await store.commit({ conditions, writes })).toBe(false);
    expect(await store.get(utf8('one'))).toBeUndefined();
    expect(await store.commit({ conditions: [], writes })).toBe(true);
    expect(await store.get(utf8('two'))).toEqual(utf8('2'));
  });

  it('lets one of many concurrent writers of one value through', async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.commit(put('race', `${i}`))),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await store.get(utf8('race'))).toEqual(utf8(`${results.indexOf(true)}`));
  });

  it('scans a prefix in order, over more than one page, and nothing beside it', async () => {
    const written = Array.from({ length: 1100 }, (_, i) => Uint8Array.of(7, i >> 8, i & 255));
    const beside = [Uint8Array.of(6, 255), Uint8Array.of(8), Uint8Array.of(7, 255, 255, 255)];
    await store.commit({
      conditions: [],
      writes: [...written, ...beside].map((key) => ({ key, value: key })),
    });
    expect(await keys(store, Uint8Array.of(7))).toEqual([...written, Uint8Array.of(7, 255, 255, 255)]);
  });
});

describe('the SQLite store', () => {
  it('keeps what it confirmed when it is opened again', async () => {
    const path = join(folder, 'again.db');
    const first = await SqliteStore.open(path);
    await first.commit(put('key', 'a'));
    await first.close();
    const second = await SqliteStore.open(path);
    expect(await second.get(key)).toEqual(utf8('a'));
    await second.close();
  });

  it('belongs to one process, and says so to a second one', async () => {
    const path = join(folder, 'locked.db');
    const store = await SqliteStore.open(path);
    await store.commit(put('key', 'a'));
    await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'store-locked' });
    const script = join(folder, 'second.mjs');
    const module = new URL('./sqlite.ts', import.meta.url).href;
    writeFileSync(
      script,
      `import { SqliteStore } from ${JSON.stringify(module)};
       SqliteStore.open(${JSON.stringify(path)}).then(() => process.send('open'), (e) => process.send(e.code));`,
    );
    const child = fork(script);
    const said = await new Promise((resolve) => child.once('message', resolve));
    child.kill();
    expect(said).toBe('store-locked');
    await store.close();
  });

  it('opens in a process whose flags are about its own code', async () => {
    const module = new URL('./sqlite.ts', import.meta.url).href;
    const code = `import { SqliteStore } from ${JSON.stringify(module)};
      const store = await SqliteStore.open(${JSON.stringify(join(folder, 'flags.db'))});
      console.log(await store.commit({ conditions: [], writes: [] }));
      await store.close();`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
    expect(stdout).toBe('true\n');
  });

  it('names a file that is not a database', async () => {
    const path = join(folder, 'damaged.db');
    writeFileSync(path, 'x'.repeat(8192));
    await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'store-damaged' });
  });

  it('names a folder that is not there', async () => {
    await expect(SqliteStore.open(join(folder, 'no', 'x.db'))).rejects.toMatchObject({
      code: 'store-failed',
    });
  });

  it('answers nothing after a failure, not even what was asked before it was known', async () => {
    const path = join(folder, 'failing.db');
    const prepared = new DatabaseSync(path);
    // A trigger is the nearest thing to a disk that fails on one write.
    prepared.exec(`CREATE TABLE entry (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT;
      CREATE TRIGGER fail BEFORE INSERT ON entry WHEN NEW.key = CAST('bad' AS BLOB)
      BEGIN SELECT RAISE(ROLLBACK, 'disk I/O error'); END;`);
    prepared.close();
    const store = await SqliteStore.open(path);
    await store.commit(put('key', 'a'));
    const results = await Promise.allSettled([
      store.commit(put('bad', 'x')),
      store.get(key),
      store.commit(put('more', 'y')),
    ]);
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'store-failed' } });
    await expect(store.get(key)).rejects.toMatchObject({ code: 'store-failed' });
    await store.close();
  });
});
