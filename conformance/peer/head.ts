/**
 * The suite's own heads of sets (spec/freshness.md, "Head").
 *
 * @module
 */
import { sign, signerKey } from './fleet.ts';
import { be, cat, expand, label, type Bytes } from './primitives.ts';

/** Which manifest is the newest of a set. */
export interface SetHead {
  /** 16 bytes. */
  readonly setId: Uint8Array;
  readonly generation: number | bigint;
  /** 32 bytes. */
  readonly manifestId: Uint8Array;
  readonly created: number;
  readonly keyEpoch: number;
}

/** `SetHead` on the wire. */
export function encodeHead({ setId, generation, manifestId, created, keyEpoch }: SetHead): Bytes {
  return cat(setId, be(8, generation), manifestId, be(8, created), be(4, keyEpoch));
}

/** The public owner key of a backup key. */
export function ownerKey(key: Uint8Array): Bytes {
  return signerKey(expand(key, label('owner-key'), 32));
}

/** The `SignedSetHead` of the owner of a backup key. */
export function signHead(key: Uint8Array, head: SetHead, labelName = 'set-head'): Bytes {
  const encoded = encodeHead(head);
  return cat(encoded, sign(expand(key, label('owner-key'), 32), cat(label(labelName), encoded)));
}
