/**
 * The HSM of level `software`: keys in a sealed file, the anchor in a second one (spec/hsm.md, "Software HSM"). It
 * protects nothing from one who can read both and the sealing key.
 *
 * @module
 */
import { join } from 'node:path';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { keyId, type KeyLocation } from '../fleet/descriptor.ts';
import { equal, hex, wipe, type Bytes } from '../wire/bytes.ts';
import { HMAC_KEYS, type AnchorEntry, type Hsm, type HmacKey, type HsmKeys } from './interface.ts';
import type { PairKind, PairSuite } from './interface.ts';
import { changeKeys, createKeys, openBox, readKeys, sealBox, wipeKeys, type Keys } from './key-file.ts';
import { importPair, newPairSecret, type Pair } from './pairs.ts';
import { SoftwareAnchor } from './software-anchor.ts';

/** Where the files of a software HSM are. */
export interface SoftwareHsmPaths {
  /** Sealed keys. */
  readonly keys: string;
  /** The 32-byte key that they are sealed under; better on another medium. */
  readonly sealingKey: string;
  readonly anchor: string;
}

/** The files of a state folder. */
export function softwareHsmPaths(folder: string): SoftwareHsmPaths {
  return {
    keys: join(folder, 'hsm.keys'),
    sealingKey: join(folder, 'hsm.sealing-key'),
    anchor: join(folder, 'hsm.anchor'),
  };
}

const MEMORY = { kem: 'memory', receipt: 'memory', oprf: 'memory', opaque: 'memory' } as const;

type Pairs = Readonly<Record<PairKind, readonly Pair[]>>;

function pairsOf(keys: Keys, suite: PairSuite): Pairs {
  const imported = (kind: PairKind): Pair[] => keys[kind].map((secret) => importPair(suite, kind, secret));
  return { kem: imported('kem'), receipt: imported('receipt') };
}

/** {@link HsmKeys} in files. */
export class SoftwareKeys implements HsmKeys {
  readonly level = 'software';
  readonly failure = undefined;
  readonly locations: Readonly<Record<PairKind | 'oprf' | 'opaque', KeyLocation>> = MEMORY;
  readonly suite: PairSuite;
  readonly #paths: SoftwareHsmPaths;
  readonly #keys: Omit<Keys, PairKind>;
  #pairs: Pairs;

  protected constructor(paths: SoftwareHsmPaths, keys: Keys & { readonly suite: PairSuite }) {
    this.#paths = paths;
    this.suite = keys.suite;
    this.#pairs = pairsOf(keys, keys.suite);
    wipe(...keys.kem, ...keys.receipt);
    this.#keys = keys;
  }

  /** The keys alone, without the anchor: also beside a vault that has them open. @throws StrongroomError those of `readKeys` */
  static async openKeys(paths: SoftwareHsmPaths): Promise<SoftwareKeys> {
    return new SoftwareKeys(paths, await readKeys(paths));
  }

  get publicKeys(): Readonly<Record<PairKind, readonly Bytes[]>> {
    const { kem, receipt } = this.#pairs;
    return { kem: kem.map(({ publicKey }) => publicKey), receipt: receipt.map(({ publicKey }) => publicKey) };
  }

