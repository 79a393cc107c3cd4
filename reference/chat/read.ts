/**
 * Reading a chat out of a set (spec/chat.md, "Importing").
 *
 * @module
 */
import { free } from '../crypto/memory.ts';
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { requireCurrent } from '../set/freshness.ts';
import type { FileEntry } from '../set/manifest.ts';
import { openManifest, type OpenedManifest, type SelectOptions } from '../set/newest.ts';
import { FileReader } from '../set/file-reader.ts';
import { Pacer } from '../set/objects.ts';
import { decodeBody, RecordReader } from '../set/records.ts';
import type { Storage } from '../set/storage.ts';
import type { Codec } from '../wire/codec.ts';
import {
  CHAT_CHUNK_SIZE,
  CHAT_FOLDER,
  CHAT_HEAD,
  CHAT_RECORDS,
  CHAT_SCHEMA,
  ChatHead,
  CONVERSATION,
  Conversation,
  HEAD_PATH,
  MEDIA,
  Media,
  MESSAGE,
  Message,
  PARTICIPANT,
  Participant,
  REACTION,
  Reaction,
  shardPath,
} from './records.ts';

/** What to do with the records of one kind. */
export interface ChatVisitor {
  /** Takes a conversation. */
  conversation(row: Conversation): void;
  /** Takes a participant, behind the conversation. */
  participant(row: Participant): void;
  /** Takes a message. */
  message(row: Message): void;
  /** Takes a media file, behind the message. */
  media(row: Media): void;
  /** Takes a reaction, behind the message. */
  reaction(row: Reaction): void;
}

/** An error of a chat that is authentic and breaks a rule. */
export function badChat(message: string, subject: string, cause?: unknown): StrongroomError {
  return new StrongroomError('bad-chat', `${subject}: ${message}`, { subject }, { cause });
}

/** One chat in a storage. */
export class ChatReader {
  readonly opened: OpenedManifest;
  /** The shards in ascending order of their paths: messages, then people. */
  readonly shards: readonly FileEntry[];
  readonly #head: FileEntry;
  readonly #files: FileReader;

  private constructor(opened: OpenedManifest, head: FileEntry, files: FileReader) {
    this.opened = opened;
    this.#head = head;
    this.#files = files;
    this.shards = opened.manifest.entries.filter(
      (entry) => entry.kind === 'file' && entry.path.startsWith(`${CHAT_FOLDER}/`) && entry !== head,
    ) as FileEntry[];
  }

  /**
   * Opens the newest chat, or the named one.
   *
   * @throws StrongroomError as {@link openManifest}; `stale`, `fork` if the head knows of a newer one; `not-found` if it
   *   is no backup of a chat
   */
  static async open(storage: Storage, key: BackupKey, options: SelectOptions = {}): Promise<ChatReader> {
    const opened = await openManifest(storage, key, options);
    if (options.manifest === undefined) requireCurrent(opened.freshness);
    const { manifest } = opened;
    const head = manifest.entries.find(({ path }) => path === HEAD_PATH);
    if (head?.kind !== 'file') {
      throw new StrongroomError('not-found', 'this is no backup of a chat', { subject: HEAD_PATH });
    }
    return new ChatReader(opened, head, new FileReader(storage, key, manifest, new Pacer(options.signal)));
  }

  /** The numbers of rows that there must be. */
  async head(): Promise<ChatHead> {
    const heads: ChatHead[] = [];
    await this.#records(this.#head, (type, body) => {
      if (type !== CHAT_HEAD) throw badChat('a record of another kind', HEAD_PATH);
      heads.push(decodeBody(ChatHead, body));
    });
    const [head] = heads;
    if (head === undefined || heads.length > 1) throw badChat('not exactly one head', HEAD_PATH);
    return head;
  }

  /**
   * Reads one shard. Only when this returns are its rows known to be all that there are.
   *
   * @throws StrongroomError `bad-chat`, and what reading a file and its records throws
   */
  async read(shard: FileEntry, visitor: ChatVisitor): Promise<void> {
    const { path } = shard;
    // Rows hang on the row before them, and each is in the shard that its id says.
    let parent = 0;
    const own = (kind: 'people' | 'messages', id: number): void => {
      if (id < 1 || shardPath(kind, id) !== path) throw badChat(`${kind} ${id} do not belong here`, path);
      if (id === parent) throw badChat(`${id} comes twice`, path);
      parent = id;
    };
    const below = <T>(row: T, id: number): T => {
      if (id !== parent) throw badChat(`a row of ${id} that is not behind it`, path);
      return row;
    };
    const visits = new Map<number, (body: Uint8Array) => void>();
    const on = <T>(type: number, codec: Codec<T>, visit: (row: T) => void): void =>
      void visits.set(type, (body) => visit(decodeBody(codec, body)));
    if (path.startsWith(`${CHAT_FOLDER}/people-`)) {
      on(CONVERSATION, Conversation, (row) => {
        own('people', row.id);
        visitor.conversation(row);
      });
      on(PARTICIPANT, Participant, (row) => visitor.participant(below(row, row.conversationId)));
    } else {
      on(MESSAGE, Message, (row) => {
        own('messages', row.id);
        visitor.message(row);
      });
      on(MEDIA, Media, (row) => visitor.media(below(row, row.messageId)));
      on(REACTION, Reaction, (row) => visitor.reaction(below(row, row.messageId)));
    }
    await this.#records(shard, (type, body) => {
      const visit = visits.get(type);
      if (visit === undefined) throw badChat('a record of another kind', path);
      visit(body);
    });
  }

  /** Gives the content of a file to `sink`, piece by piece; only when this returns is it known to be right. */
  content(entry: FileEntry, sink: (content: Uint8Array) => void): Promise<void> {
    return this.#files.read(entry, sink);
  }

  async #records(entry: FileEntry, take: (type: number, body: Uint8Array) => void): Promise<void> {
    const reader = new RecordReader(CHAT_CHUNK_SIZE, CHAT_RECORDS);
    await this.#files.read(entry, (content) => {
      for (const { type, body } of reader.push(content)) {
        if (reader.begin?.schema !== CHAT_SCHEMA) throw badChat('another schema', entry.path);
        take(type, body);
      }
      free(content);
    });
    reader.finish();
  }
}
