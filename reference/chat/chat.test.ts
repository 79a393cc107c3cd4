import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backup } from '../set/backup.ts';
import { openManifest } from '../set/newest.ts';
import { restore } from '../set/restore.ts';
import { DirectoryStorage } from '../set/directory-storage.ts';
import { MemoryStorage } from '../set/storage-fixture.ts';
import { hex, utf8 } from '../wire/bytes.ts';
import { exportChat } from './export.ts';
import { attach, chat, contentOf, edit, filesOf, key, outcome, rowsOf, say, scratch } from './fixture.ts';
import { generateChat } from './generate.ts';
import { importChat } from './import.ts';
import { DATABASE_FILE, MEDIA_FOLDER } from './schema.ts';

const target = (): string => join(scratch(), 'imported');
/** Content that no compression makes smaller. */
const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + 7, 0x9e3779b1) >>> 13) & 255);

describe('a round trip', () => {
  // proves CHT-1, CHT-5, CHT-8
  it('gives back every row and every file of a database that was made up', async () => {
    const folder = join(scratch(), 'chat');
    await generateChat(folder, { seed: 5, messages: 3000, conversations: 40, media: 10 });
    const storage = new MemoryStorage();
    const exported = await exportChat(folder, storage, { key });
    expect(exported).toMatchObject({ generation: 1, skipped: [], counts: { messages: 3000, media: 10 } });
    const to = target();
    expect(await importChat(storage, key, to)).toMatchObject({ failed: [], messages: 3000, media: 10 });
    expect(rowsOf(to)).toEqual(rowsOf(folder));
    const database = edit(folder);
    const paths = database
      .prepare('SELECT path FROM media')
      .all()
      .map(({ path }) => `media/${String(path)}`);
    database.close();
    for (const path of paths)
      expect(readFileSync(join(to, path)).equals(readFileSync(join(folder, path)))).toBe(true);
    expect((await filesOf(storage)).sort()).toEqual(
      [
        ...paths,
        'conversations/head',
        'conversations/messages-00000000',
        'conversations/people-00000000',
      ].sort(),
    );
    // What was imported is a chat like the one that was exported: nothing of it is uploaded again.
    expect(await exportChat(to, storage, { key })).toMatchObject({ generation: 2, sealed: { files: 0 } });
  });

  // proves CHT-12, CHT-8
  it('keeps texts that are empty, long, of any script, or no text at all', async () => {
    const bodies = [
      '',
      'a\0b',
      '👩‍👩‍👧‍👦 שלום ﷽ \u{10ffff} e\u0301 é',
      Uint8Array.of(0xff, 0xfe, 0, 0xed, 0xa0, 0x80),
      'x'.repeat(2 ** 20 - 200),
    ];
    const folder = chat(1, ...bodies.map((body, i) => ({ id: i + 1, conversation: 1, body })));
    const storage = new MemoryStorage();
    await exportChat(folder, storage, { key });
    const to = target();
    await importChat(storage, key, to);
    expect(rowsOf(to)).toEqual(rowsOf(folder));
  });

  it('takes a chat without any row', async () => {
    const storage = new MemoryStorage();
    await exportChat(chat(0), storage, { key });
    const to = target();
    expect(await importChat(storage, key, to)).toMatchObject({ messages: 0, failed: [] });
    expect(rowsOf(to).message).toEqual([]);
  });

  it('goes through an ordinary restore too', async () => {
    const folder = chat(1, { id: 1, conversation: 1, body: 'see' });
    attach(folder, 1, 1, 'a/b.jpg', utf8('a picture'));
    const storage = new DirectoryStorage(join(scratch(), 'storage'));
    await exportChat(folder, storage, { key });
    const to = target();
    await restore(storage, key, to);
    expect(readFileSync(join(to, 'media/a/b.jpg'), 'utf8')).toBe('a picture');
    expect(new Uint8Array(readFileSync(join(to, 'conversations/head')))).toEqual(
      await contentOf(storage, 'conversations/head'),
    );
  });
});

