/**
 * The seam to whatever keeps the objects of a set: a folder, a bucket, a cloud drive (spec/set.md, "Storage").
 * Nothing of it is trusted.
 *
 * @module
 */

/** One object on its way into the storage. */
export interface Upload {
  /** Adds bytes; they may be overwritten once the call is over. @throws StrongroomError `disk-full`, `permission`, `io` */
  write(parts: readonly Uint8Array[]): Promise<void> | void;
  /** Makes what was written durable, without its name. **[D]** */
  sync(): Promise<void> | void;
  /**
   * Gives the object its name, all at once; it was synced before. The name is durable after the next
   * {@link Storage.flush}.
   *
   * @throws StrongroomError `exists` if another object has the name
   */
  commit(): Promise<void> | void;
  /** Throws away what was written; does nothing after a commit. */
  discard(): Promise<void> | void;
}

/** What is known of a stored object without reading it. */
export interface Stored {
  readonly name: string;
  /** Length in bytes. */
  readonly length: number;
}

/** Where objects are kept. Errors are StrongroomError `disk-full`, `permission` and `io` unless said otherwise. */
export interface Storage {
  /** Begins an object. Nobody sees it before it is committed. */
  put(name: string): Promise<Upload> | Upload;
  /**
   * The bytes from `start` up to `end` (exclusive; default all). A piece may be overwritten when the next one is
   * asked for.
   *
   * @throws StrongroomError `object-missing`
   */
  read(name: string, start?: number, end?: number): AsyncIterable<Uint8Array>;
  /**
   * A descriptor to read an object with, if it is a file of this machine; the caller closes it. A storage that is
   * elsewhere has no such call.
   *
   * @throws StrongroomError `object-missing`
   */
  open?(name: string): number;
  /** Every committed object, in any order. */
  list(): AsyncIterable<Stored>;
  /** Removes an object; one that is not there is no error. */
  remove(name: string): Promise<void> | void;
  /** Makes every name committed so far durable. **[D]** */
  flush(): Promise<void> | void;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
/** What the name of every object ends with. */
export const OBJECT_SUFFIX = '.sro';

/** The storage name of an object: base32 of the first 20 bytes of its commitment, and `.sro`. */
export function storageName(commitment: Uint8Array): string {
  let name = '';
  let bits = 0;
  let held = 0;
  for (const byte of commitment.subarray(0, 20)) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) name += BASE32.charAt((held >> (bits - 5)) & 31);
  }
  return name + OBJECT_SUFFIX;
}

/** True if the name can be that of an object. */
export function isStorageName(name: string): boolean {
  return /^[a-z2-7]{32}\.sro$/u.test(name);
}
