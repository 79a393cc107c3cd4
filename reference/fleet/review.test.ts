import { describe, expect, it } from 'vitest';
import { ed25519PublicKey } from '../crypto/ed25519.ts';
import { nobleSuite } from '../opaque/suite.ts';
import { hex, type Bytes } from '../wire/bytes.ts';
import { keyId, type FleetDescriptor, type FleetKey, type Policy } from './descriptor.ts';
import { DEFAULT_POLICY } from './policy.ts';
import { changes, concerns, facts } from './review.ts';

const seed = (n: number): Bytes => new Uint8Array(32).fill(n);
const key = (n: number, state: FleetKey['state'] = 'current'): FleetKey => {
  const publicKey = ed25519PublicKey(seed(n));
  return { id: keyId(publicKey), state, location: 'wrapped', publicKey };
};
const pair = (n: number): FleetDescriptor['opaqueKeys'][number] => {
  const { publicKey } = nobleSuite.dh.deriveKeyPair(seed(n));
  return {
    id: keyId(publicKey),
    oprfKeyId: new Uint8Array(8).fill(n),
    notAfterNew: 2000,
    location: 'wrapped',
    oprfLocation: 'wrapped',
    publicKey,
  };
};
const policy: Policy = {
  ...DEFAULT_POLICY,
  refill: 'none',
  assertionMode: 'ed25519',
  relayKeys: [key(9).publicKey],
};
const base: FleetDescriptor = {
  version: 1,
  fleetId: new Uint8Array(16).fill(7),
  serial: 5,
  notBefore: 1000,
  notAfter: 2000,
  channelSuite: 1,
  opaqueSuite: 1,
  level: 'custody',
  kemKeys: [key(1)],
  receiptKeys: [key(2)],
  opaqueKeys: [pair(3)],
  policy,
  operator: 'Example',
  trustDomain: 'example.org',
};
const next: FleetDescriptor = { ...base, serial: 6 };
const id = (each: { readonly id: Bytes } | undefined): string => hex(each?.id ?? new Uint8Array(0));

describe('the facts of a descriptor', () => {
  it('have a name each', () => {
    const all = facts(base);
    expect(new Map(all).size).toBe(all.length);
  });

  // Whoever adds a field has to say it to the signers too.
  it('change with every field', () => {
    const others: readonly Partial<FleetDescriptor>[] = [
      { fleetId: new Uint8Array(16) },
      { serial: 7 },
      { notBefore: 1001 },
      { notAfter: 2001 },
      { channelSuite: 2 },
      { opaqueSuite: 2 },
      { level: 'execution' },
      { operator: 'Else' },
      { trustDomain: 'Else' },
      { kemKeys: [key(1, 'retiring')] },
      { kemKeys: [{ ...key(1), location: 'device' }] },
      { kemKeys: [key(4)] },
      { kemKeys: [key(1), key(4)] },
      { receiptKeys: [key(2, 'retiring')] },
      { receiptKeys: [key(4)] },
      { opaqueKeys: [{ ...pair(3), notAfterNew: 1 }] },
      { opaqueKeys: [{ ...pair(3), oprfKeyId: new Uint8Array(8) }] },
      { opaqueKeys: [{ ...pair(3), location: 'device' }] },
      { opaqueKeys: [{ ...pair(3), oprfLocation: 'device' }] },
      { opaqueKeys: [pair(4)] },
    ];
    const policies: readonly Partial<Policy>[] = [
      { defaultBudget: 9 },
      { maxBudget: 99 },
      { refill: 'full' },
      { delays: [1] },
      { delays: [] },
      { lastChanceSeconds: 1 },
      { graceSeconds: 1 },
      { ceiling: 101 },
      { assertionMode: 'none' },
      { relayKeys: [key(8).publicKey] },
      { stretch: { ...policy.stretch, iterations: 9 } },
      { stretch: { ...policy.stretch, memoryKib: 9 } },
      { stretch: { ...policy.stretch, parallelism: 9 } },
      { stretch: { ...policy.stretch, algorithm: 9 } },
    ];
    const changed = [...others, ...policies.map((change) => ({ policy: { ...policy, ...change } }))];
    for (const change of changed) {
      expect(changes(base, { ...base, ...change }), JSON.stringify(change)).not.toEqual([]);
    }
    expect(changes(base, base)).toEqual([]);
    const fields = new Set(changed.flatMap(Object.keys));
    expect(Object.keys(base).filter((name) => !fields.has(name))).toEqual(['version']);
    const policyFields = new Set(policies.flatMap(Object.keys));
    expect(Object.keys(policy).filter((name) => !policyFields.has(name))).toEqual([]);
  });

  it('say the order of keys, for clients seal to the first', () => {
    const two = { ...base, kemKeys: [key(1), key(4)] };
    expect(changes(two, { ...two, kemKeys: [key(4), key(1)] }).map(({ name }) => name)).toEqual([
      `channel key ${id(key(4))}`,
      `channel key ${id(key(1))}`,
    ]);
  });

  it('are compared with those before: changed, new and gone', () => {
    expect(changes(base, { ...next, kemKeys: [key(4)] })).toEqual([
      { name: 'serial', was: '5', now: '6' },
      { name: `channel key ${id(key(4))}`, was: undefined, now: '1., current, wrapped' },
      { name: `channel key ${id(key(1))}`, was: '1., current, wrapped', now: undefined },
    ]);
  });
});

