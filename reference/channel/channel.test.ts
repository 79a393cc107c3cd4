import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { describe, expect, it } from 'vitest';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { x25519 } from '../crypto/x25519.ts';
import { concat, fromHex, hex, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { openAnswer, sealAnswerWith } from './answer.ts';
import { sealRequest, sealRequestWith, type ChannelKey } from './client.ts';
import { CHANNEL_PLAINTEXT, channelInfo, SealedRequest } from './messages.ts';
import { openRequest, openRequestWith, softwareDecapsulate } from './vault.ts';

const secretKey = systemRandom('secret', 32);
const fleetId: Bytes = new Uint8Array(16).fill(3);
const id: Bytes = new Uint8Array(8).fill(4);
const key: ChannelKey = { suite: 1, fleetId, id, publicKey: x25519(secretKey).publicKey };
const decapsulate = softwareDecapsulate([{ suite: 1, id, secretKey }]);

const smallOrder = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
];
const request = systemRandom('request', CHANNEL_PLAINTEXT);
const answer = systemRandom('answer', CHANNEL_PLAINTEXT);
const sealed = await sealRequest(key, request);
const opened = await openRequest(decapsulate, fleetId, sealed.bytes);

const flipped = (bytes: Bytes, at: number): Bytes => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
const open = (bytes: Bytes): ReturnType<typeof openRequest> => openRequest(decapsulate, fleetId, bytes);

describe('a request', () => {
  it('of 2048 bytes travels in 2110 and opens', () => {
    expect(sealed.bytes).toHaveLength(2110);
    expect(hex(opened.plaintext)).toBe(hex(request));
  });

  it('gives both sides the same context', () => expect(opened.context).toEqual(sealed.context));

  it('is different each time', async () => {
    const again = await sealRequest(key, request);
    expect(hex(again.bytes)).not.toBe(hex(sealed.bytes));
    expect(hex(again.context.secret)).not.toBe(hex(sealed.context.secret));
  });

  it('is a function of its randomness', async () => {
    const draw = (name: string, length: number): Bytes => {
      expect([name, length]).toEqual(['hpke_ephemeral_seed', 32]);
      return new Uint8Array(32).fill(9);
    };
    expect(await sealRequestWith(draw, key, request)).toEqual(await sealRequestWith(draw, key, request));
  });

  it('opens with an HPKE that is not ours', async () => {
    const hpke = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new Aes256Gcm(),
    });
    const { enc, ciphertext } = decode(SealedRequest, sealed.bytes);
    const recipient = await hpke.createRecipientContext({
      recipientKey: await hpke.kem.deserializePrivateKey(secretKey),
      enc,
      info: channelInfo(1, fleetId, id),
    });
    expect(hex(new Uint8Array(await recipient.open(ciphertext)))).toBe(hex(request));
  });

  it.each([0, 2047, 2049])('of %i bytes is not sealed', async (length) => {
    await expect(sealRequest(key, new Uint8Array(length))).rejects.toMatchObject({ code: 'malformed' });
  });

  it('is not sealed in a suite or to a key that does not exist', async () => {
    await expect(sealRequest({ ...key, suite: 3 }, request)).rejects.toMatchObject({
      code: 'unsupported-suite',
    });
    for (const length of [0, 31, 33]) {
      const publicKey = new Uint8Array(length).fill(9);
      await expect(sealRequest({ ...key, publicKey }, request)).rejects.toMatchObject({ code: 'malformed' });
    }
  });

  // Every u of small order, in each of its encodings: the shared secret would be zero.
  it.each(smallOrder)('is not sealed to, and not opened from, the point %s', async (text) => {
    for (const top of [0, 0x80]) {
      const point = fromHex(text);
      point[31] = (point[31] ?? 0) | top;
      const refused = expect.objectContaining({ code: 'malformed' });
      await expect(sealRequest({ ...key, publicKey: point }, request)).rejects.toThrow(refused);
      const { kemKeyId, ciphertext } = decode(SealedRequest, sealed.bytes);
      const forged = encode(SealedRequest, { version: 1, suite: 1, kemKeyId, enc: point, ciphertext });
      await expect(open(forged)).rejects.toThrow(refused);
    }
  });

  it('opens with no byte changed', async () => {
    // version, suite, key id, length of enc, enc, length of the ciphertext, then a few of its bytes and its tag
    const positions = [...Array.from({ length: 60 }, (_, i) => i), 1000, 2093, 2094, 2109];
    for (const at of positions) {
      const expected =
        at === 0
          ? ['unsupported-version']
          : at === 1
            ? ['unsupported-suite']
            : at < 10
              ? ['unknown-channel-key']
              : at < 12 || at === 44 || at === 45
                ? ['malformed']
                : ['channel-open-failed'];
      const code = await open(flipped(sealed.bytes, at)).then(
        () => 'opened',
        (error: { code?: string }) => error.code,
      );
      expect(expected, `byte ${at}`).toContain(code);
    }
  });

  it.each([0, 1, 9, 43, 2109])('cut to %i bytes is malformed', async (length) => {
    await expect(open(sealed.bytes.slice(0, length))).rejects.toMatchObject({ code: 'malformed' });
  });

  it('with something after it is malformed', async () => {
    await expect(open(concat(sealed.bytes, Uint8Array.of(0)))).rejects.toMatchObject({ code: 'malformed' });
  });

  it('with an enc of another length never reaches the device', async () => {
    const { enc, ...rest } = decode(SealedRequest, sealed.bytes);
    const bytes = encode(SealedRequest, { ...rest, enc: enc.subarray(1) });
    const device = (): Promise<Bytes> => Promise.reject(new Error('the device was asked'));
    await expect(openRequest(device, fleetId, bytes)).rejects.toMatchObject({ code: 'malformed' });
    await expect(openRequest(device, fleetId, sealed.bytes)).rejects.toThrow('the device was asked');
  });

  it('with a point of small order is malformed', async () => {
    const bad = concat(sealed.bytes.subarray(0, 12), new Uint8Array(32), sealed.bytes.subarray(44));
    await expect(open(bad)).rejects.toMatchObject({ code: 'malformed' });
  });

  it('opens at no other fleet, and under no other id of the same key', async () => {
    await expect(openRequest(decapsulate, new Uint8Array(16), sealed.bytes)).rejects.toMatchObject({
      code: 'channel-open-failed',
    });
    const other = softwareDecapsulate([{ suite: 1, id: new Uint8Array(8), secretKey }]);
    const renamed = concat(sealed.bytes.subarray(0, 2), new Uint8Array(8), sealed.bytes.subarray(10));
    await expect(openRequest(other, fleetId, renamed)).rejects.toMatchObject({ code: 'channel-open-failed' });
  });
});

