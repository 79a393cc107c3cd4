/**
 * A chat database as records (spec/chat.md, "Shards"): which shards there are, what each one holds, and how its records are
 * put into groups.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StrongroomError } from '../errors.ts';
import { MAX_RECORD_LENGTH, RECORD_HEADER } from '../set/framing.ts';
import { Group } from '../set/group.ts';
import type { RecordWriter } from '../set/records.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { encode, u32, type Codec } from '../wire/codec.ts';
import {
  CHAT_HEAD,
  ChatHead,
  CONVERSATION,
  Conversation,
  CONVERSATIONS_IN_SHARD,
  GROUP_TARGET,
  HEAD_PATH,
  LONGEST_TEXT,
  MEDIA,
  Media,
  MESSAGE,
  Message,
  MESSAGES_IN_SHARD,
  PARTICIPANT,
  Participant,
  REACTION,
  Reaction,
  shardPath,
} from './records.ts';

/** A record of one conversation. */
export interface ChatRecord {
  readonly conversationId: number;
  readonly type: number;
  readonly body: Bytes;
}

/** One file of records. */
export interface Shard {
  /** In the set. */
  readonly path: string;
  /** Its records, the same each time as long as the snapshot is. */
  readonly records: () => Iterable<ChatRecord>;
}

const CONVERSATIONS = `SELECT id, kind, created_at, CAST(title AS BLOB) FROM conversation
  WHERE id >= ? AND id < ? ORDER BY id`;
const PARTICIPANTS = `SELECT conversation_id, id, CAST(address AS BLOB), CAST(name AS BLOB) FROM participant
  WHERE conversation_id >= ? AND conversation_id < ? ORDER BY conversation_id, id`;
const MESSAGES = `SELECT id, sender_id, sent_at, reply_to, edited_at, deleted_at, CAST(body AS BLOB) FROM message
  WHERE conversation_id = ? AND id >= ? AND id < ? ORDER BY id`;
const ATTACHMENTS = `SELECT a.message_id, a.position, CAST(a.file_name AS BLOB), f.id, CAST(f.path AS BLOB),
  CAST(f.mime_type AS BLOB), f.length, f.sha256
  FROM message m CROSS JOIN attachment a ON a.message_id = m.id JOIN media f ON f.id = a.media_id
  WHERE m.conversation_id = ? AND m.id >= ? AND m.id < ? ORDER BY m.id, a.position`;
const REACTIONS = `SELECT r.message_id, r.participant_id, r.sent_at, CAST(r.emoji AS BLOB)
  FROM message m CROSS JOIN reaction r ON r.message_id = m.id
  WHERE m.conversation_id = ? AND m.id >= ? AND m.id < ? ORDER BY m.id, r.participant_id, r.emoji`;
const COUNTS = `SELECT (SELECT count(*) FROM conversation) AS conversations,
  (SELECT count(*) FROM participant) AS participants, (SELECT count(*) FROM message) AS messages,
  (SELECT count(DISTINCT media_id) FROM attachment) AS media, (SELECT count(*) FROM attachment) AS attachments,
  (SELECT count(*) FROM reaction) AS reactions`;

