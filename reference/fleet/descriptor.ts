/**
 * The fleet descriptor (spec/fleet.md, "Structure"): which keys a vault has, where they live, and what it promises.
 *
 * @module
 */
import { nodeEngine } from '../crypto/node.ts';
import { StretchParams } from '../opaque/stretch.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';
import {
  bytes,
  encode,
  enumeration,
  opaque,
  struct,
  text,
  u32,
  u64,
  u8,
  vector,
  type Codec,
} from '../wire/codec.ts';

/** Version of the descriptor. */
export const DESCRIPTOR_VERSION = 1;

/** What the vault's hardware does (spec/fleet.md, "Protection levels"). */
export type ProtectionLevel = 'software' | 'custody' | 'execution';

/** From the least to the most. */
export const LEVELS: readonly ProtectionLevel[] = ['software', 'custody', 'execution'];

/** `ProtectionLevel` on the wire: one byte. */
export const ProtectionLevel: Codec<ProtectionLevel> = enumeration<ProtectionLevel>('ProtectionLevel', 1, {
  software: 1,
  custody: 2,
  execution: 3,
});

/** Where a key lives: in process memory, sealed by a device and unsealed into memory, or inside the device. */
export type KeyLocation = 'memory' | 'wrapped' | 'device';

/** From the least safe to the safest. */
export const LOCATIONS: readonly KeyLocation[] = ['memory', 'wrapped', 'device'];

/** `KeyLocation` on the wire: one byte. */
export const KeyLocation: Codec<KeyLocation> = enumeration<KeyLocation>('KeyLocation', 1, {
  memory: 1,
  wrapped: 2,
  device: 3,
});

/** `current` keys are used for new things, `retiring` ones only for what was begun with them. */
export type KeyState = 'current' | 'retiring';

/** `KeyState` on the wire: one byte. */
export const KeyState: Codec<KeyState> = enumeration<KeyState>('KeyState', 1, { current: 1, retiring: 2 });

/** A channel key or a receipt key. */
export interface FleetKey {
  /** First 8 bytes of SHA-256 of the public key. */
  readonly id: Bytes;
  readonly state: KeyState;
  readonly location: KeyLocation;
  readonly publicKey: Bytes;
}

/** `FleetKey` on the wire. */
export const FleetKey: Codec<FleetKey> = struct<FleetKey>('FleetKey', {
  id: opaque(8, 'id'),
  state: KeyState,
  location: KeyLocation,
  publicKey: bytes(1, 2048, 'public_key'),
});

/** A pair of OPAQUE keys: the static key, and the OPRF key that goes with it. */
export interface OpaqueKey {
  /** First 8 bytes of SHA-256 of the public key. */
  readonly id: Bytes;
  /** Name of the OPRF key, which has no public half. */
  readonly oprfKeyId: Bytes;
  /** Wall-clock seconds after which no registration uses it. */
  readonly notAfterNew: number;
  readonly location: KeyLocation;
  readonly oprfLocation: KeyLocation;
  readonly publicKey: Bytes;
}

/** `OpaqueKey` on the wire. */
export const OpaqueKey: Codec<OpaqueKey> = struct<OpaqueKey>('OpaqueKey', {
  id: opaque(8, 'id'),
  oprfKeyId: opaque(8, 'oprf_key_id'),
  notAfterNew: u64,
  location: KeyLocation,
  oprfLocation: KeyLocation,
  publicKey: bytes(1, 255, 'public_key'),
});

/** How requests prove which account they are of. */
export type AssertionMode = 'none' | 'ed25519';

/** `AssertionMode` on the wire: one byte. */
export const AssertionMode: Codec<AssertionMode> = enumeration<AssertionMode>('AssertionMode', 1, {
  none: 0,
  ed25519: 1,
});

/** What a proved password gives back. */
export type Refill = 'none' | 'full';

/** `Refill` on the wire: one byte. */
export const Refill: Codec<Refill> = enumeration<Refill>('Refill', 1, { none: 0, full: 1 });

/** The limits that the vault enforces; times in seconds of the vault's own clock. */
export interface Policy {
  /** Wrong passwords until destruction, unless a registration asks for less or more. */
  readonly defaultBudget: number;
  /** The most that a registration may ask for. */
  readonly maxBudget: number;
  readonly refill: Refill;
  /** Wait before the attempt of each number, from the first on; the last one holds for all later ones. */
  readonly delays: readonly number[];
  /** From the last charge of a budget to destruction. */
  readonly lastChanceSeconds: number;
  /** Before an unproved replacement or deletion takes effect. */
  readonly graceSeconds: number;
  /** Unproved charges of an account in 360 days, whatever it registers. */
  readonly ceiling: number;
  readonly assertionMode: AssertionMode;
  /** Ed25519 public keys of the relays, 32 bytes each. */
  readonly relayKeys: readonly Bytes[];
  /** Stretching of new registrations. */
  readonly stretch: StretchParams;
}

