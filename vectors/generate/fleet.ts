/**
 * Vectors of the fleet descriptor: what a client believes, in the order of its checks.
 *
 * @module
 */
import {
  encodeDescriptor,
  signDescriptor,
  signerKey,
  type Descriptor,
} from '../../conformance/peer/fleet.ts';
import { deriveKemKeyPair } from '../../conformance/peer/kem.ts';
import { deriveKeyPair } from '../../conformance/peer/opaque.ts';
import { cat, named, toHex, unhex, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, type Reject } from './family.ts';

const SIGNERS = ['first signer', 'second signer', 'third signer'].map((name) => named(name, 32));
const STRANGER = named('stranger', 32);
const FLEET: Descriptor = {
  fleetId: named('fleet id', 16),
  serial: 5,
  notBefore: 1_800_000_000,
  notAfter: 1_900_000_000,
  kemKeys: [{ publicKey: deriveKemKeyPair(named('kem seed', 32)).publicKey }],
  receiptKeys: [{ publicKey: signerKey(named('receipt key', 32)) }],
  opaqueKeys: [
    {
      oprfKeyId: named('oprf key id', 8),
      notAfterNew: 1_900_000_000,
      publicKey: deriveKeyPair(named('opaque server seed', 32)).publicKey,
    },
  ],
  delays: [0, 0, 0, 60],
  stretch: { algorithm: 1, iterations: 3, memoryKib: 65_536, parallelism: 4 },
};
const NOW = 1_850_000_000;
/** The order of the group of Ed25519. */
const ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

function signed(descriptor: Descriptor, signers: readonly Uint8Array[] = SIGNERS.slice(0, 2)): Bytes {
  return signDescriptor(encodeDescriptor(descriptor), signers);
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}

