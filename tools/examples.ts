/**
 * Writes the worked examples of the specification between their markers, `<!-- example:name -->` and
 * `<!-- /example:name -->`. Every byte comes from the reference implementation, so no example can go stale:
 * a test fails when the text and this program disagree. Run it to rewrite the text.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { RandomSource } from '../reference/crypto/random.ts';
import { INDEX, SCHEMA } from '../reference/chat/schema.ts';
import { inspect } from '../reference/container/reader.ts';
import { streamKey } from '../reference/container/stream-key.ts';
import { encodeTrailer } from '../reference/container/trailer.ts';
import { sealWith } from '../reference/container/writer.ts';
import { BackupKey } from '../reference/keys/backup-key.ts';
import { label } from '../reference/keys/labels.ts';
import { ownerPublicKey } from '../reference/keys/owner-key.ts';
import { SetHead, signHead } from '../reference/set/head.ts';
import { Group } from '../reference/set/group.ts';
import { RecordWriter } from '../reference/set/records.ts';
import { concat, hex, utf8 } from '../reference/wire/bytes.ts';
import { encode } from '../reference/wire/codec.ts';
import { manifestExample } from './examples-set.ts';
import { salvageExample } from './examples-salvage.ts';
import { channelExample, fleetExample, opaqueExample } from './examples-vault.ts';

const key = BackupKey.fromBytes(Uint8Array.from({ length: 32 }, (_, i) => i));

/** A fenced block of `name = hexadecimal`, broken into lines of 32 bytes. */
function listing(rows: readonly (readonly [string, Uint8Array])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.flatMap(([name, bytes]) =>
    (hex(bytes).match(/.{1,64}/gu) ?? ['(empty)']).map((part, i) =>
      i === 0 ? `${name.padEnd(width)} = ${part}` : `${' '.repeat(width + 3)}${part}`,
    ),
  );
  return ['```', ...lines, '```'].join('\n');
}

function keys(): string {
  const rows = (['object', 'object-name', 'key-check', 'owner-key'] as const).map(
    (name) => [`derive("${name}", 32)`, key.derive(name)] as const,
  );
  return `${listing([['K_b', key.bytes()], ...rows])}\n\nAs a recovery key:\n\n\`\`\`\n${key.recoveryKey()}\n\`\`\``;
}

function container(): string {
  const random: RandomSource = (name, length) => new Uint8Array(length).fill(name === 'salt' ? 0xa5 : 0xff);
  const object = sealWith(random, utf8('hello'), { key, type: 'blob', chunkLog2: 14 });
  const { prefix, commitment, length } = inspect(object);
  const objectKey = key.derive('object');
  const derived = streamKey(objectKey, prefix, new Uint8Array());
  const trailer = encodeTrailer({ contentLength: 5, padding: 'padme' });
  return listing([
    ['K_obj', objectKey],
    ['prefix', prefix],
    ['commitment', commitment],
    ['key', derived.key],
    ['base_nonce', derived.baseNonce],
    ['header check', object.subarray(length - 8, length)],
    ['trailer', trailer],
    ['P', concat(utf8('hello'), new Uint8Array(1), trailer)],
    ['chunk(0)', object.subarray(length)],
    ['object', object],
  ]);
}

function head(): string {
  const fields = {
    setId: new Uint8Array(16).fill(0xa5),
    generation: 3,
    manifestId: new Uint8Array(32).fill(0x5a),
    created: 1_700_000_000,
    keyEpoch: 1,
  };
  return listing([
    ['K_owner', key.derive('owner-key')],
    ['public key', ownerPublicKey(key)],
    ['label("set-head")', label('set-head')],
    ['head', encode(SetHead, fields)],
    ['SignedSetHead', signHead(key, fields)],
  ]);
}

function records(): string {
  const setId = new Uint8Array(16).fill(7);
  const writer = new RecordWriter(65536, { setId, volume: 1, volumes: 1, schema: 9 });
  const first = writer.write(0x8010, Uint8Array.of(1, 2));
  const { position } = writer.range;
  const group = new Group();
  for (const text of ['so it is, so it is, so it is', 'so it is not']) group.add(0x8010, utf8(text));
  const begun = concat(...first);
  return listing([
    ['BEGIN', begun.subarray(0, position)],
    ['0x8010', begun.subarray(position)],
    ['GROUP', concat(...writer.writeGroup(group))],
    ['END', concat(...writer.end())],
  ]);
}

const CHANNEL = await channelExample(1);
const CHANNEL_P256 = await channelExample(2);
const SALVAGE = await salvageExample(key);

/** Every example by the name in its markers. */
const EXAMPLES: Readonly<Record<string, () => string>> = {
  'chat-schema': () => ['```sql', SCHEMA, INDEX, '```'].join('\n'),
  container,
  head,
  keys,
  manifest: () => listing(manifestExample()),
  records,
  opaque: () => listing(opaqueExample()),
  salvage: () => SALVAGE,
  channel: () => listing(CHANNEL),
  'channel-p256': () => listing(CHANNEL_P256),
  fleet: () => listing(fleetExample()),
};

/** `text` with every example between its markers made anew. @throws Error if a marker names no example */
export function renew(text: string): string {
  return text.replaceAll(
    /(<!-- example:([a-z0-9-]+) -->\n)[^]*?(<!-- \/example:\2 -->)/gu,
    (_match, begin: string, name: string, end: string) => {
      const example = EXAMPLES[name];
      if (example === undefined) throw new Error(`there is no example named ${name}`);
      return `${begin}\n${example()}\n\n${end}`;
    },
  );
}

/** Every document of the specification: its place and its text. */
export function documents(): { place: URL; text: string }[] {
  const folder = new URL('../spec/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => new URL(name, folder))
    .map((place) => ({ place, text: readFileSync(place, 'utf8') }));
}

if (import.meta.main) {
  for (const { place, text } of documents()) {
    if (renew(text) !== text) writeFileSync(place, renew(text));
  }
}
