import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BackupKey, inspect } from '../container/index.ts';
import { compare } from './demo-tree.ts';
import { strongroom, workplace } from './fixture.ts';

const place = workplace();
afterAll(() => place.remove());

const key = ['--key-file', place.write('key', BackupKey.generate().recoveryKey())];
const other = ['--key-file', place.write('other', BackupKey.generate().recoveryKey())];
const source = place.path('source');
const store = place.path('store');

/** A copy of the storage for a test that harms it. */
function copyOfStore(name: string): string {
  cpSync(store, place.path(name), { recursive: true });
  return place.path(name);
}

/** Names of the objects, the longest first: the first is that of `big`. */
function objects(folder: string): string[] {
  const sizeOf = (name: string): number => statSync(join(folder, name)).size;
  return readdirSync(folder).sort((a, b) => sizeOf(b) - sizeOf(a));
}

beforeAll(async () => {
  mkdirSync(join(source, 'sub', 'empty'), { recursive: true });
  writeFileSync(join(source, 'big'), randomBytes(900_000));
  writeFileSync(join(source, 'sub', 'Grüße.txt'), 'hello', { mode: 0o640 });
  writeFileSync(join(source, 'nothing'), '');
  symlinkSync('sub/Grüße.txt', join(source, 'link'));
  utimesSync(join(source, 'big'), 1_000_000_000, 1_000_000_000.5);
  const ran = await strongroom(['backup', source, '--to', store, ...key, '--json']);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(ran.stdout.toString())).toMatchObject({ generation: 1, entries: 6, skipped: [] });
});

