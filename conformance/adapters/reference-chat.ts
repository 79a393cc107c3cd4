/**
 * Chats of the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { importChat } from '../../reference/chat/import.ts';
import { BackupKey } from '../../reference/keys/backup-key.ts';
import { DirectoryStorage } from '../../reference/set/index.ts';
import { readTree } from '../runner/folder.ts';
import type { Value } from '../schema/vector.ts';
import type { Operation } from './serve.ts';

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

/** Operations of chats. */
export const chatOperations: Readonly<Record<string, Operation>> = {
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
