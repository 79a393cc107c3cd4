/**
 * Signing and verifying fleet descriptors (spec/fleet.md, "Verifying"). A client pins n signers and believes what k
 * of them have signed.
 *
 * @module
 */
import { ed25519PublicKey, ed25519Sign, ed25519Verify, isEd25519PublicKey } from '../crypto/ed25519.ts';
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import { label } from '../keys/labels.ts';
import { nobleRistretto255 } from '../opaque/noble-group.ts';
import { OPAQUE_RISTRETTO255 } from '../opaque/profile.ts';
import { concat, equal, hex, type Bytes } from '../wire/bytes.ts';
import { decode, encode, type Codec } from '../wire/codec.ts';
import {
  DESCRIPTOR_MAGIC,
  DESCRIPTOR_VERSION,
  descriptorHash,
  FleetDescriptor,
  keyId,
  LEVELS,
  SignedDescriptor,
  type DescriptorSignature,
  type Policy,
  type ProtectionLevel,
} from './descriptor.ts';
import { keyRules } from './suites.ts';

/** Bounds of the policy (spec/limits.md). */
const MAX_BUDGET = 100;

function bad(message: string): StrongroomError {
  return new StrongroomError('bad-descriptor', message);
}

/** {@link decode} with the code of this layer. */
function decodeAs<T>(codec: Codec<T>, bytes: Uint8Array): T {
  try {
    return decode(codec, bytes);
  } catch (cause) {
    if (!isStrongroomError(cause, 'malformed')) throw cause;
    throw new StrongroomError('bad-descriptor', cause.message, cause.details, { cause });
  }
}

/** What a signature covers: label and descriptor. */
function signedBytes(descriptor: Uint8Array): Bytes {
  return concat(label('fleet-descriptor'), descriptor);
}

/**
 * One signer's signature.
 *
 * @param descriptor encoded FleetDescriptor, byte for byte what the signer has reviewed
 * @param secretKey Ed25519, 32 bytes
 */
export function signDescriptor(descriptor: Uint8Array, secretKey: Uint8Array): DescriptorSignature {
  return {
    signerId: keyId(ed25519PublicKey(secretKey)),
    signature: ed25519Sign(secretKey, signedBytes(descriptor)),
  };
}

/** True if a signer's signature over a descriptor verifies. */
export function signatureHolds(
  descriptor: Uint8Array,
  publicKey: Uint8Array,
  { signerId, signature }: DescriptorSignature,
): boolean {
  return equal(signerId, keyId(publicKey)) && ed25519Verify(publicKey, signedBytes(descriptor), signature);
}

/** A descriptor as it is served, from the signatures of its signers in any order. */
export function assembleDescriptor(
  descriptor: FleetDescriptor,
  signatures: readonly DescriptorSignature[],
): Bytes {
  checkDescriptor(descriptor);
  const sorted = signatures.toSorted((a, b) => (hex(a.signerId) < hex(b.signerId) ? -1 : 1));
  return encode(SignedDescriptor, {
    magic: DESCRIPTOR_MAGIC,
    descriptor: encode(FleetDescriptor, descriptor),
    signatures: sorted,
  });
}

function checkKeys(
  name: string,
  keys: readonly { readonly id: Bytes; readonly publicKey: Bytes }[],
  isKey: (publicKey: Bytes) => boolean,
): void {
  if (new Set(keys.map((key) => hex(key.id))).size !== keys.length) throw bad(`${name}: a key twice`);
  for (const { id, publicKey } of keys) {
    if (!equal(id, keyId(publicKey))) throw bad(`${name}: ${hex(id)} is not the id of its key`);
    if (!isKey(publicKey)) throw bad(`${name}: ${hex(id)} is not a key of the suite`);
  }
}

/**
 * The rules that the structure alone does not enforce.
 *
 * @throws StrongroomError `unsupported-version`, `unsupported-suite`, `bad-descriptor`
 */
export function checkDescriptor(descriptor: FleetDescriptor): void {
  if (descriptor.version !== DESCRIPTOR_VERSION) {
    throw new StrongroomError('unsupported-version', `descriptor version ${descriptor.version}`);
  }
  const { isChannelKey, isReceiptKey } = keyRules(descriptor.channelSuite);
  if (descriptor.opaqueSuite !== OPAQUE_RISTRETTO255) {
    throw fault('unsupported-suite', `OPAQUE suite ${descriptor.opaqueSuite}`);
  }
  if (descriptor.serial < 1) throw bad('serial 0');
  if (descriptor.notBefore > descriptor.notAfter) throw bad('not_before is after not_after');
  checkKeys('kem_keys', descriptor.kemKeys, isChannelKey);
  checkKeys('receipt_keys', descriptor.receiptKeys, isReceiptKey);
  checkKeys('opaque_keys', descriptor.opaqueKeys, (key) => nobleRistretto255.isElement(key));
  for (const keys of [descriptor.kemKeys, descriptor.receiptKeys]) {
    if (!keys.some((key) => key.state === 'current')) throw bad('no current key');
  }
  checkPolicy(descriptor.policy, descriptor.level);
}

/**
 * A descriptor as it is before it is signed, with every rule of its contents checked.
 *
 * @param bytes encoded FleetDescriptor
 * @throws StrongroomError `unsupported-version`, `unsupported-suite`, `bad-descriptor`
 */
