/**
 * Chats of the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { exportChat } from '../../reference/chat/export.ts';
import { importChat } from '../../reference/chat/import.ts';
import { createDatabase, DATABASE_FILE } from '../../reference/chat/schema.ts';
import { BackupKey } from '../../reference/keys/backup-key.ts';
import { DirectoryStorage } from '../../reference/set/index.ts';
import { readTree } from '../runner/folder.ts';
import type { Value } from '../schema/vector.ts';
import type { Operation, Params } from './serve.ts';

/** The rows of each table as lists, texts and blobs in hexadecimal, in the order of the keys. */
const TABLES: Readonly<Record<string, string>> = {
  conversations: 'SELECT id, kind, created_at, hex(title) FROM conversation ORDER BY id',
  participants: 'SELECT id, conversation_id, hex(address), hex(name) FROM participant ORDER BY id',
  messages:
    'SELECT id, conversation_id, sender_id, sent_at, reply_to, edited_at, deleted_at, hex(body) FROM message ORDER BY id',
  attachments: `SELECT message_id, position, hex(file_name), media.id, hex(path), hex(mime_type), length, hex(sha256)
    FROM attachment JOIN media ON media.id = media_id ORDER BY message_id, position`,
  reactions: 'SELECT message_id, participant_id, sent_at, hex(emoji) FROM reaction ORDER BY 1, 2, 4',
};

function plain(value: unknown): Value {
  return typeof value === 'string' ? value.toLowerCase() : typeof value === 'number' ? value : null;
}

/** How the lists of `chat.export` get into the tables; texts are bytes, whatever they hold. */
const INSERTS: Readonly<Record<string, readonly [string, readonly number[]]>> = {
  conversations: ['conversation (id, kind, created_at, title) VALUES (?, ?, ?, CAST(? AS TEXT))', [3]],
  participants: [
    'participant (id, conversation_id, address, name) VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT))',
    [2, 3],
  ],
  messages: ['message VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))', [7]],
  reactions: ['reaction (message_id, participant_id, sent_at, emoji) VALUES (?, ?, ?, CAST(? AS TEXT))', [3]],
};

type Sql = string | number | null | Uint8Array;

function sql(value: Value | undefined, isBytes: boolean): Sql {
  if (typeof value === 'number' || value === null) return value;
  if (typeof value !== 'string') throw new TypeError('a row of something else');
  return isBytes ? new Uint8Array(Buffer.from(value, 'hex')) : value;
}

/** Makes the database of a folder from the rows of a request. */
function makeDatabase(folder: string, params: Params): void {
  const path = join(folder, DATABASE_FILE);
  rmSync(path, { force: true });
  const database = createDatabase(path);
  try {
    for (const [table, [insert, bytes]] of Object.entries(INSERTS)) {
      const statement = database.prepare(`INSERT INTO ${insert}`);
      for (const row of params.rows(table))
        statement.run(...row.map((value, i) => sql(value, bytes.includes(i))));
    }
    const media = database.prepare(
      'INSERT OR IGNORE INTO media VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?)',
    );
    const attachment = database.prepare('INSERT INTO attachment VALUES (?, ?, ?, CAST(? AS TEXT))');
    for (const row of params.rows('attachments')) {
      const [message, position, name, id, ...rest] = row.map((value, i) =>
        sql(value, [2, 4, 5, 7].includes(i)),
      );
      media.run(...[id, ...rest].map((value) => value ?? null));
      attachment.run(...[message, position, id, name].map((value) => value ?? null));
    }
  } finally {
    database.close();
  }
}

/** Operations of chats. */
export const chatOperations: Readonly<Record<string, Operation>> = {
  'chat.export': async (params) => {
    const folder = params.text('folder');
    makeDatabase(folder, params);
    const storage = new DirectoryStorage(params.text('storage'));
    const { generation, skipped } = await exportChat(folder, storage, {
      key: BackupKey.fromBytes(params.bytes('key')),
    });
    return { generation, skipped: skipped.map(({ path, code }) => ({ path, code })) };
  },
  'chat.import': async (params) => {
    const [storage, target] = [new DirectoryStorage(params.text('storage')), params.text('target')];
    await importChat(storage, BackupKey.fromBytes(params.bytes('key')), target);
    const [name = ''] = readdirSync(target).filter((each) => each.endsWith('.db'));
    const database = new DatabaseSync(join(target, name), { readOnly: true });
    const tables = Object.entries(TABLES).map(([table, query]): [string, Value] => {
      const statement = database.prepare(query);
      statement.setReturnArrays(true);
      return [table, statement.all().map((row) => Object.values(row).map(plain))];
    });
    database.close();
    const media = Object.entries(readTree(join(target, 'media')));
    const files = media.flatMap(([path, place]) =>
      place.kind === 'file' ? [{ path, length: place.length, sha256: place.sha256 }] : [],
    );
    return { ...Object.fromEntries(tables), files };
  },
};