/** The family. */
export function fleet(): VectorFile {
  const family = new Family('fleet', {
    feature: 'fleet',
    role: 'vault-client',
    op: 'fleet.verify',
    description: 'Fleet descriptors: k of n signatures, validity, serials, and the rules of their contents.',
  });
  const trust = { signers: SIGNERS.map((secret) => toHex(signerKey(secret))), k: 2, now: NOW, lastSerial: 5 };
  const result = {
    serial: 5,
    fleetId: toHex(FLEET.fleetId),
    channelKey: toHex(FLEET.kemKeys[0]?.publicKey ?? zeros(0)),
  };
  const accept = (
    id: string,
    descriptor: Bytes,
    title: string,
    why: string,
    requirements: string[],
    more: Record<string, string | number> = {},
  ): void => {
    family.accept(id, {
      title,
      why,
      requirements,
      input: { descriptor: toHex(descriptor), ...trust, ...more },
      result,
    });
  };
  accept(
    'two-of-three',
    signed(FLEET),
    'Two of three pinned signers',
    'As many as the client asks for are enough.',
    ['FLT-4'],
  );
  accept('all-three', signed(FLEET, SIGNERS), 'All three pinned signers', 'More than enough are enough.', [
    'FLT-4',
  ]);
  accept(
    'stranger-too',
    signed(FLEET, [...SIGNERS.slice(0, 2), STRANGER]),
    'Two pinned signers and one that is not',
    'Other clients may pin other signers: their signatures are skipped.',
    ['FLT-4'],
  );
  accept(
    'expected-fleet',
    signed(FLEET),
    'The fleet that was expected',
    'Once registered, a client knows its fleet.',
    ['FLT-4'],
    { fleetId: toHex(FLEET.fleetId) },
  );
  accept(
    'last-second',
    signed(FLEET),
    'The last second of the validity',
    'Both ends of the validity are inside it.',
    ['FLT-4'],
    { now: FLEET.notAfter },
  );
  accept(
    'first-second',
    signed(FLEET),
    'The first second of the validity',
    'Both ends of the validity are inside it.',
    ['FLT-4'],
    { now: FLEET.notBefore },
  );
  const retiring: Descriptor = {
    ...FLEET,
    kemKeys: [
      { state: 2, publicKey: deriveKemKeyPair(named('old kem seed', 32)).publicKey },
      ...FLEET.kemKeys,
    ],
  };
  accept(
    'retiring-first',
    signed(retiring),
    'A retiring channel key before the current one',
    'A client that takes the first key seals to one that is going away.',
    ['FLT-9'],
  );

  const no = (title: string, why: string, error: string, requirement = 'FLT-4'): Reject => ({
    title,
    why,
    requirements: [requirement],
    errors: [error],
  });
  const base = signed(FLEET);
  const body = encodeDescriptor(FLEET);
  const at = 8 + 2 + body.length + 2;
  const sealed = (
    id: string,
    place: string,
    was: string | number,
    now: string | number,
    descriptor: Bytes,
    reject: Reject,
  ): void =>
    family.sealed(id, 'two-of-three', { place, was, now }, { descriptor: toHex(descriptor) }, reject);

  family.flip(
    'magic',
    'two-of-three',
    { field: 'descriptor', offset: 0 },
    no('Another magic', 'What is not a descriptor is not read as one.', 'bad-descriptor'),
  );
  family.flip(
    'flipped',
    'two-of-three',
    { field: 'descriptor', offset: 11 + 16 + 7 },
    no(
      'One bit of the serial is flipped',
      'A client that does not verify the signatures believes anything.',
      'descriptor-not-trusted',
    ),
  );
  family.flip(
    'signature-flipped',
    'two-of-three',
    { field: 'descriptor', offset: -1 },
    no(
      'One bit of a signature is flipped',
      'One good signature of two is not enough.',
      'descriptor-not-trusted',
    ),
  );
  for (const [name, change] of [
    ['channel', { channelSuite: 3 }],
    ['opaque', { opaqueSuite: 2 }],
  ] as const)
    sealed(
      `${name}-suite-unknown`,
      `${name} suite`,
      1,
      Object.values(change)[0] ?? 0,
      signed({ ...FLEET, ...change }),
      no(
        `A ${name} suite that there is not`,
        'A client that goes on with the suite that it knows speaks past the fleet.',
        'unsupported-suite',
      ),
    );
  sealed(
    'one-signer',
    'signatures',
    2,
    1,
    signed(FLEET, SIGNERS.slice(0, 1)),
    no(
      'One signer where two are asked for',
      'A client that is content with any signature trusts its weakest signer.',
      'descriptor-not-trusted',
    ),
  );
  sealed(
    'strangers',
    'second signer',
    'pinned',
    'not pinned',
    signed(FLEET, [SIGNERS[0] ?? STRANGER, STRANGER]),
    no(
      'One pinned signer and one that is not',
      'A client that counts signatures, not signers that it pins, believes anyone.',
      'descriptor-not-trusted',
    ),
  );
  const first = base.slice(at, at + 72);
  family.bytes(
    'signer-twice',
    'two-of-three',
    { field: 'descriptor', offset: at + 72, removed: 72, inserted: first },
    no(
      'The same signature twice',
      'A client that counts signatures lets one signer be two.',
      'bad-descriptor',
      'FLT-5',
    ),
  );
  family.bytes(
    'descending',
    'two-of-three',
    { field: 'descriptor', offset: at, removed: 144, inserted: cat(base.slice(at + 72), first) },
    no('Signatures in descending order', 'There is one encoding.', 'bad-descriptor'),
  );
  const s = littleEndian(base.slice(-32)) + ORDER;
  family.bytes(
    'malleable',
    'two-of-three',
    {
      field: 'descriptor',
      offset: base.length - 32,
      removed: 32,
      inserted: unhex(s.toString(16).padStart(64, '0')).toReversed(),
    },
    no(
      'A signature whose S is not below the order of the group',
      'A lax library accepts a second form of every signature.',
      'descriptor-not-trusted',
      'FLT-6',
    ),
  );
  sealed(
    'version-2',
    'version',
    1,
    2,
    signed({ ...FLEET, version: 2 }),
    no(
      'Version 2, signed',
      'A client that ignores the version reads formats that it does not know.',
      'unsupported-version',
    ),
  );
  family.value(
    'wrong-fleet',
    'expected-fleet',
    'fleetId',
    toHex(named('other fleet', 16)),
    no(
      'The descriptor of another fleet',
      'A true descriptor of another fleet must not take the place of ours.',
      'wrong-fleet',
    ),
  );
  family.value(
    'rollback',
    'two-of-three',
    'lastSerial',
    6,
    no('A serial lower than one seen before', 'Old keys must not come back.', 'descriptor-rollback'),
  );
  family.value(
    'expired',
    'two-of-three',
    'now',
    FLEET.notAfter + 1,
    no(
      'One second after the validity',
      'Whoever shows nothing newer must not win for ever.',
      'descriptor-expired',
    ),
  );
  family.value(
    'not-yet-valid',
    'two-of-three',
    'now',
    FLEET.notBefore - 1,
    no(
      'One second before the validity',
      'A descriptor of the future is not for now.',
      'descriptor-not-yet-valid',
    ),
  );
  sealed(
    'trailing',
    'after the descriptor',
    '',
    '00',
    signDescriptor(cat(body, zeros(1)), SIGNERS.slice(0, 2)),
    no(
      'One byte after the descriptor, signed',
      'A structure that fills its place ends where its place ends.',
      'bad-descriptor',
    ),
  );
  sealed(
    'no-current-key',
    'state of the channel key',
    1,
    2,
    signed({ ...FLEET, kemKeys: [{ state: 2, publicKey: FLEET.kemKeys[0]?.publicKey ?? zeros(32) }] }),
    no('No current channel key', 'A client would have nothing to seal to.', 'bad-descriptor'),
  );
  sealed(
    'key-id',
    'id of the channel key',
    'SHA-256',
    'zeros',
    signed({ ...FLEET, kemKeys: [{ id: zeros(8), publicKey: FLEET.kemKeys[0]?.publicKey ?? zeros(32) }] }),
    no('The id of a key is not its hash', 'Ids bind keys into contexts.', 'bad-descriptor'),
  );
  sealed(
    'budget-101',
    'max_budget',
    100,
    101,
    signed({ ...FLEET, maxBudget: 101, ceiling: 101 }),
    no('A budget above 100', 'The limits of the text hold for everyone.', 'bad-descriptor'),
  );
  sealed(
    'budget-order',
    'default_budget',
    10,
    101,
    signed({ ...FLEET, defaultBudget: 101 }),
    no('A default budget above the most', 'The limits of the text hold for everyone.', 'bad-descriptor'),
  );
  sealed(
    'level-0',
    'level',
    1,
    0,
    signed({ ...FLEET, level: 0 }),
    no(
      'A protection level that does not exist',
      'A value that is not named means nothing.',
      'bad-descriptor',
      'CNV-9',
    ),
  );
  sealed(
    'custody-without-assertions',
    'level',
    1,
    2,
    signed({ ...FLEET, level: 2 }),
    no('Level custody without assertions', 'Only a vault for development goes without.', 'bad-descriptor'),
  );
  const operator = utf8('test operator');
  const from = toHex(body).indexOf(toHex(operator)) / 2;
  const broken = cat(body.slice(0, from), Uint8Array.of(0x80), body.slice(from + 1));
  sealed(
    'operator-not-utf8',
    'first byte of operator',
    '74',
    '80',
    signDescriptor(broken, SIGNERS.slice(0, 2)),
    no(
      'A name that is not UTF-8, signed',
      'Text is strict: what is not UTF-8 is no text.',
      'bad-descriptor',
      'CNV-3',
    ),
  );
  return family.file();
}
