/**
 * The `noble` engine: portable JavaScript, the readable twin. Not constant-time below the level of the algorithm.
 *
 * @module
 */
import { gcm } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { copy } from '../wire/bytes.ts';
import { TAG_LENGTH, type Aead, type CryptoEngine } from './engine.ts';

const hashes = { sha256, sha512 };

/** Primitives of noble-ciphers and noble-hashes. */
export const nobleEngine: CryptoEngine = {
  name: 'noble',
  aead(raw) {
    const key = copy(raw);
    const seal: Aead['seal'] = (nonce, plaintext, aad) => copy(gcm(key, nonce, aad).encrypt(plaintext));
    return {
      seal,
      sealParts(nonce, plaintext, aad) {
        const sealed = seal(nonce, plaintext, aad);
        return [sealed.slice(0, plaintext.length), sealed.slice(plaintext.length)];
      },
      open(nonce, sealed, aad) {
        if (sealed.length < TAG_LENGTH) return undefined;
        try {
          return copy(gcm(key, nonce, aad).decrypt(sealed));
        } catch {
          return undefined;
        }
      },
    };
  },
  hash: (name, data) => copy(hashes[name](data)),
  hmac: (name, key, data) => copy(hmac(hashes[name], key, data)),
};
