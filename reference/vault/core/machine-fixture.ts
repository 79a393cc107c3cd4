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
import { ed25519PublicKey } from '../../crypto/ed25519.ts';
import { systemRandom } from '../../crypto/random.ts';
import { isStrongroomError } from '../../errors.ts';
import { Answer, Recovered, RecoverStarted, RegisterStarted, type Statement } from '../../exchange/answer.ts';
import { ChangeFinish, ChangeStart, ChangeStarted } from '../../exchange/change.ts';
import { KeptHead, PutHead, SIGNED_SET_HEAD_LENGTH } from '../../exchange/heads.ts';
import {
  Delete,
  RecoverFinish,
  RecoverStart,
  RegisterConfirm,
  RegisterFinish,
  RegisterStart,
  type Command,
  type Proof as WireProof,
} from '../../exchange/request.ts';
import type { AnchorEntry, Hsm } from '../../hsm/interface.ts';
import { SoftwareHsm, softwareHsmPaths } from '../../hsm/software.ts';
import { label } from '../../keys/labels.ts';
import {
  DEFAULT_STRETCH,
  finishLogin,
  finishRegistration,
  identityStretch,
  sodiumSuite,
  startLogin,
  startRegistration,
} from '../../opaque/index.ts';
import { OPAQUE_RISTRETTO255, opaqueContext } from '../../opaque/profile.ts';
import { MemoryStore } from '../../store/memory.ts';
import { concat, equal, hex, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { createPartition, Partition } from '../partition.ts';
import { headKey } from '../start.ts';
import { TestAccount } from '../testing/account.ts';
import { MemoryDriver } from '../testing/memory-driver.ts';
import { signedBy, withAnchor } from '../testing/with-hsm.ts';
import { Turns } from '../turns.ts';
import { run } from './effects.ts';
import type { Fleet } from './fleet.ts';
import { handle, leafInput, sweep } from './handle.ts';
import {
  Model,
  type Ask,
  type Content,
  type Credential,
  type Element,
  type Expected,
  type Finish,
  type Login,
  type Proof,
} from './machine-model-fixture.ts';

const START = 1_800_000_000;
const suite = await sodiumSuite();
const RULES = { delays: [0, 0, 30], lastChanceSeconds: 600, graceSeconds: 7 * 86400 };
const PASSWORDS = ['one', 'two', 'three'];

/** What is done in a row, each with the newest of what the one before has given. */
const ROWS = {
  enrol: ['register', 'record', 'confirm'],
  guess: ['start', 'finish'],
  alter: ['change', 'replace'],
} as const;

/** A request that is made. */
type Making =
  | 'start'
  | 'finish'
  | 'register'
  | 'record'
  | 'confirm'
  | 'delete'
  | 'cancel'
  | 'change'
  | 'replace'
  | 'get'
  | 'put'
  | 'status';

/** What is done next; the numbers pick one of what there is. */
export interface Op {
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
  /** Who asks: the owner, or another who speaks for the account. */
  readonly who: number;
  readonly pick: number;
  readonly other: number;
  /** What becomes of the request, its answer, and the vault. */
  readonly fate:
    'answer' | 'lost request' | 'lost answer' | 'twice' | 'power before store' | 'power before anchor';
}

/** A request that the relay holds: it may be delivered at any time, and again. */
interface Letter {
  readonly ask: Ask;
  readonly bytes: Bytes;
  /** What the client makes of an answer. */
  readonly learn: (statement: Statement) => unknown;
}

/** A KE3 as the model and as the wire know it. */
interface Known {
  readonly proof: Proof;
  readonly wire: Extract<WireProof, { kind: 'ke3' }>;
}

interface Actor {
  readonly name: string;
  readonly client: TestAccount;
  readonly proofs: Known[];
  readonly registrations: {
    readonly element: Element;
    readonly started: RegisterStarted;
    readonly record: Bytes;
  }[];
  readonly finishes: { readonly finish: Finish; readonly confirm: Bytes }[];
  readonly changes: { readonly proof: Proof; readonly finish: Finish; readonly body: Bytes }[];
  version: number;
  head: number;
}

interface Account {
  readonly name: string;
  readonly model: Model;
  readonly actors: readonly [Actor, Actor];
  readonly letters: Letter[];
  /** The bodies that were seen, by what they must be the same for. */
  readonly bodies: Map<string, string>;
  readonly keys: Map<Finish, Bytes>;
}

/** One that was chosen from those that there are, the newest for 0. */
function choose<T>(from: readonly T[], pick: number): T | undefined {
  return from[from.length - 1 - (pick % Math.max(1, from.length))];
}

function headBytes(head: number): Bytes {
  return new Uint8Array(SIGNED_SET_HEAD_LENGTH).fill(head);
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
      actors: [this.#actor('owner', name), this.#actor('other', name)],
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
        const letter = this.#write({ ...op, what: op.what }, account);
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
        const letter = this.#write({ ...ask, what }, account);
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

  #actor(name: string, account: string): Actor {
    const client = new TestAccount(
      () => Promise.reject(new Error('asks nothing')),
      this.#fleet.fleetId,
      account,
    );
    return { name, client, proofs: [], registrations: [], finishes: [], changes: [], version: 0, head: 0 };
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
      this.#is('the head', hex(decode(KeptHead, statement.body).head), hex(headBytes(head)));
  }

  /** The request of an operation, if the client can make it yet. */
  #write(op: Omit<Op, 'what'> & { readonly what: Making }, account: Account): Letter | undefined {
    const actor = choose(account.actors, op.who);
    if (actor === undefined) return undefined;
    const { client } = actor;
    const letter = (ask: Ask, body: Bytes, learn: Letter['learn'] = () => {}, proof?: WireProof): Letter => ({
      ask,
      bytes: client.request(ask.command, body, proof),
      learn: async (statement) => {
        actor.version = Math.max(actor.version, statement.stateVersion);
        await learn(statement);
      },
    });
    const live = op.pick % 2 === 0 ? account.model.password : undefined;
    const password = live ?? PASSWORDS[op.pick % PASSWORDS.length] ?? '';
    switch (op.what) {
      case 'start': {
        const { ke1, state } = startLogin(suite, utf8(password));
        const login: Login = { password };
        return letter({ command: 'recover-start', login }, encode(RecoverStart, { ke1 }), (statement) =>
          statement.outcome === 'ok'
            ? this.#learnProof(account, actor, login, ke1, state, decode(RecoverStarted, statement.body))
            : undefined,
        );
      }
      case 'finish': {
        const known = choose(actor.proofs, op.pick);
        if (known === undefined) return undefined;
        const { kind: _, ...ke3Proof } = known.wire;
        const body = encode(RecoverFinish, { ...ke3Proof, acknowledged: 0 });
        return letter({ command: 'recover-finish', proof: known.proof }, body);
      }
      case 'register': {
        const { request, state } = startRegistration(suite, utf8(password));
        const element: Element = { password };
        let learned = false;
        return letter(
          { command: 'register-start', element },
          encode(RegisterStart, { registrationRequest: request }),
          async (statement) => {
            if (statement.outcome !== 'ok' || learned) return;
            learned = true;
            const started = decode(RegisterStarted, statement.body);
            const { registrationResponse: response } = started;
            const { record } = await finishRegistration({ suite, state, response, stretch: identityStretch });
            actor.registrations.push({ element, started, record });
          },
        );
      }
      case 'record': {
        const known = choose(actor.registrations, op.pick);
        if (known === undefined) return undefined;
        const { element, started, record } = known;
        const [secret, sealedKey] = [systemRandom('secret', 32), systemRandom('sealed_key', 48)];
        const finish = this.#finish(actor, element, started, op.other);
        const body = encode(RegisterFinish, {
          ...this.#values(actor, started, record, sealedKey, finish),
          confirmHash: nodeEngine.hash('sha256', concat(label('confirm'), secret)),
        });
        account.keys.set(finish, sealedKey);
        const recordHash = nodeEngine.hash('sha256', body);
        const confirm = encode(RegisterConfirm, {
          registrationId: started.registrationId,
          secret,
          recordHash,
        });
        actor.finishes.push({ finish, confirm });
        return letter({ command: 'register-finish', finish }, body);
      }
      case 'confirm': {
        const known = choose(actor.finishes, op.pick);
        if (known === undefined) return undefined;
        const { finish, confirm } = known;
        const [credential, proof] = this.#credential(actor, op.other, 'register-confirm', confirm);
        return letter({ command: 'register-confirm', finish, credential }, confirm, undefined, proof);
      }
      case 'delete':
      case 'cancel': {
        // What is there, what it saw last, or the one before that.
        const version =
          op.pick % 2 === 0
            ? account.model.version
            : Math.max(0, actor.version - (op.pick % 4 === 3 ? 1 : 0));
        const body = encode(Delete, { stateVersion: version });
        const [credential, proof] = this.#credential(actor, op.other, op.what, body);
        return letter({ command: op.what, version, credential }, body, undefined, proof);
      }
      case 'change': {
        const { ke1, state } = startLogin(suite, utf8(password));
        const next = PASSWORDS[op.other % PASSWORDS.length] ?? '';
        const registration = startRegistration(suite, utf8(next));
        const [login, element]: [Login, Element] = [{ password }, { password: next }];
        const body = encode(ChangeStart, { ke1, registrationRequest: registration.request });
        let learned = false;
        return letter({ command: 'change-start', login, element }, body, async (statement) => {
          if (statement.outcome !== 'ok' || learned) return;
          learned = true;
          const { attempt, registration: started } = decode(ChangeStarted, statement.body);
          const known = await this.#learnProof(account, actor, login, ke1, state, attempt);
          const { registrationResponse: response } = started;
          const { record } = await finishRegistration({
            suite,
            state: registration.state,
            response,
            stretch: identityStretch,
          });
          const sealedKey = systemRandom('sealed_key', 48);
          const finish = this.#finish(actor, element, started, op.pick);
          const { kind: _, ...ke3Proof } = known.wire;
          const values = this.#values(actor, started, record, sealedKey, finish);
          account.keys.set(finish, sealedKey);
          const change = encode(ChangeFinish, { ...ke3Proof, acknowledged: 0, ...values });
          actor.changes.push({ proof: known.proof, finish, body: change });
        });
      }
      case 'replace': {
        const known = choose(actor.changes, op.pick);
        if (known === undefined) return undefined;
        const { proof, finish, body } = known;
        return letter({ command: 'change-finish', proof, finish }, body);
      }
      case 'get': {
        const [credential, proof] = this.#credential(actor, op.other, 'get-head', new Uint8Array(0));
        return letter(
          { command: 'get-head', credential },
          new Uint8Array(0),
          ({ outcome, body }) => {
            if (outcome === 'ok') actor.head = decode(KeptHead, body).head[0] ?? 0;
          },
          proof,
        );
      }
      case 'put': {
        const head = 1 + (op.pick % 255);
        const previous = actor.head;
        const previousHash =
          previous === 0 ? new Uint8Array(32) : nodeEngine.hash('sha256', headBytes(previous));
        const body = encode(PutHead, { previousHash, head: headBytes(head) });
        const [credential, proof] = this.#credential(actor, op.other, 'put-head', body);
        const learn = ({ outcome }: Statement): void => {
          if (outcome === 'ok') actor.head = head;
        };
        return letter({ command: 'put-head', previous, head, credential }, body, learn, proof);
      }
      case 'status':
        break;
    }
    return letter({ command: 'status' }, new Uint8Array(0));
  }

  #finish(actor: Actor, element: Element, { generation }: RegisterStarted, pick: number): Finish {
    return { element, generation, budget: 1 + (pick % 5), owner: actor.name };
  }

  #values(
    { client }: Actor,
    { registrationId }: RegisterStarted,
    record: Bytes,
    sealedKey: Bytes,
    { budget }: Finish,
  ): Omit<RegisterFinish, 'confirmHash'> {
    const ownerKey = ed25519PublicKey(client.ownerSecret);
    return { registrationId, record, stretch: DEFAULT_STRETCH, sealedKey, ownerKey, budget };
  }

  /** What the client can show: nothing, its signature, or one of its KE3. */
  #credential(
    actor: Actor,
    pick: number,
    command: Command,
    body: Bytes,
  ): [Credential, WireProof | undefined] {
    const known = choose(actor.proofs, pick >> 2);
    if (pick % 4 === 0) return [undefined, undefined];
    if (pick % 4 < 3 || known === undefined)
      return [{ signedBy: actor.name }, actor.client.owner(command, body)];
    return [known.proof, known.wire];
  }

  /** KE3 from KE2, or what a client sends in its place if the envelope does not open. Made once for each KE2. */
  async #learnProof(
    { bodies }: Account,
    actor: Actor,
    login: Login,
    ke1: Bytes,
    state: ReturnType<typeof startLogin>['state'],
    { attemptId, oprfKeyId, opaqueKeyId, stretch, ke2 }: RecoverStarted,
  ): Promise<Known> {
    const name = [...bodies].find(([name, body]) => name.startsWith('KE2') && body === hex(ke2))?.[0];
    const charge = Number(name?.split(' ').at(-1));
    const known = actor.proofs.find(({ proof }) => proof.login === login && proof.charge === charge);
    if (known !== undefined) return known;
    const context = opaqueContext({ suite: OPAQUE_RISTRETTO255, oprfKeyId, opaqueKeyId, stretch });
    const options = { suite, state: structuredClone(state), ke2, context, stretch: identityStretch };
    const ke3 = await finishLogin(options).then(
      (done) => done.ke3,
      () => undefined,
    );
    const proof = { login, charge, right: ke3 !== undefined };
    const wire = { kind: 'ke3', ke1, attemptId, ke3: ke3 ?? systemRandom('dummy_ke3', 64) } as const;
    actor.proofs.push({ proof, wire });
    return { proof, wire };
  }
}
