/**
 * The suite's own chats (spec/chat.md): rows as records, and shards of them.
 *
 * @module
 */
import { group } from './group.ts';
import { be, cat, prefixed, utf8, zeros, type Bytes } from './primitives.ts';
import { begin, end, frame, record } from './records.ts';

/** Schema of a chat. */
export const CHAT_SCHEMA = 4;

function text(value: string | Uint8Array): Bytes {
  return prefixed(3, typeof value === 'string' ? utf8(value) : value);
}

function optional(value: number | undefined): Bytes {
  return value === undefined ? zeros(1) : cat(be(1, 1), be(8, value));
}

/** CHAT_HEAD: numbers of conversations, participants, messages, media, attachments and reactions. */
export function chatHead(...counts: readonly number[]): Bytes {
  return record(0x8040, cat(...counts.map((count) => be(8, count))));
}

/** CONVERSATION. */
export function conversation(id: number, title: string | Uint8Array, kind = 1): Bytes {
  return record(0x8041, cat(be(8, id), be(1, kind), be(8, 1_700_000_000_000), text(title)));
}

/** PARTICIPANT. */
export function participant(id: number, conversationId: number, name: string): Bytes {
  return record(0x8042, cat(be(8, id), be(8, conversationId), text(`+${id}`), text(name)));
}

/** Fields of a MESSAGE. */
export interface Message {
  readonly id: number;
  readonly conversation: number;
  readonly sender: number;
  readonly body: string | Uint8Array;
  readonly replyTo?: number;
  readonly editedAt?: number;
  readonly deletedAt?: number;
}

/** MESSAGE. */
export function message(row: Message): Bytes {
  const { id, conversation: of, sender, body } = row;
  const times = cat(
    be(8, 1_700_000_000_000 + id),
    optional(row.replyTo),
    optional(row.editedAt),
    optional(row.deletedAt),
  );
  return record(0x8043, cat(be(8, id), be(8, of), be(8, sender), times, text(body)));
}

/** Fields of a MEDIA. */
export interface Media {
  readonly message: number;
  readonly position?: number;
  readonly id: number;
  readonly path: string;
  readonly length: number;
  readonly sha256: Uint8Array;
}

/** MEDIA. */
export function media({ message: of, position = 0, id, path, length, sha256 }: Media): Bytes {
  const names = cat(text(`file ${id}`), be(8, id), text(path), text('image/jpeg'));
  return record(0x8044, cat(be(8, of), be(2, position), names, be(8, length), sha256));
}

/** REACTION. */
export function reaction(messageId: number, participantId: number, emoji: string): Bytes {
  return record(0x0045, cat(be(8, messageId), be(8, participantId), be(8, 1_700_000_000_000), text(emoji)));
}

/** Content of a shard: each list of records is a group, each record alone stands for itself. */
export function shard(
  setId: Uint8Array,
  parts: readonly (Bytes | readonly Bytes[])[],
  schema: number = CHAT_SCHEMA,
): Bytes {
  const records = parts.map((part) => (part instanceof Uint8Array ? part : group(part)));
  return frame(2 ** 16, [begin(setId, schema), ...records, end(parts.flat())]);
}
