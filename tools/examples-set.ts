/**
 * The worked example of manifests.
 *
 * @module
 */
import type { ChunkLog2 } from '../reference/container/header.ts';
import { objectLength } from '../reference/container/layout.ts';
import { plaintextLength } from '../reference/container/padding.ts';
import { blockTag } from '../reference/crypto/block-tag.ts';
import { nodeEngine } from '../reference/crypto/node.ts';
import { expand } from '../reference/crypto/hkdf.ts';
import { label } from '../reference/keys/labels.ts';
import { manifestContent, MediaHasher, type Manifest, type ObjectReference } from '../reference/set/index.ts';
import { concat, utf8, type Bytes } from '../reference/wire/bytes.ts';

const fill = (value: number, length: number): Bytes => new Uint8Array(length).fill(value);

/** Objects with headers as they can be; nobody opens them here. */
function objectOf(value: number, type: number, chunkLog2: ChunkLog2, contentLength: number): ObjectReference {
  const start = concat(
    Uint8Array.of(0x89, 0x53, 0x42, 0x4f, 0x0d, 0x0a, 0x1a, 0x0a, 1, 1, chunkLog2, type),
    fill(0, 4),
  );
  const prefix = concat(start, fill(value, 32));
  const length = objectLength(88, chunkLog2, plaintextLength(contentLength, 'padme', chunkLog2));
  return { commitment: fill(value + 1, 32), prefix, length, contentLength, keyEpoch: 1 };
}

/** The rows of the example: the identity of a content, and the records of a manifest. */
export function manifestExample(): (readonly [string, Uint8Array])[] {
  const mediaKey = fill(0x4d, 32);
  const content = utf8('hello');
  const hasher = new MediaHasher(mediaKey);
  hasher.update(content);
  const mediaId = hasher.digest();
  const tagKey = expand(nodeEngine, 'sha256', mediaKey, label('media-tag'), 32);
  const modified = { seconds: 1_700_000_000, nanoseconds: 5 };
  const manifest: Manifest = {
    setId: fill(0xa5, 16),
    generation: 2,
    created: 1_700_000_060,
    keyEpoch: 2,
    mediaKey,
    commitments: [fill(0xc1, 32), fill(0xc2, 32)],
    ancestors: [{ generation: 1, manifestId: fill(0x1d, 32), commitments: [fill(0xc3, 32), fill(0xc4, 32)] }],
    wrappedKeys: [{ keyEpoch: 1, objectKey: fill(0x0b, 32) }],
    objects: [objectOf(0x50, 3, 18, 100_000), objectOf(0x52, 2, 16, 2000)],
    entries: [
      { kind: 'directory', path: 'd', mode: 0o755, modified },
      {
        kind: 'file',
        path: 'd/hello',
        mode: 0o644,
        modified,
        contentLength: 5,
        mediaId,
        stamp: fill(0x57, 16),
        parts: [{ object: 1, range: { position: 33, length: 21 } }],
      },
      {
        kind: 'file',
        path: 'd/large',
        mode: 0o600,
        modified,
        contentLength: 100_000,
        mediaId: fill(0x1f, 32),
        stamp: fill(0, 0),
        parts: [{ object: 0, range: undefined }],
      },
      { kind: 'symlink', path: 'link', mode: 0o777, modified, target: 'd/hello' },
    ],
  };
  const names = ['BEGIN', 'HEAD', 'KEY', 'OBJECT 0', 'OBJECT 1', 'd', 'd/hello', 'd/large', 'link', 'END'];
  const bytes = concat(...manifestContent(manifest));
  const rows: (readonly [string, Uint8Array])[] = [
    ['media_key', mediaKey],
    ['K_tag', tagKey],
    ['K_mid', expand(nodeEngine, 'sha256', mediaKey, label('media-id'), 32)],
    ['tag(0)', blockTag(nodeEngine.aead(tagKey), 0, content)],
    ['media_id', mediaId],
  ];
  for (let at = 0; at < bytes.length;) {
    const [, high = 0, middle = 0, low = 0] = bytes.subarray(at, at + 4);
    const end = at + 4 + high * 65_536 + middle * 256 + low;
    rows.push([names[rows.length - 5] ?? '', bytes.subarray(at, end)]);
    at = end;
  }
  rows.push(['manifest_id', nodeEngine.hash('sha256', bytes)]);
  return rows;
}
