/**
 * A partition at work (spec/storage.md, "Commit" and "Start"): loads are proved against the tree, commits go to the
 * store, then to the anchor, and only then is anyone told.
 *
 * @module
 */
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { AnchorEntry, Hsm, PartitionKey } from '../hsm/interface.ts';
import type { Store } from '../store/interface.ts';
import { concat, copy, equal, hex, type Bytes } from '../wire/bytes.ts';
import { encode, u16 } from '../wire/codec.ts';
import type { Handlers, Loaded } from './core/effects.ts';
import { sha256 } from './core/evaluate.ts';
import { leafInput } from './core/handle.ts';
import { openHead, sealHead, type PartitionHead } from './head.ts';
import type { Observer } from './observe.ts';
import { openRecord, sealRecord } from './record-seal.ts';
import type { AccountRecord } from './record.ts';
import { Tree, verifyProof, type Leaf } from './tree.ts';

/** Most records of one commit. */
const MAX_BATCH = 126;
/** Seconds after which the vault's time is persisted while a deadline is waited for. */
const HEARTBEAT = 60;

/** Key of a partition's head in the store. */
export function headKey(partition: number): Bytes {
  return concat(Uint8Array.of(1), encode(u16, partition));
}

/** Key of a record in the store; of all records, for an empty leaf index. */
export function leafKey(partition: number, leaf: Uint8Array): Bytes {
  return concat(Uint8Array.of(2), encode(u16, partition), leaf);
}

/** What a partition is made of. */
export interface PartitionOptions {
  readonly store: Store;
  readonly hsm: Hsm;
  /** Number of the partition. */
  readonly partition: number;
  /** Bits of a leaf index that name the partition. */
  readonly prefixBits: number;
  /** Seconds that never go back while the process runs. */
  readonly monotonic?: (() => number) | undefined;
  /** Instead of the HSM's generator, for tests. */
  readonly random?: RandomSource;
  /** Is told of commits, of the anchor and of failures. */
  readonly observe?: Observer | undefined;
}

interface Queued {
  readonly leaf: Bytes;
  readonly token: Bytes | undefined;
  readonly record: AccountRecord;
  readonly sealed: Bytes;
  readonly resolve: (committed: boolean) => void;
  readonly reject: (error: unknown) => void;
}

function rolledBack(message: string): StrongroomError {
  return new StrongroomError('rollback-detected', message);
}

/** The first head and anchor entry of a new partition (spec/storage.md, "Making a vault"). */
export async function createPartition(
  hmac: Hsm['hmac'],
  partition: number,
  vaultTime: number,
  random: RandomSource = systemRandom,
): Promise<{ readonly head: PartitionHead; readonly entry: AnchorEntry }> {
  const prev = new Uint8Array(32);
  const { root } = new Tree(0);
  const head = await sealHead(hmac, { partition, n: 0, prev, root, fencing: 0, vaultTime });
  const current: PartitionKey = { epoch: 1, key: random('partition_key', 32) };
  return { head, entry: { partition, n: 0, headHash: head.hash, current, next: undefined } };
}

/** One partition of a vault, open. */
export class Partition {
  readonly #options: PartitionOptions;
  readonly #monotonic: () => number;
  readonly #tree: Tree;
  readonly #deadlines = new Map<string, { readonly leaf: Bytes; readonly deadline: number }>();
  readonly #clock: { readonly persisted: number; readonly started: number };
  #entry: AnchorEntry;
  #head: PartitionHead;
  #failure: StrongroomError | undefined;
  #queue: Queued[] = [];
  #flushing: Promise<void> | undefined;
  #batch: Promise<void> = Promise.resolve();
  /** Leaves whose commit is under way: nobody reads them before it is anchored. */
  #busy = new Set<string>();

