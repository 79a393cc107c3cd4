/**
 * Every schedule of a few requests at the real core: their steps in every order, a loss of power before every step,
 * answers that are lost and asked for again with the same bytes, and time that passes in between. A state that was
 * reached before is not searched again.
 *
 * What must hold is judged from what leaves the vault: answers, and what a password opens afterwards.
 *
 * @module
 */
import { nodeEngine } from '../../crypto/node.ts';
import { Answer, type Statement } from '../../exchange/answer.ts';
import type { Group, Suite } from '../../opaque/index.ts';
import { copy, hex, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode } from '../../wire/codec.ts';
import type { AccountRecord } from '../record.ts';
import type { MemoryDriver } from '../testing/memory-driver.ts';
import type { Effect, Results, Step } from './effects.ts';
import { handle, leafInput, sweep, type Handled } from './handle.ts';

/** The same group; what was computed once is not computed again. */
export function remembering(suite: Suite): Suite {
  const known = new Map<string, unknown>();
  const group = new Proxy(suite.group, {
    get(target, name: keyof Group) {
      const member = target[name];
      if (typeof member !== 'function') return member;
      return (...args: Uint8Array[]): unknown => {
        const key = [name, ...args.map((arg) => hex(arg))].join(' ');
        if (!known.has(key)) known.set(key, Reflect.apply(member, target, args.map(copy)));
        const value = known.get(key);
        return value instanceof Uint8Array ? copy(value) : value;
      };
    },
  });
  return { ...suite, group };
}

/** A request of a scenario. The sweeper is one without bytes. */
export interface Ask {
  readonly name: string;
  /** Encoded `Request`; undefined for the sweeper. */
  readonly bytes: Bytes | undefined;
}

/** What has left the vault, in the order in which it left. */
export interface Told {
  readonly ask: Ask;
  readonly statement: Statement;
  /** The highest state version that had left before this request began. */
  readonly floor: number;
  /** The highest generation of which `destroyed` or `deleted` had been told before this request began. */
  readonly gone: number;
}

interface Job {
  /** What the effects gave back since this run began. */
  readonly results: readonly Results[Effect['kind']][];
  readonly done: boolean;
  readonly floor: number;
  readonly gone: number;
}

/** What a turn of a request has made of the record, and of itself. */
export interface Turn {
  readonly results: Job['results'];
  readonly done: boolean;
  readonly sealed: Bytes | undefined;
  /** Time of its commit; undefined if it made none. */
  readonly head: number | undefined;
  /** Its answer, if it has come to it. */
  readonly statement: Statement | undefined;
}

/** A state of the search. */
export interface State {
  readonly sealed: Bytes | undefined;
  readonly now: number;
  /** Time of the newest commit: where a restart goes back to. */
  readonly head: number;
  readonly jobs: readonly Job[];
  readonly crashes: number;
  readonly losses: number;
  readonly ticks: readonly number[];
  readonly told: readonly Told[];
  /** How the search got here. */
  readonly path: readonly string[];
}

/** What is searched. */
export interface Scenario {
  readonly driver: MemoryDriver;
  readonly account: string;
  readonly asks: readonly Ask[];
  /** Turns that were taken, in this search and in others at the same driver. */
  readonly turns: Map<string, Turn>;
  /** Seconds that pass at any moments, in this order. */
  readonly ticks: readonly number[];
  /** Losses of power. */
  readonly crashes: number;
  /** Answers that are lost, so that the request is made again. */
  readonly losses: number;
  /** Looks at every answer as it leaves; `durable` is the record that a loss of power would leave. */
  readonly onAnswer: (told: readonly Told[], durable: AccountRecord | undefined) => void;
  /** Looks at every state in which all requests were answered. */
  readonly onEnd: (state: State) => Promise<void>;
}

const NEW_RUN = { results: [], done: false } as const;

/** Only these can tell one order from another; everything else is the request's own. */
const touches = ({ kind }: Effect): boolean => kind === 'load' || kind === 'commit';

/** What is told apart of a result: of a record its token, which is the hash of its bytes. */
function valueOf(result: Results[Effect['kind']]): string | number | boolean {
  if (typeof result !== 'object') return result;
  const bytes = result instanceof Uint8Array ? result : result.token;
  return bytes === undefined ? '' : hex(bytes);
}

function sha256(text: string): string {
  return hex(nodeEngine.hash('sha256', utf8(text)));
}

