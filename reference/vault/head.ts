/**
 * The head of a partition (spec/storage.md, "Head"): one for each commit, each naming the one before it. The anchor
 * holds the hash of the newest.
 *
 * @module
 */
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import type { Hsm } from '../hsm/interface.ts';
import { label } from '../keys/labels.ts';
import { concat, equal, type Bytes } from '../wire/bytes.ts';
import { decode, encode, opaque, struct, u16, u64, type Codec } from '../wire/codec.ts';

/** A head without its MAC. */
export interface HeadBody {
  readonly partition: number;
  /** Number of the commit. */
  readonly n: number;
  /** Hash of the head before; zero for the first. */
  readonly prev: Bytes;
  /** Root of the tree after the commit. */
  readonly root: Bytes;
  /** Number of the owner; 0 while a partition has one owner for ever. */
  readonly fencing: number;
  /** The vault's own time, in seconds. */
  readonly vaultTime: number;
}

const HeadBody: Codec<HeadBody> = struct<HeadBody>('PartitionHeadBody', {
  partition: u16,
  n: u64,
  prev: opaque(32, 'prev'),
  root: opaque(32, 'root'),
  fencing: u64,
  vaultTime: u64,
});

const MAC_SIZE = 32;

/** A head and its encoding. */
export interface PartitionHead {
  readonly body: HeadBody;
  /** `PartitionHead` on the wire, 122 bytes. */
  readonly bytes: Bytes;
  /** SHA-256 of them. */
  readonly hash: Bytes;
}

function macOf(hmac: Hsm['hmac'], body: Uint8Array): Promise<Bytes> {
  return hmac('head', concat(label('store-head'), body));
}

/** Authenticates a head. */
export async function sealHead(hmac: Hsm['hmac'], body: HeadBody): Promise<PartitionHead> {
  const encoded = encode(HeadBody, body);
  const bytes = concat(encoded, await macOf(hmac, encoded));
  return { body, bytes, hash: nodeEngine.hash('sha256', bytes) };
}

/** Reads a head; nothing of it is decoded before its MAC has verified. @throws StrongroomError `rollback-detected` */
export async function openHead(hmac: Hsm['hmac'], bytes: Bytes): Promise<PartitionHead> {
  const encoded = bytes.subarray(0, -MAC_SIZE);
  if (!equal(bytes.subarray(-MAC_SIZE), await macOf(hmac, encoded))) {
    throw new StrongroomError('rollback-detected', 'the head is not one of this vault', { subject: 'head' });
  }
  return { body: decode(HeadBody, encoded), bytes, hash: nodeEngine.hash('sha256', bytes) };
}