  hmac(key: HmacKey, data: Uint8Array): Promise<Bytes> {
    return Promise.resolve(nodeEngine.hmac(HMAC_KEYS[key], this.#keys[key], data));
  }

  seal(plaintext: Uint8Array, aad: Uint8Array): Promise<Bytes> {
    return Promise.resolve(sealBox(this.#keys.box, plaintext, aad));
  }

  // oxlint-disable-next-line typescript/require-await -- errors are rejections
  async open(box: Uint8Array, aad: Uint8Array): Promise<Bytes> {
    return openBox(this.#keys.box, box, aad, 'box');
  }

  // oxlint-disable-next-line typescript/require-await -- errors are rejections
  async decapsulate(suite: number, id: Bytes, enc: Bytes): Promise<Bytes> {
    const pair = suite === this.suite ? this.#pair('kem', id) : undefined;
    if (pair === undefined) throw new StrongroomError('unknown-channel-key', `no key ${hex(id)}`);
    return pair.use(enc);
  }

  // oxlint-disable-next-line typescript/require-await -- errors are rejections
  async sign(id: Bytes, message: Uint8Array): Promise<Bytes> {
    const pair = this.#pair('receipt', id);
    if (pair === undefined) throw missing('receipt', id);
    return pair.use(message);
  }

  async addKey(kind: PairKind): Promise<Bytes> {
    const secret = newPairSecret(this.suite, kind);
    const { publicKey } = importPair(this.suite, kind, secret);
    await changeKeys(this.#paths, (keys) => ({ ...keys, [kind]: [secret, ...keys[kind]] }));
    await this.refresh();
    return publicKey;
  }

  async removeKey(kind: PairKind, id: Bytes): Promise<void> {
    await changeKeys(this.#paths, (keys) => {
      const left = keys[kind].filter(
        (secret) => !equal(keyId(importPair(this.suite, kind, secret).publicKey), id),
      );
      if (left.length === keys[kind].length) throw missing(kind, id);
      if (left.length === 0) throw new StrongroomError('conflict', `${hex(id)} is the only ${kind} key`);
      return { ...keys, [kind]: left };
    });
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const keys = await readKeys(this.#paths);
    this.#pairs = pairsOf(keys, this.suite);
    wipeKeys(keys);
  }

  random(length: number): Promise<Bytes> {
    return Promise.resolve(systemRandom('hsm', length));
  }

  /** Wipes the keys. */
  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async close(): Promise<void> {
    wipeKeys({ ...this.#keys, kem: [], receipt: [] });
  }

  #pair(kind: PairKind, id: Bytes): Pair | undefined {
    return this.#pairs[kind].find(({ publicKey }) => equal(keyId(publicKey), id));
  }
}

function missing(kind: PairKind, id: Bytes): StrongroomError {
  return new StrongroomError('keys-missing', `no ${kind} key ${hex(id)}`);
}

/** {@link Hsm} in files. */
export class SoftwareHsm extends SoftwareKeys implements Hsm {
  readonly anchor: SoftwareAnchor;

  private constructor(
    paths: SoftwareHsmPaths,
    keys: Keys & { readonly suite: PairSuite },
    anchor: SoftwareAnchor,
  ) {
    super(paths, keys);
    this.anchor = anchor;
  }

  /**
   * Makes the keys. The anchor is made by `firstEntries`, which may use them, and is the last file to appear.
   *
   * @param suite of the channel and the receipts
   * @throws StrongroomError `state-exists`
   */
  static async create(
    paths: SoftwareHsmPaths,
    firstEntries: (hmac: Hsm['hmac']) => Promise<readonly AnchorEntry[]>,
    suite: PairSuite = 1,
  ): Promise<SoftwareHsm> {
    const keys = await createKeys(paths, suite);
    const hmac: Hsm['hmac'] = (key, data) =>
      Promise.resolve(nodeEngine.hmac(HMAC_KEYS[key], keys[key], data));
    await SoftwareAnchor.create(paths.anchor, keys.anchor, await firstEntries(hmac));
    wipeKeys(keys);
    return SoftwareHsm.open(paths);
  }

  /** @throws StrongroomError those of `readKeys`, `anchor-missing`, `anchor-locked`, `anchor-damaged` */
  static async open(paths: SoftwareHsmPaths): Promise<SoftwareHsm> {
    const keys = await readKeys(paths);
    return new SoftwareHsm(paths, keys, await SoftwareAnchor.open(paths.anchor, keys.anchor));
  }

  /** Closes the anchor and wipes the keys. */
  override async close(): Promise<void> {
    await this.anchor.close();
    await super.close();
  }
}
