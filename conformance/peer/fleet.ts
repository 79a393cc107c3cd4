/**
 * The suite's own fleet descriptors (spec/fleet.md).
 *
 * @module
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { be, cat, label, prefixed, sha256, toHex, utf8, type Bytes } from './primitives.ts';
import { encodeStretch, type Stretch } from './opaque.ts';

/** A channel key or receipt key. */
export interface FleetKey {
  readonly id?: Uint8Array;
  readonly state?: number;
  readonly location?: number;
  readonly publicKey: Uint8Array;
}

/** A pair of OPAQUE keys. */
export interface OpaqueKey {
  readonly oprfKeyId: Uint8Array;
  readonly notAfterNew: number;
  readonly publicKey: Uint8Array;
}

/** A descriptor; what is not given is what a development vault has. */
export interface Descriptor {
  readonly version?: number;
  readonly fleetId: Uint8Array;
  readonly serial: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly channelSuite?: number;
  readonly opaqueSuite?: number;
  readonly level?: number;
  readonly kemKeys: readonly FleetKey[];
  readonly receiptKeys: readonly FleetKey[];
  readonly opaqueKeys: readonly OpaqueKey[];
  readonly defaultBudget?: number;
  readonly maxBudget?: number;
  readonly ceiling?: number;
  readonly assertionMode?: number;
  readonly relayKeys?: readonly Uint8Array[];
  readonly stretch: Stretch;
  readonly delays?: readonly number[];
  readonly operator?: string;
}

function list(items: readonly Uint8Array[]): Bytes {
  return prefixed(2, cat(...items));
}

function fleetKey({ id, state = 1, location = 1, publicKey }: FleetKey): Bytes {
  return cat(id ?? sha256(publicKey).slice(0, 8), be(1, state), be(1, location), prefixed(2, publicKey));
}

function opaqueKey({ oprfKeyId, notAfterNew, publicKey }: OpaqueKey): Bytes {
  const id = sha256(publicKey).slice(0, 8);
  return cat(id, oprfKeyId, be(8, notAfterNew), be(1, 1), be(1, 1), prefixed(1, publicKey));
}

/** FleetDescriptor. */
export function encodeDescriptor(d: Descriptor): Bytes {
  const policy = cat(
    be(1, d.defaultBudget ?? 10),
    be(1, d.maxBudget ?? 100),
    be(1, 1),
    prefixed(2, cat(...(d.delays ?? []).map((delay) => be(4, delay)))),
    be(4, 600),
    be(4, 604_800),
    be(4, d.ceiling ?? 100),
    be(1, d.assertionMode ?? 0),
    list(d.relayKeys ?? []),
    encodeStretch(d.stretch),
  );
  return cat(
    be(1, d.version ?? 1),
    d.fleetId,
    be(8, d.serial),
    be(8, d.notBefore),
    be(8, d.notAfter),
    be(1, d.channelSuite ?? 1),
    be(1, d.opaqueSuite ?? 1),
    be(1, d.level ?? 1),
    list(d.kemKeys.map(fleetKey)),
    list(d.receiptKeys.map(fleetKey)),
    list(d.opaqueKeys.map(opaqueKey)),
    policy,
    prefixed(1, utf8(d.operator ?? 'test operator')),
    prefixed(1, utf8('test')),
  );
}

/** Public key of a signer. */
export function signerKey(secretKey: Uint8Array): Bytes {
  return new Uint8Array(ed25519.getPublicKey(secretKey));
}

/** Ed25519. */
export function sign(secretKey: Uint8Array, message: Uint8Array): Bytes {
  return new Uint8Array(ed25519.sign(message, secretKey));
}

/** True if the signature verifies. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

/** SignedDescriptor, by these signers in ascending order of their ids. */
export function signDescriptor(descriptor: Uint8Array, signers: readonly Uint8Array[]): Bytes {
  const message = cat(label('fleet-descriptor'), descriptor);
  const signatures = signers
    .map((secret) => cat(sha256(signerKey(secret)).slice(0, 8), sign(secret, message)))
    .sort((a, b) => (toHex(a) < toHex(b) ? -1 : 1));
  return cat(utf8('SRMFLEET'), prefixed(2, descriptor), list(signatures));
}
