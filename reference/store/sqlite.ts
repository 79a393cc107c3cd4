/**
 * The embedded store: SQLite through `node:sqlite`, in a thread of its own. WAL with `synchronous = FULL`: a commit
 * is on the disk before its promise resolves. Transactions that arrive while one is being written share the next
 * fsync (group commit).
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { concat, copy, type Bytes } from '../wire/bytes.ts';
import type { Store, Transaction } from './interface.ts';
import type { Call, Reply } from './sqlite-worker.ts';

const PAGE = 512;
/** Sorts after every key that a prefix can start, for no key is longer. */
const LAST = new Uint8Array(64).fill(0xff);

/** SQLite's primary result codes that an operator can act upon (https://sqlite.org/rescode.html). */
const CODES: Readonly<Record<number, ErrorCode>> = {
  5: 'store-locked',
  6: 'store-locked',
  11: 'store-damaged',
  13: 'disk-full',
  26: 'store-damaged',
};

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** The contract of {@link Store} on one SQLite file, which belongs to one process at a time. */
export class SqliteStore implements Store {
  readonly #worker: Worker;
  /** Calls that the thread has not answered, oldest first: it answers in order. */
  readonly #calls: Waiting<unknown>[] = [];
  #queue: (Waiting<boolean> & { readonly transaction: Transaction })[] = [];
  #committing = false;
  #failure: StrongroomError | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: Reply) => {
      const waiting = this.#calls.shift();
      if ('error' in reply) this.#fail(reply.error.code & 0xff, reply.error.message);
      // What follows a failure ran inside what failed.
      if (this.#failure !== undefined) waiting?.reject(this.#failure);
      else if ('value' in reply) waiting?.resolve(reply.value);
    });
    worker.on('error', (error) => {
      this.#end(String(error));
    });
    worker.on('exit', () => {
      this.#end('its thread has ended');
    });
  }

  /**
   * Opens the file, or makes it.
   *
   * @throws StrongroomError `store-locked` if another process has it; `store-damaged`, `disk-full`, `store-failed`
   */
  static async open(path: string): Promise<SqliteStore> {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./sqlite-worker.${extension}`, import.meta.url), {
      workerData: { path },
      execArgv: [], // flags of the process may be about its own entry point, such as --input-type
    });
    const store = new SqliteStore(worker);
    try {
      await new Promise((resolve, reject) => store.#calls.push({ resolve, reject }));
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    return store;
  }

  async get(key: Uint8Array): Promise<Bytes | undefined> {
    return (await this.#call({ kind: 'get', key })) as Bytes | undefined;
  }

  commit(transaction: Transaction): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ transaction, resolve, reject });
      if (!this.#committing) void this.#flush();
    });
  }

  async *scan(prefix: Uint8Array): AsyncGenerator<{ key: Bytes; value: Bytes }> {
    const to = concat(prefix, LAST);
    for (let from = copy(prefix); ;) {
      const rows = (await this.#call({ kind: 'scan', from, to, limit: PAGE })) as {
        key: Bytes;
        value: Bytes;
      }[];
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      from = concat(last.key, Uint8Array.of(0));
    }
  }

  async close(): Promise<void> {
    if (this.#failure === undefined) await this.#call({ kind: 'close' });
    await this.#worker.terminate();
  }

  #call(call: Call): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#calls.push({ resolve, reject });
      this.#worker.postMessage(call, []);
    });
  }

  async #flush(): Promise<void> {
    this.#committing = true;
    while (this.#queue.length > 0) {
      const group = this.#queue;
      this.#queue = [];
      try {
        const transactions = group.map(({ transaction }) => transaction);
        const applied = (await this.#call({ kind: 'commit', transactions })) as boolean[];
        for (const [i, waiting] of group.entries()) waiting.resolve(applied[i] === true);
      } catch (error) {
        for (const waiting of group) waiting.reject(error as Error);
      }
    }
    this.#committing = false;
  }

  /** The first failure is the last word: what SQLite had under way then is unknown. */
  #fail(code: number, message: string): StrongroomError {
    this.#failure ??= new StrongroomError(CODES[code] ?? 'store-failed', `SQLite: ${message}`);
    return this.#failure;
  }

  #end(reason: string): void {
    const failure = this.#fail(0, reason);
    for (const waiting of this.#calls.splice(0)) waiting.reject(failure);
  }
}
