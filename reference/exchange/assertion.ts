/**
 * The account assertion and the body of an exchange (spec/exchange.md, "Assertion").
 *
 * @module
 */
import { AssertionMode } from '../fleet/descriptor.ts';
import type { Bytes } from '../wire/bytes.ts';
import { bytes, opaque, padded, struct, u64, u8, type Codec } from '../wire/codec.ts';
import { ACCOUNT_MAX } from './request.ts';

/** Size of the assertion field of an exchange, in bytes. */
export const ASSERTION_SIZE = 192;

/** A relay's short-lived word that this request is this account's. */
export interface Assertion {
  readonly relayKeyId: Bytes;
  readonly account: Bytes;
  /** SHA-256 of the sealed request. */
  readonly requestHash: Bytes;
  /** Wall-clock seconds since 1970 at which it ends. */
  readonly expires: number;
  /** Ed25519 over `label("assertion") || ` the fields above. */
  readonly signature: Bytes;
}

/** `Assertion`, padded to {@link ASSERTION_SIZE} bytes. */
export const Assertion: Codec<Assertion> = padded(
  struct<Assertion>('Assertion', {
    relayKeyId: opaque(8, 'relay_key_id'),
    account: bytes(1, ACCOUNT_MAX, 'account'),
    requestHash: opaque(32, 'request_hash'),
    expires: u64,
    signature: opaque(64, 'signature'),
  }),
  ASSERTION_SIZE,
);

/** What is posted to `/v1/exchange`. */
export interface Exchange {
  readonly version: number;
  readonly mode: AssertionMode;
  /** Encoding of an {@link Assertion}; zeros in mode `none`. */
  readonly assertion: Bytes;
  /** Encoding of a `SealedRequest` (spec/channel.md). */
  readonly sealedRequest: Bytes;
}

/** `Exchange` on the wire. */
export const Exchange: Codec<Exchange> = struct<Exchange>('Exchange', {
  version: u8,
  mode: AssertionMode,
  assertion: opaque(ASSERTION_SIZE, 'assertion'),
  sealedRequest: bytes(1, 3072, 'sealed_request'),
});
