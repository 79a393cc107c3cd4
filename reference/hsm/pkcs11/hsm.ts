/**
 * The HSM of level `custody`: keys in a device with a PKCS#11 module, and the anchor on its token (spec/hsm.md,
 * "PKCS#11").
 *
 * @module
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dhkemSharedSecret } from '../../channel/index.ts';
import { nodeEngine } from '../../crypto/node.ts';
import { isP256PublicKey } from '../../crypto/p256.ts';
import { systemRandom } from '../../crypto/random.ts';
import { isStrongroomError, StrongroomError } from '../../errors.ts';
import { tryLock, type Lock } from '../../files/lock.ts';
import { keyId, type KeyLocation } from '../../fleet/descriptor.ts';
import { equal, hex, utf8, wipe, type Bytes } from '../../wire/bytes.ts';
import { readSecretFile } from '../file.ts';
import type { AnchorEntry, Hsm, HmacKey, HsmKeys, PairKind } from '../interface.ts';
import { KEM_IDS } from '../pairs.ts';
import { AgentClient } from './client.ts';
import type { TokenPair, TokenPairs, TokenSettings } from './protocol.ts';
import { TokenAnchor } from './token-anchor.ts';

/** Where the device, its token and its PIN are. */
export interface Pkcs11Paths {
  /** Path of the PKCS#11 module. */
  readonly module: string;
  readonly tokenLabel: string;
  /** File of mode 0600 with the PIN of the token's user. */
  readonly pinFile: string;
  /** What the labels of a vault's objects begin with; `strongroom-` unless told. */
  readonly keyPrefix?: string | undefined;
}

const LOCATIONS = { kem: 'device', receipt: 'device', oprf: 'device', opaque: 'wrapped' } as const;

/** The PIN of a file, without the end of its line. @throws StrongroomError `keys-missing`, `keys-exposed` */
async function readPin(path: string): Promise<Bytes> {
  const content = await readSecretFile(path, 'keys-missing');
  const end = content.findIndex((byte) => byte === 0x0a || byte === 0x0d);
  return end === -1 ? content : content.subarray(0, end);
}

/** An agent whose token is open, and the serial number of the token. */
async function connect(paths: Pkcs11Paths): Promise<{ readonly agent: AgentClient; readonly name: string }> {
  const { module, tokenLabel, pinFile, keyPrefix = 'strongroom-' } = paths;
  const pin = await readPin(pinFile);
  const agent = new AgentClient();
  const settings: TokenSettings = { module, tokenLabel, keyPrefix };
  try {
    const serial = await agent.call('open', settings, pin);
    return { agent, name: `${serial} ${tokenLabel} ${keyPrefix}` };
  } catch (error) {
    await agent.close();
    throw error;
  } finally {
    wipe(pin);
  }
}

/** {@link HsmKeys} in a device. */
export class Pkcs11Keys implements HsmKeys {
  readonly level = 'custody';
  readonly suite = 2;
  readonly locations: Readonly<Record<PairKind | 'oprf' | 'opaque', KeyLocation>> = LOCATIONS;
  protected readonly agent: AgentClient;
  #pairs: TokenPairs;

  protected constructor(agent: AgentClient, pairs: TokenPairs) {
    this.agent = agent;
    this.#pairs = pairs;
  }

  /**
   * The keys alone, without the anchor: also beside a vault that has them open.
   *
   * @throws StrongroomError `keys-missing`, `keys-damaged`, `keys-exposed`, and those of the device (spec/hsm.md)
   */
  static async openKeys(paths: Pkcs11Paths): Promise<Pkcs11Keys> {
    const { agent } = await connect(paths);
    return new Pkcs11Keys(agent, await loadKeys(agent));
  }

  get failure(): StrongroomError | undefined {
    return this.agent.failure;
  }

  get publicKeys(): Readonly<Record<PairKind, readonly Bytes[]>> {
    const { kem, receipt } = this.#pairs;
    return { kem: kem.map(({ publicKey }) => publicKey), receipt: receipt.map(({ publicKey }) => publicKey) };
  }

  hmac(key: HmacKey, data: Bytes): Promise<Bytes> {
    return this.agent.call('hmac', key, data);
  }

  seal(plaintext: Bytes, aad: Bytes): Promise<Bytes> {
    return this.agent.call('seal', plaintext, aad);
  }

  open(box: Bytes, aad: Bytes): Promise<Bytes> {
    return this.agent.call('unseal', box, aad);
  }

