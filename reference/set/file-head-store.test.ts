import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from '../files/lock.ts';
import { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { FileHeadStore } from './file-head-store.ts';
import { openHead, signHead } from './head.ts';

const key = BackupKey.fromBytes(new Uint8Array(32).fill(3));
const headOf = (generation: number): Bytes =>
  signHead(key, {
    setId: new Uint8Array(16),
    generation,
    manifestId: new Uint8Array(32),
    created: 0,
    keyEpoch: 1,
  });
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );

const strace = spawnSync('strace', ['-V']).status === 0;
if (!strace && process.env['CI'] !== undefined) throw new Error('strace is missing: apt-get install strace');

let folder = '';
let path = '';
let store = new FileHeadStore('');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-head-'));
  path = join(folder, 'head');
  store = new FileHeadStore(path);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a head in a file', () => {
  // proves FRS-4
  it('is nothing at first, then what was put, and is replaced by who knows it', async () => {
    expect(await store.get()).toBeUndefined();
    await store.put(headOf(1), undefined);
    expect(await store.get()).toEqual(headOf(1));
    await store.put(headOf(2), headOf(1));
    expect(readFileSync(path)).toEqual(Buffer.from(headOf(2)));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  // proves FRS-4
  it.each([
    ['nothing was there', undefined, headOf(1)],
    ['another one is there', headOf(2), headOf(1)],
    ['there was none before', headOf(2), undefined],
  ])('is left as it is if %s', async (_what, present, previous) => {
    if (present !== undefined) await store.put(present, undefined);
    expect(await codeOf(store.put(headOf(3), previous))).toBe('conflict');
    expect(await store.get()).toEqual(present);
  });

  // proves FRS-3, FRS-4
  it.each([
    ['empty', (): void => writeFileSync(path, '')],
    ['cut', (): void => writeFileSync(path, headOf(1).subarray(0, 100))],
    ['too long', (): void => appendFileSync(path, 'x')],
    ['very long', (): void => writeFileSync(path, new Uint8Array(1e6))],
  ])('that is %s is bad-head, and never no head', async (_what, harm) => {
    await store.put(headOf(1), undefined);
    harm();
    expect(await codeOf(store.get())).toBe('bad-head');
    for (const previous of [undefined, headOf(1)]) {
      expect(await codeOf(store.put(headOf(2), previous))).toBe('bad-head');
    }
  });

  it('that cannot be read is no missing one', async () => {
    mkdirSync(path);
    expect(await codeOf(store.get())).toBe('io');
    expect(await codeOf(store.put(headOf(1), undefined))).toBe('io');
    const inside = new FileHeadStore(join(folder, 'a', 'b'));
    expect(await codeOf(inside.put(headOf(1), undefined))).toBe('io');
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'without access is permission',
    async () => {
      await store.put(headOf(1), undefined);
      chmodSync(path, 0);
      expect(await codeOf(store.get())).toBe('permission');
    },
  );

  // proves FRS-5
  it('is whole if a put was cut off, and what that left is no hindrance', async () => {
    await store.put(headOf(1), undefined);
    writeFileSync(`${path}.new`, headOf(2).subarray(0, 50));
    expect(await store.get()).toEqual(headOf(1));
    await store.put(headOf(3), headOf(1));
    expect(await store.get()).toEqual(headOf(3));
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  // proves FRS-5, FRS-6
  it.skipIf(!strace)('is synced, then renamed, then its folder is synced', () => {
    const script = join(folder, 'put.mjs');
    writeFileSync(
      script,
      `import { FileHeadStore } from ${JSON.stringify(new URL('file-head-store.ts', import.meta.url).href)};
       await new FileHeadStore(${JSON.stringify(path)}).put(new Uint8Array(132), undefined);`,
    );
    const log = join(folder, 'calls');
    const calls =
      'openat,openat2,open,write,pwrite64,writev,pwritev,pwritev2,fsync,rename,renameat,renameat2';
    const traced = spawnSync('strace', [
      '-f',
      '-y',
      '-e',
      `trace=${calls}`,
      '-o',
      log,
      process.execPath,
      script,
    ]);
    expect(traced.status).toBe(0);
    const lines = readFileSync(log, 'utf8').split('\n');
    const place = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));
    const order = [
      place(/writev?\(\d+<[^>]*\/head\.new>/u),
      place(/fsync\(\d+<[^>]*\/head\.new>/u),
      place(/rename\w*\(.*head\.new.*head"/u),
      lines.findLastIndex((line) => /fsync\(\d+<[^>]*strongroom-head-[^/>]*>/u.test(line)),
    ];
    expect(order.every((each) => each >= 0)).toBe(true);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });
});

describe('of several who put at once', () => {
  // proves FRS-4
  it('one succeeds, in one process', async () => {
    await store.put(headOf(1), undefined);
    const puts = Array.from({ length: 6 }, (_, i) =>
      codeOf(new FileHeadStore(path).put(headOf(10 + i), headOf(1))),
    );
    const codes = await Promise.all(puts);
    expect(codes.filter((code) => code === 'done')).toHaveLength(1);
    expect(codes.filter((code) => code === 'conflict')).toHaveLength(5);
    const { generation } = openHead(key, (await store.get()) ?? new Uint8Array());
    expect(codes[generation - 10]).toBe('done');
  });

  // proves FRS-4
  it('one waits until the other has let go, in two processes', async () => {
    const lock = await tryLock(`${path}.lock`);
    const script = join(folder, 'put.mjs');
    writeFileSync(
      script,
      `import { FileHeadStore } from ${JSON.stringify(new URL('file-head-store.ts', import.meta.url).href)};
       process.send('ready');
       await new FileHeadStore(${JSON.stringify(path)}).put(new Uint8Array(132), undefined).then(
         () => process.send('done'), (error) => process.send(error.code));
       process.disconnect();`,
    );
    const child = fork(script);
    expect(await once(child, 'message')).toEqual(['ready', undefined]);
    const answer = once(child, 'message');
    // What the first writer does while it holds the lock is seen by the second.
    writeFileSync(path, headOf(1));
    lock?.release();
    expect(await answer).toEqual(['conflict', undefined]);
    expect(await store.get()).toEqual(headOf(1));
  });
});
