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

interface SealedHead {
  readonly body: HeadBody;
  readonly mac: Bytes;
}

const SealedHead: Codec<SealedHead> = struct<SealedHead>('PartitionHead', {
  body: HeadBody,
  mac: opaque(32, 'mac'),
});

/** A head and its encoding. */
export interface PartitionHead {
  readonly body: HeadBody;
  /** `PartitionHead` on the wire, 122 bytes. */
  readonly bytes: Bytes;
  /** SHA-256 of them. */
  readonly hash: Bytes;
}

function macOf(hmac: Hsm['hmac'], body: HeadBody): Promise<Bytes> {
  return hmac('head', concat(label('store-head'), encode(HeadBody, body)));
}

/** Authenticates a head. */
export async function sealHead(hmac: Hsm['hmac'], body: HeadBody): Promise<PartitionHead> {
  const bytes = encode(SealedHead, { body, mac: await macOf(hmac, body) });
  return { body, bytes, hash: nodeEngine.hash('sha256', bytes) };
}

/** Reads a head. @throws StrongroomError `rollback-detected` if the vault did not write it */
export async function openHead(hmac: Hsm['hmac'], bytes: Bytes): Promise<PartitionHead> {
  const { body, mac } = decode(SealedHead, bytes);
  if (!equal(mac, await macOf(hmac, body))) {
    throw new StrongroomError('rollback-detected', 'the MAC of the head does not verify', {
      subject: 'head',
    });
  }
  return { body, bytes, hash: nodeEngine.hash('sha256', bytes) };
}
