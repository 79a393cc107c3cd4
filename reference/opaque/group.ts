/**
 * The seam of prime-order groups (spec/opaque.md, "Group"; RFC 9497, sections 2.1 and 4). Elements and scalars are
 * their canonical encodings; every implementation refuses the identity, encodings that are not canonical, and the
 * scalar zero.
 *
 * @module
 */
import type { HashName } from '../crypto/engine.ts';
import type { RandomSource } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import type { Bytes } from '../wire/bytes.ts';

/** One implementation of one group. */
export interface Group {
  /** Identifier of the ciphersuite in RFC 9497, section 4. */
  readonly identifier: string;
  /** Hash of the ciphersuite. */
  readonly hash: HashName;
  /** Bytes of an element: Noe of RFC 9807. */
  readonly elementLength: number;
  /** Bytes of a scalar: Nok of RFC 9807. */
  readonly scalarLength: number;
  /** HashToGroup with domain separation tag `dst`. */
  hashToGroup(input: Uint8Array, dst: Uint8Array): Bytes;
  /** HashToScalar with domain separation tag `dst`; zero with negligible probability. */
  hashToScalar(input: Uint8Array, dst: Uint8Array): Bytes;
  /** True for the canonical encoding of an element that is not the identity. */
  isElement(bytes: Uint8Array): boolean;
  /** True for the canonical encoding of a scalar that is not zero. */
  isScalar(bytes: Uint8Array): boolean;
  /** A candidate for `randomScalar`: `bytes` with the bits cleared that no scalar has. */
  trim(bytes: Bytes): Bytes;
  /** scalar * element. @throws StrongroomError `malformed` */
  multiply(scalar: Uint8Array, element: Uint8Array): Bytes;
  /** scalar * generator. @throws StrongroomError `malformed` */
  multiplyBase(scalar: Uint8Array): Bytes;
  /** The inverse of a scalar. @throws StrongroomError `malformed` */
  invert(scalar: Uint8Array): Bytes;
}

/** The error for an element that is not one. */
export function notAnElement(): StrongroomError {
  return new StrongroomError('malformed', 'not the encoding of a group element', { subject: 'element' });
}

/** The error for a scalar that is not one. */
export function notAScalar(): StrongroomError {
  return new StrongroomError('malformed', 'not the encoding of a scalar', { subject: 'scalar' });
}

// At least every second candidate is a scalar (ristretto255), so this many refused ones mean a broken source.
const CANDIDATES = 128;

/** A uniform scalar by rejection sampling (RFC 9497, section 4.7.1). */
export function randomScalar(group: Group, random: RandomSource, name: string): Bytes {
  for (let i = 0; i < CANDIDATES; i++) {
    const candidate = group.trim(random(name, group.scalarLength));
    if (group.isScalar(candidate)) return candidate;
  }
  throw notAScalar();
}