describe('an export', () => {
  // proves CHT-1, CHT-5
  it('uploads the shards that new and changed messages are in, and no other', async () => {
    const at = [1, 40_000, 80_000, 120_000];
    const folder = chat(
      2000,
      ...at.map((id) => ({ id, conversation: 1 + (id % 1999), body: `message ${id}` })),
    );
    attach(folder, 1, 1, 'a.jpg', noise(100_000));
    const storage = new MemoryStorage();
    const ids = async (): Promise<Map<string, string>> => {
      const { entries } = (await openManifest(storage, key)).manifest;
      return new Map(entries.map((entry) => [entry.path, entry.kind === 'file' ? hex(entry.mediaId) : '']));
    };
    const changed = async (sealed: number): Promise<string[]> => {
      const before = await ids();
      const result = await exportChat(folder, storage, { key });
      expect(result.sealed.files).toBe(sealed);
      return [...(await ids())].filter(([path, id]) => before.get(path) !== id).map(([path]) => path);
    };
    await exportChat(folder, storage, { key });
    expect(await changed(0)).toEqual([]);
    const database = edit(folder);
    say(database, { id: 120_001, conversation: 7, body: 'new' });
    expect(await changed(2)).toEqual(['conversations/head', 'conversations/messages-00000003']);
    database.exec(`UPDATE message SET body = 'edited', edited_at = 9 WHERE id = 40000`);
    expect(await changed(1)).toEqual(['conversations/messages-00000001']);
    database.exec('UPDATE message SET deleted_at = 9 WHERE id = 80000');
    expect(await changed(1)).toEqual(['conversations/messages-00000002']);
    database.exec(`INSERT INTO reaction VALUES (1, 20, '👍', 9)`);
    expect(await changed(2)).toEqual(['conversations/head', 'conversations/messages-00000000']);
    database.exec(`UPDATE participant SET name = 'another' WHERE id = 19990`);
    expect(await changed(1)).toEqual(['conversations/people-00000001']);
    database.close();
    const to = target();
    await importChat(storage, key, to);
    expect(rowsOf(to)).toEqual(rowsOf(folder));
  });

  // proves CHT-2
  it('is of one moment, whatever is written meanwhile', async () => {
    const folder = chat(
      3,
      ...Array.from({ length: 50 }, (_, i) => ({ id: i + 1, conversation: 1 + (i % 3), body: `early ${i}` })),
    );
    const database = edit(folder);
    database.exec('PRAGMA journal_mode = WAL');
    const before = rowsOf(folder);
    const storage = new MemoryStorage();
    let id = 100;
    storage.before = () => {
      // Somebody writes and edits before every single step of the export.
      say(database, { id: ++id, conversation: 1 + (id % 3), body: 'late' });
      database.exec(`UPDATE message SET body = 'edited late' WHERE id = ${1 + (id % 50)}`);
      database.exec(`INSERT INTO reaction VALUES (${1 + (id % 50)}, 10, '👍', ${id}) ON CONFLICT DO NOTHING`);
    };
    const { counts } = await exportChat(folder, storage, { key });
    storage.before = () => undefined;
    database.close();
    expect(id).toBeGreaterThan(110);
    expect(counts.messages).toBe(50);
    const to = target();
    await importChat(storage, key, to);
    expect(rowsOf(to)).toEqual(before);
  });

  // proves CHT-4, CHT-7, CHT-5
  it('leaves out media that are not what their rows say, and reports them; the rest is backed up', async () => {
    const folder = chat(1, ...[1, 2, 3, 4].map((id) => ({ id, conversation: 1, body: '' })));
    const good = utf8('the very same words, '.repeat(20_000));
    attach(folder, 1, 1, 'good.txt', good);
    attach(folder, 2, 2, 'gone.jpg', noise(500));
    attach(folder, 3, 3, 'changed.jpg', noise(100_000));
    attach(folder, 4, 4, 'small.jpg', noise(500));
    rmSync(join(folder, MEDIA_FOLDER, 'gone.jpg'));
    writeFileSync(join(folder, MEDIA_FOLDER, 'changed.jpg'), noise(100_001).subarray(1));
    writeFileSync(join(folder, MEDIA_FOLDER, 'small.jpg'), noise(501).subarray(1));
    const database = edit(folder);
    database.exec(`INSERT INTO media VALUES (5, '../outside', 'image/png', 1, zeroblob(32));
      INSERT INTO attachment VALUES (4, 1, 5, 'outside')`);
    database.close();
    const storage = new MemoryStorage();
    const { skipped } = await exportChat(folder, storage, { key });
    expect(skipped).toEqual([
      { path: 'media/../outside', code: 'unsafe-path' },
      { path: 'media/changed.jpg', code: 'changed' },
      { path: 'media/gone.jpg', code: 'vanished' },
      { path: 'media/small.jpg', code: 'changed' },
    ]);
    expect((await filesOf(storage)).filter((path) => path.startsWith('media/'))).toEqual(['media/good.txt']);
    // Text that would shrink to nothing is as long in the storage as it is.
    expect(Math.max(...[...storage.objects.values()].map(({ length }) => length))).toBeGreaterThan(
      good.length,
    );
    const to = target();
    await expect(importChat(storage, key, to)).rejects.toMatchObject({
      name: 'ImportError',
      code: 'vanished',
      report: { messages: 4, media: 1, failed: { length: 4 } },
    });
    expect(rowsOf(to)).toEqual(rowsOf(folder));
  });

  // proves CHT-6
  it('refuses a row that does not fit into a record, and leaves the last backup as it was', async () => {
    const folder = chat(1, { id: 1, conversation: 1, body: 'short' });
    const storage = new MemoryStorage();
    await exportChat(folder, storage, { key });
    const before = [...storage.objects.keys()].sort();
    for (const length of [2 ** 20 - 30, 2 ** 20, 2 ** 21]) {
      const database = edit(folder);
      database.exec('DELETE FROM message WHERE id = 2');
      say(database, { id: 2, conversation: 1, body: 'x'.repeat(length) });
      database.close();
      await expect(exportChat(folder, storage, { key })).rejects.toMatchObject({
        code: 'limit-exceeded',
        details: { subject: 'Message 2' },
      });
      expect([...storage.objects.keys()].sort()).toEqual(before);
    }
  });

  // proves CHT-5
  it('does not follow a backup of something else, nor is it taken for one', async () => {
    const base = scratch();
    writeFileSync(join(base, 'file'), 'content');
    const storage = new DirectoryStorage(join(scratch(), 'storage'));
    await backup(base, storage, { key });
    const folder = chat(1, { id: 1, conversation: 1, body: 'hello' });
    expect(await outcome(exportChat(folder, storage, { key }))).toBe('exists');
    expect(await outcome(importChat(storage, key, target()))).toBe('not-found');
    expect(await filesOf(storage)).toEqual(['file']);
  });

  it('refuses what is no chat', async () => {
    const folder = scratch();
    expect(await outcome(exportChat(folder, new MemoryStorage(), { key }))).toBe('not-found');
    writeFileSync(join(folder, DATABASE_FILE), 'this is no database, whatever its name');
    expect(await outcome(exportChat(folder, new MemoryStorage(), { key }))).toBe('bad-database');
    const newer = chat(1);
    const database = edit(newer);
    database.exec('PRAGMA user_version = 2');
    database.close();
    expect(await outcome(exportChat(newer, new MemoryStorage(), { key }))).toBe('bad-database');
    const negative = chat(1, { id: 1, conversation: 1, body: '' });
    const other = edit(negative);
    other.exec('PRAGMA ignore_check_constraints = 1; UPDATE message SET sent_at = 9223372036854775807');
    other.close();
    expect(await outcome(exportChat(negative, new MemoryStorage(), { key }))).toBe('bad-database');
  });
});
