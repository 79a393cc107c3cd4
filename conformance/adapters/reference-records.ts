/**
 * Records and manifests of the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { ManifestReader, RecordRangeReader, RecordReader, RecordWriter } from '../../reference/set/index.ts';
import { concat, hex } from '../../reference/wire/bytes.ts';
import type { Operation } from './serve.ts';

/** Pieces in which content is given to readers: a prime, so that no boundary meets another. */
const PIECE = 1009;

function* pieces(content: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += PIECE) yield content.subarray(at, at + PIECE);
}

/** Operations of records and manifests. */
export const recordOperations: Readonly<Record<string, Operation>> = {
  'records.read': (params) => {
    const reader = new RecordReader(2 ** params.number('chunkLog2'), params.numbers('known'));
    const records = [...pieces(params.bytes('content'))].flatMap((piece) => [...reader.push(piece)]);
    reader.finish();
    return { records: records.map(({ type, body }) => ({ type, body: hex(body) })) };
  },
  'records.read-range': (params) => {
    const content = params.bytes('content');
    const range = { position: params.number('position'), length: content.length };
    const reader = new RecordRangeReader(2 ** params.number('chunkLog2'), range, params.number('type'));
    for (const piece of pieces(content)) reader.push(piece);
    return { body: hex(reader.finish()) };
  },
  'records.write': (params) => {
    const begin = { setId: params.bytes('setId'), volume: 1, volumes: 1, schema: params.number('schema') };
    const writer = new RecordWriter(2 ** params.number('chunkLog2'), begin);
    const parts = params
      .list('records')
      .flatMap((one) => writer.write(one.number('type'), one.bytes('body')));
    return { content: hex(concat(...parts, ...writer.end())) };
  },
  'manifest.read': (params) => {
    const reader = new ManifestReader();
    const entries = [...pieces(params.bytes('content'))].flatMap((piece) => reader.push(piece));
    reader.finish();
    const { head } = reader;
    return {
      setId: hex(head?.setId ?? new Uint8Array(0)),
      generation: head?.generation ?? 0,
      entries: entries.map(({ kind, path }) => ({ kind, path })),
    };
  },
};