describe.concurrent('a good backup', () => {
  test('is restored, byte for byte', async () => {
    const to = place.path('restored');
    const ran = await strongroom(['restore', '--from', store, '--to', to, ...key]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const { files, differences } = compare(source, to);
    expect([files, differences]).toEqual([3, []]);
    expect(statSync(join(to, 'big')).mtimeMs).toBe(1_000_000_000_500);
  });

  test('is restored and listed in part', async () => {
    const to = place.path('part');
    const part = ['--from', store, '--path', 'sub/', ...key];
    const ran = await strongroom(['restore', ...part, '--to', to, '--json']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout.toString())).toMatchObject({
      restored: ['sub', 'sub/Grüße.txt', 'sub/empty'],
    });
    expect(readFileSync(join(to, 'sub', 'Grüße.txt'), 'utf8')).toBe('hello');
    expect(readdirSync(to)).toEqual(['sub']);
    const listed = await strongroom(['list', ...part]);
    expect(listed.stdout.toString().split('\n')).toHaveLength(4);
    const none = await strongroom(['restore', '--from', store, '--to', to, '--path', 'su', ...key]);
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain('not-found');
  });

  test('is listed, for people and for programs', async () => {
    const ran = await strongroom(['list', '--from', store, ...key]);
    expect(ran.stdout.toString()).toMatch(/^ +900000 {2}2001-09-09T01:46:40\.000Z {2}big$/mu);
    const json = await strongroom(['list', '--from', store, ...key, '--json']);
    const { entries } = JSON.parse(json.stdout.toString()) as { entries: { path: string }[] };
    expect(entries.map(({ path }) => path)).toEqual(
      ['big', 'link', 'nothing', 'sub', 'sub/Grüße.txt', 'sub/empty'].sort(),
    );
    const history = await strongroom(['list', '--from', store, ...key, '--history', '--json']);
    expect(history.stdout.toString().trim().split('\n')).toHaveLength(2);
  });

  test('is verified', async () => {
    const ran = await strongroom(['verify', '--from', store, ...key, '--json']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout.toString())).toMatchObject({ verified: 6, failed: [], copies: 2 });
  });

  test('under another key is wrong-key, exit 3, and nothing is written', async () => {
    for (const command of [['restore', '--to', place.path('none')], ['list'], ['verify']]) {
      const ran = await strongroom([...command, '--from', store, ...other]);
      expect(ran.code).toBe(3);
      expect(ran.stderr).toMatch(/^wrong-key: /u);
      expect(ran.stdout).toHaveLength(0);
    }
    expect(existsSync(place.path('none'))).toBe(false);
  });

  test('does not replace what is there, but with --force', async () => {
    const to = place.path('occupied');
    mkdirSync(to);
    writeFileSync(join(to, 'big'), 'mine');
    const args = ['restore', '--from', store, '--to', to, ...key];
    const refused = await strongroom(args);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^exists: /u);
    expect(readFileSync(join(to, 'big'), 'utf8')).toBe('mine');
    expect(readdirSync(to)).toEqual(['big']);
    expect((await strongroom([...args, '--force'])).code).toBe(0);
    expect(compare(source, to).differences).toEqual([]);
  });

  test('does not follow a link out of the target', async () => {
    const to = place.path('linked');
    const outside = place.path('outside');
    mkdirSync(to);
    mkdirSync(outside);
    symlinkSync(outside, join(to, 'sub'));
    const ran = await strongroom(['restore', '--from', store, '--to', to, ...key, '--force']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^unsafe-path: /u);
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe.concurrent('a damaged backup', () => {
  test('loses what was damaged and no more, and says so', async () => {
    const from = copyOfStore('flipped');
    const [big = ''] = objects(from);
    const bytes = readFileSync(join(from, big));
    bytes[500_000] = (bytes[500_000] ?? 0) ^ 1;
    writeFileSync(join(from, big), bytes);
    const to = place.path('partly');
    const ran = await strongroom(['restore', '--from', from, '--to', to, ...key]);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(/^chunk-damaged: /mu);
    expect(ran.stderr).toContain('warning: big: chunk-damaged');
    expect(compare(source, to).differences).toEqual(['big is in one of them only']);
    const verified = await strongroom(['verify', '--from', from, ...key]);
    expect(verified.code).toBe(4);
    expect(verified.stderr).toContain('warning: big: chunk-damaged');
  });

  test.each([
    ['cut', 'truncated', (path: string) => truncateSync(path, inspect(readFileSync(path)).length + 262_160)],
    ['gone', 'object-missing', (path: string) => rmSync(path)],
  ])('%s: %s', async (name, code, harm) => {
    const from = copyOfStore(name);
    harm(join(from, objects(from)[0] ?? ''));
    const ran = await strongroom(['verify', '--from', from, ...key]);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain(`warning: big: ${code}`);
  });

  test('that lost one copy of its manifest is whole, with a warning', async () => {
    const from = copyOfStore('half');
    const history = await strongroom(['list', '--from', from, ...key, '--history', '--json']);
    const { name } = JSON.parse(history.stdout.toString().split('\n')[0] ?? '') as { name: string };
    rmSync(join(from, name));
    const ran = await strongroom(['verify', '--from', from, ...key]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('only one copy of the manifest');
  });
});

describe.concurrent('places that are not there, or not writable', () => {
  test.each([
    ['no storage', ['restore', '--from', place.path('nowhere'), '--to', place.path('x')], 'not-found', 1],
    ['no source', ['backup', place.path('nowhere'), '--to', place.path('x')], 'not-found', 1],
    ['an empty storage', ['verify', '--from', place.path('empty')], 'no-backup', 4],
    ['a storage inside the source', ['backup', source, '--to', join(source, 'sub')], 'unsafe-path', 1],
    [
      'a key file that is not there',
      ['list', '--from', store, '--key-file', place.path('gone')],
      'not-found',
      1,
    ],
  ] as const)('%s', async (_name, args, code, exit) => {
    mkdirSync(place.path('empty'), { recursive: true });
    const ran = await strongroom([...args, ...(args.some((each) => each === '--key-file') ? [] : key)]);
    expect(ran.stderr).toMatch(new RegExp(`^${code}: .+\\n {2}\\S`, 'u'));
    expect(ran.code).toBe(exit);
  });

  test.skipIf(process.platform !== 'linux')('a storage without permission', async () => {
    const ran = await strongroom(['backup', source, '--to', '/sys/strongroom', ...key]);
    expect(ran.stderr).toMatch(/^permission: /u);
    expect(ran.code).toBe(1);
  });

  test.skipIf(process.platform !== 'linux')('a full disk under an output', async () => {
    const ran = await strongroom(['seal', ...key, '--input', join(source, 'big')], { stdout: '/dev/full' });
    expect(ran.stderr).toMatch(/^disk-full: /u);
    expect(ran.code).toBe(1);
  });

  test('a full disk under a storage: the last backup stands, nothing is left over', async () => {
    const full = copyOfStore('full');
    const before = readdirSync(full).sort();
    const ran = await strongroom(['backup', source, '--to', full, ...key], { fileLimit: 200 });
    expect(ran.stderr).toMatch(/^disk-full: /mu);
    expect(ran.code).toBe(1);
    expect(readdirSync(full).sort()).toEqual(before);
    expect((await strongroom(['verify', '--from', full, ...key])).code).toBe(0);
  });
});

describe.concurrent('files that cannot be backed up', () => {
  test('are listed, the rest is backed up, and the exit code says that it is not complete', async () => {
    const odd = place.path('odd');
    mkdirSync(odd);
    writeFileSync(join(odd, 'good'), 'good');
    symlinkSync('../../../etc/passwd', join(odd, 'bad'));
    const ran = await strongroom(['backup', odd, '--to', place.path('odd-store'), ...key]);
    expect(ran.code).toBe(8);
    expect(ran.stderr).toContain('warning: bad: unsafe-path');
    expect(ran.stderr).toMatch(/^incomplete: /mu);
    const list = await strongroom(['list', '--from', place.path('odd-store'), ...key]);
    expect(list.stdout.toString()).toMatch(/ good\n$/u);
  });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in the middle leaves the last good backup as it was', async (signal, exit) => {
  const folder = copyOfStore(signal);
  const before = readdirSync(folder).sort();
  const long = place.path(`long-${signal}`);
  mkdirSync(long);
  writeFileSync(join(long, 'file'), '');
  truncateSync(join(long, 'file'), 2 ** 31);
  const ran = await strongroom(['backup', long, '--to', folder, ...key], {
    onStart: async (child) => {
      while (readdirSync(folder).length === before.length) await sleep(2);
      child.kill(signal);
    },
  });
  expect(ran.code).toBe(exit);
  expect(ran.stderr).toMatch(/^cancelled: /mu);
  expect(readdirSync(folder).sort()).toEqual(before);
  expect((await strongroom(['verify', '--from', folder, ...key])).code).toBe(0);
});
