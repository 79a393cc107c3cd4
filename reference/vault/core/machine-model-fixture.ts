/**
 * What a vault does, without bytes: one account as the state machine expects it (spec/exchange.md, spec/attempts.md). No
 * line of it is taken from the core.
 *
 * @module
 */
import type { Outcome, Phase, ScheduledChange } from '../../exchange/answer.ts';

/** A KE1 and what its client has tried with it. */
export interface Login {
  readonly password: string;
}

/** The element of a registration. */
export interface Element {
  readonly password: string;
}

/** What a registration is finished with; two of them are the same if their bytes are. */
export interface Finish {
  readonly element: Element;
  /** The generation that the answer to the element named: it stands for registration id, seed and keys. */
  readonly generation: number;
  readonly budget: number;
  /** Who has the owner key in it. */
  readonly owner: string;
}

/** A KE3 with all that it refers to. */
export interface Proof {
  readonly login: Login;
  /** The charge that its KE2 came from. */
  readonly charge: number;
  readonly right: boolean;
}

/** The proof of a request: none, a signature of somebody, or a KE3. */
export type Credential = undefined | { readonly signedBy: string } | Proof;

/** A request. */
export type Ask =
  | { readonly command: 'recover-start'; readonly login: Login }
  | { readonly command: 'recover-finish'; readonly proof: Proof }
  | { readonly command: 'register-start'; readonly element: Element }
  | { readonly command: 'register-finish'; readonly finish: Finish }
  | { readonly command: 'register-confirm'; readonly finish: Finish; readonly credential: Credential }
  | { readonly command: 'delete'; readonly version: number; readonly credential: Credential }
  | { readonly command: 'cancel'; readonly effectiveAt: number; readonly credential: Credential }
  | { readonly command: 'change-start'; readonly login: Login; readonly element: Element }
  | { readonly command: 'change-finish'; readonly proof: Proof; readonly finish: Finish }
  | { readonly command: 'get-head'; readonly credential: Credential }
  | {
      readonly command: 'put-head';
      readonly previous: number;
      readonly head: number;
      readonly credential: Credential;
    }
  | { readonly command: 'status' };

/** What an answer says. */
export interface Expected {
  readonly outcome: Outcome;
  readonly phase: Phase;
  readonly stateVersion: number;
  readonly generation: number;
  readonly budget: number;
  readonly remaining: number;
  readonly retryAfter: number;
  readonly scheduledChange: ScheduledChange;
  readonly effectiveAt: number;
}

/** What the body of an `ok` answer holds, and other bodies of the same name hold too. */
export interface Content {
  /** The charge that KE2 comes from. */
  readonly charge?: number;
  /** The generation that a registration response is of. */
  readonly pending?: number;
  /** The registration whose sealed key it is. */
  readonly sealed?: Finish;
  /** Number of the head; 0 for none. */
  readonly head?: number;
}

/** The numbers of the policy. */
export interface Rules {
  readonly delays: readonly number[];
  readonly lastChanceSeconds: number;
  readonly graceSeconds: number;
}

const PERIOD = 30 * 86400;
const isProof = (credential: Credential): credential is Proof =>
  credential !== undefined && 'right' in credential;

/** One account. */
export class Model {
  readonly #rules: Rules;
  version = 0;
  phase: Phase = 'none';
  generation = 0;
  budget = 0;
  charged = 0;
  #next = 1;
  #charges = 0;
  #live: Finish | undefined;
  /** Whose key is live, or was last. */
  #owner = '';
  #wait = 0;
  #deadline = 0;
  #open: { login: Login; charge: number; opened: number }[] = [];
  #closed: { proof: Proof; ok: boolean; time: number }[] = [];
  #pending: { element: Element; generation: number; finish: Finish | undefined } | undefined;
  #scheduled: { finish: Finish | undefined; at: number } | undefined;
  readonly #ledger = new Map<number, number>();
  #head = 0;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** True while a key can be recovered. */
  get isLive(): boolean {
    return this.phase === 'active' || this.phase === 'last-chance';
  }

