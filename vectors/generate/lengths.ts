/**
 * Vectors of arithmetic alone: how long a padded plaintext and an object are, up to sizes that no file of a vector has.
 *
 * @module
 */
import { padme, plaintextLength } from '../../conformance/peer/sealed-object.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family } from './family.ts';
import { HEADER } from './objects.ts';

/** 2^k − 1, 2^k and 2^k + 1 for every k of a range. */
function around(from: number, to: number): number[] {
  const exponents = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return exponents.flatMap((k) => [2 ** k - 1, 2 ** k, 2 ** k + 1]);
}

/** The ends of the first, the second and the last step of Padmé below 2^(k + 1), and what is next to them. */
function aroundSteps(k: number): number[] {
  const step = 2 ** (k - k.toString(2).length);
  return [2 ** k + step, 2 ** k + 2 * step, 2 ** (k + 1) - step].flatMap((end) => [end - 1, end, end + 1]);
}

/** The length of a whole object without extensions. */
function objectLength(content: number, scheme: 0 | 1, log2: number): number {
  const plaintext = plaintextLength(content, scheme, 2 ** log2);
  return HEADER + plaintext + 16 * (Math.floor(plaintext / 2 ** log2) + 1);
}

/** The family. */
export function lengths(): VectorFile {
  const family = new Family('lengths', {
    feature: 'lengths',
    role: 'container-writer',
    op: 'lengths.object',
    description: 'Arithmetic of padding and of the lengths of objects, at every boundary.',
  });
  for (const [id, list, title] of [
    ['small', around(4, 40).slice(1), 'Padmé around the powers of two up to 2^40'],
    ['large', around(41, 52), 'Padmé around the powers of two from 2^41 to 2^52'],
    [
      'steps',
      Array.from({ length: 36 }, (_, i) => i + 5).flatMap(aroundSteps),
      'Padmé around its steps, up to 2^41',
    ],
  ] as const) {
    family.accept(
      `padme-${id}`,
      {
        title,
        why: 'Logarithms in floating point are off by one next to a power of two, and shifts of 32 bits from 2^31 on.',
        requirements: ['PAD-1', 'PAD-3'],
        input: { lengths: [...list] },
        result: { lengths: list.map(padme) },
      },
      { op: 'lengths.padme' },
    );
  }
  for (const log2 of [14, 16, 18, 20]) {
    for (const [scheme, padding] of [
      [0, 'none'],
      [1, 'padme'],
    ] as const) {
      const C = 2 ** log2;
      const edges = [1, 2, 3, 1000, 2 ** 20].flatMap((n) =>
        [-33, -32, -31, -17, -16, -15, -1, 0, 1].map((d) => n * C + d),
      );
      const powers = around(0, 40).flatMap((n) => [n - 16, n]);
      const contents = [...new Set([0, ...edges, ...powers])]
        .filter((n) => n >= 0 && n <= 2 ** 40)
        .sort((a, b) => a - b);
      family.accept(`object-${log2}-${padding}`, {
        title: `Lengths of objects in chunks of 2^${log2} bytes, ${scheme === 1 ? 'with Padmé' : 'without padding'}`,
        why: 'What a client announces to a storage is what it sends: chunks, tags, padding and trailer, to the byte.',
        requirements: ['PAD-1', 'CHK-1', 'CHK-2'],
        input: { chunkLog2: log2, padding, contents },
        result: { objects: contents.map((n) => objectLength(n, scheme, log2)) },
      });
    }
  }
  family.accept('largest', {
    title: 'The longest content',
    why: 'The limit itself is allowed.',
    requirements: ['WRT-1'],
    input: { chunkLog2: 14, padding: 'padme', contents: [2 ** 40] },
    result: { objects: [objectLength(2 ** 40, 1, 14)] },
  });
  family.value('too-long', 'largest', 'contents', [2 ** 40 + 1], {
    title: 'One byte more than the longest content',
    why: 'What no reader accepts is refused before a byte of it is sealed.',
    requirements: ['WRT-1'],
    errors: ['limit-exceeded'],
  });
  return family.file();
}
