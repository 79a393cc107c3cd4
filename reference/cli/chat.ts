/**
 * Chats: `strongroom chat generate`, `export`, `import` and `show`.
 *
 * @module
 */
import {
  ChatReader,
  exportChat,
  generateChat,
  importChat,
  ImportError,
  type ChatProgress,
  type ChatVisitor,
} from '../chat/index.ts';
import { StrongroomError } from '../errors.ts';
import { DirectoryStorage } from '../set/index.ts';
import { hex, type Bytes } from '../wire/bytes.ts';
import { wholeNumber, type Command, type Invocation } from './command.ts';
import { HEAD_OPTIONS, headOf, warnOfFreshness } from './head.ts';
import { stayYoung } from './memory.ts';
import { counted, printable, progressLine, sizeOf } from './progress.ts';
import {
  dateOf,
  FROM,
  JSON_OPTION,
  MANIFEST,
  print,
  selectionOf,
  storageOf,
  warn,
  warnOf,
  warnOfCopies,
} from './report.ts';
import { askKey, KEY_OPTIONS } from './secrets.ts';

const MOST = 1e9;

function number(invocation: Invocation, name: string): number | undefined {
  const text = invocation.option(name);
  return text === undefined ? undefined : wholeNumber(name, text, MOST);
}

/** Shows progress while `work` runs. */
async function withProgress<T>(
  work: (onProgress: (progress: ChatProgress) => void) => Promise<T>,
): Promise<T> {
  stayYoung();
  const line = progressLine();
  try {
    return await work(({ messages, messagesTotal, media, mediaTotal }) => {
      line.show(`${messages}/${messagesTotal} messages, ${media}/${mediaTotal} media files`);
    });
  } finally {
    line.end();
  }
}

const generate: Command = {
  name: 'chat generate',
  summary: 'Makes up a chat database with media files, to try the other commands with.',
  arguments: ['folder'],
  options: {
    messages: { value: 'number', help: 'default 10000' },
    conversations: { value: 'number', help: 'default one for 150 messages' },
    media: { value: 'number', help: 'media files; default one for 200 messages' },
    seed: { value: 'number', help: 'the same seed makes up the same chat; default 1' },
    json: JSON_OPTION,
  },
  examples: [
    'strongroom chat generate ./chat --messages 100000',
    'strongroom chat generate ./chat --messages 1000 --media 0 --seed 7',
  ],
  async run(invocation) {
    const folder = invocation.argument(0);
    const messages = number(invocation, 'messages') ?? 10_000;
    const seed = number(invocation, 'seed') ?? 1;
    const conversations = number(invocation, 'conversations');
    const media = number(invocation, 'media');
    const line = progressLine();
    const onProgress = (count: number): void => line.show(`${count}/${messages} messages`);
    try {
      await generateChat(folder, {
        seed,
        messages,
        ...(conversations === undefined ? {} : { conversations }),
        ...(media === undefined ? {} : { media }),
        onProgress,
        signal: invocation.signal,
      });
    } finally {
      line.end();
    }
    print(invocation, { folder, messages, seed }, `${folder}: ${counted(messages, 'message')}`);
  },
};

