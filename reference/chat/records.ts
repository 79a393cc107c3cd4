/**
 * The records of a chat (spec/chat.md, "Records") and the files of a set that hold them.
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';
import { bytes, enumeration, opaque, optional, struct, u16, u64, type Codec } from '../wire/codec.ts';

/** Schema number of a chat in BEGIN records. */
export const CHAT_SCHEMA = 4;
/** Record types. Those that a conversation would be another one without are critical. */
export const CHAT_HEAD = 0x8040;
export const CONVERSATION = 0x8041;
export const PARTICIPANT = 0x8042;
export const MESSAGE = 0x8043;
export const MEDIA = 0x8044;
export const REACTION = 0x0045;
/** All of them. */
export const CHAT_RECORDS: readonly number[] = [
  CHAT_HEAD,
  CONVERSATION,
  PARTICIPANT,
  MESSAGE,
  MEDIA,
  REACTION,
];

/** Folder of the records in a set. */
export const CHAT_FOLDER = 'conversations';
/** The file with the CHAT_HEAD. */
export const HEAD_PATH = 'conversations/head';
/** Conversations of one shard, and messages of one. */
export const CONVERSATIONS_IN_SHARD = 1024;
export const MESSAGES_IN_SHARD = 32768;
/** Chunk size in bytes of the objects that hold the records. */
export const CHAT_CHUNK_SIZE = 65536;
/** Bytes before compression after which a group is not added to. */
export const GROUP_TARGET: number = 2 ** 17;

/** What the files under {@link CHAT_FOLDER} hold: conversations with their participants, or messages. */
export type ShardKind = 'people' | 'messages';

/** Path in the set of the shard that holds a conversation or message. */
export function shardPath(kind: ShardKind, id: number): string {
  const index = Math.floor(id / (kind === 'people' ? CONVERSATIONS_IN_SHARD : MESSAGES_IN_SHARD));
  return `${CHAT_FOLDER}/${kind}-${index.toString().padStart(8, '0')}`;
}

/** Numbers of rows. */
export interface ChatHead {
  readonly conversations: number;
  readonly participants: number;
  readonly messages: number;
  readonly media: number;
  readonly attachments: number;
  readonly reactions: number;
}

/** One conversation. Texts are the bytes that the database holds, UTF-8 if nothing went wrong there. */
export interface Conversation {
  readonly id: number;
  readonly kind: 'direct' | 'group';
  readonly createdAt: number;
  readonly title: Bytes;
}

/** Somebody in one conversation; who is in two has two of them. */
export interface Participant {
  readonly id: number;
  readonly conversationId: number;
  readonly address: Bytes;
  readonly name: Bytes;
}

/** One message. */
export interface Message {
  readonly id: number;
  readonly conversationId: number;
  readonly senderId: number;
  readonly sentAt: number;
  readonly replyTo: number | undefined;
  readonly editedAt: number | undefined;
  readonly deletedAt: number | undefined;
  readonly body: Bytes;
}

/** A file that a message brought. The same file can come with many messages. */
export interface Media {
  readonly messageId: number;
  readonly position: number;
  readonly fileName: Bytes;
  readonly mediaId: number;
  /** Below the media folder. */
  readonly path: Bytes;
  readonly mimeType: Bytes;
  readonly length: number;
  /** 32 bytes: SHA-256 of the content. */
  readonly sha256: Bytes;
}

/** What somebody thought of a message. */
export interface Reaction {
  readonly messageId: number;
  readonly participantId: number;
  readonly sentAt: number;
  readonly emoji: Bytes;
}

/** Longest text in bytes; together, the texts of a row fit into a record. */
export const LONGEST_TEXT: number = 2 ** 20 - 1;

/** `ChatHead` on the wire. */
export const ChatHead: Codec<ChatHead> = struct<ChatHead>('ChatHead', {
  conversations: u64,
  participants: u64,
  messages: u64,
  media: u64,
  attachments: u64,
  reactions: u64,
});

/** `Conversation` on the wire. */
export const Conversation: Codec<Conversation> = struct<Conversation>('Conversation', {
  id: u64,
  kind: enumeration('ConversationKind', 1, { direct: 1, group: 2 }),
  createdAt: u64,
  title: bytes(0, LONGEST_TEXT, 'title'),
});

/** `Participant` on the wire. */
export const Participant: Codec<Participant> = struct<Participant>('Participant', {
  id: u64,
  conversationId: u64,
  address: bytes(0, LONGEST_TEXT, 'address'),
  name: bytes(0, LONGEST_TEXT, 'name'),
});

/** `Message` on the wire. */
export const Message: Codec<Message> = struct<Message>('Message', {
  id: u64,
  conversationId: u64,
  senderId: u64,
  sentAt: u64,
  replyTo: optional(u64, 'reply_to'),
  editedAt: optional(u64, 'edited_at'),
  deletedAt: optional(u64, 'deleted_at'),
  body: bytes(0, LONGEST_TEXT, 'body'),
});

/** `Media` on the wire. */
export const Media: Codec<Media> = struct<Media>('Media', {
  messageId: u64,
  position: u16,
  fileName: bytes(0, LONGEST_TEXT, 'file_name'),
  mediaId: u64,
  path: bytes(0, LONGEST_TEXT, 'path'),
  mimeType: bytes(0, LONGEST_TEXT, 'mime_type'),
  length: u64,
  sha256: opaque(32, 'sha256'),
});

/** `Reaction` on the wire. */
export const Reaction: Codec<Reaction> = struct<Reaction>('Reaction', {
  messageId: u64,
  participantId: u64,
  sentAt: u64,
  emoji: bytes(0, LONGEST_TEXT, 'emoji'),
});
