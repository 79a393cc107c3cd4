/**
 * The state machine: clients with real cryptography, a relay that loses, repeats, delays and reorders, and a vault (core,
 * turns, partition, store, anchor) that is stopped, cut off and swept, against {@link Model}.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeEngine } from '../../crypto/node.ts';
import { isStrongroomError } from '../../errors.ts';
import { Answer, Recovered, RecoverStarted, RegisterStarted, type Statement } from '../../exchange/answer.ts';
import { ChangeStarted } from '../../exchange/change.ts';
import { KeptHead } from '../../exchange/heads.ts';
import type { AnchorEntry, Hsm } from '../../hsm/interface.ts';
import { SoftwareHsm, softwareHsmPaths } from '../../hsm/software.ts';
import { MemoryStore } from '../../store/memory.ts';
import { equal, hex, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { createPartition, Partition } from '../partition.ts';
import { headKey } from '../start.ts';
import { MemoryDriver } from '../testing/memory-driver.ts';
import { testHead } from '../testing/account.ts';
import { signedBy, withAnchor } from '../testing/with-hsm.ts';
import { Turns } from '../turns.ts';
import { run } from './effects.ts';
import type { Fleet } from './fleet.ts';
import { handle, leafInput, sweep } from './handle.ts';
import { Model, type Content, type Expected } from './machine-model-fixture.ts';
import {
  choose,
  newActor,
  write,
  suite,
  type Account,
  type Letter,
  type Making,
  type Wish,
} from './machine-client-fixture.ts';

const START = 1_800_000_000;

const RULES = { delays: [0, 0, 30], lastChanceSeconds: 600, graceSeconds: 7 * 86400 };

/** What is done in a row, each with the newest of what the one before has given. */
const ROWS = {
  enrol: ['register', 'record', 'confirm'],
  guess: ['start', 'finish'],
  alter: ['change', 'replace'],
} as const;

/** What is done next; the numbers pick one of what there is. */
export interface Op extends Omit<Wish, 'what'> {
  readonly what:
    | Making
    /** Several requests in a row: a registration, an attempt, a change of the password. */
    | keyof typeof ROWS
    /** Requests of before again: one, or two at once. */
    | 'replay'
    | 'together'
    | 'time'
    | 'restart'
    | 'sweep'
    | 'rollback'
    | 'rekey';
  readonly account: number;
  /** What becomes of the request, its answer, and the vault. */
  readonly fate:
    'answer' | 'lost request' | 'lost answer' | 'twice' | 'power before store' | 'power before anchor';
}

/** The machine. */
export class Machine {
  /** Requests delivered, and all else that was done to the vault. */
  steps = 0;
  readonly #folder: string;
  readonly #hsm: Hsm;
  readonly #fleet: Fleet;
  #store: MemoryStore;
  #partition: Partition | undefined;
  #turns = new Turns();
  readonly #accounts: readonly Account[];
  #seconds = 0;
  /** Vault time of the newest head. */
  #head: number = START;
  #power: Op['fate'] = 'answer';

