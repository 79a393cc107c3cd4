/**
 * A vault: channel, assertion, core, partition and HSM put together. Bytes of an exchange in, bytes of a sealed
 * answer out; the HTTP server is only the way to it.
 *
 * @module
 */
import { openRequest } from '../channel/index.ts';
import { StrongroomError } from '../errors.ts';
import { Exchange } from '../exchange/assertion.ts';
import type { Outcome } from '../exchange/answer.ts';
import { EXCHANGE_VERSION } from '../exchange/request.ts';
import type { FleetDescriptor } from '../fleet/index.ts';
import type { Hsm } from '../hsm/interface.ts';
import { sodiumSuite, type Suite } from '../opaque/index.ts';
import type { Limit } from '../service/limits.ts';
import type { Store } from '../store/interface.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { decode } from '../wire/codec.ts';
import { callerOf } from './assertion.ts';
import { run } from './core/effects.ts';
import type { Fleet, OpaqueServerKey } from './core/fleet.ts';
import { handle, sweep } from './core/handle.ts';
import { unwrapOpaqueKeys, wipeOpaqueKeys } from './opaque-keys.ts';
import type { Observer, PartitionState } from './observe.ts';
import { Partitions } from './partitions.ts';
import { REKEY_AFTER } from './rekey.ts';
import { coreOf, readServed } from './serving.ts';
import { Turns } from './turns.ts';

/** Milliseconds between looks for last chances that are over. */
const SWEEP_INTERVAL = 1000;

/** What a vault is made of; it owns store and HSM from then on. */
export interface VaultOptions {
  readonly store: Store;
  readonly hsm: Hsm;
  /** Signed fleet descriptor, as served. */
  readonly descriptor: Bytes;
  /** OPAQUE keys, wrapped by the HSM. */
  readonly opaqueKeys: Bytes;
  /** Wall-clock seconds since 1970; for assertions and for what the descriptor limits in time. */
  readonly wallClock?: () => number;
  /** Seconds that never go back while the process runs. */
  readonly monotonic?: () => number;
  /** Seconds of vault time after which a data key is replaced; at most, and unless told, a day. */
  readonly rekeyAfter?: number | undefined;
  /** Is told what happens. */
  readonly observe?: Observer;
  /** How often one account may ask; as often as it likes unless told. */
  readonly accountLimit?: Limit;
}

/** A sealed answer, and what a log may say of it. */
export interface Exchanged {
  /** SealedAnswer (spec/channel.md). */
  readonly answer: Bytes;
  /** Number of the command; 0 if the request did not decode. */
  readonly command: number;
  readonly outcome: Outcome;
}

/** Under what a vault serves. */
interface Serving {
  /** Signed, as served. */
  readonly descriptor: Bytes;
  readonly fleet: FleetDescriptor;
  readonly core: Fleet;
  /** Every OPAQUE pair that it has, also those that the descriptor does not name. */
  readonly pairs: readonly OpaqueServerKey[];
}

function servedBy(
  descriptor: Bytes,
  hsm: Hsm,
  suite: Suite,
  pairs: readonly OpaqueServerKey[],
): Pick<Serving, 'fleet' | 'core'> {
  const fleet = readServed(descriptor);
  return { fleet, core: coreOf(fleet, hsm, suite, pairs) };
}

/** A vault in this process. */
export class Vault {
  readonly #options: VaultOptions;
  readonly #suite: Suite;
  #serving: Serving;
  readonly #partitions: Partitions;
  readonly #turns: Turns;
  readonly #sweeper: NodeJS.Timeout;
  #sweeping: Promise<void> = Promise.resolve();

  private constructor(options: VaultOptions, suite: Suite, serving: Serving, partitions: Partitions) {
    this.#options = options;
    this.#suite = suite;
    this.#serving = serving;
    this.#partitions = partitions;
    this.#turns = new Turns(options.accountLimit);
    this.#sweeper = setInterval(() => void (this.#sweeping = this.#sweep()), SWEEP_INTERVAL).unref();
  }

  /**
   * Opens a vault: proves its store, finishes interrupted commits and does what is due. It opens even
   * if no partition serves; `failure` says so then.
   *
   * @throws StrongroomError `invalid-config` if the descriptor is not of these keys; those of `Partitions.open`
   */
  static async open(options: VaultOptions): Promise<Vault> {
    const { hsm, store } = options;
    const suite = await sodiumSuite();
    const pairs = await unwrapOpaqueKeys(hsm, suite, options.opaqueKeys);
    const serving = {
      descriptor: options.descriptor,
      pairs,
      ...servedBy(options.descriptor, hsm, suite, pairs),
    };
    const { monotonic, observe } = options;
    const partitions = await Partitions.open({ store, hsm, monotonic, observe });
    const vault = new Vault(options, suite, serving, partitions);
    await vault.#sweep();
    return vault;
  }

  /** Signed fleet descriptor, as served. */
  get descriptor(): Bytes {
    return this.#serving.descriptor;
  }

  /** What the descriptor says. */
  get fleet(): FleetDescriptor {
    return this.#serving.fleet;
  }

