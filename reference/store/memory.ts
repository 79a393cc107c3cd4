/**
 * A store in memory, for tests and for the playground: nothing in it survives the process.
 *
 * @module
 */
import { copy, equal, fromHex, hex, type Bytes } from '../wire/bytes.ts';
import type { Store, Transaction } from './interface.ts';

/** The contract of {@link Store} without durability. */
export class MemoryStore implements Store {
  readonly #values: Map<string, Bytes>;

  /** @param from a store whose present contents are copied */
  constructor(from?: MemoryStore) {
    this.#values = new Map(from === undefined ? [] : from.#values);
  }

  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async get(key: Uint8Array): Promise<Bytes | undefined> {
    const value = this.#values.get(hex(key));
    return value === undefined ? undefined : copy(value);
  }

  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async commit({ conditions, writes }: Transaction): Promise<boolean> {
    for (const { key, value } of conditions) {
      const present = this.#values.get(hex(key));
      if (present === undefined || value === undefined ? present !== value : !equal(present, value))
        return false;
    }
    for (const { key, value } of writes) this.#values.set(hex(key), copy(value));
    return true;
  }

  async *scan(prefix: Uint8Array): AsyncGenerator<{ key: Bytes; value: Bytes }> {
    const start = hex(prefix);
    for (const key of [...this.#values.keys()].filter((key) => key.startsWith(start)).sort()) {
      const value = await this.get(fromHex(key));
      if (value !== undefined) yield { key: fromHex(key), value };
    }
  }

  async close(): Promise<void> {}
}
