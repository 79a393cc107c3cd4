/**
 * Where the keys of a vault and its rollback anchor live (spec/storage.md, "HSM"). Everything is asynchronous, for a
 * device is.
 *
 * @module
 */
import type { Decapsulate } from '../channel/index.ts';
import type { HashName } from '../crypto/engine.ts';
import type { ProtectionLevel } from '../fleet/descriptor.ts';
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

/** One HSM. No key leaves it but through `open`, which gives back what was sealed. */
export interface Hsm {
  readonly level: ProtectionLevel;
  readonly anchor: Anchor;
  /** Public halves of the fleet's KEM key (X25519) and receipt key (Ed25519), 32 bytes each. */
  readonly publicKeys: { readonly kem: Bytes; readonly receipt: Bytes };
  /** HMAC with the key's own hash: 32 or 64 bytes. */
  hmac(key: HmacKey, data: Uint8Array): Promise<Bytes>;
  /** Wraps a key that the vault must hold in memory to use (the OPAQUE key). */
  seal(plaintext: Uint8Array, aad: Uint8Array): Promise<Bytes>;
  /** @throws StrongroomError `keys-damaged` if the box is not whole or `aad` differs */
  open(box: Uint8Array, aad: Uint8Array): Promise<Bytes>;
  /** Decap of the suite's KEM (RFC 9180, section 4.1): the shared secret of 32 bytes. */
  readonly decapsulate: Decapsulate;
  /** Ed25519 signature of the receipt key, 64 bytes. */
  sign(message: Uint8Array): Promise<Bytes>;
  /** Fresh random bytes. */
  random(length: number): Promise<Bytes>;
  /** Ends every use; no call may follow. */
  close(): Promise<void>;
}
