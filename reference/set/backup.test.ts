import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canMount, codeOf, copiesOf, key, place, tree, write, type Place } from './fixture.ts';
import {
  backup,
  DirectoryStorage,
  restore,
  verify,
  type BackupResult,
  type Progress,
  type Upload,
} from './index.ts';

const megabytes = (count: number): Uint8Array => new Uint8Array(count << 20).fill(7);
/** Too long for a pack: an object of its own. */
const long = (letter: string): string => letter.repeat(70_000);

/** Backs up and calls `act` once, when `path` has been read in part. */
function during(at: Place, path: string, act: () => void): Promise<BackupResult> {
  let done = false;
  return backup(at.source, at.storage, {
    key,
    onProgress: (progress: Progress) => {
      if (done || progress.path !== path || progress.bytes === 0) return;
      done = true;
      act();
    },
  });
}

describe('a folder that moves', () => {
  // proves SET-11
  it('a file that grows while it is read is read again', async () => {
    const at = place({ log: megabytes(3) });
    const result = await during(at, 'log', () => appendFileSync(join(at.source, 'log'), 'more'));
    expect(result).toMatchObject({ skipped: [], bytes: 3 * 2 ** 20 + 4 });
    await restore(at.storage, key, at.target);
    expect(tree(at.target)).toEqual(tree(at.source));
    expect((await verify(at.storage, key)).unused).toEqual([]);
  });

  it.each([
    ['grows', (path: string): void => appendFileSync(path, 'x')],
    ['shrinks', (path: string): void => writeFileSync(path, 'x'.repeat(Math.floor(Math.random() * 1e6)))],
    [
      'is changed in place',
      (path: string): void => utimesSync(path, Math.random() * 1e9, Math.random() * 1e9),
    ],
  ])('a file that %s each time it is read is left out, and reported', async (_what, change) => {
    const at = place({ a: 'a', log: megabytes(3) });
    const result = await backup(at.source, at.storage, {
      key,
      onProgress: ({ path }) => {
        if (path === 'log') change(join(at.source, 'log'));
      },
    });
    expect(result.skipped).toEqual([{ path: 'log', code: 'changed' }]);
    await restore(at.storage, key, at.target);
    expect(tree(at.target)).toEqual({ a: 'a' });
    expect((await verify(at.storage, key)).unused).toEqual([]);
  });

  it('a file that vanishes is left out, and reported', async () => {
    const at = place({ a: megabytes(2), b: 'gone' });
    const result = await during(at, 'a', () => rmSync(join(at.source, 'b')));
    expect(result.skipped).toEqual([{ path: 'b', code: 'vanished' }]);
    expect(await restore(at.storage, key, at.target)).toMatchObject({ failed: [] });
  });

  // proves SET-14
  it('a link or a pipe in the place of a file is neither followed nor waited for', async () => {
    const at = place({ a: megabytes(2), b: 'file', c: 'file' });
    write(at.base, 'outside', 'secret');
    const result = await during(at, 'a', () => {
      rmSync(join(at.source, 'b'));
      symlinkSync('../outside', join(at.source, 'b'));
      rmSync(join(at.source, 'c'));
      execFileSync('mkfifo', [join(at.source, 'c')]);
    });
    expect(result.skipped).toEqual([
      { path: 'b', code: 'changed' },
      { path: 'c', code: 'changed' },
    ]);
  });
});