  private constructor(folder: string, keys: Hsm, store: MemoryStore, entry: AnchorEntry) {
    this.#folder = folder;
    let held = entry;
    this.#hsm = withAnchor(keys, {
      read: () => Promise.resolve([held]),
      advance: ([change]) => {
        if (this.#power === 'power before anchor') return Promise.reject(new Error('power is gone'));
        if (change === undefined || change.from.n !== held.n || !equal(change.from.headHash, held.headHash))
          return Promise.reject(new Error('not what the anchor holds'));
        held = change.to;
        return Promise.resolve();
      },
    });
    const { fleet } = new MemoryDriver({ ...RULES, ceiling: 1_000_000 }, suite);
    this.#fleet = signedBy(this.#hsm, fleet);
    this.#store = store;
    this.#accounts = ['alice', 'bob'].map((name) => ({
      name,
      model: new Model(RULES),
      actors: [newActor('owner', this.#fleet, name), newActor('other', this.#fleet, name)],
      letters: [],
      bodies: new Map(),
      keys: new Map(),
    }));
  }

  /** A new vault. */
  static async make(): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-machine-'));
    const store = new MemoryStore();
    let first: AnchorEntry | undefined;
    const keys = await SoftwareHsm.create(softwareHsmPaths(folder), async (hmac) => {
      const { head, entry } = await createPartition(hmac, 0, START);
      await store.commit({ conditions: [], writes: [{ key: headKey(0), value: head.bytes }] });
      first = entry;
      return [entry];
    });
    if (first === undefined) throw new Error('no entry');
    const machine = new Machine(folder, keys, store, first);
    await machine.#open();
    return machine;
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.#hsm.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Does one thing, and compares. */
  async apply(op: Op): Promise<void> {
    const account = choose(this.#accounts, op.account);
    if (account === undefined) return;
    if (['time', 'restart', 'rollback', 'sweep', 'rekey'].includes(op.what)) this.steps++;
    switch (op.what) {
      case 'time':
        this.#seconds +=
          [1, 29, 30, 599, 600, 86399, 86400, 6 * 86400, 7 * 86400, 31 * 86400][op.pick % 10] ?? 0;
        return;
      case 'restart':
        return this.#restart(op.pick % 2 === 0);
      case 'rollback':
        return this.#rollBack(op.pick);
      case 'sweep':
        return this.#sweep();
      case 'rekey':
        await this.#open_.rekey();
        if (this.#accounts.some(({ model }) => model.version > 0)) this.#head = this.#now; // else nothing is sealed anew
        return;
      case 'together':
        return this.#together(op);
      case 'enrol':
      case 'guess':
      case 'alter':
        for (const what of ROWS[op.what])
          await this.apply({ ...op, what, ...(what === ROWS[op.what][0] ? {} : { pick: 0 }) });
        return;
      case 'replay': {
        const letter = choose(account.letters, op.pick);
        if (letter !== undefined) await this.#deliver(account, letter, op.fate);
        return;
      }
      case 'start':
      case 'finish':
      case 'register':
      case 'record':
      case 'confirm':
      case 'delete':
      case 'cancel':
      case 'change':
      case 'replace':
      case 'get':
      case 'put':
      case 'status': {
        const letter = write({ ...op, what: op.what }, account);
        if (letter === undefined) return;
        account.letters.push(letter);
        if (op.fate !== 'lost request') await this.#deliver(account, letter, op.fate);
      }
    }
  }

  /** What the owner of a live key finds with the right password. */
  async recoverAll(): Promise<void> {
    for (const account of this.#accounts) {
      for (let tries = 0; tries < 2; tries++) {
        this.#seconds += 8 * 86400;
        await this.#sweep();
      }
      const { password } = account.model;
      if (password === undefined) continue;
      const ask = { account: 0, who: 1, pick: 0, other: 0, fate: 'answer' } as const;
      for (const what of ['start', 'finish'] as const) {
        const letter = write({ ...ask, what }, account);
        if (letter !== undefined) await this.#deliver(account, letter, 'answer');
      }
      if (account.model.charged !== 0) throw new Error('the right password did not recover its key');
    }
  }

  get #open_(): Partition {
    if (this.#partition === undefined) throw new Error('no partition');
    return this.#partition;
  }

  get #now(): number {
    return this.#open_.now();
  }

  async #open(): Promise<void> {
    const store = this.#store;
    this.#power = 'answer';
    this.#turns = new Turns();
    const own = {
      get: (key: Uint8Array) => store.get(key),
      scan: (prefix: Uint8Array) => store.scan(prefix),
      close: () => store.close(),
      commit: (...args: Parameters<MemoryStore['commit']>) =>
        this.#power === 'power before store'
          ? Promise.reject(new Error('power is gone'))
          : store.commit(...args),
    };
    const monotonic = (): number => this.#seconds;
    this.#partition = await Partition.open({
      store: own,
      hsm: this.#hsm,
      partition: 0,
      prefixBits: 0,
      monotonic,
    });
    this.#is('the time after a start', this.#now, this.#head);
  }

  #is(what: string, found: unknown, expected: unknown): void {
    if (found !== expected) throw new Error(`${what}: ${String(found)}, not ${String(expected)}`);
  }

  async #restart(orderly: boolean): Promise<void> {
    if (orderly) {
      this.#head = this.#now;
      await this.#open_.close();
    }
    await this.#open();
  }

  /** Whoever holds the disk puts an older store in its place; what the vault says then, and that it goes on with the newest. */
  async #rollBack(pick: number): Promise<void> {
    const newest = this.#store;
    const older = new MemoryStore(newest);
    this.#seconds++;
    await this.#restart(true); // one more head
    this.#store = pick % 2 === 0 ? older : new MemoryStore();
    const error: unknown = await this.#open().catch((error: unknown) => error);
    if (!isStrongroomError(error, 'rollback-detected'))
      throw new Error(`an older store was served: ${String(error)}`);
    this.#store = newest;
    await this.#open();
  }

  async #sweep(): Promise<void> {
    const now = this.#now;
    const due = new Set(this.#open_.overdue(now).map((leaf) => hex(leaf)));
    for (const { name, model } of this.#accounts) {
      const leaf = await this.#hsm.hmac('index', leafInput(utf8(name)));
      const commits = model.settle(now);
      this.#is(`${name} is due`, due.has(hex(leaf)), commits > 0);
      if (commits > 0) this.#head = now;
      await run(sweep(this.#fleet, leaf), this.#open_.handlers());
    }
    this.#is('what is due after a sweep', this.#open_.overdue(now).length, 0);
  }

  /** Two requests that arrive at once: answered as one after the other. */
  async #together(op: Op): Promise<void> {
    const letters = [op.pick, op.other].flatMap((pick, i) => {
      const account = choose(this.#accounts, op.account + i * (op.who % 2));
      const letter = account && choose(account.letters, pick);
      return account && letter ? [{ account, letter }] : [];
    });
    const now = this.#now;
    const statements = await Promise.all(letters.map(({ letter }) => this.#ask(letter)));
    for (const [i, { account, letter }] of letters.entries()) {
      const statement = statements[i];
      if (statement !== undefined) this.#compare(account, letter, statement, now);
    }
  }

  async #ask({ bytes }: Letter): Promise<Statement> {
    this.steps++;
    const requestHash = nodeEngine.hash('sha256', bytes);
    const call = { caller: { kind: 'anyone' }, requestHash, plaintext: bytes } as const;
    const { answer } = await this.#turns.run(handle(this.#fleet, call), this.#open_.handlers());
    return decode(Answer, answer).statement;
  }

  async #deliver(account: Account, letter: Letter, fate: Op['fate']): Promise<void> {
    if (fate === 'lost request') return;
    if (fate.startsWith('power')) {
      await this.#sweep(); // so that the next commit is that of the request
      this.#power = fate;
    }
    const now = this.#now;
    let statement: Statement;
    try {
      statement = await this.#ask(letter);
    } catch (error) {
      if (!fate.startsWith('power')) throw error;
      // Cut off in its commit: it is there as a whole, or not at all, and no answer has left.
      if (fate === 'power before anchor') {
        account.model.handle(letter.ask, now);
        this.#head = now;
      }
      return this.#open();
    }
    this.#power = 'answer';
    this.#compare(account, letter, statement, now);
    if (fate !== 'lost answer') await letter.learn(statement);
    if (fate === 'twice') this.#compare(account, letter, await this.#ask(letter), now);
  }

  /** An answer against what the model says. */
  #compare(account: Account, { ask }: Letter, statement: Statement, now: number): void {
    const { model, bodies, keys } = account;
    const before = model.version;
    const { charge, pending, sealed, head, ...expected }: Expected & Content = model.handle(ask, now);
    if (model.version > before) this.#head = now;
    for (const [name, value] of Object.entries(expected))
      this.#is(`${name} of ${ask.command}`, statement[name as keyof Statement], value);
    if (statement.outcome !== 'ok') return this.#is('an empty body', statement.body.length, 0);
    const same = (name: string, body: Bytes): void => {
      const known = bodies.get(name) ?? hex(body);
      this.#is(name, hex(body), known);
      bodies.set(name, known);
    };
    const { attempt, registration } =
      ask.command === 'change-start'
        ? decode(ChangeStarted, statement.body)
        : {
            attempt: charge === undefined ? undefined : decode(RecoverStarted, statement.body),
            registration: pending === undefined ? undefined : decode(RegisterStarted, statement.body),
          };
    if (charge !== undefined && attempt !== undefined) same(`KE2 of charge ${charge}`, attempt.ke2);
    if (pending !== undefined && registration !== undefined) {
      this.#is('the generation that begins', registration.generation, pending);
      same(`registration ${pending}`, encode(RegisterStarted, registration));
    }
    if (sealed !== undefined)
      this.#is(
        'the sealed key',
        hex(decode(Recovered, statement.body).sealedKey),
        hex(keys.get(sealed) ?? utf8('')),
      );
    if (head !== undefined)
      this.#is('the head', hex(decode(KeptHead, statement.body).head), hex(testHead(head)));
  }
}
