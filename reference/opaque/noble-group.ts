/**
 * Groups on noble-curves: portable, the readable twin. Constant-time in its algorithms, not in its big integers, so
 * a vault uses {@link sodium-group} instead.
 *
 * @module
 */
import type { CurvePoint, CurvePointCons } from '@noble/curves/abstract/curve.js';
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { p256, p256_hasher } from '@noble/curves/nist.js';
import type { HashName } from '../crypto/engine.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { notAScalar, notAnElement, type Group } from './group.ts';

interface Curve<P extends CurvePoint<unknown, P>> {
  readonly identifier: string;
  readonly hash: HashName;
  readonly elementLength: number;
  readonly point: CurvePointCons<P>;
  readonly hasher: {
    hashToCurve(input: Uint8Array, options: { DST: Uint8Array }): P;
    hashToScalar(input: Uint8Array, options: { DST: Uint8Array }): bigint;
  };
  /** Index and mask of the byte that has bits which no scalar has. */
  readonly top: readonly [index: number, mask: number];
}

function nobleGroup<P extends CurvePoint<unknown, P>>(curve: Curve<P>): Group {
  const { point: Point, hasher, elementLength } = curve;
  const { Fn } = Point;

  function element(bytes: Uint8Array): P {
    // The length is checked here because noble also takes uncompressed points.
    if (bytes.length !== elementLength) throw notAnElement();
    let point: P;
    try {
      point = Point.fromBytes(bytes);
    } catch {
      throw notAnElement();
    }
    if (point.is0()) throw notAnElement();
    return point;
  }

  function scalar(bytes: Uint8Array): bigint {
    let value: bigint;
    try {
      value = Fn.fromBytes(bytes);
    } catch {
      throw notAScalar();
    }
    if (!Fn.isValidNot0(value)) throw notAScalar();
    return value;
  }

  function accepts(check: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
    try {
      check(bytes);
      return true;
    } catch {
      return false;
    }
  }

  return {
    identifier: curve.identifier,
    hash: curve.hash,
    elementLength,
    scalarLength: Fn.BYTES,
    hashToGroup: (input, dst) => copy(hasher.hashToCurve(input, { DST: dst }).toBytes()),
    hashToScalar: (input, dst) => copy(Fn.toBytes(hasher.hashToScalar(input, { DST: dst }))),
    isElement: (bytes) => accepts(element, bytes),
    isScalar: (bytes) => accepts(scalar, bytes),
    trim(bytes): Bytes {
      const [index, mask] = curve.top;
      const out = copy(bytes);
      out[index] = (out[index] ?? 0) & mask;
      return out;
    },
    multiply: (k, bytes) => copy(element(bytes).multiply(scalar(k)).toBytes()),
    multiplyBase: (k) => copy(Point.BASE.multiply(scalar(k)).toBytes()),
    invert: (k) => copy(Fn.toBytes(Fn.inv(scalar(k)))),
  };
}

/** ristretto255-SHA512 (RFC 9497, section 4.1): the mandatory group. */
export const nobleRistretto255: Group = nobleGroup({
  identifier: 'ristretto255-SHA512',
  hash: 'sha512',
  elementLength: 32,
  point: ristretto255.Point,
  hasher: ristretto255_hasher,
  top: [31, 0x1f],
});

/** P256-SHA256 (RFC 9497, section 4.3). */
export const nobleP256: Group = nobleGroup({
  identifier: 'P256-SHA256',
  hash: 'sha256',
  elementLength: 33,
  point: p256.Point,
  hasher: p256_hasher,
  top: [0, 0xff],
});
