/**
 * Behaviour of writers of chats: the suite makes up a chat, has it exported, and opens every shard that comes of it.
 *
 * @module
 */
import { join } from 'node:path';
import type { Media } from '../../peer/chat.ts';
import { requireShard } from '../../peer/chat-reading.ts';
import { sha256, toHex, utf8, type Bytes } from '../../peer/primitives.ts';
import { audit, type Audit } from '../../peer/set-audit.ts';
import { demand } from '../../peer/set-reading.ts';
import type { Case } from '../../runner/case.ts';
import { Rival } from '../set-writer/rival.ts';
import { content, require, writes, type LeftOut, type Stage } from '../set-writer/stage.ts';
import { Chat } from './chat.ts';

function chatWrites(
  about: Pick<Case, 'id' | 'title' | 'why' | 'requirements'>,
  play: (stage: Stage) => Promise<void>,
): Case {
  return writes({ role: 'chat-writer', feature: 'chat-writer', ...about }, play);
}

/** A media file of the runner's and its row. */
function attach(stage: Stage, chat: Chat, row: Pick<Media, 'message' | 'id' | 'path'>, bytes: Bytes): void {
  stage.write(join('media', row.path), bytes);
  chat.attachments.push({ ...row, length: bytes.length, sha256: sha256(bytes) });
}

/** Exports, and holds what is in the storage then against the chat; media in `leftOut` must not be there. */
async function exported(stage: Stage, chat: Chat, leftOut: readonly LeftOut[] = []): Promise<Audit> {
  const params = { folder: stage.folder, key: toHex(stage.key), ...chat.rows() };
  const { generation, skipped } = await stage.ask('chat.export', params);
  const said = JSON.stringify(skipped);
  require(said === JSON.stringify(leftOut), 'wrong-output', `left out ${said}`);
  const isShard = (path: string): boolean => path.startsWith('conversations/');
  const found = audit(stage.objects(), stage.key, undefined, isShard);
  require(found.manifest.generation === generation, 'wrong-output', 'another generation than it says');
  const shards = chat.shards();
  for (const [path, rows] of shards) {
    const bytes = found.contents.get(path);
    demand(bytes !== undefined, `${path} is not in the backup`);
    requireShard(path, bytes, found.manifest.setId, rows);
  }
  const media = new Map(chat.attachments.map((row) => [`media/${row.path}`, row]));
  for (const { path } of leftOut) media.delete(path);
  for (const [path, bytes] of found.contents) {
    const row = media.get(path);
    demand(row !== undefined || shards.has(path), `${path} is in the backup, and no file of the chat`);
    if (row !== undefined) demand(toHex(sha256(bytes)) === toHex(row.sha256), `${path} has another content`);
    media.delete(path);
  }
  demand(media.size === 0, `${[...media.keys()].join(', ')} is not in the backup`);
  return found;
}

function small(): Chat {
  return new Chat().talk(1).talk(2).say(1, 1, 'one').say(2, 2, 'two').say(3, 1, 'three', { replyTo: 1 });
}

/** Length of a MESSAGE record with an empty body and no optional field. */
const MESSAGE_LENGTH = 41;

