/**
 * What the core knows of its fleet, and what it is told of one call. Nothing here changes while a vault runs.
 *
 * @module
 */
import type { Policy } from '../../fleet/descriptor.ts';
import type { Suite } from '../../opaque/index.ts';
import type { Bytes } from '../../wire/bytes.ts';

/** A pair of OPAQUE keys of the fleet. */
export interface OpaqueServerKey {
  /** 8 bytes. */
  readonly id: Bytes;
  /** Name of the OPRF key that goes with it, 8 bytes. */
  readonly oprfKeyId: Bytes;
  readonly secretKey: Bytes;
  readonly publicKey: Bytes;
}

/** The fleet, as its core needs it. */
export interface Fleet {
  /** 16 bytes. */
  readonly fleetId: Bytes;
  readonly policy: Policy;
  readonly suite: Suite;
  /** Number of the OPAQUE suite. */
  readonly opaqueSuite: number;
  /** The current pair first; then those that older registrations still use. */
  readonly opaqueKeys: readonly [OpaqueServerKey, ...OpaqueServerKey[]];
  /** 8 bytes. */
  readonly receiptKeyId: Bytes;
}

/** For whom a call may speak (spec/exchange.md, "Assertion"). */
export type Caller =
  /** No assertion is asked for: development. */
  | { readonly kind: 'anyone' }
  | { readonly kind: 'account'; readonly account: Bytes }
  /** The assertion did not verify. */
  | { readonly kind: 'nobody' };

/** One opened request. */
export interface Call {
  readonly caller: Caller;
  /** SHA-256 of the sealed request. */
  readonly requestHash: Bytes;
  /** The opened request, 2048 bytes. */
  readonly plaintext: Bytes;
}
