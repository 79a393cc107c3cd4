/**
 * The object key: what opens the objects of one backup key and does nothing else (spec/keys.md, "Object key").
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { copy, wipe, type Bytes } from '../wire/bytes.ts';

/** Length of an object key in bytes. */
export const OBJECT_KEY_LENGTH = 32;

/** `K_obj`, 32 bytes. They stay inside: logs and JSON show nothing of them. */
export class ObjectKey {
  readonly #bytes: Bytes;
  #wiped = false;

  private constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /** The key whose 32 bytes these are; they are copied. @throws StrongroomError `invalid-key` */
  static fromBytes(raw: Uint8Array): ObjectKey {
    if (!(raw instanceof Uint8Array) || raw.length !== OBJECT_KEY_LENGTH) {
      throw new StrongroomError('invalid-key', `an object key is ${OBJECT_KEY_LENGTH} bytes`);
    }
    return new ObjectKey(copy(raw));
  }

  /** A copy of the 32 bytes. Secret; the caller wipes it. @throws StrongroomError `invalid-key` once it was wiped */
  bytes(): Bytes {
    if (this.#wiped) throw new StrongroomError('invalid-key', 'this object key was wiped');
    return copy(this.#bytes);
  }

  /** Overwrites the key; every later use throws `invalid-key`. */
  wipe(): void {
    this.#wiped = true;
    wipe(this.#bytes);
  }
}
