/**
 * Putting a descriptor together from what its signers give (spec/fleet.md, "Ceremony").
 *
 * @module
 */
import { isStrongroomError, StrongroomError } from '../errors.ts';
import { equal, hex, type Bytes } from '../wire/bytes.ts';
import { decode } from '../wire/codec.ts';
import { DescriptorSignature, keyId, type FleetDescriptor } from './descriptor.ts';
import { assembleDescriptor, readDescriptor, signatureHolds, verifyDescriptor } from './verify.ts';

/** What the clients of a fleet pin. */
export interface FleetPins {
  /** 16 bytes. */
  readonly fleetId: Bytes;
  /** Ed25519 public keys, 32 bytes each. */
  readonly signers: readonly Bytes[];
  /** How many of them have to sign. */
  readonly threshold: number;
}

function readSignature(bytes: Uint8Array): DescriptorSignature {
  try {
    return decode(DescriptorSignature, bytes);
  } catch (cause) {
    if (!isStrongroomError(cause, 'malformed')) throw cause;
    throw new StrongroomError('bad-descriptor', 'a signature is 72 bytes', {}, { cause });
  }
}

/**
 * A signed descriptor that clients with these pins accept at this time. Every signature has to count: one that does
 * not is a mistake that somebody should hear of.
 *
 * @param unsigned encoded FleetDescriptor, as the signers had it
 * @param signatures encoded DescriptorSignatures, in any order
 * @param now wall-clock seconds since 1970
 * @throws StrongroomError `bad-descriptor`, `unsupported-version`, `unsupported-suite`, `descriptor-not-trusted` if a
 * signature is of nobody who is pinned, does not verify, or there are too few; `wrong-fleet`,
 * `descriptor-not-yet-valid`, `descriptor-expired`
 */
export function assemble(
  unsigned: Bytes,
  signatures: readonly Uint8Array[],
  { fleetId, signers, threshold }: FleetPins,
  now: number,
): Bytes {
  const descriptor: FleetDescriptor = readDescriptor(unsigned);
  const given = signatures.map(readSignature);
  for (const signature of given) {
    const signer = signers.find((publicKey) => equal(keyId(publicKey), signature.signerId));
    const name = hex(signature.signerId);
    if (signer === undefined) {
      throw new StrongroomError('descriptor-not-trusted', `${name} is no signer of this fleet`);
    }
    if (!signatureHolds(unsigned, signer, signature)) {
      throw new StrongroomError(
        'descriptor-not-trusted',
        `the signature of ${name} is not of this descriptor`,
      );
    }
  }
  const signed = assembleDescriptor(descriptor, given);
  verifyDescriptor(signed, { signers, k: threshold, now, lastSerial: 0, fleetId });
  return signed;
}
