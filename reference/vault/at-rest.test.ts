import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../crypto/random.ts';
import { concat, copy, equal, utf8, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { sha256 } from './core/evaluate.ts';
import { checkInvariants } from './invariants.ts';
import { openRecord, sealRecord, SEALED_RECORD_SIZE } from './record-seal.ts';
import { AccountRecord, EMPTY_SLOT, emptyRecord, tombstone, type GenerationSlot } from './record.ts';
import { Tree, TREE_DEPTH, verifyProof, type Leaf } from './tree.ts';

const fill = (value: number, length = 32): Bytes => new Uint8Array(length).fill(value);

const slot: GenerationSlot = {
  ...EMPTY_SLOT,
  state: 'active',
  generation: 1,
  nonce: fill(1),
  registrationId: fill(2),
  record: fill(3, 192),
  sealedKey: fill(4, 48),
  budget: 10,
  charged: 3,
};
const attempt = { ke1Hash: fill(5), seed: fill(6), generation: 1, opened: 7, refundable: 1, reported: 1 };
const closed = { hash: fill(8), generation: 1, outcome: 'ok', time: 9 } as const;
const record: AccountRecord = {
  ...emptyRecord(utf8('alice')),
  stateVersion: 4,
  nextGeneration: 3,
  active: slot,
  pending: { ...EMPTY_SLOT, state: 'started', generation: 2, nonce: fill(9) },
  open: [attempt],
  closed: [closed],
};

const dead = tombstone(record, 'destroyed', 7);
const deletion: GenerationSlot = { ...EMPTY_SLOT, state: 'deleted', generation: 1, effectiveAt: 9 };
const replacement: GenerationSlot = {
  ...slot,
  state: 'finished',
  generation: 2,
  charged: 0,
  effectiveAt: 9,
};
const waiting: AccountRecord = { ...record, scheduled: replacement, pending: EMPTY_SLOT };
const none: AccountRecord = { ...record, active: EMPTY_SLOT, open: [], closed: [] };

describe('a record', () => {
  it('is encoded and decoded to the same', () => {
    expect(decode(AccountRecord, encode(AccountRecord, record))).toEqual(record);
    for (const valid of [record, dead, none, waiting, { ...record, scheduled: deletion, head: fill(7, 132) }])
      expect(() => checkInvariants(valid)).not.toThrow();
  });

  // proves STO-11
  it('fits with every field at its longest', () => {
    const full = { ...slot, record: fill(1, 256) };
    const largest: AccountRecord = {
      ...record,
      account: fill(0x61, 64),
      active: full,
      scheduled: { ...full, state: 'finished', generation: 2, charged: 0, effectiveAt: 9 },
      pending: { ...full, state: 'finished', generation: 3, charged: 0 },
      nextGeneration: 4,
      open: [1, 2, 3, 4].map((n) => ({ ...attempt, ke1Hash: fill(n) })),
      closed: [closed, closed, closed, closed],
      head: fill(7, 132),
    };
    expect(sealRecord({ epoch: 1, since: 0, key: fill(1) }, fill(2), largest, fill(3))).toHaveLength(
      SEALED_RECORD_SIZE,
    );
  });

  const change = (active: Partial<GenerationSlot>): Partial<AccountRecord> => ({
    active: { ...slot, ...active },
  });
  // proves STO-9, ATT-24
  it.each<[string, Partial<AccountRecord>]>([
    ['a version of its own', { version: 2 }],
    ['state version 0', { stateVersion: 0 }],
    ['more charges than budget', change({ charged: 11 })],
    ['a charge that has under-flowed', change({ charged: 255 })],
    ['an active slot that is spent', change({ charged: 10 })],
    ['a budget above 100', change({ budget: 101 })],
    ['no budget', change({ budget: 0, charged: 0 })],
    ['an active slot with a deadline', change({ deadline: 5 })],
    ['a last chance with budget left', change({ state: 'last-chance', deadline: 5 })],
    ['a last chance without a deadline', change({ state: 'last-chance', charged: 10 })],
    [
      'a last chance without an attempt',
      { ...change({ state: 'last-chance', charged: 10, deadline: 5 }), open: [] },
    ],
    ['a tombstone with a nonce', { ...dead, active: { ...dead.active, nonce: fill(1) } }],
    ['a tombstone with an attempt', { ...dead, open: [attempt] }],
    ['a tombstone with a scheduled change', { ...dead, scheduled: deletion }],
    ['a generation that is still to come', change({ generation: 3 })],
    ['a pending generation that is older', { pending: { ...record.pending, generation: 1 } }],
    ['a pending slot that is live', { pending: { ...slot, generation: 2 } }],
    [
      'a started slot with a record of zeros',
      { pending: { ...record.pending, record: new Uint8Array(192) } },
    ],
    [
      'a started slot with parameters of stretching',
      { pending: { ...record.pending, stretch: { ...EMPTY_SLOT.stretch, parallelism: 1 } } },
    ],
    ['a started slot with a record', { pending: { ...record.pending, record: fill(1, 192) } }],
    ['an empty slot with a generation', { pending: { ...EMPTY_SLOT, generation: 2 } }],
    ['an active slot that is pending', change({ state: 'finished' })],
    ['an empty scheduled slot with a time', { scheduled: { ...EMPTY_SLOT, effectiveAt: 1 } }],
    ['a scheduled slot that is live', { ...waiting, scheduled: { ...waiting.scheduled, state: 'active' } }],
    ['a scheduled replacement without a time', { ...waiting, scheduled: { ...replacement, effectiveAt: 0 } }],
    ['a scheduled replacement that is charged', { ...waiting, scheduled: { ...replacement, charged: 1 } }],
    ['a scheduled replacement without budget', { ...waiting, scheduled: { ...replacement, budget: 0 } }],
    ['a scheduled replacement of an older generation', { scheduled: { ...replacement, generation: 1 } }],
    ['a pending generation that is not above the scheduled one', { scheduled: replacement }],
    ['a scheduled deletion without a time', { scheduled: { ...deletion, effectiveAt: 0 } }],
    ['a scheduled deletion of another generation', { scheduled: { ...deletion, generation: 2 } }],
    ['a scheduled deletion with a key', { scheduled: { ...deletion, sealedKey: fill(4, 48) } }],
    ['a deletion scheduled before there is anything', { ...none, scheduled: { ...deletion, generation: 0 } }],
    ['a head before there is anything', { ...none, head: fill(7, 132) }],
    ['a head of generation 0', { head: fill(7, 132).fill(0, 16, 24) }],
    ['a head of key epoch 0', { head: fill(7, 132).fill(0, 64, 68) }],
    ['an attempt of another generation', { open: [{ ...attempt, generation: 2 }] }],
    ['a closed attempt of another generation', { closed: [{ ...closed, generation: 2 }] }],
    ['one KE1 open twice', { open: [attempt, attempt] }],
    ['a flag of 2', { open: [{ ...attempt, refundable: 2 }] }],
    ['a report that ends before it begins', { report: { serial: 1, failed: 1, first: 9, last: 8 } }],
  ])('with %s is refused', (_name, fault) => {
    const bad = { ...record, ...fault };
    expect(() => checkInvariants(bad)).toThrow(expect.objectContaining({ code: 'record-invalid' }));
    expect(() => sealRecord({ epoch: 1, since: 0, key: fill(1) }, fill(2), bad, fill(3))).toThrow();
  });
});

describe('a sealed record', () => {
  const key = { epoch: 7, since: 0, key: fill(1) };
  const sealed = sealRecord(key, fill(2), record, fill(3));

  // proves STO-11
  it('opens with its key, its leaf and its bytes, and with nothing else', () => {
    expect(openRecord([{ epoch: 8, since: 0, key: fill(9) }, key], fill(2), sealed)).toEqual(record);
    const invalid = expect.objectContaining({ code: 'record-invalid' }) as Error;
    expect(() => openRecord([key], fill(3), sealed)).toThrow(invalid);
    expect(() => openRecord([{ epoch: 7, since: 0, key: fill(9) }], fill(2), sealed)).toThrow(invalid);
    expect(() => openRecord([{ epoch: 8, since: 0, key: fill(1) }], fill(2), sealed)).toThrow(invalid);
    expect(() => openRecord([key], fill(2), sealed.slice(1))).toThrow(invalid);
  });

  it('does not open when one bit of it is changed', () => {
    for (const at of [0, 1, 4, 8, 39, 40, 2000, 4079, 4080, 4095]) {
      const bad = copy(sealed);
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(() => openRecord([key], fill(2), bad)).toThrow();
    }
  });

  it('says nothing by its bytes: two writes of one record have nothing in common', () => {
    const again = sealRecord(key, fill(2), record, systemRandom('salt', 32));
    expect(again).toHaveLength(4096);
    let same = 0;
    for (let at = 40; at < 4096; at++) if (again[at] === sealed[at]) same++;
    expect(same).toBeLessThan(100);
  });
});

describe('the tree', () => {
  /** The definition, without a thought for speed: all bottom nodes that matter, then level by level. */
  function naiveRoot(leaves: readonly Leaf[], depth = 0, prefix = 0): Bytes {
    if (depth === TREE_DEPTH) {
      const sorted = [...leaves].sort((a, b) => Buffer.compare(a.index, b.index));
      return sha256(concat(Uint8Array.of(0), ...sorted.flatMap(({ index, hash }) => [index, hash])));
    }
    if (leaves.length === 0) return emptyRoot(TREE_DEPTH - depth);
    const bit = ({ index }: Leaf): number =>
      ((index[(prefix + depth) >> 3] ?? 0) >> (7 - ((prefix + depth) & 7))) & 1;
    const [left, right] = [0, 1].map((side) =>
      naiveRoot(
        leaves.filter((leaf) => bit(leaf) === side),
        depth + 1,
        prefix,
      ),
    );
    return sha256(concat(Uint8Array.of(1), left ?? fill(0), right ?? fill(0)));
  }
  function emptyRoot(height: number): Bytes {
    if (height === 0) return sha256(Uint8Array.of(0));
    const child = emptyRoot(height - 1);
    return sha256(concat(Uint8Array.of(1), child, child));
  }

  // Few distinct first bytes, so that leaves share bottom nodes.
  const index = fc
    .tuple(fc.constantFrom(0, 1, 255), fc.uint8Array({ minLength: 1, maxLength: 1 }))
    .map(([first, last]) => concat(Uint8Array.of(first), fill(first, 30), last));
  const leaf = fc.record({ index, hash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(copy) });

  it('has the root of its definition, however it came about', () => {
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), (leaves, size) => {
        const tree = new Tree(0);
        for (let i = 0; i < leaves.length; i += size) tree.set(leaves.slice(i, i + size));
        const last = new Map(leaves.map((leaf) => [leaf.index.join(), leaf]));
        expect(tree.root).toEqual(naiveRoot([...last.values()]));
      }),
      { numRuns: 50 },
    );
  });

  // proves STO-13
  it('proves what is in it and what is not, and proves nothing else', () => {
    const tree = new Tree(0);
    const leaves = [0, 0, 0, 5, 9].map((first, i) => ({
      index: concat(fill(first, 31), Uint8Array.of(i)),
      hash: fill(i),
    }));
    tree.set(leaves);
    for (const { index, hash } of leaves) {
      const proof = tree.prove(index);
      expect(verifyProof(tree.root, index, proof, 0)).toEqual({ hash });
      expect(verifyProof(fill(1), index, proof, 0)).toBe('invalid');
      const without = { ...proof, leaves: proof.leaves.filter((leaf) => !equal(leaf.index, index)) };
      expect(verifyProof(tree.root, index, without, 0)).toBe('invalid');
      const reversed = { ...proof, leaves: proof.leaves.toReversed() };
      if (reversed.leaves.length > 1) expect(verifyProof(tree.root, index, reversed, 0)).toBe('invalid');
      expect(verifyProof(tree.root, index, { ...proof, siblings: proof.siblings.slice(1) }, 0)).toBe(
        'invalid',
      );
    }
    const absent = concat(fill(0, 31), Uint8Array.of(77));
    expect(verifyProof(tree.root, absent, tree.prove(absent), 0)).toBe('absent');
    const elsewhere = fill(0xee);
    expect(verifyProof(tree.root, elsewhere, tree.prove(elsewhere), 0)).toBe('absent');
    expect(verifyProof(tree.root, elsewhere, tree.prove(absent), 0)).toBe('invalid');
  });

  it('starts after the prefix of its partition', () => {
    const [a, b] = [fill(0), concat(Uint8Array.of(0x80), fill(0, 31))];
    const tree = new Tree(1);
    tree.set([
      { index: a, hash: fill(1) },
      { index: b, hash: fill(2) },
    ]);
    expect(tree.prove(a).leaves).toHaveLength(2);
  });
});
