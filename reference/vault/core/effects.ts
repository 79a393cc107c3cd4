/**
 * What the core asks of its surroundings. The core is a generator that yields these and is given their results: it
 * has no clock, no randomness and no I/O of its own, so that the server, the tests that try every interleaving and a
 * page in a browser run the same code.
 *
 * @module
 */
import type { HmacKey } from '../../hsm/interface.ts';
import type { Bytes } from '../../wire/bytes.ts';
import type { AccountRecord } from '../record.ts';

/** A proved record, or proved absence; the token names exactly this state of the leaf. */
export interface Loaded {
  readonly record: AccountRecord | undefined;
  readonly token: Bytes | undefined;
}

/** One thing that the core asks for. */
export type Effect =
  /** Read a record and prove it against the anchored root: {@link Loaded}. */
  | { readonly kind: 'load'; readonly leaf: Bytes }
  /**
   * Replace the record that `token` names **[D]**. True: it is durable, and anchored. False: another commit came
   * first, and nothing was changed.
   */
  | {
      readonly kind: 'commit';
      readonly leaf: Bytes;
      readonly token: Bytes | undefined;
      readonly record: AccountRecord;
    }
  /** HMAC under a key of the HSM. */
  | { readonly kind: 'hmac'; readonly key: HmacKey; readonly data: Bytes }
  /** Signature of the receipt key of this id. */
  | { readonly kind: 'sign'; readonly receiptKeyId: Bytes; readonly message: Bytes }
  /** The vault's own time, in seconds. */
  | { readonly kind: 'now' }
  /** Fresh random bytes; `name` is the specification's name of the value. */
  | { readonly kind: 'random'; readonly name: string; readonly length: number };

/** What each effect gives back. */
export interface Results {
  readonly load: Loaded;
  readonly commit: boolean;
  readonly hmac: Bytes;
  readonly sign: Bytes;
  readonly now: number;
  readonly random: Bytes;
}

/** A computation of the core. */
export type Step<T> = Generator<Effect, T, Results[Effect['kind']]>;

/** Yields one effect and gives back its result. */
export function* perform<K extends Effect['kind']>(effect: Extract<Effect, { kind: K }>): Step<Results[K]> {
  return (yield effect) as Results[K];
}

/** One function for each effect. */
export type Handlers = {
  readonly [K in Effect['kind']]: (effect: Extract<Effect, { kind: K }>) => Results[K] | Promise<Results[K]>;
};

/** Runs a computation to its end. */
export async function run<T>(step: Step<T>, handlers: Handlers): Promise<T> {
  let turn = step.next();
  while (turn.done !== true) {
    const handler = handlers[turn.value.kind] as (effect: Effect) => Promise<Results[Effect['kind']]>;
    turn = step.next(await handler(turn.value));
  }
  return turn.value;
}