/** All shards of a database, of which a transaction is a snapshot. */
export class Shards {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Numbers of rows that a backup of the database holds. */
  counts(): ChatHead {
    return { ...this.#database.prepare(COUNTS).get() } as unknown as ChatHead;
  }

  /** The shards in ascending order of their paths; the first one is the head. */
  *all(): Generator<Shard, void, undefined> {
    const head = { conversationId: 0, type: CHAT_HEAD, body: encode(ChatHead, this.counts()) };
    yield { path: HEAD_PATH, records: () => [head].values() };
    yield* this.#each('message', MESSAGES_IN_SHARD, (from, to) => ({
      path: shardPath('messages', from),
      records: () => this.#messages(from, to),
    }));
    yield* this.#each('conversation', CONVERSATIONS_IN_SHARD, (from, to) => ({
      path: shardPath('people', from),
      records: () => this.#people(from, to),
    }));
  }

  /** The windows of ids in which there are rows. */
  *#each(
    table: 'message' | 'conversation',
    size: number,
    shard: (from: number, to: number) => Shard,
  ): Generator<Shard, void, undefined> {
    const next = this.#database.prepare(`SELECT min(id) AS id FROM ${table} WHERE id >= ?`);
    for (let id = next.get(0)?.['id']; typeof id === 'number';) {
      const from = id - (id % size);
      yield shard(from, from + size);
      id = next.get(from + size)?.['id'];
    }
  }

  *#people(from: number, to: number): Generator<ChatRecord, void, undefined> {
    const participants = new Cursor(this.#select<[number, number, Bytes, Bytes]>(PARTICIPANTS, from, to));
    const conversations = this.#select<[number, number, number, Bytes]>(CONVERSATIONS, from, to);
    for (const [conversationId, kind, createdAt, title] of conversations) {
      const row = { id: conversationId, kind: kind === 1 ? 'direct' : 'group', createdAt, title } as const;
      yield { conversationId, type: CONVERSATION, body: encodeRow(Conversation, row, conversationId) };
      for (const [, id, address, name] of participants.of(conversationId)) {
        const body = encodeRow(Participant, { id, conversationId, address, name }, id);
        yield { conversationId, type: PARTICIPANT, body };
      }
    }
  }

  *#messages(from: number, to: number): Generator<ChatRecord, void, undefined> {
    const conversations = this.#database
      .prepare('SELECT DISTINCT conversation_id AS id FROM message WHERE id >= ? AND id < ? ORDER BY 1')
      .all(from, to) as { id: number }[];
    for (const { id } of conversations) yield* this.#conversation(id, from, to);
  }

  *#conversation(conversationId: number, from: number, to: number): Generator<ChatRecord, void, undefined> {
    const window = [conversationId, from, to] as const;
    const media = new Cursor(this.#select<MediaColumns>(ATTACHMENTS, ...window));
    const reactions = new Cursor(this.#select<[number, number, number, Bytes]>(REACTIONS, ...window));
    for (const [id, senderId, sentAt, replyTo, editedAt, deletedAt, text] of this.#select<MessageColumns>(
      MESSAGES,
      ...window,
    )) {
      const marks = {
        replyTo: replyTo ?? undefined,
        editedAt: editedAt ?? undefined,
        deletedAt: deletedAt ?? undefined,
      };
      const message = { id, conversationId, senderId, sentAt, ...marks, body: text };
      yield { conversationId, type: MESSAGE, body: encodeRow(Message, message, id) };
      for (const [, position, fileName, mediaId, path, mimeType, length, sha256] of media.of(id)) {
        const row = { messageId: id, position, fileName, mediaId, path, mimeType, length, sha256 };
        yield { conversationId, type: MEDIA, body: encodeRow(Media, row, id) };
      }
      for (const [, participantId, reactedAt, emoji] of reactions.of(id)) {
        const body = encodeRow(Reaction, { messageId: id, participantId, sentAt: reactedAt, emoji }, id);
        yield { conversationId, type: REACTION, body };
      }
    }
  }

  /** The rows of a query, one by one. */
  #select<T extends unknown[]>(sql: string, ...values: number[]): IteratorObject<T> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement.iterate(...values) as unknown as IteratorObject<T>;
  }
}

type MessageColumns = [number, number, number, number | null, number | null, number | null, Bytes];
type MediaColumns = [number, number, Bytes, number, Bytes, Bytes, number, Bytes];

/** Rows whose first column says to which row of another table they belong, in the order of those. */
class Cursor<T extends [number, ...unknown[]]> {
  readonly #rows: Iterator<T>;
  #step: IteratorResult<T>;

  constructor(rows: Iterator<T>) {
    this.#rows = rows;
    this.#step = rows.next();
  }

  /** The rows that belong to one row. */
  *of(id: number): Generator<T, void, undefined> {
    for (; this.#step.done !== true && this.#step.value[0] === id; this.#step = this.#rows.next()) {
      yield this.#step.value;
    }
  }
}

/** The body of a record. @throws StrongroomError `limit-exceeded` if it does not fit into one */
function encodeRow<T extends object>(codec: Codec<T>, row: T, id: number): Bytes {
  // Checked before, for what is longer has no encoding at all.
  const isLong = Object.values(row).some(
    (value) => value instanceof Uint8Array && value.length > LONGEST_TEXT,
  );
  const body = isLong ? undefined : encode(codec, row);
  if (body !== undefined && RECORD_HEADER + body.length <= MAX_RECORD_LENGTH) return body;
  const subject = `${codec.name} ${id}`;
  throw new StrongroomError('limit-exceeded', `${subject} is longer than a record can be`, { subject });
}

/** Frames records in groups, none of which holds two conversations. */
export function* grouped(
  records: Iterable<ChatRecord>,
  writer: RecordWriter,
): Generator<Uint8Array[], void, undefined> {
  const group = new Group();
  let current = 0;
  for (const { conversationId, type, body } of records) {
    const isFull = group.length + body.length > GROUP_TARGET;
    if (group.records > 0 && (isFull || conversationId !== current)) {
      yield writer.writeGroup(group);
      group.clear();
    }
    current = conversationId;
    // A record without room in a group of its own stands alone.
    if (!group.add(type, body)) yield writer.write(type, body);
  }
  if (group.records > 0) yield writer.writeGroup(group);
}

/** By what an unchanged shard is known again: SHA-256 of its records, 32 bytes. */
export function stampOf(records: Iterable<ChatRecord>): Bytes {
  const hash = createHash('sha256');
  for (const { type, body } of records) {
    hash.update(encode(u32, type));
    hash.update(encode(u32, body.length));
    hash.update(body);
  }
  return copy(hash.digest());
}