  /** The password of the live generation. */
  get password(): string | undefined {
    return this.#live?.element.password;
  }

  /** When what is scheduled takes effect; 0 if nothing is. */
  get effectiveAt(): number {
    return this.#scheduled?.at ?? 0;
  }

  /** Does what is due; how many commits that takes. */
  settle(now: number): number {
    const before = this.version;
    if (this.phase === 'last-chance' && now >= this.#deadline) this.#end('destroyed');
    if (this.#scheduled !== undefined && now >= this.#scheduled.at) {
      const { finish } = this.#scheduled;
      if (finish === undefined) this.#end('deleted');
      else this.#goLive(finish, 'nothing', now);
    }
    return this.version - before;
  }

  /** Handles a request: what its answer must say. */
  handle(ask: Ask, now: number): Expected & Content {
    this.settle(now);
    const [outcome, content = {}] = this.#decide(ask, now);
    const { phase, generation, budget, version, charged } = this;
    return {
      outcome,
      phase,
      stateVersion: version,
      generation,
      budget,
      remaining: budget - charged,
      retryAfter: this.#retryAfter(now),
      scheduledChange: this.#scheduled ? (this.#scheduled.finish ? 'replacement' : 'deletion') : 'none',
      effectiveAt: this.effectiveAt,
      ...(outcome === 'ok' ? content : {}),
    };
  }

  #retryAfter(now: number): number {
    if (this.phase === 'last-chance') return Math.max(0, this.#deadline - now);
    return this.phase === 'active' ? Math.max(0, this.#wait - now) : 0;
  }

  #decide(ask: Ask, now: number): [Outcome, Content?] {
    switch (ask.command) {
      case 'status':
        break;
      case 'recover-start': {
        const refused = this.#refuseAttempt(ask.login, now);
        if (refused !== undefined) return [refused];
        return ['ok', { charge: this.#attempt(ask.login, now) }];
      }
      case 'recover-finish': {
        const gone = this.#gone();
        if (gone !== undefined) return [gone];
        const { proof } = ask;
        const before = this.#remembered(proof, now);
        if (before !== undefined) return before.ok ? ['ok', this.#sealed()] : ['wrong-password'];
        const verdict = this.#verify(proof, now);
        if (verdict === 'ok') this.#remember(proof, true, now);
        return verdict === 'unknown' ? ['conflict'] : [verdict, this.#sealed()];
      }
      case 'register-start':
        return ['ok', { pending: this.#begin(ask.element) }];
      case 'register-finish': {
        const pending = this.#pending;
        const { finish } = ask;
        if (pending?.generation !== finish.generation) return ['conflict'];
        if (pending.finish !== undefined) return [pending.finish === finish ? 'ok' : 'conflict'];
        pending.finish = finish;
        this.version++;
        return ['ok'];
      }
      case 'register-confirm':
        return [this.#confirm(ask.finish, ask.credential, now)];
      case 'delete':
        return [this.#delete(ask.version, ask.credential, now)];
      case 'cancel': {
        if (this.#scheduled === undefined) return ['ok'];
        if (ask.effectiveAt !== this.effectiveAt) return ['conflict'];
        const verdict = this.#check(ask.credential, now);
        if (verdict !== 'password' && verdict !== 'owner') return [verdict];
        this.#scheduled = undefined;
        if (verdict === 'owner') this.version++;
        return ['ok'];
      }
      case 'change-start': {
        const gone = this.#gone();
        if (gone !== undefined) return [gone];
        const refused = this.#refuseAttempt(ask.login, now);
        if (refused !== undefined) return [refused];
        const before = this.version;
        if (!this.#open.some((one) => one.login === ask.login)) this.#pending = undefined;
        const pending = this.#begin(ask.element);
        const charge = this.#attempt(ask.login, now);
        this.version = Math.min(this.version, before + 1); // one commit
        return ['ok', { charge, pending }];
      }
      case 'change-finish':
        return [this.#change(ask.proof, ask.finish, now)];
      case 'get-head':
        if (this.phase === 'none') return ['not-registered'];
        return this.#isOwner(ask.credential) ? ['ok', { head: this.#head }] : ['not-authorised'];
      case 'put-head':
        if (this.phase === 'none') return ['not-registered'];
        if (!this.#isOwner(ask.credential)) return ['not-authorised'];
        if (this.#head !== ask.head) {
          if (this.#head !== ask.previous) return ['conflict'];
          this.#head = ask.head;
          this.version++;
        }
        return ['ok', { head: this.#head }];
    }
    return ['ok'];
  }

  #sealed(): Content {
    return this.#live === undefined ? {} : { sealed: this.#live };
  }

  #gone(): Outcome | undefined {
    if (this.isLive) return undefined;
    return this.phase === 'destroyed' ? 'destroyed' : 'not-registered';
  }

  #refuseAttempt(login: Login, now: number): Outcome | undefined {
    const gone = this.#gone();
    if (gone !== undefined || this.#open.some((one) => one.login === login)) return gone;
    return this.phase === 'last-chance' || this.#wait > now ? 'try-later' : undefined;
  }

  /** The charge of a KE1, a new one if no attempt of it is open. */
  #attempt(login: Login, now: number): number {
    const open = this.#open.find((one) => one.login === login);
    if (open !== undefined) return open.charge;
    const charge = ++this.#charges;
    this.#open = [...this.#open, { login, charge, opened: now }].slice(-4);
    const period = Math.floor(now / PERIOD);
    this.#ledger.set(period, (this.#ledger.get(period) ?? 0) + 1);
    this.charged++;
    this.version++;
    if (this.charged === this.budget) {
      this.phase = 'last-chance';
      this.#deadline = now + this.#rules.lastChanceSeconds;
      this.#wait = 0;
    } else this.#wait = now + this.#delay();
    return charge;
  }

  #delay(): number {
    return this.#rules.delays[Math.min(this.charged, this.#rules.delays.length - 1)] ?? 0;
  }

  #begin(element: Element): number {
    if (this.#pending?.element !== element) {
      this.#pending = { element, generation: this.#next++, finish: undefined };
      this.version++;
    }
    return this.#pending.generation;
  }

  #remembered(proof: Proof, now: number): { ok: boolean } | undefined {
    return this.#closed.find((one) => one.proof === proof && now - one.time < 86400);
  }

  #remember(proof: Proof, ok: boolean, now: number): void {
    this.#closed = [...this.#closed, { proof, ok, time: now }].slice(-4);
  }

  /** Closes the attempt of a KE3, if it is of one. */
  #verify(proof: Proof, now: number): 'ok' | 'wrong-password' | 'destroyed' | 'unknown' {
    const open = this.#open.find(({ login, charge }) => login === proof.login && charge === proof.charge);
    if (open === undefined) return 'unknown';
    this.#open = this.#open.filter((one) => one !== open);
    if (!proof.right) {
      this.#remember(proof, false, now);
      if (this.phase === 'last-chance' && this.#open.length === 0) {
        this.#end('destroyed');
        return 'destroyed';
      }
      this.version++;
      return 'wrong-password';
    }
    const period = Math.floor(open.opened / PERIOD);
    this.#ledger.set(period, Math.max(0, (this.#ledger.get(period) ?? 0) - 1));
    this.phase = 'active';
    this.charged = 0;
    this.#wait = 0;
    this.version++;
    return 'ok';
  }

  #isOwner(credential: Credential): boolean {
    return credential !== undefined && !isProof(credential) && credential.signedBy === this.#owner;
  }

  #check(credential: Credential, now: number): 'password' | 'owner' | Outcome {
    if (!isProof(credential)) return this.#isOwner(credential) ? 'owner' : 'not-authorised';
    if (this.#remembered(credential, now)?.ok === false) return 'wrong-password';
    const verdict = this.#verify(credential, now);
    if (verdict === 'unknown') return 'not-authorised';
    return verdict === 'ok' ? 'password' : verdict;
  }

  #confirm(finish: Finish, credential: Credential, now: number): Outcome {
    if (this.isLive && this.#live === finish) return 'ok';
    const isPending = this.#pending?.finish === finish;
    const isScheduled = this.#scheduled?.finish === finish;
    if (!isPending && !isScheduled) return 'conflict';
    if (!this.isLive) {
      this.#goLive(finish, 'nothing', now);
      return 'ok';
    }
    if (credential === undefined) {
      if (this.#scheduled === undefined) {
        this.#scheduled = { finish, at: now + this.#rules.graceSeconds };
        this.#pending = undefined;
        this.version++;
      }
      return 'scheduled';
    }
    const before = this.version;
    const verdict = this.#check(credential, now);
    if (verdict !== 'password' && verdict !== 'owner') return verdict;
    this.version = before;
    this.#goLive(finish, verdict, now);
    return 'ok';
  }

  #delete(version: number, credential: Credential, now: number): Outcome {
    if (this.phase === 'none') return 'not-registered';
    if (this.phase === 'destroyed') return 'destroyed';
    if (this.phase === 'deleted') return 'ok';
    const unproved = credential === undefined;
    if (version !== this.version) {
      const again = this.#scheduled !== undefined && this.#scheduled.finish === undefined;
      return unproved && again ? 'scheduled' : 'conflict';
    }
    if (unproved) {
      if (this.#scheduled === undefined) {
        this.#scheduled = { finish: undefined, at: now + this.#rules.graceSeconds };
        this.version++;
      }
      return 'scheduled';
    }
    const before = this.version;
    const verdict = this.#check(credential, now);
    if (verdict !== 'password' && verdict !== 'owner') return verdict;
    this.version = before;
    this.#end('deleted');
    return 'ok';
  }

  #change(proof: Proof, finish: Finish, now: number): Outcome {
    if (this.isLive && this.#live === finish) return 'ok';
    const gone = this.#gone();
    if (gone !== undefined) return gone;
    if (this.#remembered(proof, now)?.ok === false) return 'wrong-password';
    const isOpen = this.#open.some(({ login, charge }) => login === proof.login && charge === proof.charge);
    const { generation, finish: done } = this.#pending ?? {};
    if (!isOpen || generation !== finish.generation || done !== undefined) return 'conflict';
    const before = this.version;
    const verdict = this.#verify(proof, now);
    if (verdict !== 'ok') return verdict === 'unknown' ? 'conflict' : verdict;
    this.version = before;
    this.#goLive(finish, 'password', now);
    return 'ok';
  }

  #end(how: 'destroyed' | 'deleted'): void {
    this.phase = how;
    this.#live = this.#pending = this.#scheduled = undefined;
    this.#open = [];
    this.#closed = [];
    this.version++;
  }

  #goLive(finish: Finish, by: 'password' | 'owner' | 'nothing', now: number): void {
    const period = Math.floor(now / PERIOD);
    const recent = (this.#ledger.get(period) ?? 0) + (this.#ledger.get(period - 1) ?? 0);
    if (by === 'nothing' && finish.owner !== this.#owner) this.#head = 0;
    this.phase = 'active';
    this.#live = finish;
    this.#owner = finish.owner;
    this.generation = finish.generation;
    this.budget = finish.budget;
    this.charged = by === 'password' ? 0 : Math.min(finish.budget - 1, recent);
    this.#wait = this.charged === 0 ? 0 : now + this.#delay();
    this.#pending = this.#scheduled = undefined;
    this.#open = [];
    this.#closed = [];
    this.version++;
  }
}
