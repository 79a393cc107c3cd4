/**
 * A chat that the suite makes up: its rows as an adapter gets them, and the records that they must become.
 *
 * @module
 */
import {
  chatHead,
  conversation,
  media,
  message,
  participant,
  reaction,
  type Media,
  type Message,
} from '../../peer/chat.ts';
import type { Row } from '../../peer/chat-reading.ts';
import { toHex, utf8 } from '../../peer/primitives.ts';
import type { Value } from '../../schema/vector.ts';

/** When everything happens. */
const TIME = 1_700_000_000_000;

interface Person {
  readonly id: number;
  readonly conversation: number;
  readonly name: string;
}

interface Reaction {
  readonly message: number;
  readonly participant: number;
  readonly emoji: string;
}

function text(value: string | Uint8Array): string {
  return toHex(typeof value === 'string' ? utf8(value) : value);
}

function pad(n: number): string {
  return String(n).padStart(8, '0');
}

const by =
  <T>(...keys: readonly ((row: T) => number | string)[]) =>
  (a: T, b: T): number => {
    const key = keys.find((each) => each(a) !== each(b));
    return key === undefined ? 0 : key(a) < key(b) ? -1 : 1;
  };

/** Rows of a chat. */
export class Chat {
  readonly conversations: { readonly id: number; readonly title: string | Uint8Array }[] = [];
  readonly participants: Person[] = [];
  readonly messages: Message[] = [];
  readonly attachments: Media[] = [];
  readonly reactions: Reaction[] = [];

  /** A conversation with one participant, whose id is the same. */
  talk(id: number, title: string | Uint8Array = `talk ${id}`): this {
    this.conversations.push({ id, title });
    this.participants.push({ id, conversation: id, name: `person ${id}` });
    return this;
  }

  /** A message of the participant whose id is that of the conversation. */
  say(id: number, of: number, body: string | Uint8Array, more: Partial<Message> = {}): this {
    this.messages.push({ id, conversation: of, sender: of, body, ...more });
    return this;
  }

  /** The rows as parameters of `chat.export`; in the order in which they were added. */
  rows(): Record<string, Value> {
    return {
      conversations: this.conversations.map(({ id, title }) => [id, 1, TIME, text(title)]),
      participants: this.participants.map((each) => [
        each.id,
        each.conversation,
        text(`+${each.id}`),
        text(each.name),
      ]),
      messages: this.messages.map((each) => [
        each.id,
        each.conversation,
        each.sender,
        TIME + each.id,
        each.replyTo ?? null,
        each.editedAt ?? null,
        each.deletedAt ?? null,
        text(each.body),
      ]),
      attachments: this.attachments.map(({ message: of, position = 0, id, path, length, sha256 }) => [
        of,
        position,
        text(`file ${id}`),
        id,
        text(path),
        text('image/jpeg'),
        length,
        toHex(sha256),
      ]),
      reactions: this.reactions.map((each) => [each.message, each.participant, TIME, text(each.emoji)]),
    };
  }

  /** The shards that there must be: path, and records with their conversations in order. */
  shards(): Map<string, Row[]> {
    const files = new Set(this.attachments.map(({ id }) => id)).size;
    const head = chatHead(
      this.conversations.length,
      this.participants.length,
      this.messages.length,
      files,
      this.attachments.length,
      this.reactions.length,
    );
    const shards = new Map<string, Row[]>([['conversations/head', [{ conversation: 0, record: head }]]]);
    const add = (path: string, of: number, ...records: readonly Row['record'][]): void => {
      const rows = shards.get(path) ?? [];
      rows.push(...records.map((record) => ({ conversation: of, record })));
      shards.set(path, rows);
    };
    for (const { id, title } of this.conversations.toSorted(by((row) => row.id))) {
      const people = this.participants
        .filter((each) => each.conversation === id)
        .toSorted(by((row) => row.id));
      add(
        `conversations/people-${pad(Math.floor(id / 1024))}`,
        id,
        conversation(id, title),
        ...people.map((each) => participant(each.id, id, each.name)),
      );
    }
    const inOrder = this.messages.toSorted(
      by(
        (row) => row.conversation,
        (row) => row.id,
      ),
    );
    for (const row of inOrder) {
      const mine = <T extends { readonly message: number }>(rows: readonly T[]): T[] =>
        rows.filter((each) => each.message === row.id);
      add(
        `conversations/messages-${pad(Math.floor(row.id / 32_768))}`,
        row.conversation,
        message(row),
        ...mine(this.attachments)
          .toSorted(by((each) => each.position ?? 0))
          .map(media),
        ...mine(this.reactions)
          .toSorted(
            by(
              (each) => each.participant,
              (each) => text(each.emoji),
            ),
          )
          .map((each) => reaction(each.message, each.participant, each.emoji)),
      );
    }
    return shards;
  }
}
