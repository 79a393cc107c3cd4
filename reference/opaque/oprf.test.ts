import { p256 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import vectors from '../../vectors/rfc/rfc9497.json' with { type: 'json' };
import { nodeEngine } from '../crypto/node.ts';
import { fromHex, hex, type Bytes } from '../wire/bytes.ts';
import type { Group } from './group.ts';
import { nobleP256, nobleRistretto255 } from './noble-group.ts';
import { blind, blindEvaluate, deriveScalar, finalize } from './oprf.ts';
import { sodiumRistretto255 } from './sodium-group.ts';

const sodium = await sodiumRistretto255();
const groups: [string, Group][] = [
  ['noble ristretto255', nobleRistretto255],
  ['libsodium ristretto255', sodium],
  ['noble P-256', nobleP256],
];
const ristretto = groups.slice(0, 2);

// RFC 9496, appendix A.3: encodings that are not canonical, negative, or of no element.
const BAD_ENCODINGS = [
  '00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20',
  'c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562',
  '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371',
  '4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f',
  'de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad87',
];
const IDENTITY = '00'.repeat(32);
// The order of ristretto255, little-endian, and the order of P-256, big-endian.
const ORDER = 'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010';
const P256_ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

function element(group: Group): Bytes {
  return group.multiplyBase(deriveScalar(group, new Uint8Array(32), new Uint8Array(0)));
}

describe.each(groups)('%s', (_name, group) => {
  const cases = vectors.suites
    .filter(({ suite }) => suite === group.identifier)
    .flatMap((suite) => suite.cases.map((row) => ({ ...row, suite })));

  it('has vectors', () => expect(cases).toHaveLength(2));

  it.each(cases)('RFC 9497, $suite.section, input $input', (row) => {
    const key = deriveScalar(group, fromHex(row.suite.seed), fromHex(row.suite.key_info));
    expect(hex(key)).toBe(row.suite.secret_key);
    const input = fromHex(row.input);
    const blinded = blind(group, () => fromHex(row.blind), 'blind', input);
    expect(hex(blinded.blindedElement)).toBe(row.blinded_element);
    const evaluated = blindEvaluate(group, key, blinded.blindedElement);
    expect(hex(evaluated)).toBe(row.evaluation_element);
    expect(hex(finalize(group, nodeEngine, input, blinded.blind, evaluated))).toBe(row.output);
  });

  it('refuses a source that yields no scalar, instead of drawing for ever', () => {
    const zeros = (): Bytes => new Uint8Array(32);
    expect(() => blind(group, zeros, 'blind', new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('draws again when a candidate is not a scalar', () => {
    const candidates = ['00'.repeat(32), 'ff'.repeat(32), `${'00'.repeat(15)}01${'00'.repeat(16)}`];
    let draws = 0;
    const blinded = blind(group, () => fromHex(candidates[draws++] ?? ''), 'blind', new Uint8Array(1));
    expect(draws).toBe(3);
    expect(hex(blinded.blind)).toBe(candidates[2]);
  });

  it('refuses elements of a wrong length', () => {
    const good = element(group);
    const scalar = deriveScalar(group, new Uint8Array(32), new Uint8Array(1));
    for (const bad of [
      good.subarray(1),
      new Uint8Array([...good, 0]),
      new Uint8Array(0),
      new Uint8Array(65),
    ]) {
      expect(group.isElement(bad)).toBe(false);
      expect(() => group.multiply(scalar, bad)).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
  });

  // proves OPQ-3
  it('refuses scalars that are zero, too great or of a wrong length', () => {
    const order = fromHex(group === nobleP256 ? P256_ORDER : ORDER);
    for (const bad of [new Uint8Array(32), order, new Uint8Array(32).fill(255), new Uint8Array(31).fill(1)]) {
      expect(group.isScalar(bad)).toBe(false);
      expect(() => group.multiply(bad, element(group))).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      );
      expect(() => group.multiplyBase(bad)).toThrow(expect.objectContaining({ code: 'malformed' }));
      expect(() => group.invert(bad)).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
    const last = order.map((byte, i) => byte - Number(i === (group === nobleP256 ? 31 : 0)));
    expect(group.isScalar(last)).toBe(true);
  });
});

describe.each(ristretto)('elements on %s', (_name, group) => {
  const scalar = deriveScalar(group, new Uint8Array(32), new Uint8Array(1));

  it.each([IDENTITY, ...BAD_ENCODINGS])('refuses %s', (text) => {
    expect(group.isElement(fromHex(text))).toBe(false);
    expect(() => group.multiply(scalar, fromHex(text))).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });
});

describe('P-256 elements', () => {
  it('are compressed points on the curve alone', () => {
    const good = element(nobleP256);
    const scalar = deriveScalar(nobleP256, new Uint8Array(32), new Uint8Array(1));
    const whole = new Uint8Array(p256.Point.fromBytes(good).toBytes(false));
    expect(whole).toHaveLength(65);
    const forms = [
      whole,
      new Uint8Array([0, ...good.subarray(1)]),
      new Uint8Array([4, ...good.subarray(1)]),
      new Uint8Array([2, ...new Uint8Array(32).fill(255)]),
      new Uint8Array(33),
    ];
    for (const bad of forms) expect(() => nobleP256.multiply(scalar, bad)).toThrow();
  });
});

describe('the two ristretto255 groups', () => {
  it('agree on every operation', () => {
    for (let i = 0; i < 20; i++) {
      const seed = nodeEngine.hash('sha256', Uint8Array.of(i));
      const dst = fromHex('0102');
      const [a, b] = [nobleRistretto255, sodium].map((group) => {
        const k = group.hashToScalar(seed, dst);
        const p = group.hashToGroup(seed, dst);
        return [k, p, group.multiply(k, p), group.multiplyBase(k), group.invert(k)].map(hex);
      });
      expect(a).toEqual(b);
    }
  });
});