export function readDescriptor(bytes: Uint8Array): FleetDescriptor {
  if (bytes[0] !== DESCRIPTOR_VERSION) throw fault('unsupported-version', `descriptor version ${bytes[0]}`);
  const descriptor = decodeAs(FleetDescriptor, bytes);
  checkDescriptor(descriptor);
  return descriptor;
}

/** The rules of a policy at a protection level. @throws StrongroomError `bad-descriptor` */
export function checkPolicy(policy: Policy, level: ProtectionLevel): void {
  if (!(policy.defaultBudget >= 1 && policy.maxBudget >= policy.defaultBudget)) throw bad('budgets');
  if (policy.maxBudget > MAX_BUDGET) throw bad(`a budget above ${MAX_BUDGET}`);
  if (policy.ceiling < policy.maxBudget) throw bad('the ceiling is below the budget');
  if (policy.assertionMode === 'none' && level !== 'software') {
    throw bad('only a vault at level software may go without assertions');
  }
  if ((policy.assertionMode === 'ed25519') !== policy.relayKeys.length > 0) throw bad('relay_keys');
  if (!policy.relayKeys.every(isEd25519PublicKey)) throw bad('relay_keys: not a key');
}

/** What a client knows before it sees a descriptor. */
export interface DescriptorTrust {
  /** Ed25519 public keys that the client pins, 32 bytes each, no two with one id. */
  readonly signers: readonly Uint8Array[];
  /** How many of them must have signed: 1 to the number of signers. */
  readonly k: number;
  /** Wall-clock seconds since 1970. */
  readonly now: number;
  /** Serial of the newest descriptor of this fleet that the client has accepted; 0 before the first. */
  readonly lastSerial: number;
  /** {@link descriptorHash} of that descriptor. */
  readonly lastHash?: Uint8Array | undefined;
  /** Protection level of that descriptor. */
  readonly lastLevel?: ProtectionLevel | undefined;
  /** The fleet that the client expects, once it has registered. */
  readonly fleetId?: Uint8Array | undefined;
}

/**
 * The pinned signers by their ids.
 *
 * @throws StrongroomError `invalid-config` if two have one id, or there are fewer than `k`, or `k` is not positive
 */
export function pinnedSigners(signers: readonly Uint8Array[], k: number): ReadonlyMap<string, Uint8Array> {
  const known = new Map(signers.map((key) => [hex(keyId(key)), key]));
  if (known.size !== signers.length) {
    throw new StrongroomError('invalid-config', 'two signers with one id', { subject: 'signers' });
  }
  if (!(k >= 1 && k <= signers.length)) {
    throw new StrongroomError('invalid-config', `${k} of ${signers.length} signers`, {
      subject: 'threshold',
    });
  }
  return known;
}

function countSigners(signed: SignedDescriptor, known: ReadonlyMap<string, Uint8Array>): number {
  const message = signedBytes(signed.descriptor);
  let count = 0;
  let previous = '';
  for (const { signerId, signature } of signed.signatures) {
    const id = hex(signerId);
    if (id <= previous) throw bad('signatures are not in ascending order of signers');
    previous = id;
    const key = known.get(id);
    if (key !== undefined && ed25519Verify(key, message, signature)) count++;
  }
  return count;
}

/**
 * Verifies a descriptor; nothing in it is looked at before its signatures have been.
 *
 * @throws StrongroomError `invalid-config` if the pins are not a choice of signers; `bad-descriptor`,
 * `descriptor-not-trusted`, `unsupported-version`, `unsupported-suite`, `wrong-fleet`, `descriptor-rollback`,
 * `descriptor-not-yet-valid`, `descriptor-expired`, in the order of spec/fleet.md
 */
export function verifyDescriptor(bytes: Uint8Array, trust: DescriptorTrust): FleetDescriptor {
  const { k, now } = trust;
  const signers = pinnedSigners(trust.signers, k);
  const signed = decodeAs(SignedDescriptor, bytes);
  if (!equal(signed.magic, DESCRIPTOR_MAGIC)) throw bad('not a fleet descriptor');
  const count = countSigners(signed, signers);
  if (count < k) throw fault('descriptor-not-trusted', `${count} of ${k} signatures`);

  const descriptor = readDescriptor(signed.descriptor);
  if (trust.fleetId !== undefined && !equal(trust.fleetId, descriptor.fleetId)) {
    throw fault('wrong-fleet', `fleet ${hex(descriptor.fleetId)}`);
  }
  if (descriptor.serial < trust.lastSerial) {
    throw fault('descriptor-rollback', `serial ${descriptor.serial} after ${trust.lastSerial}`);
  }
  const other = trust.lastHash !== undefined && !equal(trust.lastHash, descriptorHash(descriptor));
  if (descriptor.serial === trust.lastSerial && other) {
    throw fault('descriptor-rollback', `another descriptor of serial ${descriptor.serial}`);
  }
  if (trust.lastLevel !== undefined && LEVELS.indexOf(descriptor.level) < LEVELS.indexOf(trust.lastLevel)) {
    throw fault('descriptor-rollback', `level ${descriptor.level} after ${trust.lastLevel}`);
  }
  if (now < descriptor.notBefore) throw fault('descriptor-not-yet-valid', `from ${descriptor.notBefore}`);
  if (now > descriptor.notAfter) throw fault('descriptor-expired', `since ${descriptor.notAfter}`);
  return descriptor;
}

function fault(code: ErrorCode, message: string): StrongroomError {
  return new StrongroomError(code, message);
}
