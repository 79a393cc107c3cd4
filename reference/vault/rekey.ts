/**
 * Replacing the data key of a partition (spec/storage.md, "Rotation"). Records from before open under the old key
 * alone, so that they are gone for good once it is, wherever a store has kept copies of them.
 *
 * @module
 */
import type { AnchorEntry, PartitionKey } from '../hsm/interface.ts';

/** Seconds of vault time after which a data key is replaced at the latest. */
export const REKEY_AFTER = 86_400;
/** Records that are sealed again at a time, so that nobody waits much longer for a commit because of them. */
const ROUND = 32;

/** What the replacement asks of a partition. */
export interface Rekeyable {
  /** What is anchored. */
  entry(): AnchorEntry;
  /** A fresh key of the next epoch. */
  newKey(): Promise<PartitionKey>;
  /** Anchors other keys at the same head **[D]**. */
  moveKeys(current: PartitionKey, next: PartitionKey | undefined): Promise<void>;
  /** Leaves that there are; those that come later are under the newest key. */
  leaves(): number;
  /** Commits the record of a leaf, by its number, as it is, unless it is under the newest key already. */
  reseal(leaf: number): Promise<void>;
  /** True if it is to stop, and to be gone on with at the next start. */
  closing(): boolean;
}

/** Goes through the replacement, or through what is left of one; false if it was stopped. */
export async function rekey(partition: Rekeyable): Promise<boolean> {
  const { current, next: begun } = partition.entry();
  const next = begun ?? (await partition.newKey());
  if (begun === undefined) await partition.moveKeys(current, next); // 1 [D]
  const leaves = partition.leaves();
  for (let leaf = 0; leaf < leaves; leaf += ROUND) {
    if (partition.closing()) return false;
    const round = Array.from({ length: Math.min(ROUND, leaves - leaf) }, (_, i) =>
      partition.reseal(leaf + i),
    );
    await Promise.all(round); // 2
  }
  await partition.moveKeys(next, undefined); // 3 [D]
  return true;
}
