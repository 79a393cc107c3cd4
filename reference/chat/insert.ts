/**
 * Rows of a chat into a new database (spec/chat.md, "Importing").
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { badChat, type ChatVisitor } from './read.ts';
import type { ChatHead, Conversation, Media, Message, Participant, Reaction } from './records.ts';
import { DATABASE_FILE } from './schema.ts';

const TEXT = 'CAST(? AS TEXT)';
const KINDS = { direct: 1, group: 2 } as const;

/** Puts the rows of one shard in. @throws StrongroomError `bad-chat` at a row that the schema does not take */
export class Inserter implements ChatVisitor {
  readonly #path: string;
  readonly #onMessage: () => void;
  readonly #conversation: StatementSync;
  readonly #participant: StatementSync;
  readonly #message: StatementSync;
  readonly #media: StatementSync;
  readonly #attachment: StatementSync;
  readonly #reaction: StatementSync;

  /** `path` is that of the shard; `onMessage` is called for each message. */
  constructor(database: DatabaseSync, path: string, onMessage: () => void) {
    const into = (what: string): StatementSync => database.prepare(`INSERT INTO ${what}`);
    this.#path = path;
    this.#onMessage = onMessage;
    this.#conversation = into(`conversation (id, kind, created_at, title) VALUES (?, ?, ?, ${TEXT})`);
    this.#participant = into(
      `participant (id, conversation_id, address, name) VALUES (?, ?, ${TEXT}, ${TEXT})`,
    );
    this.#message =
      into(`message (id, conversation_id, sender_id, sent_at, reply_to, edited_at, deleted_at, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ${TEXT})`);
    // A file that comes again must be the same one; else no row changes.
    this.#media = into(`media (id, path, mime_type, length, sha256) VALUES (?, ${TEXT}, ${TEXT}, ?, ?)
      ON CONFLICT (id) DO UPDATE SET id = id WHERE path = excluded.path AND mime_type = excluded.mime_type
      AND length = excluded.length AND sha256 = excluded.sha256`);
    this.#attachment = into(
      `attachment (message_id, position, media_id, file_name) VALUES (?, ?, ?, ${TEXT})`,
    );
    this.#reaction = into(`reaction (message_id, participant_id, sent_at, emoji) VALUES (?, ?, ?, ${TEXT})`);
  }

  conversation({ id, kind, createdAt, title }: Conversation): void {
    this.#insert(this.#conversation, id, KINDS[kind], createdAt, title);
  }

  participant({ id, conversationId, address, name }: Participant): void {
    this.#insert(this.#participant, id, conversationId, address, name);
  }

  message({ id, conversationId, senderId, sentAt, replyTo, editedAt, deletedAt, body }: Message): void {
    const marks = [replyTo ?? null, editedAt ?? null, deletedAt ?? null];
    this.#insert(this.#message, id, conversationId, senderId, sentAt, ...marks, body);
    this.#onMessage();
  }

  media({ messageId, position, fileName, mediaId, path, mimeType, length, sha256 }: Media): void {
    this.#insert(this.#media, mediaId, path, mimeType, length, sha256);
    this.#insert(this.#attachment, messageId, position, mediaId, fileName);
  }

  reaction({ messageId, participantId, sentAt, emoji }: Reaction): void {
    this.#insert(this.#reaction, messageId, participantId, sentAt, emoji);
  }

  #insert(statement: StatementSync, ...values: SQLInputValue[]): void {
    let changes;
    try {
      ({ changes } = statement.run(...values));
    } catch (cause) {
      if (!isConstraint(cause)) throw cause;
      throw badChat(cause.message, this.#path, cause);
    }
    if (changes === 0) throw badChat('one file of two kinds', this.#path);
  }
}

/** SQLITE_CONSTRAINT and its kinds: the row breaks the schema. */
function isConstraint(error: unknown): error is Error {
  return error instanceof Error && (Number((error as { errcode?: unknown }).errcode) & 0xff) === 19;
}

/** @throws StrongroomError `bad-chat` if there are other numbers of rows than the head says */
export function requireCounts(database: DatabaseSync, counts: ChatHead): void {
  const tables = {
    conversation: counts.conversations,
    participant: counts.participants,
    message: counts.messages,
    media: counts.media,
    attachment: counts.attachments,
    reaction: counts.reactions,
  };
  for (const [table, count] of Object.entries(tables)) {
    const found = database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'];
    if (found !== count) throw badChat(`${String(found)} rows of ${table}, not ${count}`, DATABASE_FILE);
  }
}
