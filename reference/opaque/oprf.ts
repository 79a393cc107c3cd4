/**
 * The oblivious pseudorandom function (RFC 9497, mode OPRF): the server evaluates it on a password that it never
 * sees.
 *
 * @module
 */
import type { CryptoEngine } from '../crypto/engine.ts';
import type { RandomSource } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { concat, isZero, utf8, wipe, type Bytes } from '../wire/bytes.ts';
import { encode, u16 } from '../wire/codec.ts';
import { randomScalar, type Group } from './group.ts';

const MODE_OPRF = 0x00;

/** `name || "OPRFV1-" || I2OSP(mode, 1) || "-" || identifier`: a domain separation tag (RFC 9497, section 3.1). */
function tag(group: Group, name: string): Bytes {
  return concat(utf8(`${name}OPRFV1-`), Uint8Array.of(MODE_OPRF), utf8(`-${group.identifier}`));
}

/** I2OSP(len(value), 2) || value. @throws StrongroomError `malformed` if the value is longer than 65535 bytes */
export function prefixed(value: Uint8Array): Bytes {
  return concat(encode(u16, value.length), value);
}

/** Blind (RFC 9497, section 3.3.1). @throws StrongroomError `malformed` if the input hashes to the identity */
export function blind(
  group: Group,
  random: RandomSource,
  name: string,
  input: Uint8Array,
): { readonly blind: Bytes; readonly blindedElement: Bytes } {
  const scalar = randomScalar(group, random, name);
  const element = group.hashToGroup(input, tag(group, 'HashToGroup-'));
  return { blind: scalar, blindedElement: group.multiply(scalar, element) };
}

/** BlindEvaluate (RFC 9497, section 3.3.1). @throws StrongroomError `malformed` */
export function blindEvaluate(group: Group, secretKey: Uint8Array, blindedElement: Uint8Array): Bytes {
  return group.multiply(secretKey, blindedElement);
}

/** Finalize (RFC 9497, section 3.3.1): the output of the function, as long as the hash. @throws StrongroomError `malformed` */
export function finalize(
  group: Group,
  engine: CryptoEngine,
  input: Uint8Array,
  blindScalar: Uint8Array,
  evaluatedElement: Uint8Array,
): Bytes {
  const inverse = group.invert(blindScalar);
  const unblinded = group.multiply(inverse, evaluatedElement);
  const hashInput = concat(prefixed(input), prefixed(unblinded), utf8('Finalize'));
  const output = engine.hash(group.hash, hashInput);
  wipe(inverse, unblinded, hashInput);
  return output;
}

/** The secret half of DeriveKeyPair (RFC 9497, section 3.2.1). */
export function deriveScalar(group: Group, seed: Uint8Array, info: Uint8Array): Bytes {
  const input = concat(seed, prefixed(info));
  const dst = tag(group, 'DeriveKeyPair');
  for (let counter = 0; counter <= 255; counter++) {
    const scalar = group.hashToScalar(concat(input, Uint8Array.of(counter)), dst);
    if (!isZero(scalar)) {
      wipe(input);
      return scalar;
    }
  }
  throw new StrongroomError('malformed', 'the seed derives no key', { subject: 'seed' });
}
