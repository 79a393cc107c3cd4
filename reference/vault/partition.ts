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
import { equal, hex, wipe, type Bytes } from '../wire/bytes.ts';
import { dueAt } from './core/changes.ts';
import type { Handlers, Loaded } from './core/effects.ts';
import { sha256 } from './core/evaluate.ts';
import { sealHead, type PartitionHead } from './head.ts';
import type { Observer } from './observe.ts';
import { openRecord, prefixOf, sealRecord } from './record-seal.ts';
import type { AccountRecord } from './record.ts';
import { rekey } from './rekey.ts';
import { headKey, keysOf, leafKey, readHead, readRecords, rolledBack, type State } from './start.ts';
import { EMPTY_ROOT, verifyProof, type Tree } from './tree.ts';

/** Most records of one commit. */
const MAX_BATCH = 126;
/** Seconds after which the vault's time is persisted while a deadline is waited for. */
const HEARTBEAT = 60;

/** What a partition is made of. */
export interface PartitionOptions extends State {
  /** Number of the partition. */
  readonly partition: number;
  /** Seconds that never go back while the process runs. */
  readonly monotonic?: (() => number) | undefined;
  /** Instead of the HSM's generator, for tests. */
  readonly random?: RandomSource;
  /** Is told of commits, of the anchor, of keys and of failures. */
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

/** Something that is done between two batches, alone. */
interface Task {
  readonly run: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The first head and anchor entry of a new partition (spec/storage.md, "Making a vault"). */
export async function createPartition(
  hmac: Hsm['hmac'],
  partition: number,
  vaultTime: number,
  random: RandomSource = systemRandom,
): Promise<{ readonly head: PartitionHead; readonly entry: AnchorEntry }> {
  const prev = new Uint8Array(32);
  const head = await sealHead(hmac, { partition, n: 0, prev, root: EMPTY_ROOT, fencing: 0, vaultTime });
  const current: PartitionKey = { epoch: 1, since: vaultTime, key: random('partition_key', 32) };
  return { head, entry: { partition, n: 0, headHash: head.hash, current, next: undefined } };
}

/** One partition of a vault, open. */
export class Partition {
  readonly #options: PartitionOptions;
  readonly #monotonic: () => number;
  readonly #tree: Tree;
  /** Leaves that wait for a time. */
  readonly #due: Map<string, { readonly leaf: Bytes; readonly at: number }>;
  readonly #clock: { readonly persisted: number; readonly started: number };
  #entry: AnchorEntry;
  #head: PartitionHead;
  #failure: StrongroomError | undefined;
  #queue: Queued[] = [];
  #tasks: Task[] = [];
  #working = false;
  #batch: Promise<void> = Promise.resolve();
  #rekeying: Promise<void> | undefined;
  #closing = false;
  /** Leaves whose commit is under way: nobody reads them before it is anchored. */
  #busy = new Set<string>();

  private constructor(
    options: PartitionOptions,
    entry: AnchorEntry,
    head: PartitionHead,
    tree: Tree,
    due: Map<string, { readonly leaf: Bytes; readonly at: number }>,
  ) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? ((): number => performance.now() / 1000);
    this.#tree = tree;
    this.#due = due;
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
    const { hsm, partition } = options;
    const entry = (await hsm.anchor.read()).find((entry) => entry.partition === partition);
    if (entry === undefined)
      throw new StrongroomError('anchor-damaged', `no partition ${partition} in the anchor`);
    const { head, ahead } = await readHead(options, entry);
    const due = new Map<string, { readonly leaf: Bytes; readonly at: number }>();
    let invalid: StrongroomError | undefined;
    const tree = await readRecords(options, entry, {
      record(leaf, record) {
        const at = dueAt(record);
        if (at !== undefined) due.set(hex(leaf), { leaf, at });
      },
      refused: (_leaf, error) => void (invalid ??= error),
    });
    // A store that was changed is told from a vault that wrote nonsense: the root comes first.
    if (!equal(tree.root, head.body.root)) throw rolledBack('the records do not give the root of the head');
    if (invalid !== undefined) throw invalid;
    const opened = new Partition(options, entry, head, tree, due);
    if (ahead) await opened.#moveAnchor({ ...entry, n: head.body.n, headHash: head.hash });
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

  /** Serves no more, for a reason that is not its own. */
  stop(error: StrongroomError): void {
    this.#fail(error);
  }

  /** Accounts that have a record. */
  get accounts(): number {
    return this.#tree.size;
  }

