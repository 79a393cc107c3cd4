/**
 * What every anchor does (spec/storage.md, "Anchor"): it compares, and makes durable together what waits.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { equal } from '../wire/bytes.ts';
import { encode, opaque, optional, struct, u16, u32, u64, type Codec } from '../wire/codec.ts';
import type { Anchor, AnchorEntry, PartitionKey } from './interface.ts';

type Changes = Parameters<Anchor['advance']>[0];

/** A call that is not durable yet. */
interface Waiting {
  readonly changes: Changes;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const PartitionKeyCodec: Codec<PartitionKey> = struct<PartitionKey>('PartitionKey', {
  epoch: u32,
  since: u64,
  key: opaque(32, 'key'),
});

/** `AnchorEntry` as it is kept. */
export const AnchorEntryCodec: Codec<AnchorEntry> = struct<AnchorEntry>('AnchorEntry', {
  partition: u16,
  n: u64,
  headHash: opaque(32, 'head_hash'),
  current: PartitionKeyCodec,
  next: optional(PartitionKeyCodec),
});

/** A later value of the same partition: one head on, or other keys at the same head. */
function follows(from: AnchorEntry, to: AnchorEntry): boolean {
  if (from.partition !== to.partition) return false;
  return to.n === from.n + 1 || (to.n === from.n && equal(to.headHash, from.headHash));
}

/** The entries after the changes of one call. @throws StrongroomError `anchor-conflict` */
function change(entries: readonly AnchorEntry[], changes: Changes): readonly AnchorEntry[] {
  let changed = entries;
  for (const { from, to } of changes) {
    const at = changed.findIndex(({ partition }) => partition === from.partition);
    const held = changed[at];
    const present = held && equal(encode(AnchorEntryCodec, from), encode(AnchorEntryCodec, held));
    if (present !== true || !follows(from, to)) {
      throw new StrongroomError('anchor-conflict', `partition ${from.partition} is at ${held?.n}`);
    }
    changed = changed.with(at, to);
  }
  return changed;
}

/** An anchor that one process has. */
export abstract class QueuedAnchor implements Anchor {
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  #failure: unknown;

  /** What the anchor holds, as this process has read or written it last. */
  protected abstract get entries(): readonly AnchorEntry[];

  /** Makes other entries durable, and leaves no copy of a data key that they do not have. */
  protected abstract replace(entries: readonly AnchorEntry[]): Promise<void>;

  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async read(): Promise<readonly AnchorEntry[]> {
    return this.entries;
  }

  advance(changes: Changes): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Waits for what is under way. */
  protected async settled(): Promise<void> {
    await this.#working;
  }

  /** Makes durable what waits, all of it in one write. */
  async #work(): Promise<void> {
    await Promise.resolve(); // so that calls of one moment are one group
    for (let group = this.#waiting; group.length > 0; group = this.#waiting) {
      this.#waiting = [];
      const accepted: Waiting[] = [];
      let { entries } = this;
      for (const waiting of group) {
        try {
          entries = change(entries, waiting.changes);
          accepted.push(waiting);
        } catch (error) {
          waiting.reject(error);
        }
      }
      try {
        if (this.#failure !== undefined) throw this.#failure;
        if (accepted.length > 0) await this.replace(entries);
        for (const { resolve } of accepted) resolve();
      } catch (error) {
        // What it holds now is unknown: everything after it fails as well.
        this.#failure ??= error;
        for (const { reject } of accepted) reject(error);
      }
    }
    this.#working = undefined;
  }
}