describe('an answer', () => {
  it('of 2048 bytes travels in 2096 and opens', () => {
    const bytes = opened.sealAnswer(answer);
    expect(bytes).toHaveLength(2096);
    expect(hex(openAnswer(sealed.context, bytes))).toBe(hex(answer));
  });

  it('to the same request is sealed under another key each time', () => {
    const [a, b] = [opened.sealAnswer(answer), opened.sealAnswer(answer)];
    expect(hex(a.subarray(0, 32))).not.toBe(hex(b.subarray(0, 32)));
    // With one key and nonce, the XOR of two ciphertexts would be the XOR of their plaintexts: here, zero.
    const same = a.subarray(32).filter((byte, i) => byte === b[32 + i]).length;
    expect(same).toBeLessThan(64);
    expect(hex(openAnswer(sealed.context, b))).toBe(hex(answer));
  });

  it('has the key and nonce of RFC 9458, section 4.4', () => {
    const responseNonce = new Uint8Array(32).fill(6);
    const bytes = sealAnswerWith(() => responseNonce, opened.context, answer);
    const { enc, secret, requestHash } = sealed.context;
    const hmac = (k: Uint8Array, data: Uint8Array): Bytes => nodeEngine.hmac('sha256', k, data);
    const prk = hmac(concat(enc, responseNonce), secret);
    const aeadKey = hmac(prk, concat(new TextEncoder().encode('key'), Uint8Array.of(1)));
    const nonce = hmac(prk, concat(new TextEncoder().encode('nonce'), Uint8Array.of(1))).slice(0, 12);
    const expected = nodeEngine.aead(aeadKey).seal(nonce, answer, requestHash);
    expect(hex(bytes)).toBe(hex(concat(responseNonce, expected)));
    expect(hex(requestHash)).toBe(hex(nodeEngine.hash('sha256', sealed.bytes)));
  });

  it.each([0, 2047, 2049])('of %i bytes is not sealed', (length) => {
    expect(() => opened.sealAnswer(new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('that was changed, cut or made up is a bad answer', () => {
    const bytes = opened.sealAnswer(answer);
    const bad = [
      ...[0, 31, 32, 1000, 2079, 2080, 2095].map((at) => flipped(bytes, at)),
      bytes.slice(0, -1),
      concat(bytes, Uint8Array.of(0)),
      new Uint8Array(0),
      new Uint8Array(2096),
    ];
    for (const wrong of bad) {
      expect(() => openAnswer(sealed.context, wrong)).toThrow(
        expect.objectContaining({ code: 'bad-answer' }),
      );
    }
  });

  it('to another request is a bad answer', async () => {
    const other = await sealRequest(key, request);
    expect(() => openAnswer(other.context, opened.sealAnswer(answer))).toThrow(
      expect.objectContaining({ code: 'bad-answer' }),
    );
    // The same secrets, and a request that differs in its bytes alone
    const context = { ...sealed.context, requestHash: other.context.requestHash };
    expect(() => openAnswer(context, opened.sealAnswer(answer))).toThrow(
      expect.objectContaining({ code: 'bad-answer' }),
    );
  });

  it('draws its nonce by name', async () => {
    const drawn: [string, number][] = [];
    const watched = await openRequestWith(
      (name, length) => {
        drawn.push([name, length]);
        return systemRandom(name, length);
      },
      decapsulate,
      fleetId,
      sealed.bytes,
    );
    expect(drawn).toEqual([]);
    watched.sealAnswer(answer);
    expect(drawn).toEqual([['response_nonce', 32]]);
  });
});
