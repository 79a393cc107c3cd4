import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { p256 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import { p256Key } from '../crypto/p256-key.ts';
import { systemRandom } from '../crypto/random.ts';
import { concat, copy, fromHex, hex, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { openAnswer } from './answer.ts';
import { sealRequest, type ChannelKey } from './client.ts';
import { CHANNEL_PLAINTEXT, channelInfo, SealedRequest } from './messages.ts';
import { openRequest, softwareDecapsulate } from './vault.ts';

const secretKey = copy(p256.utils.randomSecretKey());
const fleetId: Bytes = new Uint8Array(16).fill(3);
const id: Bytes = new Uint8Array(8).fill(4);
const key: ChannelKey = { suite: 2, fleetId, id, publicKey: p256Key(secretKey).publicKey };
const decapsulate = softwareDecapsulate([{ suite: 2, id, secretKey }]);
const request = systemRandom('request', CHANNEL_PLAINTEXT);
const sealed = await sealRequest(key, request);
const open = (bytes: Bytes): ReturnType<typeof openRequest> => openRequest(decapsulate, fleetId, bytes);
const flipped = (bytes: Bytes, at: number): Bytes => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

const PRIME = fromHex(p256.Point.Fp.ORDER.toString(16).padStart(64, '0'));

/** What is no uncompressed point of the curve. */
const noPoints: readonly (readonly [string, Bytes])[] = [
  ['another y', flipped(key.publicKey, 64)],
  ['compressed', copy(p256.Point.fromBytes(key.publicKey).toBytes(true))],
  ['a hybrid encoding', concat(Uint8Array.of(6 + ((key.publicKey[64] ?? 0) & 1)), key.publicKey.subarray(1))],
  ['the point at infinity', new Uint8Array(1)],
  ['zeros', concat(Uint8Array.of(4), new Uint8Array(64))],
  ['an x that is not below p', concat(Uint8Array.of(4), PRIME, key.publicKey.subarray(33))],
  ['one byte more', concat(key.publicKey, new Uint8Array(1))],
];

// proves CHN-13, CHN-14
describe('a request of suite 2', () => {
  it('travels in 2143 bytes, opens, and its answer too', async () => {
    expect(sealed.bytes).toHaveLength(2143);
    const opened = await open(sealed.bytes);
    expect(hex(opened.plaintext)).toBe(hex(request));
    expect(opened.context).toEqual(sealed.context);
    expect(hex(openAnswer(sealed.context, opened.sealAnswer(request)))).toBe(hex(request));
  });

  it('opens with an HPKE that is not ours', async () => {
    const kem = new DhkemP256HkdfSha256();
    const hpke = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
    const { enc, ciphertext } = decode(SealedRequest, sealed.bytes);
    const info = channelInfo(2, fleetId, id);
    const recipientKey = await hpke.kem.deserializePrivateKey(secretKey);
    const recipient = await hpke.createRecipientContext({ recipientKey, enc, info });
    expect(hex(new Uint8Array(await recipient.open(ciphertext)))).toBe(hex(request));
  });

  it('opens with no byte changed', async () => {
    const expected = (at: number): string => {
      if (at < 2) return at === 0 ? 'unsupported-version' : 'unsupported-suite';
      if (at < 10) return 'unknown-channel-key';
      return at < 79 ? 'malformed' : 'channel-open-failed';
    };
    for (const at of [...Array.from({ length: 84 }, (_, i) => i), 1000, 2126, 2127, 2142]) {
      await expect(open(flipped(sealed.bytes, at)), `byte ${at}`).rejects.toMatchObject({
        code: expected(at),
      });
    }
  });

  it.each(noPoints)('is not sealed to, and not opened from, %s', async (_name, point) => {
    await expect(sealRequest({ ...key, publicKey: point }, request)).rejects.toMatchObject({
      code: 'malformed',
    });
    const { enc: _, ...rest } = decode(SealedRequest, sealed.bytes);
    await expect(open(encode(SealedRequest, { ...rest, enc: point }))).rejects.toMatchObject({
      code: 'malformed',
    });
  });

  it('is not opened by a key of the other suite, whatever its id', async () => {
    const other = softwareDecapsulate([{ suite: 1, id, secretKey }]);
    await expect(openRequest(other, fleetId, sealed.bytes)).rejects.toMatchObject({
      code: 'unknown-channel-key',
    });
  });
});
