/**
 * The backup key, from which every other key of a backup is derived (spec/keys.md).
 *
 * @module
 */
import type { CryptoEngine } from '../crypto/engine.ts';
import { expand } from '../crypto/hkdf.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom, type RandomSource } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { copy, wipe, type Bytes } from '../wire/bytes.ts';
import { label, type LabelName } from './labels.ts';
import { ObjectKey } from './object-key.ts';
import { formatRecoveryKey, parseRecoveryKey } from './recovery-key.ts';

/** Length of a backup key, and of every key derived from it unless said otherwise, in bytes. */
export const KEY_LENGTH = 32;

/** 32 uniformly random bytes that open a backup. They stay inside: logs and JSON show nothing of them. */
export class BackupKey {
  readonly #bytes: Bytes;
  #wiped = false;

  private constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /** A fresh key from the operating system's generator. */
  static generate(): BackupKey {
    return generateWith(systemRandom);
  }

  /** The key whose 32 bytes these are; they are copied. @throws StrongroomError `invalid-key` */
  static fromBytes(raw: Uint8Array): BackupKey {
    if (!(raw instanceof Uint8Array) || raw.length !== KEY_LENGTH) {
      throw new StrongroomError('invalid-key', `a backup key is ${KEY_LENGTH} bytes`);
    }
    return new BackupKey(copy(raw));
  }

  /** The key of a typed recovery key. @throws StrongroomError `invalid-recovery-key`, with `position` */
  static parse(recoveryText: string): BackupKey {
    return new BackupKey(parseRecoveryKey(recoveryText));
  }

  /** The 64 digits to print, in sixteen groups of four. A secret: whoever reads them reads the backup. */
  recoveryKey(): string {
    return formatRecoveryKey(this.#live());
  }

  /** A copy of the 32 bytes. Secret; the caller wipes it. */
  bytes(): Bytes {
    return copy(this.#live());
  }

  /** `Expand(K_b, label(name), length)`: the derived key of that name. The caller wipes it. */
  derive(name: LabelName, length: number = KEY_LENGTH, engine: CryptoEngine = nodeEngine): Bytes {
    return expand(engine, 'sha256', this.#live(), label(name), length);
  }

  /** `K_obj`, which opens every object of this key and gives no other key away. The caller wipes it. */
  objectKey(engine: CryptoEngine = nodeEngine): ObjectKey {
    const raw = this.derive('object', KEY_LENGTH, engine);
    const key = ObjectKey.fromBytes(raw);
    wipe(raw);
    return key;
  }

  /** Overwrites the key; every later use throws `invalid-key`. */
  wipe(): void {
    this.#wiped = true;
    wipe(this.#bytes);
  }

  #live(): Bytes {
    if (this.#wiped) throw new StrongroomError('invalid-key', 'this backup key was wiped');
    return this.#bytes;
  }
}

/** A backup key drawn from `random` under the name `backup-key`. */
export function generateWith(random: RandomSource): BackupKey {
  const raw = random('backup-key', KEY_LENGTH);
  const key = BackupKey.fromBytes(raw);
  wipe(raw);
  return key;
}
