import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { edit, outcome, rowsOf, scratch } from './fixture.ts';
import { generateChat } from './generate.ts';
import { MEDIA_FOLDER } from './schema.ts';

describe('a chat that is made up', () => {
  it('is the same for the same seed, and another for another', async () => {
    const folders = [];
    for (const seed of [3, 3, 4]) {
      const folder = join(scratch(), 'chat');
      await generateChat(folder, { seed, messages: 300, media: 4 });
      folders.push(folder);
    }
    const [first, second, third] = folders.map((folder) => rowsOf(folder));
    expect(second).toEqual(first);
    expect(third).not.toEqual(first);
    expect(first?.message.length).toBe(300);
  });

  it('looks like those of people, and its files are those that its rows name', async () => {
    const folder = join(scratch(), 'chat');
    await generateChat(folder, { seed: 1, messages: 6000, conversations: 150, media: 12 });
    const database = edit(folder);
    const one = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
    expect(one('PRAGMA foreign_key_check')).toBeUndefined();
    const sizes = database
      .prepare('SELECT count(*) AS n FROM message GROUP BY conversation_id ORDER BY n')
      .all();
    const median = Number(sizes[Math.floor(sizes.length / 2)]?.['n']);
    expect(Number(sizes.at(-1)?.['n'])).toBeGreaterThan(20 * median);
    expect(one('SELECT count(*) FROM message WHERE deleted_at IS NOT NULL')).toBeGreaterThan(50);
    expect(one('SELECT count(*) FROM message WHERE edited_at IS NOT NULL')).toBeGreaterThan(50);
    expect(one('SELECT count(*) FROM message WHERE reply_to < id')).toBeGreaterThan(200);
    expect(one('SELECT count(*) FROM reaction')).toBeGreaterThan(200);
    expect(one('SELECT max(length(body)) FROM message')).toBeGreaterThan(1000);
    const text = database
      .prepare('SELECT body FROM message')
      .all()
      .map(({ body }) => String(body))
      .join('');
    for (const script of ['Latin', 'Cyrillic', 'Arabic', 'Devanagari', 'Han', 'Greek']) {
      expect(new RegExp(`\\p{Script=${script}}`, 'u').test(text), script).toBe(true);
    }
    expect(/\p{RGI_Emoji}/v.test(text)).toBe(true);
    expect(one('SELECT count(*) FROM media WHERE id NOT IN (SELECT media_id FROM attachment)')).toBe(0);
    const media = database.prepare('SELECT path, length, sha256 FROM media').all();
    database.close();
    expect(media.length).toBe(12);
    for (const { path, length, sha256 } of media) {
      const content = readFileSync(join(folder, MEDIA_FOLDER, String(path)));
      expect(content.length).toBe(length);
      expect(new Uint8Array(createHash('sha256').update(content).digest())).toEqual(sha256);
    }
  });

  it('does not take the place of another', async () => {
    const folder = join(scratch(), 'chat');
    await generateChat(folder, { seed: 1, messages: 10 });
    const before = rowsOf(folder);
    expect(await outcome(generateChat(folder, { seed: 2, messages: 10 }))).toBe('exists');
    expect(rowsOf(folder)).toEqual(before);
  });
});
