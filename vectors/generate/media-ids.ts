/**
 * Vectors of media ids.
 *
 * @module
 */
import { cat, named, toHex, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import { mediaId } from '../../conformance/peer/set.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack } from './family.ts';
import { MEDIA_KEY } from './sets.ts';

const BLOCK = 2 ** 20;

/** The family. */
export function mediaIds(): VectorFile {
  const family = new Family('media-ids', {
    feature: 'set',
    role: 'set-reader',
    op: 'set.media-id',
    description:
      'The identity of content under the media key of a set: blocks of 2^20 bytes, and where they end.',
  });
  const accept = (id: string, content: Bytes, title: string, why: string): void =>
    family.accept(id, {
      title,
      why,
      requirements: ['MAN-16'],
      input: { mediaKey: toHex(MEDIA_KEY), content: pack(content) },
      result: { mediaId: toHex(mediaId(MEDIA_KEY, content)) },
    });
  accept('empty', zeros(0), 'No content', 'It has no block, and an identity.');
  accept('one-byte', zeros(1), 'One byte', 'The length is part of the identity.');
  accept('short', named('short content', 1000), 'A thousand bytes', 'One block that is not full.');
  accept('block', zeros(BLOCK), 'One full block', 'No empty block follows it.');
  accept(
    'block-and-byte',
    zeros(BLOCK + 1),
    'One full block and a byte',
    'The second block has a nonce of its own.',
  );
  const first = cat(named('first block', 16), zeros(BLOCK - 16));
  const second = cat(named('second block', 16), zeros(BLOCK - 16));
  accept('two', cat(first, second), 'Two blocks', 'Their tags stand in order.');
  accept('exchanged', cat(second, first), 'The same blocks in the other order', 'It is another content.');
  return family.file();
}
