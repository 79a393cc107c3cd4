/**
 * Vectors of the signed head of a set.
 *
 * @module
 */
import { ownerKey, signHead, type SetHead } from '../../conformance/peer/head.ts';
import { be, cat, named, toHex, unhex, zeros } from '../../conformance/peer/primitives.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { Family } from './family.ts';
import { KEY, OTHER_KEY } from './objects.ts';
import { SET_ID } from './sets.ts';

const HEAD: SetHead = {
  setId: SET_ID,
  generation: 3,
  manifestId: named('manifest id', 32),
  created: 1_800_000_003,
  keyEpoch: 1,
};
const LENGTH = 132;
/** The order of the group of Ed25519. */
const ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

function little(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}

/** The family. */
export function heads(): VectorFile {
  const family = new Family('heads', {
    feature: 'freshness',
    role: 'set-reader',
    op: 'head.open',
    description: 'Heads of sets: which generation is the newest, signed by the owner of the backup key.',
  });
  const accept = (id: string, head: SetHead, title: string, why: string): void =>
    family.accept(id, {
      title,
      why,
      requirements: ['FRS-2'],
      input: { key: toHex(KEY), head: toHex(signHead(KEY, head)) },
      result: {
        setId: toHex(head.setId),
        generation: Number(head.generation),
        manifestId: toHex(head.manifestId),
        created: head.created,
        keyEpoch: head.keyEpoch,
      },
      intermediates: { ownerKey: toHex(ownerKey(KEY)) },
    });
  accept('one', HEAD, 'A head', 'Every field, and a signature over all of them.');
  const highest = { ...HEAD, generation: Number.MAX_SAFE_INTEGER, created: 0, keyEpoch: 2 ** 32 - 1 };
  accept(
    'highest',
    highest,
    'A head of the highest generation and key epoch',
    'Numbers are read to their last bit.',
  );

  const refused = (
    title: string,
    why: string,
  ): { title: string; why: string; requirements: string[]; errors: string[] } => ({
    title,
    why,
    requirements: ['FRS-2'],
    errors: ['bad-head'],
  });
  for (const [id, offset, what] of [
    ['set-id', 0, 'the set id'],
    ['generation', 23, 'the generation'],
    ['manifest-id', 55, 'the manifest id'],
    ['created', 63, 'the time'],
    ['key-epoch', 66, 'the key epoch'],
    ['signature-r', 68, 'the first half of the signature'],
    ['signature-s', 100, 'the second half of the signature'],
  ] as const) {
    family.flip(
      `changed-${id}`,
      'one',
      { field: 'head', offset },
      refused(`A bit changed in ${what}`, 'The signature is over every field.'),
    );
  }
  family.cut(
    'cut',
    'one',
    'head',
    LENGTH - 1,
    refused('A head without its last byte', 'A head has one length.'),
  );
  family.cut('empty', 'one', 'head', 0, refused('A head of no bytes', 'It is not the same as no head.'));
  family.bytes(
    'long',
    'one',
    { field: 'head', offset: LENGTH, inserted: zeros(1) },
    refused('A head and one byte more', 'A head has one length.'),
  );
  family.value(
    'other-key',
    'one',
    'key',
    toHex(OTHER_KEY),
    refused('The head of another owner', 'Anybody can sign a head of his own.'),
  );
  const signature = unhex(toHex(signHead(KEY, HEAD))).slice(68);
  const replaced = (id: string, now: Uint8Array, title: string, why: string): void =>
    family.bytes(id, 'one', { field: 'head', offset: 68, removed: 64, inserted: now }, refused(title, why));
  replaced('zeros', zeros(64), 'A signature of zeros', 'It is none.');
  const s = little(signature.slice(32)) + ORDER;
  replaced(
    's-not-reduced',
    cat(signature.slice(0, 32), be(32, s).toReversed()),
    'A signature whose S is not below the group order',
    'Some verifiers take it, others do not: two clients would disagree.',
  );
  replaced(
    'other-label',
    signHead(KEY, HEAD, 'owner-statement').slice(68),
    'A signature by the same key under another label',
    'What the owner signs for one purpose is not good for another.',
  );
  const sealed = (
    id: string,
    place: keyof SetHead,
    now: number | bigint,
    was: Value,
    title: string,
    why: string,
  ): void =>
    family.sealed(
      id,
      'one',
      { place, was, now: String(now) },
      { head: toHex(signHead(KEY, { ...HEAD, [place]: now })) },
      refused(title, why),
    );
  sealed('generation-0', 'generation', 0, 3, 'Generation 0', 'Generations are counted from 1.');
  sealed('epoch-0', 'keyEpoch', 0, 1, 'Key epoch 0', 'Epochs are counted from 1.');
  sealed(
    'generation-2-53',
    'generation',
    2n ** 53n,
    3,
    'Generation 2^53',
    'Numbers end before; rounding would make it another generation.',
  );
  return family.file();
}
