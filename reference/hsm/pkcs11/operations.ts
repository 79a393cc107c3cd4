/**
 * What the keys on a token are used for (spec/hsm.md, "Operations").
 *
 * @module
 */
import type { Attribute, Mechanism } from 'pkcs11js';
import { NONCE_LENGTH, TAG_LENGTH } from '../../crypto/engine.ts';
import { StrongroomError } from '../../errors.ts';
import { concat, copy, type Bytes } from '../../wire/bytes.ts';
import { HMAC_KEYS, type HmacKey, type PairKind } from '../interface.ts';
import { macLength, type TokenKeys } from './keys.ts';
import { buffer, p11, type Token } from './token.ts';

/** The shared point of Diffie-Hellman: x alone comes out, and is no key of the device. */
const SHARED: Attribute[] = [
  { type: p11.CKA_CLASS, value: p11.CKO_SECRET_KEY },
  { type: p11.CKA_KEY_TYPE, value: p11.CKK_GENERIC_SECRET },
  { type: p11.CKA_VALUE_LEN, value: 32 },
  { type: p11.CKA_TOKEN, value: false },
  { type: p11.CKA_SENSITIVE, value: false },
  { type: p11.CKA_EXTRACTABLE, value: true },
];

const MACS = { sha256: p11.CKM_SHA256_HMAC, sha512: p11.CKM_SHA512_HMAC } as const;

function gcm(iv: Uint8Array, aad: Uint8Array): Mechanism {
  const type = p11.CK_PARAMS_AES_GCM_v240;
  const parameter = {
    type,
    iv: buffer(iv),
    ivBits: 8 * iv.length,
    aad: buffer(aad),
    tagBits: 8 * TAG_LENGTH,
  };
  return { mechanism: p11.CKM_AES_GCM, parameter };
}

/** Operations with the keys of one vault. */
export class TokenOperations {
  readonly #token: Token;
  readonly #keys: TokenKeys;

  constructor(token: Token, keys: TokenKeys) {
    this.#token = token;
    this.#keys = keys;
  }

  hmac(key: HmacKey, data: Bytes): Promise<Bytes> {
    const mechanism = { mechanism: MACS[HMAC_KEYS[key]] };
    return this.#token.sign(`HMAC of ${key}`, mechanism, this.#keys.secret(key), data, macLength(key));
  }

  async seal(plaintext: Bytes, aad: Bytes): Promise<Bytes> {
    const nonce = this.#token.random(NONCE_LENGTH);
    const sealed = await this.#token.use('sealing', async (library, session) => {
      library.C_EncryptInit(session, gcm(nonce, aad), this.#keys.secret('box'));
      const room = Buffer.alloc(plaintext.length + TAG_LENGTH);
      return copy(await library.C_EncryptAsync(session, buffer(plaintext), room));
    });
    return concat(nonce, sealed);
  }

  /**
   * Devices do not say why a box does not open, so one that is known to be good is opened beside it.
   *
   * @throws StrongroomError `keys-damaged`
   */
  async unseal(box: Bytes, aad: Bytes): Promise<Bytes> {
    if (box.length < NONCE_LENGTH + TAG_LENGTH) throw new StrongroomError('keys-damaged', 'box is too short');
    try {
      return await this.#unseal(box, aad);
    } catch (cause) {
      await this.#unseal(await this.seal(aad, aad), aad);
      throw new StrongroomError('keys-damaged', 'box does not open', {}, { cause });
    }
  }

  /** @throws StrongroomError `keys-missing` if there is no such pair, or no more */
  agree(pair: Bytes, enc: Bytes): Promise<Bytes> {
    const key = this.#keys.privateKey('kem', pair);
    const parameter = { type: p11.CK_PARAMS_EC_DH, kdf: p11.CKD_NULL, publicData: buffer(enc) };
    const shared = this.#token.use('Diffie-Hellman', async (library, session) => {
      const mechanism = { mechanism: p11.CKM_ECDH1_DERIVE, parameter };
      const shared = await library.C_DeriveKeyAsync(session, mechanism, key, SHARED);
      const [attribute] = library.C_GetAttributeValue(session, shared, [{ type: p11.CKA_VALUE }]);
      library.C_DestroyObject(session, shared);
      const x = copy(attribute?.value ?? new Uint8Array(0));
      if (x.length === 32) return x;
      throw new StrongroomError('hsm-mechanism-missing', `Diffie-Hellman gives ${x.length} bytes`);
    });
    return this.#unlessGone('kem', pair, shared);
  }

  /** @throws StrongroomError `keys-missing` if there is no such pair, or no more */
  sign(pair: Bytes, digest: Bytes): Promise<Bytes> {
    const key = this.#keys.privateKey('receipt', pair);
    const signature = this.#token.sign('signing', { mechanism: p11.CKM_ECDSA }, key, digest, 64);
    return this.#unlessGone('receipt', pair, signature);
  }

  /** A ceremony beside the vault destroys pairs; what then fails is no fault of the device. */
  async #unlessGone<T>(kind: PairKind, pair: Bytes, result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      this.#keys.refresh();
      this.#keys.privateKey(kind, pair);
      throw error;
    }
  }

  #unseal(box: Bytes, aad: Bytes): Promise<Bytes> {
    const [nonce, sealed] = [box.subarray(0, NONCE_LENGTH), box.subarray(NONCE_LENGTH)];
    return this.#token.use('opening a box', async (library, session) => {
      library.C_DecryptInit(session, gcm(nonce, aad), this.#keys.secret('box'));
      return copy(await library.C_DecryptAsync(session, buffer(sealed), Buffer.alloc(sealed.length)));
    });
  }
}
