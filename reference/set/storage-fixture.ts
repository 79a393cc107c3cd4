/**
 * A storage in memory for tests: it forgets in a crash what was not made durable, and a test can act before each
 * operation.
 */
import { StrongroomError } from '../errors.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import type { Storage, Stored, Upload } from './storage.ts';

/** One operation of a storage. */
export interface Step {
  readonly operation: 'put' | 'write' | 'sync' | 'commit' | 'read' | 'list' | 'remove' | 'flush';
  /** Name of the object; empty for those that have none. */
  readonly name: string;
}

/** The process is gone: nothing that it would do after this happens. */
export class Killed extends Error {}

export class MemoryStorage implements Storage {
  readonly objects: Map<string, Bytes>;
  /** Names as they are on the disk; the rest is lost if the power is. */
  readonly #durable: Map<string, Bytes>;
  /** Number of operations so far. */
  steps = 0;
  /** Called before each operation; what it throws, the operation throws. */
  before: (step: Step, count: number) => Promise<void> | void = () => undefined;

  constructor(objects: ReadonlyMap<string, Bytes> = new Map(), shared?: MemoryStorage) {
    this.objects = shared?.objects ?? new Map(objects);
    this.#durable = shared === undefined ? new Map(objects) : shared.#durable;
  }

  /** The same storage as another process sees it, with its own {@link before}. */
  view(): MemoryStorage {
    return new MemoryStorage(undefined, this);
  }

  /** A storage of its own with the same objects. */
  copy(): MemoryStorage {
    return new MemoryStorage(this.objects);
  }

  /** Kills the process before its operation of this number, counted from now: every later one fails too. */
  killAt(count: number): void {
    const last = this.steps + count;
    this.before = (_step, at) => {
      if (at >= last) throw new Killed();
    };
  }

  /** Makes one operation fail, counted from now; those after it work. */
  failAt(count: number, code: 'io' | 'disk-full' | 'permission'): void {
    const one = this.steps + count;
    this.before = (_step, at) => {
      if (at === one) throw new StrongroomError(code, 'injected');
    };
  }

  /** What is there after a loss of power, of which each change that was not flushed survives if `survives` says so. */
  afterCrash(survives: (name: string) => boolean): MemoryStorage {
    const left = new Map<string, Bytes>();
    for (const name of new Set([...this.objects.keys(), ...this.#durable.keys()])) {
      const bytes = (survives(name) ? this.objects : this.#durable).get(name);
      if (bytes !== undefined) left.set(name, bytes);
    }
    return new MemoryStorage(left);
  }

  async put(name: string): Promise<Upload> {
    await this.#step('put', name);
    const parts: Bytes[] = [];
    let isSynced = false;
    let isOpen = true;
    return {
      write: async (pieces) => {
        await this.#step('write', name);
        isSynced = false;
        parts.push(...pieces.map((piece) => new Uint8Array(piece)));
      },
      sync: async () => {
        await this.#step('sync', name);
        isSynced = true;
      },
      commit: async () => {
        await this.#step('commit', name);
        if (!isSynced) throw new Error(`${name} is committed and was not synced`);
        if (this.objects.has(name)) throw new StrongroomError('exists', name);
        if (isOpen) this.objects.set(name, concat(...parts));
        isOpen = false;
      },
      discard: () => {
        isOpen = false;
      },
    };
  }

  async *read(
    name: string,
    start: number = 0,
    end: number = Infinity,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    await this.#step('read', name);
    const bytes = this.objects.get(name);
    if (bytes === undefined) throw new StrongroomError('object-missing', name, { subject: name });
    for (let at = start; at < Math.min(end, bytes.length); at += 50_000) {
      yield bytes.slice(at, Math.min(at + 50_000, end));
    }
  }

  async *list(): AsyncGenerator<Stored, void, undefined> {
    await this.#step('list', '');
    for (const [name, { length }] of Array.from(this.objects)) yield { name, length };
  }

  async remove(name: string): Promise<void> {
    await this.#step('remove', name);
    this.objects.delete(name);
  }

  async flush(): Promise<void> {
    await this.#step('flush', '');
    this.#durable.clear();
    for (const [name, bytes] of this.objects) this.#durable.set(name, bytes);
  }

  async #step(operation: Step['operation'], name: string): Promise<void> {
    await this.before({ operation, name }, this.steps++);
  }
}