  /**
   * Serves under another descriptor from now on, with the keys that the HSM has now; what is under way ends under the
   * old one. It stays as it is on an error.
   *
   * @param descriptor signed, as served
   * @param opaqueKeys wrapped by the HSM
   * @throws StrongroomError `invalid-config` if the descriptor is not of these keys, or older than the present one;
   * `keys-damaged`, and those of the HSM
   */
  async reload(descriptor: Bytes, opaqueKeys: Bytes): Promise<void> {
    const { hsm } = this.#options;
    await hsm.refresh();
    const fresh = await unwrapOpaqueKeys(hsm, this.#suite, opaqueKeys);
    // Pairs that are in use stay: what is under way has them, and those that are left out are wiped at the end.
    const { pairs: kept } = this.#serving;
    const added = fresh.filter(({ id }) => !kept.some((pair) => equal(pair.id, id)));
    wipeOpaqueKeys(fresh.filter((pair) => !added.includes(pair)));
    const pairs = [...kept, ...added];
    try {
      const served = servedBy(descriptor, hsm, this.#suite, pairs);
      if (!equal(served.fleet.fleetId, this.fleet.fleetId) || served.fleet.serial < this.fleet.serial) {
        const subject = 'descriptor';
        throw new StrongroomError('invalid-config', 'the descriptor is older, or of another fleet', {
          subject,
        });
      }
      this.#serving = { descriptor, pairs, ...served };
    } catch (error) {
      wipeOpaqueKeys(added);
      throw error;
    }
  }

  /** How each partition is, by number; the accounts of one that has failed are answered `not-ready`. */
  get partitions(): readonly PartitionState[] {
    return this.#partitions.states;
  }

  /**
   * Replaces the data keys of all partitions that serve, now; it does so by itself once a day.
   *
   * @throws StrongroomError those of store and HSM; the partition has stopped then
   */
  async rekey(): Promise<void> {
    for (const partition of this.#partitions.serving) await partition.rekey();
  }

  /** Why no partition serves; undefined while one does. */
  get failure(): StrongroomError | undefined {
    return this.#options.hsm.failure ?? this.#partitions.failure;
  }

  /**
   * One exchange.
   *
   * @param bytes encoded `Exchange`
   * @throws StrongroomError `malformed`, `unsupported-version`, `unsupported-suite`, `unknown-channel-key`,
   * `channel-open-failed` for a request that nobody can be answered about; `overloaded`; anything else is the vault's
   * own failure
   */
  async exchange(bytes: Bytes): Promise<Exchanged> {
    if (this.failure !== undefined) throw this.failure;
    const begun = performance.now();
    const exchange = decode(Exchange, bytes);
    if (exchange.version !== EXCHANGE_VERSION) {
      throw new StrongroomError('unsupported-version', `exchange version ${exchange.version}`);
    }
    const { hsm, wallClock = (): number => Math.floor(Date.now() / 1000) } = this.#options;
    const { fleetId, policy } = this.#serving.core;
    const opened = await openRequest((...args) => hsm.decapsulate(...args), fleetId, exchange.sealedRequest);
    const { requestHash } = opened.context;
    const now = wallClock();
    const caller = callerOf(policy, exchange, requestHash, now);
    const call = { caller, requestHash, plaintext: opened.plaintext };
    const { answer, ...handled } = await this.#turns.run(
      handle(this.#coreAt(now), call),
      this.#partitions.handlers(),
    );
    const seconds = (performance.now() - begun) / 1000;
    this.#options.observe?.exchange?.({ ...handled, seconds });
    return { answer: opened.sealAnswer(answer), ...handled };
  }

  /** The core with the first key pair that is still open to new registrations. */
  #coreAt(now: number): Fleet {
    const { core, fleet } = this.#serving;
    const isOpen = ({ id, oprfKeyId }: OpaqueServerKey): boolean =>
      fleet.opaqueKeys.some(
        (entry) => equal(entry.id, id) && equal(entry.oprfKeyId, oprfKeyId) && now <= entry.notAfterNew,
      );
    return { ...core, newOpaqueKey: core.opaqueKeys.find(isOpen) };
  }

  /** Ends what is under way and closes store and HSM. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#sweeping;
    this.#stopWithoutHsm();
    await this.#partitions.close();
    await this.#options.store.close();
    await this.#options.hsm.close();
    wipeOpaqueKeys(this.#serving.pairs);
  }

  /** What the HSM has to do with each answer cannot be done any more, so none of them serves. */
  #stopWithoutHsm(): void {
    const { failure } = this.#options.hsm;
    if (failure !== undefined) for (const partition of this.#partitions.serving) partition.stop(failure);
  }

  async #sweep(): Promise<void> {
    this.#stopWithoutHsm();
    for (const partition of this.#partitions.serving) {
      try {
        const handlers = partition.handlers();
        // Out of turn, so that no flood of requests puts a deadline off; one that fails holds up no other.
        const overdue = partition.overdue(partition.now());
        await Promise.allSettled(overdue.map((leaf) => run(sweep(this.#serving.core, leaf), handlers)));
        await partition.heartbeat();
        if (partition.rekeyDue(this.#options.rekeyAfter ?? REKEY_AFTER)) partition.rekey().catch(() => {});
      } catch {
        // The partition has taken note and does not serve any more.
      }
    }
  }
}
