import { x25519 as nobleX25519 } from '@noble/curves/ed25519.js';
import { p256, p521 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import vectors from '../../vectors/rfc/rfc9180.json' with { type: 'json' };
import { nobleEngine } from '../crypto/noble.ts';
import { nodeEngine } from '../crypto/node.ts';
import { x25519 } from '../crypto/x25519.ts';
import { fromHex, hex, type Bytes } from '../wire/bytes.ts';
import { dhkemSharedSecret, exportSecret, keySchedule } from './key-schedule.ts';

const engines = [nodeEngine, nobleEngine];
const cases = engines.flatMap((engine) => vectors.cases.map((row) => ({ ...row, engine })));

/** What an HSM would give: the X25519 value, or the x-coordinate. */
function agree(kem: number, secretKey: Bytes, publicKey: Bytes): Bytes {
  if (kem === 0x20) return x25519(secretKey).agree(publicKey);
  const curve = kem === 0x10 ? p256 : p521;
  return new Uint8Array(curve.getSharedSecret(secretKey, publicKey, true).subarray(1));
}

/** Nonce of a message: base nonce XOR sequence number (RFC 9180, section 5.2). */
function nonceOf(base: Bytes, sequence: number): Bytes {
  const nonce = new Uint8Array(base);
  const view = new DataView(nonce.buffer);
  view.setUint32(8, view.getUint32(8) ^ sequence);
  return nonce;
}

describe('HPKE base mode (RFC 9180, appendix A)', () => {
  it('has seven vectors', () => expect(vectors.cases).toHaveLength(7));

  it.each(cases)('$section, $suite, on $engine.name', (row) => {
    const { engine } = row;
    const ids = { kem: row.kem_id, kdf: row.kdf_id, aead: row.aead_id };
    const enc = fromHex(row.enc);
    const publicKey = fromHex(row.recipient_public_key);
    const dh = agree(row.kem_id, fromHex(row.recipient_secret_key), enc);
    const shared = dhkemSharedSecret(engine, row.kem_id, dh, enc, publicKey);
    expect(hex(shared)).toBe(row.shared_secret);
    const keys = keySchedule(engine, ids, shared, fromHex(row.info));
    expect(hex(keys.key)).toBe(row.key);
    expect(hex(keys.baseNonce)).toBe(row.base_nonce);
    expect(hex(keys.exporterSecret)).toBe(row.exporter_secret);
    for (const { context, length, value } of row.exports) {
      expect(hex(exportSecret(engine, ids, keys.exporterSecret, fromHex(context), length))).toBe(value);
    }
  });

  it('seals as A.6.1 does, the vector with AES-256-GCM', () => {
    const row = vectors.cases.find(({ aead_id }) => aead_id === 2);
    expect(row?.encryptions).toHaveLength(6);
    for (const message of row?.encryptions ?? []) {
      const nonce = nonceOf(fromHex(row?.base_nonce ?? ''), message.sequence_number);
      expect(hex(nonce)).toBe(message.nonce);
      const aead = nodeEngine.aead(fromHex(row?.key ?? ''));
      expect(hex(aead.seal(nonce, fromHex(message.plaintext), fromHex(message.aad)))).toBe(
        message.ciphertext,
      );
    }
  });

  it('knows no other identifiers', () => {
    expect(() => keySchedule(nodeEngine, { kem: 0x20, kdf: 2, aead: 1 }, fromHex('00'), fromHex(''))).toThrow(
      RangeError,
    );
    expect(() => dhkemSharedSecret(nodeEngine, 0x11, fromHex('00'), fromHex(''), fromHex(''))).toThrow(
      RangeError,
    );
  });
});

describe('X25519 of OpenSSL', () => {
  it('agrees with noble', () => {
    for (let i = 1; i <= 8; i++) {
      const [a, b] = [
        nodeEngine.hash('sha256', Uint8Array.of(i)),
        nodeEngine.hash('sha256', Uint8Array.of(~i)),
      ];
      expect(hex(x25519(a).publicKey)).toBe(hex(nobleX25519.getPublicKey(a)));
      const peer = x25519(b).publicKey;
      expect(hex(x25519(a).agree(peer))).toBe(hex(nobleX25519.getSharedSecret(a, peer)));
    }
  });

  // RFC 7748, section 7: points of small order give the all-zero value.
  it.each([
    ['zero', '00'.repeat(32)],
    ['one', `01${'00'.repeat(31)}`],
    ['order eight', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['minus one', `ec${'ff'.repeat(30)}7f`],
    ['31 bytes', '09'.repeat(31)],
    ['33 bytes', '09'.repeat(33)],
  ])('refuses %s', (_what, text) => {
    const key = x25519(new Uint8Array(32).fill(5));
    expect(() => key.agree(fromHex(text))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('takes keys of 32 bytes', () => {
    expect(() => x25519(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'invalid-key' }));
  });
});
