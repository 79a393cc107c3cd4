/**
 * One account at one fleet: asking, and believing the answer (spec/client.md, "Asking").
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openAnswer } from '../channel/answer.ts';
import { sealRequestWith } from '../channel/client.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import { Answer, Statement } from '../exchange/answer.ts';
import { ASSERTION_SIZE, Exchange } from '../exchange/assertion.ts';
import { ANSWER_BODIES } from '../exchange/bodies.ts';
import {
  ACCOUNT_MAX,
  COMMANDS,
  EXCHANGE_VERSION,
  Request,
  type Command,
  type Proof,
} from '../exchange/request.ts';
import { channelKey, keyRules, receiptKey, type FleetDescriptor } from '../fleet/index.ts';
import { label } from '../keys/labels.ts';
import { concat, equal, utf8, type Bytes } from '../wire/bytes.ts';
import { decode, encode, type Codec } from '../wire/codec.ts';
import { fetchDescriptor } from './fleet.ts';
import { memoryKeeper, type Keeper } from './keeper.ts';
import { bodyOf } from './outcome.ts';
import type { Pins } from './pins.ts';
import { scheduledIn, type Scheduled } from './scheduled.ts';
import { FleetState } from './state.ts';
import type { Transport } from './transport.ts';

/** Whom to ask, as whom, and what to remember. */
export interface ConnectOptions {
  readonly transport: Transport;
  readonly pins: Pins;
  /** Name of the account: 1 to 64 bytes of UTF-8. */
  readonly account: string;
  /** Where to remember; without one, rollback is noticed only within this session. */
  readonly keeper?: Keeper;
  /** Milliseconds before each repetition of a request that got no answer; 250 and 1000 unless told. */
  readonly retryDelays?: readonly number[];
  readonly signal?: AbortSignal;
}

/** An unanswered request is sent again byte for byte, and charged once. */
const RETRY_DELAYS: readonly number[] = [250, 1000];

const NO_PROOF: Proof = { kind: 'none' };

function bad(message: string): StrongroomError {
  return new StrongroomError('bad-answer', message);
}

/** The account's name in bytes. @throws StrongroomError `usage` */
function accountBytes(name: string): Bytes {
  const bytes = utf8(name);
  if (bytes.length === 0 || bytes.length > ACCOUNT_MAX) {
    throw new StrongroomError('usage', `an account name has 1 to ${ACCOUNT_MAX} bytes, not ${bytes.length}`);
  }
  return bytes;
}

/** Where each session draws from. Not in the session: who has one cannot make another with a source of its own. */
const sources = new WeakMap<Session, RandomSource>();

/** The source of a session; an object that only looks like one has none. */
export function randomOf(session: Session): RandomSource {
  const source = sources.get(session);
  if (source === undefined) throw new TypeError('not a session of connect()');
  return source;
}

/** What a session is made of. */
interface Parts {
  readonly transport: Transport;
  readonly descriptor: FleetDescriptor;
  readonly account: Bytes;
  readonly keeper: Keeper;
  readonly state: FleetState;
  readonly retryDelays: readonly number[];
  readonly now: () => number;
}

/** A verified fleet, and an account there; made by {@link connect}. */
export class Session {
  readonly descriptor: FleetDescriptor;
  readonly account: Bytes;
  readonly keeper: Keeper;
  readonly state: FleetState;
  /** Wall-clock seconds since 1970. */
  readonly now: () => number;
  readonly #transport: Transport;
  readonly #retryDelays: readonly number[];
  #scheduled: Scheduled | undefined;

  constructor({ transport, descriptor, account, keeper, state, retryDelays, now }: Parts) {
    this.descriptor = descriptor;
    this.account = account;
    this.keeper = keeper;
    this.state = state;
    this.now = now;
    this.#transport = transport;
    this.#retryDelays = retryDelays;
  }

  /** What waits to take effect, by the newest answer: to be shown to the owner, who may not have ordered it. */
  get scheduled(): Scheduled | undefined {
    return this.#scheduled;
  }

