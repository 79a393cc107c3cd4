/**
 * Partitions on a store in memory and on a software anchor, for tests: with crashes, and with accounts to ask.
 *
 * @module
 */
import { cpSync, mkdirSync } from 'node:fs';
import { Answer, type Statement } from '../../exchange/answer.ts';
import { SoftwareHsm, softwareHsmPaths } from '../../hsm/software.ts';
import type { Store } from '../../store/interface.ts';
import { MemoryStore } from '../../store/memory.ts';
import { utf8, type Bytes } from '../../wire/bytes.ts';
import { decode } from '../../wire/codec.ts';
import { run } from '../core/effects.ts';
import type { Fleet } from '../core/fleet.ts';
import { handle, leafInput } from '../core/handle.ts';
import { createPartition } from '../partition.ts';
import { Partitions } from '../partitions.ts';
import { headKey } from '../start.ts';
import { TestAccount } from './account.ts';
import { signedBy, withAnchor } from './with-hsm.ts';

/** The moment at which the power goes: before the write of this number, or after it. */
export interface Crash {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** State of a vault, whatever is open on it. */
export class TestState {
  /** Vault time begins here. */
  static readonly start: number = 1_700_000_000;
  store: MemoryStore = new MemoryStore();
  hsm: SoftwareHsm;
  /** Seconds that a partition has run. */
  seconds = 0;
  /** Writes to store and anchor since the last `open`. */
  writes = 0;
  readonly #folder: string;
  readonly #fleet: Fleet;

  private constructor(folder: string, fleet: Fleet, hsm: SoftwareHsm, store: MemoryStore) {
    this.#folder = folder;
    this.#fleet = fleet;
    this.hsm = hsm;
    this.store = store;
  }

  /** Makes `2^prefixBits` empty partitions; the HSM's files are in `folder`. */
  static async make(folder: string, fleet: Fleet, prefixBits: number): Promise<TestState> {
    mkdirSync(folder, { recursive: true });
    const store = new MemoryStore();
    const hsm = await SoftwareHsm.create(softwareHsmPaths(folder), async (hmac) => {
      const numbers = Array.from({ length: 2 ** prefixBits }, (_, number) => number);
      const made = await Promise.all(numbers.map((number) => createPartition(hmac, number, TestState.start)));
      const writes = made.map(({ head }) => ({ key: headKey(head.body.partition), value: head.bytes }));
      await store.commit({ conditions: [], writes });
      return made.map(({ entry }) => entry);
    });
    return new TestState(folder, signedBy(hsm, fleet), hsm, store);
  }

  /** The same state again, with the HSM's files in another folder. */
  async copy(folder: string): Promise<TestState> {
    cpSync(this.#folder, folder, { recursive: true });
    const hsm = await SoftwareHsm.open(softwareHsmPaths(folder));
    return new TestState(folder, this.#fleet, hsm, new MemoryStore(this.store));
  }

  /** Opens the partitions as after a start. With a crash, nothing works any more from then on. */
  async open(crash?: Crash): Promise<Partitions> {
    await this.hsm.close();
    this.hsm = await SoftwareHsm.open(softwareHsmPaths(this.#folder));
    this.writes = 0;
    let dead = false;
    const alive = async <T>(use: () => Promise<T>): Promise<T> => {
      if (dead) throw new Error('power is gone');
      return use();
    };
    const write = async <T>(use: () => Promise<T>): Promise<T> => {
      const last = ++this.writes === crash?.at;
      dead ||= last && crash?.when === 'before';
      const result = await alive(use);
      dead ||= last;
      return alive(() => Promise.resolve(result));
    };
    const { store, hsm } = this;
    const own: Store = {
      get: (key) => alive(() => store.get(key)),
      scan: (prefix) => store.scan(prefix),
      commit: (transaction) => write(() => store.commit(transaction)),
      close: () => store.close(),
    };
    const device = withAnchor(hsm, {
      advance: (changes) => write(() => hsm.anchor.advance(changes)),
    });
    return Partitions.open({ store: own, hsm: device, monotonic: () => this.seconds });
  }

  /** Where the anchor is. */
  get anchorFile(): string {
    return softwareHsmPaths(this.#folder).anchor;
  }

  /** The leaf index of an account. */
  leafOf(name: string): Promise<Bytes> {
    return this.hsm.hmac('index', leafInput(utf8(name)));
  }

  /** An account that asks these partitions. */
  account(partitions: Partitions, name: string): TestAccount {
    const send = async (plaintext: Bytes): Promise<Statement> => {
      const call = { caller: { kind: 'anyone' }, requestHash: new Uint8Array(32), plaintext } as const;
      const { answer } = await run(handle(this.#fleet, call), partitions.handlers());
      return decode(Answer, answer).statement;
    };
    return new TestAccount(send, this.#fleet.fleetId, name);
  }

  /** The first `count` names of which each partition has as many as any other. */
  async names(prefixBits: number, count: number): Promise<string[]> {
    const each = Array.from({ length: 2 ** prefixBits }, (): string[] => []);
    for (let i = 0; each.some(({ length }) => length < count); i++) {
      const name = `user-${i}`;
      const [first = 0] = await this.leafOf(name);
      const own = each[first >> (8 - prefixBits)];
      if (own !== undefined && own.length < count) own.push(name);
    }
    return each.flat();
  }
}
