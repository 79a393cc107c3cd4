/**
 * Accounts from which the explorer starts, what a client or an attacker may ask of them next, and what must be true of
 * every answer and of every end.
 *
 * @module
 */
import { ed25519PublicKey } from '../../crypto/ed25519.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Answer, Recovered, RecoverStarted, type Statement } from '../../exchange/answer.ts';
import { ChangeFinish, ChangeStart, ChangeStarted } from '../../exchange/change.ts';
import { KeptHead, PutHead } from '../../exchange/heads.ts';
import {
  Cancel,
  Delete,
  RecoverFinish,
  RegisterStart,
  type Command,
  type Proof,
} from '../../exchange/request.ts';
import {
  DEFAULT_STRETCH,
  finishRegistration,
  identityStretch,
  sodiumSuite,
  startRegistration,
} from '../../opaque/index.ts';
import { equal, hex, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import type { AccountRecord } from '../record.ts';
import { TestAccount, testHead, type Begun } from '../testing/account.ts';
import { MemoryDriver } from '../testing/memory-driver.ts';
import { Explorer, remembering, type Ask, type State, type Told, type Turn } from './explorer-fixture.ts';
import { handle, leafInput } from './handle.ts';

const suite = remembering(await sodiumSuite());
const requestHash = new Uint8Array(32);
const EMPTY = new Uint8Array(0);

/** Attempts of every generation here. */
const BUDGET = 3;

/** How an account is when the search begins. */
export type Base =
  /** Nothing is registered. */
  | 'none'
  /** A first registration waits to be confirmed. */
  | 'first'
  /** One attempt is left; one with the right password is open, and one with a wrong one; a new password waits to be confirmed. */
  | 'active'
  /** The same, and the last attempt is taken. */
  | 'last-chance'
  /** As active; the new password is confirmed without a proof, and waits for its time. */
  | 'replacing'
  /** As active; deletion was asked for without a proof, and waits for its time. */
  | 'deleting'
  /** An attempt with the right password is open, which changes it. */
  | 'changing';

/** What the search may do beside the steps of the requests. */
export interface Bounds {
  readonly crashes: number;
  readonly losses: number;
  readonly ticks: readonly number[];
}

/** What an end looks like to a client that comes then. */
interface End {
  readonly status: Statement;
  /** Passwords that give back the key that was registered with them. */
  readonly opens: readonly string[];
  /** How many more KE2 an attacker gets. */
  readonly more: number;
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

/** True for a request with a KE1 of its own. */
const starts = ({ name }: Ask): boolean => name.startsWith('start');
/** True for one with a right KE3: it may fill the budget. */
const byPassword = ({ name }: Ask): boolean => name.endsWith('by password');
/** True for one with a proof that holds. */
const proves = (ask: Ask): boolean => byPassword(ask) || ask.name.endsWith('as owner');
/** True for one that puts the new password in the place of the old one. */
const replaces = ({ name }: Ask): boolean => name.startsWith('confirm') || name.startsWith('change');
/** True for one that may end the key. */
const deletes = ({ name }: Ask): boolean => name.startsWith('delete');
const isOk = ({ statement: { outcome } }: Told): boolean => outcome === 'ok';

/** An account in one of these states. */
export class World {
  readonly base: Base;
  readonly driver: MemoryDriver = new MemoryDriver({}, suite);
  /** All that can be asked, by name. */
  readonly asks: Map<string, Ask> = new Map<string, Ask>();
  readonly #alice: TestAccount;
  /** KE2 that left before the search began. */
  readonly #released = new Set<string>();
  /** The key that each password is to give back. */
  readonly #keys = new Map<string, Bytes>();
  /** The state version at which every search begins. */
  #version = 0;
  /** Vault time at which every search begins. */
  readonly #began: number = this.driver.now;
  readonly #turns = new Map<string, Turn>();
  readonly #ends = new Map<string, End>();

  private constructor(base: Base) {
    this.base = base;
    this.#alice = new TestAccount((plaintext) => this.#send(plaintext), this.driver.fleet.fleetId, 'alice');
  }

  /** Makes an account. */
  static async make(base: Base): Promise<World> {
    const world = new World(base);
    const alice = world.#alice;
    const ask = (name: string, command: Command, body: Bytes, proof?: Proof): void => {
      world.asks.set(name, { name, bytes: alice.request(command, body, proof) });
    };
    if (base === 'first') await world.#offer(ask, []);
    else if (base !== 'none') {
      world.#keys.set('old', (await alice.register('old', BUDGET)).sealedKey);
      if (base === 'changing') await world.#change(ask);
      else {
        const right = await world.#guess('old');
        const wrong = await world.#guess('wrong');
        if (base === 'last-chance') {
          const worse = await world.#guess('worse');
          ask('finish 2 wrongly', 'recover-finish', finishBody(worse));
          ask('finish 3 wrongly', 'recover-finish', finishBody(right, new Uint8Array(64)));
        }
        ask('finish by password', 'recover-finish', finishBody(right));
        ask('finish wrongly', 'recover-finish', finishBody(wrong));
        await world.#offer(ask, [right, wrong]);
        if (base === 'replacing') await world.#send(bytesOf(world.asks, 'confirm'));
        if (base === 'deleting') await alice.call('delete', (await world.#present()).delete);
        const present = await world.#present();
        const [byRight, byWrong] = [right.proof, wrong.proof];
        for (const command of ['delete', 'cancel'] as const) {
          const body = present[command];
          if (command === 'delete') ask('delete', command, body);
          ask(`${command} as owner`, command, body, alice.owner(command, body));
          ask(`${command} by password`, command, body, byRight);
          ask(`${command} wrongly`, command, body, byWrong);
        }
      }
      const head = testHead(7);
      const put = encode(PutHead, { previousHash: new Uint8Array(32), head });
      ask('put head as owner', 'put-head', put, alice.owner('put-head', put));
      ask('get head as owner', 'get-head', EMPTY, alice.owner('get-head', EMPTY));
      ask(
        'start change',
        'change-start',
        encode(ChangeStart, {
          ke1: alice.begin('guess').ke1,
          registrationRequest: startRegistration(suite, utf8('other')).request,
        }),
      );
    }
    for (const [name, password] of [
      ['start a', 'guess'],
      ['start b', 'guess'],
      ['start c', 'old'],
    ] as const)
      ask(name, 'recover-start', alice.begin(password).body);
    const { request } = startRegistration(suite, utf8('other'));
    ask('register-start', 'register-start', encode(RegisterStart, { registrationRequest: request }));
    ask('status', 'status', EMPTY);
    world.#version = (await alice.call('status')).stateVersion;
    world.asks.set('sweep', { name: 'sweep', bytes: undefined });
    return world;
  }

  /** Searches every schedule of some requests. */
  async explore(names: readonly string[], bounds: Bounds): Promise<number> {
    const asks = names.map((name, i) => {
      const ask = this.asks.get(name);
      if (ask === undefined) throw new Error(`no request ${name}`);
      return names.indexOf(name) === i ? ask : { ...ask };
    });
    const onAnswer = (told: readonly Told[], durable: AccountRecord | undefined): void =>
      this.#onAnswer(asks, told, durable);
    const onEnd = (state: State): Promise<void> => this.#onEnd(asks, state);
    return new Explorer({
      driver: this.driver,
      account: 'alice',
      asks,
      turns: this.#turns,
      ...bounds,
      onAnswer,
      onEnd,
    }).run();
  }

  // oxlint-disable-next-line typescript/require-await -- errors are rejections
  async #send(plaintext: Bytes): Promise<Statement> {
    const call = { caller: { kind: 'anyone' }, requestHash, plaintext } as const;
    return decode(Answer, this.driver.run(handle(this.driver.fleet, call)).answer).statement;
  }

  async #guess(password: string): Promise<Begun> {
    const begun = await this.#alice.start(password);
    if (begun.answer.outcome === 'ok') this.#released.add(hex(decode(RecoverStarted, begun.answer.body).ke2));
    return begun;
  }

  /** The bodies of a deletion and a cancellation of what is there now. */
  async #present(): Promise<Record<'delete' | 'cancel', Bytes>> {
    const { stateVersion, effectiveAt } = await this.#alice.call('status');
    return { delete: encode(Delete, { stateVersion }), cancel: encode(Cancel, { effectiveAt }) };
  }

  /** A change of the password, up to its last request. */
  async #change(ask: (name: string, command: Command, body: Bytes) => void): Promise<void> {
    const alice = this.#alice;
    const fresh = alice.begin('old');
    const { ke1 } = fresh;
    const { request, state } = startRegistration(suite, utf8('new'));
    const answer = await alice.call(
      'change-start',
      encode(ChangeStart, { ke1, registrationRequest: request }),
    );
    const { attempt, registration } = decode(ChangeStarted, answer.body);
    this.#released.add(hex(attempt.ke2));
    const { proof } = await fresh.complete({ ...answer, body: encode(RecoverStarted, attempt) });
    if (proof === undefined) throw new Error('the attempt has no KE2');
    const { registrationId, registrationResponse: response } = registration;
    const { record } = await finishRegistration({ suite, state, response, stretch: identityStretch });
    const sealedKey = systemRandom('sealed_key', 48);
    this.#keys.set('new', sealedKey);
    const body = {
      ke1,
      attemptId: proof.attemptId,
      acknowledged: 0,
      registrationId,
      record,
      stretch: DEFAULT_STRETCH,
      sealedKey,
      ownerKey: ed25519PublicKey(alice.ownerSecret),
      budget: BUDGET,
    };
    const wrong = new Uint8Array(proof.ke3.length);
    ask('change by password', 'change-finish', encode(ChangeFinish, { ...body, ke3: proof.ke3 }));
    ask('change wrongly', 'change-finish', encode(ChangeFinish, { ...body, ke3: wrong }));
  }

  /** A new password, up to `register-finish`, and the ways to confirm it. */
  async #offer(
    ask: (name: string, command: Command, body: Bytes, proof?: Proof) => void,
    attempts: readonly Begun[],
  ): Promise<void> {
    const alice = this.#alice;
    const { finish, confirm, sealedKey } = await alice.prepare('new', BUDGET);
    this.#keys.set('new', sealedKey);
    ask('register-finish', 'register-finish', finish);
    await alice.call('register-finish', finish);
    ask('confirm', 'register-confirm', confirm);
    ask('confirm as owner', 'register-confirm', confirm, alice.owner('register-confirm', confirm));
    const [right, wrong] = attempts;
    if (right?.proof && wrong?.proof) {
      ask('confirm by password', 'register-confirm', confirm, right.proof);
      ask('confirm wrongly', 'register-confirm', confirm, wrong.proof);
    }
  }

  /** Most KE2 that may ever leave: a budget, another for each proof, and one for each password that nothing has proved. */
  #most(asks: readonly Ask[]): number {
    const proofs = new Set(asks.filter(byPassword).map(({ name }) => name));
    const unproved = this.base === 'replacing' || asks.some((ask) => replaces(ask) && !byPassword(ask));
    return BUDGET * (1 + proofs.size) + (unproved ? 1 : 0);
  }

  #releasedBy(told: readonly Told[]): Set<string> {
    const ours = told.filter((one) => starts(one.ask) && isOk(one));
    return new Set([...this.#released, ...ours.map(({ ask, statement }) => ke2Of(ask, statement))]);
  }

  #onAnswer(asks: readonly Ask[], told: readonly Told[], durable: AccountRecord | undefined): void {
    const last = told.at(-1);
    if (last === undefined) return;
    const { ask, statement, floor, gone } = last;
    const { outcome, stateVersion, generation } = statement;
    check(stateVersion <= (durable?.stateVersion ?? 0), 'an answer left before its commit was durable');
    check(stateVersion >= floor, 'what was told before is forgotten');
    check(this.#releasedBy(told).size <= this.#most(asks), 'more answers than attempts');
    if (outcome !== 'ok') return;
    // What was scheduled may have taken effect since: then there is nothing left to refuse.
    const waited = statement.vaultTime - this.#began >= this.driver.fleet.policy.graceSeconds;
    if (deletes(ask) && !waited) {
      const ended = told.some((one) => one !== last && one.statement.phase === 'deleted');
      check(ended || floor <= this.#version, 'deleted is what its owner has not seen');
    }
    if (starts(ask)) {
      check(generation > gone, 'KE2 of a key that has ended');
      const before = told.find(
        (other) =>
          other !== last &&
          other.ask.name === ask.name &&
          other.statement.outcome === 'ok' &&
          other.statement.generation === generation,
      );
      check(
        before === undefined || ke2Of(ask, before.statement) === ke2Of(ask, statement),
        'a repeated KE1 has two KE2',
      );
    }
    if (ask.name.startsWith('finish')) {
      check(byPassword(ask), 'a wrong KE3 is taken for right');
      check(generation > gone, 'the sealed key of a key that has ended');
      const { sealedKey } = decode(Recovered, statement.body);
      check(equal(sealedKey, this.#keys.get('old') ?? EMPTY), 'the sealed key of another generation');
    }
    if (ask.name === 'get head as owner') {
      const put = told.some(
        (one) => one.ask.name === 'put head as owner' && isOk(one) && one.statement.stateVersion <= floor,
      );
      const kept = decode(KeptHead, statement.body).head[0];
      check(put ? kept === 7 : kept === 7 || kept === 0, 'the head that was kept is gone');
    }
    // Repeated after another confirmation, it is ok: nothing more is asked for then.
    const others = asks.filter((other) => replaces(other) && !other.name.endsWith('wrongly'));
    if (replaces(ask) && !waited) check(others.length > 0, 'a key is replaced by a wrong proof');
  }

  async #onEnd(asks: readonly Ask[], state: State): Promise<void> {
    const key = `${state.now} ${state.sealed === undefined ? '' : hex(state.sealed.subarray(-16))}`;
    const end = this.#ends.get(key) ?? (await this.#look(state));
    this.#ends.set(key, end);
    const { status, opens, more } = end;
    const { told } = state;
    check(
      status.stateVersion >= Math.max(0, ...told.map(({ statement }) => statement.stateVersion)),
      'what was told is forgotten',
    );
    check(this.#releasedBy(told).size + more <= this.#most(asks), 'more attempts than the budget');
    const replaced = told.some((one) => replaces(one.ask) && isOk(one));
    check(status.phase !== 'last-chance' || status.retryAfter > 0, 'a last chance is overdue');
    check(
      status.scheduledChange === 'none' || status.effectiveAt > state.now,
      'a scheduled change is overdue',
    );
    const waited = state.now - this.#began >= this.driver.fleet.policy.graceSeconds;
    const has = (wanted: string): boolean => asks.some(({ name }) => name === wanted);
    const cancelled = told.some(
      (one) =>
        one.ask.name.startsWith('cancel') &&
        isOk(one) &&
        one.statement.phase !== 'deleted' &&
        one.statement.generation === 1,
    );
    const mayReplace =
      asks.some((ask) => replaces(ask) && (proves(ask) || this.base === 'first')) ||
      (waited &&
        (this.base === 'replacing' ? !cancelled : has('confirm') && (this.base !== 'deleting' || cancelled)));
    const mayDelete =
      asks.some((ask) => deletes(ask) && proves(ask)) ||
      (waited && (this.base === 'deleting' ? !cancelled : has('delete') && this.base !== 'replacing'));
    if (status.phase === 'active') {
      check(opens.length === 1, `${status.remaining} attempts, and ${opens.length} passwords open`);
      if (opens[0] === 'new') check(mayReplace, 'a key was replaced, and nobody could');
      if (replaced) check(opens[0] === 'new', 'a password that was confirmed does not open');
    }
    if (status.phase === 'destroyed') {
      const tried = this.#released.size + new Set(asks.filter(starts).map(({ name }) => name)).size;
      check(tried >= BUDGET, 'destroyed before the budget was spent');
      const soon = state.now - this.#began < this.driver.fleet.policy.lastChanceSeconds;
      if (this.#released.size > 1 && soon && !asks.some(byPassword))
        check(has('finish 3 wrongly'), 'destroyed while a right guess was open');
    }
    if (status.phase === 'none') check(!replaced && !this.#keys.has('old'), 'a registration is gone');
    if (status.phase === 'deleted') check(mayDelete, 'a key was deleted, and nobody could');
    const proved = told.some((one) => one.ask.name === 'finish by password' && isOk(one));
    if (proved && !asks.some((ask) => starts(ask)) && !mayDelete)
      check(status.phase === 'active', 'a key is gone after its proof');
  }

  /** What a client finds that comes when all is over; leaves the state as it is. */
  async #look({ sealed, now }: State): Promise<End> {
    const { driver } = this;
    const leaf = hex(driver.perform({ kind: 'hmac', key: 'index', data: leafInput(utf8('alice')) }) as Bytes);
    const saved = { records: driver.records, now: driver.now, random: driver.random };
    const reset = (): void => {
      driver.records = new Map(sealed === undefined ? [] : [[leaf, sealed]]);
      driver.now = now;
      driver.random = systemRandom;
    };
    try {
      reset();
      const status = await this.#alice.call('status');
      const opens: string[] = [];
      for (const [password, key] of this.#keys) {
        reset();
        const { outcome, body } = await this.#alice.recover(password);
        if (outcome === 'ok' && equal(decode(Recovered, body).sealedKey, key)) opens.push(password);
      }
      reset();
      let more = 0;
      while (more <= 3 * BUDGET && (await this.#alice.start('guess')).answer.outcome === 'ok') more++;
      return { status, opens, more };
    } finally {
      Object.assign(driver, saved);
    }
  }
}

/** The KE2 of an answer to `recover-start` or `change-start`. */
function ke2Of({ name }: Ask, { body }: Statement): string {
  return hex(
    (name === 'start change' ? decode(ChangeStarted, body).attempt : decode(RecoverStarted, body)).ke2,
  );
}

function bytesOf(asks: ReadonlyMap<string, Ask>, name: string): Bytes {
  const bytes = asks.get(name)?.bytes;
  if (bytes === undefined) throw new Error(`no request ${name}`);
  return bytes;
}

function finishBody({ proof }: Begun, ke3 = proof?.ke3): Bytes {
  if (proof === undefined || ke3 === undefined) throw new Error('the attempt has no KE2');
  const { kind: _, ...ke3Proof } = proof;
  return encode(RecoverFinish, { ...ke3Proof, ke3, acknowledged: 0 });
}
