/**
 * The owner key: what proves that somebody holds the backup key (spec/keys.md, "Derived keys").
 *
 * @module
 */
import { ed25519PublicKey, ed25519Sign } from '../crypto/ed25519.ts';
import { wipe, type Bytes } from '../wire/bytes.ts';
import type { BackupKey } from './backup-key.ts';

function withOwnerKey<T>(key: BackupKey, use: (secret: Bytes) => T): T {
  const secret = key.derive('owner-key');
  try {
    return use(secret);
  } finally {
    wipe(secret);
  }
}

/** The public owner key of a backup key, 32 bytes. */
export function ownerPublicKey(key: BackupKey): Bytes {
  return withOwnerKey(key, ed25519PublicKey);
}

/** The owner's signature of 64 bytes. `message` begins with the label of what is signed. */
export function ownerSign(key: BackupKey, message: Uint8Array): Bytes {
  return withOwnerKey(key, (secret) => ed25519Sign(secret, message));
}