describe('what has no place in a set', () => {
  // proves SET-10
  it('is left out, and reported', async () => {
    const at = place({ good: 'g' });
    symlinkSync('/etc/passwd', join(at.source, 'absolute'));
    symlinkSync('../outside', join(at.source, 'climbing'));
    execFileSync('mkfifo', [join(at.source, 'pipe')]);
    const server = createServer().listen(join(at.source, 'socket'));
    await once(server, 'listening');
    mkdirSync(Buffer.concat([Buffer.from(`${at.source}/latin-`), Buffer.of(0xe9)]));
    const { skipped } = await backup(at.source, at.storage, { key });
    server.close();
    expect(skipped.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
      'absolute unsafe-path',
      'climbing unsafe-path',
      'latin-\ufffd unsafe-path',
      'pipe unsupported-file',
      'socket unsupported-file',
    ]);
    await restore(at.storage, key, at.target);
    expect(tree(at.target)).toEqual({ good: 'g' });
  });

  // proves SET-13
  it('a storage inside the folder is refused, also through a link', async () => {
    const at = place({ a: 'a' });
    const inside = new DirectoryStorage(join(at.source, 'backups'));
    expect(await codeOf(backup(at.source, inside, { key }))).toBe('unsafe-path');
    mkdirSync(join(at.source, 'real'));
    symlinkSync(join(at.source, 'real'), join(at.base, 'link'));
    expect(await codeOf(backup(at.source, new DirectoryStorage(join(at.base, 'link')), { key }))).toBe(
      'unsafe-path',
    );
    expect(readdirSync(join(at.source, 'real'))).toEqual([]);
  });

  it('a folder that is not there is no empty backup', async () => {
    const at = place();
    rmSync(at.source, { recursive: true });
    expect(await codeOf(backup(at.source, at.storage, { key }))).toBe('io');
  });
});

/** A storage that does something when the `count`-th call of a kind is made. */
class Trap extends DirectoryStorage {
  readonly #act: (step: string, count: number) => void;
  readonly #counts = new Map<string, number>();

  constructor(folder: string, act: (step: string, count: number) => void) {
    super(folder);
    this.#act = act;
  }

  override put(name: string): Upload {
    this.#step('put');
    const upload = super.put(name);
    return {
      write: (parts) => {
        this.#step('write');
        return upload.write(parts);
      },
      sync: () => {
        this.#step('sync');
        return upload.sync();
      },
      commit: () => {
        this.#step('commit');
        return upload.commit();
      },
      discard: () => upload.discard(),
    };
  }

  override flush(): void {
    this.#step('flush');
    super.flush();
  }

  #step(step: string): void {
    const count = (this.#counts.get(step) ?? 0) + 1;
    this.#counts.set(step, count);
    this.#act(step, count);
  }
}

/** A storage that notes what a loss of power would leave. */
class Watched extends DirectoryStorage {
  /** Every step, in order: `sync`, `commit` and `flush`, with the name of the object. */
  readonly steps: string[] = [];

  override put(name: string): Upload {
    const upload = super.put(name);
    return {
      write: (parts) => {
        this.steps.push(`write ${name}`);
        return upload.write(parts);
      },
      sync: async () => {
        await upload.sync();
        this.steps.push(`sync ${name}`);
      },
      commit: () => {
        this.steps.push(`commit ${name}`);
        return upload.commit();
      },
      discard: () => upload.discard(),
    };
  }

  override flush(): void {
    super.flush();
    this.steps.push('flush');
  }
}

// proves SET-5
it('a manifest gets its name when all that it names is durable, and is durable itself', async () => {
  const at = place({ a: long('1'), b: megabytes(2), 'c/d': '3' });
  const storage = new Watched(at.storage.folder);
  await backup(at.source, storage, { key });
  const { steps } = storage;
  const copies = new Set(await copiesOf(at));
  const commits = steps.filter((step) => step.startsWith('commit ')).map((step) => step.slice(7));
  expect(commits.slice(-2).every((name) => copies.has(name))).toBe(true);
  expect(commits.slice(0, -2).filter((name) => copies.has(name))).toEqual([]);
  // Three objects, the checkpoint that names them, and the manifest.
  expect(commits).toHaveLength(6);
  for (const name of commits) {
    const synced = steps.indexOf(`sync ${name}`);
    expect(synced).toBeGreaterThan(steps.lastIndexOf(`write ${name}`));
    expect(synced).toBeLessThan(steps.indexOf(`commit ${name}`));
  }
  const [lastObject = '', firstManifest = ''] = commits.slice(3, 5);
  const between = steps.slice(
    steps.indexOf(`commit ${lastObject}`),
    steps.indexOf(`commit ${firstManifest}`),
  );
  expect(between).toContain('flush');
  expect(steps.at(-1)).toBe('flush');
});

