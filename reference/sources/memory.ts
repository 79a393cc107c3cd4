/**
 * An object in memory, to read ranges from.
 *
 * @module
 */
import type { ByteSource } from '../container/range.ts';

/** The bytes of an object, as they are when they are asked for. */
export function memorySource(object: Uint8Array): ByteSource {
  return {
    length: () => object.length,
    async *read(start, end) {
      yield object.subarray(start, end);
    },
  };
}
