/**
 * What a store is proved by before it is served (spec/storage.md, "Start"): its head against the anchor, its records
 * against the head.
 *
 * @module
 */
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { AnchorEntry, Hsm, PartitionKey } from '../hsm/interface.ts';
import type { Store } from '../store/interface.ts';
import { concat, copy, equal, type Bytes } from '../wire/bytes.ts';
import { encode, u16 } from '../wire/codec.ts';
import { sha256 } from './core/evaluate.ts';
import { leafInput } from './core/handle.ts';
import { openHead, type PartitionHead } from './head.ts';
import { openRecord } from './record-seal.ts';
import type { AccountRecord } from './record.ts';
import { Tree, type Leaf } from './tree.ts';

/** Records that enter the tree together. */
const ROUND = 4096;

/** Key of a partition's head in the store. */
export function headKey(partition: number): Bytes {
  return concat(Uint8Array.of(1), encode(u16, partition));
}

/** Key of a record in the store; of all records, for an empty leaf index. */
export function leafKey(partition: number, leaf: Uint8Array): Bytes {
  return concat(Uint8Array.of(2), encode(u16, partition), leaf);
}

/** The keys that records of a partition may be sealed under. */
export function keysOf({ current, next }: AnchorEntry): readonly PartitionKey[] {
  return next === undefined ? [current] : [current, next];
}

/** The error for a state that the anchor does not vouch for. */
export function rolledBack(message: string): StrongroomError {
  return new StrongroomError('rollback-detected', message);
}

/** Where the state of a partition is. */
export interface State {
  readonly store: Store;
  readonly hsm: Hsm;
  /** Bits of a leaf index that name the partition. */
  readonly prefixBits: number;
}

/**
 * The head in the store: the anchored one, or the next one (`ahead`), whose commit is to be finished.
 *
 * @throws StrongroomError `rollback-detected`
 */
export async function readHead(
  { store, hsm }: State,
  { partition, n: anchored, headHash }: AnchorEntry,
): Promise<{ readonly head: PartitionHead; readonly ahead: boolean }> {
  const bytes = await store.get(headKey(partition));
  if (bytes === undefined) throw rolledBack('the store has no head');
  const head = await openHead((...args) => hsm.hmac(...args), bytes);
  const { n, prev } = head.body;
  const same = n === anchored && equal(head.hash, headHash);
  const ahead = n === anchored + 1 && equal(prev, headHash);
  if (head.body.partition !== partition || !(same || ahead)) {
    throw rolledBack(`the store is at ${n}, the anchor at ${anchored}`);
  }
  return { head, ahead };
}

/** Is told of every record: what it holds, or why it is refused. */
export interface Visitor {
  record(leaf: Bytes, record: AccountRecord, sealed: Bytes): void;
  refused(leaf: Bytes, error: StrongroomError): void;
}

/** Reads all records of a partition, and builds the tree over them. */
export async function readRecords(
  { store, hsm, prefixBits }: State,
  entry: AnchorEntry,
  visitor: Visitor,
): Promise<Tree> {
  const tree = new Tree(prefixBits);
  const keys = keysOf(entry);
  const prefix = leafKey(entry.partition, new Uint8Array(0));
  let leaves: Leaf[] = [];
  for await (const { key, value } of store.scan(prefix)) {
    const index = copy(key.subarray(prefix.length));
    // A key that is no leaf index has no place in the tree; in some place it makes the root another one.
    leaves.push({ index: index.length === 32 ? index : sha256(key), hash: sha256(value) });
    if (leaves.length === ROUND) {
      tree.set(leaves);
      leaves = [];
    }
    try {
      const record = openRecord(keys, index, value);
      if (!equal(index, await hsm.hmac('index', leafInput(record.account)))) {
        throw new StrongroomError('record-invalid', 'a record is under the leaf of another account');
      }
      visitor.record(index, record, value);
    } catch (error) {
      if (!isStrongroomError(error)) throw error;
      visitor.refused(index, error);
    }
  }
  tree.set(leaves);
  return tree;
}
