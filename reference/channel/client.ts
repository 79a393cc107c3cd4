/**
 * The client's side of the channel (spec/channel.md, "Sealing a request").
 *
 * @module
 */
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { label } from '../keys/labels.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import type { AnswerContext } from './answer.ts';
import { CHANNEL_VERSION, channelInfo, channelSuite, checkPlaintext, SealedRequest } from './messages.ts';

/** The key to seal to, from a verified fleet descriptor. */
export interface ChannelKey {
  /** Number of the channel suite. */
  readonly suite: number;
  /** 16 bytes. */
  readonly fleetId: Bytes;
  /** 8 bytes. */
  readonly id: Bytes;
  readonly publicKey: Bytes;
}

/** A request to send, and what opens its answers. */
export interface Sealed {
  /** SealedRequest; may be sent again byte for byte. */
  readonly bytes: Bytes;
  readonly context: AnswerContext;
}

function hpkeOf(suite: number): CipherSuite {
  const kem = suite === 1 ? new DhkemX25519HkdfSha256() : new DhkemP256HkdfSha256();
  return new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
}

async function sender(
  random: RandomSource,
  key: ChannelKey,
): Promise<Awaited<ReturnType<CipherSuite['createSenderContext']>>> {
  const { isPublicKey } = channelSuite(key.suite);
  try {
    if (!isPublicKey(key.publicKey)) throw new RangeError('not a public key of the suite');
    const hpke = hpkeOf(key.suite);
    const recipientPublicKey = await hpke.kem.deserializePublicKey(key.publicKey);
    return await hpke.createSenderContext({
      recipientPublicKey,
      info: channelInfo(key.suite, key.fleetId, key.id),
      ekm: random('hpke_ephemeral_seed', 32),
    });
  } catch (cause) {
    throw new StrongroomError('malformed', 'not a channel key', { subject: 'public_key' }, { cause });
  }
}

/** `sealRequest` with injected randomness: `hpke_ephemeral_seed` (ikmE of RFC 9180). */
export async function sealRequestWith(
  random: RandomSource,
  key: ChannelKey,
  plaintext: Uint8Array,
): Promise<Sealed> {
  checkPlaintext(plaintext);
  const context = await sender(random, key);
  const enc = new Uint8Array(context.enc);
  const bytes = encode(SealedRequest, {
    version: CHANNEL_VERSION,
    suite: key.suite,
    kemKeyId: key.id,
    enc,
    ciphertext: new Uint8Array(await context.seal(copy(plaintext))),
  });
  const secret = new Uint8Array(await context.export(label('channel-answer'), 32));
  return { bytes, context: { enc, secret, requestHash: nodeEngine.hash('sha256', bytes) } };
}

/**
 * Seals a request of 2048 bytes to a fleet.
 *
 * @throws StrongroomError `unsupported-suite`, `malformed`
 */
export function sealRequest(key: ChannelKey, plaintext: Uint8Array): Promise<Sealed> {
  return sealRequestWith(systemRandom, key, plaintext);
}
