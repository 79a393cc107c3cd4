/**
 * Random access of the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { appendFileSync } from 'node:fs';
import {
  openRange,
  planRange,
  type ByteSource,
  type ObjectReader,
  type RangeOptions,
} from '../../reference/container/index.ts';
import { isStrongroomError } from '../../reference/errors.ts';
import { BackupKey } from '../../reference/keys/backup-key.ts';
import { httpSource } from '../../reference/sources/http.ts';
import { concat, hex } from '../../reference/wire/bytes.ts';
import { engine } from './reference-engine.ts';
import type { Operation, Params } from './serve.ts';

/** The object at an address, or that of the request in pieces, with what its source is to say of its length. */
function sourceOf(params: Params): ByteSource {
  if (params.has('url')) return httpSource(params.text('url'));
  const object = params.bytes('object');
  const size = params.has('pieceLength') ? params.number('pieceLength') : object.length;
  return {
    length: () => (params.has('sourceLength') ? params.number('sourceLength') : object.length),
    async *read(start, end) {
      const part = object.subarray(start, end);
      for (let at = 0; at < part.length; at += size) yield part.subarray(at, at + size);
    },
  };
}

function optionsOf(params: Params): RangeOptions {
  const header = params.has('header') ? params.object('header') : undefined;
  return {
    key: BackupKey.fromBytes(params.bytes('key')),
    context: params.bytesOr('context'),
    engine,
    ...(params.has('objectLength') && { objectLength: params.number('objectLength') }),
    ...(params.has('contentLength') && { contentLength: params.number('contentLength') }),
    ...(header && { header: { prefix: header.bytes('prefix'), commitment: header.bytes('commitment') } }),
  };
}

async function readerOf(params: Params): Promise<ObjectReader> {
  return openRange(sourceOf(params), optionsOf(params));
}

/** The bytes of a range, or the code of its error. */
async function readOne(reader: ObjectReader, offset: number, length: number): Promise<string> {
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of reader.read(offset, length)) pieces.push(piece);
    return hex(concat(...pieces));
  } catch (error) {
    if (isStrongroomError(error)) return error.code;
    throw error;
  }
}

/** Operations of ranges. */
export const rangeOperations: Readonly<Record<string, Operation>> = {
  'range.probe': async (params) => {
    const { contentLength, padding, objectLength } = await (await readerOf(params)).probe();
    return { contentLength, padding, objectLength };
  },
  'range.read': async (params) => {
    const reader = await readerOf(params);
    const length = params.number('length');
    for await (const piece of reader.read(params.number('offset'), length)) {
      if (params.has('sink')) appendFileSync(params.text('sink'), piece);
    }
    return { length };
  },
  'range.read-many': async (params) => {
    const reader = await readerOf(params);
    const contents = params.pairs('ranges').map(async ([offset, length]) => readOne(reader, offset, length));
    return { contents: await Promise.all(contents) };
  },
  'range.plan': (params) => {
    const layout = { headerLength: params.number('headerLength'), chunkLog2: params.number('chunkLog2') };
    const plans = params.pairs('ranges').map(([offset, length]) => {
      const { first, last, start, end } = planRange(layout, params.number('objectLength'), offset, length);
      return { first, last, start, end };
    });
    return { plans };
  },
};
