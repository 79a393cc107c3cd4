/**
 * Verifying a vault that does not run (spec/storage.md, "Verify"): what a start would refuse, all of it, and where.
 *
 * @module
 */
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import type { AnchorEntry } from '../hsm/interface.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { prefixBitsOf } from './partitions.ts';
import { prefixOf } from './record-seal.ts';
import { readHead, readRecords, type State } from './start.ts';

/** Something that is not as it has to be. It names no account. */
export interface Fault {
  readonly code: ErrorCode;
  /** Leaf index of the record, if it is one record's. */
  readonly leaf?: Bytes;
  /** What is wrong, for people. */
  readonly reason: string;
}

/** What one partition has. */
export interface PartitionReport {
  readonly partition: number;
  /** Records that open and are in order. */
  readonly records: number;
  /** Number of the anchored head. */
  readonly n: number;
  /** True if a start would finish a commit that was interrupted. */
  readonly ahead: boolean;
  /** Epoch of the data key, and the vault's time at which it was made. */
  readonly epoch: number;
  readonly since: number;
  /** While the key is being replaced: records that are still under the old one. */
  readonly left: number | undefined;
  /** The vault's time; undefined if the head is refused. */
  readonly vaultTime: number | undefined;
  readonly faults: readonly Fault[];
}

/**
 * Proves every partition as a start does, and goes on where a start would stop. No record, head or entry is changed.
 *
 * @throws StrongroomError `anchor-damaged` and those of store and HSM
 */
export async function verifyState(state: Omit<State, 'prefixBits'>): Promise<PartitionReport[]> {
  const prefixBits = await prefixBitsOf(state.hsm.anchor);
  const reports: PartitionReport[] = [];
  for (const entry of await state.hsm.anchor.read()) {
    reports.push(await verifyPartition({ ...state, prefixBits }, entry));
  }
  return reports;
}

async function verifyPartition(state: State, entry: AnchorEntry): Promise<PartitionReport> {
  const { partition, n, current, next } = entry;
  const faults: Fault[] = [];
  const found = await readHead(state, entry).catch((error: unknown) => {
    if (!isStrongroomError(error)) throw error;
    faults.push({ code: error.code, reason: error.message });
    return undefined;
  });
  let records = 0;
  let left = 0;
  const refused: Omit<Fault, 'code'>[] = [];
  const tree = await readRecords(state, entry, {
    record(_leaf, _record, sealed) {
      records++;
      if (prefixOf(sealed).keyEpoch === current.epoch) left++;
    },
    refused: (leaf, error) => void refused.push({ leaf, reason: error.message }),
  });
  const vouched = found !== undefined && equal(tree.root, found.head.body.root);
  if (found !== undefined && !vouched) {
    faults.push({ code: 'rollback-detected', reason: 'the records do not give the root of the head' });
  }
  // A record that the anchor vouches for is one that the vault wrote; any other was put there.
  const code = vouched ? 'record-invalid' : 'rollback-detected';
  faults.push(...refused.map((fault) => ({ code, ...fault }) as const));
  const head = found?.head.body;
  return {
    partition,
    records,
    n,
    ahead: found?.ahead ?? false,
    epoch: current.epoch,
    since: current.since,
    left: next && left,
    vaultTime: head?.vaultTime,
    faults,
  };
}
