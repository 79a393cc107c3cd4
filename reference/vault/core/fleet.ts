/**
 * What the core knows of its fleet, and what it is told of one call. Nothing here changes while a vault runs.
 *
 * @module
 */
import type { Policy, ProtectionLevel } from '../../fleet/descriptor.ts';
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
  readonly level: ProtectionLevel;
  readonly policy: Policy;
  readonly suite: Suite;
  /** Number of the OPAQUE suite. */
  readonly opaqueSuite: number;
  /** Every pair that a registration may have been made with. */
  readonly opaqueKeys: readonly OpaqueServerKey[];
  /** The pair for new registrations; undefined if the time of all has passed. */
  readonly newOpaqueKey: OpaqueServerKey | undefined;
  /** Name of the key that signs answers, 8 bytes. */
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
