/**
 * The HSM of level `software`: keys in a sealed file, the anchor in a second one (spec/storage.md, "Software HSM").
 * It protects nothing from one who can read both and the sealing key.
 *
 * @module
 */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { softwareDecapsulate, type Decapsulate } from '../channel/index.ts';
import { ed25519PublicKey } from '../crypto/ed25519.ts';
import { NONCE_LENGTH } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { x25519 } from '../crypto/x25519.ts';
import { StrongroomError } from '../errors.ts';
import { keyId } from '../fleet/descriptor.ts';
import { label } from '../keys/labels.ts';
import { concat, copy, fromHex, wipe, type Bytes } from '../wire/bytes.ts';
import { decode, encode, opaque, struct, u8, type Codec } from '../wire/codec.ts';
import { createFile, readSecretFile } from './file.ts';
import { HMAC_KEYS, type AnchorEntry, type Hsm, type HmacKey } from './interface.ts';
import { SoftwareAnchor } from './software-anchor.ts';

interface Keys {
  readonly version: number;
  readonly index: Bytes;
  readonly head: Bytes;
  readonly oprf: Bytes;
  readonly attempt: Bytes;
  /** Wraps other keys. */
  readonly box: Bytes;
  /** Seals the slots of the anchor. */
  readonly anchor: Bytes;
  /** X25519 private key. */
  readonly kem: Bytes;
  /** Ed25519 private key. */
  readonly receipt: Bytes;
}

const Keys: Codec<Keys> = struct<Keys>('HsmKeys', {
  version: u8,
  index: opaque(32),
  head: opaque(32),
  oprf: opaque(64),
  attempt: opaque(64),
  box: opaque(32),
  anchor: opaque(32),
  kem: opaque(32),
  receipt: opaque(32),
});

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

function seal(key: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Bytes {
  const nonce = systemRandom('box_nonce', NONCE_LENGTH);
  return concat(nonce, nodeEngine.aead(key).seal(nonce, plaintext, aad));
}

function unseal(key: Uint8Array, box: Uint8Array, aad: Uint8Array, what: string): Bytes {
  const nonce = box.subarray(0, NONCE_LENGTH);
  const sealed = box.subarray(NONCE_LENGTH);
  const plain = nonce.length === NONCE_LENGTH ? nodeEngine.aead(key).open(nonce, sealed, aad) : undefined;
  if (plain === undefined)
    throw new StrongroomError('keys-damaged', `${what} does not open`, { subject: what });
  return plain;
}

// RFC 8410, section 7: what stands before the raw key in PKCS #8.
const PKCS8_ED25519 = fromHex('302e020100300506032b657004220420');

function ed25519PrivateKey(raw: Uint8Array): KeyObject {
  const der = concat(PKCS8_ED25519, raw);
  const key = createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' });
  wipe(der);
  return key;
}

/** {@link Hsm} in files. */
export class SoftwareHsm implements Hsm {
  readonly level = 'software';
  readonly anchor: SoftwareAnchor;
  readonly publicKeys: { readonly kem: Bytes; readonly receipt: Bytes };
  readonly #keys: Keys;
  readonly #decapsulate: Decapsulate;
  readonly #receipt: KeyObject;

  private constructor(keys: Keys, anchor: SoftwareAnchor) {
    this.#keys = keys;
    const kem = x25519(keys.kem).publicKey;
    this.#decapsulate = softwareDecapsulate([{ id: keyId(kem), secretKey: keys.kem }]);
    this.#receipt = ed25519PrivateKey(keys.receipt);
    this.anchor = anchor;
    this.publicKeys = { kem, receipt: ed25519PublicKey(keys.receipt) };
  }

  /**
   * Makes the keys. The anchor is made by `firstEntries`, which may use them, and is the last file to appear.
   *
   * @throws StrongroomError `state-exists`
   */
  static async create(
    paths: SoftwareHsmPaths,
    firstEntries: (hmac: Hsm['hmac']) => Promise<readonly AnchorEntry[]>,
  ): Promise<SoftwareHsm> {
    const fresh = (name: string, length = 32): Bytes => systemRandom(name, length);
    const sealingKey = fresh('sealing_key');
    const keys: Keys = {
      version: 1,
      index: fresh('index_key'),
      head: fresh('head_key'),
      oprf: fresh('oprf_key', 64),
      attempt: fresh('attempt_key', 64),
      box: fresh('box_key'),
      anchor: fresh('anchor_key'),
      kem: fresh('kem_key'),
      receipt: fresh('receipt_key'),
    };
    await createFile(paths.sealingKey, sealingKey);
    await createFile(paths.keys, seal(sealingKey, encode(Keys, keys), label('hsm-keys')));
    wipe(sealingKey);
    const hmac: Hsm['hmac'] = (key, data) => Promise.resolve(hmacWith(keys, key, data));
    await SoftwareAnchor.create(paths.anchor, keys.anchor, await firstEntries(hmac));
    return SoftwareHsm.open(paths);
  }

  /** @throws StrongroomError `keys-missing`, `keys-damaged`, `keys-exposed`, `anchor-missing`, `anchor-locked`, `anchor-damaged` */
  static async open(paths: SoftwareHsmPaths): Promise<SoftwareHsm> {
    const sealingKey = await readSecretFile(paths.sealingKey, 'keys-missing');
    const box = await readSecretFile(paths.keys, 'keys-missing');
    if (sealingKey.length !== 32) {
      const subject = paths.sealingKey;
      throw new StrongroomError('keys-damaged', `${subject} is not 32 bytes`, { subject });
    }
    const plain = unseal(sealingKey, box, label('hsm-keys'), paths.keys);
    const keys = decode(Keys, plain);
    wipe(sealingKey, plain);
    if (keys.version !== 1)
      throw new StrongroomError('unsupported-version', `${paths.keys}: ${keys.version}`);
    return new SoftwareHsm(keys, await SoftwareAnchor.open(paths.anchor, keys.anchor));
  }

  hmac(key: HmacKey, data: Uint8Array): Promise<Bytes> {
    return Promise.resolve(hmacWith(this.#keys, key, data));
  }

  seal(plaintext: Uint8Array, aad: Uint8Array): Promise<Bytes> {
    return Promise.resolve(seal(this.#keys.box, plaintext, aad));
  }

  // oxlint-disable-next-line typescript/require-await -- errors are rejections
  async open(box: Uint8Array, aad: Uint8Array): Promise<Bytes> {
    return unseal(this.#keys.box, box, aad, 'box');
  }

  decapsulate(suite: number, keyId: Bytes, enc: Bytes): Promise<Bytes> {
    return this.#decapsulate(suite, keyId, enc);
  }

  sign(message: Uint8Array): Promise<Bytes> {
    return Promise.resolve(copy(sign(null, message, this.#receipt)));
  }

  random(length: number): Promise<Bytes> {
    return Promise.resolve(systemRandom('hsm', length));
  }

  /** Closes the anchor and wipes the keys. */
  async close(): Promise<void> {
    await this.anchor.close();
    const { version: _, ...secrets } = this.#keys;
    wipe(...Object.values(secrets));
  }
}

function hmacWith(keys: Keys, key: HmacKey, data: Uint8Array): Bytes {
  return nodeEngine.hmac(HMAC_KEYS[key], keys[key], data);
}