  private constructor(options: PartitionOptions, entry: AnchorEntry, head: PartitionHead) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? ((): number => performance.now() / 1000);
    this.#tree = new Tree(options.prefixBits);
    this.#entry = entry;
    this.#head = head;
    this.#clock = { persisted: head.body.vaultTime, started: this.#monotonic() };
  }

  /**
   * Proves the whole store against the anchor, and finishes a commit that a crash has interrupted.
   *
   * @throws StrongroomError `rollback-detected`, `record-invalid`, `anchor-damaged`, and those of store and HSM
   */
  static async open(options: PartitionOptions): Promise<Partition> {
    const { store, hsm, partition } = options;
    const entry = (await hsm.anchor.read()).find((entry) => entry.partition === partition);
    if (entry === undefined)
      throw new StrongroomError('anchor-damaged', `no partition ${partition} in the anchor`);
    const bytes = await store.get(headKey(partition));
    if (bytes === undefined) throw rolledBack('the store has no head');
    const head = await openHead((...args) => hsm.hmac(...args), bytes);
    const { n, prev } = head.body;
    const anchored = n === entry.n && equal(head.hash, entry.headHash);
    const ahead = n === entry.n + 1 && equal(prev, entry.headHash);
    if (head.body.partition !== partition || !(anchored || ahead)) {
      throw rolledBack(`the store is at ${n}, the anchor at ${entry.n}`);
    }
    const opened = new Partition(options, entry, head);
    await opened.#rebuild();
    if (ahead) await opened.#advance(head);
    return opened;
  }

  /** The vault's own time, in seconds: what was persisted, and the time that it has run since. */
  now(): number {
    return this.#clock.persisted + Math.floor(this.#monotonic() - this.#clock.started);
  }

  /** Why this partition does not serve any more; undefined while it does. */
  get failure(): StrongroomError | undefined {
    return this.#failure;
  }

  /** Accounts that have a record. */
  get accounts(): number {
    return this.#tree.size;
  }

  /** Leaves whose last chance is over at `now`. */
  overdue(now: number): Bytes[] {
    return [...this.#deadlines.values()].filter(({ deadline }) => deadline <= now).map(({ leaf }) => leaf);
  }

  /** The effects that concern this partition and its HSM. */
  handlers(): Handlers {
    const { hsm } = this.#options;
    return {
      load: ({ leaf }) => this.load(leaf),
      commit: ({ leaf, token, record }) => this.commit(leaf, token, record),
      hmac: ({ key, data }) => hsm.hmac(key, data),
      sign: ({ message }) => hsm.sign(message),
      now: () => this.now(),
      random: ({ name, length }) => this.#random(name, length),
    };
  }

  /** Reads a record and proves it. @throws StrongroomError `rollback-detected`, `not-ready`, those of the store */
  async load(leaf: Bytes): Promise<Loaded> {
    for (;;) {
      while (this.#busy.has(hex(leaf))) await this.#batch;
      this.#serving();
      const shown = verifyProof(this.#tree.root, leaf, this.#tree.prove(leaf), this.#options.prefixBits);
      if (shown === 'absent') return { record: undefined, token: undefined };
      if (shown === 'invalid') throw this.#fail(rolledBack('the tree does not prove a record'));
      const sealed = await this.#store((store) => store.get(leafKey(this.#options.partition, leaf)));
      if (this.#busy.has(hex(leaf)) || this.#tree.hashOf(leaf) !== shown.hash) continue; // committed meanwhile
      if (sealed === undefined || !equal(sha256(sealed), shown.hash)) {
        throw this.#fail(rolledBack('a record is not the one that was committed'));
      }
      try {
        return { record: openRecord(this.#keys(), leaf, sealed), token: shown.hash };
      } catch (error) {
        throw isStrongroomError(error) ? this.#fail(error) : error;
      }
    }
  }

  /**
   * Commits a record; true once it is durable and anchored **[D]**, false if `token` is out of date.
   *
   * @throws StrongroomError `record-invalid` for a record that breaks an invariant; the partition serves on
   */
  async commit(leaf: Bytes, token: Bytes | undefined, record: AccountRecord): Promise<boolean> {
    // Checked and sealed before it is queued: a record that breaks an invariant fails its own request alone.
    const sealed = sealRecord(this.#entry.current, leaf, record, await this.#random('salt', 32));
    return new Promise((resolve, reject) => {
      this.#serving();
      this.#queue.push({ leaf, token, record, sealed, resolve, reject });
      this.#flushing ??= this.#flush(false);
    });
  }

  /** Persists the vault's time if a deadline is waited for, or in any case. */
  async heartbeat(always = false): Promise<void> {
    const old = this.now() - this.#head.body.vaultTime;
    if (this.#failure !== undefined || (!always && (this.#deadlines.size === 0 || old < HEARTBEAT))) return;
    await this.#flushing;
    await (this.#flushing ??= this.#flush(true));
  }

  /** Waits for what is under way, and persists the vault's time. */
  async close(): Promise<void> {
    await this.heartbeat(true);
    this.#failure ??= new StrongroomError('not-ready', 'the partition is closed');
  }

  async #random(name: string, length: number): Promise<Bytes> {
    const { random, hsm } = this.#options;
    return random === undefined ? hsm.random(length) : random(name, length);
  }

  #serving(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The first failure is final: what the disk holds is known again only after a start. */
  #fail(error: StrongroomError): StrongroomError {
    if (this.#failure === undefined) {
      this.#failure = error;
      const { partition, observe } = this.#options;
      observe?.failure?.({ partition, code: error.code });
    }
    for (const { reject } of this.#queue.splice(0)) reject(this.#failure);
    return this.#failure;
  }

  async #store<T>(use: (store: Store) => Promise<T>): Promise<T> {
    try {
      return await use(this.#options.store);
    } catch (error) {
      throw this.#fail(isStrongroomError(error) ? error : new StrongroomError('store-failed', String(error)));
    }
  }

  #keys(): PartitionKey[] {
    const { current, next } = this.#entry;
    return next === undefined ? [current] : [current, next];
  }

  async #flush(stamp: boolean): Promise<void> {
    for (let once = stamp; once || this.#queue.length > 0; once = false) {
      const batch = this.#queue.splice(0, MAX_BATCH);
      this.#batch = this.#commitBatch(batch, once).catch((error: unknown) => {
        const known = isStrongroomError(error) ? error : new StrongroomError('store-failed', String(error));
        const failure = this.#fail(known);
        for (const { reject } of batch) reject(failure);
      });
      await this.#batch;
      this.#busy = new Set();
    }
    this.#flushing = undefined;
  }

  async #commitBatch(batch: readonly Queued[], stamp: boolean): Promise<void> {
    const { hsm, partition } = this.#options;
    const accepted = batch.filter(({ leaf, token, resolve }) => {
      const present = this.#tree.hashOf(leaf);
      const same = token === undefined || present === undefined ? token === present : equal(token, present);
      if (!same || this.#busy.has(hex(leaf))) {
        resolve(false);
        return false;
      }
      this.#busy.add(hex(leaf));
      return true;
    });
    if (accepted.length === 0 && !stamp) return;
    const begun = performance.now();
    this.#tree.set(accepted.map(({ leaf, sealed }) => ({ index: leaf, hash: sha256(sealed) })));
    const head = await sealHead((...args) => hsm.hmac(...args), {
      partition,
      n: this.#head.body.n + 1,
      prev: this.#head.hash,
      root: this.#tree.root,
      fencing: this.#head.body.fencing,
      vaultTime: this.now(),
    });
    const key = headKey(partition);
    const written = await this.#store((store) =>
      store.commit({
        conditions: [{ key, value: this.#head.bytes }],
        writes: [
          ...accepted.map(({ leaf, sealed }) => ({ key: leafKey(partition, leaf), value: sealed })),
          { key, value: head.bytes },
        ],
      }),
    ); // [D]
    if (!written) throw rolledBack('the head in the store is not the one that was committed');
    await this.#advance(head); // [D]
    const seconds = (performance.now() - begun) / 1000;
    this.#options.observe?.commit?.({ partition, batch: accepted.length, seconds });
    for (const { leaf, record, resolve } of accepted) {
      this.#watch(leaf, record);
      resolve(true);
    }
  }

  async #advance(head: PartitionHead): Promise<void> {
    const to = { ...this.#entry, n: head.body.n, headHash: head.hash };
    const { hsm, partition, observe } = this.#options;
    const begun = performance.now();
    await hsm.anchor.advance([{ from: this.#entry, to }]);
    observe?.anchor?.({ partition, seconds: (performance.now() - begun) / 1000 });
    this.#entry = to;
    this.#head = head;
  }

  #watch(leaf: Bytes, { active: { state, deadline } }: AccountRecord): void {
    if (state === 'last-chance') this.#deadlines.set(hex(leaf), { leaf, deadline });
    else this.#deadlines.delete(hex(leaf));
  }

  async #rebuild(): Promise<void> {
    const { store, hsm, partition } = this.#options;
    const prefix = leafKey(partition, new Uint8Array(0));
    let invalid: unknown;
    let leaves: Leaf[] = [];
    for await (const { key, value } of store.scan(prefix)) {
      const index = copy(key.subarray(prefix.length));
      leaves.push({ index, hash: sha256(value) });
      if (leaves.length === 4096) {
        this.#tree.set(leaves);
        leaves = [];
      }
      try {
        const record = openRecord(this.#keys(), index, value);
        if (!equal(index, await hsm.hmac('index', leafInput(record.account)))) {
          throw new StrongroomError('record-invalid', 'a record is under the leaf of another account');
        }
        this.#watch(index, record);
      } catch (error) {
        invalid ??= error;
      }
    }
    this.#tree.set(leaves);
    // A store that was changed is told from a vault that wrote nonsense: the root comes first.
    if (!equal(this.#tree.root, this.#head.body.root))
      throw rolledBack('the records do not give the root of the head');
    if (invalid !== undefined) throw invalid;
  }
}
