/**
 * Broken imports of chats.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const READ = 'reference/chat/read.ts';
const INSERT = 'reference/chat/insert.ts';
const IMPORT = 'reference/chat/import.ts';

/** Mutants of chats. */
export const chatMutants: readonly Mutant[] = [
  {
    id: 'chat-any-shard',
    mistake: 'takes rows from any shard',
    file: READ,
    find: 'if (id < 1 || shardPath(kind, id) !== path)',
    replace: 'if (id < 1)',
    requirement: 'CHT-9',
    cases: ['chat.other-shard', 'chat.message-other-shard'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-rows-anywhere',
    mistake: 'takes rows wherever they stand, by the ids that they name',
    file: READ,
    find: 'if (id !== parent) throw',
    replace: 'if (id < 0) throw',
    requirement: 'CHT-9',
    cases: ['chat.participant-first', 'chat.media-elsewhere'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-schema-ignored',
    mistake: 'does not look at the schema of a shard',
    file: READ,
    find: 'if (reader.begin?.schema !== CHAT_SCHEMA)',
    replace: 'if (reader.begin?.schema === 0)',
    requirement: 'CHT-9',
    cases: ['chat.schema'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-other-records',
    mistake: 'skips records that belong in another file',
    file: READ,
    find: "if (visit === undefined) throw badChat('a record of another kind', path);",
    replace: 'if (visit === undefined) return;',
    requirement: 'CHT-9',
    cases: ['chat.conversation-in-messages'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-heads',
    mistake: 'takes the first of several heads',
    file: READ,
    find: 'if (head === undefined || heads.length > 1)',
    replace: 'if (head === undefined)',
    requirement: 'CHT-9',
    cases: ['chat.two-heads'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-uncounted',
    mistake: 'does not compare the numbers of rows with the head',
    file: IMPORT,
    find: 'if (this.#failed.length === 0) requireCounts(database, counts);',
    replace: '',
    requirement: 'CHT-8',
    cases: ['chat.fewer'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-media-any',
    mistake: 'takes whatever lies under the path of a picture',
    file: IMPORT,
    find: 'if (written !== length || !equal(hash.digest(), sha256)) {',
    replace: 'if (written !== length) {',
    requirement: 'CHT-8',
    cases: ['chat.media-other'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-media-silent',
    mistake: 'reports an import without a picture as a success',
    file: IMPORT,
    find: 'if (this.#firstFault !== undefined) throw new ImportError(report, this.#firstFault);',
    replace: 'void report;',
    requirement: 'CHT-11',
    cases: ['chat.media-missing'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-two-kinds',
    mistake: 'takes the first of two descriptions of one file',
    file: INSERT,
    find: "if (changes === 0) throw badChat('one file of two kinds', this.#path);",
    replace: 'void changes;',
    requirement: 'CHT-9',
    cases: ['chat.media-two-kinds'],
    class: 'accepted-invalid',
  },
  {
    id: 'chat-left-behind',
    mistake: 'makes the database at the target itself',
    file: IMPORT,
    find: 'rmSync(temporary, { recursive: true, force: true });\n    throw databaseFault(error, target);',
    replace:
      'rmdirIfThere(place);\n    renameSync(temporary, place);\n    throw databaseFault(error, target);',
    requirement: 'CHT-10',
    cases: ['chat.sender', 'chat.shard-missing'],
    class: 'over-release',
  },
  {
    id: 'chat-utf-8',
    mistake: 'reads texts as UTF-8',
    file: INSERT,
    find: '...marks, body);',
    replace: '...marks, new TextEncoder().encode(new TextDecoder().decode(body)));',
    requirement: 'CHT-12',
    cases: ['chat.bytes'],
    class: 'wrong-output',
  },
];
