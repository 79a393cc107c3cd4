/**
 * Account assertions (spec/exchange.md, "Assertion"): the relay's word that a request is of an account.
 *
 * @module
 */
import { ed25519Verify } from '../crypto/ed25519.ts';
import { Assertion, type Exchange } from '../exchange/assertion.ts';
import { keyId } from '../fleet/index.ts';
import type { Policy } from '../fleet/descriptor.ts';
import { label } from '../keys/labels.ts';
import { concat, equal, isZero, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import type { Caller } from './core/fleet.ts';

/** What the signature of an assertion covers: label and every field before it. */
export function assertionMessage(assertion: Assertion): Bytes {
  const { account } = assertion;
  const fields = encode(Assertion, assertion).slice(0, 8 + 1 + account.length + 32 + 8);
  return concat(label('assertion'), fields);
}

/**
 * For whom an exchange may speak.
 *
 * @param requestHash SHA-256 of its sealed request
 * @param wallClock seconds since 1970
 */
export function callerOf(policy: Policy, exchange: Exchange, requestHash: Bytes, wallClock: number): Caller {
  const { mode } = exchange;
  if (mode !== policy.assertionMode) return { kind: 'nobody' };
  if (mode === 'none') return isZero(exchange.assertion) ? { kind: 'anyone' } : { kind: 'nobody' };
  let assertion: Assertion;
  try {
    assertion = decode(Assertion, exchange.assertion);
  } catch {
    return { kind: 'nobody' };
  }
  const key = policy.relayKeys.find((key) => equal(keyId(key), assertion.relayKeyId));
  const holds =
    key !== undefined &&
    equal(assertion.requestHash, requestHash) &&
    wallClock <= assertion.expires &&
    ed25519Verify(key, assertionMessage(assertion), assertion.signature);
  return holds ? { kind: 'account', account: assertion.account } : { kind: 'nobody' };
}