  /** Leaves for which a time has come by `now`. */
  overdue(now: number): Bytes[] {
    return [...this.#due.values()].filter(({ at }) => at <= now).map(({ leaf }) => leaf);
  }

  /** The effects that concern this partition and its HSM. */
  handlers(): Handlers {
    const { hsm } = this.#options;
    return {
      load: ({ leaf }) => this.load(leaf),
      commit: ({ leaf, token, record }) => this.commit(leaf, token, record),
      hmac: ({ key, data }) => hsm.hmac(key, data),
      sign: ({ receiptKeyId, message }) => hsm.sign(receiptKeyId, message),
      now: () => this.now(),
      random: ({ name, length }) => this.#random(name, length),
    };
  }

  /** Reads a record and proves it. @throws StrongroomError `rollback-detected`, `not-ready`, those of the store */
  async load(leaf: Bytes): Promise<Loaded> {
    const found = await this.#read(leaf);
    return { record: found && this.#open(leaf, found.sealed), token: found?.hash };
  }

  /**
   * Commits a record; true once it is durable and anchored **[D]**, false if `token` is out of date.
   *
   * @throws StrongroomError `record-invalid` for a record that breaks an invariant; the partition serves on
   */
  async commit(leaf: Bytes, token: Bytes | undefined, record: AccountRecord): Promise<boolean> {
    // Checked and sealed before it is queued: a record that breaks an invariant fails its own request alone.
    const salt = await this.#random('salt', 32);
    const sealed = sealRecord(this.#newest(), leaf, record, salt);
    return new Promise((resolve, reject) => {
      this.#serving();
      this.#queue.push({ leaf, token, record, sealed, resolve, reject });
      if (!this.#working) void this.#work();
    });
  }

  /** Persists the vault's time if a deadline is waited for, or in any case. */
  async heartbeat(always = false): Promise<void> {
    const old = this.now() - this.#head.body.vaultTime;
    if (this.#failure !== undefined || (!always && (this.#due.size === 0 || old < HEARTBEAT))) return;
    await this.#alone(() => this.#commitBatch([], true));
  }

  /** True if the data key is `seconds` old, or its replacement has begun. */
  rekeyDue(seconds: number): boolean {
    const { current, next } = this.#entry;
    return next !== undefined || this.now() - current.since >= seconds;
  }

  /**
   * Replaces the data key, or goes on with that. Once it has resolved, and the partition was not closed meanwhile, no
   * copy of the store from before opens any more.
   */
  rekey(): Promise<void> {
    return (this.#rekeying ??= this.#rekey().finally(() => (this.#rekeying = undefined)));
  }

  /** Waits for what is under way, and persists the vault's time; a replacement of the key goes on at the next start. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#rekeying?.catch(() => {});
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
    for (const { reject } of [...this.#queue.splice(0), ...this.#tasks.splice(0)]) reject(this.#failure);
    return this.#failure;
  }

  async #store<T>(use: (store: Store) => Promise<T>): Promise<T> {
    try {
      return await use(this.#options.store);
    } catch (error) {
      throw this.#fail(isStrongroomError(error) ? error : new StrongroomError('store-failed', String(error)));
    }
  }

  /** The key that records are sealed under. */
  #newest(): PartitionKey {
    return this.#entry.next ?? this.#entry.current;
  }

  /** A sealed record that is proved to be the present one; undefined if it is proved that there is none. */
  async #read(leaf: Bytes): Promise<{ readonly sealed: Bytes; readonly hash: Bytes } | undefined> {
    const { partition, prefixBits } = this.#options;
    for (;;) {
      while (this.#busy.has(hex(leaf))) await this.#batch;
      this.#serving();
      const shown = verifyProof(this.#tree.root, leaf, this.#tree.prove(leaf), prefixBits);
      if (shown === 'absent') return undefined;
      if (shown === 'invalid') throw this.#fail(rolledBack('the tree does not prove a record'));
      const sealed = await this.#store((store) => store.get(leafKey(partition, leaf)));
      const present = this.#tree.hashOf(leaf);
      const same = present !== undefined && equal(present, shown.hash);
      if (this.#busy.has(hex(leaf)) || !same) continue; // committed meanwhile
      if (sealed === undefined || !equal(sha256(sealed), shown.hash)) {
        throw this.#fail(rolledBack('a record is not the one that was committed'));
      }
      return { sealed, hash: shown.hash };
    }
  }

  #open(leaf: Bytes, sealed: Bytes): AccountRecord {
    try {
      return openRecord(keysOf(this.#entry), leaf, sealed);
    } catch (error) {
      throw isStrongroomError(error) ? this.#fail(error) : error;
    }
  }

  async #rekey(): Promise<void> {
    const { partition, observe } = this.#options;
    const begun = performance.now();
    const done = await rekey({
      entry: () => this.#entry,
      newKey: async () => ({
        epoch: this.#entry.current.epoch + 1,
        since: this.now(),
        key: await this.#random('partition_key', 32),
      }),
      moveKeys: (current, next) => this.#alone(() => this.#moveAnchor({ ...this.#entry, current, next })),
      leaves: () => this.#tree.size,
      reseal: (leaf) => this.#reseal(this.#tree.indexAt(leaf)),
      closing: () => this.#closing,
    });
    const { epoch } = this.#entry.current;
    const seconds = (performance.now() - begun) / 1000;
    if (done) observe?.rekeyed?.({ partition, epoch, seconds });
  }

  /** A record that somebody else commits meanwhile comes under the newest key by that. */
  async #reseal(leaf: Bytes): Promise<void> {
    const found = await this.#read(leaf);
    if (found === undefined || prefixOf(found.sealed).keyEpoch === this.#newest().epoch) return;
    await this.commit(leaf, found.hash, this.#open(leaf, found.sealed));
  }

  /** Does something between two batches. */
  #alone(run: Task['run']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#serving();
      this.#tasks.push({ run, resolve, reject });
      if (!this.#working) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#tasks.length + this.#queue.length > 0) {
      const task = this.#tasks.shift();
      const batch = task === undefined ? this.#queue.splice(0, MAX_BATCH) : [];
      const step = task === undefined ? this.#commitBatch(batch, false) : task.run().then(task.resolve);
      this.#batch = step.catch((error: unknown) => {
        const known = isStrongroomError(error) ? error : new StrongroomError('store-failed', String(error));
        const failure = this.#fail(known);
        task?.reject(failure);
        for (const { reject } of batch) reject(failure);
      });
      await this.#batch;
      this.#busy = new Set();
    }
    this.#working = false;
  }

  async #commitBatch(batch: readonly Queued[], stamp: boolean): Promise<void> {
    const { hsm, partition, observe } = this.#options;
    const accepted = batch.filter((queued) => this.#accept(queued));
    if (accepted.length === 0 && !stamp) return;
    const begun = performance.now();
    const sealed = accepted.map((queued) => this.#underNewest(queued));
    this.#tree.set(sealed.map(({ leaf, value }) => ({ index: leaf, hash: sha256(value) })));
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
          ...sealed.map(({ leaf, value }) => ({ key: leafKey(partition, leaf), value })),
          { key, value: head.bytes },
        ],
      }),
    ); // [D]
    if (!written) throw rolledBack('the head in the store is not the one that was committed');
    await this.#moveAnchor({ ...this.#entry, n: head.body.n, headHash: head.hash }); // [D]
    this.#head = head;
    observe?.commit?.({ partition, batch: accepted.length, seconds: (performance.now() - begun) / 1000 });
    for (const { leaf, record, resolve } of accepted) {
      const at = dueAt(record);
      if (at === undefined) this.#due.delete(hex(leaf));
      else this.#due.set(hex(leaf), { leaf, at });
      resolve(true);
    }
  }

  /** Takes a decision into the batch, unless another one has come first. */
  #accept({ leaf, token, resolve }: Queued): boolean {
    const present = this.#tree.hashOf(leaf);
    const same = token === undefined || present === undefined ? token === present : equal(token, present);
    if (same && !this.#busy.has(hex(leaf))) {
      this.#busy.add(hex(leaf));
      return true;
    }
    resolve(false);
    return false;
  }

  /** What is written of a decision; one that was made before the key was replaced is sealed again. */
  #underNewest({ leaf, record, sealed }: Queued): { readonly leaf: Bytes; readonly value: Bytes } {
    const { keyEpoch, salt } = prefixOf(sealed);
    const newest = this.#newest();
    return { leaf, value: keyEpoch === newest.epoch ? sealed : sealRecord(newest, leaf, record, salt) };
  }

  async #moveAnchor(to: AnchorEntry): Promise<void> {
    const { hsm, partition, observe } = this.#options;
    const begun = performance.now();
    const from = this.#entry;
    await hsm.anchor.advance([{ from, to }]);
    observe?.anchor?.({ partition, seconds: (performance.now() - begun) / 1000 });
    this.#entry = to;
    if (to.current.epoch !== from.current.epoch) wipe(from.current.key);
  }
}
