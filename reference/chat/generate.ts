/**
 * Made-up chats of any size (spec/chat.md, "Database"), for trials, benchmarks and tests. The same seed and numbers give
 * the same rows and files.
 *
 * @module
 */
import { createCipheriv, createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { cancelled } from '../container/once.ts';
import { StrongroomError } from '../errors.ts';
import { guarded } from '../set/faults.ts';
import { addIndex, createDatabase, DATABASE_FILE, MEDIA_FOLDER } from './schema.ts';
import { Dice, Texts, Zipf } from './texts.ts';

/** How large a chat to make up. */
export interface GenerateOptions {
  readonly seed: number;
  readonly messages: number;
  /** Default: one for 150 messages, 2 at least. */
  readonly conversations?: number;
  /** Number of media files; default one for 200 messages. */
  readonly media?: number;
  /** Told now and then how many messages there are. */
  readonly onProgress?: (messages: number) => void;
  readonly signal?: AbortSignal;
}

const FIRST_MESSAGE = Date.UTC(2019, 0, 1);
const LAST_MESSAGE = Date.UTC(2026, 0, 1);

/** Kinds of media: how often, median length in bytes and its spread. */
const KINDS = [
  {
    share: 0.45,
    folder: 'Images',
    name: 'IMG',
    type: 'image/jpeg',
    end: 'jpg',
    median: 180_000,
    spread: 0.8,
  },
  {
    share: 0.2,
    folder: 'Stickers',
    name: 'STK',
    type: 'image/webp',
    end: 'webp',
    median: 22_000,
    spread: 0.4,
  },
  { share: 0.25, folder: 'Voice', name: 'PTT', type: 'audio/ogg', end: 'opus', median: 30_000, spread: 1 },
  {
    share: 0.07,
    folder: 'Documents',
    name: 'DOC',
    type: 'application/pdf',
    end: 'pdf',
    median: 150_000,
    spread: 1.2,
  },
  {
    share: 0.03,
    folder: 'Video',
    name: 'VID',
    type: 'video/mp4',
    end: 'mp4',
    median: 2_500_000,
    spread: 0.6,
  },
] as const;
const LARGEST_MEDIUM = 2 ** 26;
const ZEROS = new Uint8Array(LARGEST_MEDIUM);

/** Somebody and the conversation that they write in. */
interface Circle {
  readonly id: number;
  readonly language: number;
  readonly members: readonly number[];
  /** Ids of the messages that were written last. */
  readonly recent: number[];
}

/**
 * Makes up a chat in a folder.
 *
 * @throws StrongroomError `exists` if the folder holds a chat; `cancelled`, `disk-full`, `permission`, `io`
 */
export async function generateChat(folder: string, options: GenerateOptions): Promise<void> {
  const path = join(folder, DATABASE_FILE);
  if (existsSync(path)) throw new StrongroomError('exists', `${path} is there already`, { subject: path });
  guarded(folder, () => mkdirSync(join(folder, MEDIA_FOLDER), { recursive: true }));
  const database = createDatabase(path);
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN');
    await new Author(database, folder, options).write();
    addIndex(database);
    database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

class Author {
  readonly #folder: string;
  readonly #options: GenerateOptions;
  readonly #dice: Dice;
  readonly #texts: Texts;
  readonly #insert: (table: string, ...values: (string | number | Uint8Array | null)[]) => void;
  readonly #media: number;
  /** Media that were sent at least once. */
  #sent = 0;

  constructor(database: DatabaseSync, folder: string, options: GenerateOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#dice = new Dice(options.seed);
    this.#texts = new Texts(this.#dice);
    this.#media = Math.min(options.media ?? Math.floor(options.messages / 200), options.messages);
    const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
    this.#insert = (table, ...values) => {
      const sql = `INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`;
      const statement = statements.get(sql) ?? database.prepare(sql);
      statements.set(sql, statement);
      statement.run(...values);
    };
  }

  async write(): Promise<void> {
    const { messages, conversations = Math.max(2, Math.floor(messages / 150)), signal } = this.#options;
    const circles = this.#circles(conversations);
    const popularity = new Zipf(conversations, 1.1);
    for (let i = 0; i < this.#media; i++) this.#medium(i + 1);
    const step = (LAST_MESSAGE - FIRST_MESSAGE) / (messages + 1);
    for (let i = 0; i < messages; i++) {
      if (i % 10_000 === 0) {
        this.#options.onProgress?.(i);
        await setImmediate();
        if (signal?.aborted === true) throw cancelled('aborted by its signal', signal.reason);
      }
      const circle = circles[popularity.pick(this.#dice)];
      if (circle !== undefined)
        this.#message(i + 1, circle, Math.floor(FIRST_MESSAGE + (i + this.#dice.next()) * step));
    }
    this.#options.onProgress?.(messages);
  }

  #circles(count: number): Circle[] {
    const dice = this.#dice;
    let participant = 0;
    return Array.from({ length: count }, (_, i) => {
      const id = i + 1;
      const language = dice.onceIn(3) ? dice.below(this.#texts.languages) : 0;
      const isGroup = dice.onceIn(4);
      const size = isGroup ? Math.min(256, dice.length(8, 0.9) + 2) : 2;
      const createdAt = FIRST_MESSAGE - dice.below(1e9);
      this.#insert(
        'conversation',
        id,
        isGroup ? 2 : 1,
        isGroup ? this.#texts.write(dice, language, 15) : '',
        createdAt,
      );
      const members = Array.from({ length: size }, () => {
        const address = `+${10_000_000_000 + dice.below(89_999_999_999)}`;
        this.#insert('participant', ++participant, id, address, this.#texts.write(dice, language, 10));
        return participant;
      });
      return { id, language, members, recent: [] };
    });
  }

  /** A file and its row. */
  #medium(id: number): void {
    const dice = this.#dice;
    let rest = dice.next();
    const kind = KINDS.find(({ share }) => (rest -= share) < 0) ?? KINDS[0];
    const length = Math.min(LARGEST_MEDIUM, dice.length(kind.median, kind.spread));
    const key = createHash('sha256').update(`${this.#options.seed}/${id}`).digest();
    // Media are compressed already: their bytes look like noise.
    const content = createCipheriv('aes-256-ctr', key, ZEROS.subarray(0, 16)).update(
      ZEROS.subarray(0, length),
    );
    const path = `${kind.folder}/${kind.name}-${id.toString().padStart(6, '0')}.${kind.end}`;
    const place = join(this.#folder, MEDIA_FOLDER, path);
    guarded(path, () => {
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, content);
    });
    this.#insert('media', id, path, kind.type, length, createHash('sha256').update(content).digest());
  }

  #message(id: number, { id: conversation, language, members, recent }: Circle, sentAt: number): void {
    const dice = this.#dice;
    // Each file comes once at least, all along the way; some are passed on later.
    const isNew = this.#sent < this.#media && id * this.#media >= (this.#sent + 1) * this.#options.messages;
    const isDeleted = !isNew && dice.onceIn(50);
    const hasMedium = isNew || (!isDeleted && this.#sent > 0 && dice.onceIn(100));
    const length = dice.onceIn(3000) ? dice.length(6000, 0.7) : dice.length(32, 0.9);
    const body =
      isDeleted || (hasMedium && dice.onceIn(2))
        ? ''
        : this.#texts.write(dice, language, Math.min(length, 60_000));
    const replyTo = recent.length > 0 && dice.onceIn(12) ? dice.of(recent) : null;
    const editedAt = !isDeleted && dice.onceIn(40) ? sentAt + dice.below(600_000) : null;
    const deletedAt = isDeleted ? sentAt + dice.below(86_400_000) : null;
    this.#insert('message', id, conversation, dice.of(members), sentAt, replyTo, editedAt, deletedAt, body);
    if (hasMedium) {
      const medium = isNew ? ++this.#sent : 1 + dice.below(this.#sent);
      this.#insert('attachment', id, 0, medium, this.#texts.write(dice, language, 12));
    }
    for (const member of isDeleted || !dice.onceIn(15) ? [] : members.slice(0, 1 + dice.below(3))) {
      this.#insert('reaction', id, member, this.#texts.emoji(dice), sentAt + dice.below(3_600_000));
    }
    recent.push(id);
    if (recent.length > 20) recent.shift();
  }
}
