import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canMount } from '../set/fixture.ts';
import { openManifest } from '../set/newest.ts';
import type { RecordWriter } from '../set/records.ts';
import { SetWriter } from '../set/set-writer.ts';
import { storageName } from '../set/storage.ts';
import { MemoryStorage } from '../set/storage-fixture.ts';
import { utf8 } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import { exportChat } from './export.ts';
import { attach, chat, key, outcome, rowsOf, scratch } from './fixture.ts';
import { importChat } from './import.ts';
import {
  CHAT_HEAD,
  ChatHead,
  CONVERSATION,
  Conversation,
  MEDIA,
  Media,
  MESSAGE,
  Message,
  PARTICIPANT,
  Participant,
  REACTION,
  Reaction,
} from './records.ts';

/** Storage name of the object that holds a file. */
async function objectOf(storage: MemoryStorage, path: string): Promise<string> {
  const { entries, objects } = (await openManifest(storage, key)).manifest;
  const entry = entries.find((each) => each.path === path);
  const part = entry?.kind === 'file' ? entry.parts[0]?.object : undefined;
  return storageName(objects[part ?? -1]?.commitment ?? new Uint8Array());
}

function damage({ objects }: MemoryStorage, name: string): void {
  const bytes = objects.get(name);
  if (bytes !== undefined) objects.set(name, bytes.with(bytes.length - 20, (bytes.at(-20) ?? 0) ^ 1));
}

/** A chat of three shards of messages and three files, in a storage. */
async function stored(): Promise<{ folder: string; storage: MemoryStorage }> {
  const folder = chat(
    2,
    ...[1, 40_000, 80_000].map((id) => ({ id, conversation: 1 + (id % 2), body: `${id}` })),
  );
  for (const [i, id] of [1, 40_000, 80_000].entries()) {
    attach(folder, id, i + 1, `${i}.jpg`, new Uint8Array(100_000).fill(i));
  }
  const storage = new MemoryStorage();
  await exportChat(folder, storage, { key });
  return { folder, storage };
}

describe('an import', () => {
  // proves CHT-11, CHT-8
  it('reports media that are damaged or missing, and brings all the rest', async () => {
    const { folder, storage } = await stored();
    damage(storage, await objectOf(storage, 'media/0.jpg'));
    await storage.remove(await objectOf(storage, 'media/2.jpg'));
    const to = join(scratch(), 'to');
    await expect(importChat(storage, key, to)).rejects.toMatchObject({
      name: 'ImportError',
      code: 'chunk-damaged',
      report: {
        messages: 3,
        media: 1,
        failed: [
          { path: 'media/0.jpg', code: 'chunk-damaged' },
          { path: 'media/2.jpg', code: 'object-missing' },
        ],
      },
    });
    expect(rowsOf(to)).toEqual(rowsOf(folder));
    expect(readdirSync(join(to, 'media'))).toEqual(['1.jpg']);
    expect(readFileSync(join(to, 'media/1.jpg')).equals(new Uint8Array(100_000).fill(1))).toBe(true);
  });

  // proves CHT-10, CHT-11, CHT-8
  it('fails at a damaged shard and leaves nothing; asked for what is left, it brings that', async () => {
    const { folder, storage } = await stored();
    damage(storage, await objectOf(storage, 'conversations/messages-00000001'));
    const base = scratch();
    const to = join(base, 'to');
    expect(await outcome(importChat(storage, key, to))).toBe('chunk-damaged');
    expect(readdirSync(base)).toEqual([]);
    await expect(importChat(storage, key, to, { partial: true })).rejects.toMatchObject({
      code: 'chunk-damaged',
      report: { messages: 2, failed: [{ path: 'conversations/messages-00000001', code: 'chunk-damaged' }] },
    });
    const [before, after] = [rowsOf(folder), rowsOf(to)];
    expect(after.conversation).toEqual(before.conversation);
    expect(after.message).toEqual(before.message.filter((row) => !row.startsWith('40000|')));
    expect(after.attachment.length).toBe(2);
    expect(readdirSync(join(to, 'media'))).toEqual(['0.jpg', '2.jpg']);
    damage(storage, await objectOf(storage, 'conversations/people-00000000'));
    expect(await outcome(importChat(storage, key, join(base, 'other'), { partial: true }))).toBe(
      'chunk-damaged',
    );
    expect(readdirSync(base)).toEqual(['to']);
  });

  // proves CHT-10, CHT-8
  it('takes the place of nothing', async () => {
    const { storage } = await stored();
    const to = scratch();
    await importChat(storage, key, to); // an empty folder
    const before = rowsOf(to);
    expect(await outcome(importChat(storage, key, to))).toBe('exists');
    const file = join(scratch(), 'file');
    writeFileSync(file, 'content');
    expect(await outcome(importChat(storage, key, file))).toBe('exists');
    expect(readFileSync(file, 'utf8')).toBe('content');
    const race = join(scratch(), 'race');
    storage.before = ({ operation }) => {
      if (operation === 'read') mkdirSync(join(race, 'inside'), { recursive: true });
    };
    expect(await outcome(importChat(storage, key, race))).toBe('exists');
    expect(readdirSync(dirname(race))).toEqual(['race']);
    expect(rowsOf(to)).toEqual(before);
  });

  // proves CHT-10
  it('leaves nothing behind when it is stopped', async () => {
    const { storage } = await stored();
    const base = scratch();
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    const options = { onProgress, signal: controller.signal };
    expect(await outcome(importChat(storage, key, join(base, 'to'), options))).toBe('cancelled');
    expect(readdirSync(base)).toEqual([]);
  });

  // proves CHT-10
  it.skipIf(!canMount())('leaves nothing behind when the disk is full', async () => {
    const base = scratch();
    const large = Array.from({ length: 60 }, (_, i) => ({
      id: i + 1,
      conversation: 1,
      body: `${i}`.repeat(50_000),
    }));
    for (const [messages, file] of [
      [large, 10],
      [[{ id: 1, conversation: 1, body: '' }], 4_000_000],
    ] as const) {
      const folder = chat(1, ...messages);
      attach(folder, 1, 1, 'a.jpg', new Uint8Array(file));
      const storage = new MemoryStorage();
      await exportChat(folder, storage, { key });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', base]);
      try {
        expect(await outcome(importChat(storage, key, join(base, 'to')))).toBe('disk-full');
        expect(readdirSync(base)).toEqual([]);
      } finally {
        execFileSync('umount', [base]);
      }
    }
  });
});

