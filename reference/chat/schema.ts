/**
 * The chat database (spec/chat.md, "Database"): a folder with `chat.db` and the media files that it names.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StrongroomError } from '../errors.ts';

/** Name of the database in the folder of a chat. */
export const DATABASE_FILE = 'chat.db';
/** Name of the folder of the media files beside it; paths in the database begin there. */
export const MEDIA_FOLDER = 'media';
/** `PRAGMA user_version` of the schema. */
export const DATABASE_VERSION = 1;

/** Tables, in an order in which rows can be put in. */
export const TABLES = ['conversation', 'participant', 'media', 'message', 'attachment', 'reaction'] as const;

/** Name of a table. */
export type Table = (typeof TABLES)[number];

/** The schema but for {@link INDEX}. Times are milliseconds since 1970-01-01T00:00:00Z. */
export const SCHEMA = `CREATE TABLE conversation (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  kind INTEGER NOT NULL CHECK (kind IN (1, 2)),           -- 1 direct, 2 group
  title TEXT NOT NULL,
  created_at INTEGER NOT NULL CHECK (created_at >= 0)
) STRICT;
CREATE TABLE participant (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  address TEXT NOT NULL,                                   -- a telephone number or an account name
  name TEXT NOT NULL,
  UNIQUE (conversation_id, id)
) STRICT;
CREATE TABLE media (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  path TEXT NOT NULL UNIQUE,                               -- below the media folder
  mime_type TEXT NOT NULL,
  length INTEGER NOT NULL CHECK (length >= 0),
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
) STRICT;
CREATE TABLE message (
  id INTEGER PRIMARY KEY CHECK (id > 0),                   -- in the order of arrival
  conversation_id INTEGER NOT NULL,
  sender_id INTEGER NOT NULL,
  sent_at INTEGER NOT NULL CHECK (sent_at >= 0),
  reply_to INTEGER CHECK (reply_to > 0),                   -- a message, which may be gone
  edited_at INTEGER CHECK (edited_at >= 0),
  deleted_at INTEGER CHECK (deleted_at >= 0),
  body TEXT NOT NULL,
  FOREIGN KEY (conversation_id, sender_id) REFERENCES participant (conversation_id, id)
) STRICT;
CREATE TABLE attachment (
  message_id INTEGER NOT NULL REFERENCES message (id),
  position INTEGER NOT NULL CHECK (position BETWEEN 0 AND 65535),
  media_id INTEGER NOT NULL REFERENCES media (id),
  file_name TEXT NOT NULL,                                 -- as the sender called it
  PRIMARY KEY (message_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE reaction (
  message_id INTEGER NOT NULL REFERENCES message (id),
  participant_id INTEGER NOT NULL REFERENCES participant (id),
  emoji TEXT NOT NULL,
  sent_at INTEGER NOT NULL CHECK (sent_at >= 0),
  PRIMARY KEY (message_id, participant_id, emoji)
) STRICT, WITHOUT ROWID;`;
/** What reading one conversation needs. */
export const INDEX = 'CREATE INDEX message_of_conversation ON message (conversation_id);';

/** Makes the index: after many rows were put in, that is faster than before. */
export function addIndex(database: DatabaseSync): void {
  database.exec(INDEX);
}

/** Makes an empty chat database at a path where nothing is; {@link addIndex} completes it. */
export function createDatabase(path: string): DatabaseSync {
  // References are checked when all rows are there, for rows come in any order.
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${DATABASE_VERSION}; COMMIT`);
  return database;
}

/**
 * Opens the chat database of a folder for reading.
 *
 * @throws StrongroomError `not-found`; `bad-database` if it is none, or of another version
 */
export function openDatabase(folder: string): DatabaseSync {
  const path = join(folder, DATABASE_FILE);
  if (!existsSync(path)) throw new StrongroomError('not-found', `${path} does not exist`, { subject: path });
  let database;
  let version;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  } catch (cause) {
    throw new StrongroomError('bad-database', `${path} is no database`, { subject: path }, { cause });
  }
  if (version === DATABASE_VERSION) return database;
  database.close();
  throw new StrongroomError('bad-database', `${path} is of version ${String(version)}`, { subject: path });
}