const exportCommand: Command = {
  name: 'chat export',
  summary: 'Backs up a chat: its database and the media files that its messages name.',
  arguments: ['folder'],
  options: {
    to: { value: 'folder', help: 'storage: any folder, mounted drive or synchronised folder' },
    ...HEAD_OPTIONS,
    ...KEY_OPTIONS,
    json: JSON_OPTION,
  },
  notes: [
    'The folder holds chat.db and media/. The database is read at one moment, and can be written meanwhile.',
    'What the storage holds already is not uploaded again. A storage holds one chat, and nothing else.',
  ],
  examples: [
    'strongroom chat export ./chat --to /mnt/cloud --key-file backup.key',
    'strongroom chat export ./chat --to /mnt/cloud --key-file backup.key --json',
  ],
  async run(invocation) {
    const { signal } = invocation;
    const folder = invocation.argument(0);
    const storage = new DirectoryStorage(invocation.required('to'));
    const key = await askKey(invocation);
    try {
      const options = { key, signal, ...(await headOf(invocation, key)) };
      const result = await withProgress((onProgress) =>
        exportChat(folder, storage, { ...options, onProgress }),
      );
      const { setId, generation, counts, sealed, reused, skipped } = result;
      const facts = { setId: hex(setId), generation, ...counts, sealed, reused, skipped };
      const [fresh, again] = [sealed, reused].map(
        (tally) => `${counted(tally.files, 'file')}, ${sizeOf(tally.bytes)}`,
      );
      const rows = `${counted(counts.messages, 'message')}, ${counted(counts.media, 'media file')}`;
      print(invocation, facts, `backup ${generation}: ${rows} (sealed: ${fresh}; used again: ${again})`);
      warnOf(skipped);
      if (skipped.length > 0) {
        throw new StrongroomError(
          'incomplete',
          `left out: ${skipped.length} of ${counted(counts.media, 'media file')}`,
        );
      }
    } finally {
      key.wipe();
    }
  },
};

const importCommand: Command = {
  name: 'chat import',
  summary: 'Makes a new chat folder of the newest backup, or another one.',
  arguments: [],
  options: {
    from: FROM,
    to: { value: 'folder', help: 'where to; must not be there, or be empty' },
    ...KEY_OPTIONS,
    manifest: MANIFEST,
    ...HEAD_OPTIONS,
    partial: { help: 'take what is left if messages are damaged or missing' },
    json: JSON_OPTION,
  },
  notes: [
    'The folder appears once the database in it is whole, verified and durable. Media files that are damaged or',
    'missing are listed, and do not stop the import.',
  ],
  examples: [
    'strongroom chat import --from /mnt/cloud --to ./restored --key-file backup.key',
    'strongroom chat import --from /mnt/cloud --to ./restored --key-file backup.key --partial',
  ],
  async run(invocation) {
    const storage = storageOf(invocation);
    const target = invocation.required('to');
    const key = await askKey(invocation);
    const partial = invocation.has('partial');
    const options = { ...selectionOf(invocation), ...(await headOf(invocation, key)), partial };
    try {
      const report = await withProgress((onProgress) =>
        importChat(storage, key, target, { ...options, onProgress }),
      );
      const { generation, created, messages, media } = report;
      warnOf(report.damaged);
      warnOfCopies(report.copies);
      warnOfFreshness(invocation, report.freshness);
      const rows = `${counted(messages, 'message')}, ${counted(media, 'media file')}`;
      print(
        invocation,
        { ...report, setId: hex(report.setId) },
        `imported backup ${generation}, ${dateOf(created)}: ${rows}`,
      );
    } catch (error) {
      if (error instanceof ImportError) {
        const { failed, messages, media } = error.report;
        warnOf(failed);
        warn(
          `imported and verified: ${counted(messages, 'message')}, ${counted(media, 'media file')}; the others are not there`,
        );
      }
      throw error;
    } finally {
      key.wipe();
    }
  },
};

/** One message to show. */
interface Shown {
  readonly id: number;
  readonly sentAt: number;
  readonly sender: number;
  readonly text: string;
}

const decoder = new TextDecoder();
const textOf = (bytes: Bytes): string => decoder.decode(bytes);

/** What of a chat is shown: every conversation, and the last messages of one of them. */
class Display implements ChatVisitor {
  readonly conversations = new Map<number, { title: string; messages: number; last: number }>();
  readonly names = new Map<number, string>();
  readonly messages: Shown[] = [];
  readonly #wanted: number | undefined;
  readonly #most: number;

  constructor(wanted: number | undefined, most: number) {
    this.#wanted = wanted;
    this.#most = most;
  }