describe('a shard that breaks a rule', () => {
  const bytes = utf8('text');
  const sha256 = new Uint8Array(32);
  const counts = { conversations: 1, participants: 1, messages: 1, media: 0, attachments: 0, reactions: 0 };
  type Row = readonly [number, Uint8Array];
  const conversation = (id = 1): Row => [
    CONVERSATION,
    encode(Conversation, { id, kind: 'direct', createdAt: 1, title: bytes }),
  ];
  const participant = (id = 10, conversationId = 1): Row => [
    PARTICIPANT,
    encode(Participant, { id, conversationId, address: bytes, name: bytes }),
  ];
  const message = (id = 1, conversationId = 1, senderId = 10): Row => [
    MESSAGE,
    encode(Message, {
      id,
      conversationId,
      senderId,
      sentAt: 1,
      replyTo: 999_999,
      editedAt: undefined,
      deletedAt: undefined,
      body: bytes,
    }),
  ];
  const media = (messageId: number, mediaId: number, length = 1, path = 'a'): Row => [
    MEDIA,
    encode(Media, {
      messageId,
      position: mediaId,
      fileName: bytes,
      mediaId: 1,
      path: utf8(path),
      mimeType: bytes,
      length,
      sha256,
    }),
  ];
  const reaction = (messageId: number, participantId = 10): Row => [
    REACTION,
    encode(Reaction, { messageId, participantId, sentAt: 1, emoji: bytes }),
  ];

  /** A chat of which each shard can be wrong. */
  interface Made {
    readonly head?: readonly Row[];
    readonly people?: readonly Row[];
    readonly messages?: readonly Row[];
    readonly schema?: number;
    readonly without?: string;
  }

  async function made({ head, people, messages, schema = 4, without }: Made): Promise<MemoryStorage> {
    const storage = new MemoryStorage();
    const writer = await SetWriter.begin(storage, { key });
    const meta = { mode: 0o600, modified: { seconds: 0, nanoseconds: 0 } };
    writer.directory({ ...meta, path: 'conversations' });
    const files = {
      head: head ?? [[CHAT_HEAD, encode(ChatHead, counts)]],
      'people-00000000': people ?? [conversation(), participant()],
      'messages-00000000': messages ?? [message()],
    } as const;
    for (const [name, rows] of Object.entries(files)) {
      if (name === without) continue;
      await writer.records(
        { ...meta, path: `conversations/${name}` },
        schema,
        function* frame(records: RecordWriter) {
          for (const [type, body] of rows) yield records.write(type, body);
        },
      );
    }
    await writer.commit();
    return storage;
  }

  const head = (changed: Partial<ChatHead>): readonly Row[] => [
    [CHAT_HEAD, encode(ChatHead, { ...counts, ...changed })],
  ];
  const withMedia = head({ media: 1, attachments: 2 });
  // proves CHT-9, CHT-8
  const cases: [string, string, Made][] = [
    ['the case that the others are changes of', 'whole', {}],
    ['a reaction', 'whole', { head: head({ reactions: 1 }), messages: [message(), reaction(1)] }],
    ['another schema', 'bad-chat', { schema: 5 }],
    ['a head that is not there', 'not-found', { without: 'head' }],
    ['no record in the head', 'bad-chat', { head: [] }],
    ['two heads', 'bad-chat', { head: [...head({}), ...head({})] }],
    ['a message in the head', 'bad-chat', { head: [...head({}), message()] }],
    ['a head in a shard', 'bad-chat', { messages: [message(), ...head({})] }],
    ['a message among people', 'bad-chat', { people: [conversation(), participant(), message(2)] }],
    ['a conversation among messages', 'bad-chat', { messages: [conversation(2), message()] }],
    ['a message of another shard', 'bad-chat', { messages: [message(32_768)] }],
    ['a message of the last id of its shard', 'whole', { messages: [message(32_767)] }],
    ['a message with the id 0', 'bad-chat', { messages: [message(0)] }],
    ['a conversation of another shard', 'bad-chat', { people: [conversation(1024), participant(10, 1024)] }],
    ['a message twice', 'bad-chat', { head: head({ messages: 2 }), messages: [message(), message()] }],
    [
      'a message twice, apart',
      'bad-chat',
      { head: head({ messages: 3 }), messages: [message(), message(2), message()] },
    ],
    ['a participant of another conversation', 'bad-chat', { people: [conversation(), participant(10, 2)] }],
    ['a participant before its conversation', 'bad-chat', { people: [participant(), conversation()] }],
    [
      'a reaction behind another message',
      'bad-chat',
      { head: head({ messages: 2, reactions: 1 }), messages: [message(), message(2), reaction(1)] },
    ],
    ['a file before its message', 'bad-chat', { messages: [media(1, 0), message()] }],
    [
      'a file twice, alike',
      'whole but media',
      { head: withMedia, messages: [message(), media(1, 0), media(1, 1)] },
    ],
    [
      'a file of two lengths',
      'bad-chat',
      { head: withMedia, messages: [message(), media(1, 0), media(1, 1, 2)] },
    ],
    [
      'a file of two paths',
      'bad-chat',
      { head: withMedia, messages: [message(), media(1, 0), media(1, 1, 1, 'b')] },
    ],
    ['a message of nobody', 'bad-chat', { messages: [message(1, 1, 11)] }],
    ['a message of a conversation that is not there', 'bad-chat', { messages: [message(1, 2)] }],
    [
      'a reaction of nobody',
      'bad-chat',
      { head: head({ reactions: 1 }), messages: [message(), reaction(1, 99)] },
    ],
    ['a message less than the head says', 'bad-chat', { head: head({ messages: 2 }) }],
    [
      'a participant more than the head says',
      'bad-chat',
      { people: [conversation(), participant(), participant(11)] },
    ],
    ['a shard that is missing', 'bad-chat', { without: 'messages-00000000' }],
    ['a body that does not follow its structure', 'bad-record', { messages: [[MESSAGE, utf8('short')]] }],
    ['an unknown critical record', 'unknown-critical-record', { messages: [message(), [0x8047, bytes]] }],
  ];
  for (const [what, code, one] of cases) {
    it(`${what}: ${code}`, async () => {
      const to = join(scratch(), 'to');
      const got = await outcome(importChat(await made(one), key, to));
      if (code === 'whole') expect(got).toMatchObject({ messages: 1, failed: [] });
      else expect(got).toBe(code === 'whole but media' ? 'vanished' : code);
      expect(existsSync(to)).toBe(code.startsWith('whole'));
      expect(readdirSync(dirname(to)).length).toBe(code.startsWith('whole') ? 1 : 0);
    });
  }
});