  async decapsulate(suite: number, id: Bytes, enc: Bytes): Promise<Bytes> {
    const pair = suite === this.suite ? this.#pair('kem', id) : undefined;
    if (pair === undefined) throw unknownKey(id);
    if (!isP256PublicKey(enc)) throw new StrongroomError('malformed', 'not a P-256 public key');
    const dh = await this.agent.call('agree', pair.handle, enc).catch((error: unknown) => {
      throw isStrongroomError(error) && error.code === 'keys-missing' ? unknownKey(id) : error;
    });
    const shared = dhkemSharedSecret(nodeEngine, KEM_IDS[this.suite], dh, enc, pair.publicKey);
    wipe(dh);
    return shared;
  }

  async sign(id: Bytes, message: Uint8Array): Promise<Bytes> {
    const { handle } = this.#held('receipt', id);
    return this.agent.call('sign', handle, nodeEngine.hash('sha256', message));
  }

  async addKey(kind: PairKind): Promise<Bytes> {
    const { publicKey } = await this.agent.call('addPair', kind);
    await this.refresh();
    return publicKey;
  }

  async removeKey(kind: PairKind, id: Bytes): Promise<void> {
    await this.refresh();
    const { handle } = this.#held(kind, id);
    if (this.#pairs[kind].length === 1)
      throw new StrongroomError('conflict', `${hex(id)} is the only ${kind} key`);
    await this.agent.call('removePair', kind, handle);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    this.#pairs = await this.agent.call('refresh');
  }

  random(length: number): Promise<Bytes> {
    return this.agent.call('random', length);
  }

  /** Logs out. */
  async close(): Promise<void> {
    await this.agent.close();
  }

  #held(kind: PairKind, id: Bytes): TokenPair {
    const pair = this.#pair(kind, id);
    if (pair === undefined) throw new StrongroomError('keys-missing', `no ${kind} key ${hex(id)}`);
    return pair;
  }

  #pair(kind: PairKind, id: Bytes): TokenPair | undefined {
    return this.#pairs[kind].find(({ publicKey }) => equal(keyId(publicKey), id));
  }
}

function unknownKey(id: Bytes): StrongroomError {
  return new StrongroomError('unknown-channel-key', `no key ${hex(id)}`);
}

async function loadKeys(agent: AgentClient): Promise<TokenPairs> {
  try {
    return await agent.call('loadKeys');
  } catch (error) {
    await agent.close();
    throw error;
  }
}

/** PKCS#11 has no locks: this one keeps others of this machine out, and the anchor itself tells of all others. */
async function lockOf(name: string): Promise<Lock> {
  const path = join(tmpdir(), `strongroom-${hex(nodeEngine.hash('sha256', utf8(name)).subarray(0, 8))}.lock`);
  const lock = await tryLock(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EACCES') throw error;
  });
  if (lock !== undefined) return lock;
  throw new StrongroomError('hsm-in-use', 'another process has this token', { subject: path });
}

/** {@link Hsm} in a device. */
export class Pkcs11Hsm extends Pkcs11Keys implements Hsm {
  readonly anchor: TokenAnchor;
  readonly #lock: Lock;

  private constructor(agent: AgentClient, pairs: TokenPairs, anchor: TokenAnchor, lock: Lock) {
    super(agent, pairs);
    this.anchor = anchor;
    this.#lock = lock;
  }

  /**
   * Makes the keys. The anchor is made by `firstEntries`, which may use them, and is the last object to appear.
   *
   * @throws StrongroomError `state-exists`, and those of the device
   */
  static async create(
    paths: Pkcs11Paths,
    firstEntries: (hmac: Hsm['hmac']) => Promise<readonly AnchorEntry[]>,
  ): Promise<Pkcs11Hsm> {
    const { agent } = await connect(paths);
    try {
      await agent.call('createKeys');
      await agent.call('loadKeys');
      const entries = await firstEntries((key, data) => agent.call('hmac', key, new Uint8Array(data)));
      await TokenAnchor.create(agent, entries);
    } finally {
      await agent.close();
    }
    return Pkcs11Hsm.open(paths);
  }

  /**
   * @throws StrongroomError `keys-missing`, `keys-damaged`, `keys-exposed`, `anchor-missing`, `anchor-damaged`,
   * `anchor-conflict`, `hsm-in-use`, and those of the device (spec/hsm.md)
   */
  static async open(paths: Pkcs11Paths): Promise<Pkcs11Hsm> {
    const { agent, name } = await connect(paths);
    let lock: Lock | undefined;
    try {
      lock = await lockOf(name);
      const pairs = await agent.call('loadKeys');
      const owner = systemRandom('anchor_owner', 16);
      return new Pkcs11Hsm(agent, pairs, await TokenAnchor.open(agent, owner), lock);
    } catch (error) {
      lock?.release();
      await agent.close();
      throw error;
    }
  }

  /** Waits for the anchor, and logs out. */
  override async close(): Promise<void> {
    await this.anchor.close();
    await super.close();
    this.#lock.release();
  }
}
