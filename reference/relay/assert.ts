/**
 * The relay's word for a request (spec/http.md, "Relay"): an exchange of mode `none` in, one of mode `ed25519` out.
 *
 * @module
 */
import { ed25519PublicKey, ed25519Sign } from '../crypto/ed25519.ts';
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import { Assertion, Exchange } from '../exchange/assertion.ts';
import { EXCHANGE_VERSION } from '../exchange/request.ts';
import { keyId } from '../fleet/index.ts';
import { assertionMessage } from '../vault/assertion.ts';
import { isZero, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';

/** Seconds for which an assertion holds. */
export const ASSERTION_SECONDS = 60;

/**
 * Vouches that an exchange is of an account.
 *
 * @param body encoded `Exchange`, as a client sends it
 * @param secret Ed25519 private key of the relay, 32 bytes
 * @param wallClock seconds since 1970
 * @throws StrongroomError `malformed`, `unsupported-version`
 */
export function assertExchange(body: Bytes, account: Bytes, secret: Bytes, wallClock: number): Bytes {
  const { version, mode, assertion: given, sealedRequest } = decode(Exchange, body);
  if (version !== EXCHANGE_VERSION) {
    throw new StrongroomError('unsupported-version', `exchange version ${version}`);
  }
  if (mode !== 'none' || !isZero(given)) {
    throw new StrongroomError('malformed', 'an exchange of a client asserts nothing');
  }
  const unsigned: Assertion = {
    relayKeyId: keyId(ed25519PublicKey(secret)),
    account,
    requestHash: nodeEngine.hash('sha256', sealedRequest),
    expires: wallClock + ASSERTION_SECONDS,
    signature: new Uint8Array(64),
  };
  const signature = ed25519Sign(secret, assertionMessage(unsigned));
  const assertion = encode(Assertion, { ...unsigned, signature });
  return encode(Exchange, { version, mode: 'ed25519', assertion, sealedRequest });
}