describe('concerns', () => {
  it.each<[string, Partial<FleetDescriptor>]>([
    ['a new channel key', { kemKeys: [key(4), key(1, 'retiring')] }],
    ['a receipt key that is announced', { receiptKeys: [key(2), key(4)] }],
    ['another OPAQUE pair', { opaqueKeys: [pair(3), pair(4)] }],
    ['a higher level', { level: 'execution' }],
    ['a smaller budget', { policy: { ...policy, defaultBudget: 5, maxBudget: 5, ceiling: 5 } }],
    ['longer waits', { policy: { ...policy, delays: [...policy.delays, 999_999] } }],
  ])('are none about %s', (_what, change) => expect(concerns(base, { ...next, ...change })).toEqual([]));

  it.each<[string, Partial<FleetDescriptor>]>([
    ['another fleet', { fleetId: new Uint8Array(16) }],
    ['serial is not higher', { serial: 5 }],
    ['no descriptor is valid', { notBefore: 2001, notAfter: 2000 }],
    ['channel suite', { channelSuite: 2 }],
    ['OPAQUE suite', { opaqueSuite: 2 }],
    ['level is lower', { level: 'software' }],
    ['less safe place', { opaqueKeys: [{ ...pair(3), oprfLocation: 'memory' }] }],
    ['channel key that clients seal to is gone', { kemKeys: [key(4)] }],
    ['previous descriptor does not name', { receiptKeys: [key(4), key(2, 'retiring')] }],
    ['every account that is registered under it is lost', { opaqueKeys: [pair(4)] }],
    ['nobody can register after', { opaqueKeys: [{ ...pair(3), notAfterNew: 1999 }] }],
    ['more wrong passwords', { policy: { ...policy, defaultBudget: 11 } }],
    ['more wrong passwords', { policy: { ...policy, maxBudget: 101 } }],
    ['higher ceiling', { policy: { ...policy, ceiling: 101 } }],
    ['shorter waits', { policy: { ...policy, delays: [] } }],
    ['shorter waits', { policy: { ...policy, delays: [...policy.delays.slice(0, -2), 86_400, 0] } }],
    ['gives back more', { policy: { ...policy, refill: 'full' } }],
    ['grace period', { policy: { ...policy, graceSeconds: 1 } }],
    ['no assertion', { policy: { ...policy, assertionMode: 'none', relayKeys: [] } }],
    ['new relay', { policy: { ...policy, relayKeys: [...policy.relayKeys, key(8).publicKey] } }],
    ['weaker stretching', { policy: { ...policy, stretch: { ...policy.stretch, iterations: 2 } } }],
    ['weaker stretching', { policy: { ...policy, stretch: { ...policy.stretch, memoryKib: 2 } } }],
  ])('name: %s', (text, change) => {
    const found = concerns(base, { ...next, ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(text);
  });
});
