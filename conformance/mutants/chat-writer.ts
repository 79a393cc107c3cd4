/**
 * Broken exports of chats.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const SHARDS = 'reference/chat/shards.ts';
const RECORDS = 'reference/chat/records.ts';
const EXPORT = 'reference/chat/export.ts';

/** Mutants of writers of chats. */
export const chatWriterMutants: readonly Mutant[] = [
  {
    id: 'chat-shard-size',
    mistake: 'puts 1,000 conversations in a shard',
    file: RECORDS,
    find: 'export const CONVERSATIONS_IN_SHARD = 1024;',
    replace: 'export const CONVERSATIONS_IN_SHARD = 1000;',
    requirement: 'CHT-1',
    cases: ['chat-writer.rows'],
    class: 'wrong-output',
  },
  {
    id: 'chat-texts-mended',
    mistake: 'reads texts as text',
    file: SHARDS,
    find: 'deleted_at, CAST(body AS BLOB) FROM message',
    replace: "deleted_at, CAST(replace(body, 'e\u0301', '\u00e9') AS BLOB) FROM message",
    requirement: 'CHT-1',
    cases: ['chat-writer.bytes'],
    class: 'wrong-output',
  },
  {
    id: 'chat-reactions-unordered',
    mistake: 'writes reactions by their time',
    file: SHARDS,
    find: 'ORDER BY m.id, r.participant_id, r.emoji',
    replace: 'ORDER BY m.id, r.sent_at, r.emoji',
    requirement: 'CHT-5',
    cases: ['chat-writer.rows'],
    class: 'wrong-output',
  },
  {
    id: 'chat-group-mixed',
    mistake: 'puts two conversations in one group',
    file: SHARDS,
    find: '(isFull || conversationId !== current)',
    replace: '(isFull || (conversationId !== current && type < 0))',
    requirement: 'CHT-3',
    cases: ['chat-writer.groups'],
    class: 'wrong-output',
  },
  {
    id: 'chat-group-short',
    mistake: 'begins a group one byte too early',
    file: SHARDS,
    find: 'group.length + body.length > GROUP_TARGET',
    replace: 'group.length + body.length >= GROUP_TARGET',
    requirement: 'CHT-3',
    cases: ['chat-writer.groups'],
    class: 'wrong-output',
  },
  {
    id: 'chat-large-row-cut',
    mistake: 'cuts a text that is too long',
    file: SHARDS,
    find: '  const isLong = Object.values(row)',
    replace:
      "  if ('body' in row && row.body instanceof Uint8Array) row.body = row.body.subarray(0, 1_048_535);\n  const isLong = Object.values(row)",
    requirement: 'CHT-6',
    cases: ['chat-writer.too-large-row'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-stamp-of-types',
    mistake: 'takes a shard for unchanged whose records have the same lengths',
    file: SHARDS,
    find: '    hash.update(body);\n',
    replace: '',
    requirement: 'CHT-5',
    cases: ['chat-writer.same-length'],
    class: 'wrong-output',
  },
  {
    id: 'chat-media-unchecked',
    mistake: 'backs up whatever lies under the name of a media file',
    file: EXPORT,
    find: "if (!equal(hash.digest(), sha256)) throw new MediaFault('changed');",
    replace: 'void equal(hash.digest(), sha256);',
    requirement: 'CHT-7',
    cases: ['chat-writer.media'],
    class: 'wrong-output',
  },
  {
    id: 'chat-over-anything',
    mistake: 'makes the backup of a folder into one of a chat',
    file: EXPORT,
    find: 'if (previous !== undefined && !previous.entries.some(({ path }) => path === HEAD_PATH)) {',
    replace: 'if (previous !== undefined && previous.entries.length < 0) {',
    requirement: 'CHT-5',
    cases: ['chat-writer.other-backup'],
    class: 'accepted-invalid',
  },
];
