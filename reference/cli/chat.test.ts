import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BackupKey } from '../container/index.ts';
import { rowsOf } from '../chat/fixture.ts';
import { strongroom, workplace } from './fixture.ts';

const place = workplace();
afterAll(() => place.remove());

const key = ['--key-file', place.write('key', BackupKey.generate().recoveryKey())];
const chat = place.path('chat');
const store = place.path('store');

beforeAll(async () => {
  const size = ['--messages', '400', '--conversations', '3', '--media', '3'];
  expect(await strongroom(['chat', 'generate', chat, ...size])).toMatchObject({ code: 0, stderr: '' });
  const ran = await strongroom(['chat', 'export', chat, '--to', store, ...key, '--json']);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(ran.stdout.toString())).toMatchObject({
    generation: 1,
    messages: 400,
    media: 3,
    skipped: [],
  });
});

describe('a chat on the command line', () => {
  test('is imported row by row, and never over something', async () => {
    const to = place.path('imported');
    const args = ['chat', 'import', '--from', store, '--to', to, ...key];
    const ran = await strongroom(args);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout.toString()).toMatch(/400 messages, 3 media files/u);
    expect(rowsOf(to)).toEqual(rowsOf(chat));
    const again = await strongroom(args);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^exists: /u);
  });

  test('is shown: its conversations, and the last messages of one', async () => {
    const all = await strongroom(['chat', 'show', '--from', store, ...key, '--json']);
    const conversations = all.stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { messages: number });
    expect(conversations.reduce((sum, { messages }) => sum + messages, 0)).toBe(400);
    const one = await strongroom([
      'chat',
      'show',
      '--from',
      store,
      ...key,
      '--conversation',
      '1',
      '--last',
      '4',
      '--json',
    ]);
    const database = new DatabaseSync(join(chat, 'chat.db'), { readOnly: true });
    const last = database
      .prepare(
        'SELECT m.id, p.name FROM message m JOIN participant p ON p.id = sender_id WHERE m.conversation_id = 1 ORDER BY m.id DESC LIMIT 4',
      )
      .all();
    database.close();
    const shown = one.stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number; name: string });
    expect(shown.map(({ id, name }) => ({ id, name }))).toEqual(last.toReversed().map((row) => ({ ...row })));
    const none = await strongroom(['chat', 'show', '--from', store, ...key, '--conversation', '9']);
    expect(none).toMatchObject({ code: 1 });
    expect(none.stderr).toMatch(/^not-found: /u);
  });

  test('says what is missing, on both ways, by name and exit code', async () => {
    const other = place.path('other');
    await strongroom(['chat', 'generate', other, '--messages', '50', '--media', '3', '--seed', '2']);
    const media = readdirSync(join(other, 'media'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('.'),
    );
    const [gone = ''] = media;
    rmSync(join(other, 'media', gone));
    const to = place.path('other-store');
    const out = await strongroom(['chat', 'export', other, '--to', to, ...key]);
    expect(out.code).toBe(8);
    expect(out.stderr).toContain(`media/${gone}: vanished`);
    const back = await strongroom(['chat', 'import', '--from', to, '--to', place.path('back'), ...key]);
    expect(back.code).toBe(1);
    expect(back.stderr).toMatch(/imported and verified: 50 messages, 2 media files/u);
    expect(readdirSync(place.path('back')).sort()).toEqual(['chat.db', 'media']);
    // The longest object is a media file; the shard of messages is the one that grows with them.
    const longest =
      readdirSync(to).sort((a, b) => statSync(join(to, b)).size - statSync(join(to, a)).size)[0] ?? '';
    truncateSync(join(to, longest), 300);
    const cut = await strongroom(['chat', 'import', '--from', to, '--to', place.path('cut'), ...key]);
    expect(cut.code).not.toBe(0);
    expect(cut.stderr).toMatch(/: truncated$/mu);
  });

  test('needs the right key and right arguments', async () => {
    const wrong = ['--key-file', place.write('wrong', BackupKey.generate().recoveryKey())];
    const to = place.path('nothing');
    expect(await strongroom(['chat', 'import', '--from', store, '--to', to, ...wrong])).toMatchObject({
      code: 3,
    });
    expect(existsSync(to)).toBe(false);
    expect(await strongroom(['chat', 'generate', to, '--messages', 'many'])).toMatchObject({ code: 2 });
    expect(await strongroom(['chat', 'export', place.path('not-there'), '--to', to, ...key])).toMatchObject({
      code: 1,
    });
    const help = (await strongroom(['chat', 'import', '--help'])).stdout.toString();
    expect(help).toMatch(/--partial/u);
    expect(readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')).toContain(
      'strongroom chat import',
    );
  });
});
