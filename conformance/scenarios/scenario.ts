/**
 * What scenarios against a live vault share: the vault that they run against, and how they say what is wrong.
 *
 * @module
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { Account } from '../peer/account.ts';
import { BrokenAnswer, fetchFleet, type Attempt } from '../peer/caller.ts';
import type { Outcome, Statement } from '../peer/exchange.ts';
import type { FleetView } from '../peer/fleet-view.ts';
import type { ChannelSuite } from '../peer/kem.ts';
import { fresh, toHex } from '../peer/primitives.ts';
import type { Adapter } from '../runner/adapter.ts';
import { describe } from '../runner/connection.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { failed, type Score } from '../runner/score.ts';
import type { FailureClass } from '../schema/report.ts';
import { NoAnswer } from '../tape/http.ts';
import { observe, within } from '../tape/tape.ts';

/** A scenario that found something. */
export class Failure extends Error {
  readonly class: FailureClass;
  readonly compared: { expected?: string; actual?: string };

  constructor(failure: FailureClass, message: string, compared: { expected?: string; actual?: string } = {}) {
    super(message);
    this.class = failure;
    this.compared = compared;
  }
}

/** Demands a fact. */
export function demand(fact: boolean, message: string, failure: FailureClass = 'state'): void {
  if (!fact) throw new Failure(failure, message);
}

/** Demands one of some outcomes; a refusal that came as `ok` is an accepted invalid request. */
export function outcome(statement: Statement, what: string, ...allowed: readonly Outcome[]): void {
  if (allowed.includes(statement.outcome)) return;
  const compared = { expected: allowed.join(' or '), actual: statement.outcome };
  const failure =
    statement.outcome === 'ok'
      ? 'accepted-invalid'
      : allowed.includes('ok')
        ? 'rejected-valid'
        : 'wrong-error';
  throw new Failure(failure, `${what} was answered ${statement.outcome}`, compared);
}

/** Demands the number of attempts that are left. */
export function remaining(statement: Statement, expected: number, what: string): void {
  const actual = statement.remaining;
  if (actual === expected) return;
  throw new Failure('state', `${what}: ${actual} attempts are left, not ${expected}`, {
    expected: String(expected),
    actual: String(actual),
  });
}

/** Demands what a statement says of a change that waits; given a fleet, that it was made just now. */
export function waiting(statement: Statement, change: Statement['scheduledChange'], fleet?: FleetView): void {
  const { scheduledChange, effectiveAt, vaultTime } = statement;
  if (scheduledChange !== change) {
    throw new Failure('state', `what waits is ${scheduledChange}, not ${change}`, {
      expected: change,
      actual: scheduledChange,
    });
  }
  demand((effectiveAt === 0) === (change === 'none'), `${change} takes effect at ${effectiveAt}`);
  if (fleet === undefined) return;
  const wait = effectiveAt - vaultTime;
  demand(wait === fleet.graceSeconds, `${change} waits ${wait} seconds, not ${fleet.graceSeconds}`);
}

/** Demands that an attempt proves its password. */
export function right(attempt: Attempt): void {
  outcome(attempt.statement, 'recover-start', 'ok');
  demand(attempt.right, 'KE2 does not open with the password of the registration', 'wrong-output');
}

/** A vault of the adapter's, which a scenario may stop. */
export class Controlled {
  readonly state: string;
  readonly #adapter: Adapter;
  #store: string[] = [];
  url = '';
  failure: string | undefined;

  constructor(adapter: Adapter, folder: string) {
    this.#adapter = adapter;
    this.state = join(folder, `vault-${toHex(fresh(8))}`);
    mkdirSync(this.state);
  }

