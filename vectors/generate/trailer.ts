/**
 * Vectors of padding and trailer: what a faulty writer can authenticate, and a reader must refuse all the same.
 *
 * @module
 */
import { be, cat, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { plaintextLength, type Recipe } from '../../conformance/peer/sealed-object.ts';
import type { Digest, VectorFile } from '../../conformance/schema/vector.ts';
import { digest, Family } from './family.ts';
import { HELLO, KEY, ObjectVectors, releasedBefore, salt, zeroCiphertext } from './objects.ts';

/** Content whose plaintext Padmé lengthens by six bytes, to 72. */
const ODD = utf8('The quick brown fox jumps over the lazy dog twice.');

/** Content that encrypts to zeros under the salt of `id`, `length` bytes of it. */
function quiet(id: string, length: number): Uint8Array {
  const recipe = { key: KEY, salt: salt(`trailer ${id}`), padding: 1 } as const;
  return zeroCiphertext(recipe, Math.ceil(length / 2 ** 14), zeros(0)).slice(0, length);
}

/** The family. */
export function trailer(): VectorFile {
  const family = new Family('trailer', {
    feature: 'container',
    role: 'container-reader',
    op: 'container.open',
    description:
      'Padding and trailer: canonical lengths, zeros, and what the authenticated end of an object must say.',
  });
  const objects = new ObjectVectors(family);
  const accept = (
    id: string,
    content: Uint8Array,
    more: Partial<Recipe>,
    title: string,
    why: string,
    requirement = 'RDR-1',
  ): void => {
    objects.accept(
      id,
      { key: KEY, salt: salt(`trailer ${id}`), content, ...more },
      { title, why, requirements: [requirement, 'PAD-5'] },
    );
  };
  accept('plain', HELLO, {}, 'No padding', 'Scheme 0 adds nothing.');
  accept('padme', ODD, { padding: 1 }, 'Padmé of a short content', 'Scheme 1 rounds up to 72 bytes here.');
  accept(
    'padme-exact',
    zeros(44),
    { padding: 1 },
    'Padmé that adds nothing',
    'A length that is canonical already stays.',
  );
  accept(
    'padme-chunks',
    quiet('padme-chunks', 40_000),
    { padding: 1 },
    'Padmé over three chunks',
    'Padding is counted over content and trailer, not over chunks.',
  );
  // 32 chunks: without the rule for the last 16 bytes no trailer would fit.
  accept(
    'padme-32-chunks',
    quiet('padme-32-chunks', 32 * 2 ** 14 - 100),
    { padding: 1 },
    'Padmé to a whole number of chunks',
    'The trailer would lie across the end of a chunk; 16 more bytes keep it whole.',
  );
  accept(
    'padme-only',
    zeros(0),
    { padding: 1 },
    'Padmé of no content',
    'The smallest plaintext is the trailer.',
  );

  const L = HELLO.length;
  const bad = (id: string, place: 'trailerLength', now: bigint, title: string, why: string): void => {
    objects.sealed(
      id,
      'plain',
      place,
      { value: now, was: L, now: String(now) },
      {
        title,
        why,
        requirements: ['RDR-2', 'RDR-9', 'RDR-10'],
        errors: ['bad-trailer'],
      },
    );
  };
  bad(
    'length-past-end',
    'trailerLength',
    BigInt(L + 1),
    'A content length that reaches into the trailer',
    'A reader that believes it returns a byte of the trailer as content.',
  );
  bad(
    'length-2-53',
    'trailerLength',
    2n ** 53n + 1n,
    'A content length of 2^53 + 1',
    'A reader that works in doubles rounds it.',
  );
  bad(
    'length-2-63',
    'trailerLength',
    2n ** 63n,
    'A content length of 2^63',
    'A reader that works in signed 64 bits takes it for a negative number.',
  );
  bad(
    'length-2-64',
    'trailerLength',
    2n ** 64n - 1n,
    'A content length of 2^64 - 1',
    'Added to 16, it wraps to a small number.',
  );
  bad(
    'length-2-32',
    'trailerLength',
    2n ** 32n + BigInt(L),
    'A content length that is right in its low 32 bits',
    'A reader that cuts lengths to 32 bits accepts it.',
  );
  objects.sealed(
    'length-short',
    'plain',
    'trailerLength',
    { value: BigInt(L - 1), was: L, now: L - 1 },
    {
      title: 'A content length one short, so that a byte of content lies in the padding',
      why: 'A reader that does not check padding drops content.',
      requirements: ['RDR-2', 'RDR-9', 'RDR-10'],
      errors: ['bad-padding'],
    },
  );
  objects.sealed(
    'scheme-2',
    'plain',
    'trailerScheme',
    { value: 2, was: 0, now: 2 },
    {
      title: 'An unknown padding scheme',
      why: 'A reader that takes an unknown scheme for none cannot check the length.',
      requirements: ['RDR-2', 'RDR-9', 'RDR-10'],
      errors: ['bad-trailer'],
    },
  );
  objects.sealed(
    'scheme-wrong',
    'padme',
    'trailerScheme',
    { value: 0, was: 1, now: 0 },
    {
      title: 'Padmé that calls itself no padding',
      why: 'The length is then not the canonical one of the scheme.',
      requirements: ['RDR-2', 'RDR-9', 'RDR-10'],
      errors: ['bad-padding'],
    },
  );
  for (const [id, zerosAt] of [
    ['first', cat(be(1, 1), zeros(6))],
    ['last', be(7, 1)],
  ] as const) {
    objects.sealed(
      `reserved-${id}`,
      'plain',
      'trailerZeros',
      { value: zerosAt, was: 0, now: 1 },
      {
        title: `The ${id} reserved byte of the trailer is not zero`,
        why: 'A reader that ignores reserved bytes cannot be told later what they mean.',
        requirements: ['RDR-2', 'RDR-9', 'RDR-10'],
        errors: ['bad-trailer'],
      },
    );
  }
  const pad = plaintextLength(ODD.length, 1, 2 ** 14) - ODD.length - 16;
  for (const [id, at] of [
    ['first', 0],
    ['middle', 3],
    ['last', pad - 1],
  ] as const) {
    objects.sealed(
      `pad-${id}`,
      'padme',
      'padByteAt',
      { value: at, was: 0, now: 1 },
      {
        title: `The ${id} byte of padding is not zero`,
        why: 'Padding is no place to hide data.',
        requirements: ['RDR-2', 'RDR-9', 'RDR-10'],
        errors: ['bad-padding'],
      },
    );
  }
  for (const [id, length] of [
    ['short', pad - 1],
    ['long', pad + 1],
    ['none', 0],
  ] as const) {
    objects.sealed(
      `pad-${id}`,
      'padme',
      'padLength',
      { value: length, was: pad, now: length },
      {
        title: `${length} bytes of padding in place of ${pad}`,
        why: 'There is one length for each content: another one is a covert channel, or a faulty writer.',
        requirements: ['RDR-2', 'RDR-9', 'RDR-10'],
        errors: ['bad-padding'],
      },
    );
  }
  objects.sealed(
    'pad-chunk',
    'plain',
    'padLength',
    { value: 1, was: 0, now: 1 },
    {
      title: 'One byte of padding under scheme 0',
      why: 'Scheme 0 has no padding beyond what keeps the trailer whole.',
      requirements: ['RDR-2', 'RDR-9', 'RDR-10'],
      errors: ['bad-padding'],
    },
  );
  acrossChunks(objects);
  return family.file();
}

/** Padding and trailers that do not keep to the final chunk. */
function acrossChunks(objects: ObjectVectors): void {
  const C = 2 ** 14;
  const requirements = ['RDR-2', 'RDR-9', 'RDR-10'];
  const { content } = objects.recipe('padme-32-chunks');
  // The mark of the writer is authentic: a stream reader cannot know yet that it is padding.
  const marked = cat(content, zeros(40), be(1, 1));
  objects.sealed(
    'pad-earlier-chunk',
    'padme-32-chunks',
    'padByteAt',
    { value: 40, was: 0, now: 1 },
    {
      title: 'A byte of padding in an earlier chunk than the final one is not zero',
      why: 'A reader that looks at the padding of the final chunk alone leaves a place to hide data.',
      requirements,
      errors: ['bad-padding'],
      released: [...releasedBefore(cat(content, zeros(40), be(1, 1), zeros(59)), 14, 32), digest(marked)],
    },
  );
  objects.accept(
    'one-byte',
    { key: KEY, salt: salt('trailer one-byte'), content: utf8('1'), padding: 1 },
    {
      title: 'Padmé of one byte',
      why: 'The shortest content that is one.',
      requirements: ['RDR-1', 'PAD-5'],
    },
  );
  objects.sealed(
    'pad-huge',
    'one-byte',
    'padLength',
    { value: C, was: 1, now: C },
    {
      title: 'A whole chunk of padding for one byte',
      why: 'There is one length for each content: another one is a covert channel, or a faulty writer.',
      requirements,
      errors: ['bad-padding'],
      released: [...releasedBefore(cat(utf8('1'), zeros(C - 1)), 14, 1), digest(utf8('1'))],
    },
  );
  objects.accept(
    'zeros',
    { key: KEY, salt: salt('trailer zeros'), content: cat(utf8('1'), zeros(C + 100)), padding: 1 },
    {
      title: 'Content that ends in more than a chunk of zeros',
      why: 'It looks like padding, and is told from it by its length alone.',
      requirements: ['RDR-1', 'PAD-5'],
    },
  );
  const own = objects.recipe('plain');
  const ends = (length: number): Bytes =>
    cat(zeroCiphertext(own, 1, zeros(C)).slice(0, length - 16), be(8, length - 16), zeros(8));
  const sealed = (id: string, now: Bytes, title: string, why: string, released?: Digest[]): void =>
    objects.sealed(
      id,
      'plain',
      'plaintext',
      { value: now, was: own.content.length + 16, now: now.length },
      { title, why, requirements: ['RDR-2'], errors: ['truncated'], ...(released && { released }) },
    );
  sealed(
    'straddles',
    ends(C + 8),
    'A trailer that lies across the end of a chunk',
    'One read of the end must yield the length: a reader that puts the trailer together accepts two forms of one object.',
    releasedBefore(ends(C + 8), 14, 1),
  );
  // The last byte of the full chunk that is not zero belongs to the trailer.
  const full = ends(C);
  sealed(
    'final-full',
    full,
    'A final chunk that is as long as all others',
    'Other formats end so. Here a full chunk is never the final one, and the input is cut.',
    [...releasedBefore(full, 14, 1), digest(full.slice(0, -8))],
  );
  sealed(
    'short',
    zeros(15),
    'A plaintext of 15 bytes',
    'A reader that reads a trailer anyway reads out of bounds.',
  );
  sealed('none', zeros(0), 'An object without any chunk', 'There is no object without a trailer.');
}
