/**
 * Chats (spec/chat.md): a messenger's database as a backup set, and back.
 *
 * @module
 */
export { exportChat, type ExportOptions, type ExportResult } from './export.ts';
export { generateChat, type GenerateOptions } from './generate.ts';
export { importChat, ImportError, type ImportOptions, type ImportReport } from './import.ts';
export type { ChatProgress } from './progress.ts';
export { ChatReader, type ChatVisitor } from './read.ts';
export {
  CHAT_RECORDS,
  CHAT_SCHEMA,
  type ChatHead,
  type Conversation,
  type Media,
  type Message,
  type Participant,
  type Reaction,
} from './records.ts';
export { DATABASE_FILE, DATABASE_VERSION, INDEX, MEDIA_FOLDER, SCHEMA } from './schema.ts';