  /** Starts it; false if it refuses to. */
  async start(policy: object = TEST_POLICY, suite: ChannelSuite = 1): Promise<boolean> {
    const answer = await this.#adapter.call('vault.start', {
      state: this.state,
      policy: JSON.stringify(policy),
      ...(suite !== 1 && { suite }),
    });
    if (answer.outcome === 'crash' || answer.outcome === 'timeout' || answer.outcome === 'protocol') {
      throw new Failure('crash', describe(answer));
    }
    if (answer.outcome !== 'ok') {
      this.failure = describe(answer);
      return false;
    }
    const { url, failure, store } = answer.result;
    this.url = typeof url === 'string' ? url : '';
    this.failure = typeof failure === 'string' ? failure : undefined;
    this.#store = Array.isArray(store) ? store.filter((name) => typeof name === 'string') : [];
    return true;
  }

  /** Lets the vault's own time go on by that many seconds. */
  async advance(seconds: number): Promise<void> {
    const answer = await this.#adapter.call('vault.advance', { state: this.state, seconds });
    if (answer.outcome !== 'ok') throw new Failure('crash', describe(answer));
  }

  async stop(mode: 'term' | 'kill'): Promise<void> {
    await this.#adapter.call('vault.stop', { state: this.state, mode });
  }

  /** Copies the store aside, as whoever has its disk could. */
  snapshot(): string {
    const to = join(this.state, 'snapshot-of-the-runner');
    mkdirSync(to, { recursive: true });
    for (const name of this.#store)
      if (existsSync(join(this.state, name))) cpSync(join(this.state, name), join(to, name));
    return to;
  }

  /** Puts a copy of the store back; everything else stays. */
  restore(from: string): void {
    for (const name of this.#store) {
      if (existsSync(join(from, name))) cpSync(join(from, name), join(this.state, name), { force: true });
    }
  }

  /** Files of the state that are not the store: keys, an anchor, a configuration. */
  beside(): string[] {
    return observe('files beside the store', () =>
      readdirSync(this.state, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(this.state, join(entry.parentPath, entry.name)))
        .filter((name) => !this.#store.includes(name))
        .sort(),
    );
  }

  /** Takes a file away; what puts it back. In a replay there is none. */
  lose(name: string): () => void {
    const path = join(this.state, name);
    if (!existsSync(path)) return () => undefined;
    const [bytes, { mode }] = [readFileSync(path), statSync(path)];
    rmSync(path);
    return () => writeFileSync(path, bytes, { mode });
  }
}

/** No waiting between attempts, short chains; and stretching that costs nothing, because the suite does none. */
export const TEST_POLICY: object = {
  delays: [0],
  stretch: { algorithm: 1, iterations: 1, memoryKib: 64, parallelism: 1 },
};

/** What a scenario works with. */
export interface Live {
  readonly url: string;
  readonly fleet: FleetView;
  /** A new account with a name of its own. */
  readonly account: (name?: string) => Account;
  /** A vault of its own, not started yet. */
  readonly controlled: () => Controlled;
  /** Lets the own time of the vault go on by that many seconds. */
  readonly advance: (seconds: number) => Promise<void>;
}

/** A vault that scenarios share. */
interface Shared {
  readonly url: string;
  readonly fleet: FleetView;
  readonly controlled?: Controlled;
}

/** By the process of the adapter that they live and die with. */
const shared = new WeakMap<CaseContext, Map<string, Promise<Shared>>>();

async function startShared(context: CaseContext): Promise<Shared> {
  if (context.vaultUrl !== undefined)
    return { url: context.vaultUrl, fleet: await fetchFleet(context.vaultUrl) };
  if (context.adapter === undefined) throw new Error('a scenario needs a vault');
  const vault = new Controlled(context.adapter, context.folder);
  if (!(await vault.start())) throw new Failure('crash', `the vault did not start: ${vault.failure}`);
  return { url: vault.url, fleet: await fetchFleet(vault.url), controlled: vault };
}

async function sharedVault(context: CaseContext): Promise<Shared> {
  const vaults = shared.get(context) ?? new Map<string, Promise<Shared>>();
  shared.set(context, vaults);
  const name = observe('shared vault', () => `vault ${context.worker}.${context.adapter?.starts ?? 0}`);
  const vault = vaults.get(name) ?? within(name, async () => startShared(context));
  vaults.set(name, vault);
  return vault;
}

async function live(context: CaseContext): Promise<Live> {
  const { url, fleet, controlled } = await sharedVault(context);
  return {
    url,
    fleet,
    account: (name) => new Account(url, fleet, name),
    controlled: () => {
      if (context.adapter === undefined) throw new Error('a controlled vault needs an adapter');
      return new Controlled(context.adapter, context.folder);
    },
    advance: async (seconds) => controlled?.advance(seconds),
  };
}

/** One scenario. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly requirements: readonly string[];
  /**
   * `control`: a vault of its own; `time`: one whose own time goes on when the runner says so; `p256`: one of channel
   * suite 2; `no-delays`: its policy must not make clients wait.
   */
  readonly needs?: 'control' | 'time' | 'p256' | 'no-delays';
  run(live: Live): Promise<void>;
}

async function runScenario(scenario: Scenario, context: CaseContext): Promise<Score> {
  try {
    const vault = await live(context);
    if (scenario.needs === 'no-delays' && vault.fleet.delays.some((delay) => delay > 0)) {
      return { status: 'not-run', detail: 'the policy of this vault makes clients wait' };
    }
    await scenario.run(vault);
    return { status: 'pass' };
  } catch (error) {
    if (error instanceof Failure) return failed(error.class, error.message, error.compared);
    if (error instanceof BrokenAnswer) return failed('wrong-output', error.message);
    if (error instanceof NoAnswer) return failed('crash', `the vault does not answer: ${error.message}`);
    throw error;
  }
}

/** Features beyond `vault` that scenarios need. */
const FEATURES: Partial<Record<NonNullable<Scenario['needs']>, string>> = {
  time: 'vault-time',
  p256: 'vault-p256',
};

/** The case of a scenario. */
export function vaultCase(scenario: Scenario): Case {
  const { id, title, why, requirements } = scenario;
  return {
    id,
    title,
    why,
    requirements,
    role: 'vault-server',
    level: 'core',
    feature: FEATURES[scenario.needs ?? 'control'] ?? 'vault',
    blocked: (context) =>
      scenario.needs !== undefined && scenario.needs !== 'no-delays' && context.adapter === undefined
        ? 'needs a vault that an adapter starts'
        : undefined,
    run: async (context) => runScenario(scenario, context),
  };
}