  /**
   * One request and its signed answer, whatever that says.
   *
   * @throws StrongroomError `unavailable`, `bad-answer`, `stale-answer`, `cancelled`
   */
  async ask<T>(
    command: Command,
    codec: Codec<T>,
    body: T,
    options: { readonly proof?: Proof; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Statement> {
    const request = encode(Request, {
      version: EXCHANGE_VERSION,
      fleetId: this.descriptor.fleetId,
      account: this.account,
      command: COMMANDS[command],
      body: encode(codec, body),
      proof: options.proof ?? NO_PROOF,
    });
    const sealed = await sealRequestWith(randomOf(this), channelKey(this.descriptor), request);
    const exchange = encode(Exchange, {
      version: EXCHANGE_VERSION,
      mode: 'none',
      assertion: new Uint8Array(ASSERTION_SIZE),
      sealedRequest: sealed.bytes,
    });
    const bytes = await this.#send(exchange, options.signal);
    const statement = this.#verify(openAnswer(sealed.context, bytes), sealed.context.requestHash);
    if (statement.outcome === 'ok') bodyOf(ANSWER_BODIES[command], statement);
    await this.#remember(statement);
    return statement;
  }

  async #send(exchange: Bytes, signal: AbortSignal | undefined): Promise<Bytes> {
    for (const delay of this.#retryDelays) {
      try {
        return await this.#transport.exchange(exchange, signal);
      } catch (error) {
        if (!isStrongroomError(error, 'unavailable')) throw error;
        await sleep(delay, undefined, { signal }).catch(() => undefined); // the next call says that it was stopped
      }
    }
    return this.#transport.exchange(exchange, signal);
  }

  /** The statement in an answer, if this fleet made it for this request. @throws StrongroomError `bad-answer` */
  #verify(bytes: Bytes, requestHash: Bytes): Statement {
    let answer: Answer;
    try {
      answer = decode(Answer, bytes);
    } catch (cause) {
      throw new StrongroomError('bad-answer', 'the answer has not the form of one', {}, { cause });
    }
    const { statement, receiptKeyId, signature } = answer;
    const key = receiptKey(this.descriptor, receiptKeyId);
    const signed = concat(label('answer'), encode(Statement, statement));
    const { verifyReceipt } = keyRules(this.descriptor.channelSuite);
    if (key === undefined || !verifyReceipt(key.publicKey, signed, signature)) {
      throw bad('the answer is not signed by this fleet');
    }
    if (statement.version !== EXCHANGE_VERSION) throw bad(`version ${statement.version}`);
    if (!equal(statement.fleetId, this.descriptor.fleetId)) throw bad('the answer is of another fleet');
    if (!equal(statement.requestHash, requestHash)) throw bad('the answer is to another request');
    const nobody = statement.outcome === 'malformed' && statement.account.length === 0;
    if (!nobody && !equal(statement.account, this.account)) throw bad('the answer is of another account');
    if (statement.remaining > statement.budget) throw bad('more attempts are left than there were');
    return statement;
  }

  async #remember(statement: Statement): Promise<void> {
    if (readsNothing(statement)) return;
    const { version: highest } = this.state.account(this.account);
    if (statement.stateVersion < highest) {
      throw new StrongroomError('stale-answer', `state ${statement.stateVersion} after ${highest}`);
    }
    this.#scheduled = scheduledIn(statement);
    await this.state.saw(this.account, { version: statement.stateVersion });
  }
}

/** True for a refusal that was made before the account's record was read: it says nothing of its state. */
function readsNothing({ outcome, stateVersion }: Statement): boolean {
  return stateVersion === 0 && (outcome === 'malformed' || outcome === 'not-authorised');
}

const wallClock = (): number => Math.floor(Date.now() / 1000);

/** {@link connect} with injected randomness, and a clock in seconds since 1970. */
export async function connectWith(
  random: RandomSource,
  options: ConnectOptions,
  now: () => number = wallClock,
): Promise<Session> {
  const { transport, pins, keeper = memoryKeeper(), retryDelays = RETRY_DELAYS, signal } = options;
  const account = accountBytes(options.account);
  const state = await FleetState.load(keeper, pins.fleetId);
  const descriptor = await fetchDescriptor(transport, pins, state, now(), signal);
  const session = new Session({ transport, descriptor, account, keeper, state, retryDelays, now });
  sources.set(session, random);
  return session;
}

/**
 * Fetches and verifies the fleet's descriptor.
 *
 * @throws StrongroomError `unavailable`, `cancelled`, `state-damaged`, and every code of `verifyDescriptor`
 */
export function connect(options: ConnectOptions): Promise<Session> {
  return connectWith(systemRandom, options);
}
