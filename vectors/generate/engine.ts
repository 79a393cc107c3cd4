/**
 * Vectors of the bare chunk engine: single chunks at indices that no file of a vector could reach.
 *
 * @module
 */
import { be, cat, named, seal, toHex, utf8, xor, zeros } from '../../conformance/peer/primitives.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { digest, Family, pack } from './family.ts';
import { chunkNonce } from './objects.ts';

const INDICES = [
  ['0', 0],
  ['2-8-minus-1', 2 ** 8 - 1],
  ['2-8', 2 ** 8],
  ['2-16', 2 ** 16],
  ['2-24', 2 ** 24],
  ['2-31', 2 ** 31],
  ['2-32-minus-1', 2 ** 32 - 1],
] as const;

/** The family. */
export function engine(): VectorFile {
  const family = new Family('engine', {
    feature: 'engine',
    role: 'container-reader',
    op: 'engine.open',
    description: 'Single chunks at sparse indices, sealed and opened by the bare engine.',
  });
  const key = named('engine key', 32);
  const baseNonce = named('engine base nonce', 12);
  const reject = (
    title: string,
    why: string,
    error = 'chunk-damaged',
    requirement = 'CHK-5',
  ): { title: string; why: string; requirements: string[]; errors: string[] } => ({
    title,
    why,
    requirements: [requirement],
    errors: [error],
  });
  const input = { key: toHex(key), baseNonce: toHex(baseNonce), chunkLog2: 14 };
  for (const [id, index] of INDICES) {
    const plaintext = utf8(`chunk ${index}`);
    const sealed = seal(key, chunkNonce(baseNonce, index), plaintext);
    const words = {
      why: 'Counters overflow, change their sign or lose their high bits at powers of two.',
      requirements: ['CHK-3', 'CHK-5', 'CHK-7'],
    };
    family.accept(`open-${id}`, {
      ...words,
      title: `Opening chunk ${index}`,
      input: { ...input, index, sealed: toHex(sealed) },
      result: { plaintext: toHex(plaintext) },
      intermediates: { nonce: toHex(chunkNonce(baseNonce, index)) },
    });
    family.accept(
      `seal-${id}`,
      {
        ...words,
        title: `Sealing chunk ${index}`,
        input: { ...input, index, plaintext: toHex(plaintext) },
        result: { sealed: toHex(sealed) },
      },
      { op: 'engine.seal', role: 'container-writer' },
    );
  }
  // Each of its bits is set: an index that is added carries, or overflows.
  const ones = cat(baseNonce.slice(0, 4), be(8, 2n ** 64n - 1n));
  for (const [id, index] of INDICES.slice(1)) {
    const plaintext = utf8(`chunk ${index}`);
    const sealed = seal(key, chunkNonce(ones, index), plaintext);
    family.accept(`carry-${id}`, {
      title: `Opening chunk ${index} under a base nonce that ends in ff`,
      why: 'The index is XORed into the base nonce; who adds it carries, and differs here.',
      requirements: ['CHK-5'],
      input: { ...input, baseNonce: toHex(ones), index, sealed: toHex(sealed) },
      result: { plaintext: toHex(plaintext) },
      intermediates: { nonce: toHex(chunkNonce(ones, index)) },
    });
    const sum = (BigInt(`0x${toHex(ones)}`) + BigInt(index)) % 2n ** 96n;
    family.value(
      `carry-${id}-added`,
      `carry-${id}`,
      'sealed',
      toHex(seal(key, be(12, sum), plaintext)),
      reject(
        `Chunk ${index}, sealed under base nonce plus index`,
        'Both sides of an implementation may add; only a vector finds it.',
      ),
    );
  }
  const full = seal(key, chunkNonce(baseNonce, 1), zeros(2 ** 14));
  family.accept(
    'seal-full',
    {
      title: 'Sealing a full chunk of zeros',
      why: 'The largest input of the engine at this chunk size.',
      requirements: ['CHK-3', 'CHK-5'],
      input: { ...input, index: 1, plaintext: pack(zeros(2 ** 14)) },
      result: { sealed: { ...digest(full) } },
    },
    { op: 'engine.seal', role: 'container-writer' },
  );
  family.accept('open-empty', {
    title: 'Opening a chunk of no bytes',
    why: 'The engine may end in an empty chunk, although no object does.',
    requirements: ['CHK-3', 'CHK-5'],
    input: { ...input, index: 7, sealed: toHex(seal(key, chunkNonce(baseNonce, 7), zeros(0))) },
    result: { plaintext: '' },
  });

  for (const [id, index] of INDICES.slice(2, -1)) {
    // What an implementation seals whose counter has lost its high bits.
    const sealed = seal(key, chunkNonce(baseNonce, 0), utf8(`chunk ${index}`));
    family.value(
      `cut-${id}`,
      `open-${id}`,
      'sealed',
      toHex(sealed),
      reject(
        `A chunk at index ${index} that was sealed with the nonce of index 0`,
        'A counter with too few bits accepts it.',
        'chunk-damaged',
        'CHK-5',
      ),
    );
  }
  family.value(
    'index-2-32',
    'open-0',
    'index',
    2 ** 32,
    reject(
      'Index 2^32',
      'A counter of 32 bits wraps to 0 and uses a nonce twice.',
      'limit-exceeded',
      'CHK-6',
    ),
  );
  family.value(
    'seal-index-2-32',
    'seal-0',
    'index',
    2 ** 32,
    reject(
      'Sealing at index 2^32',
      'A writer whose counter wraps uses a nonce twice.',
      'limit-exceeded',
      'CHK-6',
    ),
  );
  family.cut(
    'short-tag',
    'open-0',
    'sealed',
    15,
    reject('Fifteen bytes', 'Less than a tag cannot be a chunk.', 'chunk-damaged', 'CHK-7'),
  );
  family.cut(
    'tag-12',
    'open-0',
    'sealed',
    utf8('chunk 0').length + 12,
    reject(
      'A tag of twelve bytes',
      'GCM knows shorter tags; this format does not.',
      'chunk-damaged',
      'CHK-7',
    ),
  );
  family.value(
    'aad',
    'open-0',
    'sealed',
    toHex(seal(key, chunkNonce(baseNonce, 0), utf8('chunk 0'), be(4, 0))),
    reject('Sealed with its index as associated data', 'Chunks have no associated data.'),
  );
  family.value(
    'counter-little-endian',
    'open-2-24',
    'sealed',
    toHex(seal(key, xor(baseNonce, be(12, 2 ** 24).toReversed()), utf8(`chunk ${2 ** 24}`))),
    reject('A chunk whose index was written low byte first', 'Both sides of an implementation may count so.'),
  );
  family.value(
    'counter-low-byte-first',
    'open-2-24',
    'sealed',
    toHex(seal(key, chunkNonce(baseNonce, 1), utf8(`chunk ${2 ** 24}`))),
    reject(
      'A chunk whose index was written into four bytes, low byte first',
      'Both sides of an implementation may count so: index 2^24 is then index 1.',
    ),
  );
  family.flip(
    'tag-flipped',
    'open-2-8',
    { field: 'sealed', offset: -1 },
    reject('One bit of the tag is flipped', 'The tag is sixteen bytes, all of them.'),
  );
  return family.file();
}
