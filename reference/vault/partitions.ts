/**
 * The partitions of a vault (spec/storage.md, "Partitions"): one store and one anchor, and accounts spread over them by
 * the first bits of their leaf index. One that fails takes no other with it.
 *
 * @module
 */
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import type { Hsm } from '../hsm/interface.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { Handlers } from './core/effects.ts';
import type { PartitionState } from './observe.ts';
import { Partition, type PartitionOptions } from './partition.ts';

/** Most bits of a leaf index that name its partition. */
export const MAX_PREFIX_BITS = 4;

/** Failures of what one partition has stored; all others concern the whole vault. */
const STATE_FAILURES: readonly ErrorCode[] = ['rollback-detected', 'record-invalid'];

/** The partition of a leaf. */
export function partitionOf(leaf: Uint8Array, prefixBits: number): number {
  return (leaf[0] ?? 0) >> (8 - prefixBits);
}

/** Bits of a leaf index that name its partition: what the anchor has entries for. @throws StrongroomError `anchor-damaged` */
export async function prefixBitsOf(anchor: Hsm['anchor']): Promise<number> {
  const entries = await anchor.read();
  const bits = Math.log2(entries.length);
  const whole = entries.every(({ partition }, i) => partition === i);
  if (!Number.isInteger(bits) || bits < 0 || bits > MAX_PREFIX_BITS || !whole) {
    throw new StrongroomError('anchor-damaged', 'the anchor does not list the partitions of a vault');
  }
  return bits;
}

/** All partitions of a vault, each open or refused. */
export class Partitions {
  readonly #prefixBits: number;
  readonly #members: readonly (Partition | StrongroomError)[];

  private constructor(prefixBits: number, members: readonly (Partition | StrongroomError)[]) {
    this.#prefixBits = prefixBits;
    this.#members = members;
  }

  /**
   * Opens every partition that the anchor lists; one whose state is refused is in the list with its failure.
   *
   * @throws StrongroomError `anchor-damaged`, and those of store and HSM
   */
  static async open(options: Omit<PartitionOptions, 'partition' | 'prefixBits'>): Promise<Partitions> {
    const prefixBits = await prefixBitsOf(options.hsm.anchor);
    const members: (Partition | StrongroomError)[] = [];
    for (let partition = 0; partition < 2 ** prefixBits; partition++) {
      try {
        members.push(await Partition.open({ ...options, partition, prefixBits }));
      } catch (error) {
        if (!isStrongroomError(error) || !STATE_FAILURES.includes(error.code)) throw error;
        options.observe?.failure?.({ partition, code: error.code });
        members.push(error);
      }
    }
    return new Partitions(prefixBits, members);
  }

  /** How each partition is, by number. */
  get states(): readonly PartitionState[] {
    return this.#members.map((member, number) =>
      member instanceof Partition
        ? { number, failure: member.failure?.code, accounts: member.accounts }
        : { number, failure: member.code, accounts: 0 },
    );
  }

  /** Why none of them serves; undefined while one does. */
  get failure(): StrongroomError | undefined {
    if (this.serving.length > 0) return undefined;
    const [first] = this.#members;
    return first instanceof Partition ? first.failure : first;
  }

  /** Those that serve. */
  get serving(): readonly Partition[] {
    return this.#opened().filter(({ failure }) => failure === undefined);
  }

  /**
   * The effects of one computation. It is about one account: from its first load on it has the time of that account's
   * partition; an answer before, which names no state, has the time of the first one that serves.
   */
  handlers(): Handlers {
    const [first] = this.serving;
    if (first === undefined) throw this.failure ?? new StrongroomError('not-ready', 'no partition serves');
    let mine = first;
    const at = (leaf: Bytes): Partition => {
      const member = this.#members[partitionOf(leaf, this.#prefixBits)];
      if (!(member instanceof Partition))
        throw member ?? new StrongroomError('not-ready', 'no such partition');
      return (mine = member);
    };
    return {
      ...first.handlers(),
      load: ({ leaf }) => at(leaf).load(leaf),
      commit: ({ leaf, token, record }) => at(leaf).commit(leaf, token, record),
      now: () => mine.now(),
    };
  }

  /** Closes every partition that is open. */
  async close(): Promise<void> {
    await Promise.all(this.#opened().map((partition) => partition.close()));
  }

  #opened(): readonly Partition[] {
    return this.#members.filter((member) => member instanceof Partition);
  }
}
