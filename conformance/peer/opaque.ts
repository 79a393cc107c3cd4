/**
 * The suite's own OPAQUE (RFC 9807, 3DH, ristretto255-SHA512), both sides, with every random value as an argument.
 *
 * @module
 */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { argon2id } from '@noble/hashes/argon2.js';
import { expand as hkdfExpand, extract as hkdfExtract } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import {
  be,
  cat,
  label,
  prefixed,
  same,
  seal,
  sha512,
  unseal,
  utf8,
  xor,
  zeros,
  type Bytes,
} from './primitives.ts';

const { Point } = ristretto255;
type Element = InstanceType<typeof Point>;
const CONTEXT = cat(utf8('OPRFV1-'), be(1, 0), utf8('-ristretto255-SHA512'));

/** A scalar, little-endian, 32 bytes. */
function scalar(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function scalarBytes(value: bigint): Bytes {
  return be(32, value).toReversed();
}

function element(bytes: Uint8Array): Element {
  return Point.fromBytes(bytes);
}

/** True for the encoding of an element other than the identity. */
export function isElement(bytes: Uint8Array): boolean {
  try {
    return !element(bytes).equals(Point.ZERO);
  } catch {
    return false;
  }
}

function mul(point: Element, by: bigint): Bytes {
  return new Uint8Array(point.multiply(by).toBytes());
}

function expand(key: Uint8Array, info: Uint8Array, length: number): Bytes {
  return new Uint8Array(hkdfExpand(nobleSha512, key, info, length));
}

function extract(ikm: Uint8Array): Bytes {
  return new Uint8Array(hkdfExtract(nobleSha512, ikm, zeros(64)));
}

function mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Bytes {
  return new Uint8Array(hmac(nobleSha512, key, cat(...parts)));
}

/** DeriveKeyPair of RFC 9497. */
function deriveScalar(seed: Uint8Array, info: string): bigint {
  const input = cat(seed, prefixed(2, utf8(info)), be(1, 0));
  return ristretto255_hasher.hashToScalar(input, { DST: cat(utf8('DeriveKeyPair'), CONTEXT) });
}

/** A Diffie-Hellman key pair from a seed of 32 bytes. */
export function deriveKeyPair(seed: Uint8Array): { secretKey: Bytes; publicKey: Bytes } {
  const secret = deriveScalar(seed, 'OPAQUE-DeriveDiffieHellmanKeyPair');
  return { secretKey: scalarBytes(secret), publicKey: mul(Point.BASE, secret) };
}

/** Parameters of Argon2id. */
export interface Stretch {
  readonly algorithm: number;
  readonly iterations: number;
  readonly memoryKib: number;
  readonly parallelism: number;
}

/** Structure Stretch: 11 bytes. */
export function encodeStretch({ algorithm, iterations, memoryKib, parallelism }: Stretch): Bytes {
  return cat(be(1, algorithm), be(4, iterations), be(4, memoryKib), be(2, parallelism));
}

function stretch(input: Uint8Array, { iterations, memoryKib, parallelism }: Stretch): Bytes {
  return new Uint8Array(
    argon2id(input, zeros(16), { t: iterations, m: memoryKib, p: parallelism, dkLen: 64, version: 0x13 }),
  );
}

/** What both sides bind into the transcript. */
export interface Names {
  readonly oprfKeyId: Uint8Array;
  readonly opaqueKeyId: Uint8Array;
  readonly stretch: Stretch;
}

/** The Context of RFC 9807. */
export function opaqueContext({ oprfKeyId, opaqueKeyId, stretch }: Names): Bytes {
  return cat(label('opaque-context'), be(1, 1), be(1, 1), oprfKeyId, opaqueKeyId, encodeStretch(stretch));
}

/** The blinded element: RegistrationRequest, and the start of KE1. */
export function blindElement(password: Uint8Array, blind: Uint8Array): Bytes {
  const point = ristretto255_hasher.hashToCurve(password, { DST: cat(utf8('HashToGroup-'), CONTEXT) });
  return mul(point, scalar(blind));
}

/** What a server makes of a blinded element, under the seed of the registration. */
export function evaluate(seed: Uint8Array, blinded: Uint8Array): Bytes {
  return mul(element(blinded), deriveScalar(seed, 'OPAQUE-DeriveKeyPair'));
}

/** KE1. */
export function makeKe1(
  password: Uint8Array,
  random: { blind: Uint8Array; clientNonce: Uint8Array; keyshareSeed: Uint8Array },
): Bytes {
  return cat(
    blindElement(password, random.blind),
    random.clientNonce,
    deriveKeyPair(random.keyshareSeed).publicKey,
  );
}

/** Whether a password is stretched; what only a vault sees need not be. */
export type Stretching = Stretch | 'none';

function randomizedPassword(
  password: Uint8Array,
  blind: Uint8Array,
  evaluated: Uint8Array,
  how: Stretching,
): Bytes {
  const inverse = Point.Fn.inv(scalar(blind));
  const unblinded = mul(element(evaluated), inverse);
  const output = sha512(prefixed(2, password), prefixed(2, unblinded), utf8('Finalize'));
  return extract(cat(output, how === 'none' ? output : stretch(output, how)));
}

function envelope(
  randomized: Uint8Array,
  nonce: Uint8Array,
  serverPublicKey: Uint8Array,
): { exportKey: Bytes; secret: bigint; publicKey: Bytes; tag: Bytes } {
  const seed = expand(randomized, cat(nonce, utf8('PrivateKey')), 32);
  const secret = deriveScalar(seed, 'OPAQUE-DeriveDiffieHellmanKeyPair');
  const publicKey = mul(Point.BASE, secret);
  const authKey = expand(randomized, cat(nonce, utf8('AuthKey')), 64);
  const tag = mac(authKey, nonce, serverPublicKey, prefixed(2, serverPublicKey), prefixed(2, publicKey));
  return { exportKey: expand(randomized, cat(nonce, utf8('ExportKey')), 64), secret, publicKey, tag };
}

/** RegistrationRecord, from the evaluated element. */
export function makeRecord(input: {
  password: Uint8Array;
  blind: Uint8Array;
  evaluated: Uint8Array;
  serverPublicKey: Uint8Array;
  envelopeNonce: Uint8Array;
  stretch: Stretching;
}): { record: Bytes; exportKey: Bytes } {
  const randomized = randomizedPassword(input.password, input.blind, input.evaluated, input.stretch);
  const { exportKey, publicKey, tag } = envelope(randomized, input.envelopeNonce, input.serverPublicKey);
  const maskingKey = expand(randomized, utf8('MaskingKey'), 64);
  return { record: cat(publicKey, maskingKey, input.envelopeNonce, tag), exportKey };
}

interface Shared {
  readonly context: Uint8Array;
  readonly clientPublicKey: Uint8Array;
  readonly serverPublicKey: Uint8Array;
  readonly ke1: Uint8Array;
  readonly ke2Body: Uint8Array;
  readonly dh: Uint8Array;
}

function keys({ context, clientPublicKey, serverPublicKey, ke1, ke2Body, dh }: Shared): {
  serverMac: Bytes;
  clientMac: Bytes;
  sessionKey: Bytes;
} {
  const preamble = cat(
    utf8('OPAQUEv1-'),
    prefixed(2, context),
    prefixed(2, clientPublicKey),
    ke1,
    prefixed(2, serverPublicKey),
    ke2Body,
  );
  const secret = (key: Uint8Array, name: string, hash: Uint8Array): Bytes =>
    expand(key, cat(be(2, 64), prefixed(1, utf8(`OPAQUE-${name}`)), prefixed(1, hash)), 64);
  const prk = extract(dh);
  const handshake = secret(prk, 'HandshakeSecret', sha512(preamble));
  const serverMac = mac(secret(handshake, 'ServerMAC', zeros(0)), sha512(preamble));
  const clientMac = mac(secret(handshake, 'ClientMAC', zeros(0)), sha512(preamble, serverMac));
  return { serverMac, clientMac, sessionKey: secret(prk, 'SessionKey', sha512(preamble)) };
}

/** KE2, and the KE3 that proves the password. */
export function makeKe2(input: {
  ke1: Uint8Array;
  record: Uint8Array;
  seed: Uint8Array;
  serverSecretKey: Uint8Array;
  serverPublicKey: Uint8Array;
  context: Uint8Array;
  maskingNonce: Uint8Array;
  serverNonce: Uint8Array;
  keyshareSeed: Uint8Array;
}): { ke2: Bytes; ke3: Bytes; sessionKey: Bytes } {
  const { ke1, record, serverPublicKey } = input;
  const share = deriveKeyPair(input.keyshareSeed);
  const clientPublicKey = record.slice(0, 32);
  const plain = cat(serverPublicKey, record.slice(96));
  const pad = expand(
    record.slice(32, 96),
    cat(input.maskingNonce, utf8('CredentialResponsePad')),
    plain.length,
  );
  const evaluated = evaluate(input.seed, ke1.slice(0, 32));
  const ke2Body = cat(evaluated, input.maskingNonce, xor(pad, plain), input.serverNonce, share.publicKey);
  const theirs = element(ke1.slice(64, 96));
  const dh = cat(
    mul(theirs, scalar(share.secretKey)),
    mul(theirs, scalar(input.serverSecretKey)),
    mul(element(clientPublicKey), scalar(share.secretKey)),
  );
  const made = keys({ context: input.context, clientPublicKey, serverPublicKey, ke1, ke2Body, dh });
  return { ke2: cat(ke2Body, made.serverMac), ke3: made.clientMac, sessionKey: made.sessionKey };
}

/** What a client makes of KE2: undefined if the password is wrong, or the server's MAC. */
export function answerKe2(input: {
  password: Uint8Array;
  blind: Uint8Array;
  keyshareSeed: Uint8Array;
  ke1: Uint8Array;
  ke2: Uint8Array;
  names: Names;
  /** In place of the stretching that the names tell. */
  stretching?: Stretching;
}): { ke3: Bytes; sessionKey: Bytes; exportKey: Bytes; serverPublicKey: Bytes } | undefined {
  const { ke1, ke2 } = input;
  const randomized = randomizedPassword(
    input.password,
    input.blind,
    ke2.slice(0, 32),
    input.stretching ?? input.names.stretch,
  );
  const maskingKey = expand(randomized, utf8('MaskingKey'), 64);
  const pad = expand(maskingKey, cat(ke2.slice(32, 64), utf8('CredentialResponsePad')), 128);
  const plain = xor(pad, ke2.slice(64, 192));
  const serverPublicKey = plain.slice(0, 32);
  const opened = envelope(randomized, plain.slice(32, 64), serverPublicKey);
  if (!same(opened.tag, plain.slice(64))) return undefined;
  const secret = scalar(deriveKeyPair(input.keyshareSeed).secretKey);
  const share = element(ke2.slice(224, 256));
  const dh = cat(mul(share, secret), mul(element(serverPublicKey), secret), mul(share, opened.secret));
  const context = opaqueContext(input.names);
  const made = keys({
    context,
    clientPublicKey: opened.publicKey,
    serverPublicKey,
    ke1,
    ke2Body: ke2.slice(0, 256),
    dh,
  });
  if (!same(made.serverMac, ke2.slice(256))) return undefined;
  return { ke3: made.clientMac, sessionKey: made.sessionKey, exportKey: opened.exportKey, serverPublicKey };
}

/** What a sealed key is bound to. */
export interface Binding {
  readonly fleetId: Uint8Array;
  readonly account: Uint8Array;
  readonly generation: number;
}

function sealedKeyAead(
  exportKey: Uint8Array,
  { fleetId, account, generation }: Binding,
): { key: Bytes; aad: Bytes } {
  return {
    key: expand(exportKey, label('sealed-key'), 32),
    aad: cat(fleetId, prefixed(1, account), be(8, generation)),
  };
}

/** The backup key, sealed under the export key: 48 bytes. */
export function sealKey(exportKey: Uint8Array, backupKey: Uint8Array, binding: Binding): Bytes {
  const { key, aad } = sealedKeyAead(exportKey, binding);
  return seal(key, zeros(12), backupKey, aad);
}

/** The backup key; undefined if it does not open. */
export function openKey(exportKey: Uint8Array, sealed: Uint8Array, binding: Binding): Bytes | undefined {
  const { key, aad } = sealedKeyAead(exportKey, binding);
  return unseal(key, zeros(12), sealed, aad);
}
