/**
 * A signer of fleet descriptors: a key in a file, and beside it the ledger of what it has signed (spec/fleet.md,
 * "Ceremony").
 *
 * @module
 */
import { ed25519PublicKey } from '../crypto/ed25519.ts';
import { systemRandom } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { waitForLock } from '../files/lock.ts';
import { descriptorHash, DescriptorSignature } from '../fleet/descriptor.ts';
import { readDescriptor, signDescriptor } from '../fleet/verify.ts';
import { createFile, readSecretFile } from '../hsm/file.ts';
import { hex, utf8, wipe, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import { enter } from './ledger.ts';

/** Name of the file with the public key, in hexadecimal, which is for everyone. */
export function publicKeyFile(keyFile: string): string {
  return `${keyFile}.pub`;
}

/** Name of the ledger of a key. */
export function ledgerFile(keyFile: string): string {
  return `${keyFile}.ledger`;
}

/**
 * Makes a signer: key, public key and an empty ledger, in three new files.
 *
 * @returns the Ed25519 public key, 32 bytes
 * @throws StrongroomError `state-exists`
 */
export async function newSigner(keyFile: string): Promise<Bytes> {
  const secret = systemRandom('signer_key', 32);
  const publicKey = ed25519PublicKey(secret);
  try {
    await createFile(keyFile, secret);
  } finally {
    wipe(secret);
  }
  await createFile(ledgerFile(keyFile), new Uint8Array(0));
  await createFile(publicKeyFile(keyFile), utf8(`${hex(publicKey)}\n`));
  return publicKey;
}

/**
 * Signs a descriptor after it has been entered in the ledger.
 *
 * @param unsigned encoded FleetDescriptor
 * @returns encoded DescriptorSignature, 72 bytes
 * @throws StrongroomError `bad-descriptor`, `unsupported-version`, `unsupported-suite`, `already-signed`,
 * `state-damaged`, `keys-missing`, `keys-exposed`, `invalid-key`
 */
export async function signWithLedger(keyFile: string, unsigned: Bytes): Promise<Bytes> {
  const descriptor = readDescriptor(unsigned);
  const secret = await readSecretFile(keyFile, 'keys-missing');
  if (secret.length !== 32) throw new StrongroomError('invalid-key', `${keyFile} holds no signing key`);
  const ledger = ledgerFile(keyFile);
  const lock = await waitForLock(`${ledger}.lock`);
  try {
    const { fleetId, serial } = descriptor;
    await enter(ledger, { fleetId: hex(fleetId), serial, hash: hex(descriptorHash(descriptor)) });
    return encode(DescriptorSignature, signDescriptor(unsigned, secret));
  } finally {
    wipe(secret);
    lock.release();
  }
}
