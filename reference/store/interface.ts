/**
 * The store of a vault (spec/storage.md, "Store"): a durable map from byte strings to byte strings. It is trusted
 * for availability alone; everything in it is sealed, and every read is proved against the anchor.
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';

/** One key and its value. */
export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What must hold for a transaction to be applied: the key has exactly this value, or is absent. */
export interface Condition {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** All or nothing: every write, if every condition holds. */
export interface Transaction {
  readonly conditions: readonly Condition[];
  readonly writes: readonly Entry[];
}

/**
 * The whole contract. Every method may throw StrongroomError `store-failed`, `disk-full` or `store-damaged`; after
 * any of them the outcome of what was under way is unknown, every later call fails with the same error, and only
 * opening the store again, with the recovery of spec/storage.md, tells.
 */
export interface Store {
  /** The value, or undefined if the key is absent. */
  get(key: Uint8Array): Promise<Bytes | undefined>;
  /** True once the transaction is durable; false if a condition did not hold, and then nothing was written. */
  commit(transaction: Transaction): Promise<boolean>;
  /** Every entry whose key starts with `prefix`, in ascending order of the keys. */
  scan(prefix: Uint8Array): AsyncIterable<{ readonly key: Bytes; readonly value: Bytes }>;
  /** Ends after everything under way; the store can be opened again then. */
  close(): Promise<void>;
}