describe('a backup that fails', () => {
  // Three files: puts 1 to 3 are theirs, 4 and 5 those of the manifest, 6 that of the checkpoint, which is committed as
  // the fourth, between flushes 2 and 3.
  const steps: [string, number, 'before' | 'after'][] = [
    ['put', 1, 'before'],
    ['write', 2, 'before'],
    ['sync', 2, 'before'],
    ['commit', 3, 'before'],
    ['put', 4, 'before'],
    ['put', 5, 'before'],
    ['sync', 5, 'before'],
    ['flush', 1, 'before'],
    ['put', 6, 'before'],
    ['flush', 2, 'before'],
    ['commit', 4, 'before'],
    ['flush', 3, 'before'],
    ['commit', 5, 'before'],
    ['commit', 6, 'after'],
    ['flush', 4, 'after'],
  ];
  // proves SET-8
  it.each(steps)('at %s %i leaves one whole backup: the one %s it', async (step, count, expected) => {
    const files = (value: number): Record<string, string> => ({
      a: long(`${value}`),
      b: long(`${value + 2}`),
      c: long(`${value + 4}`),
    });
    const at = place(files(1));
    await backup(at.source, at.storage, { key });
    const names = readdirSync(at.storage.folder).sort();
    for (const [path, content] of Object.entries(files(2))) write(at.source, path, content);
    const trap = new Trap(at.storage.folder, (now, nth) => {
      if (now === step && nth === count) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    });
    const failure: unknown = await backup(at.source, trap, { key }).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(Error);
    const report = await restore(at.storage, key, at.target);
    const generation = expected === 'before' ? 1 : 2;
    expect(tree(at.target)).toEqual(files(generation));
    expect(report.generation).toBe(generation);
    // What a checkpoint names stays, and the manifest commits are past undoing: all else is as it was, to the last file.
    const isPast = step === 'commit' || (step === 'flush' && count === 3);
    if (expected === 'before' && !isPast) expect(readdirSync(at.storage.folder).sort()).toEqual(names);
    expect(readdirSync(at.storage.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  // proves WRT-2
  it('because it is cancelled at any point leaves the last one, and nothing else', async () => {
    const at = place({ a: '1', big: megabytes(4) });
    await backup(at.source, at.storage, { key });
    const names = readdirSync(at.storage.folder).sort();
    for (let stopAt = 1; stopAt < 8; stopAt++) {
      const stop = new AbortController();
      let seen = 0;
      const onProgress = (): void => void (++seen === stopAt && stop.abort());
      expect(await codeOf(backup(at.source, at.storage, { key, signal: stop.signal, onProgress }))).toBe(
        'cancelled',
      );
      expect(readdirSync(at.storage.folder).sort()).toEqual(names);
    }
    expect(await restore(at.storage, key, at.target)).toMatchObject({ generation: 1, failed: [] });
  });

  it('is stopped by a timer while it reads a large file', async () => {
    const at = place({ big: megabytes(200) });
    mkdirSync(at.storage.folder);
    const result = backup(at.source, at.storage, { key, signal: AbortSignal.timeout(25) });
    expect(await codeOf(result)).toBe('cancelled');
    expect(readdirSync(at.storage.folder)).toEqual([]);
  });

  // proves SET-12
  it('because another one was faster stops before it makes a fork', async () => {
    const at = place({ a: '1' });
    await backup(at.source, at.storage, { key });
    const trap = new Trap(at.storage.folder, (step, count) => {
      if (step !== 'flush' || count !== 1) return;
      execFileSync('cp', ['-rn', `${other.storage.folder}/.`, at.storage.folder]);
    });
    const other = place({ a: '2' });
    execFileSync('cp', ['-r', at.storage.folder, other.storage.folder]);
    await backup(other.source, other.storage, { key });
    expect(await codeOf(backup(at.source, trap, { key }))).toBe('fork');
    expect(await restore(at.storage, key, at.target)).toMatchObject({ generation: 2 });
    expect(tree(at.target)).toEqual({ a: '2' });
  });
});

const INDEX = JSON.stringify(new URL('index.ts', import.meta.url).href);
const KEYS = JSON.stringify(new URL('../keys/backup-key.ts', import.meta.url).href);

function runNode(source: string): { stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
}

/** Does something without the rights of root, which are never missing. */
async function asNobody(at: Place, act: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return act();
  execFileSync('chown', ['-R', '65534', at.base]);
  process.seteuid?.(65534);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}

/** A program that backs `at` up, or restores it, in a process of its own. */
function script(at: Place): string {
  return `
    const { backup, restore, DirectoryStorage } = await import(${INDEX});
    const { BackupKey } = await import(${KEYS});
    const key = BackupKey.fromBytes(Uint8Array.from({ length: 32 }, (_, i) => i));
    const storage = new DirectoryStorage(${JSON.stringify(at.storage.folder)});
    const [what, target] = process.argv.slice(1);
    try {
      if (what === 'restore') await restore(storage, key, target);
      else await backup(${JSON.stringify(at.source)}, storage, {
        key,
        onProgress: ({ bytes }) => process.stdout.write(bytes + '\\n'),
      });
      process.exitCode = 0;
    } catch (error) {
      console.error(error.code);
      process.exitCode = 3;
    }`;
}

describe('a machine that fails', () => {
  it('a disk that is full, for real: the file-size limit of the system', async () => {
    const at = place({ a: '1' });
    await backup(at.source, at.storage, { key });
    const names = readdirSync(at.storage.folder).sort();
    write(at.source, 'big', megabytes(8));
    const limited = (...args: string[]): ReturnType<typeof spawnSync> =>
      spawnSync('bash', [
        '-c',
        'ulimit -f 2048; exec "$0" "$@"',
        process.execPath,
        '--input-type=module',
        '-e',
        script(at),
        ...args,
      ]);
    const { status, stderr } = limited();
    expect([status, String(stderr).trim()]).toEqual([3, 'disk-full']);
    expect(readdirSync(at.storage.folder).sort()).toEqual(names);
    // The same while a restore writes.
    await backup(at.source, at.storage, { key });
    const restored = limited('restore', at.target);
    expect([restored.status, String(restored.stderr).trim()]).toEqual([3, 'disk-full']);
    expect(tree(at.target)).toEqual({ a: '1' });
  });

  it.skipIf(!canMount())('a disk that is full, for real: a small file system', async () => {
    const at = place({ a: '1' });
    mkdirSync(at.storage.folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', at.storage.folder]);
    try {
      await backup(at.source, at.storage, { key });
      const names = readdirSync(at.storage.folder).sort();
      write(at.source, 'big', megabytes(3));
      expect(await codeOf(backup(at.source, at.storage, { key }))).toBe('disk-full');
      expect(readdirSync(at.storage.folder).sort()).toEqual(names);
      expect(await restore(at.storage, key, at.target)).toMatchObject({ generation: 1, failed: [] });
    } finally {
      execFileSync('umount', [at.storage.folder]);
    }
  });

  // proves SET-8
  it('a process that is killed at any time leaves a whole backup, and the next one works', async () => {
    const at = place({ a: '1', big: megabytes(6) });
    await backup(at.source, at.storage, { key });
    write(at.source, 'a', '2');
    for (const [index, bytes] of [1, 3 << 20, 6 << 20].entries()) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script(at)], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let text = '';
      child.stdout.on('data', (data: Buffer) => {
        text += data.toString();
        if (text.split('\n').some((line) => Number(line) >= bytes)) child.kill('SIGKILL');
      });
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      const target = join(at.base, `after-${index}`);
      const { generation, copies } = await restore(at.storage, key, target);
      if (signal === 'SIGKILL') expect(copies).toBeGreaterThan(0);
      expect(readFileSync(join(target, 'a'), 'utf8')).toBe(generation === 1 ? '1' : '2');
    }
    const last = await backup(at.source, at.storage, { key });
    expect(last.skipped).toEqual([]);
    expect((await restore(at.storage, key, at.target)).generation).toBe(last.generation);
  });

  it('clears away after a day what a crash left behind, and nothing younger', async () => {
    const at = place({ a: '1' });
    await backup(at.source, at.storage, { key });
    const name = (age: string): string => `.${age.repeat(32)}.sro.00000000-0000-4000-8000-000000000000.tmp`;
    for (const age of ['a', 'b']) writeFileSync(join(at.storage.folder, name(age)), 'left');
    utimesSync(join(at.storage.folder, name('a')), 0, 0);
    await backup(at.source, new DirectoryStorage(at.storage.folder), { key });
    const hidden = readdirSync(at.storage.folder).filter((each) => each.startsWith('.'));
    expect(hidden).toEqual([name('b')]);
  });

  it.skipIf(process.platform === 'win32')('rights that are missing', async () => {
    const at = place({ a: '1', 'closed/b': '1', c: '1' });
    await asNobody(at, async () => {
      chmodSync(join(at.source, 'closed'), 0);
      chmodSync(join(at.source, 'c'), 0);
      const { skipped } = await backup(at.source, at.storage, { key });
      chmodSync(join(at.source, 'closed'), 0o700);
      expect(skipped).toEqual([
        { path: 'closed', code: 'permission' },
        { path: 'c', code: 'permission' },
      ]);
      const names = readdirSync(at.storage.folder).sort();
      chmodSync(at.storage.folder, 0o500);
      expect(await codeOf(backup(at.source, at.storage, { key }))).toBe('permission');
      expect(readdirSync(at.storage.folder).sort()).toEqual(names);
      mkdirSync(at.target, { mode: 0o500 });
      expect(await codeOf(restore(at.storage, key, at.target))).toBe('permission');
      chmodSync(at.target, 0o700);
      chmodSync(join(at.storage.folder, names[0] ?? ''), 0);
      expect((await verify(at.storage, key)).damaged).toMatchObject([{ name: names[0], code: 'permission' }]);
      expect(await codeOf(backup(at.source, at.storage, { key }))).toBe('permission');
    });
  });

  it('does not hold a large file in memory', () => {
    const at = place();
    const large = join(at.source, 'large');
    writeFileSync(large, '');
    truncateSync(large, 768 << 20);
    // A storage that keeps nothing: it is the way there that is measured.
    const discard = `Object.assign(new DirectoryStorage('/nowhere'), {
      lengths: new Map(),
      put(name) {
        let length = 0;
        const write = (parts) => parts.forEach((part) => (length += part.length));
        return { write, sync() {}, commit: () => this.lengths.set(name, length), discard() {} };
      },
      async *list() {
        for (const [name, length] of this.lengths) yield { name, length };
      },
      flush() {}, remove() {} })`;
    const { stdout, stderr } = runNode(`
      const { backup, DirectoryStorage } = await import(${INDEX});
      const { BackupKey } = await import(${KEYS});
      const { skipped, bytes } = await backup(${JSON.stringify(at.source)}, ${discard}, { key: BackupKey.generate() });
      console.log(skipped.length, bytes, process.resourceUsage().maxRSS);`);
    const [skipped, bytes, kilobytes] = stdout.split(' ').map(Number);
    expect([skipped, bytes, stderr]).toEqual([0, 768 << 20, '']);
    expect(kilobytes).toBeLessThan(300_000);
  });

  it('a storage that is no folder', async () => {
    const at = place({ a: '1' });
    write(at.base, 'storage', 'a file');
    expect(await codeOf(backup(at.source, at.storage, { key }))).toBe('io');
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('io');
  });
});
