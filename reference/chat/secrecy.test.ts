import { describe, expect, it } from 'vitest';
import { FragmentReader, type RawRecord } from '../set/framing.ts';
import { GROUP, recordsOf } from '../set/group.ts';
import { RecordReader } from '../set/records.ts';
import { MemoryStorage } from '../set/storage-fixture.ts';
import type { Bytes } from '../wire/bytes.ts';
import { decode, Input } from '../wire/codec.ts';
import { exportChat } from './export.ts';
import { chat, contentOf, filesOf, key, rowsOf, scratch, type Said } from './fixture.ts';
import { generateChat } from './generate.ts';
import {
  CHAT_CHUNK_SIZE,
  CHAT_RECORDS,
  CONVERSATION,
  Conversation,
  MESSAGE,
  Message,
  PARTICIPANT,
  Participant,
} from './records.ts';

async function exported(folder: string): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await exportChat(folder, storage, { key });
  return storage;
}

/** Shards as they are before sealing. */
async function shards(storage: MemoryStorage): Promise<Map<string, Bytes>> {
  const paths = (await filesOf(storage)).filter((path) => path.startsWith('conversations/'));
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await contentOf(storage, path)] as const)),
  );
}

describe('a chat in a storage', () => {
  it('shows none of its texts, names and numbers', async () => {
    const folder = chat(
      3,
      ...[1, 2, 3].map((id) => ({ id, conversation: id, body: `unmistakable words number ${id}` })),
    );
    const { objects } = await exported(folder);
    const known = [
      ...Object.values(rowsOf(folder))
        .flat()
        .join(' ')
        .matchAll(/[0-9A-F]{12,}/gu),
    ].map(([digits]) => Buffer.from(digits, 'hex'));
    known.push(...['unmistakable', 'title', 'conversations/', 'media'].map((text) => Buffer.from(text)));
    expect(known.length).toBeGreaterThan(20);
    for (const bytes of objects.values()) {
      for (const each of known) expect(Buffer.from(bytes).includes(each)).toBe(false);
    }
  });

  // proves REC-15, CHT-3
  it('has no group with two conversations', async () => {
    const folder = `${scratch()}/chat`;
    await generateChat(folder, { seed: 8, messages: 4000, conversations: 60, media: 0 });
    const all = await shards(await exported(folder));
    let groups = 0;
    for (const [path, content] of all) {
      if (path === 'conversations/head') continue;
      const reader = new RecordReader(CHAT_CHUNK_SIZE, CHAT_RECORDS);
      const conversations = new Map<number, Set<number>>();
      let current = 0;
      for (const { type, body, range } of reader.push(content)) {
        if (type === MESSAGE) current = decode(Message, body).conversationId;
        else if (type === CONVERSATION) current = decode(Conversation, body).id;
        else if (type === PARTICIPANT) expect(decode(Participant, body).conversationId).toBe(current);
        const { position } = range;
        conversations.set(position, (conversations.get(position) ?? new Set()).add(current));
      }
      reader.finish();
      for (const each of conversations.values()) expect(each.size).toBe(1);
      groups += conversations.size;
    }
    expect(groups).toBeGreaterThan(100);
  });

  // proves CHT-3
  it('has groups that are as long as they may be, and no longer', async () => {
    const long = 'words and words '.repeat(500);
    const messages: Said[] = Array.from({ length: 60 }, (_, i) => ({
      id: i + 1,
      conversation: 1,
      body: `${i} ${long}`,
    }));
    messages.push(
      { id: 100, conversation: 2, body: 'x'.repeat(300_000) },
      { id: 101, conversation: 2, body: 'y' },
    );
    messages.push({ id: 200, conversation: 3, body: 'z'.repeat(2 ** 20 - 45) });
    const all = await shards(await exported(chat(3, ...messages)));
    const content = all.get('conversations/messages-00000000') ?? new Uint8Array();
    const found: { type: number; length: number; ids: number[] }[] = [];
    for (const record of rawRecords(content)) {
      if (record.type !== GROUP && record.type !== MESSAGE) continue;
      const inner = record.type === GROUP ? [...recordsOf(record)] : [record];
      found.push({
        type: record.type,
        length: inner.reduce((sum, { body }) => sum + body.length + 6, 0),
        ids: inner.map(({ body }) => decode(Message, body).id),
      });
    }
    const last = (conversation: number[]): number | undefined => conversation.at(-1);
    const groups = found.filter(({ ids }) => (last(ids) ?? 0) <= 60);
    expect(groups.map(({ ids }) => ids.length)).toEqual([16, 16, 16, 12]);
    for (const { length } of groups) expect(length).toBeLessThanOrEqual(2 ** 17 + 6);
    expect(found.slice(groups.length).map(({ type, ids }) => [type, ids])).toEqual([
      [GROUP, [100]],
      [GROUP, [101]],
      [MESSAGE, [200]],
    ]);
  });

  // proves REC-15
  it('does not show, by its lengths, whether somebody guessed what another conversation says', async () => {
    const secret = 'the meeting is at seven behind the old station, bring 4000 in notes';
    // Of the same length and as hard to compress as the secret, but nothing like it.
    const wrong = secret.split('').toReversed().join('');
    const written = (guess: string, apart: boolean): string =>
      chat(
        2,
        ...Array.from({ length: 40 }, (_, i) => ({ id: i + 1, conversation: 1, body: `${i} ${secret}` })),
        { id: 100, conversation: apart ? 2 : 1, body: guess },
      );
    // An object is as long as its content says, but for chance.
    const lengths = async (folder: string): Promise<number[]> =>
      [...(await shards(await exported(folder))).values()].map(({ length }) => length);
    const [alone, other] = [await lengths(written(secret, true)), await lengths(written(wrong, true))];
    expect(alone).toEqual(other);
    // The test would see it: in one conversation the right guess is shorter.
    const [, right = 0] = await lengths(written(secret, false));
    expect(right).toBeLessThan((await lengths(written(wrong, false)))[1] ?? 0);
  });

  it('loses with a chunk the groups that touch it and nothing else', async () => {
    const folder = `${scratch()}/chat`;
    await generateChat(folder, { seed: 2, messages: 12_000, conversations: 50, media: 0 });
    const content =
      (await shards(await exported(folder))).get('conversations/messages-00000000') ?? new Uint8Array();
    const all = [...rawRecords(content)];
    const chunks = Math.ceil(content.length / CHAT_CHUNK_SIZE);
    expect(chunks).toBeGreaterThan(5);
    for (let lost = 0; lost < chunks; lost++) {
      const from = lost * CHAT_CHUNK_SIZE;
      const touched = all.filter(
        ({ range: { position, length } }) => position < from + CHAT_CHUNK_SIZE && position + length > from,
      );
      const left = [...rawRecords(content, lost)];
      expect(left.map(({ range }) => range.position)).toEqual(
        all.filter((record) => !touched.includes(record)).map(({ range }) => range.position),
      );
      const messages = left.flatMap((record) => (record.type === GROUP ? [...recordsOf(record)] : []));
      expect(messages.filter(({ type }) => type === MESSAGE).length).toBeGreaterThan(12_000 / 2);
    }
  });
});

/** The records of a content, without one of its chunks. */
function* rawRecords(content: Bytes, lost = -1): Generator<RawRecord, void, undefined> {
  const fragments = new FragmentReader(CHAT_CHUNK_SIZE);
  for (let at = 0, chunk = 0; at < content.length; at += CHAT_CHUNK_SIZE, chunk++) {
    const piece = content.subarray(at, at + CHAT_CHUNK_SIZE);
    if (chunk === lost) {
      fragments.lose(piece.length);
      continue;
    }
    const input = new Input(piece);
    for (let record = fragments.next(input); record !== undefined; record = fragments.next(input))
      yield record;
  }
}