/** `Policy` on the wire. */
export const Policy: Codec<Policy> = struct<Policy>('Policy', {
  defaultBudget: u8,
  maxBudget: u8,
  refill: Refill,
  delays: vector(u32, 0, 400, 'delays'),
  lastChanceSeconds: u32,
  graceSeconds: u32,
  ceiling: u32,
  assertionMode: AssertionMode,
  relayKeys: vector(opaque(32, 'relay_key'), 0, 512, 'relay_keys'),
  stretch: StretchParams,
});

/** Everything that a client must know of a fleet. */
export interface FleetDescriptor {
  /** {@link DESCRIPTOR_VERSION} */
  readonly version: number;
  /** 16 bytes. */
  readonly fleetId: Bytes;
  /** Grows with every descriptor of the fleet. */
  readonly serial: number;
  /** Wall-clock seconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Number of the channel suite. */
  readonly channelSuite: number;
  /** Number of the OPAQUE suite. */
  readonly opaqueSuite: number;
  readonly level: ProtectionLevel;
  readonly kemKeys: readonly FleetKey[];
  readonly receiptKeys: readonly FleetKey[];
  readonly opaqueKeys: readonly OpaqueKey[];
  readonly policy: Policy;
  /** Who runs the vault, for people. */
  readonly operator: string;
  /** Under whose control it is, for people. */
  readonly trustDomain: string;
}

/** `FleetDescriptor` on the wire. */
export const FleetDescriptor: Codec<FleetDescriptor> = struct<FleetDescriptor>('FleetDescriptor', {
  version: u8,
  fleetId: opaque(16, 'fleet_id'),
  serial: u64,
  notBefore: u64,
  notAfter: u64,
  channelSuite: u8,
  opaqueSuite: u8,
  level: ProtectionLevel,
  kemKeys: vector(FleetKey, 1, 0xffff, 'kem_keys'),
  receiptKeys: vector(FleetKey, 1, 0xffff, 'receipt_keys'),
  opaqueKeys: vector(OpaqueKey, 1, 0xffff, 'opaque_keys'),
  policy: Policy,
  operator: text(0, 255, 'operator'),
  trustDomain: text(0, 255, 'trust_domain'),
});

/** One signature under a descriptor. */
export interface DescriptorSignature {
  /** First 8 bytes of SHA-256 of the signer's public key. */
  readonly signerId: Bytes;
  readonly signature: Bytes;
}

/** `DescriptorSignature` on the wire: 72 bytes. */
export const DescriptorSignature: Codec<DescriptorSignature> = struct<DescriptorSignature>(
  'DescriptorSignature',
  {
    signerId: opaque(8, 'signer_id'),
    signature: opaque(64, 'signature'),
  },
);

/** The first 8 bytes of a descriptor as it is served: ASCII `SRMFLEET`. */
export const DESCRIPTOR_MAGIC: Bytes = utf8('SRMFLEET');

/** A descriptor as it is served. */
export interface SignedDescriptor {
  /** {@link DESCRIPTOR_MAGIC} */
  readonly magic: Bytes;
  /** Encoding of a {@link FleetDescriptor}. */
  readonly descriptor: Bytes;
  /** Strictly ascending by signer. */
  readonly signatures: readonly DescriptorSignature[];
}

/** `SignedDescriptor` on the wire. */
export const SignedDescriptor: Codec<SignedDescriptor> = struct<SignedDescriptor>('SignedDescriptor', {
  magic: opaque(8, 'magic'),
  descriptor: bytes(1, 0xffff, 'descriptor'),
  signatures: vector(DescriptorSignature, 72, 72 * 64, 'signatures'),
});

/** By what a client knows the descriptor that it accepted last: SHA-256 of its encoding, without signatures. */
export function descriptorHash(descriptor: FleetDescriptor): Bytes {
  return nodeEngine.hash('sha256', encode(FleetDescriptor, descriptor));
}

/** The name of a public key: the first 8 bytes of its SHA-256. */
export function keyId(publicKey: Uint8Array): Bytes {
  return nodeEngine.hash('sha256', publicKey).slice(0, 8);
}