/** Every case of the role. */
export const chatWriterCases: readonly Case[] = [
  chatWrites(
    {
      id: 'chat-writer.rows',
      title: 'Rows of every table, added in no order',
      why: 'A row in another shard, or behind another row, is not found by the reader that looks for it.',
      requirements: ['CHT-1', 'CHT-5'],
    },
    async (stage) => {
      const chat = new Chat();
      for (const id of [2048, 1, 1024, 1023]) chat.talk(id);
      chat.participants.push(
        { id: 5000, conversation: 1, name: '' },
        { id: 7, conversation: 1, name: 'seven' },
      );
      for (const id of [40_000, 3, 32_767, 32_768]) chat.say(id, id === 3 ? 1024 : 1, `text ${id}`);
      chat.say(4, 1, '', { replyTo: 9, editedAt: 5, deletedAt: 6 });
      for (const path of ['b/two.jpg', 'b/one.jpg']) {
        const id = path.length + chat.attachments.length;
        attach(stage, chat, { message: 4, id, path }, content(300, id));
      }
      const [first] = chat.attachments;
      if (first !== undefined) chat.attachments.push({ ...first, position: 2 }, { ...first, message: 3 });
      chat.attachments.splice(1, 1, { ...chat.attachments[1], position: 1 } as Media);
      for (const [person, emoji] of [
        [7, '🎈'],
        [1, '👍'],
        [1, 'a'],
      ] as const)
        chat.reactions.push({ message: 4, participant: person, emoji });
      await exported(stage, chat);
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.bytes',
      title: 'Texts that are no UTF-8, and texts that are not in normal form',
      why: 'Who corrects a text changes what somebody said.',
      requirements: ['CHT-1', 'CHT-5'],
    },
    async (stage) => {
      const chat = new Chat().talk(1, Uint8Array.of(0xff, 0, 0x80)).say(1, 1, Uint8Array.of(0xc3, 0x28, 0));
      await exported(stage, chat.say(2, 1, 'e\u0301 \u00e9 \ufeff'));
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.groups',
      title: 'Messages of several conversations, and more than one group holds',
      why: 'Compressed together with what somebody else wrote, the length of an object tells of a secret.',
      requirements: ['CHT-3', 'REC-12', 'REC-15'],
    },
    async (stage) => {
      const chat = new Chat().talk(1).talk(2);
      // Groups of 2^17 bytes: one that a record fills to the last byte, and one that it would pass by one.
      const half = 2 ** 16;
      const rest = 2 ** 17 - (half + 3) - (MESSAGE_LENGTH - 3);
      chat
        .say(1, 1, content(half - MESSAGE_LENGTH, 1))
        .say(2, 1, content(rest, 2))
        .say(3, 1, 'next');
      chat
        .say(4, 2, content(half - MESSAGE_LENGTH, 3))
        .say(5, 2, content(rest + 1, 4))
        .say(6, 1, 'between');
      await exported(stage, chat);
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.large-rows',
      title: 'Messages so long that they fill a group, or have no room in one',
      why: 'A record that is cut to fit is a message that ends in the middle.',
      requirements: ['CHT-3', 'CHT-6'],
    },
    async (stage) => {
      const chat = new Chat().talk(1).say(1, 1, 'before');
      const most = 2 ** 20 - MESSAGE_LENGTH;
      chat
        .say(2, 1, content(most - 10, 1))
        .say(3, 1, content(most - 9, 2))
        .say(4, 1, content(most, 3));
      await exported(stage, chat.say(5, 1, 'after'));
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.too-large-row',
      title: 'A message of one byte more than a record holds',
      why: 'Left out, it is lost; cut, it is changed. Its owner must hear of it.',
      requirements: ['CHT-6', 'REC-2'],
    },
    async (stage) => {
      await exported(stage, small());
      const chat = small().say(9, 1, content(2 ** 20 - MESSAGE_LENGTH + 1, 1));
      await stage.refused('chat.export', { folder: stage.folder, ...chat.rows() }, 'limit-exceeded');
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.unchanged',
      title: 'A message that arrives, one that is edited, and all that stays as it was',
      why: 'Whoever uploads every shard anew each day stops making backups.',
      requirements: ['CHT-5'],
    },
    async (stage) => {
      const chat = small().say(40_000, 1, 'late').say(70_000, 2, 'later');
      attach(stage, chat, { message: 1, id: 1, path: 'film' }, content(2 ** 17, 1));
      attach(stage, chat, { message: 1, id: 2, path: 'note' }, content(400, 2));
      const [one] = chat.attachments.splice(1, 1);
      if (one !== undefined) chat.attachments.push({ ...one, position: 1 });
      const first = await exported(stage, chat);
      const stored = stage.objects();
      const edited = chat.messages.findIndex(({ id }) => id === 40_000);
      chat.messages.splice(edited, 1);
      chat.say(40_000, 1, 'late, edited', { editedAt: 7 }).say(70_001, 2, 'newest');
      const second = await exported(stage, chat);
      const changed = [
        'conversations/head',
        'conversations/messages-00000001',
        'conversations/messages-00000002',
      ];
      for (const [path, name] of first.objectOf) {
        const same = second.objectOf.get(path) === name;
        demand(same === !changed.includes(path), `${path} was ${same ? 'not' : ''} sealed anew`);
      }
      stage.requireKept(stored, stage.objects());
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.same-length',
      title: 'A message that is edited to another of the same length',
      why: 'A shard that is known by its size keeps what somebody has taken back.',
      requirements: ['CHT-5'],
    },
    async (stage) => {
      await exported(stage, new Chat().talk(1).say(1, 1, 'yes'));
      await exported(stage, new Chat().talk(1).say(1, 1, 'no!'));
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.media',
      title: 'Media that are not what their rows say',
      why: 'A picture that another app has overwritten is not the one that was sent.',
      requirements: ['CHT-7', 'CHT-5', 'CHT-4'],
    },
    async (stage) => {
      const chat = small();
      // Bytes that shrink if somebody compresses them.
      attach(stage, chat, { message: 1, id: 1, path: 'good' }, content(100_000, 1));
      for (const [id, path] of [
        [2, 'missing'],
        [3, 'other'],
        [4, 'longer'],
        [5, '../note'],
        [6, 'folder'],
      ] as const) {
        const sha = sha256(utf8(path));
        chat.attachments.push({ message: 1, position: id, id, path, length: path.length, sha256: sha });
      }
      stage.write('note', utf8('../note'));
      stage.write('media/other', utf8('rehto'));
      stage.write('media/longer', utf8('longer!'));
      stage.write('media/folder/file', utf8('x'));
      await exported(stage, chat, [
        { path: 'media/../note', code: 'unsafe-path' },
        { path: 'media/folder', code: 'changed' },
        { path: 'media/longer', code: 'changed' },
        { path: 'media/missing', code: 'vanished' },
        { path: 'media/other', code: 'changed' },
      ]);
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.media-unnamed',
      title: 'A media file that no message names',
      why: 'What its owner has deleted must not live on in the backup.',
      requirements: ['CHT-5'],
    },
    async (stage) => {
      const chat = small();
      attach(stage, chat, { message: 2, id: 1, path: 'kept' }, content(10, 1));
      stage.write('media/deleted', content(20, 2));
      await exported(stage, chat);
      chat.attachments.splice(0);
      await exported(stage, chat);
    },
  ),
  chatWrites(
    {
      id: 'chat-writer.other-backup',
      title: 'A storage with the backup of a folder in it',
      why: 'The next generation of that backup would have nothing of the folder.',
      requirements: ['CHT-5'],
    },
    async (stage) => {
      stage.put(...new Rival(stage.key).generation([]).copies);
      await stage.refused('chat.export', { folder: stage.folder, ...small().rows() }, 'exists');
    },
  ),
];
