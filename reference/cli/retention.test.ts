import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BackupKey } from '../container/index.ts';
import { compare } from './demo-tree.ts';
import { strongroom, workplace, type Ran } from './fixture.ts';

const place = workplace();
afterAll(() => place.remove());

const key = ['--key-file', place.write('key', BackupKey.generate().recoveryKey())];
const other = ['--key-file', place.write('other', BackupKey.generate().recoveryKey())];
const head = ['--head', place.path('head')];
const source = place.path('source');
const store = place.path('store');

/** A copy of the storage for one test. */
function copyOf(folder: string, name: string): string {
  cpSync(folder, place.path(name), { recursive: true });
  return place.path(name);
}

const json = (ran: Ran): Record<string, unknown> =>
  JSON.parse(ran.stdout.toString()) as Record<string, unknown>;

/** Names of the copies of each generation. */
async function historyOf(from: string, keyArgs: readonly string[] = key): Promise<Map<number, string>> {
  const ran = await strongroom(['list', '--from', from, ...keyArgs, '--history', '--json']);
  const lines = ran.stdout.toString().trim().split('\n');
  return new Map(
    lines.map((line) => {
      const { generation, name } = JSON.parse(line) as { generation: number; name: string };
      return [generation, name];
    }),
  );
}

beforeAll(async () => {
  mkdirSync(source);
  for (const generation of [1, 2, 3]) {
    writeFileSync(join(source, 'a'), `content ${generation}`);
    writeFileSync(join(source, 'big'), String(generation).repeat(100_000));
    const ran = await strongroom(['backup', source, '--to', store, ...key, ...head]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    if (generation === 2) copyOf(store, 'older');
  }
});

describe.concurrent('a head in a file', () => {
  test('is shown to who has the key', async () => {
    const ran = await strongroom(['head', 'show', ...head, ...key, '--json']);
    expect(json(ran)).toMatchObject({ generation: 3, keyEpoch: 1 });
    const line = await strongroom(['head', 'show', ...head, ...key]);
    expect(line.stdout.toString()).toMatch(/^backup 3 of set [0-9a-f]{32}, .*, key 1\n$/u);
    const wrong = await strongroom(['head', 'show', ...head, ...other]);
    expect(wrong).toMatchObject({ code: 4 });
    expect(wrong.stderr).toMatch(/^bad-head: /u);
    const none = await strongroom(['head', 'show', '--head', place.path('nowhere'), ...key]);
    expect(none.stderr).toMatch(/^not-found: /u);
  });

  test('says that the storage shows the newest backup', async () => {
    const ran = await strongroom(['verify', '--from', store, ...key, ...head, '--json']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(json(ran)).toMatchObject({ freshness: 'fresh' });
  });

  test('says that the storage shows an older one, and nothing is restored unless it is named', async () => {
    const from = place.path('older');
    const to = place.path('stale');
    const restored = await strongroom(['restore', '--from', from, '--to', to, ...key, ...head]);
    expect(restored.code).toBe(4);
    expect(restored.stderr).toMatch(/^stale: .+\n {2}\S/u);
    expect(existsSync(to)).toBe(false);
    const verified = await strongroom(['verify', '--from', from, ...key, ...head]);
    expect(verified.code).toBe(4);
    expect(verified.stderr).toMatch(/^warning: .*newer.*\nstale: /u);
    const listed = await strongroom(['list', '--from', from, ...key, ...head, '--json']);
    expect(json(listed)).toMatchObject({ freshness: 'stale', generation: 2 });
    const name = (await historyOf(from)).get(2) ?? '';
    const named = await strongroom([
      'restore',
      '--from',
      from,
      '--to',
      to,
      ...key,
      ...head,
      '--manifest',
      name,
    ]);
    expect(named.code).toBe(0);
    expect(named.stderr).toContain('warning: a newer backup was made');
    expect(readFileSync(join(to, 'a'), 'utf8')).toBe('content 2');
  });

  test('keeps a backup from following an older one', async () => {
    const from = copyOf(place.path('older'), 'followed');
    const before = readdirSync(from).sort();
    const [own] = [place.path('own-head')];
    cpSync(place.path('head'), own);
    const ran = await strongroom(['backup', source, '--to', from, ...key, '--head', own]);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(/^stale: /mu);
    expect(readdirSync(from).sort()).toEqual(before);
    const name = (await historyOf(from)).get(2) ?? '';
    const named = await strongroom([
      'backup',
      source,
      '--to',
      from,
      ...key,
      '--head',
      own,
      '--manifest',
      name,
      '--json',
    ]);
    expect(named.code).toBe(0);
    expect(json(named)).toMatchObject({ generation: 4 });
    const shown = await strongroom(['head', 'show', '--head', own, ...key, '--json']);
    expect(json(shown)).toMatchObject({ generation: 4 });
  });
});

describe.concurrent('prune', () => {
  test('says what it would remove, then removes it', async () => {
    const from = copyOf(store, 'pruned');
    const before = readdirSync(from).sort();
    const dry = await strongroom(['prune', '--from', from, '--keep', '1', ...key, '--dry-run', '--json']);
    expect(json(dry)).toMatchObject({ kept: [3], dropped: [2, 1], dryRun: true });
    expect(readdirSync(from).sort()).toEqual(before);
    const ran = await strongroom(['prune', '--from', from, '--keep', '1', ...key, ...head]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout.toString()).toMatch(/^removed 2 backups, \d+ objects, .*; kept: 3\n$/u);
    const { removed } = json(dry) as { removed: { name: string }[] };
    expect(readdirSync(from).sort()).toEqual(
      before.filter((name) => !removed.some((each) => each.name === name)),
    );
    const verified = await strongroom(['verify', '--from', from, ...key, ...head, '--json']);
    expect(json(verified)).toMatchObject({ failed: [], unused: [], freshness: 'fresh' });
  });

  test.each([
    ['no number', ['--keep', 'all'], 'usage', 2],
    ['nothing to keep', ['--keep', '0'], 'usage', 2],
    ['no --keep', [], 'usage', 2],
    ['an older storage than the head says', ['--keep', '1', ...head], 'stale', 4],
  ])('refuses %s, and removes nothing', async (_what, args, code, exit) => {
    const from = place.path('older');
    const before = readdirSync(from).sort();
    const ran = await strongroom(['prune', '--from', from, ...key, ...args]);
    expect(ran.stderr).toMatch(new RegExp(`^${code}: `, 'u'));
    expect(ran.code).toBe(exit);
    expect(readdirSync(from).sort()).toEqual(before);
  });
});

describe('rekey', () => {
  test('makes the new key, and every backup opens under it', async () => {
    const from = copyOf(store, 'rekeyed');
    const own = ['--head', place.path('rekey-head')];
    cpSync(place.path('head'), place.path('rekey-head'));
    const file = place.path('new.key');
    const args = ['rekey', '--from', from, ...key, '--new-key-file', file, ...own];
    const ran = await strongroom(args);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout.toString()).toContain(
      'backup 4 is under the new key (number 2); the old key may be let go',
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const made = ['--key-file', file];
    const to = place.path('rekey-restored');
    const restored = await strongroom(['restore', '--from', from, '--to', to, ...made, ...own]);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(compare(source, to).differences).toEqual([]);
    const history = await historyOf(from, made);
    expect([...history.keys()]).toEqual([4, 3, 2, 1]);
    const first = place.path('rekey-first');
    const older = ['restore', '--from', from, '--to', first, ...made, '--manifest', history.get(1) ?? ''];
    expect((await strongroom(older)).code).toBe(0);
    expect(readFileSync(join(first, 'a'), 'utf8')).toBe('content 1');
    // A second run finds everything done, and the same key.
    const again = await strongroom([...args, '--json']);
    expect(json(again)).toMatchObject({ generation: 4, keyEpoch: 2 });
    const stale = await strongroom(['verify', '--from', from, ...key, ...own]);
    expect(stale.stderr).toMatch(/^bad-head: /u);
  });

  // proves RKY-4
  test('has the new key in its file before anything else', async () => {
    const from = place.path('nothing');
    mkdirSync(from);
    const file = place.path('early.key');
    const ran = await strongroom(['rekey', '--from', from, ...key, '--new-key-file', file]);
    expect(ran.stderr).toMatch(/^no-backup: /u);
    expect((await strongroom(['key', 'show', '--key-file', file])).code).toBe(0);
  });

  test('takes a key that is there, keeps the file, and refuses the old key', async () => {
    const from = copyOf(store, 'rekeyed-twice');
    const file = place.write('given.key', BackupKey.generate().recoveryKey());
    const text = readFileSync(file, 'utf8');
    expect((await strongroom(['rekey', '--from', from, ...key, '--new-key-file', file])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(text);
    const same = await strongroom(['rekey', '--from', from, ...key, '--new-key-file', key[1] ?? '']);
    expect(same.code).toBe(3);
    expect(same.stderr).toMatch(/^invalid-key: /u);
  });

  test('whose head could not be put says to keep the old key', async () => {
    const from = copyOf(store, 'rekey-conflict');
    const folder = place.path('gone');
    mkdirSync(folder);
    const file = join(folder, 'head');
    cpSync(place.path('head'), file);
    mkdirSync(`${file}.new`);
    const args = ['rekey', '--from', from, ...key, '--new-key-file', place.path('third.key'), '--head', file];
    const ran = await strongroom(args);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^io: .*keep the old key/u);
    expect((await strongroom(['verify', '--from', from, ...key, '--head', file])).code).toBe(0);
  });
});
