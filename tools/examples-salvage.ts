/**
 * The worked example of spec/salvage.md: an object with one damaged chunk, in a storage without a manifest.
 *
 * @module
 */
import { streamKey } from '../reference/container/stream-key.ts';
import { inspect } from '../reference/container/reader.ts';
import { sealWith } from '../reference/container/writer.ts';
import type { RandomSource } from '../reference/crypto/random.ts';
import type { BackupKey } from '../reference/keys/backup-key.ts';
import { canonical, salvage } from '../reference/salvage/index.ts';
import { storageName, type Storage } from '../reference/set/index.ts';
import { fromUtf8, hex } from '../reference/wire/bytes.ts';

/** Names and values of the example, and the report in lines. */
export async function salvageExample(key: BackupKey): Promise<string> {
  const random: RandomSource = (name, length) => new Uint8Array(length).fill(name === 'salt' ? 0xa5 : 0xff);
  const object = sealWith(random, new Uint8Array(40_000).fill(0x61), {
    key,
    type: 'blob',
    chunkLog2: 14,
    padding: 'none',
  });
  const { commitment } = streamKey(key.derive('object'), inspect(object).prefix, new Uint8Array());
  const name = storageName(commitment);
  object[20_000] = (object[20_000] ?? 0) ^ 1;
  const none = (): never => {
    throw new Error('nothing is written');
  };
  const storage: Storage = {
    async *list() {
      yield { name, length: object.length };
    },
    async *read(_name, start = 0, end = object.length) {
      yield object.subarray(start, end);
    },
    put: none,
    remove: none,
    flush: none,
  };
  const report = fromUtf8(canonical(await salvage(storage, key)));
  const lines = report.match(/.{1,110}/gu) ?? [];
  return [
    '```',
    `commitment = ${hex(commitment)}`,
    `length     = ${object.length}`,
    '',
    ...lines,
    '```',
  ].join('\n');
}