/** One search. */
export class Explorer {
  readonly #scenario: Scenario;
  readonly #leaf: Bytes;
  readonly #seen = new Set<string>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const data = leafInput(utf8(scenario.account));
    this.#leaf = scenario.driver.perform({ kind: 'hmac', key: 'index', data }) as Bytes;
  }

  /** Visits every state; how many there were. @throws what an oracle throws, with the schedule in its message */
  async run(): Promise<number> {
    const { driver, asks, ticks } = this.#scenario;
    const { records, now, random } = driver;
    const first: State = {
      sealed: records.get(hex(this.#leaf)),
      now,
      head: now,
      jobs: asks.map(() => ({ ...NEW_RUN, floor: 0, gone: 0 })),
      crashes: this.#scenario.crashes,
      losses: this.#scenario.losses,
      ticks,
      told: [],
      path: [],
    };
    try {
      const stack = [first];
      for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
        if (this.#seen.has(this.#key(state))) continue;
        this.#seen.add(this.#key(state));
        try {
          if (state.jobs.every(({ done }) => done)) await this.#scenario.onEnd(state);
          stack.push(...this.#successors(state));
        } catch (error) {
          throw new Error(`${String(error)} after: ${state.path.join('; ')}`, { cause: error });
        }
      }
      return this.#seen.size;
    } finally {
      Object.assign(driver, { records, now, random });
    }
  }

  /** Two states of one key have one future, and one past as far as a client can see. */
  #key({ sealed, now, head, jobs, crashes, losses, ticks, told }: State): string {
    return sha256(
      JSON.stringify([
        sealed === undefined ? '' : hex(sealed.subarray(-16)),
        [now, head, crashes, losses, ticks.length],
        jobs.map(({ results, done, floor, gone }) => [done, floor, gone, done ? 0 : results.map(valueOf)]),
        told
          .map(({ ask, statement: { outcome, generation, stateVersion, body } }) =>
            [ask.name, outcome, generation, stateVersion, hex(body)].join(),
          )
          .sort(),
      ]),
    );
  }

  #successors(state: State): State[] {
    const { crashes, losses, ticks, jobs } = state;
    const next: State[] = jobs.flatMap((job, i) => (job.done ? [] : [this.#step(state, i)]));
    if (losses > 0) {
      for (const [i, job] of jobs.entries()) {
        if (job.done && this.#scenario.asks[i]?.bytes !== undefined) {
          next.push({ ...this.#with(state, i, this.#begin(state), 'again'), losses: losses - 1 });
        }
      }
    }
    if (crashes > 0) {
      // Nothing in memory is left: each request that was not answered is made again, with the same bytes.
      next.push({
        ...state,
        now: state.head,
        crashes: crashes - 1,
        jobs: jobs.map((job) => (job.done ? job : this.#begin(state))),
        path: [...state.path, 'crash'],
      });
    }
    const [tick, ...later] = ticks;
    if (tick !== undefined)
      next.push({ ...state, now: state.now + tick, ticks: later, path: [...state.path, `${tick} s`] });
    return next;
  }

  #begin({ told }: State): Job {
    const ended = told.filter(({ statement: { phase } }) => phase === 'destroyed' || phase === 'deleted');
    return {
      ...NEW_RUN,
      floor: Math.max(0, ...told.map(({ statement }) => statement.stateVersion)),
      gone: Math.max(0, ...ended.map(({ statement }) => statement.generation)),
    };
  }

  #with(state: State, i: number, job: Job, what: string): State {
    const jobs = state.jobs.map((other, j) => (i === j ? job : other));
    return { ...state, jobs, path: [...state.path, `${this.#scenario.asks[i]?.name ?? ''} ${what}`] };
  }

  /** One turn of a request: to its next load or commit, or to its answer. */
  #step(state: State, i: number): State {
    const [ask, job] = [this.#scenario.asks[i], state.jobs[i]];
    if (ask === undefined || job === undefined) throw new Error('no such request');
    const begun = job.results.length === 0 ? { ...job, ...this.#begin(state) } : job;
    const { results, done, sealed, head, statement } = this.#turn(ask, state, begun.results);
    const next = {
      ...this.#with(state, i, { ...begun, results, done }, 'steps'),
      sealed,
      head: head ?? state.head,
    };
    if (statement === undefined) return next;
    const told = [...state.told, { ask, statement, floor: begun.floor, gone: begun.gone }];
    const { driver } = this.#scenario;
    driver.records = new Map(sealed === undefined ? [] : [[hex(this.#leaf), sealed]]);
    this.#scenario.onAnswer(told, driver.record(this.#leaf));
    return { ...next, told };
  }

  /** The real core does it once; a turn that begins as another did ends as it did. */
  #turn(ask: Ask, { sealed: before, now, losses }: State, done: Job['results']): Turn {
    const { driver, turns } = this.#scenario;
    const past = [
      ask.name,
      losses,
      now,
      before === undefined ? '' : hex(before.subarray(-16)),
      done.map(valueOf),
    ];
    const key = sha256(JSON.stringify(past));
    const known = turns.get(key);
    if (known !== undefined) return known;
    driver.records = new Map(before === undefined ? [] : [[hex(this.#leaf), before]]);
    driver.now = now;
    const results = [...done];
    // What is drawn depends on who draws, when: so that the same state is the same bytes.
    driver.random = (name, length) =>
      name === 'salt'
        ? new Uint8Array(length)
        : nodeEngine.hash('sha512', utf8(`${name} ${ask.name} ${losses} ${results.length}`)).slice(0, length);
    const { commits } = driver;
    const step = this.#start(ask);
    let turn = step.next();
    for (const result of results) turn = step.next(result);
    for (let moved = false; turn.done !== true && !(moved && touches(turn.value)); moved = true) {
      const result = driver.perform(turn.value);
      results.push(result);
      turn = step.next(result);
    }
    const answer = turn.done === true ? turn.value?.answer : undefined;
    const made: Turn = {
      results,
      done: turn.done === true,
      sealed: driver.records.get(hex(this.#leaf)),
      head: driver.commits > commits ? now : undefined,
      statement: answer && decode(Answer, answer).statement,
    };
    turns.set(key, made);
    return made;
  }

  *#start({ bytes }: Ask): Step<Handled | undefined> {
    if (bytes === undefined) {
      yield* sweep(this.#scenario.driver.fleet, this.#leaf);
      return undefined;
    }
    const requestHash = nodeEngine.hash('sha256', bytes);
    const call = { caller: { kind: 'anyone' }, requestHash, plaintext: bytes } as const;
    return yield* handle(this.#scenario.driver.fleet, call);
  }
}
