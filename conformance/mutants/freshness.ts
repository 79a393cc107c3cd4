/**
 * Broken heads of sets.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const HEAD = 'reference/set/head.ts';

/** Mutants of freshness. */
export const freshnessMutants: readonly Mutant[] = [
  {
    id: 'head-unsigned',
    mistake: 'believes a head whose signature it does not verify',
    file: HEAD,
    find: 'if (!ed25519Verify(ownerPublicKey(key), signedPart(head), signature)) {',
    replace: 'if (signature.length < 64) {',
    requirement: 'FRS-2',
    cases: ['heads.changed-generation', 'heads.other-key', 'heads.zeros'],
    class: 'accepted-invalid',
  },
  {
    id: 'head-signed-in-part',
    mistake: 'leaves the time and the key epoch out of what is signed, in both directions',
    file: HEAD,
    find: "concat(label('set-head'), encode(SetHead, head));",
    replace: "concat(label('set-head'), encode(SetHead, { ...head, created: 0, keyEpoch: 1 }));",
    requirement: 'FRS-2',
    cases: ['heads.one', 'heads.highest'],
    class: 'rejected-valid',
  },
  {
    id: 'head-label',
    mistake: 'signs heads under the label of statements, in both directions',
    file: HEAD,
    find: "concat(label('set-head'), encode(SetHead, head));",
    replace: "concat(label('owner-statement'), encode(SetHead, head));",
    requirement: 'FRS-2',
    cases: ['heads.other-label'],
    class: 'accepted-invalid',
  },
  {
    id: 'head-generation-0',
    mistake: 'takes generation 0, and key epoch 0',
    file: HEAD,
    find: 'if (decoded.head.generation >= 1 && decoded.head.keyEpoch >= 1) return decoded;',
    replace: 'return decoded;',
    requirement: 'FRS-2',
    cases: ['heads.generation-0', 'heads.epoch-0'],
    class: 'accepted-invalid',
  },
];
