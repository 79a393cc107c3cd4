/** What the tests of chats share: small databases by hand, and what is in two of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { afterEach } from 'vitest';
import { isStrongroomError } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { openManifest } from '../set/newest.ts';
import { FileReader } from '../set/file-reader.ts';
import { Pacer } from '../set/objects.ts';
import type { Storage } from '../set/storage.ts';
import { concat, copy, type Bytes } from '../wire/bytes.ts';
import { addIndex, createDatabase, DATABASE_FILE, MEDIA_FOLDER, TABLES, type Table } from './schema.ts';

export const key: BackupKey = BackupKey.fromBytes(new Uint8Array(32).fill(9));

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-chat-'));
  made.push(folder);
  return folder;
}

/** Opens the database of a chat for writing. */
export function edit(folder: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  database.exec('PRAGMA synchronous = OFF');
  return database;
}

/** A row of a message; what is not said is plain. */
export interface Said {
  readonly id: number;
  readonly conversation: number;
  readonly body: SQLInputValue;
  readonly sender?: number;
}

/** Puts messages in. */
export function say(database: DatabaseSync, ...messages: readonly Said[]): void {
  const insert = database.prepare(
    'INSERT INTO message VALUES (?, ?, ?, ?, NULL, NULL, NULL, CAST(? AS TEXT))',
  );
  for (const { id, conversation, body, sender = conversation * 10 } of messages) {
    insert.run(id, conversation, sender, 1_700_000_000_000 + id, body);
  }
}

/** A chat with conversations 1 to `conversations`; in conversation n there are the participants 10n and 10n + 1. */
export function chat(conversations: number, ...messages: readonly Said[]): string {
  const folder = join(scratch(), 'chat');
  mkdirSync(join(folder, MEDIA_FOLDER), { recursive: true });
  const database = createDatabase(join(folder, DATABASE_FILE));
  database.exec('BEGIN');
  for (let id = 1; id <= conversations; id++) {
    database.prepare('INSERT INTO conversation VALUES (?, 1, ?, ?)').run(id, `title ${id}`, 5);
    for (const one of [10 * id, 10 * id + 1]) {
      database.prepare('INSERT INTO participant VALUES (?, ?, ?, ?)').run(one, id, `+${one}`, `name ${one}`);
    }
  }
  say(database, ...messages);
  addIndex(database);
  database.exec('COMMIT');
  database.close();
  return folder;
}

/** Sends a file with a message. */
export function attach(folder: string, message: number, id: number, path: string, content: Uint8Array): void {
  const place = join(folder, MEDIA_FOLDER, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, content);
  const database = edit(folder);
  const hash = createHash('sha256').update(content).digest();
  database
    .prepare('INSERT INTO media VALUES (?, ?, ?, ?, ?)')
    .run(id, path, 'image/jpeg', content.length, hash);
  database.prepare('INSERT INTO attachment VALUES (?, 0, ?, ?)').run(message, id, `my ${path}`);
  database.close();
}

/** All rows of a database, texts as their bytes. */
export function rowsOf(folder: string): Record<Table, string[]> {
  const database = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
  const rows = TABLES.map((table) => {
    const columns = database.prepare(`PRAGMA table_info(${table})`).all();
    const quoted = columns.map(({ name }) => `quote(${String(name)}), hex(CAST(${String(name)} AS BLOB))`);
    const all = database.prepare(`SELECT concat_ws('|', ${quoted.join(', ')}) AS row FROM ${table}`).all();
    return [table, all.map(({ row }) => String(row)).sort()] as const;
  });
  database.close();
  return Object.fromEntries(rows) as Record<Table, string[]>;
}

/** The content of a file of the newest backup. */
export async function contentOf(storage: Storage, path: string): Promise<Bytes> {
  const { manifest } = await openManifest(storage, key);
  const entry = manifest.entries.find((each) => each.path === path);
  if (entry?.kind !== 'file') throw new Error(`${path} is not in the backup`);
  const parts: Bytes[] = [];
  await new FileReader(storage, key, manifest, new Pacer(undefined)).read(entry, (content) => {
    parts.push(copy(content));
  });
  return concat(...parts);
}

/** Paths of the files in the newest backup. */
export async function filesOf(storage: Storage): Promise<string[]> {
  const { manifest } = await openManifest(storage, key);
  return manifest.entries.filter(({ kind }) => kind === 'file').map(({ path }) => path);
}

/** The code that the work fails with, or what it comes to. */
export async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (isStrongroomError(error)) return error.code;
    throw error;
  }
}
