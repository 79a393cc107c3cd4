import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '../crypto/ed25519.ts';
import { nodeEngine } from '../crypto/node.ts';
import { p256Key } from '../crypto/p256-key.ts';
import { concat, fromHex, hex, utf8, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { nobleSuite } from '../opaque/suite.ts';
import { descriptorHash, FleetDescriptor, keyId, SignedDescriptor, type FleetKey } from './descriptor.ts';
import { channelKey, opaqueKey, receiptKey, registrationKey } from './keys.ts';
import { DEFAULT_POLICY } from './policy.ts';
import { keyRules } from './suites.ts';
import { assembleDescriptor, signDescriptor, verifyDescriptor, type DescriptorTrust } from './verify.ts';

const secrets = [1, 2, 3, 4].map((n) => nodeEngine.hash('sha256', Uint8Array.of(n)));
const signers = secrets.slice(0, 3).map(ed25519PublicKey);
const seed = (n: number): Bytes => nodeEngine.hash('sha256', Uint8Array.of(100 + n));
const publicKey = (n: number): Bytes => ed25519PublicKey(seed(n));
const element = (n: number): Bytes => nobleSuite.dh.deriveKeyPair(seed(n)).publicKey;

function keyOf(bytes: Bytes, state: FleetKey['state'] = 'current'): FleetKey {
  return { id: keyId(bytes), state, location: 'memory', publicKey: bytes };
}

function fleetKey(n: number, state: FleetKey['state'] = 'current'): FleetKey {
  return keyOf(publicKey(n), state);
}

const opaqueKeyOf = (
  n: number,
  notAfterNew: number,
  bytes: Bytes = element(n),
): FleetDescriptor['opaqueKeys'][number] => ({
  id: keyId(bytes),
  oprfKeyId: new Uint8Array(8).fill(n),
  notAfterNew,
  location: 'memory',
  oprfLocation: 'memory',
  publicKey: bytes,
});

const descriptor: FleetDescriptor = {
  version: 1,
  fleetId: new Uint8Array(16).fill(7),
  serial: 5,
  notBefore: 1000,
  notAfter: 2000,
  channelSuite: 1,
  opaqueSuite: 1,
  level: 'software',
  kemKeys: [fleetKey(0, 'retiring'), fleetKey(1)],
  receiptKeys: [fleetKey(2), fleetKey(3, 'retiring')],
  opaqueKeys: [opaqueKeyOf(4, 1200), opaqueKeyOf(5, 2000)],
  policy: DEFAULT_POLICY,
  operator: 'Example',
  trustDomain: 'example.org, Zürich',
};

const trust: DescriptorTrust = { signers, k: 2, now: 1500, lastSerial: 5, fleetId: descriptor.fleetId };

function signedBy(who: readonly number[], what: FleetDescriptor = descriptor): Bytes {
  const bytes = encode(FleetDescriptor, what);
  return assembleDescriptor(
    what,
    who.map((n) => signDescriptor(bytes, secrets[n] ?? new Uint8Array(32))),
  );
}

/** Signed by two, without the checks that an honest ceremony makes. */
function forced(what: FleetDescriptor): Bytes {
  const bytes = encode(FleetDescriptor, what);
  const { magic } = decode(SignedDescriptor, signedBy([0, 1]));
  const signatures = [0, 1]
    .map((n) => signDescriptor(bytes, secrets[n] ?? new Uint8Array(32)))
    .sort((a, b) => (hex(a.signerId) < hex(b.signerId) ? -1 : 1));
  return encode(SignedDescriptor, { magic, descriptor: bytes, signatures });
}

const refusal = (bytes: Bytes, changes: Partial<DescriptorTrust> = {}): string => {
  try {
    verifyDescriptor(bytes, { ...trust, ...changes });
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

describe('a descriptor', () => {
  it('is accepted with k signatures and comes out as it went in', () => {
    expect(verifyDescriptor(signedBy([2, 0]), trust)).toEqual(descriptor);
    expect(verifyDescriptor(signedBy([0, 1, 2]), trust)).toEqual(descriptor);
  });

  it('may have signers that this client does not know, but they do not count', () => {
    expect(refusal(signedBy([0, 1, 3]))).toBe('accepted');
    expect(refusal(signedBy([0, 3]))).toBe('descriptor-not-trusted');
    expect(refusal(signedBy([3]), { k: 1 })).toBe('descriptor-not-trusted');
  });

  it('needs k different signers', () => {
    expect(refusal(signedBy([0]))).toBe('descriptor-not-trusted');
    const one = decode(SignedDescriptor, signedBy([0]));
    const twice = { ...one, signatures: [...one.signatures, ...one.signatures] };
    expect(refusal(encode(SignedDescriptor, twice))).toBe('bad-descriptor');
  });

  it('has its signatures in one order', () => {
    const signed = decode(SignedDescriptor, signedBy([0, 1]));
    const turned = { ...signed, signatures: signed.signatures.toReversed() };
    expect(refusal(encode(SignedDescriptor, turned))).toBe('bad-descriptor');
  });

  it('is not believed under the names of others', () => {
    const bytes = encode(FleetDescriptor, descriptor);
    const forger = secrets[3] ?? new Uint8Array(32);
    const signatures = signers
      .map((key) => ({ signerId: keyId(key), signature: signDescriptor(bytes, forger).signature }))
      .sort((a, b) => (hex(a.signerId) < hex(b.signerId) ? -1 : 1));
    const signed = decode(SignedDescriptor, signedBy([0, 1]));
    expect(refusal(encode(SignedDescriptor, { ...signed, signatures }))).toBe('descriptor-not-trusted');
  });

  it('is signed under its label', () => {
    const bytes = encode(FleetDescriptor, descriptor);
    const { signature } = signDescriptor(bytes, secrets[0] ?? bytes);
    const message = concat(utf8('strongroom/v1/fleet-descriptor'), Uint8Array.of(0), bytes);
    expect(ed25519Verify(signers[0] ?? bytes, message, signature)).toBe(true);
    expect(ed25519Verify(signers[0] ?? bytes, bytes, signature)).toBe(false);
  });

  it('is refused with any byte changed', () => {
    const bytes = signedBy([0, 1]);
    const codes = new Set<string>();
    for (let at = 0; at < bytes.length; at += 3) {
      codes.add(refusal(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))));
    }
    expect([...codes].sort()).toEqual(['bad-descriptor', 'descriptor-not-trusted']);
  });

  it.each([0, 7, 8, 9, 100])('is refused cut to %i bytes', (length) => {
    expect(refusal(signedBy([0, 1]).slice(0, length))).toBe('bad-descriptor');
  });

  it('is valid from not_before to not_after, both included', () => {
    const bytes = signedBy([0, 1]);
    expect(refusal(bytes, { now: 999 })).toBe('descriptor-not-yet-valid');
    expect(refusal(bytes, { now: 1000 })).toBe('accepted');
    expect(refusal(bytes, { now: 2000 })).toBe('accepted');
    expect(refusal(bytes, { now: 2001 })).toBe('descriptor-expired');
  });

  it('is never older than the last one', () => {
    expect(refusal(signedBy([0, 1]), { lastSerial: 6 })).toBe('descriptor-rollback');
    expect(refusal(signedBy([0, 1]), { lastSerial: 0 })).toBe('accepted');
  });

  it('is the only one of its serial, whoever signed it', () => {
    const lastHash = descriptorHash(descriptor);
    expect(refusal(signedBy([1, 2]), { lastHash })).toBe('accepted');
    const twin = { ...descriptor, operator: 'Other' };
    expect(refusal(signedBy([0, 1], twin), { lastHash })).toBe('descriptor-rollback');
    expect(refusal(signedBy([0, 1], { ...twin, serial: 6 }), { lastHash })).toBe('accepted');
    expect(refusal(signedBy([0, 1], twin), { lastHash, lastSerial: 4 })).toBe('accepted');
  });

  // proves FLT-15
  it('is of no lower level than the last one', () => {
    const relays = { ...DEFAULT_POLICY, assertionMode: 'ed25519' as const, relayKeys: [publicKey(9)] };
    const at = (level: FleetDescriptor['level']): Bytes =>
      signedBy([0, 1], { ...descriptor, level, policy: relays });
    const levels = ['software', 'custody', 'execution'] as const;
    for (const [i, lastLevel] of levels.entries()) {
      for (const [j, level] of levels.entries()) {
        const expected = j < i ? 'descriptor-rollback' : 'accepted';
        expect(refusal(at(level), { lastSerial: 4, lastLevel })).toBe(expected);
      }
    }
  });

  it('is of the fleet that was asked for', () => {
    expect(refusal(signedBy([0, 1]), { fleetId: new Uint8Array(16) })).toBe('wrong-fleet');
    expect(refusal(signedBy([0, 1]), { fleetId: undefined })).toBe('accepted');
  });

  it('is verified against pins that are a choice of signers', () => {
    const [first = new Uint8Array(32)] = signers;
    for (const changes of [{ k: 0 }, { k: 4 }, { signers: [] }, { signers: [first, first] }]) {
      expect(refusal(signedBy([0, 1]), changes)).toBe('invalid-config');
    }
  });
});

describe('a descriptor that k signers have signed all the same', () => {
  const policy = DEFAULT_POLICY;
  const identity = Uint8Array.of(1, ...new Uint8Array(31));
  // y = p + 3, a point of large order in a second form.
  const notCanonical = Uint8Array.of(0xf0, ...new Uint8Array(30).fill(0xff), 0x7f);
  it('may still share an OPRF key and name one key for two uses', () => {
    const shared = [4, 5].map((n) => ({ ...opaqueKeyOf(n, 2000), oprfKeyId: new Uint8Array(8) }));
    const twice = { ...descriptor, opaqueKeys: shared, kemKeys: [fleetKey(2)], receiptKeys: [fleetKey(2)] };
    expect(refusal(forced(twice))).toBe('accepted');
  });

  it.each<[string, Partial<FleetDescriptor>, string]>([
    ['version 2', { version: 2 }, 'unsupported-version'],
    [
      'a channel suite of tomorrow',
      { channelSuite: 3, kemKeys: [fleetKey(0, 'retiring')] },
      'unsupported-suite',
    ],
    ['an OPAQUE suite of tomorrow', { opaqueSuite: 2, serial: 0 }, 'unsupported-suite'],
    ['serial 0', { serial: 0 }, 'bad-descriptor'],
    ['a channel key of 31 bytes', { kemKeys: [keyOf(publicKey(0).slice(1))] }, 'bad-descriptor'],
    ['a receipt key of 31 bytes', { receiptKeys: [keyOf(publicKey(0).slice(1))] }, 'bad-descriptor'],
    ['a receipt key of small order', { receiptKeys: [keyOf(identity)] }, 'bad-descriptor'],
    ['a receipt key that is not canonical', { receiptKeys: [keyOf(notCanonical)] }, 'bad-descriptor'],
    ['keys of suite 1 in suite 2', { channelSuite: 2 }, 'bad-descriptor'],
    ['an OPAQUE key that is no element', { opaqueKeys: [opaqueKeyOf(4, 1, seed(4))] }, 'bad-descriptor'],
    ['the identity as OPAQUE key', { opaqueKeys: [opaqueKeyOf(4, 1, new Uint8Array(32))] }, 'bad-descriptor'],
    [
      'a relay key of small order',
      { policy: { ...policy, assertionMode: 'ed25519', relayKeys: [identity] } },
      'bad-descriptor',
    ],
    ['validity turned round', { notBefore: 2001 }, 'bad-descriptor'],
    ['no current channel key', { kemKeys: [fleetKey(0, 'retiring')] }, 'bad-descriptor'],
    ['no current receipt key', { receiptKeys: [fleetKey(0, 'retiring')] }, 'bad-descriptor'],
    ['a key twice', { kemKeys: [fleetKey(1), fleetKey(1)] }, 'bad-descriptor'],
    ['a false id', { kemKeys: [{ ...fleetKey(1), id: new Uint8Array(8) }] }, 'bad-descriptor'],
    ['a budget of 0', { policy: { ...policy, defaultBudget: 0 } }, 'bad-descriptor'],
    ['a budget above 100', { policy: { ...policy, maxBudget: 101, ceiling: 200 } }, 'bad-descriptor'],
    ['a default above the most', { policy: { ...policy, maxBudget: 9 } }, 'bad-descriptor'],
    ['a ceiling below the budget', { policy: { ...policy, ceiling: 99 } }, 'bad-descriptor'],
    ['no assertions at level custody', { level: 'custody' }, 'bad-descriptor'],
    ['assertions without a relay', { policy: { ...policy, assertionMode: 'ed25519' } }, 'bad-descriptor'],
    ['an OPAQUE key twice', { opaqueKeys: [opaqueKeyOf(4, 1), opaqueKeyOf(4, 2)] }, 'bad-descriptor'],
    ['a relay without assertions', { policy: { ...policy, relayKeys: [publicKey(9)] } }, 'bad-descriptor'],
  ])('%s is refused', (_what, changes, code) => {
    const wrong = { ...descriptor, ...changes };
    expect(refusal(forced(wrong))).toBe(code);
    expect(() => assembleDescriptor(wrong, [])).toThrow(expect.objectContaining({ code }));
  });
});

// proves CHN-13, CHN-14
describe('a descriptor of suite 2', () => {
  const p256 = (n: number): Bytes => p256Key(seed(n)).publicKey;
  const other = { ...descriptor, channelSuite: 2, kemKeys: [keyOf(p256(1))], receiptKeys: [keyOf(p256(2))] };

  it('names points of P-256, and is accepted', () => {
    expect(refusal(forced(other))).toBe('accepted');
    expect(channelKey(other)).toMatchObject({ suite: 2, publicKey: p256(1) });
  });

  it.each(['kemKeys', 'receiptKeys'] as const)('is refused with %s that are none', (field) => {
    const compressed = Uint8Array.of(2 + ((p256(1)[64] ?? 0) & 1), ...p256(1).subarray(1, 33));
    const off = p256(1).map((byte, i) => (i === 64 ? byte ^ 1 : byte));
    for (const bytes of [publicKey(1), compressed, off]) {
      expect(refusal(forced({ ...other, [field]: [keyOf(bytes)] }))).toBe('bad-descriptor');
    }
  });
});

// proves CHN-15
it('a receipt is verified as the suite has it', () => {
  const message = utf8('answer');
  const [ed, ec] = [keyRules(1), keyRules(2)];
  const receipt = p256Key(seed(2));
  const signature = receipt.sign(message);
  expect(ec.verifyReceipt(receipt.publicKey, message, signature)).toBe(true);
  expect(ed.verifyReceipt(publicKey(2), message, ed25519Sign(seed(2), message))).toBe(true);
  expect(ec.verifyReceipt(publicKey(2), message, ed25519Sign(seed(2), message))).toBe(false);
  expect(ed.verifyReceipt(receipt.publicKey, message, signature)).toBe(false);
  const order = p256.Point.Fn.ORDER;
  const number = (value: bigint): Bytes => fromHex(value.toString(16).padStart(64, '0'));
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const turned = concat(r, number(order - BigInt(`0x${hex(s)}`)));
  expect(ec.verifyReceipt(receipt.publicKey, message, turned)).toBe(true);
  const wrong = [
    ...[0n, order, order + 1n, 2n ** 256n - 1n].flatMap((value) => [
      concat(number(value), s),
      concat(r, number(value)),
    ]),
    signature.subarray(1),
    concat(signature, new Uint8Array(1)),
    new Uint8Array(p256.Signature.fromBytes(signature).toBytes('der')),
    ...[0, 31, 32, 63].map((at) => signature.map((byte, i) => (i === at ? byte ^ 1 : byte))),
  ];
  for (const each of wrong) expect(ec.verifyReceipt(receipt.publicKey, message, each)).toBe(false);
  expect(() => keyRules(3)).toThrow(expect.objectContaining({ code: 'unsupported-suite' }));
});

describe('keys', () => {
  it('for requests are current', () => {
    expect(channelKey(descriptor)).toEqual({
      suite: 1,
      fleetId: descriptor.fleetId,
      id: keyId(publicKey(1)),
      publicKey: publicKey(1),
    });
  });

  it('for receipts may be retiring', () => {
    expect(receiptKey(descriptor, keyId(publicKey(3)))?.state).toBe('retiring');
    expect(receiptKey(descriptor, new Uint8Array(8))).toBeUndefined();
  });

  // proves FLT-14
  it('for registrations are still open to new ones', () => {
    const [oprf, id] = [new Uint8Array(8).fill(4), keyId(element(4))];
    expect(registrationKey(descriptor, oprf, id, 1200).publicKey).toEqual(element(4));
    expect(() => registrationKey(descriptor, oprf, id, 1201)).toThrow(
      expect.objectContaining({ code: 'server-authentication-failed' }),
    );
    expect(() => registrationKey(descriptor, new Uint8Array(8), id, 1200)).toThrow(
      expect.objectContaining({ code: 'server-authentication-failed' }),
    );
  });

  it('that an answer names are found as a pair alone', () => {
    const oprf = new Uint8Array(8).fill(4);
    expect(opaqueKey(descriptor, oprf, keyId(element(4))).publicKey).toEqual(element(4));
    for (const other of [keyId(element(5)), new Uint8Array(8)]) {
      expect(() => opaqueKey(descriptor, oprf, other)).toThrow(
        expect.objectContaining({ code: 'server-authentication-failed' }),
      );
    }
  });
});

describe('Ed25519', () => {
  // RFC 8032, section 7.1, test 3.
  const secret = fromHex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7');
  const message = fromHex('af82');
  const signature = fromHex(
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
      '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  );

  it('is that of RFC 8032', () => {
    expect(hex(ed25519PublicKey(secret))).toBe(
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    );
    expect(hex(ed25519Sign(secret, message))).toBe(hex(signature));
    expect(ed25519Verify(ed25519PublicKey(secret), message, signature)).toBe(true);
  });

  it('refuses a scalar that is not reduced, a key of small order, a second form of R and wrong lengths', () => {
    const key = ed25519PublicKey(secret);
    // S + L
    const order = 'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010';
    let carry = 0;
    const sum = fromHex(order).map((byte, i) => {
      const value = byte + (signature[32 + i] ?? 0) + carry;
      carry = value >> 8;
      return value & 255;
    });
    expect(ed25519Verify(key, message, concat(signature.subarray(0, 32), sum))).toBe(false);
    const identity = new Uint8Array(32);
    identity[0] = 1;
    // With the identity as key and R, every message verifies unless small orders are refused.
    expect(ed25519Verify(identity, message, concat(identity, new Uint8Array(32)))).toBe(false);
    // R = the identity, S = k·a: right by both equations, but only in the one form of R.
    const { Fn } = ed25519.Point;
    const k = (r: Bytes): bigint =>
      Fn.create(BigInt(`0x${hex(nodeEngine.hash('sha512', concat(r, key, message)).toReversed())}`));
    const { scalar } = ed25519.utils.getExtendedPublicKey(secret);
    const forms = [identity, fromHex(`ee${'ff'.repeat(30)}7f`)];
    const signed = forms.map((r) => concat(r, Fn.toBytes(Fn.mul(k(r), scalar))));
    expect(signed.map((each) => ed25519Verify(key, message, each))).toEqual([true, false]);
    expect(signed.map((each) => ed25519.verify(each, message, key, { zip215: true }))).toEqual([true, true]);
    expect(ed25519Verify(key, message, signature.subarray(1))).toBe(false);
    expect(ed25519Verify(key.subarray(1), message, signature)).toBe(false);
  });
});
