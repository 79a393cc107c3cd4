/**
 * Where the keys of a vault and its rollback anchor live (spec/hsm.md). Everything is asynchronous, for a
 * device is.
 *
 * @module
 */
import type { Decapsulate } from '../channel/index.ts';
import type { HashName } from '../crypto/engine.ts';
import type { StrongroomError } from '../errors.ts';
import type { KeyLocation, ProtectionLevel } from '../fleet/descriptor.ts';
import type { Bytes } from '../wire/bytes.ts';

/** Name of an HMAC key. */
export type HmacKey = 'index' | 'head' | 'oprf' | 'attempt';

/** The HMAC keys of a vault, and the hash that each is used with. */
export const HMAC_KEYS: Readonly<Record<HmacKey, HashName>> = {
  /** Names leaves: account names are phone numbers, and a plain hash of one can be enumerated. */
  index: 'sha256',
  /** Authenticates the heads in the store. */
  head: 'sha256',
  /** Yields the OPRF seeds. */
  oprf: 'sha512',
  /** Yields the nonces of KE2 and the attempt ids. */
  attempt: 'sha512',
};

/** A data key of a partition; it exists in the anchor alone. */
export interface PartitionKey {
  readonly epoch: number;
  /** Vault time at which it was made, in seconds. */
  readonly since: number;
  /** 32 bytes. */
  readonly key: Bytes;
}

/** What the anchor holds for one partition. */
export interface AnchorEntry {
  readonly partition: number;
  /** Number of the newest head. */
  readonly n: number;
  /** SHA-256 of the newest head, 32 bytes. */
  readonly headHash: Bytes;
  /** Key that records are sealed under. */
  readonly current: PartitionKey;
  /** Key that takes its place, while records are being sealed again under it. */
  readonly next: PartitionKey | undefined;
}

/** Monotonic memory that outlives a restart and that the store cannot roll back. */
export interface Anchor {
  /** The present entries, one for each partition. */
  read(): Promise<readonly AnchorEntry[]>;
  /**
   * Replaces entries; durable when it resolves. `to` is one head further than `from`, or at the same head with other
   * keys. No copy of a key that is in no entry any more is left then. Calls may come while others are under way, and
   * may be made durable together.
   *
   * @throws StrongroomError `anchor-conflict` if a `from` is not what the anchor holds; nothing of this call is done then
   */
  advance(changes: readonly { readonly from: AnchorEntry; readonly to: AnchorEntry }[]): Promise<void>;
}

/** Suite of the pairs in an HSM (spec/channel.md, "Suites"). */
export type PairSuite = 1 | 2;

/** What a key pair is for: the channel, or the signing of answers. */
export type PairKind = 'kem' | 'receipt';

/** The keys of a vault. None leaves but through `open`, which gives back what was sealed. */
export interface HsmKeys {
  readonly level: ProtectionLevel;
  /** Suite 1: X25519 and Ed25519. Suite 2: P-256 for both. */
  readonly suite: PairSuite;
  /** Public halves, newest first: 32 bytes each in suite 1, 65 in suite 2. */
  readonly publicKeys: Readonly<Record<PairKind, readonly Bytes[]>>;
  /** Where each kind of key is while it is used; `opaque` are the pairs that `seal` has wrapped. */
  readonly locations: Readonly<Record<PairKind | 'oprf' | 'opaque', KeyLocation>>;
  /** Why nothing of it works any more, until it is opened anew; undefined while it works. */
  readonly failure: StrongroomError | undefined;
  /** HMAC with the key's own hash: 32 or 64 bytes. */
  hmac(key: HmacKey, data: Uint8Array): Promise<Bytes>;
  /** Wraps a key that the vault must hold in memory to use (the OPAQUE key). */
  seal(plaintext: Uint8Array, aad: Uint8Array): Promise<Bytes>;
  /** @throws StrongroomError `keys-damaged` if the box is not whole or `aad` differs */
  open(box: Uint8Array, aad: Uint8Array): Promise<Bytes>;
  /** Decap of the suite's KEM (RFC 9180, section 4.1): the shared secret of 32 bytes. */
  readonly decapsulate: Decapsulate;
  /**
   * Signature of a receipt key, 64 bytes: Ed25519, or ECDSA with SHA-256 as r || s.
   *
   * @throws StrongroomError `keys-missing` if there is no such key
   */
  sign(receiptKeyId: Bytes, message: Uint8Array): Promise<Bytes>;
  /** Makes one more pair, durably: its public key. */
  addKey(kind: PairKind): Promise<Bytes>;
  /**
   * Destroys a pair for ever.
   *
   * @throws StrongroomError `keys-missing` if there is no such key, `conflict` if it is the only one of its kind
   */
  removeKey(kind: PairKind, id: Bytes): Promise<void>;
  /** Takes note of pairs that another process has added or removed. */
  refresh(): Promise<void>;
  /** Fresh random bytes. */
  random(length: number): Promise<Bytes>;
  /** Ends every use; no call may follow. */
  close(): Promise<void>;
}

/** One HSM: the keys, and the anchor, which one process has at a time. */
export interface Hsm extends HsmKeys {
  readonly anchor: Anchor;
}