  /** A conversation, also if only its messages are known yet. */
  #of(id: number): { title: string; messages: number; last: number } {
    const known = this.conversations.get(id) ?? { title: '', messages: 0, last: 0 };
    this.conversations.set(id, known);
    return known;
  }

  conversation({ id, title }: Parameters<ChatVisitor['conversation']>[0]): void {
    this.#of(id).title = textOf(title);
  }

  participant({ id, conversationId, name }: Parameters<ChatVisitor['participant']>[0]): void {
    if (conversationId === this.#wanted) this.names.set(id, textOf(name));
    const known = this.#of(conversationId);
    known.title ||= textOf(name);
  }

  message({
    id,
    conversationId,
    senderId,
    sentAt,
    deletedAt,
    body,
  }: Parameters<ChatVisitor['message']>[0]): void {
    const known = this.#of(conversationId);
    known.messages++;
    known.last = Math.max(known.last, sentAt);
    if (conversationId !== this.#wanted || this.#most === 0) return;
    const text = deletedAt === undefined ? textOf(body) : '(deleted)';
    this.messages.push({ id, sentAt, sender: senderId, text });
    if (this.messages.length > this.#most) this.messages.shift();
  }

  media({ messageId, path, length }: Parameters<ChatVisitor['media']>[0]): void {
    const last = this.messages.at(-1);
    if (last?.id !== messageId) return;
    const text = `${last.text} [media/${textOf(path)}, ${sizeOf(length)}]`.trim();
    this.messages.splice(-1, 1, { ...last, text });
  }

  reaction(): void {
    // A list of messages is clearer without.
  }
}

const show: Command = {
  name: 'chat show',
  summary: 'Shows the conversations of a backup of a chat, or the messages of one of them.',
  arguments: [],
  options: {
    from: FROM,
    ...KEY_OPTIONS,
    manifest: MANIFEST,
    ...HEAD_OPTIONS,
    conversation: { value: 'id', help: 'the one whose messages are shown' },
    last: { value: 'number', help: 'how many messages of it; default 20' },
    json: JSON_OPTION,
  },
  notes: ['With --json it prints one conversation or message a line.'],
  examples: [
    'strongroom chat show --from /mnt/cloud --key-file backup.key',
    'strongroom chat show --from /mnt/cloud --key-file backup.key --conversation 3 --last 100',
  ],
  async run(invocation) {
    const wanted = number(invocation, 'conversation');
    const display = new Display(wanted, number(invocation, 'last') ?? 20);
    const storage = storageOf(invocation);
    const key = await askKey(invocation);
    try {
      const reader = await ChatReader.open(storage, key, {
        ...selectionOf(invocation),
        ...(await headOf(invocation, key)),
      });
      for (const shard of reader.shards) await reader.read(shard, display);
      warnOf(reader.opened.damaged);
      warnOfCopies(reader.opened.copies.length);
      warnOfFreshness(invocation, reader.opened.freshness);
    } finally {
      key.wipe();
    }
    const time = (milliseconds: number): string => dateOf(Math.floor(milliseconds / 1000));
    if (wanted === undefined) {
      for (const [id, { title, messages, last }] of [...display.conversations].sort(([a], [b]) => a - b)) {
        const line = `${id}  ${counted(messages, 'message')}  ${time(last)}  ${printable(title)}`;
        print(invocation, { id, title, messages, last }, line);
      }
      return;
    }
    if (!display.conversations.has(wanted)) {
      throw new StrongroomError('not-found', `there is no conversation ${wanted}`);
    }
    for (const { id, sentAt, sender, text } of display.messages) {
      const name = display.names.get(sender) ?? '';
      print(
        invocation,
        { id, sentAt, sender, name, text },
        `${time(sentAt)}  ${printable(name)}: ${printable(text)}`,
      );
    }
  },
};

/** Commands about chats. */
export const CHAT_COMMANDS: readonly Command[] = [generate, exportCommand, importCommand, show];
