/**
 * Messages of OPAQUE with one fault each, at every place that a message has: RFC 9807 publishes none.
 *
 * @module
 */
import { isElement, opaqueContext, type Stretch } from '../../conformance/peer/opaque.ts';
import { be, cat, label, toHex, unhex, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import type { Family, Reject } from './family.ts';

/** Encodings that are no element, each for a reason of its own (RFC 9496, section 4.3.1). */
const NO_ELEMENTS: readonly (readonly [id: string, what: string, bytes: Bytes])[] = [
  ['zero-again', 'zero, encoded as the order of the field', cat(be(1, 0xed), filled(30), be(1, 0x7f))],
  ['above-field', 'above the order of the field', cat(be(1, 0xf3), filled(30), be(1, 0x7f))],
  ['y-zero', 'the square root of −1', cat(be(1, 0xec), filled(30), be(1, 0x7f))],
  [
    'no-square',
    'one whose quotient is no square',
    unhex('26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371'),
  ],
  [
    'negative-product',
    'one whose product of coordinates is negative',
    unhex('3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e'),
  ],
];

/** The order of the group, little-endian. */
const ORDER = unhex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

function filled(length: number): Bytes {
  return new Uint8Array(length).fill(0xff);
}

function reject(title: string, why: string, requirement: string, error: string): Reject {
  return { title, why, requirements: [requirement], errors: [error] };
}

/** Puts everything that is no element, and a valid one with its highest bit set, in one place. */
function badElements(
  family: Family,
  place: { id: string; from: string; field: string; offset: number; name: string; requirement: string },
  valid: Bytes,
): void {
  const { id, from, field, offset, name, requirement } = place;
  const high = valid.slice();
  high[31] = (high[31] ?? 0) | 0x80;
  for (const [kind, what, bytes] of [
    ...NO_ELEMENTS,
    ['high-bit', 'a valid one with its highest bit set', high] as const,
  ]) {
    if (isElement(bytes)) throw new Error(`${kind} is an element`);
    family.bytes(
      `${id}-${kind}`,
      from,
      { field, offset, removed: 32, inserted: bytes },
      reject(
        `${name} is ${what}`,
        'Libraries differ in what they take; whoever takes more than one encoding tells what it has seen before.',
        requirement,
        'malformed',
      ),
    );
  }
}

/** What a generator of client vectors has at hand. */
export interface ClientParts {
  readonly ke2: Bytes;
  readonly stretch: Stretch;
  readonly names: { readonly oprfKeyId: Bytes; readonly opaqueKeyId: Bytes };
  /** KE2 under another context. */
  readonly under: (context: Bytes) => Bytes;
  /** KE2 for another KE1 of the same password, and one from the record of another account. */
  readonly replayed: Bytes;
  readonly ofOther: Bytes;
  /** An element that nothing else is. */
  readonly element: Bytes;
}

/** Faults in what a client gets. */
export function clientFaults(family: Family, parts: ClientParts): void {
  const { ke2, element, stretch, names } = parts;
  const evaluated = { field: 'ke2', offset: 0 };
  badElements(
    family,
    {
      id: 'record',
      from: 'record',
      field: 'response',
      offset: 0,
      name: 'The evaluated element',
      requirement: 'OPQ-2',
    },
    element,
  );
  badElements(
    family,
    { id: 'login', from: 'login', ...evaluated, name: 'The evaluated element of KE2', requirement: 'OPQ-2' },
    element,
  );
  badElements(
    family,
    {
      id: 'login-keyshare',
      from: 'login',
      field: 'ke2',
      offset: 224,
      name: 'The keyshare of KE2',
      requirement: 'OPQ-7',
    },
    ke2.slice(224, 256),
  );
  const wrong = (id: string, offset: number, title: string): void =>
    family.flip(
      id,
      'login',
      { field: 'ke2', offset },
      reject(
        title,
        'The envelope does not open: a client that skips its tag goes on.',
        'OPQ-19',
        'wrong-password',
      ),
    );
  wrong('masking-nonce-flipped', 32, 'One bit of the masking nonce is flipped');
  wrong('masked-key-flipped', 64, 'One bit of the masked server key is flipped');
  wrong('masked-nonce-flipped', 96, 'One bit of the masked envelope nonce is flipped');
  wrong('masked-tag-flipped', 128, 'One bit of the masked envelope tag is flipped');
  family.bytes(
    'evaluated-other',
    'login',
    { ...evaluated, removed: 32, inserted: element },
    reject(
      'Another element as the evaluated one',
      'It is of no registration of this password.',
      'OPQ-19',
      'wrong-password',
    ),
  );
  const unauthentic = (
    id: string,
    change: { offset: number; removed: number; inserted: Bytes },
    title: string,
  ): void =>
    family.bytes(
      id,
      'login',
      { field: 'ke2', ...change },
      reject(
        title,
        'A client that does not verify the vault gives KE3 to anyone.',
        'OPQ-20',
        'server-authentication-failed',
      ),
    );
  unauthentic(
    'server-nonce-zero',
    { offset: 192, removed: 32, inserted: zeros(32) },
    'A nonce of the vault that is zero',
  );
  unauthentic(
    'keyshare-other',
    { offset: 224, removed: 32, inserted: element },
    'The keyshare of somebody else',
  );
  unauthentic('server-mac-zero', { offset: 256, removed: 64, inserted: zeros(64) }, 'A MAC of zeros');
  family.flip(
    'server-mac-first-flipped',
    'login',
    { field: 'ke2', offset: 256 },
    reject(
      'One bit of the first byte of the MAC is flipped',
      'A client that compares a part of it takes one MAC in 256.',
      'OPQ-20',
      'server-authentication-failed',
    ),
  );
  for (const [kept, what] of [
    [0, 'nothing'],
    [32, 'the evaluated element alone'],
    [192, 'a credential response alone'],
    [256, 'all but the MAC'],
  ] as const)
    family.cut(
      `login-cut-${kept}`,
      'login',
      'ke2',
      kept,
      reject(`KE2 is ${what}`, 'Messages have one length.', 'OPQ-6', 'malformed'),
    );
  family.cut(
    'record-cut',
    'record',
    'response',
    32,
    reject('A response without a server key', 'Messages have one length.', 'OPQ-6', 'malformed'),
  );
  for (const [name, value] of [
    ['iterations', { ...stretch, iterations: stretch.iterations + 1 }],
    ['memory', { ...stretch, memoryKib: stretch.memoryKib + 8 }],
    ['parallelism', { ...stretch, parallelism: stretch.parallelism + 1 }],
  ] as const)
    family.value(
      `other-${name}`,
      'login',
      'stretch',
      { ...value },
      reject(
        `The ${name} of another registration`,
        'Stretched in another way, a right password is a wrong one; a client that skips the stretching does not notice.',
        'OPQ-19',
        'wrong-password',
      ),
    );
  const contexts: readonly (readonly [string, string, Bytes])[] = [
    ['none', 'no context', zeros(0)],
    ['label-alone', 'the label alone', label('opaque-context')],
    ['suite-2', 'the context of suite 2', otherSuite(opaqueContext({ ...names, stretch }))],
    [
      'ids-swapped',
      'both key ids in the place of each other',
      opaqueContext({ oprfKeyId: names.opaqueKeyId, opaqueKeyId: names.oprfKeyId, stretch }),
    ],
    [
      'other-stretch',
      'stretching of which this record knows nothing',
      opaqueContext({ ...names, stretch: { ...stretch, iterations: 2 } }),
    ],
  ];
  for (const [id, what, context] of contexts)
    family.sealed(
      `context-${id}`,
      'login',
      { place: 'context', was: toHex(opaqueContext({ ...names, stretch })), now: toHex(context) },
      { ke2: toHex(parts.under(context)) },
      reject(
        `The vault has bound ${what}`,
        'What is not bound can be changed on the way.',
        'OPQ-14',
        'server-authentication-failed',
      ),
    );
  family.sealed(
    'replayed',
    'login',
    { place: 'KE1', was: 'this one', now: 'an earlier one of the same password' },
    { ke2: toHex(parts.replayed) },
    reject(
      'KE2 of an earlier login',
      'Whoever has recorded it would pass for the vault.',
      'OPQ-20',
      'server-authentication-failed',
    ),
  );
  family.sealed(
    'of-other-account',
    'login',
    { place: 'record', was: 'this one', now: 'that of another account with the same password' },
    { ke2: toHex(parts.ofOther) },
    reject(
      'KE2 from the record of another account with the same password',
      'A relay that swaps two accounts must not give one the key of the other.',
      'OPQ-19',
      'wrong-password',
    ),
  );
  badScalars(family, 'request', 'request', 'blind');
  badScalars(family, 'ke1', 'ke1', 'blind');
}

/** The context with the next suite in it. */
function otherSuite(context: Bytes): Bytes {
  const out = context.slice();
  const at = label('opaque-context').length + 1;
  out[at] = (out[at] ?? 0) + 1;
  return out;
}

/** Scalars that are none, injected under one name. */
function badScalars(family: Family, id: string, from: string, name: string): void {
  for (const [kind, what, bytes] of [
    ['zero', 'zero', zeros(32)],
    ['order', 'the order of the group', ORDER],
    ['large', 'above the order', filled(32)],
  ] as const)
    family.value(`${id}-${name}-${kind}`, from, `inject/${name}`, toHex(bytes), {
      title: `A ${name} that is ${what}`,
      why: 'Reduced in silence, it is the blind of another message.',
      requirements: ['OPQ-3'],
      errors: ['malformed'],
    });
}

/** Faults in what a server gets. `element` is one that nothing else is. */
export function serverFaults(family: Family, element: Bytes): void {
  for (const [id, from, field, offset, name, requirement] of [
    ['request', 'response', 'request', 0, 'The element of a registration request', 'OPQ-2'],
    ['ke1', 'ke2', 'ke1', 0, 'The blinded element of KE1', 'OPQ-23'],
    ['ke1-keyshare', 'ke2', 'ke1', 64, 'The keyshare of KE1', 'OPQ-23'],
    ['record', 'ke2', 'record', 0, 'The public key in a record', 'OPQ-23'],
  ] as const)
    badElements(family, { id, from, field, offset, name, requirement }, element);
  for (const [kind, what, bytes] of [
    ['zero', 'zero', zeros(32)],
    ['order', 'the order of the group', ORDER],
    ['large', 'above the order', filled(32)],
  ] as const)
    family.value(
      `private-key-${kind}`,
      'ke2',
      'serverPrivateKey',
      toHex(bytes),
      reject(
        `A private key that is ${what}`,
        'It is the key of another pair, or of none.',
        'OPQ-3',
        'malformed',
      ),
    );
  for (const [field, from, kept] of [
    ['request', 'response', 0],
    ['ke1', 'ke2', 0],
    ['ke1', 'ke2', 64],
    ['record', 'ke2', 96],
  ] as const)
    family.cut(
      `${field}-cut-${kept}`,
      from,
      field,
      kept,
      reject(`Of the ${field}, ${kept} bytes alone`, 'Messages have one length.', 'OPQ-6', 'malformed'),
    );
}

/** Stretching as users have it, beside the one of the other vectors. */
export const REAL_STRETCH: Stretch = { algorithm: 1, iterations: 3, memoryKib: 65_536, parallelism: 4 };
