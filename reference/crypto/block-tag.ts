/**
 * Tags of the blocks of a content, of which its identity is made (spec/manifest.md, "Content identity").
 *
 * @module
 */
import type { Bytes } from '../wire/bytes.ts';
import { NONCE_LENGTH, type Aead } from './engine.ts';

/** Length of a block in bytes; the last one of a content can be shorter. */
export const BLOCK_LENGTH: number = 2 ** 20;

const nothing = new Uint8Array();

/** The tag of block `index` under K_tag, 16 bytes: of AES-256-GCM over no plaintext, with the block as associated data. */
export function blockTag(aead: Aead, index: number, block: Uint8Array): Bytes {
  const nonce = new Uint8Array(NONCE_LENGTH);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(index));
  return aead.seal(nonce, nothing, block);
}
