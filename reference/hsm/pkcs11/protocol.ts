/**
 * What a vault asks of its agent, the process that has the device's module loaded (spec/hsm.md, "Agent"). A fault of
 * the module ends the agent, not the vault; and what blocks in the module blocks no request that does not need it.
 *
 * @module
 */
import type { ErrorCode } from '../../errors.ts';
import type { Bytes } from '../../wire/bytes.ts';
import type { HmacKey, PairKind } from '../interface.ts';

/** Where keys and anchor are. */
export interface TokenSettings {
  /** Path of the PKCS#11 module. */
  readonly module: string;
  readonly tokenLabel: string;
  /** What the labels of a vault's objects begin with. */
  readonly keyPrefix: string;
}

/** A key pair on the token. */
export interface TokenPair {
  /** CKA_ID of both halves: names the pair on the token. */
  readonly handle: Bytes;
  /** P-256, uncompressed: 65 bytes. */
  readonly publicKey: Bytes;
}

/** Pairs on the token, newest first. */
export type TokenPairs = Readonly<Record<PairKind, readonly TokenPair[]>>;

/** The calls; errors are StrongroomErrors with the codes of spec/hsm.md. */
export interface Agent {
  /** Loads the module and logs in: the serial number of the token. */
  open(settings: TokenSettings, pin: Bytes): Promise<string>;
  /** Makes all keys. @throws StrongroomError `state-exists` if there is any object of these labels */
  createKeys(): Promise<void>;
  /** Finds the keys, tries that none can be taken out, and tests every mechanism. */
  loadKeys(): Promise<TokenPairs>;
  /** Finds the pairs anew. */
  refresh(): Promise<TokenPairs>;
  hmac(key: HmacKey, data: Bytes): Promise<Bytes>;
  /** Nonce, ciphertext and tag. */
  seal(plaintext: Bytes, aad: Bytes): Promise<Bytes>;
  /** @throws StrongroomError `keys-damaged` */
  unseal(box: Bytes, aad: Bytes): Promise<Bytes>;
  /** x-coordinate of the shared point, 32 bytes. `enc` is a point of the curve. */
  agree(pair: Bytes, enc: Bytes): Promise<Bytes>;
  /** ECDSA: r || s. */
  sign(pair: Bytes, digest: Bytes): Promise<Bytes>;
  addPair(kind: PairKind): Promise<TokenPair>;
  removePair(kind: PairKind, pair: Bytes): Promise<void>;
  random(length: number): Promise<Bytes>;
  /** The first anchor object. */
  createAnchor(value: Bytes): Promise<void>;
  /** All values of anchor objects; remembers them as what is held. */
  readAnchor(): Promise<readonly Bytes[]>;
  /** Makes `value` the only one. @throws StrongroomError `anchor-conflict` if another writer was there */
  replaceAnchor(value: Bytes): Promise<void>;
  /** Rejects if keys or anchor are not what they were. */
  check(): Promise<void>;
}

/** A call on its way to the agent. */
export interface AgentCall {
  readonly id: number;
  readonly name: keyof Agent;
  readonly args: readonly unknown[];
}

/** Its answer. */
export type AgentAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly code: ErrorCode; readonly message: string };
