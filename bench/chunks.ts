/**
 * The chunk engines by size, against the raw cipher of the same process.
 *
 * @module
 */
import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { chunkCipher } from '../reference/container/chunk.ts';
import { nobleEngine } from '../reference/crypto/noble.ts';
import { nodeEngine } from '../reference/crypto/node.ts';
import { concat } from '../reference/wire/bytes.ts';
import { measure, type Row } from './harness.ts';

/** Seals and opens one chunk on each engine. */
export async function chunks(time: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const chunkLog2 of [14, 16, 18, 20]) {
    const size = 2 ** chunkLog2;
    const plaintext = new Uint8Array(randomBytes(size - 1));
    const key = new Uint8Array(randomBytes(32));
    const baseNonce = new Uint8Array(randomBytes(12));
    const raw = createSecretKey(key);
    const node = chunkCipher({ key, baseNonce, chunkLog2 }, nodeEngine);
    const noble = chunkCipher({ key, baseNonce, chunkLog2 }, nobleEngine);
    const sealed = concat(...node.seal(0, plaintext));
    const unit = { worth: size / 2 ** 20, unit: 'MiB' };
    rows.push(
      ...(await measure(
        `chunk of ${size / 1024} KiB`,
        [
          {
            name: 'raw AES-256-GCM (node:crypto)',
            run: () => {
              const cipher = createCipheriv('aes-256-gcm', raw, baseNonce);
              cipher.update(plaintext);
              cipher.final();
              cipher.getAuthTag();
            },
            ...unit,
          },
          {
            name: 'seal, node',
            run: () => node.seal(0, plaintext),
            against: 'raw AES-256-GCM (node:crypto)',
            ...unit,
          },
          {
            name: 'open, node',
            run: () => node.open(0, sealed),
            against: 'raw AES-256-GCM (node:crypto)',
            ...unit,
          },
          { name: 'seal, noble', run: () => noble.seal(0, plaintext), against: 'seal, node', ...unit },
        ],
        time,
      )),
    );
  }
  return rows;
}
